package lorikeet.runtime;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;
import java.nio.file.Path;

/** What the stand-in for a CUDA driver tells a test that is loaded in the same process, see stand_in_driver.c. */
@SuppressWarnings("restricted") // it is native code
final class StandIn {
    private final SymbolLookup library;

    private StandIn(SymbolLookup library) {
        this.library = library;
    }

    /** Makes it this process's driver and cuBLASLt. */
    static StandIn use(Path file) {
        System.setProperty("lorikeet.cuda.driver", file.toString());
        System.setProperty("lorikeet.cuda.cublaslt", file.toString());
        return new StandIn(SymbolLookup.libraryLookup(file, Arena.global()));
    }

    private MethodHandle function(String name, FunctionDescriptor type) {
        return Linker.nativeLinker().downcallHandle(library.find(name).orElseThrow(), type);
    }

    private long call(String name) {
        try {
            return (long) function(name, FunctionDescriptor.of(JAVA_LONG)).invokeExact();
        } catch (Throwable e) {
            throw new AssertionError(e);
        }
    }

    /** Sets how much memory the device has. */
    void limit(long bytes) {
        try {
            function("stand_in_limit", FunctionDescriptor.ofVoid(JAVA_LONG)).invokeExact(bytes);
        } catch (Throwable e) {
            throw new AssertionError(e);
        }
    }

    /** Device memory that is allocated. */
    long used() {
        return call("stand_in_used");
    }

    /** Objects that are open. */
    long open() {
        return call("stand_in_open");
    }

    /** Objects that were open when their context was closed. */
    long leftBehind() {
        return call("stand_in_left_behind");
    }

    /** Calls that no driver would forgive. */
    long mistakes() {
        return call("stand_in_mistakes");
    }

    /** Launches of what gives a row other bits in other company. */
    long batchDependent() {
        return call("stand_in_batch_dependent");
    }

    /** Launches of products that finish a projection. */
    long finishingProducts() {
        return call("stand_in_finishing_products");
    }

    /** Launches of products of steps without adapters that turn heads. */
    long turningProducts() {
        return call("stand_in_turning_products");
    }

    /** The same of steps with adapters. */
    long turningAdaptedProducts() {
        return call("stand_in_turning_adapted_products");
    }

    /** Launches of recorded steps. */
    long replays() {
        return call("stand_in_replays");
    }
}

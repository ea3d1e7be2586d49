package lorikeet.bindings;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.invoke.MethodHandle;

/**
 * The system's own loader (dlopen(3) and its family), called directly because Java's lookups tell neither why a library
 * did not load nor which file was taken. Made for a search, not for a hot path.
 */
final class DynamicLoader {
    private static final int RTLD_LAZY = 1;
    /** {@code Dl_info} of dladdr(3): file name, its base address, symbol name, its address. */
    private static final MemoryLayout DL_INFO = MemoryLayout.sequenceLayout(4, ADDRESS);

    private final MethodHandle open;
    private final MethodHandle symbol;
    private final MethodHandle error;
    private final MethodHandle close;
    private final MethodHandle address;

    /**
     * @throws UnsupportedOperationException if the system has no such loader
     * @throws IllegalCallerException if native access is denied to this module
     */
    DynamicLoader() {
        open = handle("dlopen", FunctionDescriptor.of(ADDRESS, ADDRESS, JAVA_INT));
        symbol = handle("dlsym", FunctionDescriptor.of(ADDRESS, ADDRESS, ADDRESS));
        error = handle("dlerror", FunctionDescriptor.of(ADDRESS));
        close = handle("dlclose", FunctionDescriptor.of(JAVA_INT, ADDRESS));
        address = handle("dladdr", FunctionDescriptor.of(JAVA_INT, ADDRESS, ADDRESS));
    }

    /** What came of an attempt to open a library. */
    sealed interface Opened {
        /**
         * It is open and stays so for the life of the process.
         *
         * @param file the file that the loader took
         * @param symbolAddress the address of the symbol that was asked for
         */
        record Ok(String file, long symbolAddress) implements Opened {}

        /** It is not usable, and not open. */
        record Failed(String reason) implements Opened {}
    }

    /**
     * Opens a library and looks a symbol up in it.
     *
     * @param name an absolute path, or a bare file name to be found on the loader's own path
     */
    Opened open(String name, String symbolName) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment nativeName = arena.allocateFrom(name);
            MemorySegment nativeSymbol = arena.allocateFrom(symbolName);
            MemorySegment info = arena.allocate(DL_INFO);

            MemorySegment library = (MemorySegment) open.invokeExact(nativeName, RTLD_LAZY);
            if (library.address() == 0) {
                return new Opened.Failed(lastError());
            }
            MemorySegment found = (MemorySegment) symbol.invokeExact(library, nativeSymbol);
            if (found.address() == 0) {
                int ignored = (int) close.invokeExact(library);
                return new Opened.Failed("it loads, but has no function " + symbolName);
            }
            int known = (int) address.invokeExact(found, info);
            String file = known == 0 ? name : string(info.get(ADDRESS, 0));
            return new Opened.Ok(file, found.address());
        } catch (Error | RuntimeException e) {
            throw e;
        } catch (Throwable e) {
            throw new AssertionError("a native call threw", e);
        }
    }

    private String lastError() throws Throwable {
        MemorySegment text = (MemorySegment) error.invokeExact();
        return text.address() == 0 ? "the loader gave no reason" : string(text);
    }

    @SuppressWarnings("restricted") // a C string carries no length
    private static String string(MemorySegment text) {
        return text.reinterpret(Long.MAX_VALUE).getString(0);
    }

    @SuppressWarnings("restricted") // the descriptors are those of POSIX
    private static MethodHandle handle(String name, FunctionDescriptor descriptor) {
        Linker linker = Linker.nativeLinker();
        SymbolLookup system = linker.defaultLookup();
        MemorySegment function = system.find(name)
                .orElseThrow(() -> new UnsupportedOperationException(
                        System.getProperty("os.name") + " has no " + name + "; NVIDIA's libraries are used on Linux"));
        return linker.downcallHandle(function, descriptor);
    }
}

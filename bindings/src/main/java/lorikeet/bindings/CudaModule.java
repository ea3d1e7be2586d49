package lorikeet.bindings;

import java.lang.foreign.Arena;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;

/** Loaded kernels. Its maker closes it when none of them is running. */
public final class CudaModule implements AutoCloseable {
    private static final int MAX_DYNAMIC_SHARED_SIZE_BYTES = 8;

    private final DriverCalls driver;
    private final DeviceCalls calls;
    private final CudaStatus status;
    private final MemorySegment module;

    CudaModule(DriverCalls driver, DeviceCalls calls, CudaStatus status, MemorySegment module) {
        this.driver = driver;
        this.calls = calls;
        this.status = status;
        this.module = module;
    }

    /**
     * Finds a kernel and prepares launches of it.
     *
     * @param arena owns the launches' native memory
     * @param sharedBytes the most dynamic shared memory of a block that a launch will ask for
     * @param parameters the layouts of the kernel's parameters, in order
     */
    public KernelLaunch kernel(Arena arena, String name, int sharedBytes, MemoryLayout... parameters) {
        MemorySegment function;
        try (Arena scratch = Arena.ofConfined()) {
            MemorySegment nativeName = scratch.allocateFrom(name);
            function = CudaContext.handle(out ->
                    status.check(calls.moduleGetFunction(out, module, nativeName), "cuModuleGetFunction of " + name));
        }
        if (sharedBytes > 0) {
            status.check(
                    calls.funcSetAttribute(function, MAX_DYNAMIC_SHARED_SIZE_BYTES, sharedBytes),
                    "cuFuncSetAttribute of " + name + " to " + sharedBytes + " bytes of shared memory");
        }
        return new KernelLaunch(driver, status, arena, name, function, parameters);
    }

    @Override
    public void close() {
        status.check(calls.moduleUnload(module), "cuModuleUnload");
    }
}

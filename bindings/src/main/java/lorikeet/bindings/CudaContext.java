package lorikeet.bindings;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Optional;

/**
 * The primary context of one device: what streams, events, memory and kernels belong to. Retained when opened, released
 * by {@link #close}, before which everything made here must be closed.
 *
 * <p>Safe for use by several threads; each calls {@link #use} before it works with the device. Only platform threads
 * should, because a virtual thread in a downcall pins its carrier.
 */
public final class CudaContext implements AutoCloseable {
    // As in cuda.h; see CudaStatus for why such numbers are written out.
    private static final int STREAM_NON_BLOCKING = 1;
    private static final int EVENT_DISABLE_TIMING = 2;
    private static final int REGISTER_READ_ONLY = 8;

    private final DeviceCalls calls;
    private final DriverCalls driver;
    private final CudaStatus status;
    private final CudaDevice device;
    private final MemorySegment context;
    private boolean closed;

    /** The memory of a device at a moment, of all processes, in bytes. */
    public record MemoryInfo(long free, long total) {}

    CudaContext(DriverCalls driver, DeviceCalls calls, CudaDevice device) {
        this.driver = driver;
        this.calls = calls;
        this.status = new CudaStatus(driver);
        this.device = device;
        this.context = handle(
                out -> status.check(calls.devicePrimaryCtxRetain(out, device.handle()), "cuDevicePrimaryCtxRetain"));
        use();
    }

    /** A driver's function that writes a handle. */
    interface Maker {
        void make(MemorySegment out);
    }

    static MemorySegment handle(Maker maker) {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment out = arena.allocate(ADDRESS);
            maker.make(out);
            return out.get(ADDRESS, 0);
        }
    }

    /** The device that this is the context of. */
    public CudaDevice device() {
        return device;
    }

    /** Makes this the context of the calling thread. Cheap, so that it may be called again before each piece of work. */
    public void use() {
        status.check(calls.ctxSetCurrent(context), "cuCtxSetCurrent");
    }

    /** How much memory the device has left, and in all. */
    public MemoryInfo memoryInfo() {
        try (Arena arena = Arena.ofConfined()) {
            MemorySegment free = arena.allocate(JAVA_LONG);
            MemorySegment total = arena.allocate(JAVA_LONG);
            status.check(calls.memGetInfo(free, total), "cuMemGetInfo");
            return new MemoryInfo(free.get(JAVA_LONG, 0), total.get(JAVA_LONG, 0));
        }
    }

    /** Makes a stream, which runs beside all others. A lower number is a higher priority; 0 is the lowest. */
    public CudaStream stream(int priority) {
        MemorySegment stream = handle(out ->
                status.check(calls.streamCreate(out, STREAM_NON_BLOCKING, priority), "cuStreamCreateWithPriority"));
        return new CudaStream(calls, status, stream);
    }

    /** Makes an event to wait for. */
    public CudaEvent event() {
        return event(EVENT_DISABLE_TIMING);
    }

    /** Makes an event that also tells the time, see {@link CudaEvent#millisecondsSince}. */
    public CudaEvent timingEvent() {
        return event(0);
    }

    private CudaEvent event(int flags) {
        return new CudaEvent(
                calls, status, handle(out -> status.check(calls.eventCreate(out, flags), "cuEventCreate")));
    }

    /**
     * Allocates device memory, aligned to 256 bytes at least.
     *
     * @throws CudaOutOfMemoryException if the device has not as much left
     */
    @SuppressWarnings("restricted") // a segment that stands for device memory and is never read
    public DeviceMemory allocate(long bytes) {
        MemorySegment address = handle(out -> status.checkAllocation(calls.memAlloc(out, bytes), "cuMemAlloc", bytes));
        return new DeviceMemory(calls, status, address.reinterpret(bytes));
    }

    /**
     * Allocates page-locked host memory, which copies run from and to at full speed and beside the thread that asked.
     *
     * @throws CudaOutOfMemoryException if the system doesn't give as much
     */
    @SuppressWarnings("restricted") // the size is the one that was asked for
    public PinnedMemory pinned(long bytes) {
        MemorySegment pointer =
                handle(out -> status.checkAllocation(calls.memHostAlloc(out, bytes, 0), "cuMemHostAlloc", bytes));
        return new PinnedMemory(calls, status, pointer.reinterpret(bytes));
    }

    /**
     * Page-locks memory that is mapped already, such as a file's, for reading by the device. Where the system refuses
     * (limits of a container, an old driver), there is no registration, and copies must go through {@link #pinned} memory.
     */
    public HostRegistration register(MemorySegment memory) {
        int code = calls.memHostRegister(memory, memory.byteSize(), REGISTER_READ_ONLY);
        Optional<String> refusal =
                code == CudaStatus.SUCCESS ? Optional.empty() : Optional.of(status.text(code, "cuMemHostRegister"));
        return new HostRegistration(this, calls, status, memory, refusal);
    }

    /**
     * Loads kernels.
     *
     * @param image a fatbin, cubin, or PTX that ends with a zero byte, in native memory
     */
    public CudaModule module(MemorySegment image) {
        MemorySegment module = handle(out -> status.check(
                calls.moduleLoadDataEx(out, image, 0, MemorySegment.NULL, MemorySegment.NULL), "cuModuleLoadDataEx"));
        return new CudaModule(driver, calls, status, module);
    }

    /** Releases the context. Closing again does nothing. */
    @Override
    public synchronized void close() {
        if (!closed) {
            closed = true;
            status.check(calls.devicePrimaryCtxRelease(device.handle()), "cuDevicePrimaryCtxRelease");
        }
    }
}

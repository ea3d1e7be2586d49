package lorikeet.jmh.device;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.TimeUnit;
import lorikeet.bindings.CublasLt;
import lorikeet.bindings.CublasProduct;
import lorikeet.bindings.CudaContext;
import lorikeet.bindings.DeviceMemory;
import lorikeet.bindings.LibraryNotFoundException;
import lorikeet.bindings.PinnedMemory;
import org.jspecify.annotations.Nullable;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/** What a GPU can do at best: the numbers that floors are made of. By the device's clock. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
public class GpuCeilings {
    /** Bytes that are copied on the device: read once and written once. */
    static final long COPIED = 2L << 30;

    /** Bytes that are copied from page-locked host memory. */
    static final long SENT = 256L << 20;

    /** The sides of the product's matrices. */
    static final int SIDE = 8192;

    /** Which GPU. */
    @Param("cuda")
    String device = "cuda";

    private final Arena arena = Arena.ofShared();
    private @Nullable Opened opened;

    private record Opened(
            Gpu gpu, CublasLt library, CublasProduct product, DeviceMemory from, DeviceMemory to, PinnedMemory host) {}

    /** Fills the memory with random numbers: what they are matters to the speed of a product. */
    @Setup
    public void open() throws LibraryNotFoundException {
        Gpu gpu = Gpu.open(device);
        CudaContext context = gpu.context();
        CublasLt library = CublasLt.open(context);
        Opened made = new Opened(
                gpu,
                library,
                library.products(SIDE, SIDE, SIDE, false, 1).getFirst(),
                context.allocate(COPIED),
                context.allocate(COPIED),
                context.pinned(SENT));
        Noise noise = new Noise(arena, SENT / Short.BYTES);
        made.host.segment().copyFrom(noise.all().asSlice(0, SENT));
        for (long at = 0; at < COPIED; at += SENT) {
            gpu.stream().copyToDevice(made.from.address() + at, made.host.segment(), SENT);
        }
        gpu.settle();
        opened = made;
    }

    private Opened opened() {
        if (opened == null) {
            throw new IllegalStateException("not open");
        }
        return opened;
    }

    /** A copy on the device. */
    @Benchmark
    public void deviceCopy(DeviceTime time) {
        Opened with = opened();
        time.measure(
                with.gpu.timer(), () -> with.gpu.stream().copyOnDevice(with.to.address(), with.from.address(), COPIED));
    }

    /** A copy from page-locked host memory. */
    @Benchmark
    public void hostToDevice(DeviceTime time) {
        Opened with = opened();
        time.measure(
                with.gpu.timer(), () -> with.gpu.stream().copyToDevice(with.to.address(), with.host.segment(), SENT));
    }

    /** A bf16 product of two square matrices. */
    @Benchmark
    public void product(DeviceTime time) {
        Opened with = opened();
        long bytes = (long) SIDE * SIDE * Short.BYTES;
        MemorySegment first = with.from.segment().asSlice(0, bytes);
        MemorySegment second = with.from.segment().asSlice(bytes, bytes);
        MemorySegment out = with.to.segment().asSlice(0, bytes);
        time.measure(with.gpu.timer(), () -> with.product.run(with.gpu.stream(), first, second, out));
    }

    /** Gives everything back. */
    @TearDown
    public void close() {
        Opened with = opened();
        with.gpu.settle();
        with.host.close();
        with.from.close();
        with.to.close();
        with.library.close();
        with.gpu.close();
        arena.close();
    }
}

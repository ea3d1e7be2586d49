package lorikeet.jmh.device;

import java.lang.foreign.Arena;
import java.util.concurrent.TimeUnit;
import lorikeet.bindings.CublasLt;
import lorikeet.bindings.CublasProduct;
import lorikeet.bindings.CudaContext;
import lorikeet.bindings.CudaStream;
import lorikeet.bindings.DeviceMemory;
import lorikeet.bindings.LibraryNotFoundException;
import lorikeet.bindings.PinnedMemory;
import lorikeet.bindings.StreamTimer;
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
            CudaContext context,
            CudaStream stream,
            StreamTimer timer,
            CublasLt library,
            CublasProduct product,
            DeviceMemory from,
            DeviceMemory to,
            PinnedMemory host) {}

    /** Fills the memory with random numbers: what they are matters to the speed of a product. */
    @Setup
    public void open() throws LibraryNotFoundException {
        CudaContext context = Gpu.open(device);
        CudaStream stream = context.stream(0);
        CublasLt library = CublasLt.open(context);
        Opened made = new Opened(
                context,
                stream,
                new StreamTimer(context, stream),
                library,
                library.products(SIDE, SIDE, SIDE, false, 1).getFirst(),
                context.allocate(COPIED),
                context.allocate(COPIED),
                context.pinned(SENT));
        Noise noise = new Noise(arena, SENT / Short.BYTES);
        made.host.segment().copyFrom(noise.all().asSlice(0, SENT));
        for (long at = 0; at < COPIED; at += SENT) {
            stream.copyToDevice(made.from.address() + at, made.host.segment(), SENT);
        }
        stream.synchronize();
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
        Opened gpu = opened();
        gpu.timer.start();
        gpu.stream.copyOnDevice(gpu.to.address(), gpu.from.address(), COPIED);
        gpu.timer.stop();
        time.add(gpu.timer, 1);
    }

    /** A copy from page-locked host memory. */
    @Benchmark
    public void hostToDevice(DeviceTime time) {
        Opened gpu = opened();
        gpu.timer.start();
        gpu.stream.copyToDevice(gpu.to.address(), gpu.host.segment(), SENT);
        gpu.timer.stop();
        time.add(gpu.timer, 1);
    }

    /** A bf16 product of two square matrices. */
    @Benchmark
    public void product(DeviceTime time) {
        Opened gpu = opened();
        long bytes = (long) SIDE * SIDE * Short.BYTES;
        gpu.timer.start();
        gpu.product.run(
                gpu.stream,
                gpu.from.segment().asSlice(0, bytes),
                gpu.from.segment().asSlice(bytes, bytes),
                gpu.to.segment().asSlice(0, bytes));
        gpu.timer.stop();
        time.add(gpu.timer, 1);
    }

    /** Gives everything back. */
    @TearDown
    public void close() {
        Opened gpu = opened();
        gpu.context.use();
        gpu.stream.synchronize();
        gpu.timer.close();
        gpu.host.close();
        gpu.from.close();
        gpu.to.close();
        gpu.library.close();
        gpu.stream.close();
        gpu.context.close();
        arena.close();
    }
}

package lorikeet.jmh.device;

import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.concurrent.TimeUnit;
import lorikeet.bindings.CudaContext;
import lorikeet.bindings.CudaEvent;
import lorikeet.bindings.CudaGraph;
import lorikeet.bindings.CudaModule;
import lorikeet.bindings.CudaStream;
import lorikeet.bindings.DeviceMemory;
import lorikeet.bindings.KernelLaunch;
import lorikeet.kernels.cuda.CudaOperations;
import org.jspecify.annotations.Nullable;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/** What it costs to call the driver: once, to launch a kernel that has nothing to do, and to replay a recording of some. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class GpuCalls {
    private static final int LAUNCHES = 500;

    /** Kernels in the recording: about as many as a decode step of Llama-3-8B has. */
    static final int RECORDED = 256;

    private static final int STEP_BYTES = 4096;

    /** Which GPU. */
    @Param("cuda")
    String device = "cuda";

    private final Arena arena = Arena.ofShared();
    private @Nullable Opened opened;

    private record Opened(
            Gpu gpu, CudaModule module, KernelLaunch kernel, CudaEvent event, CudaGraph graph, DeviceMemory step) {}

    /** Loads the kernels, and records launches of one over a step without tokens. */
    @Setup
    public void open() throws IOException {
        Gpu gpu = Gpu.open(device);
        CudaContext context = gpu.context();
        CudaStream stream = gpu.stream();
        CudaModule module = context.module(kernels());
        DeviceMemory step = context.allocate(STEP_BYTES);
        stream.fill(step.address(), (byte) 0, STEP_BYTES);
        KernelLaunch kernel = module.kernel(
                        arena,
                        "rms_norm",
                        0,
                        ValueLayout.JAVA_LONG,
                        ValueLayout.JAVA_LONG,
                        ValueLayout.JAVA_LONG,
                        ValueLayout.JAVA_FLOAT,
                        ValueLayout.JAVA_INT,
                        ValueLayout.JAVA_LONG,
                        ValueLayout.JAVA_INT)
                .block(256, 1, 1, 0)
                .set(0, step.address());
        CudaEvent event = context.event();
        kernel.launch(stream.handle());
        event.record(stream);
        stream.synchronize();
        if (!event.isDone()) {
            throw new IllegalStateException("the device is not done after it was waited for");
        }
        stream.beginCapture();
        for (int i = 0; i < RECORDED; i++) {
            kernel.launch(stream.handle());
        }
        CudaGraph graph = stream.endCapture();
        opened = new Opened(gpu, module, kernel, event, graph, step);
    }

    private MemorySegment kernels() throws IOException {
        try (InputStream in = CudaOperations.class.getResourceAsStream("lorikeet.fatbin")) {
            if (in == null) {
                throw new IllegalStateException("this build has no CUDA kernels");
            }
            return arena.allocateFrom(ValueLayout.JAVA_BYTE, in.readAllBytes());
        }
    }

    private Opened opened() {
        if (opened == null) {
            throw new IllegalStateException("not open");
        }
        return opened;
    }

    /** One downcall that does next to nothing: asking whether an event has passed. */
    @Benchmark
    public boolean downcall() {
        return opened().event.isDone();
    }

    /** One launch among many, to the end of the last. */
    @Benchmark
    @OperationsPerInvocation(LAUNCHES)
    public void launch() {
        Opened with = opened();
        CudaStream stream = with.gpu.stream();
        for (int i = 0; i < LAUNCHES; i++) {
            with.kernel.launch(stream.handle());
        }
        stream.synchronize();
    }

    /** One replay of {@value #RECORDED} recorded launches, to its end. */
    @Benchmark
    public void graphReplay(DeviceTime time) {
        Opened with = opened();
        time.measure(with.gpu.timer(), () -> with.graph.launch(with.gpu.stream()));
    }

    /** Gives everything back. */
    @TearDown
    public void close() {
        Opened with = opened();
        with.gpu.settle();
        with.graph.close();
        with.event.close();
        with.step.close();
        with.module.close();
        with.gpu.close();
        arena.close();
    }
}

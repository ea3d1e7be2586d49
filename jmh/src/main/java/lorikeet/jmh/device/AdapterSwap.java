package lorikeet.jmh.device;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import lorikeet.kernels.AdapterWeights;
import lorikeet.kernels.KvLayout;
import lorikeet.kernels.Operations;
import lorikeet.kernels.Registration;
import lorikeet.memory.ElementType;
import lorikeet.memory.MappedFile;
import lorikeet.memory.SlabLease;
import lorikeet.memory.SlabPlan;
import lorikeet.memory.SlabPool;
import lorikeet.runtime.DeviceChoice;
import lorikeet.runtime.Devices;
import lorikeet.runtime.adapter.AdapterLoader;
import lorikeet.runtime.adapter.LoadedAdapter;
import lorikeet.runtime.engine.EngineMemory;
import lorikeet.runtime.model.ModelConfig;
import lorikeet.runtime.model.ModelWeights;
import org.jspecify.annotations.Nullable;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.infra.Blackhole;

/** An adapter on its way from a file in the page cache into a device's slabs. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
public class AdapterSwap {
    static final int RANK = 16;

    private static final String REGISTER = "lorikeet.cuda.register";

    /** Where to compute. */
    @Param("cpu")
    String device = "cpu";

    /** The model. */
    @Param("SMALL")
    ModelShape shape = ModelShape.SMALL;

    /** The type of the adapter's file: F32, as PEFT saves them, or BF16. */
    @Param("F32")
    ElementType type = ElementType.F32;

    /** Whether its file may be page-locked; if not, it goes through page-locked buffers. */
    @Param("true")
    boolean registered = true;

    /** Its rank. */
    @Param("16")
    int rank = RANK;

    private final Arena arena = Arena.ofShared();
    private @Nullable Opened opened;
    private @Nullable LoadedAdapter justLoaded;

    /** What the benchmarks work on: an adapter that is ready, and room for one that is resident. */
    private record Opened(Operations operations, ModelWeights base, SlabPool pool, ReadyAdapter ready, SlabPlan plan) {}

    /** Writes the adapter and checks what is loaded. */
    @Setup
    public void open() throws IOException {
        ModelConfig config = shape.config();
        Noise noise = new Noise(arena, (long) ModelShape.VOCABULARY * shape.hidden());
        Operations operations = openDevice();
        ModelWeights base = new RandomWeights(shape, noise).model(List::copyOf);
        KvLayout layout = new KvLayout(config.layers(), config.kvHeads(), config.headSize(), operations.kvType());
        Load two = new Load(0, 2);
        SlabPool pool = operations.slabPool(EngineMemory.slabBytes(layout), Decode.slabs(shape, two, rank));
        ReadyAdapter ready = new ReadyAdapter(shape, rank, type, base, operations, pool.slabBytes());
        SlabPlan plan = ready.loaded().plan();
        opened = new Opened(operations, base, pool, ready, plan);
        try (SlabLease lease = pool.lease(plan).orElseThrow()) {
            ready.checkCopy(operations.copyIn(ready.loaded().weights(), plan, lease.memory()), operations);
        }
    }

    private Operations openDevice() {
        if (registered) {
            return openDefault();
        }
        String before = System.setProperty(REGISTER, "false");
        try {
            return openDefault();
        } finally {
            if (before == null) {
                System.clearProperty(REGISTER);
            } else {
                System.setProperty(REGISTER, before);
            }
        }
    }

    private Operations openDefault() {
        return Devices.open(DeviceChoice.parse(device), Runtime.getRuntime().availableProcessors())
                .operations();
    }

    private Opened opened() {
        if (opened == null) {
            throw new IllegalStateException("not open");
        }
        return opened;
    }

    /** From a file in the page cache to READY: mapped, checked, registered and planned. */
    @Benchmark
    public SlabPlan load() {
        Opened with = opened();
        LoadedAdapter adapter = AdapterLoader.loadRegistered(with.ready.folder(), with.base, with.operations);
        justLoaded = adapter;
        return adapter.prepare(with.operations, with.pool.slabBytes()).plan();
    }

    /** The adapter's file, mapped once more, as long as one invocation. */
    @State(Scope.Thread)
    public static class Mapped {
        private @Nullable Arena arena;
        private @Nullable MappedFile file;
        private @Nullable Registration registration;

        /** Maps the file. */
        @Setup(Level.Invocation)
        @SuppressWarnings("MustBeClosedChecker") // closed by unmap
        public void map(AdapterSwap swap) {
            Arena own = Arena.ofShared();
            arena = own;
            file = MappedFile.open(
                    swap.opened().ready.loaded().files().files().getFirst().path(), own);
        }

        /** Gives it back. */
        @TearDown(Level.Invocation)
        public void unmap() {
            if (registration != null) {
                registration.close();
                registration = null;
            }
            if (arena != null) {
                arena.close();
            }
        }
    }

    /** The part of a load that the device has: a file that is mapped gets ready for copies. */
    @Benchmark
    public void register(Mapped mapped) {
        Registration made =
                opened().operations.register(Objects.requireNonNull(mapped.file).segment());
        mapped.registration = made;
        made.await();
    }

    /** Slabs are taken from one adapter and given to another. */
    @Benchmark
    public int evict() {
        Opened with = opened();
        try (SlabLease lease = with.pool.lease(with.plan).orElseThrow()) {
            return lease.memory().size();
        }
    }

    /** From READY to RESIDENT. */
    @Benchmark
    public void swapIn(Blackhole result) {
        Opened with = opened();
        try (SlabLease lease = with.pool.lease(with.plan).orElseThrow()) {
            result.consume(with.operations.copyIn(with.ready.loaded().weights(), with.plan, lease.memory()));
        }
    }

    /** A new version takes the slabs of the old one: load, evict, swap in. */
    @Benchmark
    public AdapterWeights replace() {
        SlabPlan plan = load();
        Opened with = opened();
        LoadedAdapter adapter = justLoaded;
        if (adapter == null) {
            throw new IllegalStateException("not loaded");
        }
        try (SlabLease lease = with.pool.lease(plan).orElseThrow()) {
            return with.operations.copyIn(adapter.weights(), plan, lease.memory());
        }
    }

    /** Unloads what the benchmark loaded; not timed. */
    @TearDown(Level.Invocation)
    public void unload() {
        if (justLoaded != null) {
            justLoaded.close();
            justLoaded = null;
        }
    }

    /** Gives everything back. */
    @TearDown
    public void close() {
        Opened with = opened();
        with.ready.close();
        with.pool.close();
        with.operations.close();
        arena.close();
    }
}

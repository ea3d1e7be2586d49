package lorikeet.jmh;

import java.io.IOException;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import lorikeet.memory.ElementType;
import lorikeet.runtime.adapter.LoadedAdapter;
import org.jspecify.annotations.Nullable;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/** Loading and unloading an adapter of 20 MB for {@link RandomModel#LARGE}, from the page cache. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
public class AdapterLoad {
    private static final int RANK = 36;
    private static final int MODULES = 7 * RandomModel.LARGE.layers();

    private @Nullable OpenModel opened;
    private Path folder = Path.of("");

    /** Opens the model and checks what is loaded. */
    @Setup
    public void open() throws IOException {
        OpenModel model = new OpenModel(RandomModel.LARGE, 1, 1, 1);
        opened = model;
        folder = model.adapterFolder(RANK, ElementType.F32, 0);
        try (LoadedAdapter adapter = model.load(folder)) {
            if (adapter.bytes() < 20_000_000
                    || adapter.maxRank() != RANK
                    || adapter.modules().size() != MODULES) {
                throw new IllegalStateException(adapter.modules().size() + " modules of rank " + adapter.maxRank()
                        + " in " + adapter.bytes() + " bytes");
            }
        }
    }

    /** The load, and the unload after it. */
    @Benchmark
    public int loadAndClose() {
        try (LoadedAdapter adapter = model().load(folder)) {
            return adapter.maxRank();
        }
    }

    private OpenModel model() {
        if (opened == null) {
            throw new IllegalStateException("not open");
        }
        return opened;
    }

    /** Gives everything back. */
    @TearDown
    public void close() {
        model().close();
    }
}

package lorikeet.jmh;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import lorikeet.kernels.AdapterWeights;
import lorikeet.kernels.Batch;
import lorikeet.kernels.KvCache;
import lorikeet.kernels.KvLayout;
import lorikeet.kernels.Operations;
import lorikeet.kernels.cpu.CpuOperations;
import lorikeet.memory.ElementType;
import lorikeet.memory.Matrix;
import lorikeet.runtime.adapter.AdapterLoader;
import lorikeet.runtime.adapter.LoadedAdapter;
import lorikeet.runtime.model.Checkpoint;
import lorikeet.runtime.model.ForwardPass;
import lorikeet.runtime.model.ModelConfig;
import lorikeet.runtime.model.ModelWeights;
import org.jspecify.annotations.Nullable;

/** A random model ready for forward passes, with a cache of fixed size. Closing gives everything back. */
final class OpenModel implements AutoCloseable {
    /** Where random models are kept from run to run. */
    private final Path folder = BuildFolder.resolve("random-models");

    private final Arena arena = Arena.ofShared();
    private final RandomModel model;
    private final Checkpoint checkpoint;
    private final Operations operations;
    private final ModelWeights weights;
    private final ForwardPass pass;
    private final Blocks cache;
    private final List<LoadedAdapter> adapters = new ArrayList<>();
    private final int positions;

    /**
     * Opens it.
     *
     * @param sequences the cache has room for this many
     * @param positions the most tokens in a sequence
     * @param stepTokens the most tokens in a step
     */
    OpenModel(RandomModel model, int sequences, int positions, int stepTokens) throws IOException {
        this.model = model;
        this.positions = positions;
        checkpoint = Checkpoint.open(model.write(folder));
        operations = new CpuOperations(Runtime.getRuntime().availableProcessors());
        weights = checkpoint.weights(operations);
        ModelConfig config = checkpoint.config();
        pass = new ForwardPass(config, weights, operations, stepTokens, sequences);
        KvLayout layout = new KvLayout(config.layers(), config.kvHeads(), config.headSize(), operations.kvType());
        cache = new Blocks(layout, sequences * KvLayout.blocksFor(positions), arena);
    }

    /** The KV blocks, one after the other in one piece of memory. */
    private record Blocks(KvLayout layout, MemorySegment memory) implements KvCache {
        Blocks(KvLayout layout, int count, Arena arena) {
            this(layout, arena.allocate(count * layout.blockBytes(), 64));
        }

        @Override
        public MemorySegment block(int index) {
            return memory.asSlice(index * layout.blockBytes(), layout.blockBytes());
        }
    }

    /** The folder of an adapter for this model, which is written if need be. */
    Path adapterFolder(int rank, ElementType type, int number) throws IOException {
        return model.writeAdapter(folder, rank, type, number);
    }

    /** Loads an adapter and leaves it to the caller to close. */
    LoadedAdapter load(Path adapter) {
        return AdapterLoader.load(adapter, weights, operations);
    }

    /** Loads an adapter, which is closed with the model. */
    AdapterWeights adapter(int rank, int number) throws IOException {
        LoadedAdapter loaded = load(adapterFolder(rank, ElementType.BF16, number));
        adapters.add(loaded);
        return loaded.weights();
    }

    /** Adds tokens {@code from} to {@code to} of {@code tokens} as sequence {@code number} of the cache. */
    void add(Batch batch, @Nullable AdapterWeights adapter, int number, int[] tokens, int from, int to, int outputs) {
        int blocks = KvLayout.blocksFor(positions);
        int[] table = IntStream.range(number * blocks, (number + 1) * blocks).toArray();
        batch.addSequence(
                adapter, tokens, from, to, table, checkpoint.config().rope().frequencies(to), outputs);
    }

    /** Runs a step; the logits are overwritten by the next. */
    Matrix run(Batch batch) {
        return pass.run(batch, cache);
    }

    /** A row of logits. */
    float[] logits(Matrix logits, int row) {
        float[] values = new float[logits.cols()];
        operations.read(logits, row, values);
        return values;
    }

    Operations operations() {
        return operations;
    }

    RandomModel model() {
        return model;
    }

    @Override
    public void close() {
        adapters.forEach(LoadedAdapter::close);
        operations.close();
        checkpoint.close();
        arena.close();
    }
}

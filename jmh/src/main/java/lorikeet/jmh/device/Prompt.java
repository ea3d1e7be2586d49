package lorikeet.jmh.device;

import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import lorikeet.kernels.AdapterWeights;
import lorikeet.kernels.Batch;
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
import org.openjdk.jmh.infra.Blackhole;

/** Prompts, computed in one step up to the logits of their last tokens. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
public class Prompt {
    /** In pieces or as a whole, in bf16, a prompt's logits may differ by this part of their norm. */
    private static final double SAME = 0.1;

    /** Where to compute. */
    @Param("cpu")
    String device = "cpu";

    /** The model. */
    @Param("SMALL")
    ModelShape shape = ModelShape.SMALL;

    /** Tokens, and the prompts that they make, each for an adapter of its own: see {@link Load}. */
    @Param({"512/1", "512/4"})
    String load = "512/1";

    /** The adapters' rank, on all seven projections; 0 for the base model alone. */
    @Param({"0", "16"})
    int rank;

    /** Whether results must not depend on the batch. */
    @Param("false")
    boolean batchInvariant;

    private final Batch batch = new Batch();
    private @Nullable RandomDecoder opened;

    /** Makes the model, and checks that the first prompt gives the same logits when it is cut in two. */
    @Setup
    public void open() {
        Load parsed = Load.parse(load);
        int prompts = parsed.adapters();
        int length = parsed.rows() / prompts;
        Load memory = new Load(parsed.rows() / Decode.CONTEXT + prompts, prompts);
        RandomDecoder decoder = new RandomDecoder(
                device, batchInvariant, shape, parsed.rows(), prompts, Decode.slabs(shape, memory, rank));
        opened = decoder;
        List<@Nullable AdapterWeights> adapters = new ArrayList<>();
        if (rank > 0) {
            adapters.addAll(decoder.adapters(prompts, rank));
        }
        SplittableRandom random = new SplittableRandom(2);
        float[] inPieces = {};
        for (int i = 0; i < prompts; i++) {
            int[] tokens = random.ints(length, 0, ModelShape.VOCABULARY).toArray();
            int[] blocks = decoder.blocks(length);
            AdapterWeights adapter = rank > 0 ? adapters.get(i) : null;
            if (i == 0) {
                inPieces = inPieces(decoder, adapter, tokens, blocks);
                batch.clear();
            }
            decoder.add(batch, adapter, tokens, 0, length, blocks, 1);
        }
        double distance = RandomDecoder.distance(decoder.logits(decoder.run(batch), 0), inPieces);
        if (!(distance < SAME)) {
            throw new IllegalStateException("in pieces, the prompt's logits are off by " + distance);
        }
    }

    private float[] inPieces(RandomDecoder decoder, @Nullable AdapterWeights adapter, int[] tokens, int[] blocks) {
        int half = tokens.length / 2 + 1;
        batch.clear();
        decoder.add(batch, adapter, tokens, 0, half, blocks, 0);
        decoder.run(batch);
        // The batch must stay as it is until its step has ended, which only a later result tells.
        Batch rest = new Batch();
        decoder.add(rest, adapter, tokens, half, tokens.length, blocks, 1);
        return decoder.logits(decoder.run(rest), 0);
    }

    private RandomDecoder decoder() {
        if (opened == null) {
            throw new IllegalStateException("not open");
        }
        return opened;
    }

    /** The prompts, to the last token's logits. */
    @Benchmark
    public void prompt(DeviceTime time, Blackhole logits) {
        RandomDecoder decoder = decoder();
        time.measure(decoder.timer(), () -> logits.consume(decoder.run(batch)));
    }

    /** Gives everything back. */
    @TearDown
    public void close() {
        decoder().close();
    }
}

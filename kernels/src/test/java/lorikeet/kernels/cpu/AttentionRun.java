package lorikeet.kernels.cpu;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import lorikeet.kernels.AdapterWeights;
import lorikeet.kernels.AttentionShape;
import lorikeet.kernels.Batch;
import lorikeet.kernels.HeadNorms;
import lorikeet.kernels.KvCache;
import lorikeet.kernels.KvLayout;
import lorikeet.kernels.Linear;
import lorikeet.kernels.Projected;
import lorikeet.kernels.Projection;
import lorikeet.kernels.RotaryFrequencies;
import lorikeet.memory.ElementType;
import lorikeet.memory.Matrix;
import org.jspecify.annotations.Nullable;

/** Runs the attention of whole sequences in steps of a test's choice, on a cache full of NaNs. */
final class AttentionRun {
    private final CpuOperations operations;
    private final AttentionShape shape;
    private final HeadNorms norms;

    AttentionRun(CpuOperations operations, AttentionShape shape, HeadNorms norms) {
        this.operations = operations;
        this.shape = shape;
        this.norms = norms;
    }

    /**
     * A sequence by what its layer gets.
     *
     * @param qkv {@code [tokens, (heads + 2 kvHeads) * headSize]}
     */
    record Sequence(
            Matrix qkv, RotaryFrequencies rotary, @Nullable AdapterWeights adapter) {
        int tokens() {
            return qkv.rows();
        }
    }

    /** The next {@code tokens} tokens of a sequence. */
    record Chunk(int sequence, int tokens) {}

    /** All of each sequence alone, one after the other. */
    static List<List<Chunk>> alone(List<Sequence> sequences) {
        return IntStream.range(0, sequences.size())
                .mapToObj(s -> List.of(new Chunk(s, sequences.get(s).tokens())))
                .toList();
    }

    /** Chunks of random sizes in random company. */
    static List<List<Chunk>> mixed(List<Sequence> sequences, Random random) {
        int[] left = sequences.stream().mapToInt(Sequence::tokens).toArray();
        List<List<Chunk>> steps = new ArrayList<>();
        while (Arrays.stream(left).anyMatch(n -> n > 0)) {
            List<Chunk> step = new ArrayList<>();
            for (int s = 0; s < left.length; s++) {
                if (left[s] > 0 && random.nextInt(3) > 0) {
                    int most = random.nextBoolean() ? 1 : 1 + random.nextInt(200);
                    int tokens = Math.min(left[s], most);
                    left[s] -= tokens;
                    step.add(new Chunk(s, tokens));
                }
            }
            Collections.shuffle(step, random);
            if (!step.isEmpty()) {
                steps.add(step);
            }
        }
        return steps;
    }

    /** The attention of each token: {@code [heads * headSize]} floats one after the other for each sequence. */
    float[][] run(List<Sequence> sequences, List<List<Chunk>> steps, Random random) {
        Blocks cache = new Blocks(sequences, random);
        int inCols = (shape.heads() + 2 * shape.kvHeads()) * shape.headSize();
        int outCols = shape.heads() * shape.headSize();
        float[][] results = new float[sequences.size()][];
        Arrays.setAll(results, s -> new float[sequences.get(s).tokens() * outCols]);
        int[] done = new int[sequences.size()];
        Batch batch = new Batch();
        for (List<Chunk> step : steps) {
            batch.clear();
            int rows = step.stream().mapToInt(Chunk::tokens).sum();
            Matrix qkv = RandomMatrices.poisoned(rows + 1, inCols);
            Matrix out = RandomMatrices.poisoned(rows + 1, outCols);
            int row = 0;
            for (Chunk chunk : step) {
                Sequence sequence = sequences.get(chunk.sequence());
                int from = done[chunk.sequence()];
                int to = from + chunk.tokens();
                int[] blockTable = cache.tables[chunk.sequence()];
                batch.addSequence(sequence.adapter(), new int[to], from, to, blockTable, sequence.rotary(), 0);
                qkv.rows(row, row + chunk.tokens())
                        .data()
                        .copyFrom(sequence.qkv().rows(from, to).data());
                row += chunk.tokens();
            }
            operations.begin(batch, cache);
            Projected projected = projected(qkv);
            operations.rotateAndStore(projected, norms, shape);
            operations.attend(projected, shape, out);
            row = 0;
            for (Chunk chunk : step) {
                int s = chunk.sequence();
                int count = chunk.tokens() * outCols;
                MemorySegment.copy(out.data(), JAVA_FLOAT, row * out.rowBytes(), results[s], done[s] * outCols, count);
                done[s] += chunk.tokens();
                row += chunk.tokens();
            }
        }
        return results;
    }

    private static Projected projected(Matrix values) {
        Matrix weight = new Matrix(MemorySegment.NULL, ElementType.F32, values.cols(), 0);
        return new Projected(new Projection(List.of(new Linear(weight, null, 0))), values);
    }

    /** Blocks in random order. */
    private final class Blocks implements KvCache {
        private final KvLayout layout;
        private final List<MemorySegment> blocks = new ArrayList<>();
        private final int[][] tables;

        Blocks(List<Sequence> sequences, Random random) {
            layout = new KvLayout(shape.layer() + 2, shape.kvHeads(), shape.headSize(), ElementType.F32);
            tables = new int[sequences.size()][];
            int total = 0;
            for (Sequence sequence : sequences) {
                total += KvLayout.blocksFor(sequence.tokens());
            }
            List<Integer> numbers =
                    new ArrayList<>(IntStream.range(0, total).boxed().toList());
            Collections.shuffle(numbers, random);
            int next = 0;
            for (int s = 0; s < tables.length; s++) {
                tables[s] = new int[KvLayout.blocksFor(sequences.get(s).tokens())];
                for (int i = 0; i < tables[s].length; i++) {
                    tables[s][i] = numbers.get(next++);
                }
            }
            MemorySegment memory = Arena.ofAuto().allocate(total * layout.blockBytes(), 64);
            RandomMatrices.poison(memory);
            for (int i = 0; i < total; i++) {
                blocks.add(memory.asSlice(i * layout.blockBytes(), layout.blockBytes()));
            }
        }

        @Override
        public KvLayout layout() {
            return layout;
        }

        @Override
        public MemorySegment block(int index) {
            return blocks.get(index);
        }
    }
}

package lorikeet.runtime.verify;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.random.RandomGenerator;
import lorikeet.kernels.AdapterWeights;
import lorikeet.kernels.Delta;
import lorikeet.memory.ElementType;
import lorikeet.memory.Matrix;
import lorikeet.runtime.model.LayerPart;
import lorikeet.runtime.model.Slots;
import org.jspecify.annotations.Nullable;

/** Random weights and adapters in host memory, of values that bf16 holds, so that every device gets the same. */
final class CheckWeights {
    private static final int MOST_RANK = 96;

    private final CheckShape shape;
    private final RandomGenerator random;
    private final Arena arena;
    private final Slots slots;

    final Matrix embedding;
    final Matrix head;
    final Matrix finalNorm;
    final List<Layer> layers = new ArrayList<>();

    /** A layer's weights; biases and head norms are null where the shape has none. */
    record Layer(
            Matrix inputNorm,
            List<Matrix> queryKeyValue,
            List<Matrix> queryKeyValueBias,
            List<Matrix> headNorms,
            Matrix output,
            Matrix mlpNorm,
            List<Matrix> gateUp,
            Matrix down) {}

    CheckWeights(CheckShape shape, RandomGenerator random, Arena arena) {
        this.shape = shape;
        this.random = random;
        this.arena = arena;
        this.slots = new Slots(shape.layers());
        embedding = weight(shape.vocabulary(), shape.hidden(), 1);
        head = weight(shape.vocabulary(), shape.hidden(), spread(shape.hidden()));
        finalNorm = norm(shape.hidden());
        for (int i = 0; i < shape.layers(); i++) {
            layers.add(layer());
        }
    }

    Slots slots() {
        return slots;
    }

    private static double spread(int in) {
        return 1 / Math.sqrt(in);
    }

    private Layer layer() {
        double spread = spread(shape.hidden());
        List<Matrix> queryKeyValue = List.of(
                weight(shape.queries(), shape.hidden(), spread),
                weight(shape.keys(), shape.hidden(), spread),
                weight(shape.keys(), shape.hidden(), spread));
        return new Layer(
                norm(shape.hidden()),
                queryKeyValue,
                shape.bias()
                        ? queryKeyValue.stream()
                                .map(weight -> weight(1, weight.rows(), 0.5))
                                .toList()
                        : List.of(),
                shape.headNorms() ? List.of(norm(shape.headSize()), norm(shape.headSize())) : List.of(),
                weight(shape.hidden(), shape.queries(), spread(shape.queries())),
                norm(shape.hidden()),
                List.of(weight(shape.inner(), shape.hidden(), spread), weight(shape.inner(), shape.hidden(), spread)),
                weight(shape.hidden(), shape.inner(), spread(shape.inner())));
    }

    private Matrix norm(int size) {
        Matrix matrix = weight(1, size, 0.2);
        for (int i = 0; i < size; i++) {
            float value = bfloat16(matrix.data().getAtIndex(JAVA_SHORT, i)) + 1;
            matrix.data().setAtIndex(JAVA_SHORT, i, bits(value));
        }
        return matrix;
    }

    private Matrix weight(int rows, int cols, double spread) {
        MemorySegment data = anywhere(2L * rows * cols, Short.BYTES);
        for (long i = 0; i < (long) rows * cols; i++) {
            data.setAtIndex(JAVA_SHORT, i, bits((float) (random.nextGaussian() * spread)));
        }
        return new Matrix(data, ElementType.BF16, rows, cols);
    }

    /** Memory that is aligned to its elements only, as tensors in a file may be. */
    private MemorySegment anywhere(long bytes, int elementBytes) {
        long offset = (long) elementBytes * random.nextInt(64 / elementBytes);
        return arena.allocate(offset + bytes, 64).asSlice(offset);
    }

    private static short bits(float value) {
        return (short) (Float.floatToRawIntBits(value) >>> 16);
    }

    private static float bfloat16(short bits) {
        return Float.intBitsToFloat(bits << 16);
    }

    private Matrix magnitude(int size) {
        MemorySegment data = anywhere(4L * size, Float.BYTES);
        for (long i = 0; i < size; i++) {
            data.setAtIndex(JAVA_FLOAT, i, (float) (0.5 + random.nextDouble()));
        }
        return new Matrix(data, ElementType.F32, 1, size);
    }

    /** An adapter that changes about two of three modules in the ways that there are. */
    AdapterWeights adapter() {
        @Nullable Delta[] deltas = new Delta[slots.count()];
        for (int i = 0; i < shape.layers(); i++) {
            Layer layer = layers.get(i);
            deltas[slots.of(i, LayerPart.QUERY)] =
                    maybeLow(layer.queryKeyValue().get(0));
            deltas[slots.of(i, LayerPart.KEY)] = maybeLow(layer.queryKeyValue().get(1));
            deltas[slots.of(i, LayerPart.VALUE)] =
                    maybeLow(layer.queryKeyValue().get(2));
            deltas[slots.of(i, LayerPart.OUTPUT)] = maybeLow(layer.output());
            deltas[slots.of(i, LayerPart.GATE)] = maybeLow(layer.gateUp().get(0));
            deltas[slots.of(i, LayerPart.UP)] = maybeLow(layer.gateUp().get(1));
            deltas[slots.of(i, LayerPart.DOWN)] = maybeLow(layer.down());
            if (random.nextInt(4) == 0) {
                deltas[slots.of(i, LayerPart.MLP_NORM)] = new Delta.Replacement(norm(shape.hidden()));
            }
        }
        deltas[slots.embedding()] = switch (random.nextInt(4)) {
            case 0 -> lowEmbedding();
            case 1 -> tokenRows();
            case 2 -> new Delta.Replacement(weight(shape.vocabulary(), shape.hidden(), 1));
            default -> null;
        };
        deltas[slots.head()] = switch (random.nextInt(6)) {
            case 0 -> low(head);
            case 1 -> tokenRows();
            case 2 -> new Delta.Replacement(weight(shape.vocabulary(), shape.hidden(), spread(shape.hidden())));
            case 3 -> new Delta.Rebased(weight(shape.vocabulary(), shape.hidden(), spread(shape.hidden())), low(head));
            default -> null;
        };
        return new AdapterWeights(deltas);
    }

    private @Nullable Delta maybeLow(Matrix weight) {
        return random.nextInt(3) == 0 ? null : low(weight);
    }

    private Delta low(Matrix weight) {
        int rank = random.nextInt(1, MOST_RANK);
        return new Delta.LowRank(
                weight(rank, weight.cols(), spread(weight.cols())),
                weight(weight.rows(), rank, spread(rank)),
                0.5f,
                random.nextInt(4) == 0 ? weight(1, weight.rows(), 0.3) : null,
                random.nextInt(4) == 0 ? magnitude(weight.rows()) : null);
    }

    private Delta lowEmbedding() {
        int rank = random.nextInt(1, MOST_RANK);
        return new Delta.LowRankEmbedding(
                weight(rank, shape.vocabulary(), 1),
                weight(shape.hidden(), rank, spread(rank)),
                0.5f,
                random.nextBoolean() ? magnitude(shape.hidden()) : null);
    }

    private Delta tokenRows() {
        int[] tokens = random.ints(0, shape.vocabulary())
                .distinct()
                .limit(shape.vocabulary() / 4)
                .sorted()
                .toArray();
        return new Delta.TokenRows(tokens, weight(tokens.length, shape.hidden(), spread(shape.hidden())));
    }
}

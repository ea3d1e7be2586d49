package lorikeet.kernels.cpu;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;
import lorikeet.memory.Matrix;

/** The gated activation of the feed-forward part, {@code silu(gate) ∘ up} with {@code silu(x) = x / (1 + exp(-x))}. */
final class CpuGate {
    private final WorkerPool pool;

    CpuGate(WorkerPool pool) {
        this.pool = pool;
    }

    /**
     * Fills the first {@code rows} rows of {@code out}.
     *
     * @param gateUp {@code [rows, 2 * out.cols()]}
     */
    void gate(Matrix gateUp, int rows, Matrix out) {
        int size = out.cols();
        int perTask = Rows.perTask(gateUp.cols());
        pool.run(Rows.tasks(rows, gateUp.cols()), (index, worker) -> {
            int from = index * perTask;
            int to = Math.min(from + perTask, rows);
            for (int r = from; r < to; r++) {
                gateRow(gateUp.data(), r * gateUp.rowBytes(), size, out.data(), r * out.rowBytes());
            }
        });
    }

    private static void gateRow(MemorySegment in, long gateAt, int size, MemorySegment out, long outAt) {
        long upAt = gateAt + 4L * size;
        int i = 0;
        for (; i <= size - Lanes.COUNT; i += Lanes.COUNT) {
            FloatVector gate = FloatVector.fromMemorySegment(Lanes.FLOATS, in, gateAt + 4L * i, Lanes.ORDER);
            FloatVector up = FloatVector.fromMemorySegment(Lanes.FLOATS, in, upAt + 4L * i, Lanes.ORDER);
            silu(gate).mul(up).intoMemorySegment(out, outAt + 4L * i, Lanes.ORDER);
        }
        for (; i < size; i++) {
            float product = silu(in.get(JAVA_FLOAT, gateAt + 4L * i)) * in.get(JAVA_FLOAT, upAt + 4L * i);
            out.set(JAVA_FLOAT, outAt + 4L * i, product);
        }
    }

    // With e = exp(-|x|), which can't overflow, 1 / (1 + exp(-x)) is 1 / (1 + e) or e / (1 + e).

    private static FloatVector silu(FloatVector x) {
        FloatVector e = Exp.of(x.abs().neg());
        FloatVector numerator = x.mul(e).blend(x, x.compare(VectorOperators.GE, 0));
        return numerator.div(e.add(1));
    }

    private static float silu(float x) {
        float e = Exp.of(-Math.abs(x));
        float numerator = x >= 0 ? x : x * e;
        return numerator / (e + 1);
    }
}

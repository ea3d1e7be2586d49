package lorikeet.jmh;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import lorikeet.kernels.Linear;
import lorikeet.kernels.Projected;
import lorikeet.kernels.Projection;
import lorikeet.kernels.RowGroups;
import lorikeet.kernels.cpu.CpuMatmul;
import lorikeet.kernels.cpu.WorkerPool;
import lorikeet.memory.ElementType;
import lorikeet.memory.Floats;
import lorikeet.memory.Matrix;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;

/** A product of one row with a bf16 matrix of 1 GiB, as in decoding, beside a plain read of the same bytes. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
public class MatVec {
    private static final int READ_TASKS = 256;
    private static final int CHECKED = 100;

    /** Length of the matrix' rows: that of a small model, or of a large one. */
    @Param({"1024", "4096"})
    int cols = 1024;

    private final Arena arena = Arena.ofShared();
    private final WorkerPool pool = new WorkerPool(Runtime.getRuntime().availableProcessors());
    private final CpuMatmul matmul = new CpuMatmul(pool);
    private final RowGroups groups = new RowGroups();
    private final float[] read = new float[READ_TASKS];
    private Matrix weight = new Matrix(MemorySegment.NULL, ElementType.BF16, 0, 0);
    private Matrix in = weight;
    private Projected out = new Projected(new Projection(List.of(new Linear(weight, null, 0))), weight);

    /** Fills the matrix and checks some outputs against a plain loop. */
    @Setup
    public void fill() {
        int rows = (1 << 29) / cols;
        weight = new Matrix(arena.allocate(1L << 30, StreamingRead.BLOCK), ElementType.BF16, rows, cols);
        in = new Matrix(arena.allocate((long) cols * Float.BYTES, 64), ElementType.F32, 1, cols);
        SplittableRandom random = new SplittableRandom(1);
        for (long i = 0; i < 1 << 29; i++) {
            float value = (random.nextInt() >> 8) * 0x1p-24f;
            weight.data().setAtIndex(ValueLayout.JAVA_SHORT, i, Floats.toBf16(value));
        }
        for (int i = 0; i < cols; i++) {
            in.data().setAtIndex(ValueLayout.JAVA_FLOAT, i, random.nextFloat() - 0.5f);
        }
        Matrix values = new Matrix(arena.allocate((long) rows * Float.BYTES, 64), ElementType.F32, 1, rows);
        out = new Projected(new Projection(List.of(new Linear(weight, null, 0))), values);
        groups.add(null, 1);
        product();
        for (int i = 0; i < CHECKED; i++) {
            check(random.nextInt(rows));
        }
    }

    private void check(int row) {
        float[] weights = Floats.toArray(weight.rows(row, row + 1));
        double expected = 0;
        for (int i = 0; i < cols; i++) {
            expected += (double) weights[i] * in.data().getAtIndex(ValueLayout.JAVA_FLOAT, i);
        }
        float value = out.values().data().getAtIndex(ValueLayout.JAVA_FLOAT, row);
        if (Math.abs(value - expected) > 1e-4) {
            throw new IllegalStateException("output " + row + " is " + value + " instead of " + expected);
        }
    }

    /** The product. */
    @Benchmark
    public Matrix product() {
        matmul.project(out, in, groups);
        return out.values();
    }

    /** The read. */
    @Benchmark
    public float[] read() {
        MemorySegment data = weight.data();
        pool.run(READ_TASKS, (index, worker) -> {
            long size = data.byteSize() / READ_TASKS;
            read[index] = StreamingRead.PLAIN.read(data, index * size, (index + 1) * size);
        });
        return read;
    }

    /** Gives everything back. */
    @TearDown
    public void close() {
        matmul.close();
        pool.close();
        arena.close();
    }
}

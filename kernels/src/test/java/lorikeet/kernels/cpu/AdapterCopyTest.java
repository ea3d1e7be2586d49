package lorikeet.kernels.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import lorikeet.kernels.AdapterWeights;
import lorikeet.kernels.Delta;
import lorikeet.memory.ElementType;
import lorikeet.memory.Matrix;
import lorikeet.memory.SlabLease;
import lorikeet.memory.SlabPlan;
import lorikeet.memory.SlabPool;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;

class AdapterCopyTest {
    private static final int SLAB = 4096;

    private final long seed = new Random().nextLong();
    private final Random random = new Random(seed);
    private final Arena arena = Arena.ofAuto();

    private Matrix matrix(ElementType type, int rows, int cols) {
        byte[] bytes = new byte[rows * cols * type.bytes()];
        random.nextBytes(bytes);
        MemorySegment data = arena.allocateFrom(ValueLayout.JAVA_BYTE, bytes);
        return new Matrix(data, type, rows, cols);
    }

    private AdapterWeights adapter() {
        Delta head = new Delta.LowRank(
                matrix(ElementType.F16, 3, 70),
                matrix(ElementType.F16, 500, 3),
                0.5f,
                matrix(ElementType.F16, 1, 500),
                matrix(ElementType.F32, 1, 500));
        return new AdapterWeights(new @Nullable Delta[] {
            new Delta.LowRank(matrix(ElementType.BF16, 8, 900), matrix(ElementType.BF16, 20, 8), 2, null, null),
            null,
            new Delta.LowRankEmbedding(
                    matrix(ElementType.F32, 4, 500), matrix(ElementType.F32, 70, 4), 1, matrix(ElementType.F32, 1, 70)),
            new Delta.Replacement(matrix(ElementType.F32, 1, 70)),
            new Delta.TokenRows(new int[] {3, 9}, matrix(ElementType.BF16, 2, 70)),
            new Delta.Rebased(matrix(ElementType.BF16, 500, 70), head)
        });
    }

    private static List<Matrix> matrices(AdapterWeights weights) {
        List<Matrix> found = new ArrayList<>();
        weights.map(new Delta.Mapping() {
            @Override
            public Matrix weight(Matrix matrix) {
                found.add(matrix);
                return matrix;
            }

            @Override
            public Matrix magnitude(Matrix matrix) {
                return weight(matrix);
            }
        });
        return found;
    }

    @Test
    void everyMatrixIsCopiedIntoTheSlabs() {
        AdapterWeights source = adapter();
        try (CpuOperations operations = new CpuOperations(1)) {
            SlabPlan plan = operations.plan(source, SLAB);
            try (SlabPool pool = operations.slabPool(SLAB, plan.slabs())) {
                SlabLease lease = pool.lease(plan).orElseThrow();
                AdapterWeights copy = operations.copyIn(source, plan, lease.memory());

                List<Matrix> from = matrices(source);
                List<Matrix> to = matrices(copy);
                assertThat(to).as("seed %d", seed).hasSameSizeAs(from);
                for (int i = 0; i < from.size(); i++) {
                    assertThat(to.get(i).type()).isEqualTo(from.get(i).type());
                    assertThat(to.get(i).rows()).isEqualTo(from.get(i).rows());
                    assertThat(to.get(i).data().mismatch(from.get(i).data())).isEqualTo(-1);
                    assertThat(to.get(i).data().address())
                            .isNotEqualTo(from.get(i).data().address());
                }
                assertThat(copy.at(1)).isNull();
                assertThat(copy.at(3)).isInstanceOf(Delta.Replacement.class);
                assertThat(copy.at(0))
                        .isInstanceOfSatisfying(
                                Delta.LowRank.class,
                                low -> assertThat(low.scaling()).isEqualTo(2));
            }
        }
    }
}

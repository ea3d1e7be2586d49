package lorikeet.kernels.cpu;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Random;
import jdk.incubator.vector.FloatVector;
import org.junit.jupiter.api.Test;

class ExpTest {
    @Test
    void isWithinOneUnitInTheLastPlace() {
        Random random = new Random(1);
        for (int i = 0; i < 200_000; i++) {
            float x = -87 * random.nextFloat() * (i % 2 == 0 ? 1 : random.nextFloat());
            double exact = Math.exp(x);
            assertThat(Math.abs(Exp.of(x) - exact) / Math.ulp((float) exact))
                    .as("exp(%s)", x)
                    .isLessThan(1);
        }
    }

    @Test
    void keepsTheLimits() {
        assertThat(Exp.of(0f)).isEqualTo(1f);
        assertThat(Exp.of(-0f)).isEqualTo(1f);
        assertThat(Exp.of(Float.NEGATIVE_INFINITY)).isZero();
        assertThat(Exp.of(-Float.MAX_VALUE)).isZero();
        assertThat(Exp.of(-87.01f)).isZero();
        assertThat(Exp.of(-87f)).isGreaterThan(Float.MIN_NORMAL);
        assertThat(Exp.of(Float.NaN)).isNaN();
        assertThat(Exp.of(Float.intBitsToFloat(0x7fc00001))).isNaN();
        assertThat(Exp.of(Float.intBitsToFloat(0xffffffff))).isNaN();
    }

    @Test
    void givesTheSameBitsInVectors() {
        Random random = new Random(2);
        float[] x = new float[Lanes.COUNT];
        for (int i = 0; i < 20_000; i++) {
            for (int lane = 0; lane < x.length; lane++) {
                x[lane] = switch (random.nextInt(20)) {
                    case 0 -> Float.NEGATIVE_INFINITY;
                    case 1 -> Float.NaN;
                    case 2 -> -random.nextFloat() * 1e30f;
                    default -> -100 * random.nextFloat();
                };
            }
            float[] y = Exp.of(FloatVector.fromArray(Lanes.FLOATS, x, 0)).toArray();
            for (int lane = 0; lane < x.length; lane++) {
                assertThat(Float.floatToIntBits(y[lane]))
                        .as("exp(%s)", x[lane])
                        .isEqualTo(Float.floatToIntBits(Exp.of(x[lane])));
            }
        }
    }
}

package lorikeet.kernels.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.function.IntUnaryOperator;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

final class DecodeProductsTest {
    private static final int HOPPER = 227 << 10;
    private static final int AMPERE = 163 << 10;
    private static final int ADA = 99 << 10;

    @Test
    void takesWhatItsKernelsAreMadeFor() {
        assertThat(DecodeProducts.take(64, 4096, HOPPER)).isTrue();
        assertThat(DecodeProducts.take(65, 4096, HOPPER)).isFalse();
        assertThat(DecodeProducts.take(16, 8, HOPPER)).isTrue();
        assertThat(DecodeProducts.take(16, 12, HOPPER)).isFalse();
    }

    @Test
    void leavesToOthersWhatDoesNotFitIntoSharedMemory() {
        assertThat(DecodeProducts.take(32, 4096, AMPERE)).isTrue();
        assertThat(DecodeProducts.take(33, 4096, AMPERE)).isFalse();
        assertThat(DecodeProducts.take(9, 4096, ADA)).isFalse();
    }

    /** The sizes that the kernels' headers assert. */
    @Test
    void countsSharedMemoryAsTheKernelsDo() {
        assertThat(of(DecodeProducts::sharedBytes)).containsExactly(127_296, 156_288, 185_280, 214_272);
        assertThat(of(DecodeProducts::rotateSharedBytes)).containsExactly(131_792, 165_264, 198_736, 232_208);
        assertThat(of(rows -> DecodeProducts.adaptedBytes(rows, HOPPER)))
                .containsExactly(157_200, 199_600, 184_656, 194_288);
        assertThat(DecodeProducts.adaptedBytes(32, AMPERE)).isEqualTo(150_448);
        assertThat(HeadTiles.ROW_BYTES).isEqualTo(272);
    }

    private static int[] of(IntUnaryOperator bytes) {
        return IntStream.of(16, 32, 48, 64).map(bytes).toArray();
    }
}

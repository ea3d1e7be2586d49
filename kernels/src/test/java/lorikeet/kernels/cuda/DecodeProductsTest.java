package lorikeet.kernels.cuda;

import static org.assertj.core.api.Assertions.assertThat;

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

    /** As decode_product_shared_bytes of decode_product.cuh says: three stages, the sums of a tile, and the factors of its rows. */
    @Test
    void countsSharedMemoryAsTheKernelsDo() {
        assertThat(DecodeProducts.sharedBytes(16)).isEqualTo(3 * (64 + 16) * 512 + 16 * 69 * 4);
        assertThat(DecodeProducts.sharedBytes(48)).isEqualTo(3 * (64 + 48) * 512 + 48 * 69 * 4);
        // product_rotate: two angles for each of 32 pairs of a row, and its token
        assertThat(DecodeProducts.rotateSharedBytes(48))
                .isEqualTo(DecodeProducts.sharedBytes(48) + 48 * (2 * 32 * 4 + 24));
        // with adapters: two tiles, what a row's adapter does to two halves, and its norm; the shrink's if that is more
        assertThat(DecodeProducts.deltaBytes(48)).isEqualTo(2 * 48 * 64 * 4 + 48 * 2 * 17 + 112 + 48 * 8);
        assertThat(DecodeProducts.deltaBytes(16)).isEqualTo(8192 + 16 * 2 * 17 + 112 + 16 * 8);
    }
}

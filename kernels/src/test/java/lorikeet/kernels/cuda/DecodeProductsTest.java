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
    }

    /** As product_adapted_shared_bytes of product_adapted.cuh says. */
    @Test
    void countsSharedMemoryOfKernelsWithAdapters() {
        // four or five smaller stages, and the sums; one tile or two, or the shrink's if that is more;
        // what a row's adapter does to two halves; the shrunk inputs; how heads turn
        assertThat(DecodeProducts.adaptedBytes(16))
                .isEqualTo(
                        5 * (64 + 16) * 256 + 16 * 69 * 4 + 8192 + 16 * 2 * 19 + 112 + 8192 + 16 * (2 * 32 * 4 + 24));
        assertThat(DecodeProducts.adaptedBytes(64))
                .isEqualTo(4 * (64 + 64) * 256
                        + 64 * 69 * 4
                        + 64 * 64 * 4
                        + 64 * 2 * 19
                        + 112
                        + 8192
                        + 64 * (2 * 32 * 4 + 24));
    }
}

package lorikeet.kernels.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

final class PromptProductsTest {
    private static final int HOPPER = 227 << 10;
    private static final int AMPERE = 163 << 10;
    private static final int ADA = 99 << 10;

    @Test
    void takesTheSmallestTilesThatHaveAllRowsOrTheLargestThereAre() {
        assertThat(PromptProducts.kernel(1, 3)).isEqualTo(0);
        assertThat(PromptProducts.kernel(64, 3)).isEqualTo(0);
        assertThat(PromptProducts.kernel(65, 3)).isEqualTo(1);
        assertThat(PromptProducts.kernel(129, 3)).isEqualTo(2);
        assertThat(PromptProducts.kernel(5000, 3)).isEqualTo(2);
        assertThat(PromptProducts.kernel(5000, 1)).isEqualTo(0);
    }

    @Test
    void everyDeviceHasRoomForTheSmallestTiles() {
        assertThat(PromptProducts.sharedBytes(64)).isLessThan(ADA);
        assertThat(PromptProducts.sharedBytes(128)).isBetween(ADA, AMPERE);
        assertThat(PromptProducts.sharedBytes(256)).isBetween(AMPERE, HOPPER);
    }

    /** As prompt_product_shared_bytes of prompt_product.cuh says: four stages of 64 inputs, and sums to exchange. */
    @Test
    void countsSharedMemoryAsTheKernelsDo() {
        assertThat(PromptProducts.sharedBytes(64)).isEqualTo(4 * (64 + 64) * 128 + 64 * 64 * 4);
        assertThat(PromptProducts.sharedBytes(256)).isEqualTo(4 * (64 + 256) * 128 + 256 * 64 * 4);
    }
}

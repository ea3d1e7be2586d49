package lorikeet.kernels.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

final class PromptSharedTest {
    private static final int HOPPER = 227 << 10;
    private static final int ADA = 99 << 10;

    /** As lora.cuh, shrink_prompt.cuh and shrink_short.cuh say. */
    @Test
    void countsSharedMemoryAsTheKernelsDo() {
        assertThat(PromptShared.gate(0)).isEqualTo(2 * (2 * 4 * 2048 + 8 * 2048));
        assertThat(PromptShared.gate(32)).isEqualTo(2 * (2 * 4 * 2048 + 8 * 2048) + 2 * 2 * 4096);
        assertThat(PromptShared.rotate(256)).isEqualTo(2 * (4 * 2048 + 4 * 2048) + 4 * 4096);
        assertThat(PromptShared.addNorm(16, 256)).isEqualTo(8 * (6144 + 2048 + 1024));
        assertThat(PromptShared.shrink(3, 16)).isEqualTo(6 * (64 + 3 * 16) * 128);
        assertThat(PromptShared.shrink(3, 64)).isEqualTo(6 * (64 + 4 * 16) * 128);
        assertThat(PromptShared.shrinkShort(3, 16)).isEqualTo(3 * 4 * 512 * 6);
    }

    @Test
    void everyDeviceHasRoomForAllButTheWidestNorms() {
        assertThat(PromptShared.MOST_GATE).isLessThan(ADA);
        assertThat(PromptShared.MOST_SHRINK).isLessThan(ADA);
        assertThat(PromptShared.MOST_SHRINK_SHORT).isLessThan(ADA);
        assertThat(PromptShared.rotate(LoraScratch.MAX_RANK)).isLessThanOrEqualTo(48 << 10);
        assertThat(PromptShared.MOST_ADD_NORM).isBetween(ADA, HOPPER);
    }

    @Test
    void goesOverTheInputOncePerFourChunksOfRanks() {
        assertThat(PromptShared.shrinkPasses(1, 16)).isEqualTo(1);
        assertThat(PromptShared.shrinkPasses(3, 16)).isEqualTo(1);
        assertThat(PromptShared.shrinkPasses(3, 64)).isEqualTo(3);
        assertThat(PromptShared.shrinkPasses(3, 256)).isEqualTo(12);
    }
}

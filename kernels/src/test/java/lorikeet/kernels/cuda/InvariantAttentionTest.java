package lorikeet.kernels.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

final class InvariantAttentionTest {
    private static final int ADA = 99 << 10;

    /** As attention_invariant.cuh says: keys and values of a tile for each warp, or for all; and queries of large heads. */
    @Test
    void countsSharedMemoryAsTheKernelsDo() {
        assertThat(InvariantAttention.decodeSharedBytes(128)).isEqualTo(2 * (2 * 64) * 136 * 2);
        assertThat(InvariantAttention.decodeSharedBytes(256)).isEqualTo(2 * (2 * 32 + 16) * 264 * 2);
        assertThat(InvariantAttention.promptSharedBytes(64)).isEqualTo((2 * 64) * 72 * 2);
        assertThat(InvariantAttention.promptSharedBytes(128)).isEqualTo((2 * 64 + 128) * 136 * 2);
        assertThat(InvariantAttention.promptSharedBytes(256)).isEqualTo((2 * 32 + 64) * 264 * 2);
    }

    @Test
    void fitsEveryDevice() {
        for (int size : InvariantAttention.SIZES) {
            assertThat(InvariantAttention.decodeSharedBytes(size)).isLessThan(ADA);
            assertThat(InvariantAttention.promptSharedBytes(size)).isLessThan(ADA);
        }
    }
}

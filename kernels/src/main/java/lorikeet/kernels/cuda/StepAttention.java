package lorikeet.kernels.cuda;

import lorikeet.kernels.AttentionShape;
import lorikeet.memory.Matrix;

/** The attention of a step's tokens: by which kernels. */
sealed interface StepAttention permits CudaAttention, InvariantAttention {
    /**
     * Puts the attention of a layer into the stream.
     *
     * @param qkv BF16, its queries already turned, its keys and values in the cache
     * @param out BF16, {@code [tokens, heads * headSize]}
     */
    void attend(CurrentStep step, Matrix qkv, AttentionShape shape, Matrix out);
}

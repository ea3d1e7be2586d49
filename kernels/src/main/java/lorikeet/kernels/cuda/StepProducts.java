package lorikeet.kernels.cuda;

import java.util.List;
import lorikeet.bindings.KernelLaunch;
import lorikeet.kernels.Linear;
import lorikeet.memory.Matrix;
import org.jspecify.annotations.Nullable;

/** The base model's products {@code x Wᵀ} of a step, without bias: by which kernels. */
sealed interface StepProducts permits Products, InvariantProducts {
    /** The kernel that has both a product of the step's tokens and the adapters' shrink in its launch, if there is one. */
    @Nullable
    KernelLaunch shrinking(CurrentStep step, Matrix in);

    /**
     * The product of the step's tokens by the kernel {@link #shrinking}, with the adapters' shrink; the caller has written
     * the kernel's argument 2, the struct {@code Lora}.
     *
     * @param shrinkBlocks blocks that shrink, where they are of their own
     */
    void tokensAndShrink(CurrentStep step, Matrix in, List<Linear> layers, Matrix out, int shrinkBlocks);

    /**
     * The product of the step's tokens.
     *
     * @param in {@code [>= rows, k]}, BF16
     * @param layers their weights {@code [n, k]} lie side by side in memory
     * @param out BF16, one column for each output of the layers
     */
    void tokens(CurrentStep step, Matrix in, List<Linear> layers, Matrix out);

    /** The product of the wanted rows, into F32. */
    void outputs(CurrentStep step, Matrix in, Linear layer, Matrix out);
}

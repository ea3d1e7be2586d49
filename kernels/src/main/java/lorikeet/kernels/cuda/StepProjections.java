package lorikeet.kernels.cuda;

import lorikeet.kernels.AttentionShape;
import lorikeet.kernels.HeadNorms;
import lorikeet.kernels.Norm;
import lorikeet.kernels.Projected;
import lorikeet.memory.Matrix;

/**
 * Projections of one kind of step, and what finishes them, as {@link lorikeet.kernels.Operations} says: by which kernels.
 * Whoever projects finishes it.
 */
sealed interface StepProjections permits PromptProjections, FusedProjections, PartialProjections {
    void project(CurrentStep step, Matrix in, Projected out);

    void rotateAndStore(CurrentStep step, Projected qkv, HeadNorms norms, AttentionShape shape);

    void gate(CurrentStep step, Projected gateUp, Matrix out);

    void addNorm(CurrentStep step, Projected delta, Matrix residual, Norm norm, Matrix out);
}

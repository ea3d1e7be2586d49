package lorikeet.kernels.cuda;

import java.util.List;
import lorikeet.bindings.KernelLaunch;
import lorikeet.kernels.Linear;
import lorikeet.memory.Matrix;
import org.jspecify.annotations.Nullable;

/**
 * Products whose rows have the same bits whatever other rows there are: by {@link DecodeProducts}, and more rows than
 * these take by {@link PromptProducts}, which have their order of sums. Inputs are multiples of 8 ({@link CudaShapes}).
 */
final class InvariantProducts implements StepProducts {
    private final DecodeProducts few;
    private final PromptProducts many;

    InvariantProducts(DecodeProducts few, PromptProducts many) {
        this.few = few;
        this.many = many;
    }

    @Override
    public @Nullable KernelLaunch shrinking(CurrentStep step, Matrix in) {
        boolean takes = few.takeShrink(step.tokens(), in.cols());
        return takes ? few.shrinking(step.tokens()) : null;
    }

    @Override
    public void tokensAndShrink(CurrentStep step, Matrix in, List<Linear> layers, Matrix out, int shrinkBlocks) {
        few.runAndShrink(step, step.tokens(), in, layers, out);
    }

    @Override
    public void tokens(CurrentStep step, Matrix in, List<Linear> layers, Matrix out) {
        run(step, step.tokens(), false, in, layers, out);
    }

    @Override
    public void outputs(CurrentStep step, Matrix in, Linear layer, Matrix out) {
        run(step, step.outputs(), true, in, List.of(layer), out);
    }

    private void run(CurrentStep step, int rows, boolean outputs, Matrix in, List<Linear> layers, Matrix out) {
        if (few.take(rows, in.cols())) {
            few.run(step, rows, outputs, in, layers, out);
        } else {
            many.run(step, rows, outputs, in, layers, out);
        }
    }
}

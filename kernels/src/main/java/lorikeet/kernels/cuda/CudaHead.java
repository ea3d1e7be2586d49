package lorikeet.kernels.cuda;

import lorikeet.bindings.CudaStream;
import lorikeet.bindings.KernelLaunch;
import lorikeet.kernels.Linear;
import lorikeet.memory.Matrix;

/** The head: one product for all wanted rows, then what the adapters change of it. */
final class CudaHead {
    private static final int UNKNOWN = -1;
    private static final int THREADS = 128;
    private static final int REPLACED_OUT = 16;
    private static final int TOKEN_ROW_BLOCKS = 8;

    private final Kernels kernels;
    private final CudaStream stream;
    private final CudaProjections projections;
    private int slot = UNKNOWN;

    CudaHead(Kernels kernels, CudaStream stream, CudaProjections projections) {
        this.kernels = kernels;
        this.stream = stream;
        this.projections = projections;
    }

    /** Whether {@link #slot} is known: from the first step on. */
    boolean isKnown() {
        return slot != UNKNOWN;
    }

    /** The number by which adapters refer to the head. */
    int slot() {
        return slot;
    }

    void logits(CurrentStep step, Matrix in, Linear layer, Matrix out) {
        slot = layer.slot();
        if (step.outputs() == 0) {
            return;
        }
        projections.headProduct(step, in, layer, out);
        if (!CurrentStep.headAdapted(step.batch().outputGroups(), slot)) {
            return;
        }
        launch(kernels.headReplaced, Math.ceilDiv(layer.out(), REPLACED_OUT), 1, step, in, layer, out);
        projections.expandHead(step, in, layer, out);
        launch(kernels.headTokenRows, TOKEN_ROW_BLOCKS, step.outputs(), step, in, layer, out);
    }

    private void launch(
            KernelLaunch kernel, int gridX, int gridY, CurrentStep step, Matrix in, Linear layer, Matrix out) {
        kernel.grid(gridX, gridY, 1)
                .block(THREADS, 1, 1, 0)
                .set(0, step.address())
                .set(1, in.data().address())
                .set(2, slot)
                .set(3, out.data().address())
                .set(4, layer.in())
                .set(5, layer.out())
                .launch(stream.handle());
    }
}

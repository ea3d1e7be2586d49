package lorikeet.kernels.cuda;

import lorikeet.bindings.CudaStream;
import lorikeet.kernels.Norm;
import lorikeet.memory.Matrix;

/** The operations that go row by row and stand alone: embeddings, the first norm, and the choice of the wanted rows. */
final class CudaRows {
    private final Kernels kernels;
    private final CudaStream stream;

    CudaRows(Kernels kernels, CudaStream stream) {
        this.kernels = kernels;
        this.stream = stream;
    }

    /** The tokens of the last sampling are at {@code chosen}, for ids that refer to them. */
    void embed(CurrentStep step, long chosen, Matrix table, int slot, Matrix out) {
        kernels.embed
                .grid(step.tokens(), 1, 1)
                .block(Kernels.ROW_THREADS, 1, 1, 0)
                .set(0, step.address())
                .set(1, chosen)
                .set(2, table.data().address())
                .set(3, slot)
                .set(4, out.data().address())
                .set(5, table.cols())
                .set(6, table.rows())
                .launch(stream.handle());
    }

    void norm(CurrentStep step, Matrix in, Norm norm, Matrix out) {
        kernels.rmsNorm
                .grid(step.tokens(), 1, 1)
                .block(Kernels.ROW_THREADS, 1, 1, 0)
                .set(0, step.address())
                .set(1, in.data().address())
                .set(2, norm.weight().data().address())
                .set(3, norm.epsilon())
                .set(4, norm.slot())
                .set(5, out.data().address())
                .set(6, in.cols())
                .launch(stream.handle());
    }

    void gatherOutputs(CurrentStep step, Matrix in, Matrix out) {
        if (step.outputs() == 0) {
            return;
        }
        kernels.gatherOutputs
                .grid(step.outputs(), 1, 1)
                .block(Kernels.ROW_THREADS, 1, 1, 0)
                .set(0, step.address())
                .set(1, in.data().address())
                .set(2, out.data().address())
                .set(3, in.cols())
                .launch(stream.handle());
    }
}

package lorikeet.kernels.cuda;

import lorikeet.bindings.CudaDevice;
import lorikeet.bindings.CudaStream;
import lorikeet.bindings.KernelLaunch;
import lorikeet.kernels.RowGroups;
import lorikeet.memory.Matrix;

/** The adapters' shrink in steps of many tokens. */
final class PromptShrink {
    private static final int THREADS = 128;

    private final Kernels kernels;
    private final CudaStream stream;
    private final LoraScratch scratch;
    private final CudaDevice device;
    private final boolean clusters;

    PromptShrink(Kernels kernels, CudaStream stream, LoraScratch scratch, CudaDevice device, boolean clusters) {
        this.kernels = kernels;
        this.stream = stream;
        this.scratch = scratch;
        this.device = device;
        this.clusters = clusters;
    }

    /** Shrinks {@code groups}, the step's rows or its outputs. */
    void launch(CurrentStep step, LoraCall call, Matrix in, RowGroups groups) {
        int parts = call.parts();
        int stride = scratch.stride();
        ShrinkGrid grid = ShrinkGrid.of(groups, parts, stride, device.multiprocessors());
        KernelLaunch kernel = grid.few() ? kernels.shrinkShort : kernels.shrinkPrompt;
        call.write(kernel.argument(1), step, scratch);
        int cluster = clusters ? grid.cluster() : 1;
        if (clusters) {
            kernel.cluster(cluster);
        }
        int shared = grid.few() ? PromptShared.shrinkShort(parts, stride) : PromptShared.shrink(parts, stride);
        kernel.grid(grid.units() * cluster, 1, 1)
                .block(THREADS, 1, 1, shared)
                .set(0, step.address())
                .set(2, in.data().address())
                .launch(stream.handle());
    }
}

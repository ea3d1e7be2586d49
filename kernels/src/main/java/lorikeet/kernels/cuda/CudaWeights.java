package lorikeet.kernels.cuda;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import lorikeet.memory.ElementType;
import lorikeet.memory.Matrix;

/** Base weights in device memory, in bf16, those that are read together side by side. */
final class CudaWeights {
    private final DeviceArena arena;
    private final HostCopies copies;

    CudaWeights(DeviceArena arena, HostCopies copies) {
        this.arena = arena;
        this.copies = copies;
    }

    List<Matrix> place(List<Matrix> weights) {
        long bytes = 0;
        for (Matrix weight : weights) {
            bytes += bytes(weight);
        }
        MemorySegment memory = arena.allocate(bytes);
        List<Matrix> placed = new ArrayList<>(weights.size());
        List<HostCopies.Move> moves = new ArrayList<>(weights.size());
        long at = 0;
        for (Matrix weight : weights) {
            MemorySegment to = memory.asSlice(at, bytes(weight));
            at += to.byteSize();
            moves.add(new HostCopies.Move(weight, to, false));
            placed.add(new Matrix(to, ElementType.BF16, weight.rows(), weight.cols()));
        }
        copies.run(moves);
        return placed;
    }

    private static long bytes(Matrix weight) {
        return (long) weight.rows() * weight.cols() * ElementType.BF16.bytes();
    }
}

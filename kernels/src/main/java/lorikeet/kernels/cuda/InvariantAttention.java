package lorikeet.kernels.cuda;

import java.lang.foreign.MemorySegment;
import java.util.List;
import lorikeet.bindings.CudaStream;
import lorikeet.bindings.KernelLaunch;
import lorikeet.kernels.AttentionShape;
import lorikeet.memory.Matrix;
import org.jspecify.annotations.Nullable;

/**
 * Attention whose bits for a token are the same in any company and however a prompt is cut, see attention_invariant.cuh:
 * one kernel for sequences with a single token in the step, another for the rest, to the same bits.
 */
final class InvariantAttention implements StepAttention {
    static final List<Integer> SIZES = List.of(64, 128, 256);

    private static final int PROMPT_THREADS = 256;
    private static final int DECODE_WARPS = 2;
    private static final int DECODE_ROWS = 16;

    /** Sums of ranges that there is memory for, of all sequences and heads. */
    private static final int PLACES = 8192;

    private static final int MOST_PLACES = 128;
    private static final int MOST_SPLITS = 64;

    /** Blocks that a multiprocessor has room for. */
    private static final int RESIDENT_BLOCKS = 3;

    private final Kernels kernels;
    private final CudaStream stream;
    private final DeviceArena arena;
    private final int enoughBlocks;
    private @Nullable MemorySegment partial;
    private @Nullable MemorySegment arrived;

    InvariantAttention(Kernels kernels, CudaStream stream, DeviceArena arena, int multiprocessors) {
        this.kernels = kernels;
        this.stream = stream;
        this.arena = arena;
        this.enoughBlocks = RESIDENT_BLOCKS * multiprocessors;
    }

    /** The dynamic shared memory of a block of the decode kernel for heads up to this size. */
    static int decodeSharedBytes(int size) {
        return DECODE_WARPS * 2 * (size + 8) * (size == 256 ? 2 * 32 + DECODE_ROWS : 2 * 64);
    }

    /** The same of the prompt kernel. */
    static int promptSharedBytes(int size) {
        return 2 * (size + 8) * (size == 256 ? 2 * 32 + 64 : size == 128 ? 2 * 64 + 128 : 2 * 64);
    }

    @Override
    public void attend(CurrentStep step, Matrix qkv, AttentionShape shape, Matrix out) {
        int index = 0;
        while (SIZES.get(index) < shape.headSize()) {
            index++;
        }
        if (step.singleSequences() > 0) {
            decode(step, kernels.invariantDecode[index], SIZES.get(index), qkv, shape, out);
        }
        int tiles = CudaAttention.promptTiles(step.batch(), shape);
        if (tiles > 0) {
            KernelLaunch kernel = kernels.invariantPrompt[index];
            CudaAttention.write(kernel.argument(1), qkv, shape, step.layout(), out);
            kernel.grid(tiles, shape.kvHeads(), 1)
                    .block(PROMPT_THREADS, 1, 1, promptSharedBytes(SIZES.get(index)))
                    .set(0, step.address())
                    .launch(stream.handle());
        }
    }

    private void decode(CurrentStep step, KernelLaunch kernel, int size, Matrix qkv, AttentionShape shape, Matrix out) {
        int rows = step.singleSequences();
        int group = shape.heads() / shape.kvHeads();
        int columns = shape.kvHeads() * Math.ceilDiv(group, DECODE_ROWS);
        int most = PLACES / columns;
        MemorySegment call = kernel.argument(1);
        CudaAttention.write(call, qkv, shape, step.layout(), out);
        // So many at a time as there are places for the sums of.
        for (int first = 0; first < rows; first += most) {
            int count = Math.min(rows - first, most);
            int splits = Math.clamp(enoughBlocks / ((long) columns * count), 1, MOST_SPLITS);
            int places = Math.clamp(PLACES / ((long) columns * count), 1, MOST_PLACES);
            CudaAttention.writeParts(call, first, places, partial(group, size), arrived());
            kernel.grid(columns, count, splits)
                    .block(32 * DECODE_WARPS, 1, 1, decodeSharedBytes(size))
                    .set(0, step.address())
                    .launch(stream.handle());
        }
    }

    /** Room for {@link #PLACES} sums. */
    private MemorySegment partial(int group, int size) {
        MemorySegment made = partial;
        if (made == null) {
            made = arena.allocate((long) PLACES * Math.min(group, DECODE_ROWS) * (size + 4) * Float.BYTES);
            partial = made;
        }
        return made;
    }

    private MemorySegment arrived() {
        MemorySegment made = arrived;
        if (made == null) {
            made = arena.allocate((long) PLACES * Integer.BYTES);
            stream.fill(made.address(), (byte) 0, made.byteSize());
            arrived = made;
        }
        return made;
    }
}

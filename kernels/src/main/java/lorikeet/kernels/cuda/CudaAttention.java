package lorikeet.kernels.cuda;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.MemorySegment;
import java.util.List;
import lorikeet.bindings.ComputeCapability;
import lorikeet.bindings.CudaDevice;
import lorikeet.bindings.CudaStream;
import lorikeet.bindings.KernelLaunch;
import lorikeet.kernels.AttentionShape;
import lorikeet.kernels.Batch;
import lorikeet.kernels.KvLayout;
import lorikeet.memory.Matrix;
import org.jspecify.annotations.Nullable;

/** Launches attention: one kernel for sequences with a single token in the step, another for the rest. */
final class CudaAttention implements StepAttention {
    static final List<String> DECODE_KERNELS = List.of(
            "attention_decode_64",
            "attention_decode_128",
            "attention_decode_256",
            "attention_decode_within_128",
            "attention_decode_within_256",
            "attention_decode_many_128");
    static final List<Integer> PROMPT_SIZES = List.of(64, 80, 96, 128, 256);

    // The struct Attention of attention.cuh.
    static final long BYTES = 88;
    private static final long Q = 0;
    private static final long OUT = 8;
    private static final long Q_PITCH = 16;
    private static final long OUT_PITCH = 20;
    private static final long HEADS = 24;
    private static final long KV_HEADS = 28;
    private static final long HEAD_SIZE = 32;
    private static final long WINDOW = 36;
    private static final long SCALE = 40;
    private static final long SPLITS = 44;
    private static final long SPLIT_BLOCKS = 48;
    private static final long KEY_OFFSET = 56;
    private static final long VALUE_OFFSET = 64;
    private static final long PARTIAL = 72;
    private static final long ARRIVED = 80;

    private static final ComputeCapability HOPPER = new ComputeCapability(9, 0);
    private static final int PROMPT_THREADS = 256;
    private static final int DECODE_HEADS = 8;
    private static final int MOST_HEAD_SIZE = 256;

    /** Thread blocks of a step, not split, up to which even short sequences are split. */
    private static final int FEW_BLOCKS = 8;

    /** KV blocks in a split, at least, with few thread blocks and with more: putting parts together costs some time. */
    private static final int SPLIT_OF_FEW = 4;

    private static final int SPLIT_OF_MORE = 64;
    private static final int MOST_SPLITS = 32;

    private final Kernels kernels;
    private final CudaStream stream;
    private final DeviceArena arena;
    private final CudaDevice device;

    /** Thread blocks that keep the device busy: so many parts is a step's attention cut into. */
    private final int enough;

    private @Nullable MemorySegment partial;
    private @Nullable MemorySegment arrived;

    CudaAttention(Kernels kernels, CudaStream stream, DeviceArena arena, CudaDevice device) {
        this.kernels = kernels;
        this.stream = stream;
        this.arena = arena;
        this.device = device;
        this.enough = device.multiprocessors();
    }

    /** The dynamic shared memory of a block of the prompt kernel for heads up to this size, as in attention.cuh. */
    static int promptSharedBytes(int size, ComputeCapability capability) {
        boolean largeTiles = size == 256 && capability.equals(HOPPER);
        return largeTiles ? 197_632 : size == 64 ? 33_792 : 67_584;
    }

    @Override
    public void attend(CurrentStep step, Matrix qkv, AttentionShape shape, Matrix out) {
        if (step.singleSequences() > 0) {
            decode(step, qkv, shape, out);
        }
        int tiles = promptTiles(step.batch(), shape);
        if (tiles > 0) {
            int index = 0;
            while (PROMPT_SIZES.get(index) < shape.headSize()) {
                index++;
            }
            KernelLaunch kernel = kernels.attentionPrompt[index];
            write(kernel.argument(1), qkv, shape, step.layout(), out);
            kernel.grid(tiles, shape.kvHeads(), 1)
                    .block(PROMPT_THREADS, 1, 1, promptSharedBytes(PROMPT_SIZES.get(index), device.capability()))
                    .set(0, step.address())
                    .launch(stream.handle());
        }
    }

    private void decode(CurrentStep step, Matrix qkv, AttentionShape shape, Matrix out) {
        int rows = step.singleSequences();
        int group = shape.heads() / shape.kvHeads();
        int columns = shape.kvHeads() * Math.ceilDiv(group, DECODE_HEADS);
        int splits = Math.clamp(enough / ((long) columns * rows), 1, MOST_SPLITS);
        KernelLaunch kernel = kernels.attentionDecode[decodeKernel(shape.headSize(), columns * rows > enough)];
        write(kernel.argument(1), qkv, shape, step.layout(), out);
        int splitBlocks = columns * rows <= FEW_BLOCKS ? SPLIT_OF_FEW : SPLIT_OF_MORE;
        writeParts(kernel.argument(1), splits, splitBlocks, partial(), arrived());
        kernel.grid(columns, rows, splits)
                .block(shape.headSize() <= 128 ? 256 : 128, 1, 1, 0)
                .set(0, step.address())
                .launch(stream.handle());
    }

    /** The kernel for a size of heads; {@code many}: there are more thread blocks than multiprocessors. */
    private static int decodeKernel(int headSize, boolean many) {
        return switch (headSize) {
            case 64 -> 0;
            case 128 -> many ? 5 : 1;
            case 256 -> 2;
            default -> headSize < 128 ? 3 : 4;
        };
    }

    /** Writes the struct {@code Attention} but for {@link #writeParts}. */
    static void write(MemorySegment to, Matrix qkv, AttentionShape shape, KvLayout layout, Matrix out) {
        to.set(JAVA_LONG, Q, qkv.data().address());
        to.set(JAVA_LONG, OUT, out.data().address());
        to.set(JAVA_INT, Q_PITCH, qkv.cols());
        to.set(JAVA_INT, OUT_PITCH, out.cols());
        to.set(JAVA_INT, HEADS, shape.heads());
        to.set(JAVA_INT, KV_HEADS, shape.kvHeads());
        to.set(JAVA_INT, HEAD_SIZE, shape.headSize());
        to.set(JAVA_INT, WINDOW, shape.window());
        to.set(JAVA_FLOAT, SCALE, shape.scale());
        to.set(JAVA_LONG, KEY_OFFSET, layout.keyOffset(shape.layer(), 0));
        to.set(JAVA_LONG, VALUE_OFFSET, layout.valueOffset(shape.layer(), 0));
    }

    /** Writes how decode kernels cut sequences into parts, and where these are put together. */
    static void writeParts(
            MemorySegment to, int splits, int splitBlocks, MemorySegment partial, MemorySegment arrived) {
        to.set(JAVA_INT, SPLITS, splits);
        to.set(JAVA_INT, SPLIT_BLOCKS, splitBlocks);
        to.set(JAVA_LONG, PARTIAL, partial.address());
        to.set(JAVA_LONG, ARRIVED, arrived.address());
    }

    /** Room for the parts of all sequences: a step with splits has no more than {@code enough} of them. */
    private MemorySegment partial() {
        MemorySegment made = partial;
        if (made == null) {
            made = arena.allocate((long) enough * (DECODE_HEADS * MOST_HEAD_SIZE + 16) * Float.BYTES);
            partial = made;
        }
        return made;
    }

    private MemorySegment arrived() {
        MemorySegment made = arrived;
        if (made == null) {
            made = arena.allocate((long) enough * Integer.BYTES);
            stream.fill(made.address(), (byte) 0, made.byteSize());
            arrived = made;
        }
        return made;
    }

    /** The tiles that the sequences with more than one token are cut into. */
    static int promptTiles(Batch batch, AttentionShape shape) {
        int tileRows = shape.headSize() > 128 ? 64 : 128;
        int group = shape.heads() / shape.kvHeads();
        int tiles = 0;
        for (int s = 0; s < batch.sequences(); s++) {
            int tokens = batch.sequenceEnd(s) - batch.sequenceStart(s);
            if (tokens > 1) {
                tiles += Math.ceilDiv(tokens * group, tileRows);
            }
        }
        return tiles;
    }
}

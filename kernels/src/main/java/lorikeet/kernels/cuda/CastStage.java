package lorikeet.kernels.cuda;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import lorikeet.bindings.CudaContext;
import lorikeet.bindings.CudaEvent;
import lorikeet.bindings.CudaStream;
import lorikeet.bindings.DeviceMemory;
import lorikeet.bindings.KernelLaunch;
import lorikeet.bindings.PinnedMemory;
import lorikeet.memory.ElementType;

/**
 * Where weights wait on the device to become bf16, or, if they are that already, to go to their places: in two halves, one
 * of which is filled while the other is emptied. One thread at a time.
 */
final class CastStage implements AutoCloseable {
    /** The bytes of a half. */
    static final long BYTES = 32L << 20;

    /** The most pieces that are cast together. */
    static final int MOST_PIECES = 4096;

    private static final int PIECE_BYTES = 24;

    /** About so many in all: enough to be done before the next half is filled, and few, so as not to be in steps' way. */
    private static final int BLOCKS = 256;

    private static final int THREADS = 256;

    private final Arena arena = Arena.ofShared();
    private final CudaStream stream;
    private final KernelLaunch castF32;
    private final KernelLaunch castF16;
    private final KernelLaunch moveBf16;
    private final Half[] halves;
    private int current;
    private int count;

    /** A half, the description of its pieces, and how far it is. */
    private record Half(DeviceMemory memory, PinnedMemory pieces, CudaEvent filled, CudaEvent cast)
            implements AutoCloseable {
        static Half of(CudaContext context) {
            return new Half(
                    context.allocate(BYTES),
                    context.pinned((long) MOST_PIECES * PIECE_BYTES),
                    context.event(),
                    context.event());
        }

        @Override
        public void close() {
            cast.synchronize();
            memory.close();
            pieces.close();
            filled.close();
            cast.close();
        }
    }

    CastStage(CudaContext context, Kernels kernels) {
        stream = context.stream(0);
        castF32 = kernels.castF32(arena);
        castF16 = kernels.castF16(arena);
        moveBf16 = kernels.moveBf16(arena);
        halves = new Half[] {Half.of(context), Half.of(context)};
    }

    /** Takes the next half, once it is free, and returns its address. */
    long open() {
        current = 1 - current;
        count = 0;
        halves[current].cast.synchronize();
        return halves[current].memory.address();
    }

    /** Adds elements that will lie in the half, to be cast to somewhere else. */
    void add(long from, long to, long elements) {
        long at = (long) count++ * PIECE_BYTES;
        halves[current].pieces.segment().set(JAVA_LONG, at, from);
        halves[current].pieces.segment().set(JAVA_LONG, at + 8, to);
        halves[current].pieces.segment().set(JAVA_LONG, at + 16, elements);
    }

    /** How many more pieces can be added. */
    int room() {
        return MOST_PIECES - count;
    }

    /** Casts what was added, once the copies have arrived that are in the stream now. */
    void cast(CudaStream copies, ElementType type) {
        Half half = halves[current];
        half.filled.record(copies);
        stream.waitFor(half.filled);
        KernelLaunch kernel = switch (type) {
            case F32 -> castF32;
            case F16 -> castF16;
            case BF16 -> moveBf16;
            default -> throw new IllegalArgumentException("weights of type " + type);
        };
        kernel.grid(Math.max(1, BLOCKS / count), count, 1)
                .block(THREADS, 1, 1, 0)
                .set(0, half.pieces.segment().address())
                .launch(stream.handle());
        half.cast.record(stream);
    }

    /** Waits until everything is cast. */
    void finish() {
        halves[0].cast.synchronize();
        halves[1].cast.synchronize();
    }

    @Override
    public void close() {
        halves[0].close();
        halves[1].close();
        stream.close();
        arena.close();
    }
}

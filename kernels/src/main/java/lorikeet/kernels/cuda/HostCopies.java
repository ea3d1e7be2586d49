package lorikeet.kernels.cuda;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import lorikeet.bindings.CudaContext;
import lorikeet.bindings.CudaEvent;
import lorikeet.bindings.CudaStream;
import lorikeet.kernels.Registration;
import lorikeet.memory.ElementType;
import lorikeet.memory.Matrix;
import lorikeet.memory.Segments;

/**
 * Copies from host memory to the device, on a stream of their own. What lies in registered memory is read by the copy
 * engine where it is; the rest goes through page-locked memory, on several threads, which must all be allowed to read it.
 * Float32 and float16 become bf16 on the device, many matrices in one launch. One copy at a time; any platform thread may
 * ask for one.
 */
final class HostCopies implements AutoCloseable {
    private static final long LARGE_BYTES = 4L << 20;

    /** Bytes that a source may have in front of it, in the file and on the device alike, to keep its alignment. */
    private static final long ALIGNMENT = 256;

    private final CudaContext context;
    private final CudaStream stream;
    private final CudaEvent done;
    private final CastStage stage;
    private final StagedCopies staged;
    private final HostRegistrations registrations;

    /** A matrix in host memory and where it goes: BF16 on the device, or as it is if {@code exact}. */
    record Move(Matrix from, MemorySegment to, boolean exact) {}

    /** Opens it; {@code registers} is whether mapped memory is page-locked at all. */
    HostCopies(CudaContext context, Kernels kernels, boolean registers) {
        this.context = context;
        stream = context.stream(0);
        done = context.event();
        stage = new CastStage(context, kernels);
        staged = new StagedCopies(context, stream);
        registrations = new HostRegistrations(context, registers);
    }

    /** Starts to page-lock mapped memory for fast copies. */
    Registration register(MemorySegment mapped) {
        return registrations.register(mapped);
    }

    /** Copies all matrices, and waits until they are there. */
    synchronized void run(List<Move> moves) {
        context.use();
        Map<ElementType, List<Move>> casts = new EnumMap<>(ElementType.class);
        try {
            for (Move move : moves) {
                if (move.exact() || isLargeAsItIs(move)) {
                    copy(move.from().data(), move.to().address());
                } else {
                    casts.computeIfAbsent(move.from().type(), type -> new ArrayList<>())
                            .add(move);
                }
            }
            casts.forEach((type, some) -> cast(some, type));
        } finally {
            // Nobody may take the memory for something else while copies are under way.
            finish();
        }
    }

    /** What needs no cast; small ones go over the stage all the same, many in one copy, since each copy costs 3 us. */
    private static boolean isLargeAsItIs(Move move) {
        return move.from().type() == ElementType.BF16 && move.from().data().byteSize() >= LARGE_BYTES;
    }

    /** Copies bytes as they are, and waits until they are there. */
    synchronized void run(MemorySegment from, MemorySegment to) {
        context.use();
        try {
            copy(from, to.address());
        } finally {
            finish();
        }
    }

    private void finish() {
        done.record(stream);
        done.synchronize();
        stage.finish();
    }

    private void copy(MemorySegment from, long to) {
        if (registrations.cover(from)) {
            stream.copyToDevice(to, from, from.byteSize());
            return;
        }
        staged.copy(from, to);
    }

    /** Brings sources to the stage, neighbours in one copy, and casts them from there. */
    private void cast(List<Move> moves, ElementType type) {
        moves.sort(Comparator.comparingLong(move -> move.from().data().address()));
        int next = 0;
        while (next < moves.size()) {
            if (moves.get(next).from().data().byteSize() > CastStage.BYTES - ALIGNMENT) {
                castLarge(moves.get(next), type);
                next++;
            } else {
                next = castSome(moves, next, type);
            }
        }
    }

    /** Casts as many moves as a half of the stage has room for; returns the first one left. */
    private int castSome(List<Move> moves, int first, ElementType type) {
        long half = stage.open();
        long used = 0;
        int next = first;
        while (next < moves.size() && stage.room() > 0) {
            int end = neighbours(moves, next, CastStage.BYTES - used - ALIGNMENT, stage.room());
            if (end == next) {
                break;
            }
            MemorySegment from = span(moves.get(next), moves.get(end - 1));
            // An address that is a multiple of its element's size in the file may not be one of 16: keep what it is.
            long at = used + (from.address() % type.bytes() == 0 ? from.address() % ALIGNMENT : 0);
            copy(from, half + at);
            for (; next < end; next++) {
                Move move = moves.get(next);
                MemorySegment data = move.from().data();
                stage.add(
                        half + at + data.address() - from.address(),
                        move.to().address(),
                        data.byteSize() / type.bytes());
            }
            used = (at + from.byteSize() + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
        }
        stage.cast(stream, type);
        return next;
    }

    /** The end of the run of moves from {@code first} on that lie one behind the other, within a number of bytes. */
    private static int neighbours(List<Move> moves, int first, long most, int mostPieces) {
        int end = first;
        long start = moves.get(first).from().data().address();
        while (end < moves.size() && end - first < mostPieces) {
            MemorySegment data = moves.get(end).from().data();
            boolean adjoins = end == first || data.address() == endOf(moves.get(end - 1));
            if (!adjoins || data.address() + data.byteSize() - start > most) {
                break;
            }
            end++;
        }
        return end;
    }

    private static long endOf(Move move) {
        return move.from().data().address() + move.from().data().byteSize();
    }

    /** All bytes from one move's source to another's, which lie in one mapped file. */
    private static MemorySegment span(Move first, Move last) {
        return Segments.span(first.from().data(), last.from().data());
    }

    private void castLarge(Move move, ElementType type) {
        MemorySegment from = move.from().data();
        int size = type.bytes();
        for (long at = 0; at < from.byteSize(); at += CastStage.BYTES) {
            long bytes = Math.min(CastStage.BYTES, from.byteSize() - at);
            long half = stage.open();
            copy(from.asSlice(at, bytes), half);
            stage.add(half, move.to().address() + at / size * Short.BYTES, bytes / size);
            stage.cast(stream, type);
        }
    }

    @Override
    public synchronized void close() {
        context.use();
        stream.synchronize();
        registrations.close();
        staged.close();
        stage.close();
        done.close();
        stream.close();
    }
}

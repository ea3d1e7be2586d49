package lorikeet.kernels.cuda;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.atomic.AtomicBoolean;
import lorikeet.bindings.CudaContext;
import lorikeet.bindings.CudaEvent;
import lorikeet.bindings.CudaStream;
import lorikeet.bindings.HostRegistration;
import lorikeet.bindings.PinnedMemory;
import lorikeet.kernels.Registration;
import lorikeet.memory.ElementType;
import lorikeet.memory.MappedPages;
import lorikeet.memory.Matrix;
import lorikeet.memory.Segments;

/**
 * Copies from host memory to the device, on a stream of their own. What lies in registered memory is read by the copy
 * engine where it is; the rest goes through page-locked memory. Float32 and float16 become bf16 on the device, many
 * matrices in one launch. One copy at a time; any platform thread may ask for one.
 */
final class HostCopies implements AutoCloseable {
    private static final System.Logger LOG = System.getLogger(HostCopies.class.getName());
    private static final long PINNED_BYTES = 4L << 20;

    /** Bytes that a source may have in front of it, in the file and on the device alike, to keep its alignment. */
    private static final long ALIGNMENT = 256;

    private final CudaContext context;
    private final CudaStream stream;
    private final CudaEvent done;
    private final CastStage stage;
    private final PinnedMemory[] halves;
    private final CudaEvent[] free;
    private final ConcurrentSkipListMap<Long, HostRegistration> registered = new ConcurrentSkipListMap<>();
    private final AtomicBoolean told = new AtomicBoolean();
    private int half;

    /** A matrix in host memory and where it goes: BF16 on the device, or as it is if {@code exact}. */
    record Move(Matrix from, MemorySegment to, boolean exact) {}

    HostCopies(CudaContext context, Kernels kernels) {
        this.context = context;
        stream = context.stream(0);
        done = context.event();
        stage = new CastStage(context, kernels);
        halves = new PinnedMemory[] {context.pinned(PINNED_BYTES), context.pinned(PINNED_BYTES)};
        free = new CudaEvent[] {context.event(), context.event()};
    }

    /** Page-locks mapped memory for fast copies. If the system refuses, it is said once, and copies take the long way. */
    Registration register(MemorySegment mapped) {
        // The driver would fetch them on this one thread, which takes as long again as locking them.
        MappedPages.touch(mapped);
        context.use();
        HostRegistration registration = context.register(mapped);
        registration.refusal().ifPresent(reason -> {
            if (told.compareAndSet(false, true)) {
                LOG.log(
                        System.Logger.Level.WARNING,
                        "mapped files can't be registered with the GPU, copies take the slower way: " + reason);
            }
        });
        if (registration.refusal().isPresent()) {
            return registration::close;
        }
        registered.put(mapped.address(), registration);
        return () -> {
            synchronized (this) {
                registered.remove(mapped.address(), registration);
                registration.close();
            }
        };
    }

    /** Copies all matrices, and waits until they are there. */
    synchronized void run(List<Move> moves) {
        context.use();
        List<Move> floats = new ArrayList<>();
        List<Move> halfs = new ArrayList<>();
        for (Move move : moves) {
            if (move.exact() || move.from().type() == ElementType.BF16) {
                copy(move.from().data(), move.to().address());
            } else {
                (move.from().type() == ElementType.F32 ? floats : halfs).add(move);
            }
        }
        cast(floats, ElementType.F32);
        cast(halfs, ElementType.F16);
        finish();
    }

    /** Copies bytes as they are, and waits until they are there. */
    synchronized void run(MemorySegment from, MemorySegment to) {
        context.use();
        copy(from, to.address());
        finish();
    }

    private void finish() {
        done.record(stream);
        done.synchronize();
        stage.finish();
    }

    private void copy(MemorySegment from, long to) {
        Map.Entry<Long, HostRegistration> entry = registered.floorEntry(from.address());
        if (entry != null && entry.getValue().covers(from)) {
            stream.copyToDevice(to, from, from.byteSize());
            return;
        }
        for (long at = 0; at < from.byteSize(); at += PINNED_BYTES) {
            long bytes = Math.min(PINNED_BYTES, from.byteSize() - at);
            free[half].synchronize();
            MemorySegment buffer = halves[half].segment();
            MemorySegment.copy(from, at, buffer, 0, bytes);
            stream.copyToDevice(to + at, buffer, bytes);
            free[half].record(stream);
            half = 1 - half;
        }
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
        for (int i = 0; i < halves.length; i++) {
            halves[i].close();
            free[i].close();
        }
        stage.close();
        done.close();
        stream.close();
    }
}

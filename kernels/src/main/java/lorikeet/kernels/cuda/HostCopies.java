package lorikeet.kernels.cuda;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
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
import lorikeet.bindings.DeviceMemory;
import lorikeet.bindings.HostRegistration;
import lorikeet.bindings.KernelLaunch;
import lorikeet.bindings.PinnedMemory;
import lorikeet.kernels.Registration;
import lorikeet.memory.ElementType;
import lorikeet.memory.Matrix;
import lorikeet.memory.Segments;

/**
 * Copies from host memory to the device, on a stream of their own. What lies in registered memory is read by the copy
 * engine where it is; the rest goes through page-locked memory. Float32 and float16 become bf16 on the device, many
 * matrices in one launch. One copy at a time; any platform thread may ask for one.
 */
final class HostCopies implements AutoCloseable {
    private static final System.Logger LOG = System.getLogger(HostCopies.class.getName());
    private static final long STAGE_BYTES = 64L << 20;
    private static final long PINNED_BYTES = 4L << 20;
    private static final int MOST_PIECES = 4096;
    private static final int PIECE_BYTES = 24;
    private static final int CAST_BLOCKS = 2048;
    private static final int CAST_THREADS = 256;

    /** Bytes that a source may have in front of it, in the file and on the device alike, to keep its alignment. */
    private static final long ALIGNMENT = 256;

    private final Arena arena = Arena.ofShared();
    private final CudaContext context;
    private final CudaStream stream;
    private final CudaEvent done;
    private final KernelLaunch castF32;
    private final KernelLaunch castF16;
    private final DeviceMemory stage;
    private final PinnedMemory pieces;
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
        castF32 = kernels.castF32(arena);
        castF16 = kernels.castF16(arena);
        stage = context.allocate(STAGE_BYTES);
        pieces = context.pinned((long) MOST_PIECES * PIECE_BYTES);
        halves = new PinnedMemory[] {context.pinned(PINNED_BYTES), context.pinned(PINNED_BYTES)};
        free = new CudaEvent[] {context.event(), context.event()};
    }

    /** Page-locks mapped memory for fast copies. If the system refuses, it is said once, and copies take the long way. */
    Registration register(MemorySegment mapped) {
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
        cast(floats, castF32, Float.BYTES);
        cast(halfs, castF16, Short.BYTES);
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
    private void cast(List<Move> moves, KernelLaunch kernel, int size) {
        moves.sort(Comparator.comparingLong(move -> move.from().data().address()));
        int next = 0;
        while (next < moves.size()) {
            next = castSome(moves, next, kernel, size);
        }
    }

    /** Casts as many moves as the stage has room for, or a part of one that is larger; returns the first one left. */
    private int castSome(List<Move> moves, int first, KernelLaunch kernel, int size) {
        MemorySegment source = moves.get(first).from().data();
        if (source.byteSize() > STAGE_BYTES - ALIGNMENT) {
            castLarge(moves.get(first), kernel, size);
            return first + 1;
        }
        long used = 0;
        int count = 0;
        int next = first;
        while (next < moves.size() && count < MOST_PIECES) {
            int end = neighbours(moves, next, STAGE_BYTES - used - ALIGNMENT, MOST_PIECES - count);
            if (end == next) {
                break;
            }
            MemorySegment from = span(moves.get(next), moves.get(end - 1));
            // An address that is a multiple of its element's size in the file may not be one of 16: keep what it is.
            long at = used + (from.address() % size == 0 ? from.address() % ALIGNMENT : 0);
            copy(from, stage.address() + at);
            for (; next < end; next++, count++) {
                Move move = moves.get(next);
                long offset = move.from().data().address() - from.address();
                piece(
                        count,
                        stage.address() + at + offset,
                        move.to().address(),
                        move.from().data().byteSize() / size);
            }
            used = (at + from.byteSize() + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
        }
        launch(kernel, count);
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

    private void castLarge(Move move, KernelLaunch kernel, int size) {
        MemorySegment from = move.from().data();
        long step = STAGE_BYTES;
        for (long at = 0; at < from.byteSize(); at += step) {
            long bytes = Math.min(step, from.byteSize() - at);
            copy(from.asSlice(at, bytes), stage.address());
            piece(0, stage.address(), move.to().address() + at / size * Short.BYTES, bytes / size);
            launch(kernel, 1);
        }
    }

    private void piece(int index, long from, long to, long count) {
        long at = (long) index * PIECE_BYTES;
        pieces.segment().set(JAVA_LONG, at, from);
        pieces.segment().set(JAVA_LONG, at + 8, to);
        pieces.segment().set(JAVA_LONG, at + 16, count);
    }

    /** The pieces and the stage are used again afterwards, so the launch is waited for. */
    private void launch(KernelLaunch kernel, int count) {
        kernel.grid(Math.max(16, CAST_BLOCKS / count), count, 1)
                .block(CAST_THREADS, 1, 1, 0)
                .set(0, pieces.segment().address())
                .launch(stream.handle());
        finish();
    }

    @Override
    public synchronized void close() {
        context.use();
        stream.synchronize();
        for (int i = 0; i < halves.length; i++) {
            halves[i].close();
            free[i].close();
        }
        pieces.close();
        stage.close();
        done.close();
        stream.close();
        arena.close();
    }
}

package lorikeet.runtime.adapter;

import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import lorikeet.bindings.CudaOutOfMemoryException;
import lorikeet.kernels.AdapterWeights;
import lorikeet.kernels.Operations;
import lorikeet.memory.InvalidFileException;
import lorikeet.memory.SafetensorsFolder;
import lorikeet.memory.SlabLease;
import lorikeet.runtime.ErrorCode;
import lorikeet.runtime.LorikeetException;

/**
 * Copies adapters into slabs, one after the other, on a thread of its own: the engine's thread never reads a file.
 *
 * <p>The copy is where an adapter's mapped file is read after loading, and the only place. A file that was cut short or
 * written to since then is refused, before and after the copy: of what is used, nothing comes from a damaged file.
 */
final class AdapterCopies implements AutoCloseable {
    private final Operations operations;
    private final BlockingQueue<Runnable> queue = new LinkedBlockingQueue<>();
    private final Thread thread;
    private volatile boolean closed;

    /** Is told what became of a copy, on the copying thread. */
    interface Listener {
        void copied(AdapterWeights weights);

        void failed(LorikeetException failure);
    }

    AdapterCopies(Operations operations) {
        this.operations = operations;
        this.thread = Thread.ofPlatform().name("lorikeet-copies").daemon().start(this::run);
    }

    /** Queues a copy. Until the listener hears of it, the adapter and the slabs must stay. */
    void copy(LoadedAdapter adapter, SlabLease slabs, Listener listener) {
        queue.add(() -> copyNow(adapter, slabs, listener));
    }

    private void copyNow(LoadedAdapter adapter, SlabLease slabs, Listener listener) {
        try {
            listener.copied(copyUnchanged(adapter, slabs));
        } catch (InvalidFileException e) {
            listener.failed(new LorikeetException(ErrorCode.INVALID_FILE, e.getMessage(), e));
        } catch (OutOfMemoryError | CudaOutOfMemoryException e) {
            listener.failed(new LorikeetException(ErrorCode.NO_ROOM, e.getMessage(), e));
        } catch (RuntimeException | Error e) {
            listener.failed(new LorikeetException(ErrorCode.INTERNAL, "copying an adapter failed: " + e, e));
        }
    }

    private AdapterWeights copyUnchanged(LoadedAdapter adapter, SlabLease slabs) {
        SafetensorsFolder files = adapter.files();
        files.checkUnchanged();
        try {
            return operations.copyIn(adapter.weights(), adapter.plan(), slabs.memory());
        } catch (InternalError e) {
            // What the JVM makes of a page that the file has lost, or that the disk didn't give.
            throw new InvalidFileException(files.path(), "could not be read: " + e.getMessage(), e);
        } finally {
            // If it was changed meanwhile, that says more than whatever came of it.
            files.checkUnchanged();
        }
    }

    private void run() {
        while (!closed || !queue.isEmpty()) {
            try {
                queue.take().run();
            } catch (InterruptedException e) {
                // Nobody interrupts this thread; closing queues a task.
                throw new IllegalStateException(e);
            }
        }
    }

    /** Waits for the copies that are queued. */
    @Override
    public void close() {
        queue.add(() -> closed = true);
        join(thread);
    }

    static void join(Thread thread) {
        boolean interrupted = false;
        while (true) {
            try {
                thread.join();
                break;
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}

package lorikeet.runtime.engine;

import java.util.concurrent.locks.LockSupport;
import lorikeet.runtime.ErrorCode;
import lorikeet.runtime.LorikeetException;

/** The platform thread that owns the device: it works as long as there is work, and sleeps otherwise. */
public final class EngineThread implements AutoCloseable {
    private static final System.Logger LOG = System.getLogger(EngineThread.class.getName());

    private final Engine engine;
    private final Thread thread;
    private volatile boolean stopping;

    /** Starts the thread. */
    public EngineThread(Engine engine) {
        this.engine = engine;
        this.thread = Thread.ofPlatform().name("lorikeet-engine").daemon().unstarted(this::run);
        engine.waker(() -> LockSupport.unpark(thread));
        thread.start();
    }

    private void run() {
        while (!stopping) {
            try {
                if (engine.doWork() == 0) {
                    LockSupport.parkNanos(this, engine.idleNanos());
                }
            } catch (RuntimeException | Error e) {
                LOG.log(System.Logger.Level.ERROR, "the engine made a mistake; all requests fail, and it goes on", e);
                recover(e);
            }
        }
        engine.shutDown();
    }

    private void recover(Throwable cause) {
        try {
            engine.failAll(new LorikeetException(ErrorCode.INTERNAL, "the engine failed: " + cause, cause));
        } catch (RuntimeException | Error e) {
            LOG.log(System.Logger.Level.ERROR, "failing all requests failed", e);
        }
    }

    /** Whether the caller runs on this thread, and so must not wait for it. */
    public boolean isCurrent() {
        return Thread.currentThread() == thread;
    }

    /**
     * Ends all requests with ABORTED after the running step, and the thread. Closing twice does nothing.
     *
     * @throws IllegalStateException on the engine's own thread
     */
    @Override
    public void close() {
        if (isCurrent()) {
            throw new IllegalStateException("the engine's thread can't wait for its own end");
        }
        stopping = true;
        LockSupport.unpark(thread);
        boolean interrupted = false;
        while (thread.isAlive()) {
            try {
                thread.join();
            } catch (InterruptedException e) {
                interrupted = true;
            }
        }
        if (interrupted) {
            Thread.currentThread().interrupt();
        }
    }
}

package lorikeet.runtime;

import java.time.Duration;
import java.util.Optional;

/** How an adapter is unloaded. In any case no new request gets it from the moment on. */
public sealed interface Unload {
    /** Waits for the requests that hold it, however long they take, and for its memory to be given back. */
    Unload AND_WAIT = new Drain(true, Optional.empty());

    /**
     * Lets the requests that hold it finish.
     *
     * @param await whether the call waits until they have, and the adapter's memory has been given back
     * @param deadline after this time the requests that are left are aborted
     */
    record Drain(boolean await, Optional<Duration> deadline) implements Unload {
        public Drain {
            if (deadline.isPresent() && deadline.get().isNegative()) {
                throw new LorikeetException(
                        ErrorCode.INVALID_REQUEST, "a deadline of " + deadline.get() + " has passed already");
            }
        }
    }

    /** Aborts the requests that hold it. They end a moment later; the call doesn't wait for that. */
    record Now() implements Unload {}
}

package lorikeet.runtime.adapter;

import lorikeet.kernels.AdapterWeights;
import lorikeet.memory.SlabLease;
import lorikeet.runtime.ErrorCode;
import lorikeet.runtime.LorikeetException;
import lorikeet.runtime.engine.Residency.Presence;
import org.jspecify.annotations.Nullable;

/** An adapter that has slabs, or had them until its copy failed. Owns the slabs. Engine thread only. */
final class ResidentAdapter implements AutoCloseable {
    private final AdapterVersion version;
    private final SlabLease slabs;
    private @Nullable AdapterWeights weights;
    private @Nullable LorikeetException failure;
    private long failedAt;
    private long lastUse;
    private long askedIn;
    private int holds;
    private boolean wasHeld;
    private boolean retired;

    /** One whose weights are on their way into these slabs. */
    ResidentAdapter(AdapterVersion version, SlabLease slabs) {
        this.version = version;
        this.slabs = slabs;
    }

    AdapterVersion version() {
        return version;
    }

    Presence presence() {
        if (failure != null) {
            return Presence.FAILED;
        }
        return weights == null ? Presence.COMING : Presence.RESIDENT;
    }

    AdapterWeights weights() {
        if (weights == null) {
            throw new IllegalStateException("the adapter " + version + " is not resident");
        }
        return weights;
    }

    LorikeetException failure() {
        if (failure == null) {
            throw new IllegalStateException("the adapter " + version + " has not failed");
        }
        return failure;
    }

    void arrived(AdapterWeights copied) {
        weights = copied;
    }

    void failed(LorikeetException reason, long step) {
        failure = reason;
        failedAt = step;
        slabs.close();
    }

    /** Whether a failed copy may be tried again: not for a damaged file, and not for those who still wait for this one. */
    boolean mayTryAgain(long step) {
        return failure != null && failure.code() != ErrorCode.INVALID_FILE && step > failedAt;
    }

    void use(long step) {
        lastUse = step;
    }

    long lastUse() {
        return lastUse;
    }

    void hold() {
        if (weights == null) {
            throw new IllegalStateException("the adapter " + version + " is not resident");
        }
        wasHeld = true;
        holds++;
    }

    /** Whether running sequences need it, or a step that is in flight. */
    boolean isHeld() {
        return holds > 0;
    }

    /** Undoes one {@link #hold}; true if it was the last. */
    boolean release() {
        if (holds == 0) {
            throw new IllegalStateException("the adapter " + version + " was released more often than held");
        }
        return --holds == 0;
    }

    /** Notes in which of the engine's rounds it was asked for. */
    void askedFor(long round) {
        askedIn = round;
    }

    /**
     * Whether it has come for a request that is about to start: it was asked for in this round or in the last, has not
     * been used so far, and the request has not gone away.
     */
    boolean isAwaited(long round) {
        return !wasHeld && askedIn >= round - 1 && version.activeRequests() > 0;
    }

    void retire() {
        retired = true;
    }

    boolean isRetired() {
        return retired;
    }

    /** Gives the slabs back. */
    @Override
    public void close() {
        slabs.close();
    }
}

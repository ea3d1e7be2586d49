package lorikeet.runtime;

import lorikeet.runtime.adapter.AdapterLease;
import lorikeet.runtime.engine.GroupSettings;
import org.jspecify.annotations.Nullable;

/** A request whose prompt is tokens and whose adapter, once it has one, is held. */
final class PreparedRequest implements AutoCloseable {
    private final Request request;
    private final int[] tokens;
    private final GroupSettings settings;
    private final long submittedNanos;
    private @Nullable AdapterLease lease;

    /** A request that was submitted at this time, by the engine's clock. */
    PreparedRequest(Request request, int[] tokens, GroupSettings settings, long submittedNanos) {
        this.request = request;
        this.tokens = tokens;
        this.settings = settings;
        this.submittedNanos = submittedNanos;
    }

    Request request() {
        return request;
    }

    int[] tokens() {
        return tokens;
    }

    GroupSettings settings() {
        return settings;
    }

    long submittedNanos() {
        return submittedNanos;
    }

    /** Closed with this, or by the run that takes it over; null for the base model. */
    @Nullable
    AdapterLease lease() {
        return lease;
    }

    void lease(@Nullable AdapterLease value) {
        lease = value;
    }

    /** Closes the lease, for a request that isn't submitted after all. */
    @Override
    public void close() {
        if (lease != null) {
            lease.close();
        }
    }
}

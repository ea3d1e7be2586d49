package lorikeet.runtime;

import lorikeet.runtime.adapter.AdapterLease;
import lorikeet.runtime.engine.GroupSettings;
import org.jspecify.annotations.Nullable;

/** A request whose prompt is tokens and whose adapter is held. */
final class PreparedRequest implements AutoCloseable {
    private final Request request;
    private final int[] tokens;
    private final GroupSettings settings;
    private final @Nullable AdapterLease lease;

    PreparedRequest(Request request, int[] tokens, GroupSettings settings, @Nullable AdapterLease lease) {
        this.request = request;
        this.tokens = tokens;
        this.settings = settings;
        this.lease = lease;
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

    /** Closed with this, or by the run that takes it over. */
    @Nullable
    AdapterLease lease() {
        return lease;
    }

    /** Closes the lease, for a request that isn't submitted after all. */
    @Override
    public void close() {
        if (lease != null) {
            lease.close();
        }
    }
}

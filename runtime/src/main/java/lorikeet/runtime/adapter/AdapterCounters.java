package lorikeet.runtime.adapter;

import java.time.Duration;
import java.util.concurrent.atomic.LongAdder;
import lorikeet.runtime.AdapterStatistics;
import org.jspecify.annotations.Nullable;

/** What is counted for one name. Safe for use by several threads. */
final class AdapterCounters {
    final LongAdder loads = new LongAdder();
    final LongAdder loadNanos = new LongAdder();
    final LongAdder fetches = new LongAdder();
    final LongAdder evictions = new LongAdder();
    final LongAdder requests = new LongAdder();

    /** The counts as they are now, together with what {@code version}, the one that the name points to, says. */
    AdapterStatistics snapshot(String name, @Nullable AdapterVersion version) {
        return new AdapterStatistics(
                name,
                version != null,
                version != null && version.isResident(),
                loads.sum(),
                Duration.ofNanos(loadNanos.sum()),
                fetches.sum(),
                evictions.sum(),
                requests.sum(),
                version == null ? 0 : version.activeRequests());
    }
}

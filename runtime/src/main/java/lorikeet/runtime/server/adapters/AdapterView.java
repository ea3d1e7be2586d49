package lorikeet.runtime.server.adapters;

import java.util.Locale;
import lorikeet.runtime.Adapter;

/**
 * An adapter at one moment.
 *
 * @param id a number that no other load has
 * @param name what requests call it; one that is draining may share it with its successor
 * @param path the folder that it was loaded from
 * @param state loading, ready, resident, draining or closed
 * @param pinned its weights stay on the device
 * @param activeRequests requests that use it
 * @param bytes the size of its weights
 * @param maxRank the largest rank of its modules
 */
public record AdapterView(
        long id, String name, String path, String state, boolean pinned, int activeRequests, long bytes, int maxRank) {
    static AdapterView of(Adapter adapter) {
        return new AdapterView(
                adapter.id(),
                adapter.name(),
                adapter.path().toString(),
                adapter.state().name().toLowerCase(Locale.ROOT),
                adapter.pinned(),
                adapter.activeRequests(),
                adapter.bytes(),
                adapter.maxRank());
    }
}

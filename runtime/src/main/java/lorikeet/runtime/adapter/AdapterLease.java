package lorikeet.runtime.adapter;

/**
 * A request's hold on an adapter: as long as it is open, this load of the adapter stays as it is. Whatever ends the
 * request closes it; only the first close counts. Safe for use by several threads.
 */
public interface AdapterLease extends AutoCloseable {
    /** The id of the load that it holds; positive. */
    long id();

    /** The adapter's name. */
    String name();

    /** The load that it holds. */
    AdapterVersion version();

    /** The adapter's files and weights. */
    LoadedAdapter loaded();

    /** Whether the adapter was unloaded without waiting for this request to finish. */
    boolean isAborted();

    /**
     * Says what to do when the adapter is unloaded without waiting for the request. It runs at most once, on the thread
     * that unloads or, if that has happened already, on this one; it must return quickly.
     */
    void onAbort(Runnable action);

    /** Lets go of the adapter. If it is being unloaded and this was the last hold, its memory is given back soon after. */
    @Override
    void close();
}

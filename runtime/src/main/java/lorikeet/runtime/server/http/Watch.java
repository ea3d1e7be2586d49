package lorikeet.runtime.server.http;

/** Waits for something until it is closed. */
public interface Watch extends AutoCloseable {
    @Override
    void close();
}

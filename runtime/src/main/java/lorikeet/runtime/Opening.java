package lorikeet.runtime;

import java.util.ArrayDeque;
import java.util.Deque;

/** Closes what was opened so far, in reverse, unless opening went well to the end. */
final class Opening implements AutoCloseable {
    private final Deque<AutoCloseable> opened = new ArrayDeque<>();

    <T extends AutoCloseable> T keep(T resource) {
        opened.push(resource);
        return resource;
    }

    void done() {
        opened.clear();
    }

    @Override
    public void close() {
        for (AutoCloseable resource : opened) {
            try {
                resource.close();
            } catch (Exception e) {
                throw new IllegalStateException("closing after a failure failed: " + e, e);
            }
        }
    }
}

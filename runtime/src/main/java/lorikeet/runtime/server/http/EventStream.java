package lorikeet.runtime.server.http;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;

/** An answer of server-sent events. Used by one thread, which waits for a slow client here and holds up nobody else. */
public final class EventStream implements AutoCloseable {
    private static final byte[] DATA = "data: ".getBytes(StandardCharsets.UTF_8);
    private static final byte[] END = "\n\n".getBytes(StandardCharsets.UTF_8);

    private final OutputStream out;
    private final SlowClients slowClients;
    private final ByteArrayOutputStream pending = new ByteArrayOutputStream();

    EventStream(OutputStream out, SlowClients slowClients) {
        this.out = out;
        this.slowClients = slowClients;
    }

    /** Adds an event of JSON; {@link #flush} sends it. */
    public void add(Object body) {
        add(Json.bytes(body));
    }

    /** Adds the event that OpenAI's and SGLang's streams end with. */
    public void addDone() {
        add("[DONE]".getBytes(StandardCharsets.UTF_8));
    }

    private void add(byte[] data) {
        pending.writeBytes(DATA);
        pending.writeBytes(data);
        pending.writeBytes(END);
    }

    /**
     * Sends what was added.
     *
     * @throws IOException if the client is gone, or too slow
     */
    public void flush() throws IOException {
        slowClients.bound(() -> {
            pending.writeTo(out);
            out.flush();
        });
        pending.reset();
    }

    /** Sends what was added and ends the answer. */
    @Override
    public void close() throws IOException {
        slowClients.bound(() -> {
            pending.writeTo(out);
            out.close();
        });
        pending.reset();
    }
}

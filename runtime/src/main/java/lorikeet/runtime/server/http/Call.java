package lorikeet.runtime.server.http;

import com.sun.net.httpserver.HttpExchange;
import java.io.IOException;
import java.io.InputStream;
import java.util.Optional;

/**
 * One call of a client, to be answered once: with {@link #respond} or with {@link #stream}. Used by the thread that
 * answers it, except for {@link #whenGone}'s action.
 */
public final class Call {
    private static final int PIECE = 8192;
    private static final int DISCARDED_BODIES = 4;

    private final HttpExchange exchange;
    private final HttpLimits limits;
    private final SlowClients slowClients;
    private final ClosedPeers closedPeers;
    private boolean answered;

    Call(HttpExchange exchange, HttpLimits limits, SlowClients slowClients, ClosedPeers closedPeers) {
        this.exchange = exchange;
        this.limits = limits;
        this.slowClients = slowClients;
        this.closedPeers = closedPeers;
    }

    /** The path, decoded, without the query. */
    public String path() {
        return exchange.getRequestURI().getPath();
    }

    /** GET, POST, or what else the client said. */
    public String method() {
        return exchange.getRequestMethod();
    }

    /** A header's first value. */
    public Optional<String> header(String name) {
        return Optional.ofNullable(exchange.getRequestHeaders().getFirst(name));
    }

    /** Sets a header of the answer. */
    public void setHeader(String name, String value) {
        exchange.getResponseHeaders().set(name, value);
    }

    /**
     * The whole body, which has to call itself JSON: a page of another site can't make a browser send that without asking
     * first.
     *
     * @throws Refusal 413 if it is too large, 415 if it is something else, 400 if it can't be read
     */
    public byte[] jsonBody() {
        String type = header("Content-Type").orElse("");
        if (!type.split(";", 2)[0].strip().equalsIgnoreCase("application/json")) {
            throw new Refusal(
                    415,
                    "invalid_request_error",
                    null,
                    "unsupported_media_type",
                    "the body has to be sent as 'Content-Type: application/json'");
        }
        if (header("Content-Encoding").isPresent()) {
            throw new Refusal(
                    415, "invalid_request_error", null, "unsupported_media_type", "the body must not be compressed");
        }
        long announced = header("Content-Length").map(Long::parseLong).orElse(0L);
        byte[] body = new byte[0];
        if (announced <= limits.bodyBytes()) {
            body = readBody();
        }
        if (Math.max(announced, body.length) > limits.bodyBytes()) {
            setHeader("Connection", "close");
            throw new Refusal(
                    413,
                    "invalid_request_error",
                    null,
                    "request_too_large",
                    "the body is larger than " + limits.bodyBytes() + " bytes");
        }
        return body;
    }

    private byte[] readBody() {
        try {
            return exchange.getRequestBody().readNBytes(limits.bodyBytes() + 1);
        } catch (IOException e) {
            setHeader("Connection", "close");
            throw Refusal.invalid(null, "the body broke off, or its chunks make no sense");
        }
    }

    /**
     * Runs an action if the client closes the connection before the returned watch is closed. The action runs on another
     * thread and must be short.
     */
    public Watch whenGone(Runnable action) {
        return closedPeers.watch(exchange.getLocalAddress(), exchange.getRemoteAddress(), action);
    }

    /** True once an answer was begun. */
    boolean answered() {
        return answered;
    }

    /** Answers with a whole body. */
    public void respond(int status, String contentType, byte[] body) throws IOException {
        answered = true;
        setHeader("Content-Type", contentType);
        slowClients.bound(() -> {
            boolean bare = body.length == 0 || method().equals("HEAD");
            if (bare) {
                setHeader("Content-Length", String.valueOf(body.length));
            }
            exchange.sendResponseHeaders(status, bare ? -1 : body.length);
            if (!bare) {
                exchange.getResponseBody().write(body);
                exchange.getResponseBody().flush(); // closing waits for what is left of the request
                discardRest();
            }
            exchange.close();
        });
    }

    /**
     * Takes in what a refused client still sends, within bounds. Closing on it would reset the connection, and the client
     * would lose the answer.
     */
    private void discardRest() throws IOException {
        InputStream in = exchange.getRequestBody();
        byte[] piece = new byte[PIECE];
        long left = (long) DISCARDED_BODIES * limits.bodyBytes();
        for (int read = 0; read >= 0 && left > 0; left -= read) {
            read = in.read(piece);
        }
    }

    /** Answers with JSON: a record, a map, a list or a tree. */
    public void respond(int status, Object body) throws IOException {
        respond(status, "application/json", Json.bytes(body));
    }

    /** Begins to answer with server-sent events. */
    public EventStream stream() throws IOException {
        answered = true;
        setHeader("Content-Type", "text/event-stream; charset=utf-8");
        setHeader("Cache-Control", "no-cache");
        setHeader("X-Accel-Buffering", "no"); // nginx would hold events back
        slowClients.bound(() -> {
            exchange.sendResponseHeaders(200, 0);
            exchange.getResponseBody().flush();
        });
        return new EventStream(exchange.getResponseBody(), slowClients);
    }
}

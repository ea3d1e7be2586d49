package lorikeet.runtime.server.http;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.function.Function;

/**
 * Listens, and hands each call to its route, on a thread of its own. Whoever starts it closes it.
 *
 * <p>The threads are virtual from Java 24 on. Before, a virtual thread that writes through the JDK's server holds on to
 * its carrier, and a few slow clients would stop everybody; so those are platform threads.
 */
public final class HttpFront implements AutoCloseable {
    private static final Logger LOG = System.getLogger(HttpFront.class.getName());
    private static final int FIRST_WITHOUT_PINNING = 24;
    private static final int BACKLOG = 512;

    private final HttpServer server;
    private final ExecutorService threads = threads();
    private final List<Route> routes;
    private final Keys keys;
    private final HttpLimits limits;
    private final Function<RuntimeException, Optional<Refusal>> refusals;
    private final SlowClients slowClients;
    private final ClosedPeers closedPeers = new ClosedPeers();
    private final OpenCalls open = new OpenCalls();
    private volatile boolean draining;

    /**
     * Starts to listen.
     *
     * @param address where; port 0 for any free one
     * @param refusals what to tell clients of exceptions other than refusals; those that it doesn't know are errors of
     *     this server
     * @throws UncheckedIOException if the address can't be listened on
     */
    public HttpFront(
            InetSocketAddress address,
            List<Route> routes,
            Keys keys,
            HttpLimits limits,
            Function<RuntimeException, Optional<Refusal>> refusals) {
        this.routes = List.copyOf(routes);
        this.keys = keys;
        this.limits = limits;
        this.refusals = refusals;
        this.slowClients = new SlowClients(limits.writeTime());
        limits.apply();
        try {
            this.server = HttpServer.create(address, BACKLOG, "/", this::handle);
        } catch (IOException e) {
            close(threads, slowClients, closedPeers);
            throw new UncheckedIOException("can't listen on " + address + ": " + e.getMessage(), e);
        }
        server.setExecutor(threads);
        server.start();
    }

    private static ExecutorService threads() {
        return Runtime.version().feature() >= FIRST_WITHOUT_PINNING
                ? Executors.newThreadPerTaskExecutor(
                        Thread.ofVirtual().name("lorikeet-call-", 0).factory())
                : Executors.newCachedThreadPool(
                        Thread.ofPlatform().daemon().name("lorikeet-call-", 0).factory());
    }

    /** Where it listens. */
    public InetSocketAddress address() {
        return server.getAddress();
    }

    /** From now on connections end with their answers, so that clients go elsewhere. */
    public void drain() {
        draining = true;
    }

    /** Waits until no call is being answered, but no longer than this; true if none is. */
    public boolean awaitIdle(Duration most) throws InterruptedException {
        return open.awaitNone(most);
    }

    private void handle(HttpExchange exchange) {
        Call call = new Call(exchange, limits, slowClients, closedPeers);
        open.add();
        try {
            if (draining) {
                call.setHeader("Connection", "close");
            }
            answer(call);
        } catch (IOException e) {
            LOG.log(Level.DEBUG, "a client is gone", e);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } finally {
            exchange.close();
            open.remove();
        }
    }

    private void answer(Call call) throws IOException, InterruptedException {
        try {
            Hosts.check(keys, call);
            Route route = route(call);
            keys.check(route.access(), call.header("Authorization").orElse(null));
            route.endpoint().answer(call);
        } catch (Refusal e) {
            refuse(call, e);
        } catch (RuntimeException e) {
            refuse(call, refusals.apply(e).orElseGet(() -> ownFault(call, e)));
        } catch (StackOverflowError | OutOfMemoryError e) {
            refuse(call, ownFault(call, e));
        }
    }

    private static Refusal ownFault(Call call, Throwable e) {
        LOG.log(Level.ERROR, "answering " + call.method() + " " + call.path() + " failed", e);
        return new Refusal(500, "server_error", null, null, "the server failed; its log says more");
    }

    private Route route(Call call) {
        boolean known = false;
        for (Route route : routes) {
            if (route.matches(call.path())) {
                if (route.answers(call.method())) {
                    return route;
                }
                known = true;
            }
        }
        throw known
                ? new Refusal(
                        405,
                        "invalid_request_error",
                        null,
                        "method_not_allowed",
                        call.path() + " doesn't answer to " + call.method())
                : new Refusal(404, "invalid_request_error", null, "unknown_url", "there is no " + call.path());
    }

    private static void refuse(Call call, Refusal refusal) throws IOException {
        if (call.answered()) {
            throw new IOException("failed in the middle of an answer: " + refusal.message(), refusal);
        }
        if (refusal.status() == 401) {
            call.setHeader("WWW-Authenticate", "Bearer");
        } else if (refusal.status() == 503) {
            call.setHeader("Retry-After", "1");
        }
        call.respond(refusal.status(), ErrorBody.of(refusal));
    }

    /** Stops listening, ends all connections, and waits for the threads. */
    @Override
    public void close() {
        server.stop(0);
        close(threads, slowClients, closedPeers);
    }

    private static void close(ExecutorService threads, SlowClients slowClients, ClosedPeers closedPeers) {
        threads.shutdownNow();
        threads.close();
        slowClients.close();
        closedPeers.close();
    }
}

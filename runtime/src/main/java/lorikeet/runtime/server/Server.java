package lorikeet.runtime.server;

import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.UnknownHostException;
import java.time.Duration;
import java.util.Optional;
import lorikeet.runtime.ErrorCode;
import lorikeet.runtime.Lorikeet;
import lorikeet.runtime.LorikeetException;
import lorikeet.runtime.server.generation.Failures;
import lorikeet.runtime.server.http.HttpFront;
import lorikeet.runtime.server.http.Keys;
import lorikeet.runtime.server.http.Refusal;

/**
 * A model and its adapters over HTTP. The model stays its opener's, who closes it after the server, or at its
 * {@linkplain #drain end}.
 */
public final class Server implements AutoCloseable {
    private final Lorikeet model;
    private final Health health;
    private final HttpFront front;

    private Server(Lorikeet model, Health health, HttpFront front) {
        this.model = model;
        this.health = health;
        this.front = front;
    }

    /**
     * Starts to serve a model.
     *
     * @throws LorikeetException INVALID_REQUEST if others could reach a server without a key, NOT_FOUND for an unknown
     *     host or an adapter folder that isn't there
     * @throws java.io.UncheckedIOException if the address can't be listened on
     */
    public static Server start(Lorikeet model, ServerSettings settings) {
        Keys keys = new Keys(settings.apiKey(), settings.adminKey());
        InetSocketAddress address = new InetSocketAddress(address(settings.host()), settings.port());
        if (!address.getAddress().isLoopbackAddress() && !keys.guardsUse() && !settings.openToAll()) {
            throw new LorikeetException(
                    ErrorCode.INVALID_REQUEST,
                    settings.host() + " can be reached from other machines, and the server has no key: give it one with"
                            + " --api-key-file, or say --no-key");
        }
        Health health = new Health(model);
        HttpFront front =
                new HttpFront(address, Routes.of(model, settings, health), keys, settings.http(), Server::refusal);
        return new Server(model, health, front);
    }

    private static InetAddress address(String host) {
        try {
            return InetAddress.getByName(host);
        } catch (UnknownHostException e) {
            throw new LorikeetException(ErrorCode.NOT_FOUND, host + ": no such host", e);
        }
    }

    private static Optional<Refusal> refusal(RuntimeException e) {
        return e instanceof LorikeetException known && known.code() != ErrorCode.INTERNAL
                ? Optional.of(Failures.refusal(known))
                : Optional.empty();
    }

    /** Where it listens. */
    public InetSocketAddress address() {
        return front.address();
    }

    /**
     * Takes no more work, tells load balancers so, and waits until what runs is done.
     *
     * @return whether it was done within the time
     */
    public boolean drain(Duration grace) throws InterruptedException {
        health.drain();
        front.drain();
        model.stopAdmitting();
        return front.awaitIdle(grace);
    }

    /** Stops listening and ends all connections. */
    @Override
    public void close() {
        front.close();
    }
}

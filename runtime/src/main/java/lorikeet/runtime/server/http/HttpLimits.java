package lorikeet.runtime.server.http;

import java.time.Duration;

/**
 * What one client may take from the server.
 *
 * @param bodyBytes the largest body of a call
 * @param connections the most connections at a time; further ones are closed at once
 * @param receiveTime within which the whole of a call, headers and body, has to arrive
 * @param writeTime within which a client has to take a piece of the answer
 */
public record HttpLimits(int bodyBytes, int connections, Duration receiveTime, Duration writeTime) {
    /** 4 MiB, 1024 connections, half a minute each way. */
    public static final HttpLimits DEFAULT =
            new HttpLimits(4 << 20, 1024, Duration.ofSeconds(30), Duration.ofSeconds(30));

    private static final int HEADERS = 100;
    private static final int HEADER_BYTES = 32 << 10;

    /**
     * Sets those limits that the JDK's server takes from system properties only. It reads them once, when its classes are
     * first used: the first server of a process decides, and a property that is set already wins.
     */
    void apply() {
        set("jdk.httpserver.maxConnections", connections);
        set("sun.net.httpserver.maxIdleConnections", connections);
        set("sun.net.httpserver.maxReqTime", Math.max(1, receiveTime.toSeconds()));
        set("sun.net.httpserver.maxReqHeaders", HEADERS);
        set("sun.net.httpserver.maxReqHeaderSize", HEADER_BYTES);
        if (System.getProperty("sun.net.httpserver.nodelay") == null) {
            System.setProperty("sun.net.httpserver.nodelay", "true");
        }
    }

    private static void set(String property, long value) {
        if (System.getProperty(property) == null) {
            System.setProperty(property, Long.toString(value));
        }
    }
}

package lorikeet.runtime.server.http;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/**
 * Notices that a client has closed its connection while its request is still waiting for an answer. The JDK's server
 * doesn't read from a connection meanwhile, so it can't know. Linux does: its table of connections shows every one whose
 * other side has said goodbye as no longer established. It is looked at five times a second while somebody waits.
 * Elsewhere nothing is noticed before the answer is written.
 */
final class ClosedPeers implements AutoCloseable {
    private static final List<Path> TABLES = List.of(Path.of("/proc/net/tcp"), Path.of("/proc/net/tcp6"));
    private static final String ESTABLISHED = "01";
    private static final String MAPPED = mappedPrefix();
    private static final long PERIOD_MILLIS = 200;

    private final Map<Waiting, String> watches = new ConcurrentHashMap<>();
    private final ScheduledExecutorService timer = Executors.newSingleThreadScheduledExecutor(
            Thread.ofPlatform().daemon().name("lorikeet-closed-peers").factory());

    ClosedPeers() {
        if (Files.isReadable(TABLES.getFirst())) {
            ScheduledFuture<?> _ =
                    timer.scheduleWithFixedDelay(this::look, PERIOD_MILLIS, PERIOD_MILLIS, TimeUnit.MILLISECONDS);
        }
    }

    private final class Waiting implements Watch {
        private final Runnable gone;

        private Waiting(Runnable gone) {
            this.gone = gone;
        }

        @Override
        public void close() {
            watches.remove(this);
        }
    }

    /** Runs {@code gone} once, on a thread of this object, if the connection between these addresses ends. */
    Watch watch(InetSocketAddress local, InetSocketAddress remote, Runnable gone) {
        Waiting watch = new Waiting(gone);
        watches.put(watch, key(local.getPort(), remote));
        return watch;
    }

    private void look() {
        if (watches.isEmpty()) {
            return;
        }
        // First who waits, then who is there: a connection that comes in between is not taken for gone.
        List<Map.Entry<Waiting, String>> waiting = new ArrayList<>(watches.entrySet());
        Set<String> established = new HashSet<>();
        try {
            for (Path table : TABLES) {
                read(table, established);
            }
        } catch (IOException | UncheckedIOException e) {
            return; // looked at again soon
        }
        for (Map.Entry<Waiting, String> entry : waiting) {
            if (!established.contains(entry.getValue()) && watches.remove(entry.getKey()) != null) {
                entry.getKey().gone.run();
            }
        }
    }

    /** Reads lines such as {@code 0: 0100007F:1F90 0100007F:D431 01 ...}: number, local, remote, state. */
    private static void read(Path table, Set<String> established) throws IOException {
        if (!Files.isReadable(table)) {
            return;
        }
        try (Stream<String> lines = Files.lines(table)) {
            lines.skip(1).map(line -> line.strip().split("\\s+", 5)).forEach(columns -> {
                if (columns.length > 3 && columns[3].equals(ESTABLISHED)) {
                    established.add(columns[1].substring(columns[1].lastIndexOf(':')) + " " + plain(columns[2]));
                }
            });
        }
    }

    private static String key(int localPort, InetSocketAddress remote) {
        return ":" + port(localPort) + " " + hex(remote.getAddress()) + ":" + port(remote.getPort());
    }

    private static String port(int port) {
        return String.format(Locale.ROOT, "%04X", port);
    }

    /** An address as the kernel prints it: its 32-bit words as numbers of the machine's byte order. */
    private static String hex(InetAddress address) {
        ByteBuffer bytes = ByteBuffer.wrap(address.getAddress()).order(ByteOrder.nativeOrder());
        StringBuilder hex = new StringBuilder();
        while (bytes.hasRemaining()) {
            hex.append(String.format(Locale.ROOT, "%08X", bytes.getInt()));
        }
        return hex.toString();
    }

    /** Java has no IPv4 addresses dressed up as IPv6 ones; the kernel's table for IPv6 does. */
    private static String plain(String address) {
        return address.startsWith(MAPPED) ? address.substring(MAPPED.length()) : address;
    }

    private static String mappedPrefix() {
        ByteBuffer word = ByteBuffer.allocate(4).order(ByteOrder.nativeOrder());
        word.putShort(2, (short) 0xFFFF);
        return "0".repeat(16) + String.format(Locale.ROOT, "%08X", word.getInt(0));
    }

    @Override
    public void close() {
        timer.shutdownNow();
    }
}

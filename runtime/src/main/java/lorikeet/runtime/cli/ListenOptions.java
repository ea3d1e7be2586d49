package lorikeet.runtime.cli;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import lorikeet.runtime.ErrorCode;
import lorikeet.runtime.LorikeetException;
import lorikeet.runtime.server.ServerSettings;
import lorikeet.runtime.server.http.HttpLimits;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Where a server listens, which keys it asks for, and what one client may take. */
final class ListenOptions {
    private static final String API_KEY = "LORIKEET_API_KEY";
    private static final String ADMIN_KEY = "LORIKEET_ADMIN_KEY";

    @Option(
            names = "--host",
            paramLabel = "ADDRESS",
            defaultValue = "127.0.0.1",
            description = "Listen here (default: ${DEFAULT-VALUE}, which only this machine reaches).")
    private String host = "127.0.0.1";

    @Option(
            names = "--port",
            paramLabel = "N",
            defaultValue = "8080",
            description = "0 takes any free one (default: ${DEFAULT-VALUE}).")
    private int port;

    @Option(
            names = "--api-key-file",
            paramLabel = "FILE",
            description = "Ask for the key in FILE, sent as 'Authorization: Bearer KEY' (default: the environment's "
                    + API_KEY + ", or no key).")
    private @Nullable Path apiKeyFile;

    @Option(
            names = "--admin-key-file",
            paramLabel = "FILE",
            description = "Change adapters only for the key in FILE (default: the environment's " + ADMIN_KEY
                    + "). With a key for use but none for this, nobody can change adapters.")
    private @Nullable Path adminKeyFile;

    @Option(names = "--no-key", description = "Let other machines in without a key.")
    private boolean noKey;

    @Option(
            names = "--grace",
            paramLabel = "SECONDS",
            defaultValue = "30",
            description = "On SIGTERM give what runs so much time (default: ${DEFAULT-VALUE}).")
    private int grace;

    @Option(
            names = "--max-body-mb",
            paramLabel = "MB",
            defaultValue = "4",
            description = "The largest body of a call (default: ${DEFAULT-VALUE}).")
    private int bodyMegabytes;

    @Option(
            names = "--max-connections",
            paramLabel = "N",
            defaultValue = "1024",
            description = "Close further connections at once (default: ${DEFAULT-VALUE}).")
    private int connections;

    @Option(
            names = "--client-timeout",
            paramLabel = "SECONDS",
            defaultValue = "30",
            description = "Drop a client that takes longer to send its call, or to take a piece of the answer "
                    + "(default: ${DEFAULT-VALUE}).")
    private int clientSeconds;

    @Option(
            names = "--max-n",
            paramLabel = "N",
            defaultValue = "" + ServerSettings.DEFAULT_CHOICES,
            description = "The most texts for one prompt (default: ${DEFAULT-VALUE}).")
    private int choices;

    @Option(
            names = "--max-prompts",
            paramLabel = "N",
            defaultValue = "" + ServerSettings.DEFAULT_PROMPTS,
            description = "The most prompts of one call (default: ${DEFAULT-VALUE}).")
    private int prompts;

    ListenOptions() {}

    Duration grace() {
        return Duration.ofSeconds(grace);
    }

    ServerSettings settings(String name, String path, List<Path> adapterRoots, int batchAdapters) {
        return new ServerSettings(
                host,
                port,
                name,
                path,
                key(apiKeyFile, API_KEY),
                key(adminKeyFile, ADMIN_KEY),
                noKey,
                adapterRoots,
                new HttpLimits(
                        Math.multiplyExact(bodyMegabytes, 1 << 20),
                        connections,
                        Duration.ofSeconds(clientSeconds),
                        Duration.ofSeconds(clientSeconds)),
                prompts,
                choices,
                batchAdapters);
    }

    /** Keys are not taken from the command line: everybody on the machine can read that. */
    private static Optional<String> key(@Nullable Path file, String variable) {
        if (file == null) {
            return Optional.ofNullable(System.getenv(variable)).filter(key -> !key.isBlank());
        }
        try {
            String key = Files.readString(file).strip();
            if (key.isEmpty()) {
                throw new LorikeetException(ErrorCode.INVALID_FILE, file + ": holds no key");
            }
            return Optional.of(key);
        } catch (IOException e) {
            throw new UncheckedIOException(file + ": the key can't be read: " + e.getMessage(), e);
        }
    }
}

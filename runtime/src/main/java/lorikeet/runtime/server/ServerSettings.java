package lorikeet.runtime.server;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import lorikeet.runtime.server.http.HttpLimits;

/**
 * How a server listens and what it lets clients do.
 *
 * @param host the address that it listens on
 * @param port the port, 0 for any free one
 * @param modelName the base model's name to clients
 * @param modelPath where the base model was opened, to be told to clients
 * @param apiKey the key for use, if one is asked for
 * @param adminKey the key for changing adapters, if there is one
 * @param openToAll whether it may be reached from other machines without any key
 * @param adapterRoots the folders that clients may load adapters from
 * @param http what one client may take
 * @param prompts the most prompts of a call
 * @param choices the most continuations of a prompt
 * @param batchAdapters the most adapters that one step serves, to be told to a gateway
 */
public record ServerSettings(
        String host,
        int port,
        String modelName,
        String modelPath,
        Optional<String> apiKey,
        Optional<String> adminKey,
        boolean openToAll,
        List<Path> adapterRoots,
        HttpLimits http,
        int prompts,
        int choices,
        int batchAdapters) {
    /** The most prompts of a call unless it is said otherwise. */
    public static final int DEFAULT_PROMPTS = 64;

    /** The most continuations of a prompt unless it is said otherwise. */
    public static final int DEFAULT_CHOICES = 16;

    public ServerSettings {
        adapterRoots = List.copyOf(adapterRoots);
    }
}

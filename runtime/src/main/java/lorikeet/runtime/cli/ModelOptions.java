package lorikeet.runtime.cli;

import java.nio.file.Path;
import lorikeet.runtime.ErrorCode;
import lorikeet.runtime.Lorikeet;
import lorikeet.runtime.LorikeetException;
import lorikeet.runtime.Options;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** The options of every command that runs a model. */
final class ModelOptions {
    @Option(
            names = "--threads",
            paramLabel = "N",
            description = "Compute with N threads (default: as many as there are processors).")
    private @Nullable Integer threads;

    @Option(
            names = "--cache-mb",
            paramLabel = "MB",
            description = "Keep at most this much of keys and values (default: a quarter of what the JVM may use).")
    private @Nullable Integer cacheMegabytes;

    @Option(
            names = "--device",
            paramLabel = "DEVICE",
            defaultValue = "auto",
            description = "Where to compute: cpu, or auto for the best device there is (default: ${DEFAULT-VALUE}).")
    private String device = "auto";

    ModelOptions() {}

    Lorikeet open(Path model) {
        if (!device.equals("cpu") && !device.equals("auto")) {
            throw new LorikeetException(
                    ErrorCode.INVALID_REQUEST, "--device is " + device + "; this version computes on cpu only");
        }
        Options options = Options.DEFAULT;
        if (threads != null) {
            options = options.threads(threads);
        }
        if (cacheMegabytes != null) {
            options = options.poolBytes((long) cacheMegabytes << 20);
        }
        return Lorikeet.open(model, options);
    }
}

package lorikeet.runtime.cli;

import java.io.PrintWriter;
import java.nio.file.Path;
import lorikeet.runtime.DeviceChoice;
import lorikeet.runtime.Lorikeet;
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
            description = "Where to compute: cpu, cuda, cuda:N, or auto, which takes a GPU if there is one (default:"
                    + " ${DEFAULT-VALUE}).")
    private String device = "auto";

    @Option(names = "--batch-invariant", description = EngineOptions.BATCH_INVARIANT)
    private boolean batchInvariant;

    ModelOptions() {}

    /** Opens a model; says on {@code err} which device was chosen, if it wasn't named or is to be batch-invariant. */
    Lorikeet open(Path model, PrintWriter err) {
        Options options = Options.DEFAULT.device(DeviceChoice.parse(device)).batchInvariant(batchInvariant);
        if (threads != null) {
            options = options.threads(threads);
        }
        if (cacheMegabytes != null) {
            options = options.poolBytes((long) cacheMegabytes << 20);
        }
        Lorikeet opened = Lorikeet.open(model, options);
        if (device.equals("auto") || batchInvariant) {
            err.println("lorikeet: on " + opened.device());
            err.flush();
        }
        return opened;
    }
}

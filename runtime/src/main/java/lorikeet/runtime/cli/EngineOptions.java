package lorikeet.runtime.cli;

import java.time.Duration;
import lorikeet.runtime.DeviceChoice;
import lorikeet.runtime.Options;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** How a server's engine works. */
final class EngineOptions {
    static final String BATCH_INVARIANT =
            "Compute a request's numbers to the same bits whatever runs beside it, on a GPU too, where that takes time"
                    + " (on the CPU it is always so).";

    @Option(
            names = "--device",
            paramLabel = "DEVICE",
            defaultValue = "auto",
            description = "Where to compute: cpu, cuda, cuda:N, or auto, which takes a GPU if there is one (default:"
                    + " ${DEFAULT-VALUE}).")
    private String device = "auto";

    @Option(names = "--batch-invariant", description = BATCH_INVARIANT)
    private boolean batchInvariant;

    @Option(
            names = "--threads",
            paramLabel = "N",
            description = "Compute with N threads (default: as many as there are processors).")
    private @Nullable Integer threads;

    @Option(
            names = "--memory-fraction",
            paramLabel = "F",
            description =
                    "Give the KV cache and the adapters this part of the memory (default: 0.25 of what the JVM may"
                            + " use).")
    private @Nullable Double memoryFraction;

    @Option(
            names = "--context",
            paramLabel = "N",
            description = "Make texts of at most N tokens, prompts included (default: what the model was made for).")
    private @Nullable Integer context;

    @Option(names = "--max-running", paramLabel = "N", description = "Make at most N texts at a time (default: 64).")
    private @Nullable Integer running;

    @Option(
            names = "--max-step-tokens",
            paramLabel = "N",
            description = "Compute at most N tokens in a step: long prompts come in pieces (default: 512).")
    private @Nullable Integer stepTokens;

    @Option(
            names = "--max-waiting",
            paramLabel = "N",
            description = "Refuse requests with status 503 when N wait (default: 1024).")
    private @Nullable Integer waiting;

    @Option(
            names = "--queue-timeout",
            paramLabel = "SECONDS",
            defaultValue = "60",
            description = "End requests that weren't started by then (default: ${DEFAULT-VALUE}).")
    private int queueSeconds;

    @Option(
            names = "--request-timeout",
            paramLabel = "SECONDS",
            defaultValue = "600",
            description = "End requests that aren't done by then (default: ${DEFAULT-VALUE}).")
    private int requestSeconds;

    @Option(names = "--no-prefix-cache", description = "Don't reuse what prompts have in common.")
    private boolean noPrefixCache;

    EngineOptions() {}

    Options apply() {
        Options options = Options.DEFAULT
                .device(DeviceChoice.parse(device))
                .batchInvariant(batchInvariant)
                .queueLimit(Duration.ofSeconds(queueSeconds))
                .timeLimit(Duration.ofSeconds(requestSeconds))
                .prefixCache(!noPrefixCache);
        if (threads != null) {
            options = options.threads(threads);
        }
        if (memoryFraction != null) {
            options = options.memoryFraction(memoryFraction);
        }
        if (context != null) {
            options = options.contextTokens(context);
        }
        if (running != null) {
            options = options.running(running);
        }
        if (stepTokens != null) {
            options = options.stepTokens(stepTokens);
        }
        if (waiting != null) {
            options = options.queueLength(waiting);
        }
        return options;
    }
}

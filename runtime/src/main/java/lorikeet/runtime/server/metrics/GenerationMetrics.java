package lorikeet.runtime.server.metrics;

import io.prometheus.metrics.core.metrics.Counter;
import io.prometheus.metrics.core.metrics.Histogram;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import lorikeet.runtime.Answer;
import lorikeet.runtime.FinishReason;
import lorikeet.runtime.LorikeetException;
import lorikeet.runtime.Request;
import lorikeet.runtime.TokenEvent;
import lorikeet.runtime.TokenListener;
import lorikeet.runtime.server.generation.Batch;

/** Times and counts of the generations that clients asked for. Written by the engine's thread, without locks. */
public final class GenerationMetrics implements Batch.Watcher {
    private static final double NANOS = 1e9;
    private static final double[] FIRST_TOKEN = {
        0.005, 0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.5, 5, 10, 20, 40, 80
    };
    private static final double[] BETWEEN_TOKENS = {
        0.001, 0.0025, 0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.2, 0.4, 0.8, 1.6, 5
    };

    private final Histogram firstToken;
    private final Histogram betweenTokens;
    private final Histogram whole;
    private final Histogram queued;
    private final Counter ended;

    /** Registers them. */
    public GenerationMetrics(PrometheusRegistry registry) {
        firstToken = histogram(
                registry, "time_to_first_token_seconds", "From a request's arrival to its first token.", FIRST_TOKEN);
        betweenTokens =
                histogram(registry, "inter_token_latency_seconds", "Between two tokens of a text.", BETWEEN_TOKENS);
        whole = histogram(registry, "request_seconds", "From a request's arrival to its end.", FIRST_TOKEN);
        queued = histogram(registry, "queue_seconds", "From a request's arrival to its first step.", FIRST_TOKEN);
        ended = Counter.builder()
                .name("lorikeet_requests_ended")
                .help("Requests that ended: cancelled if one of their texts was, else how the first one did"
                        + " (stop, length), or an error's code.")
                .labelNames("reason")
                .register(registry);
    }

    private static Histogram histogram(PrometheusRegistry registry, String name, String help, double[] buckets) {
        return Histogram.builder()
                .name("lorikeet_" + name)
                .help(help)
                .classicOnly()
                .classicUpperBounds(buckets)
                .register(registry);
    }

    @Override
    public TokenListener watch(Request request) {
        return new Watching();
    }

    private final class Watching implements TokenListener {
        private final long start = System.nanoTime();
        private final Map<Integer, Long> lastTokens = new HashMap<>();

        @Override
        public boolean onToken(TokenEvent event) {
            long now = System.nanoTime();
            Long last = lastTokens.put(event.choice(), now);
            if (last != null) {
                betweenTokens.observe((now - last) / NANOS);
            } else if (lastTokens.size() == 1) {
                firstToken.observe((now - start) / NANOS);
            }
            return true;
        }

        @Override
        public void onEnd(Answer answer) {
            whole.observe((System.nanoTime() - start) / NANOS);
            queued.observe(answer.usage().queued().toNanos() / NANOS);
            count(reason(answer));
        }

        private static FinishReason reason(Answer answer) {
            boolean cancelled = answer.choices().stream().anyMatch(choice -> choice.finish() == FinishReason.CANCELLED);
            return cancelled
                    ? FinishReason.CANCELLED
                    : answer.choices().getFirst().finish();
        }

        @Override
        public void onFailure(LorikeetException failure) {
            whole.observe((System.nanoTime() - start) / NANOS);
            count(failure.code());
        }

        private void count(Enum<?> reason) {
            ended.labelValues(reason.name().toLowerCase(Locale.ROOT)).inc();
        }
    }
}

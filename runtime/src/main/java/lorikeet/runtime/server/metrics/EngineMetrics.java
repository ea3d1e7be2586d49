package lorikeet.runtime.server.metrics;

import io.prometheus.metrics.core.metrics.CounterWithCallback;
import io.prometheus.metrics.core.metrics.GaugeWithCallback;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.util.function.ToDoubleFunction;
import lorikeet.runtime.Lorikeet;
import lorikeet.runtime.Stats;

/** The engine's own numbers, looked up when somebody asks. What it did before they were registered doesn't count. */
final class EngineMetrics {
    private final PrometheusRegistry registry;
    private final Lorikeet model;
    private final Stats before;

    private EngineMetrics(PrometheusRegistry registry, Lorikeet model) {
        this.registry = registry;
        this.model = model;
        this.before = model.stats();
    }

    static void register(PrometheusRegistry registry, Lorikeet model) {
        EngineMetrics metrics = new EngineMetrics(registry, model);
        metrics.gauges();
        metrics.counters();
    }

    private void gauges() {
        gauge("requests_running", "Texts that are being made.", Stats::running);
        gauge("requests_waiting", "Texts that wait to be started, or to be resumed.", Stats::waiting);
        gauge("kv_blocks", "Blocks of 16 tokens that the cache may hold.", Stats::kvBlocks);
        gauge("kv_blocks_used", "Blocks that running texts hold.", Stats::kvBlocksUsed);
        gauge("kv_blocks_cached", "Blocks that only the prefix cache holds.", Stats::kvBlocksCached);
        gauge("pool_bytes", "What the pool of cache and adapters may hold.", Stats::poolBytes);
        gauge("pool_used_bytes", "What of it is in use.", Stats::poolBytesUsed);
    }

    private void counters() {
        counter("steps", "Forward passes, each for all texts that ran.", Stats::steps);
        counter("prompt_tokens", "Tokens of prompts.", Stats::promptTokens);
        counter("prefix_hit_tokens", "Tokens of prompts that the prefix cache had.", Stats::cachedPromptTokens);
        counter("generated_tokens", "Tokens that were generated.", Stats::generatedTokens);
        counter("requests_answered", "Requests that ended with an answer.", Stats::answered);
        counter("requests_failed", "Requests that ended without.", Stats::failed);
        counter("preemptions", "Times that a text was put back to make room.", Stats::preemptions);
    }

    private void gauge(String name, String help, ToDoubleFunction<Stats> value) {
        GaugeWithCallback.builder()
                .name("lorikeet_" + name)
                .help(help)
                .callback(callback -> callback.call(value.applyAsDouble(model.stats())))
                .register(registry);
    }

    private void counter(String name, String help, ToDoubleFunction<Stats> value) {
        CounterWithCallback.builder()
                .name("lorikeet_" + name)
                .help(help)
                .callback(callback -> callback.call(value.applyAsDouble(model.stats()) - value.applyAsDouble(before)))
                .register(registry);
    }
}

package lorikeet.runtime.server.metrics;

import io.prometheus.metrics.core.metrics.GaugeWithCallback;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.util.ArrayList;
import java.util.List;
import java.util.function.ToDoubleFunction;
import lorikeet.runtime.Adapter;
import lorikeet.runtime.AdapterState;
import lorikeet.runtime.Lorikeet;
import lorikeet.runtime.Stats;

/**
 * The gauges by which Kubernetes' Gateway API Inference Extension chooses a server, under the names that it looks for by
 * default: those of vLLM
 * (https://github.com/kubernetes-sigs/gateway-api-inference-extension, docs/proposals/003-model-server-protocol).
 */
final class GatewayMetrics {
    private static final double MILLIS = 1e3;

    private final PrometheusRegistry registry;
    private final Lorikeet model;
    private final String name;

    private GatewayMetrics(PrometheusRegistry registry, Lorikeet model, String name) {
        this.registry = registry;
        this.model = model;
        this.name = name;
    }

    /**
     * Registers them.
     *
     * @param batchAdapters the most adapters that one step serves
     */
    static void register(PrometheusRegistry registry, Lorikeet model, String name, int batchAdapters) {
        GatewayMetrics metrics = new GatewayMetrics(registry, model, name);
        metrics.gauge("vllm:num_requests_running", "Texts that are being made.", Stats::running);
        metrics.gauge("vllm:num_requests_waiting", "Texts that wait.", Stats::waiting);
        metrics.gauge("vllm:kv_cache_usage_perc", "Use of the KV cache, 1 is all.", GatewayMetrics::kvUse);
        metrics.gauge("vllm:gpu_cache_usage_perc", "The same by its older name.", GatewayMetrics::kvUse);
        metrics.loras(batchAdapters);
        metrics.cache();
    }

    private static double kvUse(Stats stats) {
        return stats.kvBlocks() == 0 ? 0 : (double) stats.kvBlocksUsed() / stats.kvBlocks();
    }

    private void gauge(String metric, String help, ToDoubleFunction<Stats> value) {
        GaugeWithCallback.builder()
                .name(metric)
                .help(help)
                .labelNames("model_name")
                .callback(callback -> callback.call(value.applyAsDouble(model.stats()), name))
                .register(registry);
    }

    /** The value is the time: of several such lines the latest counts. */
    private void loras(int batchAdapters) {
        GaugeWithCallback.builder()
                .name("vllm:lora_requests_info")
                .help("Adapters on the device, and adapters that requests wait for.")
                .labelNames("max_lora", "running_lora_adapters", "waiting_lora_adapters")
                .callback(callback -> {
                    List<String> running = new ArrayList<>();
                    List<String> waiting = new ArrayList<>();
                    for (Adapter adapter : model.adapters()) {
                        if (adapter.state() == AdapterState.RESIDENT) {
                            running.add(adapter.name());
                        } else if (adapter.activeRequests() > 0) {
                            waiting.add(adapter.name());
                        }
                    }
                    callback.call(
                            System.currentTimeMillis() / MILLIS,
                            Integer.toString(batchAdapters),
                            String.join(",", running),
                            String.join(",", waiting));
                })
                .register(registry);
    }

    private void cache() {
        GaugeWithCallback.builder()
                .name("vllm:cache_config_info")
                .help("The size of the KV cache in blocks.")
                .labelNames("block_size", "num_gpu_blocks")
                .callback(callback ->
                        callback.call(1, "16", Integer.toString(model.stats().kvBlocks())))
                .register(registry);
    }
}

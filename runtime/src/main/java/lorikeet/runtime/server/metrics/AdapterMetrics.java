package lorikeet.runtime.server.metrics;

import io.prometheus.metrics.core.metrics.CounterWithCallback;
import io.prometheus.metrics.core.metrics.GaugeWithCallback;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.util.function.ToDoubleFunction;
import lorikeet.runtime.AdapterStatistics;
import lorikeet.runtime.Lorikeet;

/** Each adapter's numbers. They go by name, so they go on when it is replaced, and stay when it is unloaded. */
final class AdapterMetrics {
    private static final double NANOS = 1e9;

    private final PrometheusRegistry registry;
    private final Lorikeet model;

    private AdapterMetrics(PrometheusRegistry registry, Lorikeet model) {
        this.registry = registry;
        this.model = model;
    }

    static void register(PrometheusRegistry registry, Lorikeet model) {
        AdapterMetrics metrics = new AdapterMetrics(registry, model);
        metrics.gauge("loaded", "1 while the adapter is loaded.", adapter -> adapter.loaded() ? 1 : 0);
        metrics.gauge("resident", "1 while its weights are on the device.", adapter -> adapter.resident() ? 1 : 0);
        metrics.gauge("requests_active", "Requests that hold it.", AdapterStatistics::activeRequests);
        metrics.counter("requests", "Requests that it was lent to.", AdapterStatistics::requests);
        metrics.counter("loads", "Times that it was loaded.", AdapterStatistics::loads);
        metrics.counter(
                "load_seconds",
                "What these loads took together.",
                adapter -> adapter.loadTime().toNanos() / NANOS);
        metrics.counter("fetches", "Times that its weights were brought to the device.", AdapterStatistics::fetches);
        metrics.counter("evictions", "Times that they made room for others.", AdapterStatistics::evictions);
    }

    private void gauge(String name, String help, ToDoubleFunction<AdapterStatistics> value) {
        GaugeWithCallback.builder()
                .name("lorikeet_adapter_" + name)
                .help(help)
                .labelNames("adapter")
                .callback(callback -> model.adapterStatistics()
                        .forEach(adapter -> callback.call(value.applyAsDouble(adapter), adapter.name())))
                .register(registry);
    }

    private void counter(String name, String help, ToDoubleFunction<AdapterStatistics> value) {
        CounterWithCallback.builder()
                .name("lorikeet_adapter_" + name)
                .help(help)
                .labelNames("adapter")
                .callback(callback -> model.adapterStatistics()
                        .forEach(adapter -> callback.call(value.applyAsDouble(adapter), adapter.name())))
                .register(registry);
    }
}

package lorikeet.runtime.server.metrics;

import io.prometheus.metrics.core.metrics.GaugeWithCallback;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.util.function.ToDoubleFunction;
import lorikeet.runtime.Adapter;
import lorikeet.runtime.AdapterState;
import lorikeet.runtime.Lorikeet;

/** Each adapter's numbers. */
final class AdapterMetrics {
    private AdapterMetrics() {}

    static void register(PrometheusRegistry registry, Lorikeet model) {
        gauge(
                registry,
                model,
                "resident",
                "1 while the adapter's weights are on the device.",
                adapter -> adapter.state() == AdapterState.RESIDENT ? 1 : 0);
        gauge(registry, model, "requests_active", "Requests that use the adapter.", Adapter::activeRequests);
        gauge(registry, model, "bytes", "The size of the adapter's weights.", Adapter::bytes);
    }

    private static void gauge(
            PrometheusRegistry registry, Lorikeet model, String name, String help, ToDoubleFunction<Adapter> value) {
        GaugeWithCallback.builder()
                .name("lorikeet_adapter_" + name)
                .help(help)
                .labelNames("adapter")
                .callback(callback -> model.adapters()
                        .forEach(adapter -> callback.call(value.applyAsDouble(adapter), adapter.name())))
                .register(registry);
    }
}

package lorikeet.runtime.server.metrics;

import io.prometheus.metrics.expositionformats.PrometheusTextFormatWriter;
import io.prometheus.metrics.model.registry.PrometheusRegistry;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import lorikeet.runtime.Lorikeet;
import lorikeet.runtime.server.http.Call;
import lorikeet.runtime.server.http.Endpoint;

/** {@code GET /metrics}, in Prometheus' text format. */
public final class MetricsEndpoint implements Endpoint {
    private final PrometheusRegistry registry = new PrometheusRegistry();
    private final PrometheusTextFormatWriter writer = PrometheusTextFormatWriter.create();
    private final GenerationMetrics generations = new GenerationMetrics(registry);

    /**
     * Tells of a model.
     *
     * @param name the base model's name
     * @param batchAdapters the most adapters that one step serves
     */
    public MetricsEndpoint(Lorikeet model, String name, int batchAdapters) {
        EngineMetrics.register(registry, model);
        AdapterMetrics.register(registry, model);
        GatewayMetrics.register(registry, model, name, batchAdapters);
    }

    /** Whom to tell of generations. */
    public GenerationMetrics generations() {
        return generations;
    }

    @Override
    public void answer(Call call) throws IOException {
        ByteArrayOutputStream out = new ByteArrayOutputStream();
        writer.write(out, registry.scrape());
        call.respond(200, writer.getContentType(), out.toByteArray());
    }
}

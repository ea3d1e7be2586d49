package lorikeet.runtime.server;

import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import lorikeet.runtime.Lorikeet;
import lorikeet.runtime.adapter.AllowedRoots;
import lorikeet.runtime.server.adapters.AdapterCalls;
import lorikeet.runtime.server.adapters.AdaptersEndpoint;
import lorikeet.runtime.server.generation.Prompts;
import lorikeet.runtime.server.generation.RequestLimits;
import lorikeet.runtime.server.generation.Serving;
import lorikeet.runtime.server.generation.TokenTexts;
import lorikeet.runtime.server.http.Access;
import lorikeet.runtime.server.http.Endpoint;
import lorikeet.runtime.server.http.Route;
import lorikeet.runtime.server.metrics.MetricsEndpoint;
import lorikeet.runtime.server.openai.ChatEndpoint;
import lorikeet.runtime.server.openai.CompletionsEndpoint;
import lorikeet.runtime.server.openai.ModelsEndpoint;
import lorikeet.runtime.server.page.Page;
import lorikeet.runtime.server.sglang.GenerateEndpoint;
import lorikeet.runtime.server.sglang.ModelInfo;
import lorikeet.runtime.server.sglang.SglangAdapters;
import lorikeet.runtime.server.vllm.VllmAdapters;

/** Every path of the server, with who may call it. */
final class Routes {
    private Routes() {}

    static List<Route> of(Lorikeet model, ServerSettings settings, Health health) {
        MetricsEndpoint metrics = new MetricsEndpoint(model, settings.modelName(), settings.batchAdapters());
        int context = model.contextTokens();
        Serving serving = new Serving(
                model,
                settings.modelName(),
                Instant.now(),
                new RequestLimits(
                        settings.prompts(),
                        settings.choices(),
                        context,
                        model.config().vocabulary()),
                new Prompts(model, context),
                new TokenTexts(model.tokenizer()),
                metrics.generations());
        List<Route> routes = new ArrayList<>();
        routes.add(new Route("GET", "/health", Access.OPEN, health::health));
        routes.add(new Route("GET", "/health_generate", Access.OPEN, health::generate));
        routes.add(new Route("GET", "/metrics", Access.OPEN, metrics));
        addPage(routes);
        addOpenAi(routes, serving, settings);
        addSglang(routes, serving, settings);
        addAdapters(routes, new AdapterCalls(model, settings.modelName(), new AllowedRoots(settings.adapterRoots())));
        return routes;
    }

    private static void addPage(List<Route> routes) {
        Page.FILES.forEach((path, page) -> routes.add(new Route("GET", path, Access.OPEN, page)));
    }

    private static void addOpenAi(List<Route> routes, Serving serving, ServerSettings settings) {
        ModelsEndpoint models = new ModelsEndpoint(serving, settings.modelPath());
        routes.add(new Route("GET", "/v1/models", Access.USE, models::list));
        routes.add(new Route("GET", "/v1/models/*", Access.USE, models::one));
        routes.add(new Route("POST", "/v1/completions", Access.USE, new CompletionsEndpoint(serving)));
        routes.add(new Route("POST", "/v1/chat/completions", Access.USE, new ChatEndpoint(serving)));
    }

    private static void addSglang(List<Route> routes, Serving serving, ServerSettings settings) {
        Endpoint info =
                new ModelInfo(settings.modelPath(), serving.model().config().family());
        routes.add(new Route("GET", "/get_model_info", Access.USE, info));
        routes.add(new Route("GET", "/model_info", Access.USE, info));
        routes.add(new Route("POST", "/generate", Access.USE, new GenerateEndpoint(serving)));
    }

    private static void addAdapters(List<Route> routes, AdapterCalls calls) {
        AdaptersEndpoint adapters = new AdaptersEndpoint(calls);
        SglangAdapters sglang = new SglangAdapters(calls);
        VllmAdapters vllm = new VllmAdapters(calls);
        routes.add(new Route("GET", "/adapters", Access.USE, adapters::list));
        routes.add(new Route("GET", "/adapters/offered", Access.USE, adapters::offered));
        routes.add(new Route("POST", "/pin_lora_adapter", Access.ADMIN, adapters::pin));
        routes.add(new Route("POST", "/load_lora_adapter", Access.ADMIN, sglang::load));
        routes.add(new Route("POST", "/unload_lora_adapter", Access.ADMIN, sglang::unload));
        routes.add(new Route("POST", "/v1/load_lora_adapter", Access.ADMIN, vllm::load));
        routes.add(new Route("POST", "/v1/unload_lora_adapter", Access.ADMIN, vllm::unload));
    }
}

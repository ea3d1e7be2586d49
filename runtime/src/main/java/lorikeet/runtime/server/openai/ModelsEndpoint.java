package lorikeet.runtime.server.openai;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import lorikeet.runtime.Adapter;
import lorikeet.runtime.server.generation.ModelName;
import lorikeet.runtime.server.generation.Serving;
import lorikeet.runtime.server.http.Call;
import lorikeet.runtime.server.http.Refusal;
import org.jspecify.annotations.Nullable;

/** {@code GET /v1/models} and {@code GET /v1/models/NAME}: the base model and the loaded adapters. */
public final class ModelsEndpoint {
    private static final String PATH = "/v1/models/";

    private final Serving serving;
    private final String root;

    /**
     * Lists a model and its adapters.
     *
     * @param root where the base model was opened
     */
    public ModelsEndpoint(Serving serving, String root) {
        this.serving = serving;
        this.root = root;
    }

    private record Models(String object, List<ModelCard> data) {}

    /** Answers with all of them, the base model first. */
    public void list(Call call) throws IOException {
        List<ModelCard> cards = new ArrayList<>();
        cards.add(base());
        serving.model().adapters().forEach(adapter -> cards.add(card(adapter)));
        call.respond(200, new Models("list", cards));
    }

    /** Answers with the one that the path names. */
    public void one(Call call) throws IOException {
        String name = call.path().substring(PATH.length());
        ModelCard card = switch (ModelName.of(name, serving.baseName())) {
            case ModelName.Base base -> base();
            case ModelName.Adapter adapter ->
                serving.model()
                        .adapter(adapter.name())
                        .map(this::card)
                        .orElseThrow(() -> new Refusal(
                                404,
                                "invalid_request_error",
                                "model",
                                "model_not_found",
                                "the model '" + name + "' does not exist"));
        };
        call.respond(200, card);
    }

    private ModelCard base() {
        return card(serving.baseName(), root, null);
    }

    private ModelCard card(Adapter adapter) {
        return card(adapter.name(), adapter.path().toString(), serving.baseName());
    }

    private ModelCard card(String id, String from, @Nullable String parent) {
        return new ModelCard(
                id,
                "model",
                serving.started().getEpochSecond(),
                "lorikeet",
                from,
                parent,
                serving.limits().contextTokens());
    }
}

package lorikeet.runtime.server.sglang;

import java.io.IOException;
import java.util.List;
import java.util.Locale;
import lorikeet.runtime.model.Family;
import lorikeet.runtime.server.http.Call;
import lorikeet.runtime.server.http.Endpoint;
import org.jspecify.annotations.Nullable;

/** {@code GET /get_model_info} and {@code /model_info}: what is served. */
public final class ModelInfo implements Endpoint {
    private final Answer answer;

    private record Answer(
            String modelPath,
            String tokenizerPath,
            boolean isGeneration,
            @Nullable String preferredSamplingParams,
            String weightVersion,
            boolean hasImageUnderstanding,
            boolean hasAudioUnderstanding,
            String modelType,
            List<String> architectures) {}

    /** Tells of a base model. */
    public ModelInfo(String path, Family family) {
        this.answer = new Answer(
                path,
                path,
                true,
                null,
                "default",
                false,
                false,
                family.name().toLowerCase(Locale.ROOT),
                List.of(family.architecture()));
    }

    @Override
    public void answer(Call call) throws IOException {
        call.respond(200, answer);
    }
}

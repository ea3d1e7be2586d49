package lorikeet.runtime.server.sglang;

import java.io.IOException;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import lorikeet.runtime.LoadSettings;
import lorikeet.runtime.LorikeetException;
import lorikeet.runtime.Unload;
import lorikeet.runtime.server.adapters.AdapterCalls;
import lorikeet.runtime.server.http.Call;
import lorikeet.runtime.server.http.Json;
import lorikeet.runtime.server.http.JsonBody;
import org.jspecify.annotations.Nullable;

/**
 * {@code POST /load_lora_adapter} and {@code /unload_lora_adapter}. Failures have status 400 and one of the phrases that
 * SGLang's clients look for: {@code already loaded}, {@code incompatible}, {@code starvation}, {@code never been loaded}.
 *
 * <p>Beyond SGLang's fields a load knows {@code load_inplace}, and an unload {@code deadline_seconds}, after which what
 * still runs is aborted, and {@code abort} to do that at once.
 */
public final class SglangAdapters {
    private static final Set<String> INTERNAL = Set.of("lora_id", "rid");

    private final AdapterCalls calls;

    /** Loads and unloads a model's adapters. */
    public SglangAdapters(AdapterCalls calls) {
        this.calls = calls;
    }

    /** The answer to both. */
    private record Update(boolean success, @Nullable String errorMessage, Map<String, String> loadedAdapters) {}

    /** Loads an adapter. */
    public void load(Call call) throws IOException {
        JsonBody body = Json.object(call.jsonBody());
        String name = body.requiredText("lora_name");
        String path = body.requiredText("lora_path");
        LoadSettings settings = new LoadSettings(body.flag("pinned", false), body.flag("load_inplace", false));
        body.ignore(INTERNAL);
        body.refuse(Set.of("added_tokens_config"));
        body.refuseUnread();
        answer(call, "can't be found", name, () -> calls.load(name, path, settings));
    }

    /** Unloads an adapter, and answers when its last request is done. */
    public void unload(Call call) throws IOException {
        JsonBody body = Json.object(call.jsonBody());
        String name = body.requiredText("lora_name");
        OptionalInt deadline = body.integer("deadline_seconds", 0, Integer.MAX_VALUE);
        boolean abort = body.flag("abort", false);
        body.ignore(INTERNAL);
        body.refuseUnread();
        Unload how = abort
                ? new Unload.Now()
                : new Unload.Drain(
                        true,
                        deadline.isPresent() ? Optional.of(Duration.ofSeconds(deadline.getAsInt())) : Optional.empty());
        answer(call, "has never been loaded, or was unloaded", name, () -> calls.unload(name, how));
    }

    private void answer(Call call, String missing, String name, Runnable change) throws IOException {
        String error = null;
        try {
            change.run();
        } catch (LorikeetException e) {
            error = phrase(name, missing, e);
        }
        call.respond(error == null ? 200 : 400, new Update(error == null, error, calls.loaded()));
    }

    private static String phrase(String name, String missing, LorikeetException e) {
        String problem = switch (e.code()) {
            case ALREADY_LOADED -> "is already loaded";
            case INCOMPATIBLE -> "is incompatible: " + e.getMessage();
            case NOT_FOUND -> missing + ": " + e.getMessage();
            default -> "could not be changed: " + e.getMessage();
        };
        return "LoRA adapter " + name + " " + problem;
    }
}

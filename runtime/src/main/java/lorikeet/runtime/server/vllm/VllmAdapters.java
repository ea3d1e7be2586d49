package lorikeet.runtime.server.vllm;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.Optional;
import java.util.Set;
import lorikeet.runtime.LoadSettings;
import lorikeet.runtime.LorikeetException;
import lorikeet.runtime.Unload;
import lorikeet.runtime.server.adapters.AdapterCalls;
import lorikeet.runtime.server.http.Call;
import lorikeet.runtime.server.http.ErrorBody;
import lorikeet.runtime.server.http.Json;
import lorikeet.runtime.server.http.JsonBody;

/**
 * {@code POST /v1/load_lora_adapter} and {@code /v1/unload_lora_adapter}. An unload answers at once; the requests that
 * use the adapter finish.
 */
public final class VllmAdapters {
    private static final String TEXT = "text/plain; charset=utf-8";

    private final AdapterCalls calls;

    /** Loads and unloads a model's adapters. */
    public VllmAdapters(AdapterCalls calls) {
        this.calls = calls;
    }

    /** Loads an adapter, in place of one with the same name if {@code load_inplace} says so. */
    public void load(Call call) throws IOException {
        JsonBody body = Json.object(call.jsonBody());
        String name = body.text("lora_name").orElse("");
        String path = body.text("lora_path").orElse("");
        boolean inPlace = body.flag("load_inplace", false);
        body.ignore(Set.of("is_3d_lora_weight")); // of experts, which no supported model has
        body.refuseUnread();
        if (name.isEmpty() || path.isEmpty()) {
            refuse(call, 400, "InvalidUserInput", "Both 'lora_name' and 'lora_path' must be provided.");
            return;
        }
        try {
            calls.load(name, path, new LoadSettings(false, inPlace));
            say(call, "Success: LoRA adapter '" + name + "' added successfully.");
        } catch (LorikeetException e) {
            refuseLoad(call, name, e);
        }
    }

    private static void refuseLoad(Call call, String name, LorikeetException e) throws IOException {
        String message = String.valueOf(e.getMessage());
        switch (e.code()) {
            case ALREADY_LOADED ->
                refuse(
                        call,
                        400,
                        "InvalidUserInput",
                        "The lora adapter '" + name + "' has already been loaded. If you want to load the adapter in"
                                + " place, set 'load_inplace' to True.");
            case NOT_FOUND -> refuse(call, 404, "NotFoundError", message);
            case INCOMPATIBLE, INVALID_FILE, INVALID_REQUEST, NO_ROOM -> refuse(call, 400, "BadRequestError", message);
            case ABORTED -> refuse(call, 503, "ServiceUnavailableError", message);
            case TIMED_OUT, INTERNAL -> refuse(call, 500, "InternalServerError", message);
        }
    }

    /** Unloads an adapter. */
    public void unload(Call call) throws IOException {
        JsonBody body = Json.object(call.jsonBody());
        String name = body.text("lora_name").orElse("");
        body.ignore(Set.of("lora_int_id")); // names are enough
        body.refuseUnread();
        if (name.isEmpty()) {
            refuse(call, 400, "InvalidUserInput", "'lora_name' needs to be provided to unload a LoRA adapter.");
            return;
        }
        try {
            calls.unload(name, new Unload.Drain(false, Optional.empty()));
            say(call, "Success: LoRA adapter '" + name + "' removed successfully.");
        } catch (LorikeetException e) {
            switch (e.code()) {
                case NOT_FOUND ->
                    refuse(call, 404, "NotFoundError", "The lora adapter '" + name + "' cannot be found.");
                default -> refuse(call, 500, "InternalServerError", String.valueOf(e.getMessage()));
            }
        }
    }

    private static void say(Call call, String text) throws IOException {
        call.respond(200, TEXT, text.getBytes(StandardCharsets.UTF_8));
    }

    private static void refuse(Call call, int status, String type, String message) throws IOException {
        call.respond(status, new ErrorBody(new ErrorBody.Detail(message, type, null, status)));
    }
}

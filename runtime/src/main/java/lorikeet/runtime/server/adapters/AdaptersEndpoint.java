package lorikeet.runtime.server.adapters;

import java.io.IOException;
import java.util.List;
import lorikeet.runtime.ErrorCode;
import lorikeet.runtime.LorikeetException;
import lorikeet.runtime.server.http.Call;
import lorikeet.runtime.server.http.Json;
import lorikeet.runtime.server.http.JsonBody;
import lorikeet.runtime.server.http.Refusal;

/** What SGLang and vLLM have no endpoints for: the adapters with their state, and pinning. */
public final class AdaptersEndpoint {
    private final AdapterCalls calls;

    /** Answers with a model's adapters. */
    public AdaptersEndpoint(AdapterCalls calls) {
        this.calls = calls;
    }

    private record Adapters(List<AdapterView> adapters) {}

    /** {@code GET /adapters}. */
    public void list(Call call) throws IOException {
        call.respond(200, new Adapters(calls.views()));
    }

    private record Offered(List<String> names) {}

    /** {@code GET /adapters/offered}: what requests may name, too. */
    public void offered(Call call) throws IOException {
        call.respond(200, new Offered(calls.offered()));
    }

    /** {@code POST /pin_lora_adapter}: {@code lora_name} and {@code pinned}. */
    public void pin(Call call) throws IOException {
        JsonBody body = Json.object(call.jsonBody());
        String name = body.requiredText("lora_name");
        boolean pinned = body.flag("pinned", true);
        body.refuseUnread();
        try {
            calls.pin(name, pinned);
        } catch (LorikeetException e) {
            if (e.code() == ErrorCode.NOT_FOUND) {
                throw new Refusal(
                        404, "invalid_request_error", "lora_name", "adapter_not_found", String.valueOf(e.getMessage()));
            }
            throw Refusal.invalid(null, String.valueOf(e.getMessage()));
        }
        call.respond(200, new Adapters(calls.views()));
    }
}

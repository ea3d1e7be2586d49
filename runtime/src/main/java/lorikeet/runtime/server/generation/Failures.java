package lorikeet.runtime.server.generation;

import lorikeet.runtime.LorikeetException;
import lorikeet.runtime.server.http.Refusal;

/** What clients are told of the runtime's exceptions. */
public final class Failures {
    private static final String CLIENT = "invalid_request_error";
    private static final String SERVER = "server_error";

    private Failures() {}

    /** The refusal of a call that named a model, for the exception that this led to. */
    public static Refusal refusal(LorikeetException e) {
        String message = String.valueOf(e.getMessage());
        return switch (e.code()) {
            case NOT_FOUND -> new Refusal(404, CLIENT, "model", "model_not_found", message);
            case INVALID_REQUEST -> new Refusal(400, CLIENT, null, null, message);
            case INCOMPATIBLE -> new Refusal(400, CLIENT, null, "incompatible", message);
            case ALREADY_LOADED -> new Refusal(409, CLIENT, null, "already_loaded", message);
            case NO_ROOM -> new Refusal(503, SERVER, null, "no_room", message);
            case ABORTED -> new Refusal(503, SERVER, null, "aborted", message);
            case TIMED_OUT -> new Refusal(504, SERVER, null, "timed_out", message);
            case INVALID_FILE -> new Refusal(500, SERVER, null, "invalid_file", message);
            case INTERNAL -> new Refusal(500, SERVER, null, null, message);
        };
    }
}

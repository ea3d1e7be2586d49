package lorikeet.runtime.server.http;

import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** An error to be told to the client, as OpenAI's API words it: status, message, type, parameter, code. */
public final class Refusal extends RuntimeException {
    private static final long serialVersionUID = 1;

    private final int status;
    private final String type;
    private final @Nullable String parameter;
    private final @Nullable String code;

    /**
     * A refusal.
     *
     * @param status the HTTP status
     * @param type the kind of error, such as {@code invalid_request_error}
     * @param parameter the field that is at fault, or null
     * @param code what programs look at, or null
     * @param message what people read
     */
    public Refusal(int status, String type, @Nullable String parameter, @Nullable String code, String message) {
        super(message, null, false, false);
        this.status = status;
        this.type = type;
        this.parameter = parameter;
        this.code = code;
    }

    /** A request that makes no sense or asks for what there isn't: status 400. */
    public static Refusal invalid(@Nullable String parameter, String message) {
        return new Refusal(400, "invalid_request_error", parameter, null, message);
    }

    /** The HTTP status. */
    public int status() {
        return status;
    }

    /** The kind of error. */
    public String type() {
        return type;
    }

    /** The field that is at fault. */
    public Optional<String> parameter() {
        return Optional.ofNullable(parameter);
    }

    /** What programs look at. */
    public Optional<String> code() {
        return Optional.ofNullable(code);
    }

    /** The message; never null. */
    public String message() {
        return String.valueOf(getMessage());
    }
}

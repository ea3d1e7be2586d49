package lorikeet.runtime;

import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** The exception that Lorikeet's API throws; {@link #code} tells what a caller can do about it. */
public final class LorikeetException extends RuntimeException {
    private static final long serialVersionUID = 1;

    private final ErrorCode code;

    /** An error of this kind with a message for people. */
    public LorikeetException(ErrorCode code, @Nullable String message) {
        this(code, message, null);
    }

    /** An error of this kind with a message for people and what led to it. */
    public LorikeetException(ErrorCode code, @Nullable String message, @Nullable Throwable cause) {
        super(message, cause);
        this.code = Objects.requireNonNull(code);
    }

    /** The kind of error. */
    public ErrorCode code() {
        return code;
    }
}

package lorikeet.runtime.text;

import java.nio.file.Path;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A tokenizer can't be opened or used: a file is missing or malformed, or the native library can't be loaded. The
 * message names the file, what was found and what is accepted.
 */
public final class TokenizerException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final transient @Nullable Path file;

    TokenizerException(Path file, String problem) {
        this(file, problem, null);
    }

    TokenizerException(Path file, String problem, @Nullable Throwable cause) {
        super(file + ": " + problem, cause);
        this.file = file;
    }

    TokenizerException(String problem, @Nullable Throwable cause) {
        super(problem, cause);
        this.file = null;
    }

    /** The file at fault, if it is one. */
    public Optional<Path> file() {
        return Optional.ofNullable(file);
    }
}

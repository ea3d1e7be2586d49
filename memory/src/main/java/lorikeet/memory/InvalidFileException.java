package lorikeet.memory;

import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A file can't be used: it is missing, unreadable, damaged, or holds something that isn't accepted.
 *
 * <p>The message names the file, the tensor where one is concerned, what was found and what is accepted. Trying again
 * helps only after the file has been replaced.
 */
public sealed class InvalidFileException extends RuntimeException permits TruncatedFileException {
    private static final long serialVersionUID = 1;

    private final transient Path file;
    private final @Nullable String tensor;

    /** The file as a whole is at fault: {@code problem} says what was found and what is accepted. */
    public InvalidFileException(Path file, String problem) {
        this(file, null, problem, null);
    }

    /** The file as a whole is at fault, because of {@code cause}. */
    public InvalidFileException(Path file, String problem, Throwable cause) {
        this(file, null, problem, cause);
    }

    InvalidFileException(Path file, @Nullable String tensor, String problem, @Nullable Throwable cause) {
        super(tensor == null ? file + ": " + problem : file + ": tensor " + Quoted.of(tensor) + ": " + problem, cause);
        this.file = file;
        this.tensor = tensor;
    }

    /** One tensor of the file is at fault. */
    public static InvalidFileException inTensor(Path file, String tensor, String problem) {
        return new InvalidFileException(file, tensor, problem, null);
    }

    /** The operating system doesn't let us read the file. */
    static InvalidFileException unreadable(Path file, IOException cause) {
        String problem = switch (cause) {
            case NoSuchFileException missing -> "no such file or folder";
            case NotDirectoryException notFolder -> "is not a folder";
            case AccessDeniedException denied -> "may not be read: permission denied";
            default -> "could not be read: " + cause;
        };
        return new InvalidFileException(file, problem, cause);
    }

    /** The file at fault. */
    public Path file() {
        return file;
    }

    /** The name of the tensor at fault, exactly as the file spells it, if the fault is in one tensor. */
    public Optional<String> tensor() {
        return Optional.ofNullable(tensor);
    }
}

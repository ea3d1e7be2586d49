package lorikeet.runtime.cli;

import java.nio.file.AccessDeniedException;
import java.nio.file.NoSuchFileException;
import java.nio.file.NotDirectoryException;

/** What one line can say of an exception. */
final class ErrorText {
    private ErrorText() {}

    /** The message of an exception, in words also where the JDK puts no more than a path or nothing into it. */
    static String of(Throwable error) {
        String message = error.getMessage();
        if (message == null || message.isBlank()) {
            return error.getClass().getName() + " (LORIKEET_DEBUG=1 shows where)";
        }
        return switch (error) {
            case NoSuchFileException missing -> "no such file: " + message;
            case NotDirectoryException file -> "not a folder: " + message;
            case AccessDeniedException denied -> "may not read or write " + message;
            case NullPointerException bug -> bug + " (LORIKEET_DEBUG=1 shows where)";
            case IndexOutOfBoundsException bug -> bug + " (LORIKEET_DEBUG=1 shows where)";
            case ClassCastException bug -> bug + " (LORIKEET_DEBUG=1 shows where)";
            case Error bug -> bug + " (LORIKEET_DEBUG=1 shows where)";
            default -> message.lines().findFirst().orElse(message);
        };
    }
}

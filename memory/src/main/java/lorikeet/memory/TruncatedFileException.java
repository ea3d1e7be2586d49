package lorikeet.memory;

import java.nio.file.Path;

/** A file became shorter while it was in use. What has been read from it since then can't be trusted. */
public final class TruncatedFileException extends InvalidFileException {
    private static final long serialVersionUID = 1;

    TruncatedFileException(Path file, long size, long now) {
        super(file, "had " + size + " bytes when it was opened and has " + now + " now; files in use must not shrink");
    }
}

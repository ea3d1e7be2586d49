package lorikeet.runtime.adapter;

import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.List;
import lorikeet.runtime.ErrorCode;
import lorikeet.runtime.LorikeetException;

/**
 * The folders that adapters may be read from on behalf of somebody who isn't trusted with the whole file system. Symbolic
 * links are followed first: what counts is where a path leads to. Immutable.
 */
public final class AllowedRoots {
    private final List<Path> roots;

    /**
     * Allows what lies in these folders.
     *
     * @throws LorikeetException NOT_FOUND if one of them isn't there
     */
    public AllowedRoots(List<Path> folders) {
        this.roots = folders.stream().map(AllowedRoots::realFolder).toList();
    }

    static Path realFolder(Path folder) {
        try {
            Path real = folder.toRealPath();
            if (Files.isDirectory(real)) {
                return real;
            }
        } catch (IOException e) {
            throw new LorikeetException(ErrorCode.NOT_FOUND, folder + ": no such folder", e);
        }
        throw new LorikeetException(ErrorCode.NOT_FOUND, folder + ": is not a folder");
    }

    /**
     * The real path of an adapter's folder, to be read instead of the path that was given: a link that is changed later
     * doesn't matter then.
     *
     * @param path as it was given; a relative one counts from the working directory
     * @throws LorikeetException INVALID_REQUEST if it, or a file in it, leads outside the allowed folders; whether
     *     anything is there is told only for paths inside them: NOT_FOUND if nothing is
     */
    public Path check(String path) {
        Path given;
        try {
            given = Path.of(path).toAbsolutePath();
        } catch (InvalidPathException e) {
            throw new LorikeetException(ErrorCode.INVALID_REQUEST, "not a path: " + e.getReason(), e);
        }
        try {
            Path real = given.toRealPath();
            if (isInside(real)) {
                checkContent(real);
                return real;
            }
        } catch (NoSuchFileException e) {
            if (isInside(existingPart(given.normalize()))) {
                throw new LorikeetException(ErrorCode.NOT_FOUND, path + ": no such folder", e);
            }
        } catch (IOException e) {
            throw outside(path);
        }
        throw outside(path);
    }

    private boolean isInside(Path real) {
        return roots.stream().anyMatch(real::startsWith);
    }

    private static LorikeetException outside(String path) {
        return new LorikeetException(
                ErrorCode.INVALID_REQUEST, path + ": is outside the folders that adapters may be loaded from");
    }

    /** The real path of the nearest folder above that exists. */
    private static Path existingPart(Path path) {
        for (Path part = path; part != null; part = part.getParent()) {
            try {
                return part.toRealPath();
            } catch (IOException e) {
                // Not this one.
            }
        }
        return path;
    }

    private void checkContent(Path folder) throws IOException {
        if (!Files.isDirectory(folder)) {
            return;
        }
        try (DirectoryStream<Path> files = Files.newDirectoryStream(folder)) {
            for (Path file : files) {
                if (Files.isSymbolicLink(file) && Files.exists(file) && !isInside(file.toRealPath())) {
                    throw outside(file.toString());
                }
            }
        }
    }
}

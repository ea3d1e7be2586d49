package lorikeet.bindings;

import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/** An absolute folder path of which each part may be a glob, such as {@code /usr/local/cuda*}{@code /lib64}. */
final class FolderPattern {
    private FolderPattern() {}

    /** The folders that exist and match, the greatest name first, so that of two versions the newer is tried first. */
    static List<Path> expand(String pattern) {
        Path whole = Path.of(pattern).toAbsolutePath();
        List<Path> folders = List.of(whole.getRoot());
        for (Path part : whole) {
            List<Path> next = new ArrayList<>();
            for (Path folder : folders) {
                next.addAll(children(folder, part.toString()));
            }
            folders = next;
        }
        return folders;
    }

    private static List<Path> children(Path folder, String name) {
        if (!isGlob(name)) {
            Path child = folder.resolve(name);
            return Files.isDirectory(child) ? List.of(child) : List.of();
        }
        List<Path> found = new ArrayList<>();
        try (DirectoryStream<Path> entries = Files.newDirectoryStream(folder, name)) {
            for (Path entry : entries) {
                if (Files.isDirectory(entry)) {
                    found.add(entry);
                }
            }
        } catch (IOException | DirectoryIteratorException unreadable) {
            // A folder that can't be listed holds no library that could be loaded by its full name from here.
            return List.of();
        }
        found.sort(Collections.reverseOrder());
        return found;
    }

    private static boolean isGlob(String name) {
        return name.chars().anyMatch(c -> "*?[{".indexOf(c) >= 0);
    }
}

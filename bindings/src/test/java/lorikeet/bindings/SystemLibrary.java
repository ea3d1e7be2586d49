package lorikeet.bindings;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;

/** The C library's mathematics: a real shared library that every Linux has, in the part of one that we look for. */
final class SystemLibrary {
    static final String NAME = "libm.so.6";
    static final String PROPERTY = "lorikeet.test.library";

    private SystemLibrary() {}

    static NativeLibrary named(String fileName, List<String> folders) {
        return new NativeLibrary("Test library", List.of(fileName), "cos", PROPERTY, "version 7 or newer", folders);
    }

    /** A search with the library's property set. */
    static LibrarySearch given(Object value) {
        return new LibrarySearch(name -> name.equals(PROPERTY) ? Optional.of(value.toString()) : Optional.empty());
    }

    static LibrarySearch notGiven() {
        return new LibrarySearch(name -> Optional.empty());
    }

    static Path file() throws LibraryNotFoundException {
        return notGiven().find(named(NAME, List.of())).file();
    }

    static Path copyTo(Path file) throws IOException, LibraryNotFoundException {
        Files.createDirectories(file.getParent());
        return Files.copy(file(), file);
    }
}

package lorikeet.bindings;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LibrarySearchTest {
    /** A name that no loader finds by itself. */
    private static final String NAME = "liblorikeettest.so.1";

    @TempDir
    Path folder;

    @Test
    void theLoadersPathComesFirst() throws Exception {
        SystemLibrary.copyTo(folder.resolve(SystemLibrary.NAME));
        FoundLibrary found =
                SystemLibrary.notGiven().find(SystemLibrary.named(SystemLibrary.NAME, List.of(folder.toString())));
        assertThat(found.file()).exists().isAbsolute().hasFileName(SystemLibrary.NAME);
        assertThat(found.file())
                .doesNotHaveToString(folder.resolve(SystemLibrary.NAME).toString());
        assertThat(found.place()).isEqualTo("the loader's own path");
        assertThat(found.symbolAddress()).isNotZero();
    }

    @Test
    void aGivenFileIsTaken() throws Exception {
        Path file = SystemLibrary.copyTo(folder.resolve("elsewhere.so"));
        FoundLibrary found = SystemLibrary.given(file).find(SystemLibrary.named(SystemLibrary.NAME, List.of()));
        assertThat(found.file()).isEqualTo(file);
        assertThat(found.place()).isEqualTo("-D" + SystemLibrary.PROPERTY);
    }

    @Test
    void aGivenFolderIsSearched() throws Exception {
        Path file = SystemLibrary.copyTo(folder.resolve(NAME));
        FoundLibrary found = SystemLibrary.given(folder).find(SystemLibrary.named(NAME, List.of()));
        assertThat(found.file()).isEqualTo(file);
        assertThat(found.place()).isEqualTo("-D" + SystemLibrary.PROPERTY);
    }

    @Test
    void nothingElseIsTakenWhenTheGivenOneFails() throws Exception {
        SystemLibrary.copyTo(folder.resolve(SystemLibrary.NAME));
        Path missing = folder.resolve("missing.so");
        String message = failure(
                SystemLibrary.given(missing), SystemLibrary.named(SystemLibrary.NAME, List.of(folder.toString())));
        assertThat(message)
                .contains("-D" + SystemLibrary.PROPERTY + "=" + missing + ": no such file or folder")
                .doesNotContain("the loader's own path");
    }

    @Test
    void anEmptyPropertyIsNoProperty() throws Exception {
        FoundLibrary found = SystemLibrary.given(" ").find(SystemLibrary.named(SystemLibrary.NAME, List.of()));
        assertThat(found.place()).isEqualTo("the loader's own path");
    }

    @Test
    void aGivenFileThatIsNoLibrarySaysWhy() throws Exception {
        Path text = text(folder.resolve("text.so"));
        assertThat(failure(SystemLibrary.given(text), SystemLibrary.named(NAME, List.of())))
                .contains("-D" + SystemLibrary.PROPERTY + "=" + text + ": " + text + ":")
                .containsAnyOf("invalid ELF header", "file too short");
    }

    @Test
    void foldersAreSearchedInOrder() throws Exception {
        Path first = SystemLibrary.copyTo(folder.resolve("first").resolve(NAME));
        Path second = SystemLibrary.copyTo(folder.resolve("second").resolve(NAME));
        for (List<Path> order : List.of(List.of(first, second), List.of(second, first))) {
            List<String> folders = order.stream().map(file -> folderOf(file)).toList();
            FoundLibrary found = SystemLibrary.notGiven().find(SystemLibrary.named(NAME, folders));
            assertThat(found.file()).isEqualTo(order.getFirst());
            assertThat(found.place()).isEqualTo(folders.getFirst());
        }
    }

    @Test
    void fileNamesAreTriedInOrderWithinAFolder() throws Exception {
        text(folder.resolve(NAME));
        Path other = SystemLibrary.copyTo(folder.resolve("liblorikeettest.so"));
        NativeLibrary library = new NativeLibrary(
                "Test library",
                List.of(NAME, "liblorikeettest.so"),
                "cos",
                SystemLibrary.PROPERTY,
                "",
                List.of(folder.toString()));
        assertThat(SystemLibrary.notGiven().find(library).file()).isEqualTo(other);
    }

    @Test
    void theNewestOfSeveralVersionsIsTakenThatLoads() throws Exception {
        text(folder.resolve("cuda-13.1/lib64").resolve(NAME));
        Path second = SystemLibrary.copyTo(folder.resolve("cuda-13.0/lib64").resolve(NAME));
        SystemLibrary.copyTo(folder.resolve("cuda-12.9/lib64").resolve(NAME));
        FoundLibrary found = SystemLibrary.notGiven().find(SystemLibrary.named(NAME, List.of(folder + "/cuda*/lib64")));
        assertThat(found.file()).isEqualTo(second);
    }

    @Test
    void aFailureListsEveryPlaceInOrderAndTheVersionNeeded() throws Exception {
        Path text = text(folder.resolve("text").resolve(NAME));
        Path dangling = folder.resolve("dangling").resolve(NAME);
        Files.createDirectories(dangling.getParent());
        Files.createSymbolicLink(dangling, folder.resolve("gone"));
        Path empty = Files.createDirectories(folder.resolve("empty"));
        Path wrong = SystemLibrary.copyTo(folder.resolve("wrong").resolve(NAME));
        NativeLibrary library = new NativeLibrary(
                "Test library",
                List.of(NAME),
                "noSuchFunction",
                SystemLibrary.PROPERTY,
                "version 7 or newer",
                List.of(folder + "/none*", folderOf(text), folderOf(dangling), empty.toString(), folderOf(wrong)));
        LibraryNotFoundException e = catchThrowableOfType(
                LibraryNotFoundException.class, () -> SystemLibrary.notGiven().find(library));
        assertThat(e.summary()).isEqualTo("Test library not found: no usable " + NAME);
        assertThat(String.valueOf(e.getMessage()).lines())
                .satisfiesExactly(
                        line -> assertThat(line).isEqualTo(e.summary() + "; looked at"),
                        line -> assertThat(line).isEqualTo("  -D" + SystemLibrary.PROPERTY + ": not set"),
                        line -> assertThat(line)
                                .startsWith("  the loader's own path: " + NAME + ": ")
                                .contains("No such file"),
                        line -> assertThat(line).isEqualTo("  " + folder + "/none*: no such folder"),
                        line -> assertThat(line)
                                .startsWith("  " + text + ": ")
                                .containsAnyOf("invalid ELF header", "file too short"),
                        line -> assertThat(line)
                                .startsWith("  " + dangling + ": ")
                                .contains("No such file"),
                        line -> assertThat(line).isEqualTo("  " + empty + ": no " + NAME),
                        line -> assertThat(line)
                                .isEqualTo("  " + wrong + ": it loads, but has no function noSuchFunction"),
                        line -> assertThat(line).isEqualTo("Needed: version 7 or newer"),
                        line -> assertThat(line).contains("-D" + SystemLibrary.PROPERTY));
    }

    private static String failure(LibrarySearch search, NativeLibrary library) {
        return String.valueOf(catchThrowableOfType(LibraryNotFoundException.class, () -> search.find(library))
                .getMessage());
    }

    private static String folderOf(Path file) {
        return String.valueOf(file.getParent());
    }

    private static Path text(Path file) throws IOException {
        Files.createDirectories(file.getParent());
        return Files.writeString(file, "This is not a shared library. ".repeat(10));
    }
}

package lorikeet.memory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.nio.channels.SeekableByteChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.concurrent.TimeUnit;
import org.assertj.core.api.AbstractThrowableAssert;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

class MappedFileTest {
    @TempDir
    Path folder;

    private final Arena arena = Arena.ofConfined();

    @AfterEach
    void closeArena() {
        arena.close();
    }

    private AbstractThrowableAssert<?, ? extends Throwable> assertRefused(Path path) {
        return assertThatThrownBy(() -> MappedFile.open(path, arena))
                .isInstanceOf(InvalidFileException.class)
                .hasMessageStartingWith(path + ": ");
    }

    private Path write(String name, int bytes) {
        byte[] content = new byte[bytes];
        for (int i = 0; i < bytes; i++) {
            content[i] = (byte) i;
        }
        return SafetensorsBytes.write(folder.resolve(name), content);
    }

    private static void truncate(Path path, long size) throws IOException {
        try (SeekableByteChannel channel = Files.newByteChannel(path, StandardOpenOption.WRITE)) {
            channel.truncate(size);
        }
    }

    @Test
    void mapsTheWholeFileReadOnly() throws IOException {
        Path path = write("f", 10_000);

        MappedFile file = MappedFile.open(path, arena);

        assertThat(file.path()).isEqualTo(path);
        assertThat(file.size()).isEqualTo(10_000);
        assertThat(file.segment().isReadOnly()).isTrue();
        assertThat(file.segment().toArray(ValueLayout.JAVA_BYTE)).isEqualTo(Files.readAllBytes(path));
    }

    @Test
    void livesAsLongAsItsArena() {
        MappedFile file;
        try (Arena own = Arena.ofShared()) {
            file = MappedFile.open(write("f", 10), own);
        }

        assertThatThrownBy(() -> file.segment().get(ValueLayout.JAVA_BYTE, 0))
                .isInstanceOf(IllegalStateException.class);
    }

    @Test
    void refusesWhatIsNotThere() {
        assertRefused(folder.resolve("none")).hasMessageContaining("no such file");
        assertRefused(write("f", 1).resolve("child"));
    }

    @Test
    void refusesAFolder() {
        assertRefused(folder).hasMessageContaining("is a folder; a regular file is needed");
    }

    @Test
    void refusesAnEmptyFile() {
        assertRefused(write("empty", 0)).hasMessageContaining("is empty");
    }

    @Test
    @EnabledOnOs(OS.LINUX)
    void refusesALoopOfLinks() throws IOException {
        Path loop = folder.resolve("loop");
        assertRefused(Files.createSymbolicLink(loop, loop)).hasMessageContaining("could not be read");
    }

    @Test
    @EnabledOnOs(OS.LINUX)
    void refusesAFileWithoutPermission() throws IOException {
        Path path = write("secret", 10);
        Files.setPosixFilePermissions(path, PosixFilePermissions.fromString("---------"));
        assumeFalse(Files.isReadable(path), "the superuser may read everything");

        assertRefused(path).hasMessageContaining("permission denied");
    }

    @Test
    @EnabledOnOs(OS.LINUX)
    void refusesADevice() {
        assertRefused(Path.of("/dev/zero")).hasMessageContaining("is not a regular file");
    }

    @Test
    @EnabledOnOs(OS.LINUX)
    @Timeout(value = 30, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
    void doesNotWaitForTheWriterOfAPipe() throws Exception {
        Path pipe = folder.resolve("pipe");
        Process mkfifo = new ProcessBuilder("mkfifo", pipe.toString()).start();
        assertThat(mkfifo.waitFor(10, TimeUnit.SECONDS)).isTrue();
        assertThat(mkfifo.exitValue()).isZero();

        assertRefused(pipe).hasMessageContaining("is not a regular file");
    }

    @Test
    void noticesThatTheFileShrank() throws IOException {
        Path path = write("f", 10_000);
        MappedFile file = MappedFile.open(path, arena);
        assertThatCode(file::checkIntact).doesNotThrowAnyException();

        truncate(path, 9_999);

        assertThatThrownBy(file::checkIntact)
                .isInstanceOf(TruncatedFileException.class)
                .hasMessage(
                        path + ": had 10000 bytes when it was opened and has 9999 now; files in use must not shrink");
    }

    @Test
    void doesNotMindThatTheFileGrew() throws IOException {
        Path path = write("f", 10);
        MappedFile file = MappedFile.open(path, arena);

        Files.write(path, new byte[10], StandardOpenOption.APPEND);

        assertThatCode(file::checkIntact).doesNotThrowAnyException();
        assertThat(file.segment().byteSize()).isEqualTo(10);
    }

    @Test
    @EnabledOnOs(OS.LINUX)
    void keepsTheContentOfAReplacedOrDeletedFile() throws IOException {
        Path path = write("f", 10);
        MappedFile file = MappedFile.open(path, arena);

        Files.move(write("shorter", 5), path, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
        assertThatCode(file::checkIntact).doesNotThrowAnyException();
        assertThat(file.segment().get(ValueLayout.JAVA_BYTE, 9)).isEqualTo((byte) 9);

        Files.delete(path);
        assertThatCode(file::checkIntact).doesNotThrowAnyException();
        assertThat(file.segment().get(ValueLayout.JAVA_BYTE, 9)).isEqualTo((byte) 9);
    }

    /** The file shrinks between the look at its size and the reading or mapping. */
    @Test
    void refusesAFileThatShrinksWhileItIsOpened() throws IOException {
        Path path = write("f", 10_000);
        try (RegularFile file = RegularFile.open(path)) {
            truncate(path, 4_000);

            assertThatThrownBy(() -> file.map(arena)).isInstanceOf(TruncatedFileException.class);
            assertThatThrownBy(() -> file.input(0, 10_000).readAllBytes())
                    .isInstanceOf(TruncatedFileException.class)
                    .hasMessageContaining("has 4000 now");
        }
    }
}

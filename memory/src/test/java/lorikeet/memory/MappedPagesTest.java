package lorikeet.memory;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

class MappedPagesTest {
    private static final int BYTES = (9 << 20) + 100;
    private static final int PAGES = (9 << 8) + 1;

    @TempDir
    private Path folder;

    private Path write() throws IOException {
        return Files.write(folder.resolve("mapped"), new byte[BYTES]);
    }

    @Test
    void allPagesAreRead() throws IOException {
        try (Arena arena = Arena.ofShared()) {
            assertThat(MappedPages.touch(MappedFile.open(write(), arena).segment()))
                    .isEqualTo(PAGES);
            assertThat(MappedPages.touch(arena.allocate(0))).isZero();
        }
    }

    @Test
    void pagesAreReadOneByOneWhereTheSystemDoesNotFetchThem() throws IOException {
        try (Arena arena = Arena.ofShared()) {
            assertThat(MappedPages.readPages(MappedFile.open(write(), arena).segment()))
                    .isEqualTo(PAGES);
        }
    }

    @Test
    @EnabledOnOs(value = OS.LINUX, disabledReason = "that system doesn't fetch pages")
    void theSystemFetchesPagesFromAnyByteOn() throws IOException {
        try (Arena arena = Arena.ofShared()) {
            MemorySegment mapped = MappedFile.open(write(), arena).segment();
            assertThat(PageFetch.fetch(mapped)).isTrue();
            assertThat(PageFetch.fetch(mapped.asSlice(4097, 1))).isTrue();
            assertThat(PageFetch.fetch(mapped.asSlice(BYTES))).isTrue();
        }
    }

    @Test
    @EnabledOnOs(value = OS.LINUX, disabledReason = "a mapped file can be cut short")
    void ofAFileThatWasCutShortWhatIsLeftIsRead() throws IOException {
        Path file = write();
        try (Arena arena = Arena.ofShared()) {
            MappedFile mapped = MappedFile.open(file, arena);
            try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
                channel.truncate(5 << 20);
            }
            assertThat(MappedPages.touch(mapped.segment())).isEqualTo(5 << 8);
        }
    }
}

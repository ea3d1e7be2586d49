package lorikeet.memory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

@EnabledOnOs(OS.LINUX)
class SafetensorsLeakTest {
    private static final int OPENS = 1_000;

    @TempDir
    Path folder;

    private long mappings() throws IOException {
        try (Stream<String> maps = Files.lines(Path.of("/proc/self/maps"))) {
            return maps.filter(line -> line.contains(folder.toString())).count();
        }
    }

    private long descriptors() throws IOException {
        long count = 0;
        try (Stream<Path> links = Files.list(Path.of("/proc/self/fd"))) {
            for (Path link : links.toList()) {
                if (Files.isSymbolicLink(link) && leadsToFolder(link)) {
                    count++;
                }
            }
        }
        return count;
    }

    private boolean leadsToFolder(Path link) throws IOException {
        try {
            return Files.readSymbolicLink(link).startsWith(folder);
        } catch (NoSuchFileException e) {
            return false; // the descriptor with which /proc/self/fd was listed
        }
    }

    private void write() {
        new SafetensorsBytes().tensor("a", ElementType.U8, 5000).write(folder.resolve("m-1.safetensors"));
        new SafetensorsBytes().tensor("b", ElementType.U8, 5000).write(folder.resolve("m-2.safetensors"));
        SafetensorsBytes.write(
                folder.resolve("m.safetensors.index.json"),
                "{\"weight_map\":{\"a\":\"m-1.safetensors\",\"b\":\"m-2.safetensors\"}}"
                        .getBytes(StandardCharsets.UTF_8));
    }

    @Test
    void nothingStaysAfterTheArenaIsClosed() throws IOException {
        write();
        for (int i = 0; i < OPENS; i++) {
            try (Arena arena = Arena.ofShared()) {
                SafetensorsFolder opened = SafetensorsFolder.open(folder, "m", arena);
                opened.tensor("b").orElseThrow().data().get(ValueLayout.JAVA_BYTE, 4999);
                if (i == 0) {
                    assertThat(mappings()).as("the count sees mappings").isEqualTo(2);
                    assertThat(descriptors()).as("open files while mapped").isZero();
                }
            }
        }
        assertThat(mappings()).isZero();
        assertThat(descriptors()).isZero();
    }

    @Test
    void nothingStaysOfARefusedFile() throws IOException {
        Path file = folder.resolve("bad.safetensors");
        SafetensorsBytes.write(file, SafetensorsBytes.of("{}", 5000));
        for (int i = 0; i < OPENS; i++) {
            try (Arena arena = Arena.ofShared()) {
                assertThatThrownBy(() -> Safetensors.open(file, arena)).isInstanceOf(InvalidFileException.class);
                assertThat(descriptors()).isZero();
            }
        }
        assertThat(mappings()).isZero();
    }

    @Test
    void aFileIsHandedOutBeforeItsHeaderIsRead() {
        SafetensorsBytes.write(folder.resolve("bad.safetensors"), SafetensorsBytes.of("{}", 5000));
        List<MemorySegment> seen = new ArrayList<>();
        try (Arena arena = Arena.ofShared()) {
            assertThatThrownBy(() -> SafetensorsFolder.open(folder, "bad", arena, seen::add))
                    .isInstanceOf(InvalidFileException.class);
            assertThat(seen)
                    .singleElement()
                    .satisfies(mapped -> assertThat(mapped.byteSize()).isGreaterThan(5000));
        }
    }

    @Test
    void allShardsCanShareAnArenaThatIsClosedOnce() throws IOException {
        write();
        try (Arena arena = Arena.ofShared()) {
            for (int i = 0; i < 100; i++) {
                SafetensorsFolder.open(folder, "m", arena);
            }
            assertThat(mappings()).isPositive();
            assertThat(descriptors()).isZero();
        }
        assertThat(mappings()).isZero();
    }
}

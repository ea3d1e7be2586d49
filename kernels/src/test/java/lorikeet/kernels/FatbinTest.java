package lorikeet.kernels;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** The compiled CUDA kernels in the module, where there was an nvcc to compile them. */
final class FatbinTest {
    private static final int MAGIC = 0xba55ed50;

    @Test
    void hasMachineCodeForAllArchitecturesAndPtx() throws IOException {
        assumeTrue(nvccExists(), "no nvcc, so no CUDA kernels");

        assertThat(entries())
                .containsExactlyInAnyOrder(
                        "code 80", "code 86", "code 89", "code 90", "code 100", "code 120", "PTX 100");
    }

    private static List<String> entries() throws IOException {
        try (InputStream in = FatbinTest.class.getResourceAsStream("/lorikeet/kernels/cuda/lorikeet.fatbin")) {
            assertThat(in).as("lorikeet.fatbin").isNotNull();
            ByteBuffer fatbin = ByteBuffer.wrap(in.readAllBytes()).order(ByteOrder.LITTLE_ENDIAN);
            assertThat(fatbin.getInt(0)).as("magic number").isEqualTo(MAGIC);
            List<String> entries = new ArrayList<>();
            int at = fatbin.getShort(6);
            while (at < fatbin.limit()) {
                String kind = fatbin.getShort(at) == 1 ? "PTX" : "code";
                entries.add(kind + " " + fatbin.getInt(at + 28));
                at += fatbin.getInt(at + 4) + (int) fatbin.getLong(at + 8);
            }
            return entries;
        }
    }

    /** Looks where build-cuda.sh looks. */
    private static boolean nvccExists() {
        Stream<Path> folders = Stream.concat(
                Stream.of(System.getenv().getOrDefault("PATH", "").split(File.pathSeparator))
                        .map(Path::of),
                Stream.of(System.getenv().getOrDefault("CUDA_HOME", ""), "/usr/local/cuda")
                        .filter(home -> !home.isEmpty())
                        .map(home -> Path.of(home, "bin")));
        return folders.anyMatch(folder -> Files.isExecutable(folder.resolve("nvcc")));
    }
}

package lorikeet.bindings;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FolderPatternTest {
    @TempDir
    Path folder;

    @Test
    void globsMatchFoldersInAnyPartTheGreatestFirst() throws Exception {
        Path one = Files.createDirectories(folder.resolve("python3.11/site-packages/nvidia/cu13/lib"));
        Path two = Files.createDirectories(folder.resolve("python3.12/site-packages/nvidia/cublas/lib"));
        Path three = Files.createDirectories(folder.resolve("python3.12/site-packages/nvidia/cu13/lib"));
        Files.createDirectories(folder.resolve("python3.12/site-packages/nvidia/nolib"));
        Files.createDirectories(folder.resolve("python2.7/site-packages/nvidia/cu13/lib"));
        Files.writeString(folder.resolve("python3.13"), "a file");
        assertThat(FolderPattern.expand(folder + "/python3*/site-packages/nvidia/*/lib"))
                .containsExactly(two, three, one);
    }

    @Test
    void aFolderWithoutGlobsIsItselfOrNothing() throws Exception {
        Files.writeString(folder.resolve("file"), "a file");
        assertThat(FolderPattern.expand(folder.toString())).containsExactly(folder);
        assertThat(FolderPattern.expand(folder + "/file")).isEmpty();
        assertThat(FolderPattern.expand(folder + "/none/*")).isEmpty();
    }

    @Test
    void theUsualPlacesOfCuda() {
        List<String> folders =
                CudaFolders.usual("amd64", "/home/u", Map.of("VIRTUAL_ENV", "/venv", "CONDA_PREFIX", ""));
        assertThat(folders)
                .containsSubsequence(
                        "/usr/lib/x86_64-linux-gnu",
                        "/usr/lib/wsl/lib",
                        "/usr/local/nvidia/lib64",
                        "/usr/local/cuda*/lib64",
                        "/venv/lib/python3*/site-packages/nvidia/*/lib",
                        "/home/u/.local/lib/python3*/site-packages/nvidia/*/lib",
                        "/usr/local/lib/python3*/dist-packages/nvidia/*/lib")
                .noneMatch(folder -> folder.startsWith("/lib/"));
        assertThat(CudaFolders.usual("aarch64", "/home/u", Map.of())).contains("/usr/lib/aarch64-linux-gnu");
    }
}

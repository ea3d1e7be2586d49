package lorikeet.runtime.adapter;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import lorikeet.kernels.cpu.CpuOperations;
import lorikeet.memory.SlabPool;
import lorikeet.runtime.ErrorCode;
import lorikeet.runtime.Golden;
import lorikeet.runtime.LorikeetException;
import lorikeet.runtime.model.Checkpoint;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What loading for a device makes of a base model whose file was cut short while it was open. */
class DeviceAdaptersTest {
    private static final long SLAB = 1 << 20;

    @TempDir
    private Path folder;

    /**
     * Whether a page is lost, which is a fault, or a few bytes of the last one, which reads as zeros; whether the adapter
     * holds a copy of the base model's table, has norms computed from the base model, or doesn't look at it.
     */
    @ParameterizedTest
    @CsvSource({
        "llama-linear-v4, embed-head-tied, 8192",
        "llama-linear-v4, embed-head-tied, -2",
        "qwen3, dora-r8, 8192",
        "qwen3, dora-r8, -2",
        "llama-linear-v4, embed-only, 8192",
    })
    void aBaseModelThatWasCutShortIsNamed(String set, String adapter, long size) throws IOException {
        Path model = AdapterFiles.copy(Golden.set(set).resolve("model"), folder.resolve("model"));
        Path file = model.resolve("model.safetensors");
        try (Checkpoint checkpoint = Checkpoint.open(model);
                CpuOperations operations = new CpuOperations(1);
                SlabPool pool = operations.slabPool(SLAB, 8)) {
            DeviceAdapters adapters = new DeviceAdapters(checkpoint, checkpoint.weights(operations), operations, pool);
            Path source = Golden.set(set).resolve("adapters").resolve(adapter);
            adapters.load(source).close();
            truncate(file, size > 0 ? size : Files.size(file) + size);
            assertThatThrownBy(() -> adapters.load(source).close())
                    .hasMessageContaining(file.toString())
                    .isInstanceOfSatisfying(
                            LorikeetException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.INVALID_FILE));
        }
    }

    private static void truncate(Path file, long size) throws IOException {
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
            channel.truncate(size);
        }
    }
}

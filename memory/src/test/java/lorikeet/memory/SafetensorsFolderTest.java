package lorikeet.memory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;
import static org.junit.jupiter.params.provider.Arguments.arguments;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.nio.channels.SeekableByteChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.stream.Stream;
import org.assertj.core.api.AbstractThrowableAssert;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class SafetensorsFolderTest {
    private static final String INDEX = "model.safetensors.index.json";
    private static final String FIRST = "model-00001-of-00002.safetensors";
    private static final String SECOND = "model-00002-of-00002.safetensors";

    @TempDir
    Path folder;

    private final Arena arena = Arena.ofConfined();

    @AfterEach
    void closeArena() {
        arena.close();
    }

    private SafetensorsFolder open() {
        return SafetensorsFolder.open(folder, "model", arena);
    }

    private AbstractThrowableAssert<?, InvalidFileException> assertRefused(Path file) {
        InvalidFileException refusal = catchThrowableOfType(InvalidFileException.class, this::open);
        return assertThat(refusal).as("was accepted").isNotNull().hasMessageStartingWith(file + ": ");
    }

    private Path write(String name, String text) {
        return SafetensorsBytes.write(folder.resolve(name), text.getBytes(StandardCharsets.UTF_8));
    }

    private Path writeIndex(String weightMap) {
        return write(INDEX, "{\"metadata\": {\"total_size\": 9}, \"weight_map\": " + weightMap + "}");
    }

    private Path writeShard(String name, String... tensors) {
        SafetensorsBytes shard = new SafetensorsBytes();
        for (String tensor : tensors) {
            shard.tensor(tensor, ElementType.U8, tensor.length());
        }
        return shard.write(folder.resolve(name));
    }

    @Test
    void opensASingleFile() {
        Path file = writeShard("model.safetensors", "b", "a");

        SafetensorsFolder opened = open();

        assertThat(opened.path()).isEqualTo(folder);
        assertThat(opened.tensors().sequencedKeySet()).containsExactly("b", "a");
        assertThat(opened.tensor("a").orElseThrow().file()).isEqualTo(file);
        assertThat(opened.files()).extracting(Safetensors::path).containsExactly(file);
        opened.checkIntact();
    }

    @Test
    void opensTheShardsOfAnIndex() {
        Path second = writeShard(SECOND, "c", "a");
        Path first = writeShard(FIRST, "bb");
        writeIndex("{\"c\":\"" + SECOND + "\",\"bb\":\"" + FIRST + "\",\"a\":\"" + SECOND + "\"}");

        SafetensorsFolder opened = open();

        assertThat(opened.tensors().sequencedKeySet()).containsExactly("c", "bb", "a");
        assertThat(opened.files()).extracting(Safetensors::path).containsExactly(second, first);
        assertThat(opened.tensor("bb").orElseThrow().file()).isEqualTo(first);
        assertThat(opened.tensor("bb").orElseThrow().shape()).isEqualTo(Shape.of(2));
        assertThat(opened.tensor("d")).isEmpty();
    }

    @Test
    void showsWhatTheIndexNamesAndNothingElse() {
        writeShard(FIRST, "a", "b");
        writeShard(SECOND, "a", "c");
        writeIndex("{\"a\":\"" + SECOND + "\",\"b\":\"" + FIRST + "\"}");

        SafetensorsFolder opened = open();

        assertThat(opened.tensors()).containsOnlyKeys("a", "b");
        assertThat(opened.tensor("a").orElseThrow().file()).isEqualTo(folder.resolve(SECOND));
    }

    @Test
    void prefersTheSingleFile() {
        writeShard("model.safetensors", "single");
        writeIndex("{\"a\":\"" + FIRST + "\"}");

        assertThat(open().tensors()).containsOnlyKeys("single");
    }

    @Test
    void opensAnAdaptersFile() {
        writeShard("adapter_model.safetensors", "lora");

        assertThat(SafetensorsFolder.open(folder, "adapter_model", arena).tensors())
                .containsOnlyKeys("lora");
    }

    @Test
    void followsLinksToShards(@TempDir Path blobs) throws IOException {
        Path blob = new SafetensorsBytes().tensor("a", ElementType.U8, 1).write(blobs.resolve("5f3a"));
        Files.createSymbolicLink(folder.resolve(FIRST), blob);
        writeIndex("{\"a\":\"" + FIRST + "\"}");

        assertThat(open().tensors()).containsOnlyKeys("a");
    }

    @Test
    void noticesThatAShardShrank() throws IOException {
        writeShard(FIRST, "a");
        Path second = writeShard(SECOND, "b");
        writeIndex("{\"a\":\"" + FIRST + "\",\"b\":\"" + SECOND + "\"}");
        SafetensorsFolder opened = open();
        try (SeekableByteChannel channel = Files.newByteChannel(second, StandardOpenOption.WRITE)) {
            channel.truncate(1);
        }

        assertThat(catchThrowableOfType(TruncatedFileException.class, opened::checkIntact)
                        .file())
                .isEqualTo(second);
    }

    @Test
    void refusesAMissingShard() {
        writeShard(FIRST, "a");
        Path index = writeIndex("{\"a\":\"" + FIRST + "\",\"b\":\"" + SECOND + "\"}");

        assertRefused(index)
                .hasMessageContaining("tensor 'b': its file '" + SECOND + "' is missing")
                .extracting(refusal -> refusal.tensor().orElseThrow())
                .isEqualTo("b");
    }

    @Test
    void refusesADanglingLink() throws IOException {
        Path shard = folder.resolve(FIRST);
        Files.createSymbolicLink(shard, folder.resolve("gone"));
        writeIndex("{\"a\":\"" + FIRST + "\"}");

        assertRefused(shard).hasMessageContaining("no such file");
    }

    @Test
    void refusesATensorThatIsNotInItsShard() {
        Path first = writeShard(FIRST, "a");
        writeShard(SECOND, "b");
        writeIndex("{\"a\":\"" + FIRST + "\",\"b\":\"" + FIRST + "\"}");

        assertRefused(first).hasMessageContaining("tensor 'b': is not in this file, where " + INDEX + " places it");
    }

    @Test
    void refusesADamagedShard() {
        Path shard = write(FIRST, "junk");
        writeIndex("{\"a\":\"" + FIRST + "\"}");

        assertRefused(shard);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "../model-1.safetensors",
                "/etc/model-1.safetensors",
                "sub/model-1.safetensors",
                "sub\\\\model-1.safetensors",
                "C:model-1.safetensors",
                "a\\u0000.safetensors",
                "..",
                ".",
                "",
                "pytorch_model.bin"
            })
    void refusesAFileOutsideTheFolder(String shard) {
        writeShard("model-1.safetensors", "a");
        Path index = writeIndex("{\"a\":\"" + shard + "\"}");

        assertRefused(index)
                .hasMessageContaining("tensor 'a': its file in weight_map is '")
                .hasMessageContaining("the name of a .safetensors file in the same folder is accepted");
    }

    @Test
    void refusesANameThatNoFileCanHave() {
        Path index = writeIndex("{\"a\":\"\\ud800.safetensors\"}");

        assertRefused(index).hasMessageContaining("is missing");
    }

    static Stream<Arguments> badIndexes() {
        return Stream.of(
                arguments("", "the index is missing"),
                arguments("[]", "the index is an array; an object is needed"),
                arguments("{}", "has no weight_map"),
                arguments("{\"weight_map\":{}}", "has no weight_map"),
                arguments("{\"weight_map\":[]}", "weight_map is an array"),
                arguments("{\"weight_map\":null}", "weight_map is null"),
                arguments("{\"weight_map\":{\"a\":1}}", "tensor 'a': its file in weight_map is the number 1"),
                arguments("{\"weight_map\":{\"a\":\"s.safetensors\",\"a\":\"s.safetensors\"}}", "has it twice"),
                arguments(
                        "{\"weight_map\":{\"a\":\"s.safetensors\"},\"weight_map\":{}}", "has the key weight_map twice"),
                arguments("{\"weight_map\":{\"a\":\"s.safetensors\"}}x", "not valid JSON"),
                arguments("{\"weight_map\":{\"a\":\"s.safetensors\"", "not valid JSON"),
                arguments("{\"metadata\":" + "[".repeat(100_000), "not valid JSON"));
    }

    @ParameterizedTest
    @MethodSource("badIndexes")
    void refusesAnIndex(String json, String problem) {
        assertRefused(write(INDEX, json)).hasMessageContaining(problem);
    }

    @ParameterizedTest
    @ValueSource(strings = {"pytorch_model.bin", "adapter_model.bin", "model.pt", "consolidated.00.pth", "model.ckpt"})
    void advisesToConvertPickles(String name) {
        write(name, "\u0080\u0002");
        write("config.json", "{}");

        assertRefused(folder)
                .hasMessageContaining("[" + name + "]")
                .hasMessageContaining("unpickling runs code")
                .hasMessageContaining("convert them to safetensors")
                .hasMessageContaining("model.safetensors or " + INDEX);
    }

    @Test
    void doesNotMindPicklesBesideSafetensors() {
        writeShard("model.safetensors", "a");
        write("training_args.bin", "\u0080\u0002");

        assertThat(open().tensors()).containsOnlyKeys("a");
    }

    @Test
    void refusesAFolderWithoutWeights() {
        assertRefused(folder).hasMessageContaining("holds no weights; model.safetensors or " + INDEX + " is needed");
    }

    @Test
    void refusesWhatIsNoFolder() {
        Path file = write("file", "");
        assertThat(catchThrowableOfType(InvalidFileException.class, () -> SafetensorsFolder.open(file, "model", arena)))
                .hasMessage(file + ": is not a folder");
        Path none = folder.resolve("none");
        assertThat(catchThrowableOfType(InvalidFileException.class, () -> SafetensorsFolder.open(none, "model", arena)))
                .hasMessage(none + ": no such file or folder");
    }

    @Test
    void opensManyTensors() {
        StringBuilder weightMap = new StringBuilder("{");
        for (int shard = 0; shard < 20; shard++) {
            String name = "model-%05d-of-00020.safetensors".formatted(shard + 1);
            SafetensorsBytes bytes = new SafetensorsBytes();
            for (int i = 0; i < 1_000; i++) {
                String tensor = "model.layers." + shard + ".mlp.experts." + i + ".down_proj.weight";
                bytes.tensor(tensor, ElementType.BF16, 1, 2);
                weightMap
                        .append(weightMap.length() == 1 ? "\"" : ",\"")
                        .append(tensor)
                        .append("\":\"")
                        .append(name)
                        .append('"');
            }
            bytes.write(folder.resolve(name));
        }
        writeIndex(weightMap + "}");

        SafetensorsFolder opened = open();

        assertThat(opened.tensors()).hasSize(20_000);
        assertThat(opened.files()).hasSize(20);
    }
}

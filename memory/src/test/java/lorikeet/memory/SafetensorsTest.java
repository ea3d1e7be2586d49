package lorikeet.memory;

import static lorikeet.memory.SafetensorsBytes.entry;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SafetensorsTest {
    @TempDir
    Path folder;

    private final Arena arena = Arena.ofConfined();

    @AfterEach
    void closeArena() {
        arena.close();
    }

    private Safetensors open(byte[] bytes) {
        return Safetensors.open(SafetensorsBytes.write(folder.resolve("t.safetensors"), bytes), arena);
    }

    private static byte[] data(Tensor tensor) {
        return tensor.data().toArray(ValueLayout.JAVA_BYTE);
    }

    @Test
    void givesEachTensorItsBytes() {
        Safetensors file = open(SafetensorsBytes.of(
                "{" + entry("b", "I16", "[2]", "[4,8]") + "," + entry("a", "F32", "[1,1]", "[0,4]") + "}", 8));

        assertThat(file.tensors()).containsOnlyKeys("a", "b");
        assertThat(file.tensors().sequencedKeySet())
                .as("in the order of the data")
                .containsExactly("a", "b");
        Tensor b = file.tensor("b").orElseThrow();
        assertThat(b.name()).isEqualTo("b");
        assertThat(b.type()).isEqualTo(ElementType.I16);
        assertThat(b.shape()).isEqualTo(Shape.of(2));
        assertThat(b.file()).isEqualTo(file.path()).isEqualTo(folder.resolve("t.safetensors"));
        assertThat(data(b)).containsExactly(4, 5, 6, 7);
        assertThat(data(file.tensor("a").orElseThrow())).containsExactly(0, 1, 2, 3);
        assertThat(file.tensor("c")).isEmpty();
        assertThat(file.metadata()).isEmpty();
    }

    @Test
    void isReadOnly() {
        Safetensors file =
                open(new SafetensorsBytes().tensor("a", ElementType.U8, 3).bytes());
        Tensor tensor = file.tensor("a").orElseThrow();

        assertThat(tensor.data().isReadOnly()).isTrue();
        assertThat(tensor.matrix().data().isReadOnly()).isTrue();
        assertThatThrownBy(() -> file.tensors().clear()).isInstanceOf(UnsupportedOperationException.class);
        assertThatThrownBy(() -> file.metadata().put("a", "b")).isInstanceOf(UnsupportedOperationException.class);
    }

    @Test
    void acceptsScalarsAndEmptyTensors() {
        Safetensors file = open(new SafetensorsBytes()
                .tensor("empty at the start", ElementType.F32, 0)
                .tensor("scalar", ElementType.F64)
                .tensor("empty inside", ElementType.F32, 5, 0, 7)
                .tensor("byte", ElementType.BOOL, 1)
                .tensor("empty at the end", ElementType.I64, 0, 4)
                .bytes());

        assertThat(file.tensors()).hasSize(5);
        assertThat(file.tensor("scalar").orElseThrow().data().byteSize()).isEqualTo(8);
        assertThat(file.tensor("empty inside").orElseThrow().data().byteSize()).isZero();
        Matrix empty = file.tensor("empty at the end").orElseThrow().matrix();
        assertThat(empty.rows()).isZero();
        assertThat(empty.cols()).isEqualTo(4);
    }

    @Test
    void acceptsAFileWithoutTensors() {
        assertThat(open(SafetensorsBytes.of("{}", 0)).tensors()).isEmpty();
        assertThat(open(SafetensorsBytes.of("{\"__metadata__\":{}}", 0)).tensors())
                .isEmpty();
    }

    @Test
    void acceptsEveryElementType() {
        SafetensorsBytes bytes = new SafetensorsBytes();
        for (ElementType type : ElementType.values()) {
            bytes.tensor(type.name(), type, 3, 1);
        }

        assertThat(open(bytes.bytes()).tensors().values())
                .allSatisfy(tensor -> assertThat(tensor.type().name()).isEqualTo(tensor.name()))
                .allSatisfy(tensor -> assertThat(tensor.data().byteSize())
                        .isEqualTo(3L * tensor.type().bytes()));
    }

    @Test
    void readsDataAtAnyAlignment() {
        for (int padding = 0; padding < 8; padding++) {
            Safetensors file =
                    open(SafetensorsBytes.of("{" + entry("x", "F32", "[2]", "[0,8]") + "}" + " ".repeat(padding), 8));
            float[] floats = Floats.toArray(file.tensor("x").orElseThrow().matrix());
            assertThat(floats).containsExactly(Float.intBitsToFloat(0x03020100), Float.intBitsToFloat(0x07060504));
        }
    }

    @Test
    void keepsMetadataInItsOrder() {
        Safetensors file = open(new SafetensorsBytes()
                .metadata("{\"format\":\"pt\",\"a\":\"\",\"\\u00e9\":\"\\\"{}\"}")
                .tensor("x", ElementType.U8, 1)
                .bytes());

        assertThat(file.metadata()).containsEntry("format", "pt").containsEntry("é", "\"{}");
        assertThat(file.metadata().sequencedKeySet()).containsExactly("format", "a", "é");
    }

    @Test
    void takesNamesAsTheyAre() {
        Safetensors file = open(SafetensorsBytes.of(
                "{" + entry("", "U8", "[1]", "[0,1]") + "," + entry("ключ \\n\\u4e2d", "U8", "[1]", "[1,2]") + "}", 2));

        assertThat(file.tensors()).containsOnlyKeys("", "ключ \n中");
    }

    @Test
    void acceptsKeysInAnyOrderAndWhiteSpaceAnywhere() {
        Safetensors file = open(SafetensorsBytes.of(
                "{ \"x\" :\t{\"data_offsets\": [0, 6] ,\n\"shape\":[ 3 ], \"dtype\" : \"F16\"\r} } \n\t  ", 6));

        assertThat(file.tensor("x").orElseThrow().shape()).isEqualTo(Shape.of(3));
    }

    @Test
    void followsLinks() throws IOException {
        Path target = new SafetensorsBytes().tensor("x", ElementType.U8, 1).write(folder.resolve("blob"));
        Path link = Files.createSymbolicLink(folder.resolve("link.safetensors"), target);

        assertThat(Safetensors.open(link, arena).path()).isEqualTo(link);
    }

    @Test
    void noticesThatTheFileShrank() throws IOException {
        Safetensors file =
                open(new SafetensorsBytes().tensor("x", ElementType.U8, 100).bytes());
        file.checkIntact();

        try (var channel = Files.newByteChannel(file.path(), StandardOpenOption.WRITE)) {
            channel.truncate(file.size() - 1);
        }

        assertThatThrownBy(file::checkIntact)
                .isInstanceOf(TruncatedFileException.class)
                .hasMessageContaining(file.path().toString())
                .hasMessageContaining(String.valueOf(file.size()));
    }

    /** Files as a random writer would make them: any types, ranks, orders, white space. */
    @Test
    void opensWhateverIsSound() {
        List<ElementType> types = List.of(ElementType.values());
        for (long seed = 0; seed < 300; seed++) {
            Random random = new Random(seed);
            List<String> entries = new ArrayList<>();
            List<Tensor> expected = new ArrayList<>();
            Path path = folder.resolve("t.safetensors");
            int end = 0;
            for (int i = random.nextInt(20); i > 0; i--) {
                ElementType type = types.get(random.nextInt(types.size()));
                long[] dims = random.longs(random.nextInt(5), 0, 5).toArray();
                int begin = end;
                end += Math.toIntExact(Shape.of(dims).elements() * type.bytes());
                String shape = Arrays.toString(dims);
                entries.add(entry("t" + i, type.name(), shape, "[" + begin + ", " + end + "]"));
                expected.add(new Tensor(path, "t" + i, type, Shape.of(dims), bytesFrom(begin, end)));
            }
            Collections.shuffle(entries, random);
            String header = "{" + String.join(",", entries) + "}" + " ".repeat(random.nextInt(9));

            Safetensors file = open(SafetensorsBytes.of(header, end));

            assertThat(file.tensors()).as("seed %d", seed).hasSize(expected.size());
            for (Tensor tensor : expected) {
                Tensor found = file.tensor(tensor.name()).orElseThrow();
                assertThat(found.type()).as("seed %d", seed).isEqualTo(tensor.type());
                assertThat(found.shape()).as("seed %d", seed).isEqualTo(tensor.shape());
                assertThat(found.data().mismatch(tensor.data()))
                        .as("seed %d", seed)
                        .isEqualTo(-1);
            }
        }
    }

    private static MemorySegment bytesFrom(int begin, int end) {
        byte[] bytes = new byte[end - begin];
        for (int i = 0; i < bytes.length; i++) {
            bytes[i] = (byte) (begin + i);
        }
        return MemorySegment.ofArray(bytes);
    }
}

package lorikeet.memory;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

import com.sun.management.ThreadMXBean;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Damaged files of every kind are refused with an {@link InvalidFileException} or open with all tensors inside the
 * file; nothing else may happen, and little memory may be taken.
 */
@Timeout(value = 120, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class SafetensorsFuzzTest {
    private static final int CASES = 2_000;

    /** Room for the parser's buffers and for a name of 20,000 characters, here and there. */
    private static final long MOST_ALLOCATED = 1 << 20;

    private static final List<ElementType> TYPES = List.of(ElementType.values());

    @TempDir
    Path folder;

    private final ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    private int opened;

    private interface Damage {
        byte[] apply(Random random);
    }

    private void fuzz(Damage damage) {
        Path path = folder.resolve("fuzz.safetensors");
        byte[] first = SafetensorsBytes.of("{\"classes are loaded now\":0}", 0);
        attempt(SafetensorsBytes.write(path, first), first);
        for (int seed = 0; seed < CASES; seed++) {
            byte[] bytes = damage.apply(new Random(seed));
            long allocated = 0;
            InvalidFileException refusal = null;
            try {
                SafetensorsBytes.write(path, bytes);
                long before = threads.getCurrentThreadAllocatedBytes();
                refusal = attempt(path, bytes);
                allocated = threads.getCurrentThreadAllocatedBytes() - before;
            } catch (Throwable e) {
                fail("seed " + seed + ": " + HexFormat.of().formatHex(bytes), e);
            }
            assertThat(allocated).as("bytes allocated for seed %d", seed).isLessThan(MOST_ALLOCATED);
            if (refusal == null) {
                opened++;
            } else {
                assertThat(refusal.getMessage())
                        .as("seed %d", seed)
                        .startsWith(path + ": ")
                        .hasSizeLessThan(5_000);
            }
        }
    }

    private static @Nullable InvalidFileException attempt(Path path, byte[] bytes) {
        try (Arena arena = Arena.ofConfined()) {
            checkTensors(Safetensors.open(path, arena), bytes);
            return null;
        } catch (InvalidFileException e) {
            return e;
        }
    }

    /** By itself, not with the reader's own arithmetic. */
    private static void checkTensors(Safetensors file, byte[] bytes) {
        long headerBytes = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).getLong();
        MemorySegment whole = MemorySegment.ofArray(bytes);
        long at = 8 + headerBytes;
        for (Tensor tensor : file.tensors().values()) {
            long length = tensor.type().bytes();
            for (long dim : tensor.shape().toArray()) {
                length *= dim;
            }
            MemorySegment data = tensor.data();
            if (data.byteSize() != length || data.mismatch(whole.asSlice(at, length)) != -1) {
                throw new AssertionError("wrong data in " + tensor);
            }
            if (length > 0) {
                data.get(ValueLayout.JAVA_BYTE, length - 1);
            }
            at += length;
        }
        if (at != bytes.length) {
            throw new AssertionError("the tensors end at " + at + " of " + bytes.length);
        }
    }

    private static Json soundHeader(Random random, int[] dataBytes) {
        Json header = Json.object();
        if (random.nextBoolean()) {
            header.add("__metadata__", Json.object().add("format", Json.leaf("\"pt\"")));
        }
        long end = 0;
        for (int i = 1 + random.nextInt(4); i > 0; i--) {
            ElementType type = TYPES.get(random.nextInt(TYPES.size()));
            long[] dims = random.longs(random.nextInt(4), 0, 6).toArray();
            long begin = end;
            end += Shape.of(dims).elements() * type.bytes();
            header.add(
                    "layers." + i,
                    Json.object()
                            .add("dtype", Json.leaf("\"" + type + "\""))
                            .add("shape", Json.array(dims))
                            .add("data_offsets", Json.array(begin, end)));
        }
        dataBytes[0] = Math.toIntExact(end);
        return header;
    }

    private static byte[] soundFile(Random random) {
        int[] dataBytes = new int[1];
        String header = soundHeader(random, dataBytes).toString();
        return SafetensorsBytes.of(header + " ".repeat(random.nextInt(8)), dataBytes[0]);
    }

    /** The data may be damaged, which nobody can tell; and to keep the length sound is what makes the rest interesting. */
    private static int placeInHeader(Random random, byte[] bytes) {
        long headerBytes = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).getLong();
        int from = random.nextInt(8) == 0 ? 0 : 8;
        boolean sound = headerBytes > 0 && headerBytes <= bytes.length - 8;
        return random.nextInt(from, sound ? (int) (8 + headerBytes) : bytes.length);
    }

    @Test
    void survivesNothingAtAll() {
        fuzz(SafetensorsFuzzTest::soundFile);
        assertThat(opened).as("sound files open").isEqualTo(CASES);
    }

    @Test
    void survivesFlippedBits() {
        fuzz(random -> {
            byte[] bytes = soundFile(random);
            for (int n = 1 + random.nextInt(3); n > 0; n--) {
                bytes[placeInHeader(random, bytes)] ^= (byte) (1 << random.nextInt(8));
            }
            return bytes;
        });
        assertThat(opened).isLessThan(CASES);
    }

    @Test
    void survivesReplacedCharacters() {
        byte[] characters = "{}[]\",:0123456789-.eEntfu\\ \n\0".getBytes(StandardCharsets.US_ASCII);
        fuzz(random -> {
            byte[] bytes = soundFile(random);
            for (int n = 1 + random.nextInt(3); n > 0; n--) {
                bytes[placeInHeader(random, bytes)] = characters[random.nextInt(characters.length)];
            }
            return bytes;
        });
    }

    @Test
    void survivesTruncationAndGrowth() {
        fuzz(random -> {
            byte[] bytes = soundFile(random);
            return Arrays.copyOf(bytes, random.nextInt(bytes.length + 20));
        });
        assertThat(opened).isLessThan(CASES / 10);
    }

    @Test
    void survivesRandomBytes() {
        fuzz(random -> {
            byte[] bytes = new byte[random.nextInt(200)];
            random.nextBytes(bytes);
            if (random.nextBoolean() && bytes.length > 9) {
                ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).putLong(random.nextInt(bytes.length - 8));
                bytes[8] = '{';
            }
            return bytes;
        });
        assertThat(opened).isZero();
    }

    @Test
    void survivesSpoiltHeaders() {
        fuzz(random -> {
            int[] dataBytes = new int[1];
            Json header = soundHeader(random, dataBytes);
            for (int n = 1 + random.nextInt(4); n > 0; n--) {
                header.spoil(random);
            }
            return SafetensorsBytes.of(header.toString(), dataBytes[0]);
        });
        assertThat(opened).as("some changes do no harm").isBetween(1, CASES - 1);
    }

    @Test
    void survivesSpoiltIndexes() {
        Path shard = new SafetensorsBytes()
                .tensor("a", ElementType.U8, 1)
                .tensor("b", ElementType.U8, 1)
                .write(folder.resolve("m-1.safetensors"));
        Path index = folder.resolve("m.safetensors.index.json");
        for (int seed = 0; seed < CASES; seed++) {
            Random random = new Random(seed);
            Json json = Json.object()
                    .add("metadata", Json.object().add("total_size", Json.leaf("2")))
                    .add(
                            "weight_map",
                            Json.object()
                                    .add("a", Json.leaf("\"m-1.safetensors\""))
                                    .add("b", Json.leaf("\"m-1.safetensors\"")));
            for (int n = 1 + random.nextInt(3); n > 0; n--) {
                json.spoil(random);
            }
            byte[] bytes = json.toString().getBytes(StandardCharsets.UTF_8);
            if (random.nextBoolean()) {
                bytes[random.nextInt(bytes.length)] ^= (byte) (1 << random.nextInt(8));
            }
            SafetensorsBytes.write(index, bytes);
            try (Arena arena = Arena.ofConfined()) {
                SafetensorsFolder opened = SafetensorsFolder.open(folder, "m", arena);
                assertThat(opened.tensors().keySet()).as("seed %d", seed).isSubsetOf("a", "b");
                assertThat(opened.files()).extracting(Safetensors::path).containsOnly(shard);
            } catch (InvalidFileException e) {
                assertThat(e).as("seed %d", seed).hasMessageStartingWith(folder.toString());
            } catch (RuntimeException e) {
                fail("seed " + seed + ": " + json, e);
            }
        }
    }
}

package lorikeet.jmh;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import lorikeet.memory.ElementType;

/**
 * Writes a safetensors file of random numbers: uniform, so small that sums over long rows stay in range. Tensors of more
 * than {@value #FRESH} bytes repeat their first ones.
 */
final class RandomTensors {
    private static final float LARGEST = 0.05f;
    private static final int ALIGNMENT = 64;
    private static final long FRESH = 16L << 20;
    private static final ValueLayout.OfLong LENGTH = ValueLayout.JAVA_LONG.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfInt FLOAT = ValueLayout.JAVA_INT.withOrder(ByteOrder.LITTLE_ENDIAN);
    private static final ValueLayout.OfShort BF16 = ValueLayout.JAVA_SHORT.withOrder(ByteOrder.LITTLE_ENDIAN);

    private final ElementType type;
    private final List<Entry> entries = new ArrayList<>();
    private long bytes;

    private record Entry(String name, String shape, boolean ones, long from, long to) {}

    /** A file whose tensors are all F32, or all BF16. */
    RandomTensors(ElementType type) {
        this.type = type;
    }

    /** Adds a matrix of random numbers. */
    void matrix(String name, int rows, int cols) {
        add(name, rows + "," + cols, false, (long) rows * cols);
    }

    /** Adds a vector of ones. */
    void ones(String name, int size) {
        add(name, String.valueOf(size), true, size);
    }

    private void add(String name, String shape, boolean ones, long elements) {
        long end = bytes + elements * type.bytes();
        entries.add(new Entry(name, shape, ones, bytes, end));
        bytes = end;
    }

    /** Writes the file anew. */
    void write(Path file, long seed) throws IOException {
        byte[] header = header();
        long start = Long.BYTES + (long) header.length;
        try (FileChannel channel = FileChannel.open(
                        file,
                        StandardOpenOption.CREATE,
                        StandardOpenOption.TRUNCATE_EXISTING,
                        StandardOpenOption.READ,
                        StandardOpenOption.WRITE);
                Arena arena = Arena.ofShared()) {
            MemorySegment to = channel.map(FileChannel.MapMode.READ_WRITE, 0, start + bytes, arena);
            to.set(LENGTH, 0, header.length);
            MemorySegment.copy(header, 0, to, ValueLayout.JAVA_BYTE, Long.BYTES, header.length);
            SplittableRandom random = new SplittableRandom(seed);
            List<SplittableRandom> randoms =
                    entries.stream().map(entry -> random.split()).toList();
            IntStream.range(0, entries.size()).parallel().forEach(i -> {
                Entry entry = entries.get(i);
                fill(to.asSlice(start + entry.from, entry.to - entry.from), entry.ones, randoms.get(i));
            });
        }
    }

    private byte[] header() {
        StringBuilder json = new StringBuilder("{");
        for (Entry entry : entries) {
            json.append(json.length() == 1 ? "" : ",")
                    .append("\"%s\":{\"dtype\":\"%s\",\"shape\":[%s],\"data_offsets\":[%d,%d]}"
                            .formatted(entry.name, type, entry.shape, entry.from, entry.to));
        }
        json.append('}');
        while ((Long.BYTES + json.length()) % ALIGNMENT != 0) {
            json.append(' ');
        }
        return json.toString().getBytes(StandardCharsets.UTF_8);
    }

    private void fill(MemorySegment to, boolean ones, SplittableRandom random) {
        long fresh = Math.min(FRESH, to.byteSize());
        long count = fresh / type.bytes();
        for (long i = 0; i < count; i++) {
            float value = ones ? 1 : (random.nextInt() >> 8) * (LARGEST / (1 << 23));
            int bits = Float.floatToRawIntBits(value);
            if (type == ElementType.BF16) {
                to.setAtIndex(BF16, i, (short) (bits >>> 16));
            } else {
                to.setAtIndex(FLOAT, i, bits);
            }
        }
        for (long at = fresh; at < to.byteSize(); at += fresh) {
            MemorySegment.copy(to, 0, to, at, Math.min(fresh, to.byteSize() - at));
        }
    }
}

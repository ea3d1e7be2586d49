package lorikeet.runtime;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;

/** Writes safetensors files of small F32 tensors. */
public final class TensorFile {
    private final List<Entry> entries = new ArrayList<>();
    private final SplittableRandom random;

    @SuppressWarnings("ArrayRecordComponent") // Never compared.
    private record Entry(String name, int[] dims, float[] values) {}

    /** A file whose random numbers are those of the seed. */
    public TensorFile(long seed) {
        random = new SplittableRandom(seed);
    }

    /** Adds random numbers between -0.1 and 0.1. */
    public TensorFile random(String name, int... dims) {
        float[] data = new float[Arrays.stream(dims).reduce(1, Math::multiplyExact)];
        for (int i = 0; i < data.length; i++) {
            data[i] = (float) random.nextDouble(-0.1, 0.1);
        }
        entries.add(new Entry(name, dims, data));
        return this;
    }

    /** Adds the values of another tensor of this file under a new name. */
    public TensorFile copy(String from, String name) {
        Entry other = entries.stream()
                .filter(entry -> entry.name.equals(from))
                .findFirst()
                .orElseThrow();
        entries.add(new Entry(name, other.dims, other.values.clone()));
        return this;
    }

    /** Leaves a tensor out again. */
    public TensorFile without(String name) {
        if (!entries.removeIf(entry -> entry.name.equals(name))) {
            throw new IllegalArgumentException(name);
        }
        return this;
    }

    /** Writes the file; what was there is gone, also if somebody has it mapped. */
    public Path write(Path file) {
        StringBuilder header = new StringBuilder("{");
        int bytes = 0;
        for (Entry entry : entries) {
            int end = bytes + Float.BYTES * entry.values.length;
            header.append(header.length() > 1 ? "," : "")
                    .append("\"%s\":{\"dtype\":\"F32\",\"shape\":%s,\"data_offsets\":[%d,%d]}"
                            .formatted(entry.name, Arrays.toString(entry.dims), bytes, end));
            bytes = end;
        }
        byte[] head = header.append('}').toString().getBytes(StandardCharsets.UTF_8);
        ByteBuffer content =
                ByteBuffer.allocate(Long.BYTES + head.length + bytes).order(ByteOrder.LITTLE_ENDIAN);
        content.putLong(head.length).put(head);
        entries.forEach(entry -> {
            for (float value : entry.values) {
                content.putFloat(value);
            }
        });
        try {
            Files.createDirectories(file.toAbsolutePath().getParent());
            Files.deleteIfExists(file);
            return Files.write(file, content.array());
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}

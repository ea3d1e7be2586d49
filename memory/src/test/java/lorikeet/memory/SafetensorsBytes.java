package lorikeet.memory;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;

/** Writes safetensors files, sound ones and others. */
final class SafetensorsBytes {
    private final StringBuilder header = new StringBuilder("{");
    private long end;

    /** Adds a tensor of zeros behind the others. The name must need no escapes. */
    SafetensorsBytes tensor(String name, ElementType type, long... dims) {
        long begin = end;
        end += Shape.of(dims).elements() * type.bytes();
        separate();
        header.append(entry(name, type.name(), Arrays.toString(dims), "[" + begin + "," + end + "]"));
        return this;
    }

    SafetensorsBytes metadata(String json) {
        separate();
        header.append("\"__metadata__\":").append(json);
        return this;
    }

    byte[] bytes() {
        return of(header + "}", Math.toIntExact(end));
    }

    Path write(Path file) {
        return SafetensorsBytes.write(file, bytes());
    }

    static String entry(String name, String type, String shape, String offsets) {
        return "\"" + name + "\":{\"dtype\":\"" + type + "\",\"shape\":" + shape + ",\"data_offsets\":" + offsets + "}";
    }

    /** A file with this header and as many data bytes, which count up from 0 so that each tells its place. */
    static byte[] of(String header, int dataBytes) {
        return of(header.getBytes(StandardCharsets.UTF_8), dataBytes);
    }

    static byte[] of(byte[] header, int dataBytes) {
        ByteBuffer file = ByteBuffer.allocate(8 + header.length + dataBytes).order(ByteOrder.LITTLE_ENDIAN);
        file.putLong(header.length).put(header);
        for (int i = 0; i < dataBytes; i++) {
            file.put((byte) i);
        }
        return file.array();
    }

    static Path write(Path file, byte[] bytes) {
        try {
            // Not over the old content, which some file systems bring to the disk first.
            Files.deleteIfExists(file);
            return Files.write(file, bytes);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private void separate() {
        if (header.length() > 1) {
            header.append(',');
        }
    }
}

package lorikeet.memory;

import java.io.InputStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The JSON header of a safetensors file, in the order in which the file has it. Each entry is sound by itself; whether
 * they fit together and fit the file is {@link SafetensorsLayout}'s question.
 *
 * @param entries the tensors
 * @param metadata the free-form strings under {@code __metadata__}
 */
record SafetensorsHeader(List<Entry> entries, SequencedMap<String, String> metadata) {
    /** As many dimensions as PyTorch and NumPy can have. */
    private static final int MOST_DIMS = 64;

    /** One tensor; {@code begin} and {@code end} count bytes from the start of the data. */
    record Entry(String name, ElementType type, Shape shape, long begin, long end) {
        /** As the file has them, for messages. */
        String offsets() {
            return "data_offsets [" + begin + ", " + end + "]";
        }
    }

    /** Reads the header of {@code file} from {@code json}, to its last byte. */
    static SafetensorsHeader read(Path file, InputStream json) {
        try (StrictJson in = new StrictJson(file, "the header", json)) {
            List<Entry> entries = new ArrayList<>();
            Set<String> names = new HashSet<>();
            SequencedMap<String, String> metadata = new LinkedHashMap<>();
            in.startObject("the header");
            for (String key = in.key(); key != null; key = in.key()) {
                if (!names.add(key)) {
                    throw in.invalid("the header has the key " + Quoted.of(key) + " twice");
                }
                if (key.equals("__metadata__")) {
                    readMetadata(in, metadata);
                } else {
                    in.about(key);
                    entries.add(readEntry(in, key));
                    in.about(null);
                }
            }
            in.end();
            return new SafetensorsHeader(entries, Collections.unmodifiableSequencedMap(metadata));
        }
    }

    private static void readMetadata(StrictJson in, SequencedMap<String, String> metadata) {
        in.startObject("__metadata__");
        for (String key = in.key(); key != null; key = in.key()) {
            if (metadata.put(key, in.string("the value of __metadata__ key " + Quoted.of(key))) != null) {
                throw in.invalid("__metadata__ has the key " + Quoted.of(key) + " twice");
            }
        }
    }

    private static Entry readEntry(StrictJson in, String name) {
        ElementType type = null;
        Shape shape = null;
        long[] offsets = null;
        in.startObject("its entry in the header");
        for (String key = in.key(); key != null; key = in.key()) {
            boolean twice;
            switch (key) {
                case "dtype" -> {
                    twice = type != null;
                    type = readType(in);
                }
                case "shape" -> {
                    twice = shape != null;
                    shape = readShape(in);
                }
                case "data_offsets" -> {
                    twice = offsets != null;
                    offsets = readOffsets(in);
                }
                default ->
                    throw in.invalid("its entry in the header has the key " + Quoted.of(key)
                            + "; dtype, shape and data_offsets are accepted");
            }
            if (twice) {
                throw in.invalid("its entry in the header has the key " + key + " twice");
            }
        }
        if (type == null || shape == null || offsets == null) {
            throw in.invalid("its entry in the header lacks " + missing(type, shape));
        }
        Entry entry = new Entry(name, type, shape, offsets[0], offsets[1]);
        checkLength(in, entry);
        return entry;
    }

    private static String missing(@Nullable ElementType type, @Nullable Shape shape) {
        return type == null ? "dtype" : shape == null ? "shape" : "data_offsets";
    }

    private static ElementType readType(StrictJson in) {
        String dtype = in.string("dtype");
        Optional<ElementType> type = ElementType.named(dtype);
        return type.orElseThrow(() -> in.invalid("dtype is " + Quoted.of(dtype) + ", which is not supported; "
                + Arrays.toString(ElementType.values()) + " are"));
    }

    private static Shape readShape(StrictJson in) {
        long[] dims = readCounts(in, "shape", MOST_DIMS);
        try {
            return Shape.of(dims);
        } catch (ArithmeticException e) {
            throw in.invalid(
                    "shape " + Arrays.toString(dims) + " has more elements than 2^63 - 1; no file can hold them");
        }
    }

    private static long[] readOffsets(StrictJson in) {
        long[] offsets = readCounts(in, "data_offsets", 2);
        if (offsets.length != 2 || offsets[0] > offsets[1]) {
            throw in.invalid(
                    "data_offsets is " + Arrays.toString(offsets) + "; [begin, end] with begin <= end is needed");
        }
        return offsets;
    }

    private static long[] readCounts(StrictJson in, String role, int most) {
        in.startArray(role);
        long[] counts = new long[most];
        int n = 0;
        for (long count = in.count(role); count >= 0; count = in.count(role)) {
            if (n == most) {
                throw in.invalid(role + " has more than " + most + " numbers; at most " + most + " are accepted");
            }
            counts[n++] = count;
        }
        return Arrays.copyOf(counts, n);
    }

    private static void checkLength(StrictJson in, Entry entry) {
        long length = entry.end() - entry.begin();
        long bytes;
        try {
            bytes = Math.multiplyExact(entry.shape().elements(), entry.type().bytes());
        } catch (ArithmeticException e) {
            bytes = -1;
        }
        if (bytes != length) {
            throw in.invalid(entry.offsets() + " span " + length + " bytes, but shape " + entry.shape() + " of "
                    + entry.type() + " takes " + (bytes < 0 ? "more than 2^63 - 1" : bytes));
        }
    }
}

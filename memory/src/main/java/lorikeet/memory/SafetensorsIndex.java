package lorikeet.memory;

import java.io.InputStream;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.SequencedMap;

/** The index of a sharded checkpoint: a JSON file whose {@code weight_map} says which file holds which tensor. */
final class SafetensorsIndex {
    /** The limit that the format sets to the header of one file. */
    private static final long LONGEST = 100_000_000;

    private static final String MAP = "weight_map";

    private SafetensorsIndex() {}

    /** The file name of each tensor's shard, in the order of the index. Every name is that of a file beside the index. */
    static SequencedMap<String, String> read(Path path) {
        try (RegularFile file = RegularFile.open(path)) {
            if (file.size() > LONGEST) {
                throw new InvalidFileException(
                        path, "has " + file.size() + " bytes; an index of up to " + LONGEST + " is accepted");
            }
            return read(path, file.input(0, file.size()));
        }
    }

    private static SequencedMap<String, String> read(Path path, InputStream json) {
        try (StrictJson in = new StrictJson(path, "the index", json)) {
            SequencedMap<String, String> shards = null;
            in.startObject("the index");
            for (String key = in.key(); key != null; key = in.key()) {
                if (!key.equals(MAP)) {
                    in.skip();
                } else if (shards != null) {
                    throw in.invalid("the index has the key weight_map twice");
                } else {
                    shards = readMap(in);
                }
            }
            in.end();
            if (shards == null || shards.isEmpty()) {
                throw in.invalid("the index has no weight_map with the tensors' files");
            }
            return shards;
        }
    }

    private static SequencedMap<String, String> readMap(StrictJson in) {
        SequencedMap<String, String> shards = new LinkedHashMap<>();
        in.startObject(MAP);
        for (String tensor = in.key(); tensor != null; tensor = in.key()) {
            in.about(tensor);
            String shard = in.string("its file in weight_map");
            if (!isPlainName(shard)) {
                throw in.invalid("its file in weight_map is " + Quoted.of(shard)
                        + "; the name of a .safetensors file in the same folder is accepted");
            }
            if (shards.put(tensor, shard) != null) {
                throw in.invalid("weight_map has it twice");
            }
            in.about(null);
        }
        return shards;
    }

    private static boolean isPlainName(String name) {
        return name.endsWith(".safetensors")
                && name.chars().noneMatch(c -> c == '/' || c == '\\' || c == ':' || Character.isISOControl(c));
    }
}

package lorikeet.memory;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.function.Consumer;

/**
 * The tensors of a folder in the Hugging Face layout: in one file ({@code model.safetensors}), or in several shards
 * behind an index ({@code model.safetensors.index.json}).
 *
 * <p>Where both exist the single file counts, as it does for Transformers. Of a sharded folder, exactly the tensors that
 * the index names are visible. Shards must lie in the folder itself (as files or symbolic links), and each must hold
 * what the index says it does. Pickle files are never opened, because reading them runs code that they contain.
 *
 * <p>Ownership: all mappings belong to the arena that the folder was opened in; see {@link MappedFile}. Immutable and
 * safe for use by several threads.
 */
public final class SafetensorsFolder {
    private final Path path;
    private final List<Safetensors> files;
    private final SequencedMap<String, Tensor> tensors;

    private SafetensorsFolder(Path path, List<Safetensors> files, SequencedMap<String, Tensor> tensors) {
        this.path = path;
        this.files = List.copyOf(files);
        this.tensors = Collections.unmodifiableSequencedMap(tensors);
    }

    /**
     * Opens a folder. Only headers are read; no tensor data is touched.
     *
     * @param stem what the files' names start with: {@code model} for a checkpoint, {@code adapter_model} for an adapter
     *     of PEFT's
     * @param arena owns the mappings; if the folder is refused, its files may stay mapped until the arena closes
     * @throws InvalidFileException if there is no such file, or one of the files is refused
     */
    public static SafetensorsFolder open(Path folder, String stem, Arena arena) {
        return open(folder, stem, arena, mapped -> {});
    }

    /**
     * Opens a folder for somebody who has something to do with the mappings while the headers are read and checked.
     *
     * @param early receives each file, mapped whole and read-only, before its header is read; the file, or another, may be
     *     refused later
     * @throws InvalidFileException as {@link #open(Path, String, Arena)}
     */
    public static SafetensorsFolder open(Path folder, String stem, Arena arena, Consumer<MemorySegment> early) {
        Path single = folder.resolve(stem + ".safetensors");
        if (isThere(single)) {
            Safetensors file = Safetensors.open(single, arena, early);
            return new SafetensorsFolder(folder, List.of(file), file.tensors());
        }
        Path index = folder.resolve(stem + ".safetensors.index.json");
        if (isThere(index)) {
            return openShards(folder, index, arena, early);
        }
        throw nothingToOpen(folder, single.getFileName() + " or " + index.getFileName());
    }

    private static SafetensorsFolder openShards(Path folder, Path index, Arena arena, Consumer<MemorySegment> early) {
        SequencedMap<String, Safetensors> shards = new LinkedHashMap<>();
        SequencedMap<String, Tensor> tensors = new LinkedHashMap<>();
        for (Map.Entry<String, String> entry : SafetensorsIndex.read(index).entrySet()) {
            String name = entry.getKey();
            Safetensors shard = shards.get(entry.getValue());
            if (shard == null) {
                shard = openShard(folder, index, name, entry.getValue(), arena, early);
                shards.put(entry.getValue(), shard);
            }
            Path file = shard.path();
            tensors.put(
                    name,
                    shard.tensor(name)
                            .orElseThrow(() -> InvalidFileException.inTensor(
                                    file, name, "is not in this file, where " + index.getFileName() + " places it")));
        }
        return new SafetensorsFolder(folder, List.copyOf(shards.values()), tensors);
    }

    private static Safetensors openShard(
            Path folder, Path index, String tensor, String shard, Arena arena, Consumer<MemorySegment> early) {
        try {
            Path file = folder.resolve(shard);
            if (isThere(file)) {
                return Safetensors.open(file, arena, early);
            }
        } catch (InvalidPathException e) {
            // No file of this system can have that name, so it is missing.
        }
        throw InvalidFileException.inTensor(
                index, tensor, "its file " + Quoted.of(shard) + " is missing; every shard must be in the folder");
    }

    /** A dangling link is there too: it shall be reported, not passed over. */
    private static boolean isThere(Path file) {
        return Files.exists(file, LinkOption.NOFOLLOW_LINKS);
    }

    private static InvalidFileException nothingToOpen(Path folder, String wanted) {
        List<String> pickles;
        List<String> others;
        try {
            pickles = names(folder, "*.{bin,pt,pth,ckpt,pkl}");
            others = names(folder, "*.safetensors");
        } catch (IOException e) {
            return InvalidFileException.unreadable(folder, e);
        }
        if (!others.isEmpty()) {
            return new InvalidFileException(folder, "holds " + others + ", but not " + wanted);
        }
        if (pickles.isEmpty()) {
            return new InvalidFileException(folder, "holds no weights; " + wanted + " is needed");
        }
        return new InvalidFileException(
                folder,
                "holds weights only as pickle files " + pickles + ", which are refused because unpickling runs code;"
                        + " convert them to safetensors, so that there is " + wanted);
    }

    private static List<String> names(Path folder, String pattern) throws IOException {
        List<String> names = new ArrayList<>();
        try (DirectoryStream<Path> children = Files.newDirectoryStream(folder, pattern)) {
            children.forEach(child -> names.add(String.valueOf(child.getFileName())));
        }
        Collections.sort(names);
        return names;
    }

    /** The folder. */
    public Path path() {
        return path;
    }

    /** The files that are mapped: one, or the shards in the order in which the index first names them. */
    public List<Safetensors> files() {
        return files;
    }

    /** All tensors by name: in the order of the single file's bytes, or in that of the index. */
    public SequencedMap<String, Tensor> tensors() {
        return tensors;
    }

    /** The tensor with this name, if there is one. */
    public Optional<Tensor> tensor(String name) {
        return Optional.ofNullable(tensors.get(name));
    }

    /**
     * Checks that none of the files has become shorter since it was opened; see {@link MappedFile#checkIntact}.
     *
     * @throws TruncatedFileException if one has
     */
    public void checkIntact() {
        files.forEach(Safetensors::checkIntact);
    }

    /**
     * Checks that nobody has written to any of the files since it was opened; see {@link MappedFile#checkUnchanged}.
     *
     * @throws InvalidFileException if somebody has
     */
    public void checkUnchanged() {
        files.forEach(Safetensors::checkUnchanged);
    }
}

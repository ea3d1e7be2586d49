package lorikeet.memory;

import java.io.IOException;
import java.io.InputStream;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Optional;
import java.util.SequencedMap;
import java.util.function.Consumer;

/**
 * A safetensors file, mapped, with its tensors as views of the mapping.
 *
 * <p>The file is taken for hostile: everything its header says is checked before there is a tensor, and no tensor can
 * reach outside the file. What the elements are is not checked. The format, and the checks that readers owe it, are
 * described at <a href="https://github.com/huggingface/safetensors#format">github.com/huggingface/safetensors</a>: 8
 * bytes with the little-endian length of the header, the header in JSON, the tensors' bytes without gaps. Beyond its
 * rules, a tensor's entry with an unknown key is refused, because it may change what the tensor means.
 *
 * <p>Ownership: the mapping belongs to the arena that the file was opened in; see {@link MappedFile}. Immutable and safe
 * for use by several threads.
 */
public final class Safetensors {
    private static final int LENGTH_BYTES = Long.BYTES;

    /** The format's own limit. */
    private static final long LONGEST_HEADER = 100_000_000;

    private final MappedFile file;
    private final SequencedMap<String, Tensor> tensors;
    private final SequencedMap<String, String> metadata;

    private Safetensors(MappedFile file, SequencedMap<String, Tensor> tensors, SequencedMap<String, String> metadata) {
        this.file = file;
        this.tensors = tensors;
        this.metadata = metadata;
    }

    /**
     * Opens a file. Only its header is read; no tensor data is touched.
     *
     * @param arena owns the mapping, also if the file is refused
     * @throws InvalidFileException if the file can't be read or breaks a rule of the format
     */
    public static Safetensors open(Path path, Arena arena) {
        return open(path, arena, mapped -> {});
    }

    /**
     * The same for somebody who wants the mapping before the header has been read.
     *
     * @param early receives the whole file, mapped, which may be refused later
     */
    static Safetensors open(Path path, Arena arena, Consumer<MemorySegment> early) {
        try (RegularFile file = RegularFile.open(path)) {
            long dataStart = LENGTH_BYTES + headerLength(file);
            MappedFile mapped = MappedFile.map(file, arena);
            early.accept(mapped.segment());
            SafetensorsHeader header = SafetensorsHeader.read(path, file.input(LENGTH_BYTES, dataStart));
            List<SafetensorsHeader.Entry> entries =
                    SafetensorsLayout.inOrder(path, header.entries(), file.size() - dataStart);
            MemorySegment data = mapped.segment().asSlice(dataStart);
            SequencedMap<String, Tensor> tensors = LinkedHashMap.newLinkedHashMap(entries.size());
            for (SafetensorsHeader.Entry entry : entries) {
                MemorySegment slice = data.asSlice(entry.begin(), entry.end() - entry.begin());
                tensors.put(entry.name(), new Tensor(path, entry.name(), entry.type(), entry.shape(), slice));
            }
            return new Safetensors(mapped, Collections.unmodifiableSequencedMap(tensors), header.metadata());
        }
    }

    private static long headerLength(RegularFile file) {
        if (file.size() == 0) {
            throw new InvalidFileException(file.path(), "is empty; a safetensors file is needed");
        }
        if (file.size() < LENGTH_BYTES) {
            throw new InvalidFileException(
                    file.path(),
                    "has " + file.size() + " bytes; a safetensors file starts with the 8 of its header's length");
        }
        long length = ByteBuffer.wrap(read(file, 0, LENGTH_BYTES))
                .order(ByteOrder.LITTLE_ENDIAN)
                .getLong();
        long room = Math.min(LONGEST_HEADER, file.size() - LENGTH_BYTES);
        if (length < 0 || length > room) {
            throw new InvalidFileException(
                    file.path(),
                    "says that its header takes " + Long.toUnsignedString(length) + " bytes; in a safetensors file of "
                            + file.size() + " bytes, at most " + room + " are accepted");
        }
        if (length == 0 || read(file, LENGTH_BYTES, LENGTH_BYTES + 1)[0] != '{') {
            throw new InvalidFileException(
                    file.path(), "has no header that starts with '{', so it is not a safetensors file");
        }
        return length;
    }

    private static byte[] read(RegularFile file, long from, long to) {
        try (InputStream in = file.input(from, to)) {
            return in.readAllBytes();
        } catch (IOException e) {
            throw InvalidFileException.unreadable(file.path(), e);
        }
    }

    /** The path that the file was opened with. */
    public Path path() {
        return file.path();
    }

    /** The whole file, mapped, read-only. */
    public MemorySegment mapped() {
        return file.segment();
    }

    /** The file's size in bytes. */
    public long size() {
        return file.size();
    }

    /** All tensors by name, in the order of their bytes in the file. */
    public SequencedMap<String, Tensor> tensors() {
        return tensors;
    }

    /** The tensor with this name, if the file has one. */
    public Optional<Tensor> tensor(String name) {
        return Optional.ofNullable(tensors.get(name));
    }

    /** The strings that the file's writer left under {@code __metadata__}; empty if there are none. */
    public SequencedMap<String, String> metadata() {
        return metadata;
    }

    /**
     * Checks that the file has not become shorter since it was opened; see {@link MappedFile#checkIntact}.
     *
     * @throws TruncatedFileException if it has
     */
    public void checkIntact() {
        file.checkIntact();
    }

    /**
     * Checks that nobody has written to the file since it was opened; see {@link MappedFile#checkUnchanged}.
     *
     * @throws InvalidFileException if somebody has
     */
    public void checkUnchanged() {
        file.checkUnchanged();
    }
}

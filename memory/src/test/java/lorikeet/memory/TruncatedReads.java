package lorikeet.memory;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.channels.SeekableByteChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.function.ToLongFunction;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.VectorSpecies;

/**
 * A program that shortens a file which it has mapped, and reads on. Prints a line for each way of reading; a JVM that
 * crashes prints none.
 */
final class TruncatedReads {
    private static final VectorSpecies<Byte> BYTES = ByteVector.SPECIES_PREFERRED;
    private static final int SIZE = 16 * 4096;

    private TruncatedReads() {}

    /** The arguments: a file to write and shorten, the number of reads before that, the way of reading. */
    public static void main(String[] args) throws IOException {
        ToLongFunction<MemorySegment> way = switch (args[2]) {
            case "scalars" -> TruncatedReads::scalars;
            case "floats" -> TruncatedReads::floats;
            case "vectors" -> TruncatedReads::vectors;
            default -> throw new IllegalArgumentException(args[2]);
        };
        Path path = Path.of(args[0]);
        Files.write(path, new byte[SIZE]);
        try (Arena arena = Arena.ofShared()) {
            MappedFile file = MappedFile.open(path, arena);
            long sum = 0;
            for (int i = Integer.parseInt(args[1]); i > 0; i--) {
                sum += way.applyAsLong(file.segment());
            }
            try (SeekableByteChannel channel = Files.newByteChannel(path, StandardOpenOption.WRITE)) {
                channel.truncate(5000);
            }
            System.out.println(afterwards(way, file, sum));
        }
    }

    private static String afterwards(ToLongFunction<MemorySegment> way, MappedFile file, long sum) {
        try {
            return "read " + (sum + way.applyAsLong(file.segment()));
        } catch (InternalError fault) {
            try {
                file.checkIntact();
                return "counts as intact";
            } catch (TruncatedFileException e) {
                return String.valueOf(e.getMessage());
            }
        }
    }

    private static long scalars(MemorySegment segment) {
        long sum = 0;
        for (long i = 0; i < segment.byteSize(); i++) {
            long value = segment.get(ValueLayout.JAVA_BYTE, i);
            sum += value;
        }
        return sum;
    }

    private static long floats(MemorySegment segment) {
        float[] target = new float[SIZE / 4];
        Floats.copy(new Matrix(segment, ElementType.F32, 1, SIZE / 4), MemorySegment.ofArray(target));
        return (long) target[SIZE / 8];
    }

    /** The scalar read is what makes the JVM turn the fault of a vector load in the same method into an error. */
    private static long vectors(MemorySegment segment) {
        ByteVector sum = ByteVector.zero(BYTES);
        for (long i = 0; i < segment.byteSize(); i += BYTES.length()) {
            sum = sum.add(ByteVector.fromMemorySegment(BYTES, segment, i, ByteOrder.LITTLE_ENDIAN));
        }
        return (long) sum.lane(0) + segment.get(ValueLayout.JAVA_BYTE, 0);
    }
}

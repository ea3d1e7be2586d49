package lorikeet.jmh;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Threads;
import org.openjdk.jmh.infra.ThreadParams;

/**
 * How fast this machine reads memory that does not fit in its caches: the limit of every operation that streams weights.
 *
 * <p>One operation reads 10<sup>9</sup> bytes, so that operations per second are GB/s. Threads read the same bytes, each
 * from a place of its own on.
 */
@BenchmarkMode(Mode.Throughput)
@OutputTimeUnit(TimeUnit.SECONDS)
public class ReadBandwidth {
    private static final long BYTES = 1_000_000_000;

    /** The bytes that all threads read. */
    @State(Scope.Benchmark)
    public static class Data {
        /** What is done with them. */
        @Param
        StreamingRead as = StreamingRead.PLAIN;

        private final Arena arena = Arena.ofShared();
        private final MemorySegment bytes = arena.allocate(BYTES, StreamingRead.BLOCK);

        /** Writes ones, in either type of number: pages never written to would all be one page of zeros. */
        @Setup
        public void fill() {
            for (long at = 0; at < BYTES; at += Integer.BYTES) {
                bytes.set(ValueLayout.JAVA_INT, at, 0x3F803F80);
            }
        }

        /** Gives the memory back. */
        @TearDown
        public void close() {
            arena.close();
        }
    }

    /** Where a thread starts. */
    @State(Scope.Thread)
    public static class Place {
        private long start;

        /** Spreads the threads evenly. */
        @Setup
        public void choose(ThreadParams threads) {
            long blocks = BYTES / StreamingRead.BLOCK;
            start = blocks * threads.getThreadIndex() / threads.getThreadCount() * StreamingRead.BLOCK;
        }
    }

    /** One thread alone. */
    @Benchmark
    @Threads(1)
    public float oneThread(Data data, Place place) {
        return read(data, place);
    }

    /** As many threads as the machine has processors. */
    @Benchmark
    @Threads(Threads.MAX)
    public float allThreads(Data data, Place place) {
        return read(data, place);
    }

    private static float read(Data data, Place place) {
        return data.as.read(data.bytes, place.start, BYTES) + data.as.read(data.bytes, 0, place.start);
    }
}

package lorikeet.bindings;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;

/**
 * Launches of one kernel, prepared once and fired many times: the pattern of every call on the hot path. The native
 * argument block and the array of pointers into it, which cuLaunchKernel takes, are made in the constructor; a launch
 * writes primitives into them and passes segments that exist already, so it allocates nothing and boxes nothing. The
 * driver copies the arguments during the call: they may be set anew as soon as {@link #launch} has returned.
 *
 * <p>For one thread at a time. The arena given by the maker owns the native memory.
 */
public final class KernelLaunch {
    // CUlaunchConfig and CUlaunchAttribute, as in cuda.h; a test holds them to the generated layouts.
    static final long CONFIG_BYTES = 56;
    static final long CONFIG_STREAM = 32;
    static final long CONFIG_ATTRIBUTES = 40;
    static final long CONFIG_ATTRIBUTE_COUNT = 48;
    static final long ATTRIBUTE_BYTES = 72;
    static final long ATTRIBUTE_VALUE = 8;
    static final int CLUSTER_DIMENSION = 4;
    static final int PROGRAMMATIC_STREAM_SERIALIZATION = 6;
    private static final int MOST_ATTRIBUTES = 2;

    private final DriverCalls driver;
    private final CudaStatus status;
    private final String operation;
    private final MemorySegment function;
    private final MemorySegment[] arguments;
    private final MemorySegment pointers;

    /** A CUlaunchConfig, and the attributes that it points to: those that were asked for, in that order. */
    private final MemorySegment config;

    private final MemorySegment attributes;
    private int attributeCount;
    private long clusterSize = -1;

    private int gridX = 1;
    private int gridY = 1;
    private int gridZ = 1;
    private int blockX = 1;
    private int blockY = 1;
    private int blockZ = 1;
    private int sharedBytes;

    KernelLaunch(
            DriverCalls driver,
            CudaStatus status,
            Arena arena,
            String name,
            MemorySegment function,
            MemoryLayout... parameters) {
        this.driver = driver;
        this.status = status;
        this.operation = "cuLaunchKernel of " + name;
        this.function = function;
        this.arguments = new MemorySegment[parameters.length];
        this.pointers = arena.allocate(ADDRESS, parameters.length);
        for (int i = 0; i < parameters.length; i++) {
            arguments[i] = arena.allocate(parameters[i]);
            pointers.setAtIndex(ADDRESS, i, arguments[i]);
        }
        attributes = arena.allocate(MOST_ATTRIBUTES * ATTRIBUTE_BYTES, Long.BYTES);
        config = arena.allocate(CONFIG_BYTES, Long.BYTES);
        config.set(ADDRESS, CONFIG_ATTRIBUTES, attributes);
    }

    /**
     * Lets the kernel start before the one before it in the stream has ended; the kernel itself waits for that one's
     * results (programmatic dependent launch). For kernels that are written for it; asked for once.
     */
    public KernelLaunch startEarly() {
        attributes.set(JAVA_INT, attribute(PROGRAMMATIC_STREAM_SERIALIZATION), 1);
        return this;
    }

    /** Runs neighbouring blocks in clusters of {@code blocks}; may be changed later, not undone. */
    public KernelLaunch cluster(int blocks) {
        if (clusterSize < 0) {
            clusterSize = attribute(CLUSTER_DIMENSION);
            attributes.set(JAVA_INT, clusterSize + 4, 1);
            attributes.set(JAVA_INT, clusterSize + 8, 1);
        }
        attributes.set(JAVA_INT, clusterSize, blocks);
        return this;
    }

    /** Adds an attribute and returns where its value goes. */
    private long attribute(int id) {
        long at = attributeCount * ATTRIBUTE_BYTES;
        attributes.set(JAVA_INT, at, id);
        config.set(JAVA_INT, CONFIG_ATTRIBUTE_COUNT, ++attributeCount);
        return at + ATTRIBUTE_VALUE;
    }

    /** Sets a parameter of 4 bytes. */
    public KernelLaunch set(int parameter, int value) {
        sized(parameter, Integer.BYTES).set(JAVA_INT, 0, value);
        return this;
    }

    /** Sets a parameter of 8 bytes, such as a device address. */
    public KernelLaunch set(int parameter, long value) {
        sized(parameter, Long.BYTES).set(JAVA_LONG, 0, value);
        return this;
    }

    /** Sets a parameter of type float. */
    public KernelLaunch set(int parameter, float value) {
        sized(parameter, Float.BYTES).set(JAVA_FLOAT, 0, value);
        return this;
    }

    /** The bytes of a parameter, to be written in place: for structs and for types that have no setter here. */
    public MemorySegment argument(int parameter) {
        return arguments[parameter];
    }

    /** Sets the number of thread blocks in each direction. */
    public KernelLaunch grid(int x, int y, int z) {
        gridX = x;
        gridY = y;
        gridZ = z;
        return this;
    }

    /** Sets the number of threads of a block in each direction, and the dynamic shared memory of a block in bytes. */
    public KernelLaunch block(int x, int y, int z, int dynamicSharedBytes) {
        blockX = x;
        blockY = y;
        blockZ = z;
        sharedBytes = dynamicSharedBytes;
        return this;
    }

    /**
     * Puts the kernel, with the arguments and shape as they are now, into a stream.
     *
     * @param stream the driver's CUstream
     * @throws CudaException if the driver refuses the launch
     */
    public void launch(MemorySegment stream) {
        if (attributeCount > 0) {
            launchWithAttributes(stream);
            return;
        }
        status.check(
                driver.launchKernel(
                        function, gridX, gridY, gridZ, blockX, blockY, blockZ, sharedBytes, stream, pointers),
                operation);
    }

    private void launchWithAttributes(MemorySegment stream) {
        config.set(JAVA_INT, 0, gridX);
        config.set(JAVA_INT, 4, gridY);
        config.set(JAVA_INT, 8, gridZ);
        config.set(JAVA_INT, 12, blockX);
        config.set(JAVA_INT, 16, blockY);
        config.set(JAVA_INT, 20, blockZ);
        config.set(JAVA_INT, 24, sharedBytes);
        config.set(ADDRESS, CONFIG_STREAM, stream);
        status.check(driver.launchKernelEx(config, function, pointers), operation);
    }

    private MemorySegment sized(int parameter, int bytes) {
        MemorySegment argument = arguments[parameter];
        if (argument.byteSize() != bytes) {
            throw wrongSize(parameter, argument.byteSize(), bytes);
        }
        return argument;
    }

    private IllegalArgumentException wrongSize(int parameter, long expected, int given) {
        return new IllegalArgumentException(operation + ": parameter " + parameter + " has " + expected
                + " bytes, a value of " + given + " was given");
    }
}

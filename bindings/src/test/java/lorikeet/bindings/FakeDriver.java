package lorikeet.bindings;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A driver with devices of our choosing, which fails where it is told to. */
final class FakeDriver implements DriverCalls {
    record Gpu(String name, long bytes, int major, int minor) {}

    static final FoundLibrary LIBRARY =
            new FoundLibrary(CudaDriver.library(), Path.of("/fake/libcuda.so.1"), "a test", 0);

    /** Added to an ordinal to make a device handle, so that one can't be taken for the other. */
    static final int HANDLE_BASE = 40;

    static final int MULTIPROCESSORS = 132;
    static final int SHARED_BYTES = 232_448;

    final List<String> called = new ArrayList<>();

    /** What launchKernel answers, and what it was given last; it allocates nothing. */
    int launchStatus;

    MemorySegment launchedFunction = MemorySegment.NULL;
    final int[] launchedShape = new int[7];
    MemorySegment launchedStream = MemorySegment.NULL;
    MemorySegment launchedPointers = MemorySegment.NULL;
    MemorySegment launchedConfig = MemorySegment.NULL;

    private final int version;
    private final List<Gpu> gpus;
    private final Map<String, Integer> failures = new HashMap<>();
    private final Map<Integer, MemorySegment> names = new HashMap<>();
    private final Map<Integer, MemorySegment> texts = new HashMap<>();

    FakeDriver(int version, Gpu... gpus) {
        this.version = version;
        this.gpus = List.of(gpus);
        describe(1, "CUDA_ERROR_INVALID_VALUE", "invalid argument");
        describe(2, "CUDA_ERROR_OUT_OF_MEMORY", "out of memory");
        describe(100, "CUDA_ERROR_NO_DEVICE", "no CUDA-capable device is detected");
        describe(600, "CUDA_ERROR_NOT_READY", "device not ready");
    }

    private void describe(int status, String name, String text) {
        names.put(status, Arena.ofAuto().allocateFrom(name));
        texts.put(status, Arena.ofAuto().allocateFrom(text));
    }

    FakeDriver failing(String call, int status) {
        failures.put(call, status);
        return this;
    }

    private int answer(String call) {
        called.add(call);
        return failures.getOrDefault(call, 0);
    }

    @Override
    public int init(int flags) {
        return answer("cuInit");
    }

    @Override
    public int driverGetVersion(MemorySegment out) {
        out.set(JAVA_INT, 0, version);
        return answer("cuDriverGetVersion");
    }

    @Override
    public int getErrorName(int status, MemorySegment name) {
        return point(names.get(status), name);
    }

    @Override
    public int getErrorString(int status, MemorySegment text) {
        return point(texts.get(status), text);
    }

    private static int point(@Nullable MemorySegment from, MemorySegment to) {
        if (from == null) {
            to.set(ADDRESS, 0, MemorySegment.NULL);
            return 1;
        }
        to.set(ADDRESS, 0, from);
        return 0;
    }

    @Override
    public int deviceGetCount(MemorySegment count) {
        count.set(JAVA_INT, 0, gpus.size());
        return answer("cuDeviceGetCount");
    }

    @Override
    public int deviceGet(MemorySegment device, int ordinal) {
        device.set(JAVA_INT, 0, HANDLE_BASE + ordinal);
        return answer("cuDeviceGet");
    }

    @Override
    public int deviceGetName(MemorySegment name, int length, int device) {
        MemorySegment.copy(
                name(device), 0, name, 0, Math.min(length, name(device).byteSize()));
        return answer("cuDeviceGetName");
    }

    private MemorySegment name(int device) {
        return Arena.ofAuto().allocateFrom(gpu(device).name());
    }

    @Override
    public int deviceTotalMem(MemorySegment bytes, int device) {
        bytes.set(JAVA_LONG, 0, gpu(device).bytes());
        return answer("cuDeviceTotalMem");
    }

    @Override
    public int deviceGetAttribute(MemorySegment value, int attribute, int device) {
        value.set(
                JAVA_INT,
                0,
                switch (attribute) {
                    case CudaDriver.COMPUTE_CAPABILITY_MAJOR -> gpu(device).major();
                    case CudaDriver.COMPUTE_CAPABILITY_MINOR -> gpu(device).minor();
                    case CudaDriver.MULTIPROCESSORS -> MULTIPROCESSORS;
                    case CudaDriver.SHARED_BYTES_OPTIN -> SHARED_BYTES;
                    default -> throw new IllegalArgumentException("attribute " + attribute);
                });
        return answer("cuDeviceGetAttribute");
    }

    private Gpu gpu(int device) {
        return gpus.get(device - HANDLE_BASE);
    }

    @Override
    public int launchKernel(
            MemorySegment function,
            int gridX,
            int gridY,
            int gridZ,
            int blockX,
            int blockY,
            int blockZ,
            int sharedBytes,
            MemorySegment stream,
            MemorySegment parameters) {
        launchedFunction = function;
        launchedShape[0] = gridX;
        launchedShape[1] = gridY;
        launchedShape[2] = gridZ;
        launchedShape[3] = blockX;
        launchedShape[4] = blockY;
        launchedShape[5] = blockZ;
        launchedShape[6] = sharedBytes;
        launchedStream = stream;
        launchedPointers = parameters;
        return launchStatus;
    }

    @Override
    public int launchKernelEx(MemorySegment config, MemorySegment function, MemorySegment parameters) {
        launchedFunction = function;
        launchedConfig = config;
        launchedPointers = parameters;
        return launchStatus;
    }
}

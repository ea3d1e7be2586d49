package lorikeet.bindings;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/**
 * The CUDA driver, found, loaded and started. It is had from {@link #probe()}, which is safe on every machine: the
 * generated classes are first touched once the library is there. Thread-safe.
 */
public final class CudaDriver {
    /** The oldest CUDA that a driver must support: the one whose headers the bindings are made from. */
    static final CudaVersion OLDEST = new CudaVersion(13, 0);

    // CUdevice_attribute, as in cuda.h; see CudaStatus for why they are written out.
    static final int COMPUTE_CAPABILITY_MAJOR = 75;
    static final int COMPUTE_CAPABILITY_MINOR = 76;

    static final int MULTIPROCESSORS = 16;
    static final int SHARED_BYTES_OPTIN = 97;

    private static final int NAME_BYTES = 256;

    private final DriverCalls calls;
    private final CudaStatus status;

    CudaDriver(DriverCalls calls) {
        this.calls = calls;
        this.status = new CudaStatus(calls);
    }

    /** The driver's library, to be looked for in the usual places of this machine. */
    public static NativeLibrary library() {
        return new NativeLibrary(
                "CUDA driver",
                List.of("libcuda.so.1", "libcuda.so"),
                "cuInit",
                "lorikeet.cuda.driver",
                "an NVIDIA driver for CUDA " + OLDEST + " or newer (on Linux, version 580 or newer)",
                CudaFolders.usual(
                        System.getProperty("os.arch", ""), System.getProperty("user.home", ""), System.getenv()));
    }

    /** Looks for a driver and its devices, steered by this process's system properties. */
    public static CudaProbe probe() {
        return probe(LibrarySearch.ofThisProcess(), library());
    }

    static CudaProbe probe(LibrarySearch search, NativeLibrary library) {
        FoundLibrary found;
        try {
            found = search.find(library);
        } catch (LibraryNotFoundException e) {
            return new CudaProbe.Absent(e.summary(), String.valueOf(e.getMessage()));
        } catch (IllegalCallerException e) {
            return absent("Java is not allowed to call native code; start it with --enable-native-access="
                    + "lorikeet.bindings (on the class path: ALL-UNNAMED)");
        }
        try {
            NativeLibraries.load(found);
            return probe(found, new LoadedDriverCalls());
        } catch (IllegalStateException e) {
            return absent(String.valueOf(e.getMessage()));
        } catch (UnsatisfiedLinkError e) {
            return absent("the CUDA driver " + found.file() + " lacks a function: " + e.getMessage());
        }
    }

    static CudaProbe probe(FoundLibrary library, DriverCalls calls) {
        CudaDriver driver = new CudaDriver(calls);
        try (Arena arena = Arena.ofConfined()) {
            // The version is known before the driver is started, and an old driver may not start at all.
            CudaVersion version = driver.version(arena);
            if (version.compareTo(OLDEST) < 0) {
                return new CudaProbe.TooOld(library, version, OLDEST);
            }
            driver.status.check(calls.init(0), "cuInit");
            List<CudaDevice> devices = driver.devices(arena);
            return devices.isEmpty()
                    ? absent("the CUDA driver " + library.file() + " has no device")
                    : new CudaProbe.Available(driver, library, version, devices);
        } catch (CudaException e) {
            return absent("the CUDA driver " + library.file() + " is not usable: " + e.getMessage());
        }
    }

    /** Checks what calls of this driver return. */
    public CudaStatus status() {
        return status;
    }

    /** Opens a device. The caller closes the context. */
    public CudaContext open(CudaDevice device) {
        return new CudaContext(calls, new LoadedDeviceCalls(), device);
    }

    /**
     * Prepares launches of one kernel.
     *
     * @param arena lives at least as long as the launches are used
     * @param name the kernel's name, for messages
     * @param function the driver's CUfunction, or a CUkernel
     * @param parameters the layouts of the kernel's parameters, in order
     */
    public KernelLaunch kernelLaunch(Arena arena, String name, MemorySegment function, MemoryLayout... parameters) {
        return new KernelLaunch(calls, status, arena, name, function, parameters);
    }

    private static CudaProbe absent(String reason) {
        return new CudaProbe.Absent(reason, reason);
    }

    private CudaVersion version(Arena arena) {
        MemorySegment number = arena.allocate(JAVA_INT);
        status.check(calls.driverGetVersion(number), "cuDriverGetVersion");
        return CudaVersion.of(number.get(JAVA_INT, 0));
    }

    private List<CudaDevice> devices(Arena arena) {
        MemorySegment number = arena.allocate(JAVA_INT);
        MemorySegment bytes = arena.allocate(JAVA_LONG);
        MemorySegment name = arena.allocate(NAME_BYTES);
        status.check(calls.deviceGetCount(number), "cuDeviceGetCount");
        int count = number.get(JAVA_INT, 0);
        List<CudaDevice> devices = new ArrayList<>(count);
        for (int ordinal = 0; ordinal < count; ordinal++) {
            status.check(calls.deviceGet(number, ordinal), "cuDeviceGet");
            int device = number.get(JAVA_INT, 0);
            status.check(calls.deviceGetName(name, NAME_BYTES, device), "cuDeviceGetName");
            status.check(calls.deviceTotalMem(bytes, device), "cuDeviceTotalMem");
            name.set(JAVA_BYTE, NAME_BYTES - 1, (byte) 0);
            devices.add(new CudaDevice(
                    ordinal,
                    device,
                    name.getString(0),
                    bytes.get(JAVA_LONG, 0),
                    new ComputeCapability(
                            attribute(number, COMPUTE_CAPABILITY_MAJOR, device),
                            attribute(number, COMPUTE_CAPABILITY_MINOR, device)),
                    attribute(number, MULTIPROCESSORS, device),
                    attribute(number, SHARED_BYTES_OPTIN, device)));
        }
        return devices;
    }

    private int attribute(MemorySegment value, int attribute, int device) {
        status.check(calls.deviceGetAttribute(value, attribute, device), "cuDeviceGetAttribute");
        return value.get(JAVA_INT, 0);
    }
}

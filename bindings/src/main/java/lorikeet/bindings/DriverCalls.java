package lorikeet.bindings;

import java.lang.foreign.MemorySegment;

/**
 * The driver's functions that the classes here call, as a table, so that a test can stand in for a driver. Names,
 * arguments and statuses are those of the CUDA driver API; results are written to the segments given.
 */
interface DriverCalls {
    int init(int flags);

    int driverGetVersion(MemorySegment version);

    int getErrorName(int status, MemorySegment name);

    int getErrorString(int status, MemorySegment text);

    int deviceGetCount(MemorySegment count);

    int deviceGet(MemorySegment device, int ordinal);

    int deviceGetName(MemorySegment name, int length, int device);

    int deviceTotalMem(MemorySegment bytes, int device);

    int deviceGetAttribute(MemorySegment value, int attribute, int device);

    int launchKernel(
            MemorySegment function,
            int gridX,
            int gridY,
            int gridZ,
            int blockX,
            int blockY,
            int blockZ,
            int sharedBytes,
            MemorySegment stream,
            MemorySegment parameters);

    int launchKernelEx(MemorySegment config, MemorySegment function, MemorySegment parameters);
}

package lorikeet.bindings;

import java.lang.foreign.MemorySegment;
import lorikeet.bindings.cuda.CudaDriverApi;

/** The calls of the driver that {@link NativeLibraries} has loaded; not to be used before that. */
final class LoadedDriverCalls implements DriverCalls {
    @Override
    public int init(int flags) {
        return CudaDriverApi.cuInit(flags);
    }

    @Override
    public int driverGetVersion(MemorySegment version) {
        return CudaDriverApi.cuDriverGetVersion(version);
    }

    @Override
    public int getErrorName(int status, MemorySegment name) {
        return CudaDriverApi.cuGetErrorName(status, name);
    }

    @Override
    public int getErrorString(int status, MemorySegment text) {
        return CudaDriverApi.cuGetErrorString(status, text);
    }

    @Override
    public int deviceGetCount(MemorySegment count) {
        return CudaDriverApi.cuDeviceGetCount(count);
    }

    @Override
    public int deviceGet(MemorySegment device, int ordinal) {
        return CudaDriverApi.cuDeviceGet(device, ordinal);
    }

    @Override
    public int deviceGetName(MemorySegment name, int length, int device) {
        return CudaDriverApi.cuDeviceGetName(name, length, device);
    }

    @Override
    public int deviceTotalMem(MemorySegment bytes, int device) {
        return CudaDriverApi.cuDeviceTotalMem_v2(bytes, device);
    }

    @Override
    public int deviceGetAttribute(MemorySegment value, int attribute, int device) {
        return CudaDriverApi.cuDeviceGetAttribute(value, attribute, device);
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
        return CudaDriverApi.cuLaunchKernel(
                function,
                gridX,
                gridY,
                gridZ,
                blockX,
                blockY,
                blockZ,
                sharedBytes,
                stream,
                parameters,
                MemorySegment.NULL);
    }

    @Override
    public int launchKernelEx(MemorySegment config, MemorySegment function, MemorySegment parameters) {
        return CudaDriverApi.cuLaunchKernelEx(config, function, parameters, MemorySegment.NULL);
    }
}

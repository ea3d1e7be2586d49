package lorikeet.bindings;

import java.lang.foreign.MemorySegment;
import lorikeet.bindings.cuda.CudaDriverApi;

/** The calls of the driver that {@link NativeLibraries} has loaded; not to be used before that. */
final class LoadedDeviceCalls implements DeviceCalls {
    @Override
    public int devicePrimaryCtxRetain(MemorySegment context, int device) {
        return CudaDriverApi.cuDevicePrimaryCtxRetain(context, device);
    }

    @Override
    public int devicePrimaryCtxRelease(int device) {
        return CudaDriverApi.cuDevicePrimaryCtxRelease_v2(device);
    }

    @Override
    public int ctxSetCurrent(MemorySegment context) {
        return CudaDriverApi.cuCtxSetCurrent(context);
    }

    @Override
    public int memGetInfo(MemorySegment free, MemorySegment total) {
        return CudaDriverApi.cuMemGetInfo_v2(free, total);
    }

    @Override
    public int memAlloc(MemorySegment address, long bytes) {
        return CudaDriverApi.cuMemAlloc_v2(address, bytes);
    }

    @Override
    public int memFree(long address) {
        return CudaDriverApi.cuMemFree_v2(address);
    }

    @Override
    public int memHostAlloc(MemorySegment pointer, long bytes, int flags) {
        return CudaDriverApi.cuMemHostAlloc(pointer, bytes, flags);
    }

    @Override
    public int memFreeHost(MemorySegment pointer) {
        return CudaDriverApi.cuMemFreeHost(pointer);
    }

    @Override
    public int memHostRegister(MemorySegment pointer, long bytes, int flags) {
        return CudaDriverApi.cuMemHostRegister_v2(pointer, bytes, flags);
    }

    @Override
    public int memHostUnregister(MemorySegment pointer) {
        return CudaDriverApi.cuMemHostUnregister(pointer);
    }

    @Override
    public int streamCreate(MemorySegment stream, int flags, int priority) {
        return CudaDriverApi.cuStreamCreateWithPriority(stream, flags, priority);
    }

    @Override
    public int streamDestroy(MemorySegment stream) {
        return CudaDriverApi.cuStreamDestroy_v2(stream);
    }

    @Override
    public int streamSynchronize(MemorySegment stream) {
        return CudaDriverApi.cuStreamSynchronize(stream);
    }

    @Override
    public int streamWaitEvent(MemorySegment stream, MemorySegment event, int flags) {
        return CudaDriverApi.cuStreamWaitEvent(stream, event, flags);
    }

    @Override
    public int memcpyHtoDAsync(long to, MemorySegment from, long bytes, MemorySegment stream) {
        return CudaDriverApi.cuMemcpyHtoDAsync_v2(to, from, bytes, stream);
    }

    @Override
    public int memcpyDtoHAsync(MemorySegment to, long from, long bytes, MemorySegment stream) {
        return CudaDriverApi.cuMemcpyDtoHAsync_v2(to, from, bytes, stream);
    }

    @Override
    public int memcpyDtoDAsync(long to, long from, long bytes, MemorySegment stream) {
        return CudaDriverApi.cuMemcpyDtoDAsync_v2(to, from, bytes, stream);
    }

    @Override
    public int memsetD8Async(long to, byte value, long bytes, MemorySegment stream) {
        return CudaDriverApi.cuMemsetD8Async(to, value, bytes, stream);
    }

    @Override
    public int eventCreate(MemorySegment event, int flags) {
        return CudaDriverApi.cuEventCreate(event, flags);
    }

    @Override
    public int eventDestroy(MemorySegment event) {
        return CudaDriverApi.cuEventDestroy_v2(event);
    }

    @Override
    public int eventRecord(MemorySegment event, MemorySegment stream) {
        return CudaDriverApi.cuEventRecord(event, stream);
    }

    @Override
    public int eventQuery(MemorySegment event) {
        return CudaDriverApi.cuEventQuery(event);
    }

    @Override
    public int eventSynchronize(MemorySegment event) {
        return CudaDriverApi.cuEventSynchronize(event);
    }

    @Override
    public int eventElapsedTime(MemorySegment milliseconds, MemorySegment start, MemorySegment end) {
        return CudaDriverApi.cuEventElapsedTime_v2(milliseconds, start, end);
    }

    @Override
    public int moduleLoadDataEx(
            MemorySegment module, MemorySegment image, int options, MemorySegment names, MemorySegment values) {
        return CudaDriverApi.cuModuleLoadDataEx(module, image, options, names, values);
    }

    @Override
    public int moduleUnload(MemorySegment module) {
        return CudaDriverApi.cuModuleUnload(module);
    }

    @Override
    public int moduleGetFunction(MemorySegment function, MemorySegment module, MemorySegment name) {
        return CudaDriverApi.cuModuleGetFunction(function, module, name);
    }

    @Override
    public int funcSetAttribute(MemorySegment function, int attribute, int value) {
        return CudaDriverApi.cuFuncSetAttribute(function, attribute, value);
    }

    @Override
    public int streamBeginCapture(MemorySegment stream, int mode) {
        return CudaDriverApi.cuStreamBeginCapture_v2(stream, mode);
    }

    @Override
    public int streamEndCapture(MemorySegment stream, MemorySegment graph) {
        return CudaDriverApi.cuStreamEndCapture(stream, graph);
    }

    @Override
    public int graphInstantiate(MemorySegment executable, MemorySegment graph, long flags) {
        return CudaDriverApi.cuGraphInstantiateWithFlags(executable, graph, flags);
    }

    @Override
    public int graphLaunch(MemorySegment executable, MemorySegment stream) {
        return CudaDriverApi.cuGraphLaunch(executable, stream);
    }

    @Override
    public int graphExecDestroy(MemorySegment executable) {
        return CudaDriverApi.cuGraphExecDestroy(executable);
    }

    @Override
    public int graphDestroy(MemorySegment graph) {
        return CudaDriverApi.cuGraphDestroy(graph);
    }
}

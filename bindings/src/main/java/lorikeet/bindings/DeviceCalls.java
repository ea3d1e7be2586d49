package lorikeet.bindings;

import java.lang.foreign.MemorySegment;

/**
 * The driver's functions that work on one device, as a table, so that a test can stand in for a device. Names, arguments
 * and statuses are those of the CUDA driver API; results are written to the segments given.
 */
interface DeviceCalls {
    // Contexts and memory

    int devicePrimaryCtxRetain(MemorySegment context, int device);

    int devicePrimaryCtxRelease(int device);

    int ctxSetCurrent(MemorySegment context);

    int memGetInfo(MemorySegment free, MemorySegment total);

    int memAlloc(MemorySegment address, long bytes);

    int memFree(long address);

    int memHostAlloc(MemorySegment pointer, long bytes, int flags);

    int memFreeHost(MemorySegment pointer);

    int memHostRegister(MemorySegment pointer, long bytes, int flags);

    int memHostUnregister(MemorySegment pointer);

    // Streams and events

    int streamCreate(MemorySegment stream, int flags, int priority);

    int streamDestroy(MemorySegment stream);

    int streamSynchronize(MemorySegment stream);

    int streamWaitEvent(MemorySegment stream, MemorySegment event, int flags);

    int memcpyHtoDAsync(long to, MemorySegment from, long bytes, MemorySegment stream);

    int memcpyDtoHAsync(MemorySegment to, long from, long bytes, MemorySegment stream);

    int memcpyDtoDAsync(long to, long from, long bytes, MemorySegment stream);

    int memsetD8Async(long to, byte value, long bytes, MemorySegment stream);

    int eventCreate(MemorySegment event, int flags);

    int eventDestroy(MemorySegment event);

    int eventRecord(MemorySegment event, MemorySegment stream);

    int eventQuery(MemorySegment event);

    int eventSynchronize(MemorySegment event);

    int eventElapsedTime(MemorySegment milliseconds, MemorySegment start, MemorySegment end);

    // Kernels and graphs

    int moduleLoadDataEx(
            MemorySegment module, MemorySegment image, int options, MemorySegment names, MemorySegment values);

    int moduleUnload(MemorySegment module);

    int moduleGetFunction(MemorySegment function, MemorySegment module, MemorySegment name);

    int funcSetAttribute(MemorySegment function, int attribute, int value);

    int streamBeginCapture(MemorySegment stream, int mode);

    int streamEndCapture(MemorySegment stream, MemorySegment graph);

    int graphInstantiate(MemorySegment executable, MemorySegment graph, long flags);

    int graphLaunch(MemorySegment executable, MemorySegment stream);

    int graphExecDestroy(MemorySegment executable);

    int graphDestroy(MemorySegment graph);
}

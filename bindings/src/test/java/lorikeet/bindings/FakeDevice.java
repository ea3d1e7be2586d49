package lorikeet.bindings;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** A device whose memory is host memory, which does copies at once, writes down all calls, and fails where told to. */
final class FakeDevice implements DeviceCalls {
    /** The calls by the driver's names, those that only ask left out. */
    final List<String> called = new ArrayList<>();

    private final Map<String, Integer> failures = new HashMap<>();
    private final Map<Long, MemorySegment> memory = new HashMap<>();
    private long nextHandle = 0x1000;

    FakeDevice failing(String call, int status) {
        failures.put(call, status);
        return this;
    }

    /** Number of allocations, of device and host memory, that have not been freed. */
    int allocations() {
        return memory.size();
    }

    private int answer(String call) {
        called.add(call);
        return failures.getOrDefault(call, 0);
    }

    private int make(String call, MemorySegment out) {
        int status = answer(call);
        if (status == 0) {
            out.set(ADDRESS, 0, MemorySegment.ofAddress(nextHandle++));
        }
        return status;
    }

    private int allocate(String call, MemorySegment out, long bytes) {
        int status = answer(call);
        if (status == 0) {
            MemorySegment block = Arena.ofAuto().allocate(bytes, 256);
            memory.put(block.address(), block);
            out.set(JAVA_LONG, 0, block.address());
        }
        return status;
    }

    private int free(String call, long address) {
        if (memory.remove(address) == null) {
            called.add(call + " of nothing");
            return 1;
        }
        return answer(call);
    }

    @SuppressWarnings("restricted") // as the driver does it
    private static MemorySegment at(long address, long bytes) {
        return MemorySegment.ofAddress(address).reinterpret(bytes);
    }

    @Override
    public int devicePrimaryCtxRetain(MemorySegment context, int device) {
        return make("cuDevicePrimaryCtxRetain", context);
    }

    @Override
    public int devicePrimaryCtxRelease(int device) {
        return answer("cuDevicePrimaryCtxRelease");
    }

    @Override
    public int ctxSetCurrent(MemorySegment context) {
        return answer("cuCtxSetCurrent");
    }

    @Override
    public int memGetInfo(MemorySegment free, MemorySegment total) {
        free.set(JAVA_LONG, 0, 3L << 30);
        total.set(JAVA_LONG, 0, 4L << 30);
        return answer("cuMemGetInfo");
    }

    @Override
    public int memAlloc(MemorySegment address, long bytes) {
        return allocate("cuMemAlloc", address, bytes);
    }

    @Override
    public int memFree(long address) {
        return free("cuMemFree", address);
    }

    @Override
    public int memHostAlloc(MemorySegment pointer, long bytes, int flags) {
        return allocate("cuMemHostAlloc", pointer, bytes);
    }

    @Override
    public int memFreeHost(MemorySegment pointer) {
        return free("cuMemFreeHost", pointer.address());
    }

    @Override
    public int memHostRegister(MemorySegment pointer, long bytes, int flags) {
        return answer("cuMemHostRegister");
    }

    @Override
    public int memHostUnregister(MemorySegment pointer) {
        return answer("cuMemHostUnregister");
    }

    @Override
    public int streamCreate(MemorySegment stream, int flags, int priority) {
        return make("cuStreamCreateWithPriority", stream);
    }

    @Override
    public int streamDestroy(MemorySegment stream) {
        return answer("cuStreamDestroy");
    }

    @Override
    public int streamSynchronize(MemorySegment stream) {
        return answer("cuStreamSynchronize");
    }

    @Override
    public int streamWaitEvent(MemorySegment stream, MemorySegment event, int flags) {
        return answer("cuStreamWaitEvent");
    }

    @Override
    public int memcpyHtoDAsync(long to, MemorySegment from, long bytes, MemorySegment stream) {
        at(to, bytes).copyFrom(from.asSlice(0, bytes));
        return answer("cuMemcpyHtoDAsync");
    }

    @Override
    public int memcpyDtoHAsync(MemorySegment to, long from, long bytes, MemorySegment stream) {
        to.copyFrom(at(from, bytes));
        return answer("cuMemcpyDtoHAsync");
    }

    @Override
    public int memcpyDtoDAsync(long to, long from, long bytes, MemorySegment stream) {
        at(to, bytes).copyFrom(at(from, bytes));
        return answer("cuMemcpyDtoDAsync");
    }

    @Override
    public int memsetD8Async(long to, byte value, long bytes, MemorySegment stream) {
        at(to, bytes).fill(value);
        return answer("cuMemsetD8Async");
    }

    @Override
    public int eventCreate(MemorySegment event, int flags) {
        return make("cuEventCreate", event);
    }

    @Override
    public int eventDestroy(MemorySegment event) {
        return answer("cuEventDestroy");
    }

    @Override
    public int eventRecord(MemorySegment event, MemorySegment stream) {
        return answer("cuEventRecord");
    }

    @Override
    public int eventQuery(MemorySegment event) {
        return answer("cuEventQuery");
    }

    @Override
    public int eventSynchronize(MemorySegment event) {
        return answer("cuEventSynchronize");
    }

    @Override
    public int eventElapsedTime(MemorySegment milliseconds, MemorySegment start, MemorySegment end) {
        milliseconds.set(JAVA_FLOAT, 0, 1.5f);
        return answer("cuEventElapsedTime");
    }

    @Override
    public int moduleLoadDataEx(
            MemorySegment module, MemorySegment image, int options, MemorySegment names, MemorySegment values) {
        return make("cuModuleLoadDataEx", module);
    }

    @Override
    public int moduleUnload(MemorySegment module) {
        return answer("cuModuleUnload");
    }

    @Override
    public int moduleGetFunction(MemorySegment function, MemorySegment module, MemorySegment name) {
        return make("cuModuleGetFunction", function);
    }

    @Override
    public int funcSetAttribute(MemorySegment function, int attribute, int value) {
        return answer("cuFuncSetAttribute");
    }

    @Override
    public int streamBeginCapture(MemorySegment stream, int mode) {
        return answer("cuStreamBeginCapture");
    }

    @Override
    public int streamEndCapture(MemorySegment stream, MemorySegment graph) {
        return make("cuStreamEndCapture", graph);
    }

    @Override
    public int graphInstantiate(MemorySegment executable, MemorySegment graph, long flags) {
        return make("cuGraphInstantiateWithFlags", executable);
    }

    @Override
    public int graphLaunch(MemorySegment executable, MemorySegment stream) {
        return answer("cuGraphLaunch");
    }

    @Override
    public int graphExecDestroy(MemorySegment executable) {
        return answer("cuGraphExecDestroy");
    }

    @Override
    public int graphDestroy(MemorySegment graph) {
        return answer("cuGraphDestroy");
    }
}

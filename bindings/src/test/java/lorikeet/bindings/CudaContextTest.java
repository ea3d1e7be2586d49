package lorikeet.bindings;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.junit.jupiter.api.Test;

/** What the classes over a device ask of the driver, in which order, and what they make of its answers. */
class CudaContextTest {
    private static final CudaDevice DEVICE =
            new CudaDevice(0, 40, "a fake", 4L << 30, new ComputeCapability(9, 0), 132, 232_448);

    private final FakeDevice device = new FakeDevice();
    private final FakeDriver driver = new FakeDriver(13000);
    private final Arena arena = Arena.ofAuto();

    private CudaContext context() {
        return new CudaContext(driver, device, DEVICE);
    }

    @Test
    void aContextIsRetainedUsedAndReleasedOnce() {
        CudaContext context = context();
        context.use();
        assertThat(context.memoryInfo().free()).isEqualTo(3L << 30);
        context.close();
        context.close();
        assertThat(device.called)
                .containsExactly(
                        "cuDevicePrimaryCtxRetain",
                        "cuCtxSetCurrent",
                        "cuCtxSetCurrent",
                        "cuMemGetInfo",
                        "cuDevicePrimaryCtxRelease");
    }

    @Test
    void bytesGoThereAndBack() {
        MemorySegment from = arena.allocateFrom(JAVA_BYTE, new byte[] {1, 2, 3, 4});
        try (CudaContext context = context();
                CudaStream stream = context.stream(0);
                DeviceMemory first = context.allocate(4);
                DeviceMemory second = context.allocate(4);
                PinnedMemory back = context.pinned(4)) {
            stream.copyToDevice(first.address(), from, 4);
            stream.fill(second.address(), (byte) 9, 4);
            stream.copyOnDevice(second.address(), first.address(), 3);
            stream.copyToHost(back.segment(), second.address(), 4);
            stream.synchronize();
            assertThat(back.segment().toArray(JAVA_BYTE)).containsExactly(1, 2, 3, 9);
        }
        assertThat(device.allocations()).isZero();
        assertThat(device.called)
                .endsWith("cuMemFreeHost", "cuMemFree", "cuMemFree", "cuStreamDestroy", "cuDevicePrimaryCtxRelease");
    }

    @Test
    void memoryThatRunsOutIsToldByType() {
        device.failing("cuMemAlloc", CudaStatus.OUT_OF_MEMORY);
        CudaContext context = context();
        assertThatThrownBy(() -> context.allocate(12345))
                .isInstanceOf(CudaOutOfMemoryException.class)
                .hasMessageContaining("12345 bytes");
    }

    @Test
    void aMappingThatCannotBeRegisteredSaysWhyAndIsNotUnregistered() {
        MemorySegment memory = arena.allocate(64);
        CudaContext context = context();
        HostRegistration registered = context.register(memory);
        assertThat(registered.covers(memory.asSlice(60, 4))).isTrue();
        assertThat(registered.covers(arena.allocate(1))).isFalse();
        registered.close();
        registered.close();
        assertThat(device.called).filteredOn("cuMemHostUnregister"::equals).hasSize(1);

        device.failing("cuMemHostRegister", 1);
        HostRegistration refused = context.register(memory);
        assertThat(refused.refusal())
                .hasValueSatisfying(text -> assertThat(text).contains("cuMemHostRegister"));
        assertThat(refused.covers(memory)).isFalse();
        refused.close();
        assertThat(device.called).filteredOn("cuMemHostUnregister"::equals).hasSize(1);
    }

    @Test
    void aRecordingBecomesAGraph() {
        CudaContext context = context();
        CudaStream stream = context.stream(-1);
        CudaEvent event = context.event();
        device.called.clear();
        stream.beginCapture();
        CudaGraph graph = stream.endCapture();
        graph.launch(stream);
        event.record(stream);
        event.synchronize();
        graph.close();
        assertThat(device.called)
                .containsExactly(
                        "cuStreamBeginCapture",
                        "cuStreamEndCapture",
                        "cuGraphInstantiateWithFlags",
                        "cuGraphDestroy",
                        "cuGraphLaunch",
                        "cuEventRecord",
                        "cuEventSynchronize",
                        "cuGraphExecDestroy");
    }

    @Test
    void aKernelThatNeedsSharedMemoryAsksForIt() {
        CudaContext context = context();
        CudaModule module = context.module(arena.allocate(1));
        device.called.clear();
        KernelLaunch plain = module.kernel(arena, "plain", 0, JAVA_LONG);
        KernelLaunch greedy = module.kernel(arena, "greedy", 100_000, JAVA_LONG);
        assertThat(device.called).containsExactly("cuModuleGetFunction", "cuModuleGetFunction", "cuFuncSetAttribute");
        plain.set(0, 1L).launch(MemorySegment.NULL);
        MemorySegment first = driver.launchedFunction;
        greedy.set(0, 1L).launch(MemorySegment.NULL);
        assertThat(driver.launchedFunction).isNotEqualTo(first);
        device.failing("cuFuncSetAttribute", 1);
        assertThatThrownBy(() -> module.kernel(arena, "greedy", 1 << 20, JAVA_LONG))
                .isInstanceOf(CudaException.class)
                .hasMessageContaining("greedy")
                .hasMessageContaining("1048576");
    }

    @Test
    void whatTheDeviceIsStillDoingIsNotDone() {
        CudaContext context = context();
        CudaEvent event = context.timingEvent();
        assertThat(event.isDone()).isTrue();
        assertThat(event.millisecondsSince(context.timingEvent())).isEqualTo(1.5f);
        device.failing("cuEventQuery", CudaStatus.NOT_READY);
        assertThat(event.isDone()).isFalse();
    }
}

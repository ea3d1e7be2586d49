package lorikeet.bindings;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.sun.management.ThreadMXBean;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.management.ManagementFactory;
import lorikeet.bindings.cuda.CudaDriverApi;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The generated calls and the classes above them against a real GPU; skipped where there is none. */
class GpuTest {
    /** Writes a value into the first n floats. */
    private static final String FILL = """
            .version 8.0
            .target sm_80
            .address_size 64
            .visible .entry fill(.param .u64 out, .param .u32 n, .param .f32 value)
            {
                .reg .pred %p<2>;
                .reg .b32 %r<6>;
                .reg .f32 %f<2>;
                .reg .b64 %d<5>;
                ld.param.u64 %d1, [out];
                ld.param.u32 %r1, [n];
                ld.param.f32 %f1, [value];
                mov.u32 %r2, %ctaid.x;
                mov.u32 %r3, %ntid.x;
                mov.u32 %r4, %tid.x;
                mad.lo.s32 %r5, %r2, %r3, %r4;
                setp.ge.u32 %p1, %r5, %r1;
                @%p1 bra END;
                cvta.to.global.u64 %d2, %d1;
                mul.wide.u32 %d3, %r5, 4;
                add.s64 %d4, %d2, %d3;
                st.global.f32 [%d4], %f1;
            END:
                ret;
            }
            """;

    private final Arena arena = Arena.ofConfined();
    private final MemorySegment handle = arena.allocate(ADDRESS);
    private CudaProbe probe = new CudaProbe.Absent("not probed", "not probed");

    @BeforeEach
    void needsGpu() {
        probe = CudaDriver.probe();
        assumeTrue(probe instanceof CudaProbe.Available, () -> "needs a GPU: " + probe.summary());
    }

    @AfterEach
    void free() {
        arena.close();
    }

    @Test
    void theProbeDescribesRealDevices() {
        CudaProbe.Available available = (CudaProbe.Available) probe;
        assertThat(available.library().file()).exists();
        assertThat(available.version()).isGreaterThanOrEqualTo(CudaDriver.OLDEST);
        assertThat(available.devices()).isNotEmpty().allSatisfy(device -> {
            assertThat(device.name()).isNotBlank();
            assertThat(device.totalBytes()).isPositive();
            assertThat(device.capability().major()).isPositive();
        });
    }

    @Test
    void theDriverNamesItsErrors() {
        CudaStatus status = ((CudaProbe.Available) probe).driver().status();
        assertThatThrownBy(() -> status.check(1, "cuMemFree"))
                .hasMessage("cuMemFree failed: CUDA_ERROR_INVALID_VALUE (1): invalid argument");
        assertThatThrownBy(() -> status.check(123456, "cuMemFree")).hasMessageContaining("(123456)");
    }

    @Test
    void aLaunchRunsAndAllocatesNothingAndMemoryRunsOutTyped() {
        CudaProbe.Available available = (CudaProbe.Available) probe;
        CudaDriver driver = available.driver();
        CudaStatus status = driver.status();
        int device = available.devices().getFirst().handle();
        status.check(CudaDriverApi.cuDevicePrimaryCtxRetain(handle, device), "cuDevicePrimaryCtxRetain");
        try {
            status.check(CudaDriverApi.cuCtxSetCurrent(handle.get(ADDRESS, 0)), "cuCtxSetCurrent");
            fillAndReadBack(driver, status);
            MemorySegment address = arena.allocate(JAVA_LONG);
            long tooMuch = 1L << 50;
            assertThatThrownBy(() -> status.checkAllocation(
                            CudaDriverApi.cuMemAlloc_v2(address, tooMuch), "cuMemAlloc", tooMuch))
                    .isInstanceOf(CudaOutOfMemoryException.class)
                    .hasMessageContaining(tooMuch + " bytes");
        } finally {
            status.check(CudaDriverApi.cuDevicePrimaryCtxRelease_v2(device), "cuDevicePrimaryCtxRelease");
        }
    }

    private void fillAndReadBack(CudaDriver driver, CudaStatus status) {
        int count = 1000;
        long bytes = count * JAVA_FLOAT.byteSize();
        MemorySegment none = MemorySegment.NULL;
        status.check(
                CudaDriverApi.cuModuleLoadDataEx(handle, arena.allocateFrom(FILL), 0, none, none),
                "cuModuleLoadDataEx");
        MemorySegment module = handle.get(ADDRESS, 0);
        status.check(
                CudaDriverApi.cuModuleGetFunction(handle, module, arena.allocateFrom("fill")), "cuModuleGetFunction");
        MemorySegment function = handle.get(ADDRESS, 0);
        status.check(
                CudaDriverApi.cuStreamCreateWithPriority(handle, CudaDriverApi.CU_STREAM_NON_BLOCKING(), 0),
                "cuStreamCreateWithPriority");
        MemorySegment stream = handle.get(ADDRESS, 0);
        MemorySegment pointer = arena.allocate(JAVA_LONG);
        status.checkAllocation(CudaDriverApi.cuMemAlloc_v2(pointer, bytes), "cuMemAlloc", bytes);
        long address = pointer.get(JAVA_LONG, 0);

        KernelLaunch launch = driver.kernelLaunch(arena, "fill", function, JAVA_LONG, JAVA_INT, JAVA_FLOAT);
        launch.grid(8, 1, 1).block(128, 1, 1, 0).set(0, address).set(1, count);
        fire(launch, stream, status, 30_000);
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        long before = threads.getCurrentThreadAllocatedBytes();
        fire(launch, stream, status, 10_000);
        assertThat(threads.getCurrentThreadAllocatedBytes() - before).isLessThan(10_000);

        MemorySegment back = arena.allocate(bytes);
        status.check(CudaDriverApi.cuMemcpyDtoHAsync_v2(back, address, bytes, stream), "cuMemcpyDtoHAsync");
        status.check(CudaDriverApi.cuStreamSynchronize(stream), "cuStreamSynchronize");
        assertThat(status.isDone(CudaDriverApi.cuStreamQuery(stream), "cuStreamQuery"))
                .isTrue();
        assertThat(back.toArray(JAVA_FLOAT)).hasSize(count).containsOnly(9_999f);

        status.check(CudaDriverApi.cuMemFree_v2(address), "cuMemFree");
        status.check(CudaDriverApi.cuStreamDestroy_v2(stream), "cuStreamDestroy");
        status.check(CudaDriverApi.cuModuleUnload(module), "cuModuleUnload");
    }

    private static void fire(KernelLaunch launch, MemorySegment stream, CudaStatus status, int times) {
        for (int i = 0; i < times; i++) {
            launch.set(2, (float) i).launch(stream);
        }
        status.check(CudaDriverApi.cuStreamSynchronize(stream), "cuStreamSynchronize");
    }
}

package lorikeet.bindings;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.management.ThreadMXBean;
import java.lang.foreign.Arena;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.management.ManagementFactory;
import lorikeet.bindings.cuda.CUlaunchAttribute_st;
import lorikeet.bindings.cuda.CUlaunchConfig_st;
import org.junit.jupiter.api.Test;

class KernelLaunchTest {
    private static final MemorySegment FUNCTION = MemorySegment.ofAddress(0x1000);
    private static final MemorySegment STREAM = MemorySegment.ofAddress(0x2000);
    private static final MemoryLayout PAIR = MemoryLayout.structLayout(JAVA_INT, JAVA_INT);

    private final FakeDriver driver = new FakeDriver(13000);
    private final Arena arena = Arena.ofAuto();

    private KernelLaunch launchOf(String name, MemoryLayout... parameters) {
        return new CudaDriver(driver).kernelLaunch(arena, name, FUNCTION, parameters);
    }

    @Test
    void theDriverSeesShapeAndValuesThroughThePointers() {
        KernelLaunch launch = launchOf("k", JAVA_SHORT, JAVA_LONG, JAVA_INT, JAVA_FLOAT, PAIR);
        launch.grid(11, 12, 13).block(14, 15, 16, 17);
        launch.argument(0).set(JAVA_SHORT, 0, (short) -3);
        launch.argument(4).set(JAVA_INT, 4, 99);
        launch.set(1, 0x7fff_0000_1234L).set(2, -5).set(3, 0.25f).launch(STREAM);

        assertThat(driver.launchedFunction).isEqualTo(FUNCTION);
        assertThat(driver.launchedShape).containsExactly(11, 12, 13, 14, 15, 16, 17);
        assertThat(driver.launchedStream).isEqualTo(STREAM);
        assertThat(driver.launchedPointers.byteSize()).isEqualTo(5 * ADDRESS.byteSize());
        assertThat(argument(0, JAVA_SHORT).get(JAVA_SHORT, 0)).isEqualTo((short) -3);
        assertThat(argument(1, JAVA_LONG).get(JAVA_LONG, 0)).isEqualTo(0x7fff_0000_1234L);
        assertThat(argument(2, JAVA_INT).get(JAVA_INT, 0)).isEqualTo(-5);
        assertThat(argument(3, JAVA_FLOAT).get(JAVA_FLOAT, 0)).isEqualTo(0.25f);
        assertThat(argument(4, PAIR).get(JAVA_INT, 4)).isEqualTo(99);
    }

    @Test
    void aLaunchWithAttributesPassesItsConfigurationInAStruct() {
        assertThat(KernelLaunch.CONFIG_BYTES).isEqualTo(CUlaunchConfig_st.sizeof());
        assertThat(KernelLaunch.ATTRIBUTE_BYTES).isEqualTo(CUlaunchAttribute_st.sizeof());
        assertThat(KernelLaunch.ATTRIBUTE_VALUE).isEqualTo(CUlaunchAttribute_st.value$offset());
        KernelLaunch launch = launchOf("k", JAVA_LONG).startEarly().cluster(2).cluster(4);
        launch.grid(11, 12, 13).block(14, 15, 16, 17).set(0, 5L).launch(STREAM);

        MemorySegment config = driver.launchedConfig;
        assertThat(driver.launchedFunction).isEqualTo(FUNCTION);
        assertThat(CUlaunchConfig_st.gridDimX(config)).isEqualTo(11);
        assertThat(CUlaunchConfig_st.gridDimY(config)).isEqualTo(12);
        assertThat(CUlaunchConfig_st.gridDimZ(config)).isEqualTo(13);
        assertThat(CUlaunchConfig_st.blockDimX(config)).isEqualTo(14);
        assertThat(CUlaunchConfig_st.blockDimY(config)).isEqualTo(15);
        assertThat(CUlaunchConfig_st.blockDimZ(config)).isEqualTo(16);
        assertThat(CUlaunchConfig_st.sharedMemBytes(config)).isEqualTo(17);
        assertThat(CUlaunchConfig_st.hStream(config)).isEqualTo(STREAM);
        assertThat(CUlaunchConfig_st.numAttrs(config)).isEqualTo(2);
        MemorySegment early = attribute(config, 0);
        assertThat(CUlaunchAttribute_st.id(early)).isEqualTo(6);
        assertThat(CUlaunchAttribute_st.value(early).get(JAVA_INT, 0)).isEqualTo(1);
        MemorySegment cluster = attribute(config, 1);
        assertThat(CUlaunchAttribute_st.id(cluster)).isEqualTo(4);
        assertThat(CUlaunchAttribute_st.value(cluster).asSlice(0, 12).toArray(JAVA_INT))
                .containsExactly(4, 1, 1);
        assertThat(argument(0, JAVA_LONG).get(JAVA_LONG, 0)).isEqualTo(5);
    }

    @SuppressWarnings("restricted") // as the driver reads it
    private static MemorySegment attribute(MemorySegment config, int index) {
        MemorySegment all = CUlaunchConfig_st.attrs(config).reinterpret(2 * CUlaunchAttribute_st.sizeof());
        return CUlaunchAttribute_st.asSlice(all, index);
    }

    @Test
    void aValueOfTheWrongSizeIsRefused() {
        KernelLaunch launch = launchOf("shrink", JAVA_LONG, JAVA_INT);
        assertThatThrownBy(() -> launch.set(0, 1))
                .isInstanceOf(IllegalArgumentException.class)
                .hasMessage("cuLaunchKernel of shrink: parameter 0 has 8 bytes, a value of 4 was given");
        assertThatThrownBy(() -> launch.set(1, 1L)).isInstanceOf(IllegalArgumentException.class);
        assertThatThrownBy(() -> launch.set(0, 1f)).isInstanceOf(IllegalArgumentException.class);
    }

    @Test
    void aRefusedLaunchNamesTheKernel() {
        driver.launchStatus = 1;
        assertThatThrownBy(() -> launchOf("expand").launch(STREAM))
                .isInstanceOf(CudaException.class)
                .hasMessageStartingWith("cuLaunchKernel of expand failed: CUDA_ERROR_INVALID_VALUE (1)");
    }

    @Test
    void aLaunchAllocatesNothing() {
        KernelLaunch launch = launchOf("k", JAVA_LONG, JAVA_INT, JAVA_FLOAT);
        // Enough for the compiler; before that, the accessors of segments allocate in the interpreter.
        fire(launch, 50_000);
        int launches = 50_000;
        ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
        long before = threads.getCurrentThreadAllocatedBytes();
        fire(launch, launches);
        long bytes = threads.getCurrentThreadAllocatedBytes() - before;
        // One object a launch would be 16 bytes at least; a little is left for the measuring itself.
        assertThat(bytes).isLessThan(launches);
    }

    /** The bytes that the pointer array says are the argument. */
    @SuppressWarnings("restricted") // as the driver reads it: by address and type
    private MemorySegment argument(int parameter, MemoryLayout type) {
        return driver.launchedPointers.getAtIndex(ADDRESS, parameter).reinterpret(type.byteSize());
    }

    private static void fire(KernelLaunch launch, int times) {
        for (int i = 0; i < times; i++) {
            launch.grid(i + 1000, 1, 1)
                    .block(256, 1, 1, 0)
                    .set(0, 0x7fff_0000_0000L + i)
                    .set(1, i)
                    .set(2, (float) i)
                    .launch(STREAM);
        }
    }
}

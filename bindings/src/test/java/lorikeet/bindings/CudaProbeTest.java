package lorikeet.bindings;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.InstanceOfAssertFactories.type;

import lorikeet.bindings.FakeDriver.Gpu;
import org.junit.jupiter.api.Test;

class CudaProbeTest {
    private static final Gpu H200 = new Gpu("NVIDIA H200", 150_754_820_096L, 9, 0);
    private static final Gpu T4 = new Gpu("Tesla T4", 15_828_320_256L, 7, 5);

    @Test
    void devicesAreDescribed() {
        CudaProbe probe = CudaDriver.probe(FakeDriver.LIBRARY, new FakeDriver(13010, T4, H200));
        assertThat(probe).asInstanceOf(type(CudaProbe.Available.class)).satisfies(available -> {
            assertThat(available.version()).isEqualTo(new CudaVersion(13, 1));
            assertThat(available.library()).isSameAs(FakeDriver.LIBRARY);
            assertThat(available.devices())
                    .containsExactly(
                            new CudaDevice(
                                    0, 40, "Tesla T4", 15_828_320_256L, new ComputeCapability(7, 5), 132, 232_448),
                            new CudaDevice(
                                    1, 41, "NVIDIA H200", 150_754_820_096L, new ComputeCapability(9, 0), 132, 232_448));
            assertThat(available.firstWith(new ComputeCapability(8, 0)))
                    .hasValueSatisfying(device -> assertThat(device.ordinal()).isEqualTo(1));
            assertThat(available.firstWith(new ComputeCapability(7, 5)))
                    .hasValueSatisfying(device -> assertThat(device.ordinal()).isZero());
            assertThat(available.firstWith(new ComputeCapability(9, 1))).isEmpty();
        });
        assertThat(probe.summary())
                .isEqualTo("CUDA 13.1 from /fake/libcuda.so.1, GPU 0: Tesla T4, 15095 MiB, compute capability 7.5; "
                        + "1: NVIDIA H200, 143771 MiB, compute capability 9.0");
    }

    @Test
    void aNameThatFillsItsBufferEnds() {
        CudaProbe probe =
                CudaDriver.probe(FakeDriver.LIBRARY, new FakeDriver(13000, new Gpu("x".repeat(300), 1, 9, 0)));
        assertThat(probe)
                .asInstanceOf(type(CudaProbe.Available.class))
                .satisfies(available ->
                        assertThat(available.devices().getFirst().name()).isEqualTo("x".repeat(255)));
    }

    @Test
    void anOldDriverIsNotStarted() {
        FakeDriver driver = new FakeDriver(12080, H200);
        CudaProbe probe = CudaDriver.probe(FakeDriver.LIBRARY, driver);
        assertThat(probe)
                .isEqualTo(new CudaProbe.TooOld(FakeDriver.LIBRARY, new CudaVersion(12, 8), new CudaVersion(13, 0)));
        assertThat(driver.called).containsExactly("cuDriverGetVersion");
        assertThat(probe.summary()).contains("/fake/libcuda.so.1 supports CUDA 12.8", "CUDA 13.0 or newer", "580");
    }

    @Test
    void aDriverThatDoesNotStartIsAbsentAndSaysWhy() {
        CudaProbe probe = CudaDriver.probe(FakeDriver.LIBRARY, new FakeDriver(13000, H200).failing("cuInit", 100));
        assertThat(probe).isInstanceOf(CudaProbe.Absent.class);
        assertThat(probe.summary())
                .isEqualTo("the CUDA driver /fake/libcuda.so.1 is not usable: cuInit failed: "
                        + "CUDA_ERROR_NO_DEVICE (100): no CUDA-capable device is detected");
    }

    @Test
    void everyCallOfTheProbeIsChecked() {
        for (String call : new String[] {
            "cuDriverGetVersion",
            "cuInit",
            "cuDeviceGetCount",
            "cuDeviceGet",
            "cuDeviceGetName",
            "cuDeviceTotalMem",
            "cuDeviceGetAttribute"
        }) {
            CudaProbe probe = CudaDriver.probe(FakeDriver.LIBRARY, new FakeDriver(13000, H200).failing(call, 1));
            assertThat(probe).as(call).isInstanceOf(CudaProbe.Absent.class);
            assertThat(probe.summary()).contains(call + " failed: CUDA_ERROR_INVALID_VALUE (1)");
        }
    }

    @Test
    void noDeviceIsAbsent() {
        CudaProbe probe = CudaDriver.probe(FakeDriver.LIBRARY, new FakeDriver(13000));
        assertThat(probe).isInstanceOf(CudaProbe.Absent.class);
        assertThat(probe.summary()).isEqualTo("the CUDA driver /fake/libcuda.so.1 has no device");
    }
}

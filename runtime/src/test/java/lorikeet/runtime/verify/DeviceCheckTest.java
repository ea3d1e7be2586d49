package lorikeet.runtime.verify;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.lang.foreign.MemorySegment;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.util.Random;
import lorikeet.bindings.CudaDriver;
import lorikeet.bindings.CudaProbe;
import lorikeet.kernels.Operations;
import lorikeet.kernels.cpu.CpuOperations;
import lorikeet.memory.Matrix;
import lorikeet.runtime.DeviceChoice;
import lorikeet.runtime.Devices;
import org.junit.jupiter.api.Test;

/** The check that selftest runs on a device. */
class DeviceCheckTest {
    private static final double BFLOAT16 = 3e-2;

    @Test
    void theCpuAgreesWithItselfOverDifferentNumbersOfThreads() {
        try (Operations one = new CpuOperations(1);
                Operations two = new CpuOperations(2)) {
            DeviceCheck.Result result = new DeviceCheck(two, one, 0).run(2);
            assertThat(result.differences()).isEmpty();
            assertThat(result.errors()).containsKeys("embed", "attend 0", "gate 1", "logits");
        }
    }

    /** A check that finds nothing is only worth something if it would. */
    @Test
    void anOperationThatIsWrongIsFoundWhereItIs() {
        try (Operations right = new CpuOperations(2);
                Operations inner = new CpuOperations(2)) {
            DeviceCheck.Result result = new DeviceCheck(wrongGate(inner), right, BFLOAT16).run(2);
            assertThat(result.differences()).isNotEmpty();
            assertThat(result.differences().getFirst()).contains("gate 0");
        }
    }

    /** Operations whose gate leaves its first output as it was. */
    private static Operations wrongGate(Operations inner) {
        return (Operations) Proxy.newProxyInstance(
                Operations.class.getClassLoader(), new Class<?>[] {Operations.class}, (proxy, method, arguments) -> {
                    try {
                        Object result = method.invoke(inner, arguments);
                        if (method.getName().equals("gate")) {
                            MemorySegment out = ((Matrix) arguments[1]).data();
                            out.asSlice(0, ((Matrix) arguments[1]).rowBytes()).fill((byte) 0);
                        }
                        return result;
                    } catch (InvocationTargetException e) {
                        throw e.getCause();
                    }
                });
    }

    @Test
    void aGpuAgreesWithTheCpu() {
        CudaProbe probe = CudaDriver.probe();
        assumeTrue(probe instanceof CudaProbe.Available, () -> "needs a GPU: " + probe.summary());
        long seed = new Random().nextInt();
        try (Operations gpu = Devices.open(new DeviceChoice.Cuda(-1), 2).operations();
                Operations cpu = new CpuOperations(4)) {
            for (int i = 0; i < 10; i++) {
                DeviceCheck.Result result = new DeviceCheck(gpu, cpu, BFLOAT16).run(seed + i);
                assertThat(result.differences())
                        .as("seed %d: %s", seed + i, result.shape())
                        .isEmpty();
            }
        }
    }
}

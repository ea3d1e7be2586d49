package lorikeet.jmh.device;

import lorikeet.bindings.CudaContext;
import lorikeet.bindings.CudaDevice;
import lorikeet.bindings.CudaDriver;
import lorikeet.bindings.CudaProbe;
import lorikeet.kernels.cuda.CudaOperations;

/** Opens GPUs for what is measured below the operations. */
final class Gpu {
    private Gpu() {}

    /** The context of a GPU, named as {@code cuda} or {@code cuda:N}; the caller closes it. */
    static CudaContext open(String name) {
        if (!(CudaDriver.probe() instanceof CudaProbe.Available driver)) {
            throw new IllegalStateException(CudaDriver.probe().summary());
        }
        CudaDevice device = name.contains(":")
                ? driver.devices().get(Integer.parseInt(name.substring(name.indexOf(':') + 1)))
                : driver.firstWith(CudaOperations.OLDEST).orElseThrow();
        return driver.driver().open(device);
    }
}

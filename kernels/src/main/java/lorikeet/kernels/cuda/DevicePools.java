package lorikeet.kernels.cuda;

import java.util.ArrayList;
import java.util.List;
import java.util.OptionalDouble;
import lorikeet.bindings.CudaContext;
import lorikeet.memory.SlabPool;

/** The slab pools of a device; who asked for one closes it. For the thread that owns the device. */
final class DevicePools {
    private static final double FRACTION = 0.9;

    /** Left to the driver, the libraries and other processes when a pool takes what there is; an eighth if that is less. */
    private static final long SPARE_BYTES = 1L << 30;

    private final CudaContext context;
    private final List<DeviceSlabs> slabs = new ArrayList<>();

    DevicePools(CudaContext context) {
        this.context = context;
    }

    /** That part of the memory that is free now. */
    long bytes(OptionalDouble fraction) {
        context.use();
        return (long) (fraction.orElse(FRACTION) * context.memoryInfo().free());
    }

    /** A pool of so many slabs, or of fewer if there isn't the memory. */
    SlabPool open(long slabBytes, int capacity) {
        context.use();
        long free = context.memoryInfo().free();
        long left = free - Math.min(SPARE_BYTES, free / 8);
        DeviceSlabs source = new DeviceSlabs(context);
        slabs.add(source);
        return new SlabPool(slabBytes, (int) Math.min(capacity, left / slabBytes), source);
    }

    /** The lowest address of all pools, from which KV blocks are counted. */
    long base() {
        return slabs.stream()
                .mapToLong(DeviceSlabs::base)
                .filter(base -> base != 0)
                .min()
                .orElse(0);
    }
}

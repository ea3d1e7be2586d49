package lorikeet.bindings;

/**
 * A GPU as the driver describes it.
 *
 * @param ordinal its number in this process, which {@code CUDA_VISIBLE_DEVICES} changes
 * @param handle the driver's CUdevice
 * @param totalBytes all of its memory
 * @param capability its generation
 * @param multiprocessors how many it has
 * @param sharedBytes the most shared memory that a block of a kernel that asks for it may have
 */
public record CudaDevice(
        int ordinal,
        int handle,
        String name,
        long totalBytes,
        ComputeCapability capability,
        int multiprocessors,
        int sharedBytes) {
    @Override
    public String toString() {
        return ordinal + ": " + name + ", " + (totalBytes >> 20) + " MiB, compute capability " + capability;
    }
}

package lorikeet.bindings;

/** A version of CUDA, ordered. */
public record CudaVersion(int major, int minor) implements Comparable<CudaVersion> {
    /** Reads a version the driver and cuda.h write it: 1000 major + 10 minor. */
    static CudaVersion of(int number) {
        return new CudaVersion(number / 1000, number % 1000 / 10);
    }

    @Override
    public int compareTo(CudaVersion other) {
        return major != other.major ? Integer.compare(major, other.major) : Integer.compare(minor, other.minor);
    }

    @Override
    public String toString() {
        return major + "." + minor;
    }
}

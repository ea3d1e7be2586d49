package lorikeet.bindings;

/** What a GPU's generation can do, ordered; 9.0 is the H200's. */
public record ComputeCapability(int major, int minor) implements Comparable<ComputeCapability> {
    @Override
    public int compareTo(ComputeCapability other) {
        return major != other.major ? Integer.compare(major, other.major) : Integer.compare(minor, other.minor);
    }

    @Override
    public String toString() {
        return major + "." + minor;
    }
}

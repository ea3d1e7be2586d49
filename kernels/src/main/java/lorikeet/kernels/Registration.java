package lorikeet.kernels;

/** Mapped memory that is prepared for fast copies to a device. Closed once, before the memory is unmapped. */
public interface Registration extends AutoCloseable {
    /** Of a device that needs none. */
    Registration NONE = () -> {};

    /** Takes the preparation back. No copy may be running. */
    @Override
    void close();
}

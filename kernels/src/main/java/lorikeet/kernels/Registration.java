package lorikeet.kernels;

/**
 * Mapped memory that is prepared for fast copies to a device, by a thread of the device's. Closed once, before the memory
 * is unmapped.
 */
public interface Registration extends AutoCloseable {
    /** Of a device that needs none. */
    Registration NONE = () -> {};

    /** Waits until it is prepared. Copies that come before are right, too, but slower. */
    default void await() {}

    /** Takes the preparation back, and waits for that. No copy may be running. */
    @Override
    void close();
}

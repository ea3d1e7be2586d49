package lorikeet.runtime;

/** Where a model computes. */
public sealed interface DeviceChoice {
    /** The first GPU that is new enough, or else the CPU. */
    DeviceChoice AUTO = new Auto();

    /** The CPU. */
    DeviceChoice CPU = new Cpu();

    /** See {@link #AUTO}. */
    record Auto() implements DeviceChoice {}

    /** See {@link #CPU}. */
    record Cpu() implements DeviceChoice {}

    /**
     * An NVIDIA GPU.
     *
     * @param ordinal its number in this process, from 0; -1 for the first one that is new enough
     */
    record Cuda(int ordinal) implements DeviceChoice {}

    /**
     * Reads {@code auto}, {@code cpu}, {@code cuda}, or {@code cuda:N}.
     *
     * @throws LorikeetException INVALID_REQUEST if it is something else
     */
    static DeviceChoice parse(String text) {
        if (text.equals("auto")) {
            return AUTO;
        }
        if (text.equals("cpu")) {
            return CPU;
        }
        if (text.equals("cuda")) {
            return new Cuda(-1);
        }
        if (text.matches("cuda:[0-9]{1,4}")) {
            return new Cuda(Integer.parseInt(text.substring("cuda:".length())));
        }
        throw new LorikeetException(
                ErrorCode.INVALID_REQUEST, "the device is '" + text + "'; auto, cpu, cuda and cuda:N are accepted");
    }
}

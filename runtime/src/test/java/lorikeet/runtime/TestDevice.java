package lorikeet.runtime;

import java.util.List;

/**
 * Where the tests of serving compute: on the CPU, or what {@code -Dlorikeet.test.device} says; on a GPU batch-invariantly
 * with {@code -Dlorikeet.test.invariant=true}.
 */
public final class TestDevice {
    private static final boolean INVARIANT = Boolean.getBoolean("lorikeet.test.invariant");
    private static final DeviceChoice DEVICE = DeviceChoice.parse(System.getProperty("lorikeet.test.device", "cpu"));

    /** Enough for small models; others may use the same GPU. */
    private static final long POOL_BYTES = 1L << 30;

    /** The default options, on this device. */
    public static final Options OPTIONS = isCpu()
            ? Options.DEFAULT.device(DEVICE)
            : Options.DEFAULT.device(DEVICE).poolBytes(POOL_BYTES).batchInvariant(INVARIANT);

    private TestDevice() {}

    private static boolean isCpu() {
        return DEVICE.equals(DeviceChoice.CPU);
    }

    /** Whether a request's numbers are the same, bit for bit, whoever shares its batch. */
    public static boolean isExact() {
        return isCpu() || INVARIANT;
    }

    /** What two answers to the same request have in common: all of it, or the number of tokens where sums may differ. */
    static Object repeatable(List<Choice> choices) {
        return isExact()
                ? choices
                : choices.stream().map(choice -> choice.tokens().size()).toList();
    }
}

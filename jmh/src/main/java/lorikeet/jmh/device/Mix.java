package lorikeet.jmh.device;

/** How a batch's requests are shared out over adapters; by which a load makes the four mixes of Punica (https://arxiv.org/abs/2310.18547). */
public enum Mix {
    /** Evenly. With one adapter, all requests are identical; with as many as requests, all are distinct. */
    UNIFORM {
        @Override
        int[] counts(int rows, int adapters) {
            int[] counts = new int[adapters];
            for (int i = 0; i < adapters; i++) {
                counts[i] = rows * (i + 1) / adapters - rows * i / adapters;
            }
            return counts;
        }
    },
    /** Each adapter has 1.5 times the requests of the next, and at least one. */
    SKEWED {
        @Override
        int[] counts(int rows, int adapters) {
            int[] counts = new int[adapters];
            int left = rows;
            for (int i = adapters - 1; i > 0; i--) {
                double share = (1 - 1 / SKEW) / (1 - Math.pow(SKEW, -adapters)) * Math.pow(SKEW, -i);
                // The others are not to be left without.
                counts[i] = Math.clamp(Math.round(rows * share), 1, left - i);
                left -= counts[i];
            }
            counts[0] = left;
            return counts;
        }
    };

    private static final double SKEW = 1.5;

    /** The requests of each adapter, which add up to {@code rows}; at least as many rows as adapters. */
    abstract int[] counts(int rows, int adapters);
}

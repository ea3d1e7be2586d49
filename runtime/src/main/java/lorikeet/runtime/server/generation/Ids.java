package lorikeet.runtime.server.generation;

import java.util.concurrent.ThreadLocalRandom;

/** Names for answers. */
public final class Ids {
    private Ids() {}

    /** A fresh name with a prefix that tells what it names. */
    public static String fresh(String prefix) {
        return prefix + Long.toHexString(ThreadLocalRandom.current().nextLong() | Long.MIN_VALUE);
    }
}

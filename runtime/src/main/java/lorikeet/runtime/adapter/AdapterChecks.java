package lorikeet.runtime.adapter;

import java.nio.file.Path;
import java.util.List;
import lorikeet.runtime.ErrorCode;
import lorikeet.runtime.LorikeetException;

/** Which adapters may be loaded and pinned, and what is said to those who ask for others. Safe for use by several threads. */
final class AdapterChecks {
    private static final int LONGEST_NAME = 256;

    private final AdapterLimits limits;

    AdapterChecks(AdapterLimits limits) {
        this.limits = limits;
    }

    static void checkName(String name) {
        if (name.isBlank()
                || name.length() > LONGEST_NAME
                || name.codePoints().anyMatch(AdapterChecks::isUnprintable)) {
            throw new LorikeetException(
                    ErrorCode.INVALID_REQUEST,
                    "an adapter's name must be printable, of 1 to " + LONGEST_NAME + " characters");
        }
    }

    /** Half a pair of UTF-16 can't be sent back, nor can controls be shown. */
    private static boolean isUnprintable(int character) {
        return Character.isISOControl(character) || Character.getType(character) == Character.SURROGATE;
    }

    void checkRank(LoadedAdapter loaded, Path folder) {
        if (loaded.maxRank() > limits.rank()) {
            throw new LorikeetException(
                    ErrorCode.INCOMPATIBLE,
                    folder + ": the adapter is incompatible with the highest rank that is allowed: it has rank "
                            + loaded.maxRank() + ", the limit is " + limits.rank());
        }
    }

    /** Refuses to pin an adapter of so many bytes beside those that are loaded now. */
    void checkPin(String name, long bytes, List<AdapterVersion> current) {
        List<AdapterVersion> others = current.stream()
                .filter(other -> other.pinned() && !other.name().equals(name))
                .toList();
        long total = bytes
                + others.stream().mapToLong(other -> other.loaded().bytes()).sum();
        if (others.size() >= limits.pinned() || total > limits.pinnedBytes()) {
            throw new LorikeetException(
                    ErrorCode.NO_ROOM,
                    "pinning the adapter " + name + " would lead to starvation of all that are not pinned: "
                            + others.size() + " are pinned already, of at most " + limits.pinned()
                            + ", and together they would hold " + total + " bytes, of at most " + limits.pinnedBytes());
        }
    }

    static LorikeetException neverLoaded(String name) {
        return new LorikeetException(
                ErrorCode.NOT_FOUND,
                "the adapter " + name + " is not loaded; it was unloaded or has never been loaded");
    }

    LorikeetException full(String name) {
        return new LorikeetException(
                ErrorCode.NO_ROOM,
                "no room for the adapter " + name + ": " + limits.loaded()
                        + " are loaded, which is the limit, and all of them are pinned or in use");
    }
}

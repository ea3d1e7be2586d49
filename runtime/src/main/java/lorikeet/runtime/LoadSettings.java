package lorikeet.runtime;

/**
 * How an adapter is loaded.
 *
 * @param pinned its weights stay on the device once they are there, and it never makes room for another
 * @param replace takes the place of an adapter with the same name, if there is one; else a taken name is refused
 * @param remembered it is noted in the state file, if the runtime keeps one
 */
public record LoadSettings(boolean pinned, boolean replace, boolean remembered) {
    /** Not pinned, under a free name, remembered. */
    public static final LoadSettings DEFAULT = new LoadSettings(false, false);

    /** Remembered. */
    public LoadSettings(boolean pinned, boolean replace) {
        this(pinned, replace, true);
    }
}

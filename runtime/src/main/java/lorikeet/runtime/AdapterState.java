package lorikeet.runtime;

/** Where an adapter is in its life. */
public enum AdapterState {
    /** Its files are being read; no request can name it yet. */
    LOADING,
    /** Mapped and checked; its weights are brought to the device when a request needs them. */
    READY,
    /** Its weights lie on the device. */
    RESIDENT,
    /** No new request gets it; those that hold it finish. */
    DRAINING,
    /** Gone, with all its memory. */
    CLOSED
}

package lorikeet.runtime;

/** What kind of thing went wrong, for programs; the message is for people. */
public enum ErrorCode {
    /** A model, an adapter, a file or a folder that does not exist. */
    NOT_FOUND,
    /** An adapter's name that is taken. */
    ALREADY_LOADED,
    /** A sound file that Lorikeet, or the model at hand, cannot use. */
    INCOMPATIBLE,
    /** A file that is damaged, incomplete, or not what it should be. */
    INVALID_FILE,
    /** A request that makes no sense. */
    INVALID_REQUEST,
    /** Not enough memory, or more than a limit allows. */
    NO_ROOM,
    /** Ended before it was done, by an unload or a close. */
    ABORTED,
    /** Not started, or not done, within its time limit. */
    TIMED_OUT,
    /** A mistake in Lorikeet, or a listener that threw; other requests are not touched by it. */
    INTERNAL
}

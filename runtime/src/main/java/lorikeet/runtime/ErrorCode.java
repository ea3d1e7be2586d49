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
    /** Ended before it was done, by a cancellation, a time limit, or a close. */
    ABORTED
}

package lorikeet.runtime;

/** Why a text ended. */
public enum FinishReason {
    /** The model ended it, or a stop string or stop token appeared. */
    STOP,
    /** It reached the most tokens asked for. */
    LENGTH,
    /** It was cancelled. */
    CANCELLED
}

package lorikeet.runtime.engine;

/**
 * An adapter, or the base model, that running sequences use, and when it had its turn. The composer's notes for one step
 * are here too, so that composing a step allocates little. Engine thread only.
 */
final class RunningAdapter {
    private final long id;
    private int sequences;
    private long lastStep = -1;
    private long lastPrompt = -1;
    private int wanted;
    private int granted;

    /** An adapter without sequences. */
    RunningAdapter(long id) {
        this.id = id;
    }

    /** The adapter's id, 0 for the base model. */
    long id() {
        return id;
    }

    boolean isBase() {
        return id == 0;
    }

    int sequences() {
        return sequences;
    }

    void sequences(int value) {
        sequences = value;
    }

    /** The number of the last step that had a sequence of it. */
    long lastStep() {
        return lastStep;
    }

    void lastStep(long value) {
        lastStep = value;
    }

    /** The number of the last step that had a part of a prompt for it. */
    long lastPrompt() {
        return lastPrompt;
    }

    void lastPrompt(long value) {
        lastPrompt = value;
    }

    /** The tokens, or those of prompts, that its sequences wait for. */
    int wanted() {
        return wanted;
    }

    void wanted(int value) {
        wanted = value;
    }

    /** The prompt tokens that it may have in this step. */
    int granted() {
        return granted;
    }

    void granted(int value) {
        granted = value;
    }
}

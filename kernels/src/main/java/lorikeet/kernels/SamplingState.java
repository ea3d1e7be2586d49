package lorikeet.kernels;

/**
 * What the sampler remembers of one sequence: the settings, which tokens were seen, and how many were drawn. Owned by
 * the sequence; used by one thread at a time.
 */
public interface SamplingState {
    /** How tokens are chosen. */
    SamplingSettings settings();

    /** Notes a token of the prompt. */
    void seePrompt(int token);

    /** Notes a token of the output; the sampler does this itself for what it samples. */
    void seeOutput(int token);
}

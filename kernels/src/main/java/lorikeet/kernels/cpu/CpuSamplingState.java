package lorikeet.kernels.cpu;

import lorikeet.kernels.SamplingSettings;
import lorikeet.kernels.SamplingState;

/** The settings and the tokens seen of one sequence. */
final class CpuSamplingState implements SamplingState {
    private final SamplingSettings settings;

    /** Tokens of the prompt with the count 0, tokens of the output with their count. Filled if penalties need it. */
    private final TokenCounts seen = new TokenCounts();

    private long outputs;

    CpuSamplingState(SamplingSettings settings) {
        this.settings = settings;
    }

    @Override
    public SamplingSettings settings() {
        return settings;
    }

    @Override
    public void seePrompt(int token) {
        see(token, 0);
    }

    @Override
    public void seeOutput(int token) {
        see(token, 1);
        outputs++;
    }

    private void see(int token, int times) {
        if (token < 0) {
            throw new IllegalArgumentException("token " + token);
        }
        if (settings.hasPenalties()) {
            seen.add(token, times);
        }
    }

    /** The tokens that penalties apply to. */
    TokenCounts seen() {
        return seen;
    }

    /** The number of output tokens. */
    long outputs() {
        return outputs;
    }

    /** The random number for the next token: its index is the number of output tokens seen before. */
    double nextUniform() {
        return Draws.uniform(settings.seed(), outputs);
    }
}

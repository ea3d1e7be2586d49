package lorikeet.kernels.cuda;

import lorikeet.kernels.SamplingSettings;
import lorikeet.kernels.SamplingState;

/** The tokens that a sequence has seen so far, and the state of the sampler that may have to help out. */
final class CudaSamplingState implements SamplingState {
    private final SamplingState host;
    private final SeenTokens seen = new SeenTokens();
    private long outputs;

    CudaSamplingState(SamplingState host) {
        this.host = host;
    }

    @Override
    public SamplingSettings settings() {
        return host.settings();
    }

    @Override
    public void seePrompt(int token) {
        host.seePrompt(token);
        if (settings().hasPenalties()) {
            seen.add(token, false);
        }
    }

    @Override
    public void seeOutput(int token) {
        host.seeOutput(token);
        noteOutput(token);
    }

    /** Notes a token of the output that the other sampler has noted already. */
    void noteOutput(int token) {
        if (settings().hasPenalties()) {
            seen.add(token, true);
        }
        outputs++;
    }

    SamplingState host() {
        return host;
    }

    /** What penalties apply to; empty without penalties. */
    SeenTokens seen() {
        return seen;
    }

    /** The tokens of the output so far, which is the number of the next draw. */
    long outputs() {
        return outputs;
    }
}

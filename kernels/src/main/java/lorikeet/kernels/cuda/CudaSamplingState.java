package lorikeet.kernels.cuda;

import java.lang.foreign.MemorySegment;
import lorikeet.kernels.SampledToken;
import lorikeet.kernels.SamplingSettings;
import lorikeet.kernels.SamplingState;
import org.jspecify.annotations.Nullable;

/** The tokens that a sequence has seen so far, and the state of the sampler that may have to help out. */
final class CudaSamplingState implements SamplingState {
    private final SamplingState host;
    private final SeenTokens seen = new SeenTokens();
    private long outputs;

    /** How many tokens of the output were not waited for so far, and the row of the last one in its sampling. */
    private int awaited;

    private int awaitedRow;

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

    /** Notes that a row of the sampling that was started last chooses the next token of the output. */
    void awaitOutput(int row) {
        awaited++;
        awaitedRow = row;
        outputs++;
    }

    /** Notes the first token that was awaited; null if there was none to choose. */
    void arrived(@Nullable SampledToken token) {
        awaited--;
        if (token != null) {
            host.seeOutput(token.id());
            if (settings().hasPenalties()) {
                seen.add(token.id(), true);
            }
        }
    }

    /** The state for the other sampler; it has only seen tokens that have arrived. */
    SamplingState host() {
        return host;
    }

    /** How many tokens penalties apply to, as often as they were seen; 0 without penalties. */
    int seenTokens() {
        return seen.size() + (awaited > 0 && settings().hasPenalties() ? 1 : 0);
    }

    /** Writes these tokens as {@link SeenTokens#write} does; one of them may be in the last sampling. */
    long writeSeen(MemorySegment to, long counts, int vocabulary) {
        long at = seen.write(to, counts, vocabulary);
        if (awaited > 0) {
            at += SeenTokens.writeChosen(to.asSlice(at), counts, awaitedRow);
        }
        return at;
    }

    /** The tokens of the output so far, which is the number of the next draw. */
    long outputs() {
        return outputs;
    }
}

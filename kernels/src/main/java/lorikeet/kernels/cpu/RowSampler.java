package lorikeet.kernels.cpu;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import lorikeet.kernels.LogitBias;
import lorikeet.kernels.SampledToken;
import lorikeet.kernels.SampledToken.TokenLogProb;
import lorikeet.kernels.SamplingSettings;
import org.jspecify.annotations.Nullable;

/**
 * Chooses the token of one row. One for each worker.
 *
 * <p>Of equally likely tokens those with smaller ids are kept, and taken, first. Among the tokens that are kept, the
 * draw takes the first, in the order of their ids, up to which the weights sum up to more than {@link Draws} times the
 * sum of all.
 */
final class RowSampler {
    private final Logits logits = new Logits();
    private float[] unbiased = new float[0];
    private float[] unpenalised = new float[0];

    /** The token for {@code state}, or null where {@link Logits#valid} is false. The logits are left unchanged. */
    @Nullable
    SampledToken sample(MemorySegment row, int vocabulary, CpuSamplingState state) {
        LogitBias bias = state.settings().bias();
        int biased = bias.size(state.outputs());
        if (biased == 0) {
            return sampleBiased(row, vocabulary, state);
        }
        bias(row, vocabulary, bias, biased, state.outputs());
        SampledToken token = sampleBiased(row, vocabulary, state);
        unbias(row, vocabulary, bias, biased);
        return token;
    }

    private void bias(MemorySegment row, int vocabulary, LogitBias bias, int biased, long outputs) {
        if (unbiased.length < biased) {
            unbiased = new float[biased];
        }
        for (int i = 0; i < biased; i++) {
            int token = bias.token(i);
            if (token < vocabulary) {
                unbiased[i] = row.get(JAVA_FLOAT, 4L * token);
                row.set(JAVA_FLOAT, 4L * token, unbiased[i] + bias.value(i, outputs));
            }
        }
    }

    private void unbias(MemorySegment row, int vocabulary, LogitBias bias, int biased) {
        for (int i = 0; i < biased; i++) {
            int token = bias.token(i);
            if (token < vocabulary) {
                row.set(JAVA_FLOAT, 4L * token, unbiased[i]);
            }
        }
    }

    private @Nullable SampledToken sampleBiased(MemorySegment row, int vocabulary, CpuSamplingState state) {
        SamplingSettings settings = state.settings();
        logits.scan(row, vocabulary);
        if (!logits.valid()) {
            return null;
        }
        double logSumExp = Double.NaN;
        List<TokenLogProb> alternatives = List.of();
        if (settings.logProbs() >= 0) {
            logSumExp = logits.logSumExp();
            alternatives = alternatives(settings.logProbs(), logSumExp);
        }
        int token;
        if (state.seen().size() > 0) {
            penalise(row, vocabulary, settings, state.seen());
            logits.scan();
            token = logits.valid() ? choose(state) : -1;
            restore(row, vocabulary, state.seen());
        } else {
            token = choose(state);
        }
        return token < 0 ? null : new SampledToken(token, logProb(logits.get(token), logSumExp), alternatives);
    }

    /** The log-probability of {@code token}, or null where {@link Logits#valid} is false. */
    @Nullable
    SampledToken score(MemorySegment row, int vocabulary, int token, int alternatives) {
        logits.scan(row, vocabulary);
        if (!logits.valid()) {
            return null;
        }
        double logSumExp = logits.logSumExp();
        float logProb = logProb(logits.get(token), logSumExp);
        return new SampledToken(token, logProb, alternatives(alternatives, logSumExp));
    }

    private static float logProb(float logit, double logSumExp) {
        return (float) (logit - logSumExp);
    }

    private List<TokenLogProb> alternatives(int count, double logSumExp) {
        if (count == 0) {
            return List.of();
        }
        int found = logits.collect(Float.NEGATIVE_INFINITY, count);
        long[] keys = logits.copy(found);
        Arrays.sort(keys, 0, found);
        List<TokenLogProb> list = new ArrayList<>(found);
        for (int i = found - 1; i >= 0; i--) {
            list.add(new TokenLogProb(TokenKeys.token(keys[i]), logProb(TokenKeys.logit(keys[i]), logSumExp)));
        }
        return List.copyOf(list);
    }

    private int choose(CpuSamplingState state) {
        SamplingSettings settings = state.settings();
        if (settings.temperature() == 0) {
            return logits.best();
        }
        TokenWeights weights = new TokenWeights(logits.max(), settings.temperature());
        double uniform = state.nextUniform();
        if (settings.minP() == 0 && settings.topK() == 0 && settings.topP() == 1) {
            return logits.draw(weights, uniform);
        }
        return draw(keep(settings, weights), weights, uniform);
    }

    /** Collects the tokens that the settings keep and returns their number. */
    private int keep(SamplingSettings settings, TokenWeights weights) {
        // exp((logit - max) / temperature) >= minP, without rounding the weights; for 0 it is negative infinity.
        float least = (float) (weights.max() + settings.temperature() * Math.log(settings.minP()));
        int found = logits.collect(least, settings.topK() == 0 ? Integer.MAX_VALUE : settings.topK());
        if (settings.topP() < 1) {
            double mass = settings.topP() * sum(found, weights);
            found = logits.keep(found, TokenKeys.reaching(mass, logits.copy(found), found, weights));
        }
        return found;
    }

    private double sum(int found, TokenWeights weights) {
        double sum = 0;
        for (int i = 0; i < found; i++) {
            sum += weights.of(logits.keys()[i]);
        }
        return sum;
    }

    private int draw(int found, TokenWeights weights, double uniform) {
        long[] keys = logits.keys();
        double left = uniform * sum(found, weights);
        int last = -1;
        for (int i = 0; i < found && left >= 0; i++) {
            float weight = weights.of(keys[i]);
            if (weight > 0) {
                last = TokenKeys.token(keys[i]);
                left -= weight;
            }
        }
        return last;
    }

    private void penalise(MemorySegment row, int vocabulary, SamplingSettings settings, TokenCounts seen) {
        if (unpenalised.length < seen.slots()) {
            unpenalised = new float[seen.slots()];
        }
        for (int slot = 0; slot < seen.slots(); slot++) {
            int token = seen.token(slot);
            if (token >= 0 && token < vocabulary) {
                float logit = logits.get(token);
                unpenalised[slot] = logit;
                float penalty = settings.repetitionPenalty();
                float penalised = logit > 0 ? logit / penalty : logit * penalty;
                if (seen.count(slot) > 0) {
                    penalised -= settings.frequencyPenalty() * seen.count(slot) + settings.presencePenalty();
                }
                row.set(JAVA_FLOAT, 4L * token, penalised);
            }
        }
    }

    private void restore(MemorySegment row, int vocabulary, TokenCounts seen) {
        for (int slot = 0; slot < seen.slots(); slot++) {
            int token = seen.token(slot);
            if (token >= 0 && token < vocabulary) {
                row.set(JAVA_FLOAT, 4L * token, unpenalised[slot]);
            }
        }
    }
}

package lorikeet.kernels;

import java.util.Collections;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * What is added to the logits of some tokens before anything else is done with them, and which tokens must not be chosen
 * until there are so many others. Immutable.
 */
public final class LogitBias {
    /** Changes nothing. */
    public static final LogitBias NONE = new LogitBias(Map.of(), Set.of(), 0);

    private final Map<Integer, Float> values;
    private final Set<Integer> barred;
    private final int barredOutputs;

    /** Each token once: first those of {@code values}, then those that are only barred. */
    private final int[] tokens;

    /** What is added to each, at first and later. */
    private final float[] early;

    private final float[] late;

    private LogitBias(Map<Integer, Float> values, Set<Integer> barred, int barredOutputs) {
        this.values = Collections.unmodifiableMap(new TreeMap<>(values));
        this.barred = Collections.unmodifiableSet(new TreeSet<>(barred));
        this.barredOutputs = barredOutputs;
        Set<Integer> all = new LinkedHashSet<>(this.values.keySet());
        all.addAll(this.barred);
        tokens = new int[all.size()];
        early = new float[all.size()];
        late = new float[all.size()];
        int next = 0;
        for (int token : all) {
            tokens[next] = token;
            late[next] = values.getOrDefault(token, 0f);
            early[next] = barred.contains(token) ? Float.NEGATIVE_INFINITY : late[next];
            next++;
        }
    }

    /**
     * Adds numbers to logits.
     *
     * @param values by token; finite, or negative infinity for a token that must never be chosen
     */
    public static LogitBias of(Map<Integer, Float> values) {
        values.forEach((token, value) -> {
            if (token < 0 || !(value < Float.POSITIVE_INFINITY)) {
                throw new IllegalArgumentException("a bias of " + value + " for the token " + token);
            }
        });
        return new LogitBias(values, Set.of(), 0);
    }

    /**
     * The same, and these tokens are none of the first {@code outputs} tokens of the output.
     *
     * @param outputs 0 for no such rule
     */
    public LogitBias barring(Set<Integer> these, int outputs) {
        if (outputs < 0 || these.stream().anyMatch(token -> token < 0)) {
            throw new IllegalArgumentException("tokens " + these + " barred from the first " + outputs);
        }
        return new LogitBias(values, outputs == 0 ? Set.of() : these, outputs);
    }

    /** The number of tokens whose logits change, where the output has so many tokens already. */
    public int size(long outputs) {
        return outputs < barredOutputs ? tokens.length : values.size();
    }

    /** One of these tokens; no two are the same. */
    public int token(int index) {
        return tokens[index];
    }

    /** What is added to its logit, where the output has so many tokens already. */
    public float value(int index, long outputs) {
        return outputs < barredOutputs ? early[index] : late[index];
    }

    @Override
    public boolean equals(Object other) {
        return other instanceof LogitBias bias
                && values.equals(bias.values)
                && barred.equals(bias.barred)
                && barredOutputs == bias.barredOutputs;
    }

    @Override
    public int hashCode() {
        return Objects.hash(values, barred, barredOutputs);
    }

    @Override
    public String toString() {
        return "bias " + values + ", " + barred + " not among the first " + barredOutputs;
    }
}

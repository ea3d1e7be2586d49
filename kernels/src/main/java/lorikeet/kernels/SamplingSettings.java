package lorikeet.kernels;

/**
 * How the next token is chosen from the logits.
 *
 * <p>In this order: the bias and the penalties change the logits; a temperature of 0 takes the largest (of equals the one with the
 * smallest id); otherwise logits are divided by the temperature, tokens are kept by {@code minP}, then {@code topK},
 * then {@code topP} (in terms of the softmax over what is still kept), and one is drawn.
 *
 * @param temperature 0 for greedy
 * @param topK keep the k most likely tokens; 0 for all
 * @param topP keep the smallest set of most likely tokens whose probabilities reach this sum; 1 for all
 * @param minP keep tokens at least this fraction as likely as the most likely one; 0 for all
 * @param repetitionPenalty divides positive and multiplies negative logits of tokens seen in prompt or output; 1 for
 *     none (https://arxiv.org/abs/1909.05858)
 * @param presencePenalty subtracted from the logits of tokens seen in the output
 * @param frequencyPenalty subtracted once for each time that a token was seen in the output
 * @param seed of the random draws: the same seed and logits give the same tokens
 * @param logProbs number of most likely alternatives to report with each token; 0 for the token's own only, -1 for
 *     nothing. They are logarithms of the softmax over the logits with their bias, without penalties.
 * @param bias what is added to the logits of some tokens
 */
public record SamplingSettings(
        float temperature,
        int topK,
        float topP,
        float minP,
        float repetitionPenalty,
        float presencePenalty,
        float frequencyPenalty,
        long seed,
        int logProbs,
        LogitBias bias) {
    /** Greedy choice without penalties. */
    public static final SamplingSettings GREEDY = new SamplingSettings(0, 0, 1, 0, 1, 0, 0, 0, -1);

    public SamplingSettings {
        require(temperature >= 0 && Float.isFinite(temperature), "temperature", temperature, "0 or more");
        require(topK >= 0, "topK", topK, "0 or more");
        require(topP > 0 && topP <= 1, "topP", topP, "in (0, 1]");
        require(minP >= 0 && minP <= 1, "minP", minP, "in [0, 1]");
        require(
                repetitionPenalty > 0 && Float.isFinite(repetitionPenalty),
                "repetitionPenalty",
                repetitionPenalty,
                "more than 0");
        require(Float.isFinite(presencePenalty), "presencePenalty", presencePenalty, "finite");
        require(Float.isFinite(frequencyPenalty), "frequencyPenalty", frequencyPenalty, "finite");
        require(logProbs >= -1, "logProbs", logProbs, "-1 or more");
    }

    /** Settings without a bias. */
    public SamplingSettings(
            float temperature,
            int topK,
            float topP,
            float minP,
            float repetitionPenalty,
            float presencePenalty,
            float frequencyPenalty,
            long seed,
            int logProbs) {
        this(
                temperature,
                topK,
                topP,
                minP,
                repetitionPenalty,
                presencePenalty,
                frequencyPenalty,
                seed,
                logProbs,
                LogitBias.NONE);
    }

    private static void require(boolean holds, String name, Number value, String accepted) {
        if (!holds) {
            throw new IllegalArgumentException(name + " is " + value + ", it must be " + accepted);
        }
    }

    /** The same with another seed. */
    public SamplingSettings withSeed(long value) {
        return new SamplingSettings(
                temperature,
                topK,
                topP,
                minP,
                repetitionPenalty,
                presencePenalty,
                frequencyPenalty,
                value,
                logProbs,
                bias);
    }

    /** The same with another temperature; 0 for greedy. */
    public SamplingSettings withTemperature(float value) {
        return new SamplingSettings(
                value, topK, topP, minP, repetitionPenalty, presencePenalty, frequencyPenalty, seed, logProbs, bias);
    }

    /** The same, drawing from the k most likely tokens; 0 for all. */
    public SamplingSettings withTopK(int value) {
        return new SamplingSettings(
                temperature,
                value,
                topP,
                minP,
                repetitionPenalty,
                presencePenalty,
                frequencyPenalty,
                seed,
                logProbs,
                bias);
    }

    /** The same, drawing from the most likely tokens whose probabilities reach this sum; 1 for all. */
    public SamplingSettings withTopP(float value) {
        return new SamplingSettings(
                temperature,
                topK,
                value,
                minP,
                repetitionPenalty,
                presencePenalty,
                frequencyPenalty,
                seed,
                logProbs,
                bias);
    }

    /** The same, drawing from tokens at least this fraction as likely as the most likely one; 0 for all. */
    public SamplingSettings withMinP(float value) {
        return new SamplingSettings(
                temperature,
                topK,
                topP,
                value,
                repetitionPenalty,
                presencePenalty,
                frequencyPenalty,
                seed,
                logProbs,
                bias);
    }

    /** The same with other penalties; 1, 0 and 0 for none. */
    public SamplingSettings withPenalties(float repetition, float presence, float frequency) {
        return new SamplingSettings(
                temperature, topK, topP, minP, repetition, presence, frequency, seed, logProbs, bias);
    }

    /** The same, reporting log-probabilities with this many alternatives; -1 for none at all. */
    public SamplingSettings withLogProbs(int value) {
        return new SamplingSettings(
                temperature, topK, topP, minP, repetitionPenalty, presencePenalty, frequencyPenalty, seed, value, bias);
    }

    /** The same with another bias. */
    public SamplingSettings withBias(LogitBias value) {
        return new SamplingSettings(
                temperature,
                topK,
                topP,
                minP,
                repetitionPenalty,
                presencePenalty,
                frequencyPenalty,
                seed,
                logProbs,
                value);
    }

    /** True when some token's logit depends on the tokens seen so far. */
    public boolean hasPenalties() {
        return repetitionPenalty != 1 || presencePenalty != 0 || frequencyPenalty != 0;
    }
}

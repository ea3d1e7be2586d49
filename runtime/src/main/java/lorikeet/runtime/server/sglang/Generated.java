package lorikeet.runtime.server.sglang;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonUnwrapped;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * An answer of {@code /generate}, or what of it there is so far.
 *
 * @param index which of several texts it is, in a stream
 */
record Generated(
        String text,
        List<Integer> outputIds,
        MetaInfo metaInfo,
        @JsonInclude(JsonInclude.Include.NON_NULL) @Nullable Integer index) {
    /** What is to be said about a text. */
    record MetaInfo(
            String id,
            @Nullable Finish finishReason,
            int promptTokens,
            String weightVersion,
            int completionTokens,
            int cachedTokens,

            @JsonInclude(JsonInclude.Include.NON_NULL) @Nullable
            Double e2eLatency,

            @JsonInclude(JsonInclude.Include.NON_NULL) @Nullable
            Double queueTime,

            @JsonUnwrapped @Nullable LogProbs logProbs) {}

    /** Flattened into the meta info. */
    record LogProbs(
            List<List<@Nullable Object>> inputTokenLogprobs,
            List<List<@Nullable Object>> outputTokenLogprobs,
            int outputTokenLogprobsLength,

            @JsonInclude(JsonInclude.Include.NON_NULL) @Nullable
            List<@Nullable List<List<@Nullable Object>>> inputTopLogprobs,

            @JsonInclude(JsonInclude.Include.NON_NULL) @Nullable
            List<@Nullable List<List<@Nullable Object>>> outputTopLogprobs) {}
}

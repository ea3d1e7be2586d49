package lorikeet.runtime.server.generation;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;
import lorikeet.kernels.LogitBias;
import lorikeet.kernels.SamplingSettings;
import lorikeet.runtime.Request;
import lorikeet.runtime.server.generation.Sampling.Dialect;
import lorikeet.runtime.server.http.Json;
import lorikeet.runtime.server.http.JsonBody;
import org.junit.jupiter.api.Test;

/** Every field arrives at the setting that it is for. */
final class SamplingTest {
    private static final RequestLimits LIMITS = new RequestLimits(1, 8, 64, 100);

    private static JsonBody body(String fields) {
        return Json.object(("{" + fields.replace('\'', '"') + "}").getBytes(StandardCharsets.UTF_8));
    }

    private static Sampling read(String fields, SamplingSettings recommended) {
        return Sampling.read(body(fields), Dialect.OPENAI, recommended, LIMITS);
    }

    private static SamplingSettings settings(String fields) {
        return read(fields, SamplingSettings.GREEDY).settings();
    }

    @Test
    void allFieldsCount() {
        Sampling sampling = read(
                "'temperature': 0.5, 'top_p': 0.9, 'top_k': 40, 'min_p': 0.1, 'repetition_penalty': 1.2, "
                        + "'presence_penalty': -0.5, 'frequency_penalty': 1.5, 'seed': -7, 'n': 3, 'stop': ['a', 'b'], "
                        + "'stop_token_ids': [5, 6], 'min_tokens': 4, 'logit_bias': {'7': -100, '0': 1.5}, 'include_stop_str_in_output': true, 'ignore_eos': true",
                SamplingSettings.GREEDY);
        LogitBias bias = LogitBias.of(Map.of(7, -100f, 0, 1.5f));
        assertThat(sampling.settings())
                .isEqualTo(new SamplingSettings(0.5f, 40, 0.9f, 0.1f, 1.2f, -0.5f, 1.5f, 0, -1, bias));
        Request request = sampling.withLogProbs(2).request(List.of(1), 9);
        assertThat(request.sampling().logProbs()).isEqualTo(2);
        assertThat(request.seed()).hasValue(-7);
        assertThat(request.choices()).isEqualTo(3);
        assertThat(request.stop()).containsExactly("a", "b");
        assertThat(request.stopTokens()).containsExactlyInAnyOrder(5, 6);
        assertThat(request.keepStop()).isTrue();
        assertThat(request.ignoreEnd()).isTrue();
        assertThat(request.maxTokens()).isEqualTo(9);
        assertThat(request.minTokens()).isEqualTo(4);
        assertThat(request.sampling().bias()).isEqualTo(bias);
    }

    @Test
    void withoutFieldsTheApisDefaultsCount() {
        assertThat(settings("")).isEqualTo(new SamplingSettings(1, 0, 1, 0, 1, 0, 0, 0, -1));
    }

    @Test
    void whatTheMakersRecommendCountsWhereNothingElseIsSaid() {
        SamplingSettings recommended = new SamplingSettings(0.6f, 20, 0.95f, 0, 1.05f, 0, 0, 0, -1);
        assertThat(read("", recommended).settings()).isEqualTo(recommended);
        assertThat(read("'temperature': 0, 'top_k': -1", recommended).settings())
                .isEqualTo(recommended.withTemperature(0).withTopK(0));
    }

    @Test
    void zeroAsTopPLeavesTheLikeliestToken() {
        assertThat(settings("'top_p': 0").topP()).isPositive().isLessThan(1e-30f);
    }

    @Test
    void sglangHasNamesOfItsOwn() {
        Sampling sampling = Sampling.read(
                body("'sampling_seed': 3, 'no_stop_trim': true, 'min_new_tokens': 2"),
                Dialect.SGLANG,
                SamplingSettings.GREEDY,
                LIMITS);
        assertThat(sampling.seed()).hasValue(3);
        assertThat(sampling.keepStop()).isTrue();
        assertThat(sampling.minTokens()).isEqualTo(2);
    }
}

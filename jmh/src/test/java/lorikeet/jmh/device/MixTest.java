package lorikeet.jmh.device;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class MixTest {
    @ParameterizedTest
    @EnumSource
    void everyAdapterHasRequestsAndTogetherTheyHaveAll(Mix mix) {
        for (int rows = 1; rows <= 130; rows++) {
            for (int adapters = 1; adapters <= Math.min(rows, 8); adapters++) {
                int[] counts = mix.counts(rows, adapters);
                assertThat(counts).hasSize(adapters);
                assertThat(Arrays.stream(counts).sum()).isEqualTo(rows);
                assertThat(Arrays.stream(counts).min().orElseThrow()).isPositive();
            }
        }
    }

    @Test
    void uniformIsEvenAndSkewedFallsByHalfAgain() {
        assertThat(Mix.UNIFORM.counts(32, 8)).containsOnly(4);
        assertThat(Mix.SKEWED.counts(64, 8)).containsExactly(22, 15, 10, 7, 4, 3, 2, 1);
    }

    @Test
    void rowsOfAnAdapterStandTogether() {
        assertThat(Load.parse("5/2").adapterOfRow(Mix.UNIFORM)).containsExactly(0, 0, 1, 1, 1);
        assertThat(Load.parse("3/0").adapterOfRow(Mix.UNIFORM)).containsOnly(-1);
    }
}

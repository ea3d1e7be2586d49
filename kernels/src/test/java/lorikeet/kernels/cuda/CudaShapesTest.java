package lorikeet.kernels.cuda;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class CudaShapesTest {
    @Test
    void namesTheDimensionThatTheKernelsDontTake() {
        assertThat(CudaShapes.refusal(60, 12))
                .hasValueSatisfying(reason -> assertThat(reason).contains("hidden size is 60"));
        assertThat(CudaShapes.refusal(72, 12))
                .hasValueSatisfying(reason -> assertThat(reason).contains("head size is 12"));
        assertThat(CudaShapes.refusal(3200, 100))
                .hasValueSatisfying(reason -> assertThat(reason).contains("head size is 100"));
        assertThat(CudaShapes.refusal(4096, 264))
                .hasValueSatisfying(reason -> assertThat(reason).contains("head size is 264"));
    }

    @Test
    void batchInvariantProductsReadMultiplesOfEight() {
        assertThat(CudaShapes.invariantRefusal(14336)).isEmpty();
        assertThat(CudaShapes.invariantRefusal(100))
                .hasValueSatisfying(reason -> assertThat(reason).contains("intermediate size is 100"));
    }

    @Test
    void takesMultiplesOfEight() {
        assertThat(CudaShapes.refusal(56, 24)).isEmpty();
        assertThat(CudaShapes.refusal(4096, 128)).isEmpty();
        assertThat(CudaShapes.refusal(2048, 256)).isEmpty();
    }
}

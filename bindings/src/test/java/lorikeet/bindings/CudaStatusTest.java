package lorikeet.bindings;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import lorikeet.bindings.cuda.CudaDriverApi;
import org.junit.jupiter.api.Test;

class CudaStatusTest {
    private final CudaStatus status = new CudaStatus(new FakeDriver(13000));

    @Test
    void successPasses() {
        status.check(0, "cuMemAlloc");
        status.checkAllocation(0, "cuMemAlloc", 5);
        assertThat(status.isDone(0, "cuEventQuery")).isTrue();
    }

    @Test
    void failureCarriesNameNumberAndOperation() {
        CudaException e = catchThrowableOfType(CudaException.class, () -> status.check(1, "cuMemFree"));
        assertThat(e).hasMessage("cuMemFree failed: CUDA_ERROR_INVALID_VALUE (1): invalid argument");
        assertThat(e.status()).isEqualTo(1);
        assertThat(e.statusName()).isEqualTo("CUDA_ERROR_INVALID_VALUE");
        assertThat(e.operation()).isEqualTo("cuMemFree");
        assertThat(e).isNotInstanceOf(CudaOutOfMemoryException.class);
    }

    @Test
    void outOfMemoryHasAType() {
        assertThatThrownBy(() -> status.checkAllocation(2, "cuMemAlloc", 2097152))
                .isInstanceOf(CudaOutOfMemoryException.class)
                .hasMessage("cuMemAlloc of 2097152 bytes failed: CUDA_ERROR_OUT_OF_MEMORY (2): out of memory");
        assertThatThrownBy(() -> status.check(2, "cuGraphInstantiate")).isInstanceOf(CudaOutOfMemoryException.class);
    }

    @Test
    void aStatusThatTheDriverDoesNotKnowKeepsItsNumber() {
        assertThatThrownBy(() -> status.check(4711, "cuLaunchKernel"))
                .isInstanceOf(CudaException.class)
                .hasMessage("cuLaunchKernel failed: unknown CUresult (4711): the driver has no description of it");
    }

    @Test
    void notReadyIsAnAnswerOfAQueryOnly() {
        assertThat(status.isDone(600, "cuEventQuery")).isFalse();
        assertThatThrownBy(() -> status.isDone(1, "cuEventQuery")).isInstanceOf(CudaException.class);
        assertThatThrownBy(() -> status.check(600, "cuMemAlloc")).hasMessageContaining("CUDA_ERROR_NOT_READY (600)");
    }

    @Test
    void numbersWrittenOutAreThoseOfTheHeader() {
        assertThat(CudaStatus.SUCCESS).isEqualTo(CudaDriverApi.CUDA_SUCCESS());
        assertThat(CudaStatus.OUT_OF_MEMORY).isEqualTo(CudaDriverApi.CUDA_ERROR_OUT_OF_MEMORY());
        assertThat(CudaStatus.NOT_READY).isEqualTo(CudaDriverApi.CUDA_ERROR_NOT_READY());
        assertThat(CudaDriver.COMPUTE_CAPABILITY_MAJOR)
                .isEqualTo(CudaDriverApi.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR());
        assertThat(CudaDriver.COMPUTE_CAPABILITY_MINOR)
                .isEqualTo(CudaDriverApi.CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MINOR());
        assertThat(CudaDriver.OLDEST).isEqualTo(CudaVersion.of(CudaDriverApi.CUDA_VERSION()));
    }
}

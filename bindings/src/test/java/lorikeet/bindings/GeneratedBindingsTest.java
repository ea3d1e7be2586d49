package lorikeet.bindings;

import static org.assertj.core.api.Assertions.assertThat;

import java.lang.reflect.Method;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import lorikeet.bindings.cublaslt.CublasLtApi;
import lorikeet.bindings.cublaslt.cublasLtMatmulHeuristicResult_t;
import lorikeet.bindings.cuda.CUgraphExecUpdateResultInfo_st;
import lorikeet.bindings.cuda.CUlaunchAttribute_st;
import lorikeet.bindings.cuda.CUlaunchConfig_st;
import lorikeet.bindings.cuda.CUmemAccessDesc_st;
import lorikeet.bindings.cuda.CUmemAllocationProp_st;
import lorikeet.bindings.cuda.CUmemLocation_st;
import lorikeet.bindings.cuda.CudaDriverApi;
import org.junit.jupiter.api.Test;

class GeneratedBindingsTest {
    @Test
    void whatTheIncludeListsNameWasGenerated() throws Exception {
        assertGenerated(CudaDriverApi.class, "cuda.includes", 100);
        assertGenerated(CublasLtApi.class, "cublaslt.includes", 25);
    }

    private static void assertGenerated(Class<?> header, String list, int least) throws Exception {
        Set<String> methods =
                Arrays.stream(header.getMethods()).map(Method::getName).collect(Collectors.toSet());
        List<String[]> includes = Files.readAllLines(Path.of("src/generated", list)).stream()
                .filter(line -> line.startsWith("--include-"))
                .map(line -> line.split(" ", -1))
                .toList();
        assertThat(includes).hasSizeGreaterThan(least);
        for (String[] include : includes) {
            switch (include[0]) {
                case "--include-function", "--include-constant" ->
                    assertThat(methods).contains(include[1]);
                default ->
                    assertThat(Class.forName(header.getPackageName() + "." + include[1]))
                            .hasPublicMethods("layout", "sizeof");
            }
        }
    }

    /** Sizes as the C compiler gives them for the headers of CUDA 13.0 on 64-bit Linux. */
    @Test
    void structsHaveTheSizesOfTheHeader() {
        assertThat(CUmemLocation_st.sizeof()).isEqualTo(8);
        assertThat(CUmemAccessDesc_st.sizeof()).isEqualTo(12);
        assertThat(CUmemAllocationProp_st.sizeof()).isEqualTo(32);
        assertThat(CUlaunchConfig_st.sizeof()).isEqualTo(56);
        assertThat(CUlaunchAttribute_st.sizeof()).isEqualTo(72);
        assertThat(CUgraphExecUpdateResultInfo_st.sizeof()).isEqualTo(24);
        assertThat(cublasLtMatmulHeuristicResult_t.sizeof()).isEqualTo(96);
    }
}

// cuBLASLt for the native benchmarks, found when they run: y = x W' in bf16 with f32 sums.
#pragma once

#include <cublasLt.h>
#include <dlfcn.h>

#include <memory>

#include "check.cuh"

namespace check {

class CublasLt {
  public:
    struct Product {
        cublasLtMatmulDesc_t description;
        cublasLtMatrixLayout_t weight, x, y;
        std::vector<cublasLtMatmulHeuristicResult_t> algorithms;  // the one that the library thinks fastest first
    };

    // Null, and a line that says so, where there is no library.
    static std::unique_ptr<CublasLt> open() {
        void* const library = dlopen("libcublasLt.so.13", RTLD_NOW);
        if (library == nullptr) {
            std::printf("without cuBLASLt: %s\n", dlerror());
            return nullptr;
        }
        return std::unique_ptr<CublasLt>(new CublasLt(library));
    }

    // x is [rows, in], W [out, in], y [rows, out] in bf16 or f32.
    Product product(int rows, int out, int in, bool float_output, int most) const {
        Product product = {};
        expect_success(create_description_(&product.description, CUBLAS_COMPUTE_32F, CUDA_R_32F));
        const cublasOperation_t transposed = CUBLAS_OP_T;
        expect_success(set_description_(product.description, CUBLASLT_MATMUL_DESC_TRANSA, &transposed,
                                        sizeof transposed));
        expect_success(create_layout_(&product.weight, CUDA_R_16BF, in, out, in));
        expect_success(create_layout_(&product.x, CUDA_R_16BF, in, rows, in));
        expect_success(create_layout_(&product.y, float_output ? CUDA_R_32F : CUDA_R_16BF, out, rows, out));
        cublasLtMatmulPreference_t preference;
        expect_success(create_preference_(&preference));
        const size_t bytes = WORKSPACE_BYTES;
        expect_success(
            set_preference_(preference, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, &bytes, sizeof bytes));
        product.algorithms.resize(most);
        int count = 0;
        expect_success(heuristic_(handle_, product.description, product.weight, product.x, product.y, product.y,
                                  preference, most, product.algorithms.data(), &count));
        product.algorithms.resize(count);
        return product;
    }

    void run(const Product& product, size_t algorithm, const void* x, const void* weight, void* y,
             cudaStream_t stream) const {
        const float one = 1;
        const float zero = 0;
        expect_success(multiply_(handle_, product.description, &one, weight, product.weight, x, product.x, &zero, y,
                                 product.y, y, product.y, &product.algorithms[algorithm].algo, workspace_.data(),
                                 WORKSPACE_BYTES, stream));
    }

  private:
    static constexpr size_t WORKSPACE_BYTES = 64 << 20;

    explicit CublasLt(void* library) : workspace_(WORKSPACE_BYTES) {
        find(library, "cublasLtMatmulDescCreate", create_description_);
        find(library, "cublasLtMatmulDescSetAttribute", set_description_);
        find(library, "cublasLtMatrixLayoutCreate", create_layout_);
        find(library, "cublasLtMatmulPreferenceCreate", create_preference_);
        find(library, "cublasLtMatmulPreferenceSetAttribute", set_preference_);
        find(library, "cublasLtMatmulAlgoGetHeuristic", heuristic_);
        find(library, "cublasLtMatmul", multiply_);
        decltype(&cublasLtCreate) create;
        find(library, "cublasLtCreate", create);
        expect_success(create(&handle_));
    }

    template <typename Function>
    static void find(void* library, const char* name, Function& function) {
        function = reinterpret_cast<Function>(dlsym(library, name));
        if (function == nullptr) {
            std::printf("cuBLASLt has no %s\n", name);
            std::exit(2);
        }
    }

    static void expect_success(cublasStatus_t status) {
        if (status != CUBLAS_STATUS_SUCCESS) {
            std::printf("cuBLASLt failed: %d\n", static_cast<int>(status));
            std::exit(2);
        }
    }

    decltype(&cublasLtMatmulDescCreate) create_description_;
    decltype(&cublasLtMatmulDescSetAttribute) set_description_;
    decltype(&cublasLtMatrixLayoutCreate) create_layout_;
    decltype(&cublasLtMatmulPreferenceCreate) create_preference_;
    decltype(&cublasLtMatmulPreferenceSetAttribute) set_preference_;
    decltype(&cublasLtMatmulAlgoGetHeuristic) heuristic_;
    decltype(&cublasLtMatmul) multiply_;
    cublasLtHandle_t handle_;
    Buffer<unsigned char> workspace_;
};

}  // namespace check

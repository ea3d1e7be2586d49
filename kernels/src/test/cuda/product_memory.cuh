// The memory that the blocks of decode products leave sums to one another in.
#pragma once

#include "../../main/cuda/decode_product.cuh"
#include "check.cuh"

namespace check {

inline int multiprocessors() {
    int count;
    CUDA(cudaDeviceGetAttribute(&count, cudaDevAttrMultiProcessorCount, 0));
    return count;
}

// For kernels of up to so many rows, launched in as many blocks as there are multiprocessors.
class ProductMemory {
  public:
    explicit ProductMemory(int most_rows)
        : partial_(static_cast<size_t>(multiprocessors()) * most_rows * lorikeet::DECODE_PRODUCT_OUT), ready_(no_flags()) {}

    lorikeet::DecodeProduct call(const lorikeet::MatVec& product, bool outputs = false) const {
        lorikeet::DecodeProduct call = {};
        call.product = product;
        call.partial = partial_.data();
        call.ready = ready_.data();
        call.outputs = outputs ? 1 : 0;
        return call;
    }

    // Whether the flags are as they were before.
    bool is_clean() const { return ready_.download() == no_flags(); }

  private:
    static std::vector<unsigned> no_flags() { return std::vector<unsigned>(4 * static_cast<size_t>(multiprocessors()), 0); }

    Buffer<float> partial_;
    Buffer<unsigned> ready_;
};

}  // namespace check

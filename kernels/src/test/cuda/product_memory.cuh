// The memory that the blocks of decode products leave sums to one another in.
#pragma once

#include "../../main/cuda/decode_product.cuh"
#include "check.cuh"

#include <algorithm>

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
        : partial_(static_cast<size_t>(multiprocessors()) * most_rows * lorikeet::DECODE_PRODUCT_OUT) {}

    lorikeet::DecodeProduct call(const lorikeet::MatVec& product, bool outputs = false) const {
        lorikeet::DecodeProduct call = {};
        call.product = product;
        call.partial = partial_.data();
        call.outputs = outputs ? 1 : 0;
        return call;
    }

    // Whether no sum is left.
    bool is_clean() const {
        const std::vector<float> left = partial_.download();
        return std::all_of(left.begin(), left.end(), [](float v) { return std::memcmp(&v, "\xff\xff\xff\xff", 4) == 0; });
    }

  private:
    Buffer<float> partial_;  // full of what is no sum
};

}  // namespace check

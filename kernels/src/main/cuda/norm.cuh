// The end of a norm, eight columns at a time.
#pragma once

#include "vectors.cuh"

namespace lorikeet {

__device__ __forceinline__ Eight<__nv_bfloat16> norm_weight(const __nv_bfloat16* weight, int column, int size, bool fast) {
    Eight<__nv_bfloat16> packed;
    packed.load(weight, column, size, fast && aligned(weight, 16));
    return packed;
}

// v * factor * weight.
__device__ __forceinline__ void store_norm(
    __nv_bfloat16* row, int column, int size, bool fast, const Eight<__nv_bfloat16>& weight, float factor, float (&v)[8]) {
    float w[8];
    weight.unpack(w);
#pragma unroll
    for (int c = 0; c < 8; c++) {
        v[c] = v[c] * factor * w[c];
    }
    store_row8(row, column, size, fast, v);
}

}  // namespace lorikeet

// h as products take it.
#pragma once

#include "shrink_product.cuh"

namespace lorikeet {

// Four ranks of a row of h as products take them: their values in bf16, and what that leaves of them.
__device__ __forceinline__ uint4 halves_of_ranks(float4 h) {
    unsigned a = pack_bf16(h.x, h.y);
    unsigned b = pack_bf16(h.z, h.w);
    return make_uint4(a, b, pack_bf16(h.x - low(a), h.y - high(a)), pack_bf16(h.z - low(b), h.w - high(b)));
}

namespace shrinking {

// Where the sums of one part go, as halves_of_ranks.
struct WholeTarget {
    float* to;  // of the first row
    int row_stride;
    int rows;

    // sum: ranks `rank` and `rank` + 8 (z and w) of two tokens.
    __device__ __forceinline__ void store(int rank, int token, float4 sum) const {
        if (token < rows) {
            store(rank, token, sum.x);
            store(rank + 8, token, sum.z);
        }
        if (token + 1 < rows) {
            store(rank, token + 1, sum.y);
            store(rank + 8, token + 1, sum.w);
        }
    }

  private:
    __device__ __forceinline__ void store(int rank, int token, float sum) const {
        float* row = to + static_cast<size_t>(token) * row_stride;
        auto* place = reinterpret_cast<__nv_bfloat16*>(row + rank / 4 * 4) + rank % 4;
        __nv_bfloat16 value = __float2bfloat16_rn(sum);
        place[0] = value;
        place[4] = __float2bfloat16_rn(sum - __bfloat162float(value));
    }
};

}  // namespace shrinking

}  // namespace lorikeet

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

}  // namespace lorikeet

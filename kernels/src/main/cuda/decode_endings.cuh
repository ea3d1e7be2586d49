// What decode products share that finish their projection in the same launch: see decode_product_run.cuh.
//
// An adapter's part is a type of its own, so that steps without adapters don't pay for it:
//
//     struct Delta {
//         static constexpr int CHUNK;     // see decode_product_run.cuh
//         static constexpr bool ADAPTED;  // whether rows may have an adapter
//         static constexpr int AT_ONCE;   // rows of a thread that an ending takes side by side: with adapters registers
//                                         // are few
//         void wait();    // by the product's threads: the tile's part is there
//         float4 apply(int which, int row, int column, float4 v) const;  // four outputs of a half, from `column` on:
//                                                                       // magnitude * (v + scaling * (B h + lora_bias))
//         void done();    // by these: it won't be read any more
//     };
#pragma once

#include "decode_product_run.cuh"

namespace lorikeet::decode_product {

struct NoDelta {
    static constexpr int CHUNK = DECODE_PRODUCT_CHUNK;
    static constexpr bool ADAPTED = false;
    static constexpr int AT_ONCE = 4;

    __device__ __forceinline__ void wait() const {}

    __device__ __forceinline__ float4 apply(int, int, int, float4 v) const { return v; }

    __device__ __forceinline__ void done() const {}
};

// Four outputs of a half in each of the product's threads, and every ROW_STEPth row.
struct HalfPlace {
    static constexpr int ROW_STEP = DECODE_PRODUCT_THREADS / (HALF_OUT / 4);

    int column = static_cast<int>(threadIdx.x) % (HALF_OUT / 4) * 4;
    int row = static_cast<int>(threadIdx.x) / (HALF_OUT / 4);
};

__device__ __forceinline__ float4& sums_at(float* sum, int row, int which, int column) {
    return *reinterpret_cast<float4*>(sum + row * SUM_PITCH + which * HALF_OUT + column);
}

__device__ __forceinline__ const float4& sums_at(const float* sum, int row, int which, int column) {
    return *reinterpret_cast<const float4*>(sum + row * SUM_PITCH + which * HALF_OUT + column);
}

// The same in tiles that are one run.
struct TilePlace {
    static constexpr int ROW_THREADS = OUT / 4;
    static constexpr int ROW_STEP = DECODE_PRODUCT_THREADS / ROW_THREADS;

    int column = static_cast<int>(threadIdx.x) % ROW_THREADS * 4;
    int row = static_cast<int>(threadIdx.x) / ROW_THREADS;
};

// Adds the base model's bias to four outputs from `out` on.
__device__ __forceinline__ float4 with_bias(const LoraPart& part, int out, float4 v) {
    if (part.bias != nullptr) {
        float* value = &v.x;
#pragma unroll
        for (int i = 0; i < 4; i++) {
            value[i] += out + i < part.out ? __bfloat162float(part.bias[out + i]) : 0.0f;
        }
    }
    return v;
}

__device__ __forceinline__ float2 unpack(unsigned pair) {
    return __bfloat1622float2(*reinterpret_cast<const __nv_bfloat162*>(&pair));
}

// Four outputs times the weights of a norm.
__device__ __forceinline__ float4 weighted(float4 v, const __nv_bfloat16* weights) {
    const uint2 four = *reinterpret_cast<const uint2*>(weights);
    const float2 low = unpack(four.x);
    const float2 high = unpack(four.y);
    return make_float4(v.x * low.x, v.y * low.y, v.z * high.x, v.w * high.y);
}

__device__ __forceinline__ float4 times(float4 v, float factor) {
    return make_float4(v.x * factor, v.y * factor, v.z * factor, v.w * factor);
}

__device__ __forceinline__ float sum_of_squares(float4 v) { return v.x * v.x + v.y * v.y + v.z * v.z + v.w * v.w; }

// The first `count` of four, four at a time where `together`.
__device__ __forceinline__ void store_some(__nv_bfloat16* to, float4 v, int count, bool together) {
    if (together && count >= 4) {
        store4(to, v);
        return;
    }
    const float* value = &v.x;
#pragma unroll
    for (int i = 0; i < 4; i++) {
        if (i < count) {
            to[i] = __float2bfloat16_rn(value[i]);
        }
    }
}

}  // namespace lorikeet::decode_product

// Sixteen bytes of a row at a time, where its shape allows it.
#pragma once

#include "device.cuh"

#include <cstdint>

namespace lorikeet {

__device__ __forceinline__ bool aligned(const void* p, int bytes) {
    return (reinterpret_cast<uintptr_t>(p) & (bytes - 1)) == 0;
}

// Weights, read once: past the first-level cache.
__device__ __forceinline__ uint4 load_weights16(const void* p) {
    uint4 v;
    asm volatile("ld.global.nc.L1::no_allocate.v4.u32 {%0, %1, %2, %3}, [%4];"
                 : "=r"(v.x), "=r"(v.y), "=r"(v.z), "=r"(v.w)
                 : "l"(p));
    return v;
}

__device__ __forceinline__ uint2 load_weights8(const void* p) {
    uint2 v;
    asm volatile("ld.global.nc.L1::no_allocate.v2.u32 {%0, %1}, [%2];" : "=r"(v.x), "=r"(v.y) : "l"(p));
    return v;
}

// Weights that the block will soon read again.
__device__ __forceinline__ uint2 load_weights8_again(const void* p) {
    uint2 v;
    asm volatile("ld.global.nc.v2.u32 {%0, %1}, [%2];" : "=r"(v.x), "=r"(v.y) : "l"(p));
    return v;
}

// What another kernel wrote: through the second-level cache, as the first may hold an older state.
__device__ __forceinline__ uint4 load16(const void* p) { return __ldcg(static_cast<const uint4*>(p)); }

__device__ __forceinline__ unsigned short bits_of(const __nv_bfloat16* p) {
    return __ldcg(reinterpret_cast<const unsigned short*>(p));
}

// Elements 0..3 from p, of which `count` exist (any number; the others are zero). One by one: for odd shapes only.
__device__ __forceinline__ uint2 gather4(const __nv_bfloat16* p, int count) {
    unsigned long long bits = 0;
#pragma unroll 1
    for (int i = 0; i < min(count, 4); i++) {
        bits |= static_cast<unsigned long long>(bits_of(p + i)) << (16 * i);
    }
    return make_uint2(static_cast<unsigned>(bits), static_cast<unsigned>(bits >> 32));
}

__device__ __forceinline__ uint4 gather8(const __nv_bfloat16* p, int count) {
    uint2 a = gather4(p, count);
    uint2 b = gather4(p + 4, count - 4);
    return make_uint4(a.x, a.y, b.x, b.y);
}

__device__ __forceinline__ float low(unsigned pair) { return __uint_as_float(pair << 16); }
__device__ __forceinline__ float high(unsigned pair) { return __uint_as_float(pair & 0xffff0000u); }

// Eight neighbours of a row.
template <typename T>
struct Eight;

template <>
struct Eight<__nv_bfloat16> {
    uint4 bits;

    // From column `at` on, of a row of `size`. `fast`: size is a multiple of 8, and 16-byte accesses are allowed.
    __device__ __forceinline__ void load(const __nv_bfloat16* row, int at, int size, bool fast) {
        if (fast) {
            bits = at < size ? load16(row + at) : make_uint4(0, 0, 0, 0);
        } else {
            bits = gather8(row + at, size - at);
        }
    }

    __device__ __forceinline__ void unpack(float (&to)[8]) const {
        to[0] = low(bits.x), to[1] = high(bits.x), to[2] = low(bits.y), to[3] = high(bits.y);
        to[4] = low(bits.z), to[5] = high(bits.z), to[6] = low(bits.w), to[7] = high(bits.w);
    }
};

template <>
struct Eight<float> {
    float value[8];

    __device__ __forceinline__ void load(const float* row, int at, int size, bool fast) {
        if (fast) {
            const float4 none = make_float4(0, 0, 0, 0);
            float4 a = at < size ? __ldcg(reinterpret_cast<const float4*>(row + at)) : none;
            float4 b = at < size ? __ldcg(reinterpret_cast<const float4*>(row + at + 4)) : none;
            value[0] = a.x, value[1] = a.y, value[2] = a.z, value[3] = a.w;
            value[4] = b.x, value[5] = b.y, value[6] = b.z, value[7] = b.w;
            return;
        }
#pragma unroll
        for (int i = 0; i < 8; i++) {
            value[i] = at + i < size ? __ldcg(row + at + i) : 0.0f;
        }
    }

    __device__ __forceinline__ void unpack(float (&to)[8]) const {
#pragma unroll
        for (int i = 0; i < 8; i++) {
            to[i] = value[i];
        }
    }
};

__device__ __forceinline__ void store_row8(__nv_bfloat16* row, int at, int size, bool fast, const float (&v)[8]) {
    if (fast) {
        if (at < size) {
            *reinterpret_cast<uint4*>(row + at) = make_uint4(
                pack_bf16(v[0], v[1]), pack_bf16(v[2], v[3]), pack_bf16(v[4], v[5]), pack_bf16(v[6], v[7]));
        }
        return;
    }
#pragma unroll
    for (int i = 0; i < 8; i++) {
        if (at + i < size) {
            row[at + i] = __float2bfloat16_rn(v[i]);
        }
    }
}

__device__ __forceinline__ void store_row8(float* row, int at, int size, bool fast, const float (&v)[8]) {
    if (fast) {
        if (at < size) {
            *reinterpret_cast<float4*>(row + at) = make_float4(v[0], v[1], v[2], v[3]);
            *reinterpret_cast<float4*>(row + at + 4) = make_float4(v[4], v[5], v[6], v[7]);
        }
        return;
    }
#pragma unroll
    for (int i = 0; i < 8; i++) {
        if (at + i < size) {
            row[at + i] = v[i];
        }
    }
}

// silu(x) = x / (1 + exp(-x)) (https://arxiv.org/abs/1702.03118), within a few units in the last place.
__device__ __forceinline__ float silu(float x) { return __fdividef(x, 1 + __expf(-x)); }

__device__ __forceinline__ bool is_low_rank(const AdapterModule& change) {
    return change.kind == MODULE_LOW_RANK || change.kind == MODULE_REBASED;
}

__host__ __device__ constexpr int divide_up(int a, int b) { return (a + b - 1) / b; }

}  // namespace lorikeet

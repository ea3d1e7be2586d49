// What all kernels share: launches that overlap, 16-byte accesses, sums over a block, and tensor-core products.
//
// Kernels may be launched with programmatic stream serialization: each calls `wait_for_previous()` before it touches
// anything that an earlier kernel of the step writes or reads, and `release_next()` when the next one may start to come
// up. The Step itself doesn't change while a step runs and may be read before the wait.
#pragma once

#include <cuda_bf16.h>

#include "step.cuh"

namespace lorikeet {

constexpr int WARP = 32;
constexpr unsigned ALL_LANES = 0xffffffffu;

// The most shared memory of a block (CUDA C++ Programming Guide, "Compute Capabilities"): what needs more is left out.
#if defined(__CUDA_ARCH__) && (__CUDA_ARCH__ == 860 || __CUDA_ARCH__ == 890 || __CUDA_ARCH__ == 1200)
constexpr int MOST_SHARED_BYTES = 99 * 1024;
#elif defined(__CUDA_ARCH__) && __CUDA_ARCH__ == 800
constexpr int MOST_SHARED_BYTES = 163 * 1024;
#else
constexpr int MOST_SHARED_BYTES = 227 * 1024;
#endif

__device__ __forceinline__ void wait_for_previous() {
#if __CUDA_ARCH__ >= 900
    asm volatile("griddepcontrol.wait;" ::: "memory");
#endif
}

__device__ __forceinline__ void release_next() {
#if __CUDA_ARCH__ >= 900
    asm volatile("griddepcontrol.launch_dependents;" ::: "memory");
#endif
}

// What the adapter of a row's group changes in the module of `slot`, or null.
__device__ __forceinline__ const AdapterModule* module_of(const AdapterModule* adapter, int slot) {
    if (adapter == nullptr || adapter[slot].kind == MODULE_NONE) {
        return nullptr;
    }
    return adapter + slot;
}

// Eight bf16 as they lie in memory.
struct alignas(16) Bf16x8 {
    __nv_bfloat162 pair[4];
};

__device__ __forceinline__ void to_floats(const Bf16x8& from, float (&to)[8]) {
#pragma unroll
    for (int i = 0; i < 4; i++) {
        const float2 two = __bfloat1622float2(from.pair[i]);
        to[2 * i] = two.x;
        to[2 * i + 1] = two.y;
    }
}

__device__ __forceinline__ Bf16x8 to_bf16(const float (&from)[8]) {
    Bf16x8 to;
#pragma unroll
    for (int i = 0; i < 4; i++) {
        to.pair[i] = __floats2bfloat162_rn(from[2 * i], from[2 * i + 1]);
    }
    return to;
}

// What an earlier kernel of the step wrote is read through the second-level cache: with launches that overlap, the first
// may hold an older state.
__device__ __forceinline__ Bf16x8 load_fresh(const __nv_bfloat16* from) {
    const uint4 value = __ldcg(reinterpret_cast<const uint4*>(from));
    return *reinterpret_cast<const Bf16x8*>(&value);
}

// Two floats rounded to bf16 in one register, the first in the lower half.
__device__ __forceinline__ unsigned pack_bf16(float low, float high) {
    const __nv_bfloat162 pair = __floats2bfloat162_rn(low, high);
    return *reinterpret_cast<const unsigned*>(&pair);
}

// 2^x, within two units in the last place; 0 for negative infinity and where the result would be denormal.
__device__ __forceinline__ float power_of_two(float x) {
    float result;
    asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(result) : "f"(x));
    return result;
}

__device__ __forceinline__ float warp_sum(float value) {
#pragma unroll
    for (int offset = WARP / 2; offset > 0; offset /= 2) {
        value += __shfl_xor_sync(ALL_LANES, value, offset);
    }
    return value;
}

// The sum over all threads of a block of THREADS, in a fixed order. Every thread gets it.
template <int THREADS>
__device__ __forceinline__ float block_sum(float value) {
    __shared__ float partial[THREADS / WARP];
    value = warp_sum(value);
    __syncthreads();  // the previous call's sums have been read
    if (threadIdx.x % WARP == 0) {
        partial[threadIdx.x / WARP] = value;
    }
    __syncthreads();
    float sum = 0;
#pragma unroll
    for (int warp = 0; warp < THREADS / WARP; warp++) {
        sum += partial[warp];
    }
    return sum;
}

// d += a b: a is 16 x 16, b is 16 x 8 (PTX ISA, mma.m16n8k16). With q = lane / 4 and c = lane % 4, a thread holds
// a[q, 2c..], a[q + 8, 2c..], a[q, 2c + 8..], a[q + 8, 2c + 8..]; b[2c.., q], b[2c + 8.., q]; d[q, 2c..], d[q + 8, 2c..].
__device__ __forceinline__ void mma(float (&d)[4], unsigned a0, unsigned a1, unsigned a2, unsigned a3, unsigned b0,
                                    unsigned b1) {
    asm volatile(
        "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
        : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
        : "r"(a0), "r"(a1), "r"(a2), "r"(a3), "r"(b0), "r"(b1));
}

}  // namespace lorikeet

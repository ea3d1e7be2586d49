// Products of many rows by a warpgroup (Hopper): both operands are read from a stage by the tensor cores.
#pragma once

#include <cstdint>

#include "decode_product_stage.cuh"

namespace lorikeet::decode_product {

// Makes what this thread has copied visible to the tensor cores.
__device__ __forceinline__ void publish_copies() {
#if defined(__CUDA_ARCH_FEAT_SM90_ALL)
    asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
#endif
}

#if defined(__CUDA_ARCH_FEAT_SM90_ALL)

// The address and layout of a part of a chunk (PTX ISA, matrix descriptor): 128-byte swizzle, groups of 8 rows 1024 bytes
// apart. The part starts at a multiple of 1024 bytes.
__device__ __forceinline__ uint64_t describe(unsigned address) {
    return (address & 0x3ffff) >> 4 | uint64_t{1024 >> 4} << 16 | uint64_t{1024 >> 4} << 32 | uint64_t{1} << 62;
}

// d += a b: a is 64 x 16, b is 16 x ROWS. Asynchronous.
template <int ROWS>
__device__ __forceinline__ void multiply(float (&d)[ROWS / 8][4], uint64_t a, uint64_t b) {
    static_assert(ROWS == 32 || ROWS == 48 || ROWS == 64, "there is a product of so many rows");
    if constexpr (ROWS == 32) {
        asm volatile(
            "wgmma.mma_async.sync.aligned.m64n32k16.f32.bf16.bf16 "
            "{%0,%1,%2,%3,%4,%5,%6,%7,%8,%9,%10,%11,%12,%13,%14,%15}, "
            "%16, %17, 1, 1, 1, 0, 0;\n"
            : "+f"(d[0][0]), "+f"(d[0][1]), "+f"(d[0][2]), "+f"(d[0][3]), "+f"(d[1][0]), "+f"(d[1][1]), "+f"(d[1][2]),
              "+f"(d[1][3]), "+f"(d[2][0]), "+f"(d[2][1]), "+f"(d[2][2]), "+f"(d[2][3]), "+f"(d[3][0]), "+f"(d[3][1]),
              "+f"(d[3][2]), "+f"(d[3][3])
            : "l"(a), "l"(b));
    } else if constexpr (ROWS == 48) {
        asm volatile(
            "wgmma.mma_async.sync.aligned.m64n48k16.f32.bf16.bf16 "
            "{%0,%1,%2,%3,%4,%5,%6,%7,%8,%9,%10,%11,%12,%13,%14,%15,"
            "%16,%17,%18,%19,%20,%21,%22,%23}, "
            "%24, %25, 1, 1, 1, 0, 0;\n"
            : "+f"(d[0][0]), "+f"(d[0][1]), "+f"(d[0][2]), "+f"(d[0][3]), "+f"(d[1][0]), "+f"(d[1][1]), "+f"(d[1][2]),
              "+f"(d[1][3]), "+f"(d[2][0]), "+f"(d[2][1]), "+f"(d[2][2]), "+f"(d[2][3]), "+f"(d[3][0]), "+f"(d[3][1]),
              "+f"(d[3][2]), "+f"(d[3][3]), "+f"(d[4][0]), "+f"(d[4][1]), "+f"(d[4][2]), "+f"(d[4][3]), "+f"(d[5][0]),
              "+f"(d[5][1]), "+f"(d[5][2]), "+f"(d[5][3])
            : "l"(a), "l"(b));
    } else if constexpr (ROWS == 64) {
        asm volatile(
            "wgmma.mma_async.sync.aligned.m64n64k16.f32.bf16.bf16 "
            "{%0,%1,%2,%3,%4,%5,%6,%7,%8,%9,%10,%11,%12,%13,%14,%15,"
            "%16,%17,%18,%19,%20,%21,%22,%23,%24,%25,%26,%27,%28,%29,%30,%31}, "
            "%32, %33, 1, 1, 1, 0, 0;\n"
            : "+f"(d[0][0]), "+f"(d[0][1]), "+f"(d[0][2]), "+f"(d[0][3]), "+f"(d[1][0]), "+f"(d[1][1]), "+f"(d[1][2]),
              "+f"(d[1][3]), "+f"(d[2][0]), "+f"(d[2][1]), "+f"(d[2][2]), "+f"(d[2][3]), "+f"(d[3][0]), "+f"(d[3][1]),
              "+f"(d[3][2]), "+f"(d[3][3]), "+f"(d[4][0]), "+f"(d[4][1]), "+f"(d[4][2]), "+f"(d[4][3]), "+f"(d[5][0]),
              "+f"(d[5][1]), "+f"(d[5][2]), "+f"(d[5][3]), "+f"(d[6][0]), "+f"(d[6][1]), "+f"(d[6][2]), "+f"(d[6][3]),
              "+f"(d[7][0]), "+f"(d[7][1]), "+f"(d[7][2]), "+f"(d[7][3])
            : "l"(a), "l"(b));
    }
}

// Adds the products of the group's half of a chunk, and waits for them.
template <typename Ring, int ROWS>
__device__ __forceinline__ void add_by_warpgroup(Sums<ROWS>& sums, unsigned stage, int group) {
    constexpr int STEPS = Ring::STEPS;
    asm volatile("wgmma.fence.sync.aligned;" ::: "memory");
#pragma unroll
    for (int k = 0; k < STEPS; k++) {
        const int step = group * STEPS + k;
        const int part = step / 4;
        const int within = step % 4 * 32;
        multiply<ROWS>(sums.value, describe(stage + part * OUT * ROW_BYTES + within),
                       describe(stage + Ring::INPUT + part * ROWS * ROW_BYTES + within));
    }
    asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory");
    asm volatile("wgmma.wait_group.sync.aligned 0;" ::: "memory");
#pragma unroll
    for (int j = 0; j < ROWS / 8; j++) {
        asm volatile("" : "+f"(sums.value[j][0]), "+f"(sums.value[j][1]), "+f"(sums.value[j][2]), "+f"(sums.value[j][3])::"memory");
    }
}

#endif

// Adds the products of the group's half of a chunk. WARPGROUP: by a warpgroup, where the device has such products.
template <bool WARPGROUP, typename Ring, int ROWS>
__device__ __forceinline__ void add_products(Sums<ROWS>& sums, unsigned stage, int group) {
#if defined(__CUDA_ARCH_FEAT_SM90_ALL)
    if constexpr (WARPGROUP) {
        add_by_warpgroup<Ring>(sums, stage, group);
        return;
    }
#endif
    sums.template add<Ring>(stage, group);
}

}  // namespace lorikeet::decode_product

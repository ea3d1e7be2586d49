// How a tile's sums come together: those of the two groups of a block, then those of all blocks that have a part of it.
//
// Either group takes half of the tile's rows, and a block that completes a tile half of what others have left. Places for
// that are full of what no sum looks like, before a launch and after it: whoever has read a sum puts it back. So no flag is
// needed, which would be one more way through device memory. (A launch that breaks off would leave sums behind, but then the
// context is gone, too.)
#pragma once

#include "decode_product_wgmma.cuh"
#include "row_factors.cuh"

namespace lorikeet::decode_product {

// What is in place of a sum that another block is to leave. Every sum is what an addition gives, whose only NaN is 0x7fffffff
// (PTX ISA, "Floating Point Instructions").
constexpr unsigned NO_SUM = 0xffffffffu;

__device__ __forceinline__ float4 not_there() {
    const float none = __uint_as_float(NO_SUM);
    return make_float4(none, none, none, none);
}

__device__ __forceinline__ bool is_there(float v) { return __float_as_uint(v) != NO_SUM; }

__device__ __forceinline__ bool is_there(const float4& v) {
    return is_there(v.x) && is_there(v.y) && is_there(v.z) && is_there(v.w);
}

__device__ __forceinline__ void store_to_blocks(float4* to, const float4& v) {
    asm volatile("st.relaxed.gpu.global.v4.f32 [%0], {%1, %2, %3, %4};" ::"l"(to), "f"(v.x), "f"(v.y), "f"(v.z), "f"(v.w)
                 : "memory");
}

__device__ __forceinline__ void store_to_blocks(float* to, float v) {
    asm volatile("st.relaxed.gpu.global.f32 [%0], %1;" ::"l"(to), "f"(v) : "memory");
}

__device__ __forceinline__ float4 load_from_blocks(const float4* from) {
    float4 v;
    asm volatile("ld.relaxed.gpu.global.v4.f32 {%0, %1, %2, %3}, [%4];"
                 : "=f"(v.x), "=f"(v.y), "=f"(v.z), "=f"(v.w)
                 : "l"(from)
                 : "memory");
    return v;
}

__device__ __forceinline__ float load_from_blocks(const float* from) {
    float v;
    asm volatile("ld.relaxed.gpu.global.f32 %0, [%1];" : "=f"(v) : "l"(from) : "memory");
    return v;
}

// A thread's sums of its group's half of a tile's rows: for eight rows at a time four as `mma` lays them out.
template <int ROWS>
struct HalfSums {
    static constexpr int EIGHTS = ROWS / 16;
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ < 900
    static constexpr int BLOCKS_AT_ONCE = 1;
#else
    static constexpr int BLOCKS_AT_ONCE = ROWS <= 48 ? 2 : 1;  // as there are registers
#endif

    float4 value[EIGHTS];
    const int group;

    // shared: [ROWS / 8][GROUP], where the thread leaves its sums of the other group's half. Behind a barrier, `add` is next.
    __device__ __forceinline__ HalfSums(const Sums<ROWS>& sums, int group_, float4* shared) : group(group_) {
#pragma unroll
        for (int i = 0; i < EIGHTS; i++) {
            const float(&first)[4] = sums.value[i];
            const float(&second)[4] = sums.value[EIGHTS + i];
            const float4 low = make_float4(first[0], first[1], first[2], first[3]);
            const float4 high = make_float4(second[0], second[1], second[2], second[3]);
            value[i] = group == 0 ? low : high;
            shared[place(1 - group, i)] = group == 0 ? high : low;
        }
    }

    // Adds what the other group has left.
    __device__ __forceinline__ void add(const float4* shared) {
#pragma unroll
        for (int i = 0; i < EIGHTS; i++) {
            add(i, shared[place(group, i)]);
        }
    }

    // Leaves the sums to the block that completes the tile.
    __device__ __forceinline__ void leave(const DecodeProduct& call) const {
        float4* to = left_by(call, static_cast<int>(blockIdx.x));
#pragma unroll
        for (int i = 0; i < EIGHTS; i++) {
            store_to_blocks(to + i * GROUP, value[i]);
        }
    }

    // Adds the sums that the blocks from `before` on have left, in their order.
    __device__ __forceinline__ void add_left(const DecodeProduct& call, int before) {
        const int self = static_cast<int>(blockIdx.x);
#pragma unroll 1
        for (int block = before; block < self; block += BLOCKS_AT_ONCE) {
            float4 left[BLOCKS_AT_ONCE][EIGHTS];
            await(call, block, self - 1, left);
#pragma unroll
            for (int b = 0; b < BLOCKS_AT_ONCE; b++) {
                if (block + b < self) {
#pragma unroll
                    for (int i = 0; i < EIGHTS; i++) {
                        add(i, left[b][i]);
                        __stcg(left_by(call, block + b) + i * GROUP, not_there());
                    }
                }
            }
        }
    }

    // To [row][SUM_PITCH], each times its row's factor if NORMS.
    template <bool NORMS>
    __device__ __forceinline__ void store(float* sum) const {
        const int lane = threadIdx.x % WARP;
        const int warp = static_cast<int>(threadIdx.x) % GROUP / WARP;
        float* to = sum + (8 * group * EIGHTS + lane % 4 * 2) * SUM_PITCH + 16 * warp + lane / 4;
#pragma unroll
        for (int i = 0; i < EIGHTS; i++) {
            float* row = to + 8 * i * SUM_PITCH;
            float2 factor = make_float2(1, 1);
            if constexpr (NORMS) {
                factor = *reinterpret_cast<const float2*>(row_factors<ROWS>(sum) + 8 * (group * EIGHTS + i) + lane % 4 * 2);
            }
            row[0] = value[i].x * factor.x;
            row[SUM_PITCH] = value[i].y * factor.y;
            row[8] = value[i].z * factor.x;
            row[SUM_PITCH + 8] = value[i].w * factor.y;
        }
    }

  private:
    static __device__ __forceinline__ int place(int group, int i) {
        return (group * EIGHTS + i) * GROUP + static_cast<int>(threadIdx.x) % GROUP;
    }

    __device__ __forceinline__ float4* left_by(const DecodeProduct& call, int block) const {
        return reinterpret_cast<float4*>(call.partial + static_cast<size_t>(block) * ROWS * OUT) + place(group, 0);
    }

    __device__ __forceinline__ void add(int i, const float4& v) {
        value[i].x += v.x, value[i].y += v.y, value[i].z += v.z, value[i].w += v.w;
    }

    // Loads what some blocks leave, until it is there. All loads are made in any case: behind conditions they would wait
    // for one another.
    __device__ __forceinline__ void await(const DecodeProduct& call, int block, int last,
                                          float4 (&left)[BLOCKS_AT_ONCE][EIGHTS]) const {
        bool all;
        do {
#pragma unroll
            for (int b = 0; b < BLOCKS_AT_ONCE; b++) {
#pragma unroll
                for (int i = 0; i < EIGHTS; i++) {
                    left[b][i] = load_from_blocks(left_by(call, min(block + b, last)) + i * GROUP);
                }
            }
            all = true;
#pragma unroll
            for (int b = 0; b < BLOCKS_AT_ONCE; b++) {
#pragma unroll
                for (int i = 0; i < EIGHTS; i++) {
                    all &= is_there(left[b][i]);
                }
            }
        } while (!all);
    }
};

}  // namespace lorikeet::decode_product

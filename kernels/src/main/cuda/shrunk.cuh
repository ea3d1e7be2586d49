// h = A x, from the partial sums of its splits to what the kernels for decode steps read.
//
// Whoever finishes the last split of some ranks adds all of them, in the splits' order, so that the sum doesn't depend
// on who that is (the CUDA C++ Programming Guide has the pattern, "Memory Fence Functions").
#pragma once

#include "shrink_product.cuh"

namespace lorikeet {

// Four ranks of a row of h as products take them: their values in bf16, and what that leaves of them.
__device__ __forceinline__ uint4 halves_of_ranks(float4 h) {
    unsigned a = pack_bf16(h.x, h.y);
    unsigned b = pack_bf16(h.z, h.w);
    return make_uint4(a, b, pack_bf16(h.x - low(a), h.y - high(a)), pack_bf16(h.z - low(b), h.w - high(b)));
}

// h of a row of one part: [rank_stride / 4] places of four ranks.
__device__ __forceinline__ uint4* h_of(const Lora& lora, int part, int row) {
    return lora.h + (static_cast<size_t>(part) * lora.tokens + row) * (lora.rank_stride / 4);
}

namespace shrinking {

// Where the sums of one part go: partial ones, or, of a single split, h itself, whose rows are as long.
struct WholeTarget {
    float* to;  // of the first row, with the split's place counted in
    int row_stride;
    int rows;
    bool single = false;

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
        if (!single) {
            row[rank] = sum;
            return;
        }
        auto* place = reinterpret_cast<__nv_bfloat16*>(row + rank / 4 * 4) + rank % 4;
        __nv_bfloat16 value = __float2bfloat16_rn(sum);
        place[0] = value;
        place[4] = __float2bfloat16_rn(sum - __bfloat162float(value));
    }
};

// The target of a tile's split.
__device__ __forceinline__ WholeTarget whole_target(const Lora& lora, int part, const Tile& tile, int split, int splits) {
    if (splits == 1) {
        return {reinterpret_cast<float*>(h_of(lora, part, tile.row)), lora.rank_stride, tile.rows, true};
    }
    return {lora.shrunk + shrunk_at(lora, part, tile.row, splits) + split * lora.rank_stride,
            splits * lora.rank_stride, tile.rows};
}

// The sum of the splits of four ranks from `rank` on of a row, in a fixed order, by four neighbouring lanes.
__device__ __forceinline__ float4 sum_of_splits(const Lora& lora, int part, int row, int splits, int rank) {
    int lane = threadIdx.x % 4;
    const float* from = lora.shrunk + shrunk_at(lora, part, row, splits) + rank;
    float4 v[MAX_SPLITS / 4];
#pragma unroll
    for (int s = 0; s < MAX_SPLITS / 4; s++) {
        int split = 4 * s + lane;
        v[s] = split < splits ? __ldcg(reinterpret_cast<const float4*>(from + split * lora.rank_stride))
                              : make_float4(0, 0, 0, 0);
    }
    return sum_of_lanes(v);
}

// Tells that a split of some ranks of a tile is done, sixteen at a time from `first` on, `step` apart; completes them if
// it was the last one. All of the WARPS warps that share `shared`, which they don't read any more.
template <int WARPS, int BARRIER>
__device__ __forceinline__ void
complete(const Lora& lora, int part, const Tile& tile, int splits, unsigned* arrived, int first, int step, int rank,
         int* shared) {
    constexpr int THREADS = WARPS * 32;
    int thread = threadIdx.x % THREADS;
    __threadfence();
    synchronize<BARRIER, THREADS>();
    if (thread == 0) {
        bool last = atomicAdd(arrived, 1u) + 1 == static_cast<unsigned>(splits);
        if (last) {
            *arrived = 0;
            __threadfence();
        }
        *shared = last;
    }
    synchronize<BARRIER, THREADS>();
    if (*shared == 0) {
        return;
    }
    int chunks = divide_up(rank - first, step);
    for (int i = thread / 4; i < divide_up(tile.rows * chunks * 4, 8) * 8; i += THREADS / 4) {
        int row = min(i / 4 / chunks, tile.rows - 1);
        int from = first + i / 4 % chunks * step + i % 4 * 4;
        float4 sum = sum_of_splits(lora, part, tile.row + row, splits, from);
        if (thread % 4 == 0 && i / 4 / chunks < tile.rows) {
            h_of(lora, part, tile.row + row)[from / 4] = halves_of_ranks(sum);
        }
    }
}

}  // namespace shrinking

}  // namespace lorikeet

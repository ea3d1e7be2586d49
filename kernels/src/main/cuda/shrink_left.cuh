// h = A x within the launch of a product, from the blocks that shrink to those that expand: the same ones.
//
// A block leaves its sums of some ranks over some of the inputs, a split, in device memory, as blocks leave sums of tiles (see
// decode_product_sums.cuh). Whoever needs h asks for the sums of all splits until they are there, and adds them in the splits'
// order. So from a block to another it is one store and one load. The last block that has read puts back what no sum looks
// like.
#pragma once

#include "decode_product_sums.cuh"
#include "shrink_beside.cuh"

namespace lorikeet::decode_product {

constexpr int LEFT_STEPS = 4;  // times 32 inputs that a warp asks for at once

// How the work is dealt out.
struct LeftWork {
    int blocks;  // that have some, the first ones
    Splits splits;

    // Of little work the first half of the blocks have all, as they come up before the others. The inputs are split so that
    // these have something to do, but what is asked for at once isn't split: it takes as long. together: whether a block adds
    // splits up only once.
    template <int WARPS>
    static __device__ __forceinline__ LeftWork of(const Lora& lora, int tiles, int blocks, bool together) {
        const int units = max(tiles * lora.parts * (lora.rank_stride / 16), 1);
        const int some = 4 * units <= blocks ? divide_up(blocks, 2) : blocks;
        const int most = together ? min(max(some / units, 1), MOST_LEFT_SPLITS) : 1;
        return {some, split_into(most, lora.in, WARPS * SHRINK_STEP * LEFT_STEPS)};
    }
};

// Where the sums of a row's four ranks are left: of each split, one behind the other.
__device__ __forceinline__ float4* left_at(const Lora& lora, int splits, int part, int row, int four) {
    const int place = (part * lora.tokens + row) * (lora.rank_stride / 4) + four;
    return reinterpret_cast<float4*>(lora.left) + static_cast<size_t>(place) * splits;
}

// Asks for four sums, unless they are there. No branch, so that those after it are asked for at once.
__device__ __forceinline__ void ask_for_sums(float4& v, const float4* from) {
    asm volatile("{ .reg .pred p; setp.eq.u32 p, %5, 0; @p ld.relaxed.gpu.global.v4.f32 {%0, %1, %2, %3}, [%4]; }"
                 : "+f"(v.x), "+f"(v.y), "+f"(v.z), "+f"(v.w)
                 : "l"(from), "r"(static_cast<unsigned>(is_there(v)))
                 : "memory");
}

// Four ranks of h, of shared memory or, where those are there, of the sums.
__device__ __forceinline__ float4 load_h(const float4* from) {
    float4 v;
    asm volatile("ld.relaxed.gpu.v4.f32 {%0, %1, %2, %3}, [%4];"
                 : "=f"(v.x), "=f"(v.y), "=f"(v.z), "=f"(v.w)
                 : "l"(from)
                 : "memory");
    return v;
}

// The sum of the splits of four ranks of a row. Waits for them.
__device__ __forceinline__ float4 sum_of_left(const float4* from, int splits) {
    constexpr int AT_ONCE = 4;
    float4 sum = make_float4(0, 0, 0, 0);
#pragma unroll 1
    for (int first = 0; first < splits; first += AT_ONCE) {
        float4 v[AT_ONCE];
#pragma unroll
        for (int s = 0; s < AT_ONCE; s++) {
            v[s] = first + s < splits ? not_there() : make_float4(0, 0, 0, 0);
        }
        bool all;
        do {
            all = true;
#pragma unroll
            for (int s = 0; s < AT_ONCE; s++) {
                ask_for_sums(v[s], from + first + s);
            }
#pragma unroll
            for (int s = 0; s < AT_ONCE; s++) {
                all &= is_there(v[s]);
            }
        } while (!all);
#pragma unroll
        for (int s = 0; s < AT_ONCE; s++) {
            sum.x += v[s].x, sum.y += v[s].y, sum.z += v[s].z, sum.w += v[s].w;
        }
    }
    return sum;
}

// This block's share of a projection's shrink, as shrink_share; leaves sums.
template <int WARPS, int BARRIER>
__device__ __forceinline__ void shrink_share_left(const Step* step, const Lora& lora, const LeftWork& work,
                                                  const __nv_bfloat16* x, float4* shared) {
    const Splits& splits = work.splits;
    const int index = static_cast<int>(blockIdx.x);
    const int sixteens = lora.rank_stride / 16;
    const int units = step->tiles * lora.parts * splits.count * sixteens;
    bool waited = false;
#pragma unroll 1
    for (int unit = index; index < work.blocks && unit < units; unit += work.blocks) {
        const int first = unit % sixteens * 16;
        const int split = unit / sixteens % splits.count;
        const int group = unit / sixteens / splits.count;
        const int part = group % lora.parts;
        const lorikeet::Tile tile = step->tile[group / lora.parts];
        const AdapterModule& change = tile.adapter[lora.part[part].slot];
        const int rank = is_low_rank(change) ? change.rank : 0;
        if (first >= rank) {
            continue;
        }
        const int from = split * splits.length;
        const shrinking::Share share{x + static_cast<size_t>(tile.row) * lora.in, tile.rows, true, lora.in, from,
                                     min(from + splits.length, lora.in)};
        float* to = reinterpret_cast<float*>(left_at(lora, splits.count, part, tile.row, first / 4) + split);
        shrinking::shrink_strips<WARPS, LEFT_STEPS, BARRIER>(
            share, shrinking::rank_rows(change.a, rank, first, lora.in), shared, waited, [&](int rank, int token, float4 sum) {
                float* at = to + (token * lora.rank_stride + rank / 4 * 4) * splits.count + rank % 4;
                if (token < tile.rows) {
                    store_to_blocks(at, sum.x);
                    store_to_blocks(at + 8 * splits.count, sum.z);
                }
                at += lora.rank_stride * splits.count;
                if (token + 1 < tile.rows) {
                    store_to_blocks(at, sum.y);
                    store_to_blocks(at + 8 * splits.count, sum.w);
                }
            });
    }
}

}  // namespace lorikeet::decode_product

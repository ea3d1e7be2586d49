// The shrink within the launch of a product that reads the same x: blocks of that kernel, or shares of their work.
#pragma once

#include "shrink_product.cuh"

namespace lorikeet::shrinking {

// So many share the ranks of a split, sixteen at a time: large ranks have work for more blocks than there are splits.
__host__ __device__ constexpr int rank_shares(const Lora& lora) {
    return lora.rank_stride / 16 < MOST_RANK_SHARES ? lora.rank_stride / 16 : MOST_RANK_SHARES;
}

// Share `index` of `count` of a projection's shrink, by WARPS warps (see `multiply`). Rows of x and A are multiples of 16
// bytes and start at one; tiles have STRIPS * 8 rows at most. shared: [WARPS * STRIPS * 32].
template <int STRIPS, int WARPS, int STEPS, int BARRIER = 0>
__device__ __forceinline__ void
shrink_share(const Step* step, const Lora& lora, const __nv_bfloat16* x, int index, int count, float4* shared) {
    int tiles = step->tiles;
    Splits splits = splits_of(lora, tiles);
    int shares = rank_shares(lora);
    bool waited = false;
#pragma unroll 1
    for (int unit = index; unit < tiles * lora.parts * splits.count * shares; unit += count) {
        int first = unit % shares * 16;
        int split = unit / shares % splits.count;
        int part = unit / shares / splits.count % lora.parts;
        Tile tile = step->tile[unit / shares / splits.count / lora.parts];
        const AdapterModule& change = tile.adapter[lora.part[part].slot];
        int rank = is_low_rank(change) ? change.rank : 0;
        const __nv_bfloat16* weights = change.a;
        int from = split * splits.length;
        Share share{x + static_cast<size_t>(tile.row) * lora.in, tile.rows, true, lora.in, from,
                    min(from + splits.length, lora.in)};
        Target target{
            lora.shrunk + shrunk_at(lora, part, tile.row, splits.count) + split * lora.rank_stride,
            static_cast<size_t>(splits.count) * lora.rank_stride,
            tile.rows};
#pragma unroll 1
        for (int r = first; r < rank; r += 16 * shares) {
            RankRows a[1] = {rank_rows(weights, rank, r, share.in)};
            auto store = [&](int, int row, int token, float4 sum) { target.store(r + row, token, sum); };
            if (STRIPS == 1 || tile.rows <= 8) {
                multiply<1, 1, WARPS, true, STEPS, BARRIER>(share, a, shared, waited, store);
            } else {
                multiply<1, STRIPS, WARPS, true, STEPS, BARRIER>(share, a, shared, waited, store);
            }
        }
    }
}

}  // namespace lorikeet::shrinking

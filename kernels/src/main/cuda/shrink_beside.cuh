// The shrink within the launch of a product that reads the same x: blocks of that kernel, or shares of their work.
#pragma once

#include "shrink_product.cuh"

namespace lorikeet::shrinking {

constexpr int STRIP_ROWS = 8;

// So many share the ranks of a split, sixteen at a time: large ranks have work for more blocks than there are splits.
__host__ __device__ constexpr int rank_shares(const Lora& lora) {
    return lora.rank_stride / 16 < MOST_RANK_SHARES ? lora.rank_stride / 16 : MOST_RANK_SHARES;
}

// Sixteen ranks of a share's rows, eight rows at a time: few adapters have more, and for those A is read again.
template <int WARPS, int STEPS, int BARRIER, typename Store>
__device__ __forceinline__ void
shrink_strips(Share share, const RankRows& ranks, float4* shared, bool& waited, Store store) {
    const RankRows a[1] = {ranks};
#pragma unroll 1
    for (int strip = 0; share.rows > 0; strip += STRIP_ROWS, share.rows -= STRIP_ROWS) {
        multiply<1, 1, WARPS, true, STEPS, BARRIER>(
            share, a, shared, waited, [&](int, int row, int token, float4 sum) { store(row, strip + token, sum); });
        share.x += static_cast<size_t>(STRIP_ROWS) * share.in;
    }
}

// Share `index` of `count` of a projection's shrink, by WARPS warps (see `multiply`). Rows of x and A are multiples of 16
// bytes and start at one. shared: [WARPS * 32].
template <int WARPS, int STEPS, int BARRIER = 0>
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
            shrink_strips<WARPS, STEPS, BARRIER>(share, rank_rows(weights, rank, r, share.in), shared, waited,
                                                 [&](int row, int token, float4 sum) { target.store(r + row, token, sum); });
        }
    }
}

}  // namespace lorikeet::shrinking

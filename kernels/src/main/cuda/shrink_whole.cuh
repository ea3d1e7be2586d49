// The shrink within the launch of a product, for the kernels for decode steps, which read h whole.
#pragma once

#include "shrink_beside.cuh"
#include "shrunk.cuh"

namespace lorikeet::shrinking {

// As shrink_share, but leaves h whole. There are as many splits as give each of the product's blocks a unit: half of what
// `shrink` takes.
template <int WARPS, int STEPS, int BARRIER>
__device__ __forceinline__ void
shrink_share_whole(const Step* step, const Lora& lora, const __nv_bfloat16* x, int index, int count, float4* shared) {
    int tiles = step->tiles;
    int shares = rank_shares(lora);
    Splits splits = split(tiles * lora.parts * shares * 2, lora.in, WARPS * SHRINK_STEP);
    bool waited = false;
#pragma unroll 1
    for (int unit = index; unit < tiles * lora.parts * splits.count * shares; unit += count) {
        int first = unit % shares * 16;
        int split = unit / shares % splits.count;
        int group = unit / shares / splits.count;  // of splits that one of them completes
        int part = group % lora.parts;
        Tile tile = step->tile[group / lora.parts];
        const AdapterModule& change = tile.adapter[lora.part[part].slot];
        int rank = is_low_rank(change) ? change.rank : 0;
        const __nv_bfloat16* weights = change.a;
        int from = split * splits.length;
        Share share{x + static_cast<size_t>(tile.row) * lora.in, tile.rows, true, lora.in, from,
                    min(from + splits.length, lora.in)};
        WholeTarget target = whole_target(lora, part, tile, split, splits.count);
#pragma unroll 1
        for (int r = first; r < rank; r += 16 * shares) {
            shrink_strips<WARPS, STEPS, BARRIER>(share, rank_rows(weights, rank, r, share.in), shared, waited,
                                                 [&](int row, int token, float4 sum) { target.store(r + row, token, sum); });
        }
        if (splits.count > 1 && first < rank) {
            complete<WARPS, BARRIER>(lora, part, tile, splits.count, lora.arrived + group * MOST_RANK_SHARES + first / 16,
                                     first, 16 * shares, rank, reinterpret_cast<int*>(shared));
        }
    }
}

}  // namespace lorikeet::shrinking

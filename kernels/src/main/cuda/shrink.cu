// h = A x of few tokens, in a launch of its own: see lora.cuh.
#include "shrink_product.cuh"

namespace lorikeet::shrinking {

constexpr int WARPS = SHRINK_THREADS / 32;

// Loads under way at a time, as many as there are registers for.
__host__ __device__ constexpr int steps(int chunks, int strips, bool fast) {
    return !fast ? 1 : chunks == 1 ? (strips > 2 ? 2 : 4) : chunks == 2 && strips <= 2 ? 2 : 1;
}

template <int CHUNKS, int STRIPS, bool FAST = true>
__device__ __forceinline__ void shrink_ranks(
    const Share& share, const AdapterModule& change, int from, const Target& target, float4* shared, bool& waited) {
    RankRows a[CHUNKS];
#pragma unroll
    for (int c = 0; c < CHUNKS; c++) {
        a[c] = rank_rows(change.a, change.rank, from + 16 * c, share.in);
    }
    constexpr int STEPS = steps(CHUNKS, STRIPS, FAST);
    multiply<CHUNKS, STRIPS, WARPS, FAST, STEPS>(
        share, a, shared, waited, [&](int chunk, int rank, int token, float4 sum) {
            target.store(from + 16 * chunk + rank, token, sum);
        });
}

template <int STRIPS>
__device__ __forceinline__ void shrink_part(
    const Share& share, const AdapterModule& change, const Target& target, float4* shared, bool& waited) {
    int from = 0;
    if (!share.fast) {
        for (; from < change.rank; from += 16) {
            shrink_ranks<1, STRIPS, false>(share, change, from, target, shared, waited);
        }
    }
    for (; from + 32 < change.rank; from += 64) {
        shrink_ranks<4, STRIPS>(share, change, from, target, shared, waited);
    }
    if (from + 16 < change.rank) {
        shrink_ranks<2, STRIPS>(share, change, from, target, shared, waited);
    } else if (from < change.rank) {
        shrink_ranks<1, STRIPS>(share, change, from, target, shared, waited);
    }
}

}  // namespace lorikeet::shrinking

extern "C" __global__ void __launch_bounds__(lorikeet::SHRINK_THREADS, 2)
    shrink(const lorikeet::Step* step, const __grid_constant__ lorikeet::Lora lora, const __nv_bfloat16* x) {
    using namespace lorikeet;
    using namespace lorikeet::shrinking;
    __shared__ float4 shared[WARPS * 8 * 32];
    release_next();
    Groups groups = groups_of(step, lora);
    Splits splits = splits_of(lora, groups.tiles);
    bool waited = false;
    int units = groups.tiles * lora.parts * splits.count;
    for (int unit = blockIdx.x; unit < units; unit += gridDim.x) {
        int split = unit % splits.count;
        int part = unit / splits.count % lora.parts;
        Tile tile = groups.tile[unit / splits.count / lora.parts];
        AdapterModule change = tile.adapter[lora.part[part].slot];
        if (!is_low_rank(change)) {
            continue;
        }
        Share share;
        share.x = x + static_cast<size_t>(tile.row) * lora.in;
        share.rows = tile.rows;
        share.in = lora.in;
        share.from = split * splits.length;
        share.end = min(share.from + splits.length, lora.in);
        share.fast = lora.in % 8 == 0 && aligned(x, 16) && aligned(change.a, 16);
        Target target{
            lora.shrunk + shrunk_at(lora, part, tile.row, splits.count) + split * lora.rank_stride,
            static_cast<size_t>(splits.count) * lora.rank_stride,
            tile.rows};
        if (tile.rows <= 8) {
            shrink_part<1>(share, change, target, shared, waited);
        } else {
            shrink_part<2>(share, change, target, shared, waited);
        }
    }
    leave(waited);
}

// h = A x, in launches of its own: see lora.cuh.
#include "shrink_product.cuh"

namespace lorikeet::shrinking {

constexpr int WARPS = SHRINK_THREADS / 32;
constexpr int PROMPT_WARPS = SHRINK_PROMPT_THREADS / 32;

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

// Sixteen ranks somewhere in the parts of a projection.
struct Chunk {
    int part;
    int from;
};

template <int CHUNKS, bool FAST = true>
__device__ __forceinline__ void shrink_chunks(
    const Share& share,
    const AdapterModule* adapter,
    const Lora& lora,
    const Chunk* chunks,
    Target target,
    float4* shared,
    bool& waited) {
    RankRows a[CHUNKS];
#pragma unroll
    for (int c = 0; c < CHUNKS; c++) {
        const AdapterModule& change = adapter[lora.part[chunks[c].part].slot];
        a[c] = rank_rows(change.a, change.rank, chunks[c].from, share.in);
    }
    size_t part_stride = target.row_stride * lora.tokens;
    constexpr int STEPS = steps(CHUNKS, 8, FAST);
    multiply<CHUNKS, 8, PROMPT_WARPS, FAST, STEPS>(
        share, a, shared, waited, [&](int c, int rank, int token, float4 sum) {
            Target part = target;
            part.h += chunks[c].part * part_stride;
            part.store(chunks[c].from + rank, token, sum);
        });
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

extern "C" __global__ void __launch_bounds__(lorikeet::SHRINK_PROMPT_THREADS, 2)
    shrink_prompt(const lorikeet::Step* step, const __grid_constant__ lorikeet::Lora lora, const __nv_bfloat16* x) {
    using namespace lorikeet;
    using namespace lorikeet::shrinking;
    __shared__ float4 shared[PROMPT_WARPS * 3 * 8 * 32];
    release_next();
    Groups groups = groups_of(step, lora);
    Splits splits = splits_of(lora, groups.tiles);
    bool waited = false;
    int units = divide_up(groups.tiles, SUPER_TILE) * splits.count;
    for (int unit = blockIdx.x; unit < units; unit += gridDim.x) {
        int split = unit % splits.count;
        int t = unit / splits.count * SUPER_TILE;
        int end = min(t + SUPER_TILE, groups.tiles);
        while (t < end) {
            Tile run = groups.tile[t++];
            while (t < end && continues(run, groups.tile[t])) {
                run.rows += groups.tile[t++].rows;
            }
            const AdapterModule* adapter = run.adapter;
            Share share;
            share.x = x + static_cast<size_t>(run.row) * lora.in;
            share.rows = run.rows;
            share.in = lora.in;
            share.from = split * splits.length;
            share.end = min(share.from + splits.length, lora.in);
            share.fast = lora.in % 8 == 0 && aligned(x, 16);
            for (int part = 0; part < lora.parts; part++) {
                share.fast = share.fast && aligned(adapter[lora.part[part].slot].a, 16);
            }
            Target target{
                lora.shrunk + shrunk_at(lora, 0, run.row, splits.count) + split * lora.rank_stride,
                static_cast<size_t>(splits.count) * lora.rank_stride,
                run.rows};
            Chunk chunks[3];
            int count = 0;
            for (int part = 0; part < lora.parts; part++) {
                const AdapterModule& change = adapter[lora.part[part].slot];
                int rank = is_low_rank(change) ? change.rank : 0;
                for (int from = 0; from < rank; from += 16) {
                    chunks[count] = {part, from};
                    if (!share.fast) {
                        shrink_chunks<1, false>(share, adapter, lora, chunks, target, shared, waited);
                        continue;
                    }
                    if (++count == 3) {
                        shrink_chunks<3>(share, adapter, lora, chunks, target, shared, waited);
                        count = 0;
                    }
                }
            }
            if (count == 2) {
                shrink_chunks<2>(share, adapter, lora, chunks, target, shared, waited);
            } else if (count == 1) {
                shrink_chunks<1>(share, adapter, lora, chunks, target, shared, waited);
            }
        }
    }
    leave(waited);
}

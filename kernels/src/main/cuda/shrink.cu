// h = A x: see lora.cuh.
//
// A tensor core product of A's rows (16 at a time) with up to 8 tokens at a time. Its operands come straight from
// memory: as the order of a sum doesn't matter, lane t of four takes 8 neighbouring inputs where the instruction has
// four times 2, for A and x alike. The warps of a block have different inputs; their sums are added in shared memory.
#include "shrink.cuh"

namespace lorikeet::shrinking {

// Sixteen rows of A, as one lane sees them: rows g and g + 8, or null where A has no such row.
struct RankRows {
    const __nv_bfloat16* first;
    const __nv_bfloat16* second;
};

__device__ __forceinline__ RankRows rank_rows(const __nv_bfloat16* a, int rank, int from, int in) {
    int row = from + (threadIdx.x % 32) / 4;
    return {row < rank ? a + static_cast<size_t>(row) * in : nullptr,
            row + 8 < rank ? a + static_cast<size_t>(row + 8) * in : nullptr};
}

// FAST: rows are multiples of 16 bytes and start at one.
template <bool FAST>
__device__ __forceinline__ uint4 weights8(const __nv_bfloat16* row, int at, int size) {
    if (row == nullptr || at >= size) {
        return make_uint4(0, 0, 0, 0);
    }
    return FAST ? load_weights16(row + at) : gather8(row + at, size - at);
}

template <bool FAST>
__device__ __forceinline__ uint4 input8(const __nv_bfloat16* row, int at, int size) {
    if (at >= size) {
        return make_uint4(0, 0, 0, 0);
    }
    return FAST ? load16(row + at) : gather8(row + at, size - at);
}

// The sums of CHUNKS times 16 ranks for STRIPS times 8 tokens, over this warp's share of the inputs.
template <int CHUNKS, int STRIPS, bool FAST>
struct Sums {
    float value[CHUNKS][STRIPS][4];

    __device__ __forceinline__ void clear() {
#pragma unroll
        for (int c = 0; c < CHUNKS; c++) {
#pragma unroll
            for (int s = 0; s < STRIPS; s++) {
#pragma unroll
                for (int i = 0; i < 4; i++) {
                    value[c][s][i] = 0;
                }
            }
        }
    }

    // Adds STEPS times 32 inputs from `at` on (this lane's first), `stride` apart. x: this lane's token of each strip.
    template <int STEPS>
    __device__ __forceinline__ void add(
        const RankRows (&a)[CHUNKS],
        const __nv_bfloat16* x,
        int tokens,
        int in,
        int at,
        int end,
        int stride,
        bool& waited) {
        uint4 weights[STEPS][CHUNKS][2];
#pragma unroll
        for (int k = 0; k < STEPS; k++) {
#pragma unroll
            for (int c = 0; c < CHUNKS; c++) {
                weights[k][c][0] = weights8<FAST>(a[c].first, at + k * stride, end);
                weights[k][c][1] = weights8<FAST>(a[c].second, at + k * stride, end);
            }
        }
        if (!waited) {
            wait_for_previous();
            waited = true;
        }
        uint4 input[STEPS][STRIPS];
        int token = (threadIdx.x % 32) / 4;
#pragma unroll
        for (int k = 0; k < STEPS; k++) {
#pragma unroll
            for (int s = 0; s < STRIPS; s++) {
                input[k][s] = token + 8 * s < tokens
                    ? input8<FAST>(x + static_cast<size_t>(8 * s) * in, at + k * stride, end)
                    : make_uint4(0, 0, 0, 0);
            }
        }
#pragma unroll
        for (int k = 0; k < STEPS; k++) {
#pragma unroll
            for (int c = 0; c < CHUNKS; c++) {
                uint4 first = weights[k][c][0];
                uint4 second = weights[k][c][1];
#pragma unroll
                for (int s = 0; s < STRIPS; s++) {
                    uint4 b = input[k][s];
                    mma(value[c][s], first.x, second.x, first.y, second.y, b.x, b.y);
                    mma(value[c][s], first.z, second.z, first.w, second.w, b.z, b.w);
                }
            }
        }
    }
};

// One product: some ranks of A, some rows of x, some inputs.
struct Share {
    const __nv_bfloat16* x;  // first row
    int rows;
    bool fast;
    int in;
    int from;  // inputs
    int end;
};

// Multiplies, adds over the block's warps, and gives the sums of four (rank, token) to `store` once each.
template <int CHUNKS, int STRIPS, int WARPS, bool FAST, typename Store>
__device__ __forceinline__ void multiply(
    const Share& share, const RankRows (&a)[CHUNKS], float4* shared, bool& waited, Store store) {
    constexpr int STEPS = !FAST ? 1 : CHUNKS == 1 ? (STRIPS > 2 ? 2 : 4) : CHUNKS == 2 && STRIPS <= 2 ? 2 : 1;
    Sums<CHUNKS, STRIPS, FAST> sums;
    sums.clear();
    int lane = threadIdx.x % 32;
    int warp = threadIdx.x / 32;
    const __nv_bfloat16* x = share.x + static_cast<size_t>(lane / 4) * share.in;
    int at = share.from + warp * SHRINK_STEP + 8 * (lane % 4);
    constexpr int STRIDE = WARPS * SHRINK_STEP;
    int first = share.from + warp * SHRINK_STEP;
    for (; first + (STEPS - 1) * STRIDE < share.end; first += STEPS * STRIDE, at += STEPS * STRIDE) {
        sums.template add<STEPS>(a, x, share.rows, share.in, at, share.end, STRIDE, waited);
    }
    for (; first < share.end; first += STRIDE, at += STRIDE) {
        sums.template add<1>(a, x, share.rows, share.in, at, share.end, STRIDE, waited);
    }
    __syncthreads();  // shared memory is free again
#pragma unroll
    for (int c = 0; c < CHUNKS; c++) {
#pragma unroll
        for (int s = 0; s < STRIPS; s++) {
            float(&v)[4] = sums.value[c][s];
            shared[(warp * CHUNKS * STRIPS + c * STRIPS + s) * 32 + lane] = make_float4(v[0], v[1], v[2], v[3]);
        }
    }
    __syncthreads();
    for (int i = threadIdx.x; i < CHUNKS * STRIPS * 32; i += WARPS * 32) {
        float4 sum = shared[i];
#pragma unroll
        for (int w = 1; w < WARPS; w++) {
            float4 v = shared[w * CHUNKS * STRIPS * 32 + i];
            sum.x += v.x, sum.y += v.y, sum.z += v.z, sum.w += v.w;
        }
        int strip = i / 32 % STRIPS;
        int rank = i % 32 / 4;
        int token = strip * 8 + i % 4 * 2;
        store(i / 32 / STRIPS, rank, token, sum);
    }
}

constexpr int WARPS = SHRINK_THREADS / 32;
constexpr int PROMPT_WARPS = SHRINK_PROMPT_THREADS / 32;

// Where the sums of one part go.
struct Target {
    float* h;  // of the first row, with the split's place counted in
    size_t row_stride;
    int rows;

    __device__ __forceinline__ void store(int rank, int token, float4 sum) const {
        if (token < rows) {
            h[token * row_stride + rank] = sum.x;
            h[token * row_stride + rank + 8] = sum.z;
        }
        if (token + 1 < rows) {
            h[(token + 1) * row_stride + rank] = sum.y;
            h[(token + 1) * row_stride + rank + 8] = sum.w;
        }
    }
};

template <int CHUNKS, int STRIPS, bool FAST = true>
__device__ __forceinline__ void shrink_ranks(
    const Share& share, const AdapterModule& change, int from, const Target& target, float4* shared, bool& waited) {
    RankRows a[CHUNKS];
#pragma unroll
    for (int c = 0; c < CHUNKS; c++) {
        a[c] = rank_rows(change.a, change.rank, from + 16 * c, share.in);
    }
    multiply<CHUNKS, STRIPS, WARPS, FAST>(share, a, shared, waited, [&](int chunk, int rank, int token, float4 sum) {
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
    multiply<CHUNKS, 8, PROMPT_WARPS, FAST>(share, a, shared, waited, [&](int c, int rank, int token, float4 sum) {
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

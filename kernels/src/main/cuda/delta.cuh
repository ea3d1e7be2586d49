// The adapter's part of a projection, made beside the rows that it belongs to.
//
// A warp finishes 64 columns of up to 8 rows at a time. First the tensor cores give B h, which goes through shared memory;
// then each lane has 8 neighbouring columns of a row, as a row lies in memory, and adds what the adapter does to it.
#pragma once

#include "shrink.cuh"

namespace lorikeet {

constexpr int WARP_COLUMNS = 64;
constexpr int STRIP = 8;  // rows
constexpr int AHEAD = 3;  // windows whose part of B is read before they are wanted

// For B h, the instruction's rows are B's rows, that is, columns of the projection: in lane 4 g + t, columns 8 g .. 8 g + 7,
// half of them at a time. The ranks are taken in an order that lets each lane load four neighbours: 4 t .. 4 t + 3 of
// sixteen.
struct Ranks {
    uint2 even[2];  // of columns 0 and 2
    uint2 odd[2];   // of columns 1 and 3

    // column: the first of the four; from: the first of the 16 ranks; fast: B can be read eight bytes at a time.
    // AGAIN: it is to stay in the first-level cache.
    template <bool AGAIN>
    __device__ __forceinline__ void
    load(const __nv_bfloat16* b, int rank, int column, int out, int from, bool fast) {
        int at = from + threadIdx.x % 4 * 4;
        int columns = at < rank ? out - column : 0;
        int count = min(rank - at, 4);
        const __nv_bfloat16* row = b + static_cast<size_t>(column) * rank + at;
#pragma unroll
        for (int j = 0; j < 2; j++) {
            even[j] = load_row<AGAIN>(row + 2 * j * rank, 2 * j < columns ? count : 0, fast);
            odd[j] = load_row<AGAIN>(row + (2 * j + 1) * rank, 2 * j + 1 < columns ? count : 0, fast);
        }
    }

    template <bool AGAIN>
    static __device__ __forceinline__ uint2 load_row(const __nv_bfloat16* row, int count, bool fast) {
        if (fast) {
            return count <= 0 ? make_uint2(0, 0) : AGAIN ? load_weights8_again(row) : load_weights8(row);
        }
        return gather4(row, count);
    }
};

// B h of four columns and, in lane 4 g + t, rows 2 t and 2 t + 1.
struct Product {
    float value[2][4];

    __device__ __forceinline__ void clear() {
#pragma unroll
        for (int j = 0; j < 2; j++) {
#pragma unroll
            for (int i = 0; i < 4; i++) {
                value[j][i] = 0;
            }
        }
    }

    // h: in two parts, bf16 each, whose sum is nearly the float.
    __device__ __forceinline__ void add(const Ranks& b, uint4 h) {
#pragma unroll
        for (int j = 0; j < 2; j++) {
            mma(value[j], b.even[j].x, b.odd[j].x, b.even[j].y, b.odd[j].y, h.x, h.y);
            mma(value[j], b.even[j].x, b.odd[j].x, b.even[j].y, b.odd[j].y, h.z, h.w);
        }
    }

    // to: the lane's four columns in the strip's first row.
    __device__ __forceinline__ void store(float* to, int pitch, float scaling) const {
        int row = threadIdx.x % 4 * 2;
#pragma unroll
        for (int i = 0; i < 2; i++) {
            *reinterpret_cast<float4*>(to + (row + i) * pitch) = make_float4(
                scaling * value[0][i], scaling * value[0][i + 2], scaling * value[1][i], scaling * value[1][i + 2]);
        }
    }
};

// B h of a strip for a warp's columns, between its lanes.
struct SharedProduct {
    static constexpr int PITCH = WARP_COLUMNS + 4;
    float value[STRIP][PITCH];
};

// The tiles from `t` on, before `end`, that can be taken as one; t moves behind them.
__device__ __forceinline__ Tile next_span(const Tile* tile, int& t, int end) {
    Tile span = tile[t];
#pragma unroll 1
    for (t++; t < end && continues(span, tile[t]); t++) {
        span.rows += tile[t].rows;
    }
    return span;
}

// h of some rows for one part, in shared memory, as the product takes it: blocks of sixteen ranks of a strip.
template <int BLOCKS>
struct SharedRanks {
    uint4 h[BLOCKS][STRIP][4];

    // How many rows fit for a rank: a multiple of STRIP.
    static __device__ __forceinline__ int capacity(int rank) { return STRIP * (BLOCKS / divide_up(rank, 16)); }

    // This lane's ranks from `from` on; strip: its first row of those at hand.
    __device__ __forceinline__ uint4 at(int rank, int from, int strip) const {
        int lane = threadIdx.x % WARP;
        return h[strip / STRIP * divide_up(rank, 16) + from / 16][lane / 4][lane % 4];
    }

    // The sum of the splits, in a fixed order, of `rank` ranks from `first` on, a multiple of 16; zeros from `own` of
    // them on. All threads of the block, between two barriers.
    __device__ __forceinline__ void load(
        const Lora& lora, int part, int rank, int row, int rows, int splits, int first = 0, int own = LORA_MAX_RANK) {
        if (rank == 0) {
            return;
        }
        // 128 threads have a block of h: four lanes, which share the splits, for four ranks of a row.
        constexpr int TOGETHER = STRIP * 4 * 4;
        int lane = threadIdx.x % 4;
        int t = threadIdx.x / 4 % 4;
        int r = threadIdx.x / 16 % STRIP;
        int chunks = divide_up(rank, 16);
        int chunk = threadIdx.x / TOGETHER;
        int strip = 0;
#pragma unroll 1
        for (int block = chunk;; block += blockDim.x / TOGETHER, chunk += blockDim.x / TOGETHER) {
            while (chunk >= chunks) {
                chunk -= chunks;
                strip += STRIP;
            }
            if (strip >= rows) {
                break;
            }
            const float* from = lora.shrunk + shrunk_at(lora, part, row + strip + r, splits) + first + chunk * 16 + t * 4;
            if (lora.prompt == 1) {  // it is in two parts already
                if (lane == 0) {
                    bool exists = strip + r < rows && chunk * 16 < own;
                    h[block][r][t] = exists ? load16(from) : make_uint4(0, 0, 0, 0);
                }
                continue;
            }
            float4 v[MAX_SPLITS / 4];
#pragma unroll
            for (int s = 0; s < MAX_SPLITS / 4; s++) {
                int split = 4 * s + lane;
                v[s] = split < splits && strip + r < rows && chunk * 16 < own
                    ? __ldcg(reinterpret_cast<const float4*>(from + split * lora.rank_stride))
                    : make_float4(0, 0, 0, 0);
            }
            float4 sum = sum_of_lanes(v);
            if (lane == 0) {
                unsigned a = pack_bf16(sum.x, sum.y);
                unsigned b = pack_bf16(sum.z, sum.w);
                h[block][r][t] = make_uint4(
                    a, b, pack_bf16(sum.x - low(a), sum.y - high(a)), pack_bf16(sum.z - low(b), sum.w - high(b)));
            }
        }
    }
};

// What one adapter does to one part of a projection.
struct Delta {
    const __nv_bfloat16* b;
    const __nv_bfloat16* lora_bias;
    const float* magnitude;
    float scaling;
    int rank;  // 0: nothing
    bool fast;

    // adapter: may be null.
    __device__ __forceinline__ void load(const AdapterModule* adapter, const LoraPart& part) {
        AdapterModule change;
        change.kind = MODULE_NONE;
        if (adapter != nullptr) {
            change = adapter[part.slot];
        }
        take(change);
    }

    __device__ __forceinline__ void take(const AdapterModule& change) {
        rank = 0;
        if (is_low_rank(change)) {
            b = change.b;
            lora_bias = change.lora_bias;
            magnitude = change.magnitude;
            scaling = change.scaling;
            rank = change.rank;
            fast = rank % 4 == 0 && aligned(b, 8);
        }
    }

    // Starts to read B for a warp's columns: the first ranks into registers. What is wanted next, `window` columns ahead
    // and so on, goes into the second-level cache; `fresh`: nothing has been read ahead yet.
    __device__ __forceinline__ void start(int column, int out, int window, bool fresh, Ranks (&first)[2]) const {
        if (rank == 0) {
            return;
        }
        int mine = column + threadIdx.x % WARP / 4 * 8;
        first[0].load<false>(b, rank, mine, out, 0, fast);
        first[1].load<false>(b, rank, mine + 4, out, 0, fast);
        if (rank > 16 && fresh) {
            prefetch(column, out);
        }
#pragma unroll 1
        for (int ahead = fresh ? 1 : AHEAD; ahead <= AHEAD; ahead++) {
            prefetch(column + ahead * window, out);
        }
    }

    __device__ __forceinline__ void prefetch(int column, int out) const {
        constexpr int LINE = 128 / sizeof(__nv_bfloat16);
        size_t at = static_cast<size_t>(column) * rank;
        size_t end = min(static_cast<size_t>(column + WARP_COLUMNS), static_cast<size_t>(out)) * rank;
#pragma unroll 1
        for (at += threadIdx.x % WARP * LINE; at < end; at += WARP * LINE) {
            asm volatile("prefetch.global.L2 [%0];" ::"l"(b + at));
        }
    }

    // scaling * B h of a strip for a warp's columns, to [STRIP][pitch]; `first`: as `start` left it. The warp's lanes may
    // read all of it afterwards.
    template <int BLOCKS>
    __device__ __forceinline__ void expand(
        const SharedRanks<BLOCKS>& shared, const Ranks (&first)[2], int strip, int column, int out, float* to, int pitch) const {
        if (rank == 0) {
            return;
        }
        __syncwarp();
        int place = threadIdx.x % WARP / 4 * 8;
#pragma unroll
        for (int half = 0; half < 2; half++) {
            Product product;
            product.clear();
            product.add(first[half], shared.at(rank, 0, strip));
#pragma unroll 1
            for (int from = 16; from < rank; from += 16) {
                Ranks ranks;
                ranks.load<true>(b, rank, column + place + 4 * half, out, from, fast);
                product.add(ranks, shared.at(rank, from, strip));
            }
            product.store(to + place + 4 * half, pitch, scaling);
        }
        __syncwarp();
    }

    // Finishes 8 columns of a row from `column` on; product: scaling * B h for them, read only if there is a change.
    __device__ __forceinline__ void apply(const float* product, int column, int out, float (&y)[8]) const {
        if (rank == 0) {
            return;
        }
#pragma unroll
        for (int c = 0; c < 8; c += 4) {
            float4 v = *reinterpret_cast<const float4*>(product + c);
            y[c] += v.x, y[c + 1] += v.y, y[c + 2] += v.z, y[c + 3] += v.w;
        }
        if (lora_bias != nullptr) {
#pragma unroll
            for (int c = 0; c < 8; c++) {
                y[c] += column + c < out ? scaling * __bfloat162float(lora_bias[column + c]) : 0.0f;
            }
        }
        if (magnitude != nullptr) {
#pragma unroll
            for (int c = 0; c < 8; c++) {
                y[c] *= column + c < out ? magnitude[column + c] : 0.0f;
            }
        }
    }
};

// Adds the base model's bias to 8 columns from `column` on.
__device__ __forceinline__ void add_bias(const LoraPart& part, int column, float (&y)[8]) {
    if (part.bias != nullptr) {
#pragma unroll
        for (int c = 0; c < 8; c++) {
            y[c] += column + c < part.out ? __bfloat162float(part.bias[column + c]) : 0.0f;
        }
    }
}

// Where a lane is in a strip of a warp's columns, as the rows lie in memory: two rows, 8 columns.
struct LanePlace {
    int row;     // and row + 4
    int column;  // in the warp's

    __device__ __forceinline__ LanePlace() : row(threadIdx.x % WARP / 8), column(threadIdx.x % 8 * 8) {}
};

// Whether a step has so few tiles that their strips may be taken by blocks of their own.
__device__ __forceinline__ int strips_apart(const Lora& lora, int units) {
    return lora.run == 1 && 2 * units <= gridDim.x ? 2 : 1;
}

// A tile's part of several: a strip, or all of it.
__device__ __forceinline__ Tile part_of(Tile tile, int strip, int strips) {
    if (strips > 1) {
        tile.row += strip * STRIP;
        tile.rows = min(tile.rows - strip * STRIP, STRIP);
    }
    return tile;
}

// A block's share of the units of work: neighbours, so that it can keep what they have in common.
struct Units {
    int first;
    int end;
};

__device__ __forceinline__ Units units_of(int units, int index, int count) {
    return {static_cast<int>(static_cast<long long>(units) * index / count),
            static_cast<int>(static_cast<long long>(units) * (index + 1) / count)};
}

}  // namespace lorikeet

// The adapter's part of a projection while a kernel has its rows in registers.
//
// A warp finishes 64 columns of up to 8 rows at a time. In lane 4 g + t these are columns 8 g .. 8 g + 7 of rows 2 t and
// 2 t + 1: loads and stores of 16 bytes, and a tensor core product B h whose result lies just so. B's rows are assigned to
// the instruction's rows for that, and its ranks are taken in an order that lets each lane load four neighbours.
#pragma once

#include "shrink.cuh"

namespace lorikeet {

constexpr int WARP_COLUMNS = 64;
constexpr int STRIP = 8;  // rows

// The rows of B that belong to a lane's columns, for 16 ranks.
struct Ranks {
    uint2 even[4];  // ranks 4 t .. 4 t + 3 of columns 0, 2, 4, 6
    uint2 odd[4];

    __device__ __forceinline__ void clear() {
#pragma unroll
        for (int j = 0; j < 4; j++) {
            even[j] = odd[j] = make_uint2(0, 0);
        }
    }

    // column: this lane's first; from: the first of the 16 ranks.
    __device__ __forceinline__ void load(const __nv_bfloat16* b, int rank, int column, int out, int from) {
        int at = from + 4 * (threadIdx.x % 4);
        clear();
        if (at >= rank) {
            return;
        }
        const __nv_bfloat16* row = b + static_cast<size_t>(column) * rank + at;
        if (rank % 4 == 0 && aligned(b, 8)) {
#pragma unroll
            for (int j = 0; j < 4; j++, row += 2 * rank) {
                if (column + 2 * j < out) {
                    even[j] = load_weights8(row);
                }
                if (column + 2 * j + 1 < out) {
                    odd[j] = load_weights8(row + rank);
                }
            }
            return;
        }
        int count = min(rank - at, 4);
#pragma unroll
        for (int j = 0; j < 4; j++, row += 2 * rank) {
            uint4 v = gather8(row, column + 2 * j < out ? count : 0);
            even[j] = make_uint2(v.x, v.y);
            v = gather8(row + rank, column + 2 * j + 1 < out ? count : 0);
            odd[j] = make_uint2(v.x, v.y);
        }
    }
};

// B h for a lane's 8 columns and 2 rows.
struct Product {
    float value[4][4];

    __device__ __forceinline__ void clear() {
#pragma unroll
        for (int j = 0; j < 4; j++) {
#pragma unroll
            for (int i = 0; i < 4; i++) {
                value[j][i] = 0;
            }
        }
    }

    // h: in two parts, bf16 each, whose sum is nearly the float.
    __device__ __forceinline__ void add(const Ranks& b, uint4 h) {
#pragma unroll
        for (int j = 0; j < 4; j++) {
            mma(value[j], b.even[j].x, b.odd[j].x, b.even[j].y, b.odd[j].y, h.x, h.y);
            mma(value[j], b.even[j].x, b.odd[j].x, b.even[j].y, b.odd[j].y, h.z, h.w);
        }
    }

    // Column `c` of row 2 t + i; both known to the compiler.
    __device__ __forceinline__ float at(int c, int i) const { return value[c / 2][c % 2 * 2 + i]; }
};

// h of the rows of a tile for one part, in shared memory, as the product takes it: [rank / 16][row][4].
struct SharedRanks {
    uint4 h[LORA_MAX_RANK / 16][TILE_ROWS][4];

    // The sum of the splits, in their order. All threads of the block; a barrier must follow.
    __device__ __forceinline__ void load(const Lora& lora, int part, int rank, int row, int rows, int splits) {
        int lane = threadIdx.x % 4;
        int items = divide_up(rank, 16) * rows * 4;
        // Four lanes share an item: the loop runs for whole warps.
        for (int i = threadIdx.x / 4; i < divide_up(items, 8) * 8; i += blockDim.x / 4) {
            float4 sum = make_float4(0, 0, 0, 0);
            int t = i % 4;
            int r = i / 4 % rows;
            int chunk = i / 4 / rows;
            if (i < items) {
                const float* from =
                    lora.shrunk + shrunk_at(lora, part, row + r, splits) + chunk * 16 + t * 4;
                float4 v[MAX_SPLITS / 4];
#pragma unroll
                for (int s = 0; s < MAX_SPLITS / 4; s++) {
                    int split = 4 * s + lane;
                    v[s] = split < splits
                        ? __ldcg(reinterpret_cast<const float4*>(from + static_cast<size_t>(split) * lora.rank_stride))
                        : make_float4(0, 0, 0, 0);
                }
#pragma unroll
                for (int s = 0; s < MAX_SPLITS / 4; s++) {
                    sum.x += v[s].x, sum.y += v[s].y, sum.z += v[s].z, sum.w += v[s].w;
                }
            }
#pragma unroll
            for (int mask = 1; mask < 4; mask *= 2) {
                sum.x += __shfl_xor_sync(~0u, sum.x, mask);
                sum.y += __shfl_xor_sync(~0u, sum.y, mask);
                sum.z += __shfl_xor_sync(~0u, sum.z, mask);
                sum.w += __shfl_xor_sync(~0u, sum.w, mask);
            }
            if (i < items && lane == 0) {
                unsigned a = pack_bf16(sum.x, sum.y);
                unsigned b = pack_bf16(sum.z, sum.w);
                h[chunk][r][t] = make_uint4(
                    a, b, pack_bf16(sum.x - low(a), sum.y - high(a)), pack_bf16(sum.z - low(b), sum.w - high(b)));
            }
        }
    }
};

// What one adapter does to a lane's columns of one part of a projection.
struct Delta {
    AdapterModule change;
    Ranks first;  // ranks 0..15, loaded early
    int column;   // this lane's first column, within the part
    int out;
    bool present;

    // adapter: may be null. column: this lane's.
    __device__ __forceinline__ void load(const AdapterModule* adapter, const LoraPart& part, int lane_column) {
        column = lane_column;
        out = part.out;
        present = false;
        first.clear();
        if (adapter == nullptr) {
            return;
        }
        change = adapter[part.slot];
        present = is_low_rank(change);
        if (present) {
            first.load(change.b, change.rank, column, out, 0);
        }
    }

    // B h of the rows of `count` strips of a tile, from `strip` on.
    template <int COUNT>
    __device__ __forceinline__ void multiply(const SharedRanks& shared, int strip, Product (&product)[COUNT]) const {
#pragma unroll
        for (int s = 0; s < COUNT; s++) {
            product[s].clear();
        }
        if (!present) {
            return;
        }
        int lane = threadIdx.x % 32;
        int row = strip * STRIP + lane / 4;
#pragma unroll
        for (int s = 0; s < COUNT; s++) {
            product[s].add(first, shared.h[0][row + s * STRIP][lane % 4]);
        }
#pragma unroll 1
        for (int from = 16; from < change.rank; from += 16) {
            Ranks ranks;
            ranks.load(change.b, change.rank, column, out, from);
#pragma unroll
            for (int s = 0; s < COUNT; s++) {
                product[s].add(ranks, shared.h[from / 16][row + s * STRIP][lane % 4]);
            }
        }
    }

    // Changes y, this lane's columns of row 2 t + i of a strip.
    __device__ __forceinline__ void apply(const Product& product, int i, float (&y)[8]) const {
        if (!present) {
            return;
        }
#pragma unroll
        for (int c = 0; c < 8; c++) {
            y[c] += change.scaling * product.at(c, i);
        }
        if (change.lora_bias != nullptr) {
            Eight<__nv_bfloat16> bias;
            bias.load(change.lora_bias, column, out, aligned(change.lora_bias, 16));
            float v[8];
            bias.unpack(v);
#pragma unroll
            for (int c = 0; c < 8; c++) {
                y[c] += change.scaling * v[c];
            }
        }
        if (change.magnitude != nullptr) {
            Eight<float> magnitude;
            magnitude.load(change.magnitude, column, out, aligned(change.magnitude, 16));
#pragma unroll
            for (int c = 0; c < 8; c++) {
                y[c] *= magnitude.value[c];
            }
        }
    }
};

// Adds the base model's bias.
__device__ __forceinline__ void add_bias(const LoraPart& part, int column, float (&y)[8]) {
    if (part.bias == nullptr) {
        return;
    }
    Eight<__nv_bfloat16> bias;
    bias.load(part.bias, column, part.out, aligned(part.bias, 16));
    float v[8];
    bias.unpack(v);
#pragma unroll
    for (int c = 0; c < 8; c++) {
        y[c] += v[c];
    }
}

}  // namespace lorikeet

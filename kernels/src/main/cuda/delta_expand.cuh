// B h of a tile of a decode product, by the threads behind the product's.
//
// B's rows are those of the tensor cores' product, sixteen at a time, up to eight rows of h its columns. B comes straight to
// registers, in each warp sixteen ranks of a half's rows at a time for some strips of rows, or of large ranks more of them
// for one.
//
// With the weight's copies under way memory answers late, so that a share of its bytes takes as large a share of all bytes
// that are asked for.
#pragma once

#include "delta_memory.cuh"
#include "shrink_left.cuh"
#include "shrunk.cuh"

namespace lorikeet::decode_product {

// Times sixteen ranks of a strip and half that a warp loads at once: as many as there are registers for.
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ < 900
constexpr int SLICES_AT_ONCE = 2;
#else
constexpr int SLICES_AT_ONCE = 4;
#endif
constexpr int DELTA_RANKS_AT_HAND = 2048;  // of all strips, for which a warp's loads are enough
constexpr int DELTA_RANKS_AHEAD = 128;     // that a warp asks for where there are more
constexpr int SLICE_RANKS = 16;

// Where a lane is in products of a half's B with h: every eighth column, one row, four of sixteen ranks.
struct DeltaPlace {
    static constexpr int COLUMNS = HALF_OUT / 8;

    int first = static_cast<int>(threadIdx.x) % WARP / 4;  // column; and the row of h
    int rank = static_cast<int>(threadIdx.x) % 4 * 4;
};

// A strip's B h of a half, as it is computed: in lane 4 g + t every eighth column from g on, of rows 2 t and 2 t + 1.
struct DeltaProduct {
    float value[DeltaPlace::COLUMNS / 2][4];
    int h;  // place of the lane's first ranks among those of the part's rows; below zero if it has no row
    int rank;

    __device__ __forceinline__ void start(const Lora& lora, DeltaStrip strip, bool exists) {
        const DeltaPlace place;
#pragma unroll
        for (auto& four : value) {
            four[0] = four[1] = four[2] = four[3] = 0;
        }
        rank = exists ? static_cast<int>(strip.rank) : 0;
        h = place.first < static_cast<int>(strip.rows)
            ? (static_cast<int>(strip.row) + place.first) * (lora.rank_stride / 4) + place.rank / 4
            : -1;
    }

    // The lane's first element of B, which isn't kept: registers are few.
    __device__ __forceinline__ const __nv_bfloat16* first_of(const __nv_bfloat16* b, const Half& half) const {
        const DeltaPlace place;
        return b + static_cast<size_t>(half.first + place.first) * rank + place.rank;
    }

    // Leaves it in shared memory.
    template <int ROWS>
    __device__ __forceinline__ void leave(float (&to)[ROWS * OUT], int which, DeltaStrip strip) const {
        const int column = which * HALF_OUT + DeltaPlace().first;
#pragma unroll
        for (int r = 0; r < 2; r++) {
            const int row = static_cast<int>(threadIdx.x) % 4 * 2 + r;
            if (row < static_cast<int>(strip.rows)) {
#pragma unroll
                for (int i = 0; i < DeltaPlace::COLUMNS; i++) {
                    to[DeltaMemory<ROWS>::at(static_cast<int>(strip.row) + row, column + 8 * i)] =
                        strip.scaling * value[i / 2][i % 2 * 2 + r];
                }
            }
        }
    }
};

// Sixteen ranks of a strip's operands.
struct DeltaSlice {
    uint2 b[DeltaPlace::COLUMNS];
    float4 h;

    // outs: columns of the half from the lane's first on.
    template <bool FAST>
    __device__ __forceinline__ void fetch_b(const DeltaProduct& product, const __nv_bfloat16* first, int from, int outs) {
        const int count = product.rank - from - DeltaPlace().rank;
#pragma unroll
        for (int i = 0; i < DeltaPlace::COLUMNS; i++) {
            const __nv_bfloat16* row = first + from + i * 8 * product.rank;
            if (FAST) {
                b[i] = count > 0 && i * 8 < outs ? load_weights8(row) : make_uint2(0, 0);
            } else {
                b[i] = gather4(row, i * 8 < outs ? count : 0);
            }
        }
    }

    // rows: of the half's part.
    __device__ __forceinline__ void fetch_h(const float4* rows, const DeltaProduct& product, int from) {
        const bool exists = product.h >= 0 && from + DeltaPlace().rank < product.rank;
        h = exists ? load_h(rows + product.h + from / 4) : make_float4(0, 0, 0, 0);
    }

    __device__ __forceinline__ void add_to(DeltaProduct& product) const {
        const uint4 halves = halves_of_ranks(h);
#pragma unroll
        for (int i = 0; i < DeltaPlace::COLUMNS / 2; i++) {
            float(&v)[4] = product.value[i];
            mma(v, b[2 * i].x, b[2 * i + 1].x, b[2 * i].y, b[2 * i + 1].y, halves.x, halves.y);
            mma(v, b[2 * i].x, b[2 * i + 1].x, b[2 * i].y, b[2 * i + 1].y, halves.z, halves.w);
        }
    }
};

// Asks for B of some strips of a warp in the second-level cache: from the `from`th of its strips on, `count`.
template <int ROWS>
__device__ __forceinline__ void ask_for(DeltaMemory<ROWS>& shared, Half half, int which, int from, int count) {
#if __CUDA_ARCH__ >= 900
    constexpr int STEP = DELTA_WARPS / 2;
    const int lane = static_cast<int>(threadIdx.x) % WARP;
    const int i = static_cast<int>(threadIdx.x) / WARP % DELTA_WARPS / 2 + (from + lane) * STEP;
    if (lane < count && i < shared.strips) {
        const DeltaStrip strip = shared.strip[which][i];
        const int rank = static_cast<int>(strip.rank);
        const __nv_bfloat16* b = strip.b + static_cast<size_t>(half.first) * rank;
        const int bytes = min(half.outs, HALF_OUT) * rank * 2 & ~15;
        if (bytes > 0 && aligned(b, 16)) {
            asm volatile("cp.async.bulk.prefetch.L2.global [%0], %1;" ::"l"(b), "r"(bytes) : "memory");
        }
    }
#endif
}

// Strips whose B a warp asks for ahead of what it multiplies: only of many, as their loads alone don't keep enough bytes on
// their way. With fewer it costs up to 3 %.
__device__ __forceinline__ int strips_ahead(const Lora& lora, int strips) {
    return strips * lora.rank_stride <= DELTA_RANKS_AT_HAND ? 0 : max(DELTA_RANKS_AHEAD / lora.rank_stride, 1);
}

// A tile's part, by a warp of a half and every fourth strip: STRIPS of these side by side, of each SIXTEENS times sixteen
// ranks. h: of the half's rows.
template <int ROWS, int STRIPS, int SIXTEENS, bool FAST>
__device__ __forceinline__ void expand_tile(const Lora& lora, DeltaMemory<ROWS>& shared, int place, const float4* h) {
    constexpr int STEP = DELTA_WARPS / 2;
    const int warp = static_cast<int>(threadIdx.x) / WARP % DELTA_WARPS;
    const int which = warp % 2;
    const Half half = shared.half[place][which];
    const int outs = half.outs - DeltaPlace().first;
    const int strips = shared.strips;
    int asked = strips_ahead(lora, strips);
#pragma unroll 1
    for (int first = warp / 2; first < strips; first += STEP * STRIPS) {
        DeltaProduct product[STRIPS];
        int most = 0;  // ranks
#pragma unroll
        for (int s = 0; s < STRIPS; s++) {
            const int i = first + s * STEP;
            product[s].start(lora, shared.strip[which][min(i, strips - 1)], i < strips);
            most = max(most, product[s].rank);
        }
#pragma unroll 1
        for (int from = 0; from < most; from += SLICE_RANKS * SIXTEENS) {
            DeltaSlice slice[STRIPS][SIXTEENS];
#pragma unroll
            for (int s = 0; s < STRIPS; s++) {
                const __nv_bfloat16* b = shared.strip[which][min(first + s * STEP, strips - 1)].b;
                b = product[s].first_of(b, half);
#pragma unroll
                for (int k = 0; k < SIXTEENS; k++) {
                    slice[s][k].template fetch_b<FAST>(product[s], b, from + k * SLICE_RANKS, outs);
                }
            }
            if (from == 0 && asked > 0) {
                ask_for(shared, half, which, asked, STRIPS);
                asked += STRIPS;
            }
#pragma unroll
            for (int s = 0; s < STRIPS; s++) {
#pragma unroll
                for (int k = 0; k < SIXTEENS; k++) {
                    slice[s][k].fetch_h(h, product[s], from + k * SLICE_RANKS);
                }
            }
#pragma unroll
            for (int s = 0; s < STRIPS; s++) {
#pragma unroll
                for (int k = 0; k < SIXTEENS; k++) {
                    slice[s][k].add_to(product[s]);
                }
            }
        }
#pragma unroll
        for (int s = 0; s < STRIPS; s++) {
            const int i = first + s * STEP;
            if (i < strips) {
                product[s].template leave<ROWS>(shared.value[place], which, shared.strip[which][i]);
            }
        }
    }
}

}  // namespace lorikeet::decode_product

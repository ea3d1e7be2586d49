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
#include "shrunk.cuh"

namespace lorikeet::decode_product {

// Times sixteen ranks of a strip and half that a warp loads at once: as many as there are registers for.
constexpr int SLICES_AT_ONCE = 4;
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
    const __nv_bfloat16* b;  // of this lane
    unsigned h;              // place of the lane's first ranks in lora.h
    int rank;
    int rank_of_h;  // 0 if the lane has no row

    __device__ __forceinline__ void start(const Lora& lora, const Half& half, DeltaStrip strip, bool exists) {
        const DeltaPlace place;
#pragma unroll
        for (auto& four : value) {
            four[0] = four[1] = four[2] = four[3] = 0;
        }
        rank = exists ? static_cast<int>(strip.rank) : 0;
        rank_of_h = place.first < static_cast<int>(strip.rows) ? rank : 0;
        b = strip.b + static_cast<size_t>(half.first + place.first) * rank + place.rank;
        h = (half.part * lora.tokens + strip.row + place.first) * (lora.rank_stride / 4) + place.rank / 4;
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
    uint4 h;

    // outs: columns of the half from the lane's first on.
    template <bool FAST>
    __device__ __forceinline__ void fetch_b(const DeltaProduct& product, int from, int outs) {
        const int count = product.rank - from - DeltaPlace().rank;
#pragma unroll
        for (int i = 0; i < DeltaPlace::COLUMNS; i++) {
            const __nv_bfloat16* row = product.b + from + i * 8 * product.rank;
            if (FAST) {
                b[i] = count > 0 && i * 8 < outs ? load_weights8(row) : make_uint2(0, 0);
            } else {
                b[i] = gather4(row, i * 8 < outs ? count : 0);
            }
        }
    }

    __device__ __forceinline__ void fetch_h(const Lora& lora, const DeltaProduct& product, int from) {
        const bool exists = from + DeltaPlace().rank < product.rank_of_h;
        h = exists ? load16(lora.h + product.h + from / 4) : make_uint4(0, 0, 0, 0);
    }

    __device__ __forceinline__ void add_to(DeltaProduct& product) const {
#pragma unroll
        for (int i = 0; i < DeltaPlace::COLUMNS / 2; i++) {
            float(&v)[4] = product.value[i];
            mma(v, b[2 * i].x, b[2 * i + 1].x, b[2 * i].y, b[2 * i + 1].y, h.x, h.y);
            mma(v, b[2 * i].x, b[2 * i + 1].x, b[2 * i].y, b[2 * i + 1].y, h.z, h.w);
        }
    }
};

// A tile's part, by a warp of a half and every fourth strip: STRIPS of these side by side, of each SIXTEENS times sixteen
// ranks. wait_for_h: called once B is on its way.
template <int ROWS, int STRIPS, int SIXTEENS, bool FAST, typename Wait>
__device__ __forceinline__ void expand_tile(const Lora& lora, DeltaMemory<ROWS>& shared, int turn, Wait wait_for_h) {
    constexpr int STEP = DELTA_WARPS / 2;
    const int warp = static_cast<int>(threadIdx.x) / WARP % DELTA_WARPS;
    const int which = warp % 2;
    const Half half = shared.half[turn][which];
    const int outs = half.outs - DeltaPlace().first;
    const int strips = shared.strips;
#pragma unroll 1
    for (int first = warp / 2; first < strips; first += STEP * STRIPS) {
        DeltaProduct product[STRIPS];
        int most = 0;  // ranks
#pragma unroll
        for (int s = 0; s < STRIPS; s++) {
            const int i = first + s * STEP;
            product[s].start(lora, half, shared.strip[which][min(i, strips - 1)], i < strips);
            most = max(most, product[s].rank);
        }
#pragma unroll 1
        for (int from = 0; from < most; from += SLICE_RANKS * SIXTEENS) {
            DeltaSlice slice[STRIPS][SIXTEENS];
#pragma unroll
            for (int s = 0; s < STRIPS; s++) {
#pragma unroll
                for (int k = 0; k < SIXTEENS; k++) {
                    slice[s][k].template fetch_b<FAST>(product[s], from + k * SLICE_RANKS, outs);
                }
            }
            wait_for_h();
#pragma unroll
            for (int s = 0; s < STRIPS; s++) {
#pragma unroll
                for (int k = 0; k < SIXTEENS; k++) {
                    slice[s][k].fetch_h(lora, product[s], from + k * SLICE_RANKS);
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
                product[s].template leave<ROWS>(shared.value[turn], which, shared.strip[which][i]);
            }
        }
    }
    wait_for_h();  // if there was nothing to ask for
}

}  // namespace lorikeet::decode_product

// silu(gate) * up where a product ends: a tile has 32 outputs of the gate, and the same of up.
#pragma once

#include "decode_endings.cuh"

namespace lorikeet::decode_product {

template <typename Delta>
struct Gated {
    static constexpr int CHUNK = Delta::CHUNK;
    static constexpr bool ALIKE = false;
    static constexpr bool HALVES = true;
    static constexpr bool FETCHES = false;
    static constexpr bool NORMS = true;

    const Lora& lora;
    const TileSquares& squares;
    __nv_bfloat16* out;
    Delta& delta;

    __device__ __forceinline__ int tiles() const { return divide_up(lora.part[0].out, HALF_OUT); }

    __device__ __forceinline__ Half half(int tile, int which) const {
        return {which, tile * HALF_OUT, lora.part[0].out - tile * HALF_OUT};
    }

    template <int ROWS>
    __device__ __forceinline__ void store(const float* sum, int rows, int tile) {
        const HalfPlace place;
        const int size = lora.part[0].out;
        const int column = tile * HALF_OUT + place.column;
        const bool together = size % 4 == 0;
        delta.wait();
#pragma unroll Delta::AT_ONCE
        for (int i = 0; i < divide_up(ROWS, HalfPlace::ROW_STEP); i++) {
            const int row = place.row + i * HalfPlace::ROW_STEP;
            if (row < rows) {
                float4 v[2];
#pragma unroll
                for (int p = 0; p < 2; p++) {
                    v[p] = delta.apply(p, row, place.column, sums_at(sum, row, p, place.column));
                    v[p] = with_bias(lora.part[p], column, v[p]);
                }
                const float4 gated = make_float4(silu(v[0].x) * v[1].x, silu(v[0].y) * v[1].y, silu(v[0].z) * v[1].z,
                                                 silu(v[0].w) * v[1].w);
                store_some(out + static_cast<size_t>(row) * size + column, gated, size - column, together);
            }
        }
        delta.done();
    }
};

}  // namespace lorikeet::decode_product

// silu(gate) * up in the launch of the product: a tile has 32 outputs of the gate, and the same of up.
#include "product_gate.cuh"

#include "tile_delta.cuh"

namespace lorikeet::decode_product {

template <typename Delta>
struct Gated {
    static constexpr int CHUNK = Delta::CHUNK;
    static constexpr bool ALIKE = false;
    static constexpr bool HALVES = true;
    static constexpr bool FETCHES = false;
    static constexpr int STORERS = Delta::STORERS;
    static constexpr bool NORMS = true;
    static constexpr bool PREPARES_TILES = false;

    const Lora& lora;
    const TileSquares& squares;
    __nv_bfloat16* out;
    Delta delta;

    __device__ __forceinline__ int tiles() const { return divide_up(lora.part[0].out, HALF_OUT); }

    __device__ __forceinline__ Half half(int tile, int which) const {
        return {which, tile * HALF_OUT, lora.part[0].out - tile * HALF_OUT};
    }

    __device__ __forceinline__ void prepare(const Step*, int) const {}

    __device__ __forceinline__ void fetch(unsigned char*, int, int) const {}

    __device__ __forceinline__ void prepare_tiles(int, int) const {}

    __device__ __forceinline__ void prepare_tile(int, int, int) const {}

    template <int ROWS>
    __device__ __forceinline__ void store(const float* sum, int rows, int tile) {
        using Place = HalfPlace<STORERS>;
        const Place place;
        const int size = lora.part[0].out;
        const int column = tile * HALF_OUT + place.column;
        const bool together = size % 4 == 0;
        delta.wait();
#pragma unroll Delta::AT_ONCE
        for (int i = 0; i < divide_up(ROWS, Place::ROW_STEP); i++) {
            const int row = place.row + i * Place::ROW_STEP;
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

template <int ROWS>
__device__ __forceinline__ void run_gate(const Step* step, const DecodeProduct& call, const Lora& lora,
                                         const TileSquares& squares, __nv_bfloat16* out) {
    if (decode_product_shared_bytes(ROWS) <= MOST_SHARED_BYTES) {
        Gated<NoDelta> gated{lora, squares, out};
        run<ROWS>(step, call, gated);
    }
}

template <int ROWS>
__device__ __forceinline__ void run_gate_shrink(const Step* step, const DecodeProduct& call, const Lora& lora,
                                                const TileSquares& squares, __nv_bfloat16* out) {
    if (adapted_fits(ROWS, decode_product_adapted_bytes(ROWS))) {
        Gated<TileDelta<ROWS, DECODE_PRODUCT_DELTAS, true>> gated{lora, squares, out, {step, lora}};
        run_with_delta<ROWS>(step, call, lora, gated);
    }
}

}  // namespace lorikeet::decode_product

extern "C" __global__ void __launch_bounds__(lorikeet::DECODE_PRODUCT_THREADS, 1)
    product_gate_16(const lorikeet::Step* step, const __grid_constant__ lorikeet::DecodeProduct call,
                    const __grid_constant__ lorikeet::Lora lora,
                    const __grid_constant__ lorikeet::TileSquares squares, __nv_bfloat16* out) {
    lorikeet::decode_product::run_gate<16>(step, call, lora, squares, out);
}

extern "C" __global__ void __launch_bounds__(lorikeet::DECODE_PRODUCT_THREADS, 1)
    product_gate_32(const lorikeet::Step* step, const __grid_constant__ lorikeet::DecodeProduct call,
                    const __grid_constant__ lorikeet::Lora lora,
                    const __grid_constant__ lorikeet::TileSquares squares, __nv_bfloat16* out) {
    lorikeet::decode_product::run_gate<32>(step, call, lora, squares, out);
}

extern "C" __global__ void __launch_bounds__(lorikeet::DECODE_PRODUCT_THREADS, 1)
    product_gate_48(const lorikeet::Step* step, const __grid_constant__ lorikeet::DecodeProduct call,
                    const __grid_constant__ lorikeet::Lora lora,
                    const __grid_constant__ lorikeet::TileSquares squares, __nv_bfloat16* out) {
    lorikeet::decode_product::run_gate<48>(step, call, lora, squares, out);
}

extern "C" __global__ void __launch_bounds__(lorikeet::DECODE_PRODUCT_THREADS, 1)
    product_gate_64(const lorikeet::Step* step, const __grid_constant__ lorikeet::DecodeProduct call,
                    const __grid_constant__ lorikeet::Lora lora,
                    const __grid_constant__ lorikeet::TileSquares squares, __nv_bfloat16* out) {
    lorikeet::decode_product::run_gate<64>(step, call, lora, squares, out);
}

extern "C" __global__ void __launch_bounds__(lorikeet::DECODE_PRODUCT_THREADS + lorikeet::DECODE_PRODUCT_SHRINK_THREADS, 1)
    product_gate_shrink_16(const lorikeet::Step* step, const __grid_constant__ lorikeet::DecodeProduct call,
                           const __grid_constant__ lorikeet::Lora lora,
                           const __grid_constant__ lorikeet::TileSquares squares, __nv_bfloat16* out) {
    lorikeet::decode_product::run_gate_shrink<16>(step, call, lora, squares, out);
}

extern "C" __global__ void __launch_bounds__(lorikeet::DECODE_PRODUCT_THREADS + lorikeet::DECODE_PRODUCT_SHRINK_THREADS, 1)
    product_gate_shrink_32(const lorikeet::Step* step, const __grid_constant__ lorikeet::DecodeProduct call,
                           const __grid_constant__ lorikeet::Lora lora,
                           const __grid_constant__ lorikeet::TileSquares squares, __nv_bfloat16* out) {
    lorikeet::decode_product::run_gate_shrink<32>(step, call, lora, squares, out);
}

extern "C" __global__ void __launch_bounds__(lorikeet::DECODE_PRODUCT_THREADS + lorikeet::DECODE_PRODUCT_SHRINK_THREADS, 1)
    product_gate_shrink_48(const lorikeet::Step* step, const __grid_constant__ lorikeet::DecodeProduct call,
                           const __grid_constant__ lorikeet::Lora lora,
                           const __grid_constant__ lorikeet::TileSquares squares, __nv_bfloat16* out) {
    lorikeet::decode_product::run_gate_shrink<48>(step, call, lora, squares, out);
}

extern "C" __global__ void __launch_bounds__(lorikeet::DECODE_PRODUCT_THREADS + lorikeet::DECODE_PRODUCT_SHRINK_THREADS, 1)
    product_gate_shrink_64(const lorikeet::Step* step, const __grid_constant__ lorikeet::DecodeProduct call,
                           const __grid_constant__ lorikeet::Lora lora,
                           const __grid_constant__ lorikeet::TileSquares squares, __nv_bfloat16* out) {
    lorikeet::decode_product::run_gate_shrink<64>(step, call, lora, squares, out);
}

// residual += y; out = residual * weight where a product ends. The rows' factors, which make that a norm, are left
// to the next product, as sums of squares.
#pragma once

#include "decode_endings.cuh"
#include "product_add_norm.cuh"

namespace lorikeet::decode_product {

template <typename Delta>
struct AddedAndNormed {
    static constexpr int CHUNK = Delta::CHUNK;
    static constexpr bool ALIKE = false;
    static constexpr bool HALVES = false;
    static constexpr bool FETCHES = true;
    static constexpr bool NORMS = false;
    // Bytes from the tile of the residual to that of the weight.
    static constexpr int FETCHED_WEIGHT = DECODE_PRODUCT_MOST_ROWS * OUT * 4;

    const Lora& lora;
    const NormWeight& norm;
    const TileSquares& left;
    float* residual;
    __nv_bfloat16* out;
    Delta& delta;
    __nv_bfloat16* weights = nullptr;        // [rows][OUT], if ADAPTED: the tile of those of the rows' norms
    const unsigned char* fetched = nullptr;  // the tile of the residual, [row][OUT], and if not ADAPTED that of the weight

    __device__ __forceinline__ int tiles() const { return divide_up(lora.part[0].out, OUT); }

    // With adapters: starts copies of a tile of the weights of the rows' norms, to which a chain of loads leads. By the threads
    // of the adapters' part, which wait for them in prepare_tile.
    __device__ __forceinline__ void prepare_tiles(const Step* step, int tile, int rows, int thread, int threads) const {
        constexpr int PIECES = OUT / 8;
        const unsigned shared = static_cast<unsigned>(__cvta_generic_to_shared(weights));
#pragma unroll 1
        for (int i = thread; i < rows * PIECES; i += threads) {
            const int row = i / PIECES;
            const int column = tile * OUT + i % PIECES * 8;
            const AdapterModule* adapter = step->group_adapter[step->token_group[row]];
            const bool own = adapter != nullptr && adapter[norm.slot].kind == MODULE_REPLACED;
            const __nv_bfloat16* weight = own ? adapter[norm.slot].weight : norm.weight;
            if (column < lora.part[0].out) {
                copy16(shared + 16 * i, weight + column, true);
            }
        }
    }

    __device__ __forceinline__ void prepare_tile() const { wait_for_all_copies(); }

    __device__ __forceinline__ bool fetches() const { return true; }

    __device__ __forceinline__ void fetch(unsigned char* to, int rows, int tile) {
        const int size = lora.part[0].out;
        const unsigned shared = static_cast<unsigned>(__cvta_generic_to_shared(to));
        fetched = to;
        copy_tile<4>(rows, size - tile * OUT, [&](int row, int column) {
            const float* from = residual + static_cast<size_t>(row) * size + tile * OUT + column;
            copy16(shared + 4 * (row * OUT + column), from, true);
        });
        if constexpr (!Delta::ADAPTED) {
            copy_tile<8>(1, size - tile * OUT, [&](int, int column) {
                copy16(shared + FETCHED_WEIGHT + 2 * column, norm.weight + tile * OUT + column, true);
            });
        }
    }

    template <int ROWS>
    __device__ __forceinline__ void store(const float* sum, int rows, int tile) {
        static_assert((Delta::ADAPTED ? ROWS * OUT * 4 : FETCHED_WEIGHT + OUT * 2) <= Ring<ROWS, CHUNK>::STAGE_BYTES,
                      "it is fetched to a stage");
        const TilePlace place;
        const float* old_tile = reinterpret_cast<const float*>(fetched);
        const __nv_bfloat16* weight_tile =
            Delta::ADAPTED ? weights : reinterpret_cast<const __nv_bfloat16*>(fetched + FETCHED_WEIGHT);
        const int size = lora.part[0].out;
        const int column = tile * OUT + place.column;
        delta.wait();
#pragma unroll Delta::AT_ONCE
        for (int i = 0; i < ROWS / TilePlace::ROW_STEP; i++) {
            const int row = place.row + i * TilePlace::ROW_STEP;
            float square = 0;
            if (row < rows && column < size) {
                float4 v = sums_at(sum, row, 0, place.column);
                v = delta.apply(place.column / HALF_OUT, row, place.column % HALF_OUT, v);
                v = with_bias(lora.part[0], column, v);
                const int at = row * OUT + place.column;
                const float4 old = *reinterpret_cast<const float4*>(old_tile + at);
                v = make_float4(old.x + v.x, old.y + v.y, old.z + v.z, old.w + v.w);
                store4(residual + static_cast<size_t>(row) * size + column, v);
                store4(out + static_cast<size_t>(row) * size + column,
                       weighted(v, weight_tile + (Delta::ADAPTED ? at : place.column)));
                square = sum_of_squares(v);
            }
#pragma unroll
            for (int mask = 1; mask < TilePlace::ROW_THREADS; mask *= 2) {
                square += __shfl_xor_sync(ALL_LANES, square, mask);
            }
            if (place.column == 0 && row < rows) {
                left.square[row * left.pitch + tile] = square;
            }
        }
        delta.done();
    }

  private:
    // Calls copy(row, column) for every WIDEth of some columns, OUT at most, of rows.
    template <int WIDE, typename Copy>
    static __device__ __forceinline__ void copy_tile(int rows, int columns, Copy copy) {
        constexpr int ROW_THREADS = OUT / WIDE;
        constexpr int ROW_STEP = DECODE_PRODUCT_THREADS / ROW_THREADS;
        const int column = static_cast<int>(threadIdx.x) % ROW_THREADS * WIDE;
        if (column < columns) {
#pragma unroll 1
            for (int row = static_cast<int>(threadIdx.x) / ROW_THREADS; row < rows; row += ROW_STEP) {
                copy(row, column);
            }
        }
    }
};

}  // namespace lorikeet::decode_product

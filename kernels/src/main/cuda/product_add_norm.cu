// residual += y; out = residual * weight in the launch of the product. The rows' factors, which make that a norm, are left
// to the next product, as sums of squares.
#include "product_add_norm.cuh"

#include "tile_delta.cuh"

namespace lorikeet::decode_product {

template <typename Delta>
struct AddedAndNormed {
    static constexpr int CHUNK = Delta::CHUNK;
    static constexpr bool ALIKE = false;
    static constexpr bool HALVES = false;
    static constexpr bool FETCHES = true;
    static constexpr int STORERS = Delta::STORERS;
    static constexpr bool NORMS = false;
    static constexpr bool PREPARES_TILES = false;
    static constexpr int FETCHED_WEIGHTS = 64 * OUT * 4;  // bytes from the tile of the residual to those of weights

    const DecodeProduct& call;
    const Lora& lora;
    const NormWeight& norm;
    const TileSquares& squares;
    float* residual;
    __nv_bfloat16* out;
    Delta delta;
    const __nv_bfloat16** weights = nullptr;  // of rows, if ADAPTED
    const unsigned char* fetched = nullptr;   // the tile of the residual, [row][OUT], and of the weight: one if not ADAPTED

    __device__ __forceinline__ int tiles() const { return divide_up(lora.part[0].out, OUT); }

    // Finds the rows' norms.
    __device__ __forceinline__ void prepare(const Step* step, int rows) const {
        if constexpr (Delta::ADAPTED) {
            const int row = static_cast<int>(threadIdx.x) % GROUP;
            if (row < rows) {
                const AdapterModule* adapter = step->group_adapter[step->token_group[row]];
                const bool own = adapter != nullptr && adapter[norm.slot].kind == MODULE_REPLACED;
                weights[row] = own ? adapter[norm.slot].weight : norm.weight;
            }
        }
    }

    __device__ __forceinline__ void prepare_tiles(int, int) const {}

    __device__ __forceinline__ void prepare_tile(int, int, int) const {}

    __device__ __forceinline__ void fetch(unsigned char* to, int rows, int tile) {
        const int size = lora.part[0].out;
        const unsigned shared = static_cast<unsigned>(__cvta_generic_to_shared(to));
        fetched = to;
        copy_tile<4>(rows, size - tile * OUT, [&](int row, int column) {
            const float* from = residual + static_cast<size_t>(row) * size + tile * OUT + column;
            copy16(shared + 4 * (row * OUT + column), from, true);
        });
        copy_tile<8>(Delta::ADAPTED ? rows : 1, size - tile * OUT, [&](int row, int column) {
            const __nv_bfloat16* weight = Delta::ADAPTED ? weights[row] : norm.weight;
            copy16(shared + FETCHED_WEIGHTS + 2 * (row * OUT + column), weight + tile * OUT + column, true);
        });
    }

    template <int ROWS>
    __device__ __forceinline__ void store(const float* sum, int rows, int tile) {
        using Place = TilePlace<STORERS>;
        const Place place;
        const float* old_tile = reinterpret_cast<const float*>(fetched);
        const __nv_bfloat16* weight_tile = reinterpret_cast<const __nv_bfloat16*>(fetched + FETCHED_WEIGHTS);
        const int size = lora.part[0].out;
        const int column = tile * OUT + place.column;
        delta.wait();
#pragma unroll Delta::AT_ONCE
        for (int i = 0; i < ROWS / Place::ROW_STEP; i++) {
            const int row = place.row + i * Place::ROW_STEP;
            float square = 0;
            if (row < rows && column < size) {
                float4 v = sums_at(sum, row, 0, place.column);
                v = delta.apply(place.column / HALF_OUT, row, place.column % HALF_OUT, v);
                v = with_bias(lora.part[0], column, v);
                const int at = row * OUT + place.column;
                const float4 old = *reinterpret_cast<const float4*>(old_tile + at);
                v = make_float4(old.x + v.x, old.y + v.y, old.z + v.z, old.w + v.w);
                store4(residual + static_cast<size_t>(row) * size + column, v);
                const uint2 weight = *reinterpret_cast<const uint2*>(weight_tile + (Delta::ADAPTED ? at : place.column));
                const float2 low = unpack(weight.x);
                const float2 high = unpack(weight.y);
                store4(out + static_cast<size_t>(row) * size + column,
                       make_float4(v.x * low.x, v.y * low.y, v.z * high.x, v.w * high.y));
                square = v.x * v.x + v.y * v.y + v.z * v.z + v.w * v.w;
            }
#pragma unroll
            for (int mask = 1; mask < Place::ROW_THREADS; mask *= 2) {
                square += __shfl_xor_sync(ALL_LANES, square, mask);
            }
            if (place.column == 0 && row < rows) {
                squares.square[row * squares.pitch + tile] = square;
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

    static __device__ __forceinline__ float2 unpack(unsigned pair) {
        return __bfloat1622float2(*reinterpret_cast<const __nv_bfloat162*>(&pair));
    }
};

template <int ROWS>
__device__ __forceinline__ void run_add_norm(const Step* step, const DecodeProduct& call, const Lora& lora,
                                             const NormWeight& norm, const TileSquares& squares, float* residual,
                                             __nv_bfloat16* out) {
    if (decode_product_shared_bytes(ROWS) <= MOST_SHARED_BYTES) {
        AddedAndNormed<NoDelta> ending{call, lora, norm, squares, residual, out};
        run<ROWS>(step, call, ending);
    }
}

template <int ROWS>
__device__ __forceinline__ void run_add_norm_shrink(const Step* step, const DecodeProduct& call, const Lora& lora,
                                                    const NormWeight& norm, const TileSquares& squares, float* residual,
                                                    __nv_bfloat16* out) {
    if (adapted_fits(ROWS, decode_product_adapted_bytes(ROWS))) {
        using Delta = TileDelta<ROWS, 1, false>;  // a block completes one tile
        auto weights = reinterpret_cast<const __nv_bfloat16**>(&Delta::memory() + 1);
        AddedAndNormed<Delta> ending{call, lora, norm, squares, residual, out, {step, lora}, weights};
        run_with_delta<ROWS>(step, call, lora, ending);
    }
}

}  // namespace lorikeet::decode_product

extern "C" __global__ void __launch_bounds__(lorikeet::DECODE_PRODUCT_THREADS, 1)
    product_add_norm_16(const lorikeet::Step* step, const __grid_constant__ lorikeet::DecodeProduct call,
                        const __grid_constant__ lorikeet::Lora lora, const __grid_constant__ lorikeet::NormWeight norm,
                        const __grid_constant__ lorikeet::TileSquares squares, float* residual, __nv_bfloat16* out) {
    lorikeet::decode_product::run_add_norm<16>(step, call, lora, norm, squares, residual, out);
}

extern "C" __global__ void __launch_bounds__(lorikeet::DECODE_PRODUCT_THREADS, 1)
    product_add_norm_32(const lorikeet::Step* step, const __grid_constant__ lorikeet::DecodeProduct call,
                        const __grid_constant__ lorikeet::Lora lora, const __grid_constant__ lorikeet::NormWeight norm,
                        const __grid_constant__ lorikeet::TileSquares squares, float* residual, __nv_bfloat16* out) {
    lorikeet::decode_product::run_add_norm<32>(step, call, lora, norm, squares, residual, out);
}

extern "C" __global__ void __launch_bounds__(lorikeet::DECODE_PRODUCT_THREADS, 1)
    product_add_norm_48(const lorikeet::Step* step, const __grid_constant__ lorikeet::DecodeProduct call,
                        const __grid_constant__ lorikeet::Lora lora, const __grid_constant__ lorikeet::NormWeight norm,
                        const __grid_constant__ lorikeet::TileSquares squares, float* residual, __nv_bfloat16* out) {
    lorikeet::decode_product::run_add_norm<48>(step, call, lora, norm, squares, residual, out);
}

extern "C" __global__ void __launch_bounds__(lorikeet::DECODE_PRODUCT_THREADS, 1)
    product_add_norm_64(const lorikeet::Step* step, const __grid_constant__ lorikeet::DecodeProduct call,
                        const __grid_constant__ lorikeet::Lora lora, const __grid_constant__ lorikeet::NormWeight norm,
                        const __grid_constant__ lorikeet::TileSquares squares, float* residual, __nv_bfloat16* out) {
    lorikeet::decode_product::run_add_norm<64>(step, call, lora, norm, squares, residual, out);
}

extern "C" __global__ void __launch_bounds__(lorikeet::DECODE_PRODUCT_THREADS + lorikeet::DECODE_PRODUCT_SHRINK_THREADS, 1)
    product_add_norm_shrink_16(const lorikeet::Step* step, const __grid_constant__ lorikeet::DecodeProduct call,
                               const __grid_constant__ lorikeet::Lora lora,
                               const __grid_constant__ lorikeet::NormWeight norm,
                               const __grid_constant__ lorikeet::TileSquares squares, float* residual, __nv_bfloat16* out) {
    lorikeet::decode_product::run_add_norm_shrink<16>(step, call, lora, norm, squares, residual, out);
}

extern "C" __global__ void __launch_bounds__(lorikeet::DECODE_PRODUCT_THREADS + lorikeet::DECODE_PRODUCT_SHRINK_THREADS, 1)
    product_add_norm_shrink_32(const lorikeet::Step* step, const __grid_constant__ lorikeet::DecodeProduct call,
                               const __grid_constant__ lorikeet::Lora lora,
                               const __grid_constant__ lorikeet::NormWeight norm,
                               const __grid_constant__ lorikeet::TileSquares squares, float* residual, __nv_bfloat16* out) {
    lorikeet::decode_product::run_add_norm_shrink<32>(step, call, lora, norm, squares, residual, out);
}

extern "C" __global__ void __launch_bounds__(lorikeet::DECODE_PRODUCT_THREADS + lorikeet::DECODE_PRODUCT_SHRINK_THREADS, 1)
    product_add_norm_shrink_48(const lorikeet::Step* step, const __grid_constant__ lorikeet::DecodeProduct call,
                               const __grid_constant__ lorikeet::Lora lora,
                               const __grid_constant__ lorikeet::NormWeight norm,
                               const __grid_constant__ lorikeet::TileSquares squares, float* residual, __nv_bfloat16* out) {
    lorikeet::decode_product::run_add_norm_shrink<48>(step, call, lora, norm, squares, residual, out);
}

extern "C" __global__ void __launch_bounds__(lorikeet::DECODE_PRODUCT_THREADS + lorikeet::DECODE_PRODUCT_SHRINK_THREADS, 1)
    product_add_norm_shrink_64(const lorikeet::Step* step, const __grid_constant__ lorikeet::DecodeProduct call,
                               const __grid_constant__ lorikeet::Lora lora,
                               const __grid_constant__ lorikeet::NormWeight norm,
                               const __grid_constant__ lorikeet::TileSquares squares, float* residual, __nv_bfloat16* out) {
    lorikeet::decode_product::run_add_norm_shrink<64>(step, call, lora, norm, squares, residual, out);
}

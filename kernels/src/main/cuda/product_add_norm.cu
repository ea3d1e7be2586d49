// residual += y; out = norm(residual) in the launch of the product.
//
// The blocks that complete tiles exchange their rows' sums of squares through device memory: each sum with the number of
// the launch in one word, so that whoever finds the number has the sum, and nothing has to be cleared. Each adds them in the
// order of the tiles.
#include "product_add_norm.cuh"

#include "tile_delta.cuh"

namespace lorikeet::decode_product {

// The sums of squares of a launch.
class Exchange {
  public:
    // Whoever leaves a sum must have the number of launches before.
    __device__ __forceinline__ Exchange(const TileSquares& squares, int tiles, unsigned launches)
        : squares_(squares), tiles_(tiles), launch_(launches + 1) {}

    __device__ __forceinline__ void leave(int row, int tile, float sum) const {
        const unsigned long long word = static_cast<unsigned long long>(launch_) << 32 | __float_as_uint(sum);
        asm volatile("st.relaxed.gpu.global.u64 [%0], %1;" ::"l"(squares_.place + row * tiles_ + tile), "l"(word) : "memory");
    }

    // A thread's part of the sums over all tiles of every STEPth row from `row` on: those of every STRIDEth tile from
    // `first` on. Waits for them.
    template <int STRIDE, int STEP, int ROWS>
    __device__ __forceinline__ void add(int first, int row, int rows, float (&sum)[ROWS]) const {
        constexpr int AT_ONCE = TILE_SQUARES_AT_ONCE / STRIDE;
#pragma unroll
        for (int i = 0; i < ROWS; i++) {
            sum[i] = 0;
        }
#pragma unroll 1
        for (int from = first; from < tiles_; from += AT_ONCE * STRIDE) {
            unsigned long long word[ROWS][AT_ONCE];
            bool all;
            do {
                // All loads are made in any case: behind conditions they would wait for one another.
#pragma unroll
                for (int i = 0; i < ROWS; i++) {
#pragma unroll
                    for (int j = 0; j < AT_ONCE; j++) {
                        word[i][j] = load(squares_.place + (row + i * STEP) * tiles_ + from + j * STRIDE);
                    }
                }
                all = true;
#pragma unroll
                for (int i = 0; i < ROWS; i++) {
#pragma unroll
                    for (int j = 0; j < AT_ONCE; j++) {
                        const bool exists = from + j * STRIDE < tiles_ && row + i * STEP < rows;
                        all &= !exists || static_cast<unsigned>(word[i][j] >> 32) == launch_;
                    }
                }
            } while (!all);
#pragma unroll
            for (int i = 0; i < ROWS; i++) {
#pragma unroll
                for (int j = 0; j < AT_ONCE; j++) {
                    sum[i] += from + j * STRIDE < tiles_ ? __uint_as_float(static_cast<unsigned>(word[i][j])) : 0.0f;
                }
            }
        }
    }

    // Counts the launch; a sum of each tile must have been seen, as then all blocks that leave some know its number.
    __device__ __forceinline__ void count() const { *squares_.launches = launch_; }

  private:
    static __device__ __forceinline__ unsigned long long load(const unsigned long long* from) {
        unsigned long long word;
        asm volatile("ld.relaxed.gpu.global.u64 %0, [%1];" : "=l"(word) : "l"(from) : "memory");
        return word;
    }

    const TileSquares& squares_;
    const int tiles_;
    const unsigned launch_;
};

template <typename Delta>
struct AddedAndNormed {
    static constexpr bool ALIKE = false;
    static constexpr bool HALVES = false;
    static constexpr bool FETCHES = true;
    static constexpr int STORERS = Delta::STORERS;
    static constexpr bool PREPARES_TILES = false;
    static constexpr int FETCHED_TILE = 256;  // bytes from what is fetched to the tile of the residual

    const DecodeProduct& call;
    const Lora& lora;
    const NormWeight& norm;
    const TileSquares& squares;
    float* residual;
    __nv_bfloat16* out;
    Delta delta;
    const unsigned char* fetched = nullptr;   // the number of launches, and the tile of the residual, [row][OUT]
    const __nv_bfloat16** weights = nullptr;  // of rows, if ADAPTED

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
        using Place = TilePlace<DECODE_PRODUCT_THREADS>;
        const Place place;
        const int size = lora.part[0].out;
        fetched = to;
        const unsigned shared = static_cast<unsigned>(__cvta_generic_to_shared(to));
        if (threadIdx.x == 0) {
            copy16(shared, squares.launches, true);
        }
        const int column = tile * OUT + place.column;
        if (column < size) {
#pragma unroll 1
            for (int row = place.row; row < rows; row += Place::ROW_STEP) {
                copy16(shared + FETCHED_TILE + 4 * (row * OUT + place.column),
                       residual + static_cast<size_t>(row) * size + column, true);
            }
        }
    }

    template <int ROWS>
    __device__ __forceinline__ void store(float* sum, int rows, int tile) {
        using Place = TilePlace<STORERS>;
        constexpr int COUNT = ROWS / Place::ROW_STEP;
        constexpr int AT_ONCE = Delta::ADAPTED ? 2 : COUNT;
        const Place place;
        const Exchange exchange(squares, tiles(), *reinterpret_cast<const unsigned*>(fetched));
        const float* old_tile = reinterpret_cast<const float*>(fetched + FETCHED_TILE);
        const int size = lora.part[0].out;
        const int column = tile * OUT + place.column;
        const bool inside = column < size;
        float4 v[AT_ONCE];  // what is to be normed; with adapters it is left where the sums were
        delta.wait();
#pragma unroll 1
        for (int first = 0; first < COUNT; first += AT_ONCE) {
            float square[AT_ONCE];
#pragma unroll
            for (int j = 0; j < AT_ONCE; j++) {
                const int row = place.row + (first + j) * Place::ROW_STEP;
                v[j] = make_float4(0, 0, 0, 0);
                if (row < rows && inside) {
                    const int half_column = place.column % HALF_OUT;
                    v[j] = delta.apply(place.column / HALF_OUT, row, half_column, sums_at(sum, row, 0, place.column));
                    v[j] = with_bias(lora.part[0], column, v[j]);
                    const float4 old = *reinterpret_cast<const float4*>(old_tile + row * OUT + place.column);
                    v[j] = make_float4(old.x + v[j].x, old.y + v[j].y, old.z + v[j].z, old.w + v[j].w);
                }
                square[j] = v[j].x * v[j].x + v[j].y * v[j].y + v[j].z * v[j].z + v[j].w * v[j].w;
            }
            add_over_row(square);
#pragma unroll
            for (int j = 0; j < AT_ONCE; j++) {
                const int row = place.row + (first + j) * Place::ROW_STEP;
                if (place.column == 0 && row < rows) {
                    exchange.leave(row, tile, square[j]);
                }
            }
#pragma unroll
            for (int j = 0; j < AT_ONCE; j++) {
                const int row = place.row + (first + j) * Place::ROW_STEP;
                if (row < rows && inside) {
                    store4(residual + static_cast<size_t>(row) * size + column, v[j]);
                }
                if constexpr (Delta::ADAPTED) {
                    store4(sum + row * SUM_PITCH + place.column, v[j]);
                }
            }
        }
        delta.done();
#pragma unroll 1
        for (int first = 0; first < COUNT; first += AT_ONCE) {
            uint2 weight[Delta::ADAPTED ? AT_ONCE : 1];
#pragma unroll
            for (int j = 0; j < (Delta::ADAPTED ? AT_ONCE : 1); j++) {
                const int row = place.row + (first + j) * Place::ROW_STEP;
                if (row < rows && inside) {
                    weight[j] = *reinterpret_cast<const uint2*>((Delta::ADAPTED ? weights[row] : norm.weight) + column);
                }
            }
            float square[AT_ONCE];
            exchange.add<Place::ROW_THREADS, Place::ROW_STEP>(
                place.column / 4, place.row + first * Place::ROW_STEP, rows, square);
            __syncwarp();
            add_over_row(square);
#pragma unroll
            for (int j = 0; j < AT_ONCE; j++) {
                const int row = place.row + (first + j) * Place::ROW_STEP;
                const float factor = rsqrtf(square[j] / static_cast<float>(size) + norm.epsilon);
                if (row < rows && inside) {
                    const float2 low = unpack(weight[Delta::ADAPTED ? j : 0].x);
                    const float2 high = unpack(weight[Delta::ADAPTED ? j : 0].y);
                    if constexpr (Delta::ADAPTED) {
                        v[j] = sums_at(sum, row, 0, place.column);
                    }
                    store4(out + static_cast<size_t>(row) * size + column,
                           make_float4(v[j].x * factor * low.x, v[j].y * factor * low.y, v[j].z * factor * high.x,
                                       v[j].w * factor * high.y));
                }
            }
        }
        if (tile == 0 && threadIdx.x == 0) {
            exchange.count();
        }
    }

  private:
    static __device__ __forceinline__ float2 unpack(unsigned pair) {
        return __bfloat1622float2(*reinterpret_cast<const __nv_bfloat162*>(&pair));
    }

    // Adds up what the threads of a row have.
    template <int COUNT>
    static __device__ __forceinline__ void add_over_row(float (&value)[COUNT]) {
#pragma unroll
        for (int mask = 1; mask < OUT / 4; mask *= 2) {
#pragma unroll
            for (int i = 0; i < COUNT; i++) {
                value[i] += __shfl_xor_sync(ALL_LANES, value[i], mask);
            }
        }
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
    if (decode_product_shared_bytes(ROWS) + decode_product_delta_bytes(ROWS) <= MOST_SHARED_BYTES) {
        auto weights = reinterpret_cast<const __nv_bfloat16**>(&delta_memory<ROWS>() + 1);
        AddedAndNormed<TileDelta<ROWS>> ending{call, lora, norm, squares, residual, out, {step, lora}, nullptr, weights};
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

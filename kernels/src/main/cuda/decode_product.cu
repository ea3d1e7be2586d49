// Products of up to 64 rows with a weight, written as they are: see decode_product_run.cuh.
#include "decode_product.cuh"

#include "decode_product_run.cuh"
#include "shrink_beside.cuh"

namespace lorikeet::decode_product {

// Writes a tile's sums, [row][output].
template <int ROWS, typename T>
__device__ __forceinline__ void write(const MatVec& product, const float* sum, int rows, const Tile& tile) {
    constexpr int ROW_THREADS = OUT / 4;
    constexpr int ROW_STEP = DECODE_PRODUCT_THREADS / ROW_THREADS;
    const int thread = threadIdx.x;
    const int first_row = thread / ROW_THREADS;
    const int out = thread % ROW_THREADS * 4;
    T* y = static_cast<T*>(product.y) + tile.column + out;
    const bool together = product.y_pitch % 4 == 0 && tile.column % 4 == 0 && out + 4 <= tile.outs;
#pragma unroll
    for (int i = 0; i < ROWS / ROW_STEP; i++) {
        const int row = first_row + i * ROW_STEP;
        if (row < rows) {
            const float4 v = *reinterpret_cast<const float4*>(sum + row * SUM_PITCH + out);
            T* to = y + static_cast<size_t>(row) * product.y_pitch;
            if (together) {
                store4(to, v);
            } else {
                const float value[4] = {v.x, v.y, v.z, v.w};
#pragma unroll
                for (int j = 0; j < 4; j++) {
                    if (out + j < tile.outs) {
                        store(to + j, value[j]);
                    }
                }
            }
        }
    }
}

// A tile's sums, to y.
struct Written {
    static constexpr int CHUNK = DECODE_PRODUCT_CHUNK;
    static constexpr bool ALIKE = true;
    static constexpr bool HALVES = false;
    static constexpr bool FETCHES = false;
    static constexpr bool NORMS = false;

    const DecodeProduct& call;

    __device__ __forceinline__ int tiles() const { return tiles_of(call.product); }

    template <int ROWS>
    __device__ __forceinline__ void store(const float* sum, int rows, int tile) const {
        if (call.outputs != 0) {
            write<ROWS, float>(call.product, sum, rows, Tile(call.product, tile));
        } else {
            write<ROWS, __nv_bfloat16>(call.product, sum, rows, Tile(call.product, tile));
        }
    }
};

template <int ROWS>
__device__ __forceinline__ void run_if_it_fits(const Step* step, const DecodeProduct& call) {
    if (decode_product_shared_bytes(ROWS) <= MOST_SHARED_BYTES) {
        Written written{call};
        run<ROWS>(step, call, written);
    }
}

// The product by the first threads of a block, the shrink of the same rows by those behind them.
template <int ROWS>
__device__ __forceinline__ void run_and_shrink(const Step* step, const DecodeProduct& call, const Lora& lora) {
    if (decode_product_shared_bytes(ROWS) + DECODE_PRODUCT_SHRINK_BYTES > MOST_SHARED_BYTES) {
        return;
    }
    if (threadIdx.x < DECODE_PRODUCT_THREADS) {
        Written written{call};
        run<ROWS>(step, call, written);
        return;
    }
    constexpr int BARRIER = 2;  // of the shrink's threads
    constexpr int WARPS = DECODE_PRODUCT_SHRINK_THREADS / WARP;
    extern __shared__ __align__(1024) unsigned char memory[];
    float4* shared = reinterpret_cast<float4*>(memory + decode_product_shared_bytes(ROWS));
    release_next();
    shrinking::shrink_share<WARPS, 4, BARRIER>(
        step, lora, call.product.x, static_cast<int>(blockIdx.x), static_cast<int>(gridDim.x), shared);
}

}  // namespace lorikeet::decode_product

extern "C" __global__ void __launch_bounds__(lorikeet::DECODE_PRODUCT_THREADS, 1)
    decode_product_16(const lorikeet::Step* step, const __grid_constant__ lorikeet::DecodeProduct call) {
    lorikeet::decode_product::run_if_it_fits<16>(step, call);
}

extern "C" __global__ void __launch_bounds__(lorikeet::DECODE_PRODUCT_THREADS, 1)
    decode_product_32(const lorikeet::Step* step, const __grid_constant__ lorikeet::DecodeProduct call) {
    lorikeet::decode_product::run_if_it_fits<32>(step, call);
}

extern "C" __global__ void __launch_bounds__(lorikeet::DECODE_PRODUCT_THREADS, 1)
    decode_product_48(const lorikeet::Step* step, const __grid_constant__ lorikeet::DecodeProduct call) {
    lorikeet::decode_product::run_if_it_fits<48>(step, call);
}

extern "C" __global__ void __launch_bounds__(lorikeet::DECODE_PRODUCT_THREADS, 1)
    decode_product_64(const lorikeet::Step* step, const __grid_constant__ lorikeet::DecodeProduct call) {
    lorikeet::decode_product::run_if_it_fits<64>(step, call);
}

extern "C" __global__ void __launch_bounds__(lorikeet::DECODE_PRODUCT_THREADS + lorikeet::DECODE_PRODUCT_SHRINK_THREADS, 1)
    decode_product_shrink_16(const lorikeet::Step* step, const __grid_constant__ lorikeet::DecodeProduct call,
                             const __grid_constant__ lorikeet::Lora lora) {
    lorikeet::decode_product::run_and_shrink<16>(step, call, lora);
}

extern "C" __global__ void __launch_bounds__(lorikeet::DECODE_PRODUCT_THREADS + lorikeet::DECODE_PRODUCT_SHRINK_THREADS, 1)
    decode_product_shrink_32(const lorikeet::Step* step, const __grid_constant__ lorikeet::DecodeProduct call,
                             const __grid_constant__ lorikeet::Lora lora) {
    lorikeet::decode_product::run_and_shrink<32>(step, call, lora);
}

extern "C" __global__ void __launch_bounds__(lorikeet::DECODE_PRODUCT_THREADS + lorikeet::DECODE_PRODUCT_SHRINK_THREADS, 1)
    decode_product_shrink_48(const lorikeet::Step* step, const __grid_constant__ lorikeet::DecodeProduct call,
                             const __grid_constant__ lorikeet::Lora lora) {
    lorikeet::decode_product::run_and_shrink<48>(step, call, lora);
}

extern "C" __global__ void __launch_bounds__(lorikeet::DECODE_PRODUCT_THREADS + lorikeet::DECODE_PRODUCT_SHRINK_THREADS, 1)
    decode_product_shrink_64(const lorikeet::Step* step, const __grid_constant__ lorikeet::DecodeProduct call,
                             const __grid_constant__ lorikeet::Lora lora) {
    lorikeet::decode_product::run_and_shrink<64>(step, call, lora);
}

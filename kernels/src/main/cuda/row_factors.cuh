// The factors of rows whose norm a product finishes: see TileSquares.
#pragma once

#include "decode_product_stage.cuh"
#include "tile_squares.cuh"

namespace lorikeet::decode_product {

// The factors of a product's rows in shared memory, behind a tile's sums.
template <int ROWS>
__device__ __forceinline__ float* row_factors(float* sum) {
    return sum + ROWS * SUM_PITCH;
}

// Finds them, by a group. The sums of squares are those of the kernel before.
template <int ROWS>
__device__ __forceinline__ void find_factors(const TileSquares& squares, int rows, float* factor) {
    constexpr int ROW_THREADS = ROWS <= 16 ? 8 : ROWS <= 32 ? 4 : 2;
    constexpr int AT_ONCE = 16 / ROW_THREADS;
    const int thread = static_cast<int>(threadIdx.x) % GROUP;
    if (squares.square == nullptr) {
        if (thread < ROWS) {
            factor[thread] = 1;
        }
        return;
    }
    const int row = min(thread / ROW_THREADS, rows - 1);
    const int tiles = divide_up(squares.size, OUT);
    const int fours = squares.pitch / 4;
    const float4* from = reinterpret_cast<const float4*>(squares.square + row * squares.pitch);
    float sum = 0;
#pragma unroll 1
    for (int first = thread % ROW_THREADS; first < fours; first += AT_ONCE * ROW_THREADS) {
        float4 four[AT_ONCE];
#pragma unroll
        for (int i = 0; i < AT_ONCE; i++) {
            four[i] = __ldcg(from + min(first + i * ROW_THREADS, fours - 1));
        }
#pragma unroll
        for (int i = 0; i < AT_ONCE; i++) {
            const int left = tiles - 4 * (first + i * ROW_THREADS);
            sum += left > 0 ? four[i].x : 0.0f;
            sum += left > 1 ? four[i].y : 0.0f;
            sum += left > 2 ? four[i].z : 0.0f;
            sum += left > 3 ? four[i].w : 0.0f;
        }
    }
    __syncwarp();
#pragma unroll
    for (int mask = 1; mask < ROW_THREADS; mask *= 2) {
        sum += __shfl_xor_sync(ALL_LANES, sum, mask);
    }
    if (thread % ROW_THREADS == 0 && thread / ROW_THREADS < rows) {
        factor[row] = rsqrtf(sum / static_cast<float>(squares.size) + squares.epsilon);
    }
}

}  // namespace lorikeet::decode_product

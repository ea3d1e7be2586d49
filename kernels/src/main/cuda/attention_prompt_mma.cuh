// Prompt attention with the products of one warp: on every architecture, and for heads larger than 128.
//
// Each warp has 16 rows (for heads larger than 128 two warps share rows and halve the output). All warps go over the keys
// and values together, a tile at a time, through shared memory: the values are on their way while the scores are computed,
// the next keys while the output is.
#pragma once

#include "attention_prompt.cuh"

namespace lorikeet::attention_prompt {

template <int SIZE>
struct Shape {
    static constexpr int SHARES = SIZE <= 128 ? 1 : 2;  // warps that share 16 rows, each for a part of the output
    static constexpr int OUT = SIZE / SHARES;
    static constexpr int ROWS = THREADS / WARP / SHARES * 16;
    static constexpr int TOKENS = SIZE <= 128 ? 64 : 32;  // in a tile of keys or values
    static constexpr int PITCH = SIZE + 8;                // of a row in shared memory; keeps ldmatrix free of conflicts
    static constexpr bool QUERY_IN_REGISTERS = SIZE <= 128;
};

// Four 8 x 8 matrices; lane i gives the address of row i % 8 of matrix i / 8.
__device__ __forceinline__ void load_matrices(unsigned (&to)[4], const __nv_bfloat16* row) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];"
                 : "=r"(to[0]), "=r"(to[1]), "=r"(to[2]), "=r"(to[3])
                 : "r"(shared_address(row))
                 : "memory");
}

__device__ __forceinline__ void load_matrices_transposed(unsigned (&to)[4], const __nv_bfloat16* row) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0,%1,%2,%3}, [%4];"
                 : "=r"(to[0]), "=r"(to[1]), "=r"(to[2]), "=r"(to[3])
                 : "r"(shared_address(row))
                 : "memory");
}

// Starts to copy the tile from position `first` on, a multiple of BLOCK_TOKENS.
template <int SIZE>
__device__ __forceinline__ void copy_tile(__nv_bfloat16* to, const Cache& cache, int first) {
    using S = Shape<SIZE>;
    constexpr int VECTORS = SIZE / 8;
    static_assert(S::TOKENS * VECTORS % THREADS == 0, "all threads copy as much");
#pragma unroll
    for (int i = 0; i < S::TOKENS * VECTORS; i += THREADS) {
        const int token = (i + static_cast<int>(threadIdx.x)) / VECTORS;
        const int dim = (i + static_cast<int>(threadIdx.x)) % VECTORS * 8;
        copy_part(to + token * S::PITCH + dim, cache, first + token, dim);
    }
    close_copies();
}

// s = queries keys' of 16 rows, whose queries are in registers, or at `queries` if there is but one part in registers.
template <int SIZE, int COLUMNS, int PARTS>
__device__ __forceinline__ void multiply_keys(float (&s)[COLUMNS][4], const unsigned (&query)[PARTS][4],
                                              const __nv_bfloat16* queries, const __nv_bfloat16* keys) {
    using S = Shape<SIZE>;
    const int lane = threadIdx.x % WARP;
    clear(s);
#pragma unroll
    for (int i = 0; i < SIZE / 16; i++) {
        unsigned a[4];
        if constexpr (PARTS > 1) {
#pragma unroll
            for (int k = 0; k < 4; k++) {
                a[k] = query[i][k];
            }
        } else {
            load_matrices(a, queries + lane % 16 * S::PITCH + 16 * i + lane / 16 * 8);
        }
#pragma unroll
        for (int t = 0; t < COLUMNS / 2; t++) {
            unsigned b[4];
            load_matrices(b, keys + (16 * t + lane / 16 * 8 + lane % 8) * S::PITCH + 16 * i + lane / 8 % 2 * 8);
            mma(s[2 * t], a[0], a[1], a[2], a[3], b[0], b[1]);
            mma(s[2 * t + 1], a[0], a[1], a[2], a[3], b[2], b[3]);
        }
    }
}

// o += weights values, of the dimensions from where `values` points on.
template <int SIZE, int COLUMNS, int OUT_EIGHTS>
__device__ __forceinline__ void multiply_values(float (&o)[OUT_EIGHTS][4], const float (&weight)[COLUMNS][4],
                                                const __nv_bfloat16* values) {
    using S = Shape<SIZE>;
    const int lane = threadIdx.x % WARP;
#pragma unroll
    for (int t = 0; t < COLUMNS / 2; t++) {
        unsigned a[4];
        pack(a, weight[2 * t], weight[2 * t + 1]);
#pragma unroll
        for (int i = 0; i < OUT_EIGHTS / 2; i++) {
            unsigned b[4];
            load_matrices_transposed(
                b, values + (16 * t + lane / 8 % 2 * 8 + lane % 8) * S::PITCH + 16 * i + lane / 16 * 8);
            mma(o[2 * i], a[0], a[1], a[2], a[3], b[0], b[1]);
            mma(o[2 * i + 1], a[0], a[1], a[2], a[3], b[2], b[3]);
        }
    }
}

// RANGE: the sums are cut at multiples of so many positions, and put together in their order (see
// attention_invariant.cuh); 0: they are not.
template <int SIZE, int RANGE = 0>
__device__ __forceinline__ void run_mma(const Step* step, const Attention& attention) {
    using S = Shape<SIZE>;
    constexpr int TOKENS = S::TOKENS;
    constexpr bool QUERY_IN_REGISTERS = S::QUERY_IN_REGISTERS && (RANGE == 0 || SIZE < 128);  // room for the totals
    extern __shared__ uint4 shared[];
    __nv_bfloat16* keys = reinterpret_cast<__nv_bfloat16*>(shared);
    __nv_bfloat16* values = keys + TOKENS * S::PITCH;
    __nv_bfloat16* queries = values + TOKENS * S::PITCH;  // only where they don't stay in registers

    PromptTile tile;
    if (!find_tile<S::ROWS>(step, attention, tile)) {
        return;
    }
    if constexpr (RANGE > 0) {
        tile.from = tile.from / TOKENS * TOKENS;
    }
    const int lane = threadIdx.x % WARP;
    const int warp = threadIdx.x / WARP;
    const int warp_row = tile.first_row + warp / S::SHARES * 16;
    const int first_dim = warp % S::SHARES * S::OUT;
    const Row row[2] = {tile.row(attention, warp_row + lane / 4), tile.row(attention, warp_row + lane / 4 + 8)};

    wait_for_previous();
    release_next();
    copy_tile<SIZE>(keys, tile.keys, tile.from);
    unsigned query[QUERY_IN_REGISTERS ? SIZE / 16 : 1][4];
    if constexpr (QUERY_IN_REGISTERS) {
        load_queries<SIZE>(query, attention, row);
    } else {
        for (int i = threadIdx.x; i < S::ROWS * (SIZE / 8); i += THREADS) {
            const int dim = i % (SIZE / 8) * 8;
            const Row one = tile.row(attention, tile.first_row + i / (SIZE / 8));
            uint4 value = make_uint4(0, 0, 0, 0);
            if (dim < attention.head_size) {
                value = __ldcg(reinterpret_cast<const uint4*>(attention.q + one.q + dim));
            }
            *reinterpret_cast<uint4*>(queries + i / (SIZE / 8) * S::PITCH + dim) = value;
        }
        __syncthreads();
    }

    Softmax softmax;
    float o[S::OUT / 8][4];
    clear(o);
    [[maybe_unused]] Total<(RANGE > 0 ? S::OUT / 8 : 1)> total;
    for (int first = tile.from; first < tile.end; first += TOKENS) {
        wait_for_copies<0>();
        __syncthreads();  // the keys are there, and all have used the previous values
        copy_tile<SIZE>(values, tile.values, first);

        float s[TOKENS / 8][4];
        multiply_keys<SIZE>(s, query, queries + (warp_row - tile.first_row) * S::PITCH, keys);
        softmax.weigh(s, attention, row, first, tile.masked(attention, first, TOKENS));
        softmax.rescale(o);

        wait_for_copies<0>();
        __syncthreads();  // the values are there, and all have used the keys
        if (first + TOKENS < tile.end) {
            copy_tile<SIZE>(keys, tile.keys, first + TOKENS);
        }
        multiply_values<SIZE>(o, s, values + first_dim);
        if constexpr (RANGE > 0) {
            if ((first + TOKENS) % RANGE == 0 || first + TOKENS >= tile.end) {
                total.take(softmax, o, attention);
            }
        }
    }
    if constexpr (RANGE > 0) {
        total.store(attention, row, first_dim);
    } else {
        softmax.store(o, attention, row, first_dim);
    }
}

}  // namespace lorikeet::attention_prompt

// The product of some ranks of A with some rows, by a block: what all that shrink have in common.
//
// A tensor core product of A's rows (16 at a time) with up to 8 tokens at a time. Its operands come straight from
// memory: as the order of a sum doesn't matter, lane t of four takes 8 neighbouring inputs where the instruction has
// four times 2, for A and x alike. The warps of a block have different inputs; their sums are added in shared memory.
#pragma once

#include "shrink.cuh"

namespace lorikeet::shrinking {

// Sixteen rows of A, as one lane sees them: rows g and g + 8, or null where A has no such row.
struct RankRows {
    const __nv_bfloat16* first;
    const __nv_bfloat16* second;
};

__device__ __forceinline__ RankRows rank_rows(const __nv_bfloat16* a, int rank, int from, int in) {
    int row = from + (threadIdx.x % 32) / 4;
    return {row < rank ? a + static_cast<size_t>(row) * in : nullptr,
            row + 8 < rank ? a + static_cast<size_t>(row + 8) * in : nullptr};
}

// FAST: rows are multiples of 16 bytes and start at one.
template <bool FAST>
__device__ __forceinline__ uint4 weights8(const __nv_bfloat16* row, int at, int size) {
    if (row == nullptr || at >= size) {
        return make_uint4(0, 0, 0, 0);
    }
    return FAST ? load_weights16(row + at) : gather8(row + at, size - at);
}

template <bool FAST>
__device__ __forceinline__ uint4 input8(const __nv_bfloat16* row, int at, int size) {
    if (at >= size) {
        return make_uint4(0, 0, 0, 0);
    }
    return FAST ? load16(row + at) : gather8(row + at, size - at);
}

// The sums of CHUNKS times 16 ranks for STRIPS times 8 tokens, over this warp's share of the inputs.
template <int CHUNKS, int STRIPS, bool FAST>
struct Sums {
    float value[CHUNKS][STRIPS][4];

    __device__ __forceinline__ void clear() {
#pragma unroll
        for (int c = 0; c < CHUNKS; c++) {
#pragma unroll
            for (int s = 0; s < STRIPS; s++) {
#pragma unroll
                for (int i = 0; i < 4; i++) {
                    value[c][s][i] = 0;
                }
            }
        }
    }

    // Adds STEPS times 32 inputs from `at` on (this lane's first), `stride` apart. x: this lane's token of each strip.
    template <int STEPS>
    __device__ __forceinline__ void add(
        const RankRows (&a)[CHUNKS],
        const __nv_bfloat16* x,
        int tokens,
        int in,
        int at,
        int end,
        int stride,
        bool& waited) {
        uint4 weights[STEPS][CHUNKS][2];
#pragma unroll
        for (int k = 0; k < STEPS; k++) {
#pragma unroll
            for (int c = 0; c < CHUNKS; c++) {
                weights[k][c][0] = weights8<FAST>(a[c].first, at + k * stride, end);
                weights[k][c][1] = weights8<FAST>(a[c].second, at + k * stride, end);
            }
        }
        if (!waited) {
            wait_for_previous();
            waited = true;
        }
        uint4 input[STEPS][STRIPS];
        int token = (threadIdx.x % 32) / 4;
#pragma unroll
        for (int k = 0; k < STEPS; k++) {
#pragma unroll
            for (int s = 0; s < STRIPS; s++) {
                input[k][s] = token + 8 * s < tokens
                    ? input8<FAST>(x + static_cast<size_t>(8 * s) * in, at + k * stride, end)
                    : make_uint4(0, 0, 0, 0);
            }
        }
#pragma unroll
        for (int k = 0; k < STEPS; k++) {
#pragma unroll
            for (int c = 0; c < CHUNKS; c++) {
                uint4 first = weights[k][c][0];
                uint4 second = weights[k][c][1];
#pragma unroll
                for (int s = 0; s < STRIPS; s++) {
                    uint4 b = input[k][s];
                    mma(value[c][s], first.x, second.x, first.y, second.y, b.x, b.y);
                    mma(value[c][s], first.z, second.z, first.w, second.w, b.z, b.w);
                }
            }
        }
    }
};

// The barrier of so many threads.
template <int BARRIER, int THREADS>
__device__ __forceinline__ void synchronize() {
    asm volatile("bar.sync %0, %1;" ::"n"(BARRIER), "n"(THREADS) : "memory");
}

// One product: some ranks of A, some rows of x, some inputs.
struct Share {
    const __nv_bfloat16* x;  // first row
    int rows;
    bool fast;
    int in;
    int from;  // inputs
    int end;
};

// Multiplies STEPS times 32 inputs of a warp at a time, adds over WARPS warps, and gives the sums of four (rank, token)
// to `store` once each. The warps are all of the block's, or WARPS neighbours from a multiple of WARPS on that have a
// barrier of their own. shared: [WARPS * CHUNKS * STRIPS * 32].
template <int CHUNKS, int STRIPS, int WARPS, bool FAST, int STEPS, int BARRIER = 0, typename Store>
__device__ __forceinline__ void multiply(
    const Share& share, const RankRows (&a)[CHUNKS], float4* shared, bool& waited, Store store) {
    Sums<CHUNKS, STRIPS, FAST> sums;
    sums.clear();
    int thread = threadIdx.x % (WARPS * 32);
    int lane = thread % 32;
    int warp = thread / 32;
    const __nv_bfloat16* x = share.x + static_cast<size_t>(lane / 4) * share.in;
    int at = share.from + warp * SHRINK_STEP + 8 * (lane % 4);
    constexpr int STRIDE = WARPS * SHRINK_STEP;
    // Inputs behind the end are zeros, so that there is one copy of the code: what a launch has to fetch of it takes time.
#pragma unroll 1
    for (int first = share.from + warp * SHRINK_STEP; first < share.end; first += STEPS * STRIDE, at += STEPS * STRIDE) {
        sums.template add<STEPS>(a, x, share.rows, share.in, at, share.end, STRIDE, waited);
    }
    synchronize<BARRIER, WARPS * 32>();  // shared memory is free again
#pragma unroll
    for (int c = 0; c < CHUNKS; c++) {
#pragma unroll
        for (int s = 0; s < STRIPS; s++) {
            float(&v)[4] = sums.value[c][s];
            shared[(warp * CHUNKS * STRIPS + c * STRIPS + s) * 32 + lane] = make_float4(v[0], v[1], v[2], v[3]);
        }
    }
    synchronize<BARRIER, WARPS * 32>();
    for (int i = thread; i < CHUNKS * STRIPS * 32; i += WARPS * 32) {
        float4 sum = shared[i];
#pragma unroll
        for (int w = 1; w < WARPS; w++) {
            float4 v = shared[w * CHUNKS * STRIPS * 32 + i];
            sum.x += v.x, sum.y += v.y, sum.z += v.z, sum.w += v.w;
        }
        int strip = i / 32 % STRIPS;
        int rank = i % 32 / 4;
        int token = strip * 8 + i % 4 * 2;
        store(i / 32 / STRIPS, rank, token, sum);
    }
}

// Where the sums of one part go.
struct Target {
    float* h;  // of the first row, with the split's place counted in
    size_t row_stride;
    int rows;

    __device__ __forceinline__ void store(int rank, int token, float4 sum) const {
        if (token < rows) {
            h[token * row_stride + rank] = sum.x;
            h[token * row_stride + rank + 8] = sum.z;
        }
        if (token + 1 < rows) {
            h[(token + 1) * row_stride + rank] = sum.y;
            h[(token + 1) * row_stride + rank + 8] = sum.w;
        }
    }
};

}  // namespace lorikeet::shrinking

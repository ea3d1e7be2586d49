// The stages of shared memory of a decode product: how chunks of the weight and of x get there, and how they are
// multiplied.
//
// A chunk lies as parts of 64 inputs, whose rows of 128 bytes have their pieces of 16 bytes swizzled, so that copies
// and the tensor cores' loads are free of bank conflicts.
#pragma once

#include "decode_product_share.cuh"

namespace lorikeet::decode_product {

constexpr int GROUP = DECODE_PRODUCT_THREADS / 2;  // threads: two groups of four warps share a chunk's inputs
constexpr int ROW_BYTES = 128;                     // of a part
constexpr int PART_PIECES = ROW_BYTES / 16;

constexpr int SUM_PITCH = OUT + 4;  // floats from row to row of a tile's sums, which lie behind the stages

// Chunks of so many rows and inputs in shared memory.
template <int ROWS_, int CHUNK_>
struct Ring {
    static constexpr int ROWS = ROWS_;
    static constexpr int CHUNK = CHUNK_;
    static constexpr int STAGES = decode_product_stages(CHUNK);
    static constexpr int STAGE_BYTES = 2 * (OUT + ROWS) * CHUNK;
    static constexpr int BYTES = STAGES * STAGE_BYTES;
    static constexpr int INPUT = 2 * OUT * CHUNK;   // where x begins in a stage
    static constexpr int PIECES = CHUNK / 8;        // in a row of a chunk
    static constexpr int STEPS = CHUNK / 2 / 16;    // products of a group in a chunk
};

// Where a piece lies in a chunk of so many rows.
template <int ROWS>
__device__ __forceinline__ int place(int row, int piece) {
    return piece / PART_PIECES * ROWS * ROW_BYTES + row * ROW_BYTES + (piece % PART_PIECES ^ row % 8) * 16;
}

// 16 bytes past the first-level cache, zeros where `valid` is false.
__device__ __forceinline__ void copy16(unsigned to, const void* from, bool valid) {
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(to), "l"(from), "r"(valid ? 16 : 0) : "memory");
}

// The same, of what is read with its neighbours.
__device__ __forceinline__ void copy_weight16(unsigned to, const void* from, bool valid) {
    asm volatile("cp.async.cg.shared.global.L2::256B [%0], [%1], 16, %2;" ::"r"(to), "l"(from), "r"(valid ? 16 : 0)
                 : "memory");
}

__device__ __forceinline__ void close_copies() { asm volatile("cp.async.commit_group;" ::: "memory"); }

// Waits until only the groups of copies of the last stages but one are under way.
template <int STAGES>
__device__ __forceinline__ void wait_for_copies() {
    asm volatile("cp.async.wait_group %0;" ::"n"(STAGES - 2) : "memory");
}

__device__ __forceinline__ void wait_for_all_copies() { asm volatile("cp.async.wait_all;" ::: "memory"); }

// Copies chunks of the weight, by THREADS threads: each has the same piece of every ROW_STEPth row.
template <int THREADS, typename Ending>
struct WeightCopy {
    static constexpr int CHUNK = Ending::CHUNK;
    static constexpr int PIECES = CHUNK / 8;
    static constexpr int ROW_STEP = THREADS / PIECES;
    static constexpr int RUNS = Ending::HALVES ? 2 : 1;
    static constexpr int RUN_OUT = OUT / RUNS;

    const MatVec& product;
    const Ending& ending;
    const __nv_bfloat16* from[RUNS];
    int outs[RUNS];

    __device__ __forceinline__ WeightCopy(const MatVec& product_, const Ending& ending_)
        : product(product_), ending(ending_) {}

    static __device__ __forceinline__ int row() { return static_cast<int>(threadIdx.x) % THREADS / PIECES; }

    static __device__ __forceinline__ int piece() { return static_cast<int>(threadIdx.x) % PIECES; }

    __device__ __forceinline__ void set_tile(int number) {
        if constexpr (Ending::HALVES) {
#pragma unroll
            for (int i = 0; i < RUNS; i++) {
                const Half half = ending.half(number, i);
                set_run(i, product.weight[half.part] + static_cast<size_t>(half.first) * product.in, half.outs);
            }
        } else {
            const Tile tile(product, number);
            set_run(0, tile.weight, tile.outs);
        }
    }

    __device__ __forceinline__ void copy(unsigned stage, int chunk) const {
        const bool inside = chunk * CHUNK + 8 * piece() < product.in;
#pragma unroll
        for (int i = 0; i < OUT / ROW_STEP; i++) {
            const int run = i * ROW_STEP / RUN_OUT;
            const int step = i * ROW_STEP % RUN_OUT;
            const bool valid = inside && step < outs[run];
            const __nv_bfloat16* source = from[run] + chunk * CHUNK + static_cast<size_t>(step) * product.in;
            copy_weight16(stage + place<OUT>(row() + i * ROW_STEP, piece()), valid ? source : product.weight[0], valid);
        }
    }

  private:
    __device__ __forceinline__ void set_run(int run, const __nv_bfloat16* weight, int count) {
        from[run] = weight + static_cast<size_t>(row()) * product.in + 8 * piece();
        outs[run] = count - row();
    }
};

// Copies a chunk of x, by THREADS threads.
template <typename Ring, int THREADS>
__device__ __forceinline__ void copy_input(const MatVec& product, int rows, unsigned stage, int chunk) {
    constexpr int ROWS = Ring::ROWS;
    constexpr int PIECES = Ring::PIECES;
    constexpr int ROW_STEP = THREADS / PIECES;
    const int row = static_cast<int>(threadIdx.x) % THREADS / PIECES;
    const int piece = static_cast<int>(threadIdx.x) % PIECES;
    const int k = chunk * Ring::CHUNK + 8 * piece;
    const __nv_bfloat16* start = product.x + static_cast<size_t>(row) * product.x_pitch + k;
#pragma unroll
    for (int i = 0; i < ROWS / ROW_STEP; i++) {
        const bool valid = k < product.in && row + i * ROW_STEP < rows;
        const __nv_bfloat16* source = start + static_cast<size_t>(i * ROW_STEP) * product.x_pitch;
        copy16(stage + Ring::INPUT + place<ROWS>(row + i * ROW_STEP, piece), valid ? source : product.x, valid);
    }
}

// Four matrices of 8 x 8, of which a lane names a row's address each.
__device__ __forceinline__ void load_matrices(unsigned (&to)[4], unsigned from) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];"
                 : "=r"(to[0]), "=r"(to[1]), "=r"(to[2]), "=r"(to[3])
                 : "r"(from)
                 : "memory");
}

// A thread's sums: those of its warp's 16 outputs with 8 rows each, as `mma` lays them out.
template <int ROWS>
struct Sums {
    static constexpr int EIGHTS = ROWS / 8;

    float value[EIGHTS][4];

    __device__ __forceinline__ void clear() {
#pragma unroll
        for (int j = 0; j < EIGHTS; j++) {
#pragma unroll
            for (int k = 0; k < 4; k++) {
                value[j][k] = 0;
            }
        }
    }

    // Adds the products of the group's half of a chunk.
    template <typename Ring>
    __device__ __forceinline__ void add(unsigned stage, int group) {
        constexpr int STEPS = Ring::STEPS;
        const int lane = threadIdx.x % WARP;
        const int warp = threadIdx.x / WARP % 4;
        const unsigned weight = stage + (16 * warp + lane % 16) * ROW_BYTES;
        const unsigned input = stage + Ring::INPUT + (lane / 16 * 8 + lane % 8) * ROW_BYTES;
#pragma unroll
        for (int k = 0; k < STEPS; k++) {
            const int step = group * STEPS + k;
            const int part = step / 4;
            const int piece = step % 4 * 2;
            unsigned a[4];
            unsigned b[EIGHTS / 2][4];
            load_matrices(a, weight + part * OUT * ROW_BYTES + ((piece + lane / 16) ^ (lane % 8)) * 16);
#pragma unroll
            for (int j = 0; j < EIGHTS / 2; j++) {
                load_matrices(b[j], input + (part * ROWS + 16 * j) * ROW_BYTES +
                                        ((piece + lane / 8 % 2) ^ (lane % 8)) * 16);
            }
#pragma unroll
            for (int j = 0; j < EIGHTS / 2; j++) {
                mma(value[2 * j], a[0], a[1], a[2], a[3], b[j][0], b[j][1]);
                mma(value[2 * j + 1], a[0], a[1], a[2], a[3], b[j][2], b[j][3]);
            }
        }
    }
};

}  // namespace lorikeet::decode_product

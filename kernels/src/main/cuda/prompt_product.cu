// Products of any number of rows, each output summed up in the order in which decode_product does it.
//
// That order: a tile's chunks are cut into the shares of decode_product's blocks. Of each share, two groups of warps sum
// up one half of every chunk each. The last share's sum comes first, then the others' are added, from the first on.
//
// Here a block has a tile's outputs for many rows, and goes through the shares in just that order, the two halves of the
// chunks by two groups of warps again. A stage of the ring has a quarter of both halves. When a share ends, the groups
// exchange their sums, so that each keeps the totals of half of the outputs.
#include "prompt_product.cuh"

#include "decode_product_stage.cuh"

namespace lorikeet::prompt_product {

using decode_product::Deal;
using decode_product::OUT;
using decode_product::Tile;

constexpr int THREADS = PROMPT_PRODUCT_THREADS;
constexpr int STAGES = PROMPT_PRODUCT_STAGES;
constexpr int CHUNK = DECODE_PRODUCT_CHUNK;
constexpr int GROUP = THREADS / 2;
constexpr int QUARTERS = 4;                            // stages of a chunk
constexpr int ROW_BYTES = 128;                         // of a stage
constexpr int PIECES = ROW_BYTES / 16;                 // in a row: a half's, then the other half's
constexpr int QUARTER = CHUNK / 2 / QUARTERS;          // inputs of a half in a stage
constexpr int COPIED_ROWS = THREADS / PIECES;          // at a time
constexpr int OUT_SIXTEENTHS = OUT / 16;               // the products' sixteen outputs
constexpr int KEPT = OUT_SIXTEENTHS / 2;               // of them a group's
constexpr int SUM_PITCH = OUT + 4;                     // floats from row to row of a tile's sums

// The block of a launch of decode_product that has a chunk, counted over all tiles.
__device__ __forceinline__ int block_of(const Deal& deal, int chunk) {
    const int longer = deal.more * (deal.least + 1);
    return chunk < longer ? chunk / (deal.least + 1) : deal.more + (chunk - longer) / deal.least;
}

// Goes through a tile's chunks, share by share.
struct Shares {
    const Deal& deal;
    int begin;   // the tile's first chunk, counted over all tiles
    int chunks;  // of the tile
    int last;    // the block whose share is the tile's end
    int block;   // the one whose share it is now
    int end;     // of its chunks in the tile

    __device__ __forceinline__ Shares(const Deal& deal_, int tile, int chunks_) : deal(deal_), chunks(chunks_) {
        begin = tile * chunks;
        last = block = block_of(deal, begin + chunks - 1);
        end = chunks;
    }

    // The tile's first chunk to take.
    __device__ __forceinline__ int first() const { return max(deal.first(last) - begin, 0); }

    // To the next share; whoever calls this knows that there is one.
    __device__ __forceinline__ void next() {
        block = block == last ? block_of(deal, begin) : block + 1;
        end = deal.first(block + 1) - begin;
    }
};

// Where a piece of a row lies in a stage.
__device__ __forceinline__ unsigned place(int row, int piece) {
    return static_cast<unsigned>(row * ROW_BYTES + (piece ^ row % 8) * 16);
}

// Copies a stage's inputs: a thread has the same piece of every COPIED_ROWSth row.
template <int ROWS>
struct Copy {
    const __nv_bfloat16* weight;  // of this thread's first output and x of its first row, at its first input of a chunk
    const __nv_bfloat16* x;
    size_t weight_step;  // elements from one of its rows to the next
    size_t x_step;
    int outs;  // how many there are, from its first one on
    int rows;
    int inputs;  // how many there are, from its first one on
    unsigned to;

    __device__ __forceinline__ Copy(const MatVec& product, const Tile& tile, int first_row, int rows_, unsigned ring) {
        const int row = static_cast<int>(threadIdx.x) / PIECES;
        const int piece = static_cast<int>(threadIdx.x) % PIECES;
        const int input = piece / (PIECES / 2) * (CHUNK / 2) + piece % (PIECES / 2) * 8;
        weight = tile.weight + static_cast<size_t>(row) * product.in + input;
        weight_step = static_cast<size_t>(COPIED_ROWS) * product.in;
        outs = tile.outs - row;
        x = product.x + static_cast<size_t>(first_row + row) * product.x_pitch + input;
        x_step = static_cast<size_t>(COPIED_ROWS) * product.x_pitch;
        rows = rows_ - row;
        inputs = product.in - input;
        to = ring + place(row, piece);  // COPIED_ROWS is a multiple of 8: all its rows are swizzled alike
    }

    __device__ __forceinline__ void copy(const MatVec& product, int slot, int chunk, int quarter) const {
        const int at = chunk * CHUNK + quarter * QUARTER;
        const unsigned stage = to + slot * (OUT + ROWS) * ROW_BYTES;
        const bool inside = at < inputs;
#pragma unroll
        for (int i = 0; i < OUT / COPIED_ROWS; i++) {
            const bool valid = inside && i * COPIED_ROWS < outs;
            decode_product::copy_weight16(stage + i * COPIED_ROWS * ROW_BYTES,
                                          valid ? weight + i * weight_step + at : product.weight[0], valid);
        }
#pragma unroll
        for (int i = 0; i < ROWS / COPIED_ROWS; i++) {
            const bool valid = inside && i * COPIED_ROWS < rows;
            decode_product::copy16(stage + (OUT + i * COPIED_ROWS) * ROW_BYTES,
                                   valid ? x + i * x_step + at : product.x, valid);
        }
    }
};

// A thread's sums: those of all outputs with its warp's rows, as `mma` lays them out.
template <int ROWS>
struct Sums {
    static constexpr int EIGHTS = ROWS / 4 / 8;

    float value[OUT_SIXTEENTHS][EIGHTS][4];

    __device__ __forceinline__ void clear() {
#pragma unroll
        for (int i = 0; i < OUT_SIXTEENTHS; i++) {
#pragma unroll
            for (int j = 0; j < EIGHTS; j++) {
#pragma unroll
                for (int k = 0; k < 4; k++) {
                    value[i][j][k] = 0;
                }
            }
        }
    }

    // Adds the products of a group's part of a stage.
    __device__ __forceinline__ void add(unsigned stage, int group, int warp) {
        const int lane = threadIdx.x % WARP;
        const unsigned weight = stage + lane % 16 * ROW_BYTES;
        const unsigned input = stage + (OUT + warp * (ROWS / 4) + lane / 16 * 8 + lane % 8) * ROW_BYTES;
#pragma unroll
        for (int k = 0; k < QUARTER / 16; k++) {
            const int piece = group * (PIECES / 2) + 2 * k;
            unsigned a[OUT_SIXTEENTHS][4];
#pragma unroll
            for (int i = 0; i < OUT_SIXTEENTHS; i++) {
                decode_product::load_matrices(
                    a[i], weight + 16 * i * ROW_BYTES + ((piece + lane / 16) ^ (lane % 8)) * 16);
            }
#pragma unroll
            for (int j = 0; j < EIGHTS; j += 2) {
                unsigned b[4];
                decode_product::load_matrices(
                    b, input + 8 * j * ROW_BYTES + ((piece + lane / 8 % 2) ^ (lane % 8)) * 16);
#pragma unroll
                for (int i = 0; i < OUT_SIXTEENTHS; i++) {
                    mma(value[i][j], a[i][0], a[i][1], a[i][2], a[i][3], b[0], b[1]);
                    mma(value[i][j + 1], a[i][0], a[i][1], a[i][2], a[i][3], b[2], b[3]);
                }
            }
        }
    }

    // Leaves the sums of the outputs that the other group keeps to its thread with the same rows: [...][GROUP].
    template <int FIRST>
    __device__ __forceinline__ void leave(float4* to) const {
#pragma unroll
        for (int i = 0; i < KEPT; i++) {
#pragma unroll
            for (int j = 0; j < EIGHTS; j++) {
                const float(&v)[4] = value[FIRST + i][j];
                to[(i * EIGHTS + j) * GROUP] = make_float4(v[0], v[1], v[2], v[3]);
            }
        }
    }
};

// The sums of the shares so far, of the outputs that a group keeps.
template <int ROWS>
struct Totals {
    static constexpr int EIGHTS = Sums<ROWS>::EIGHTS;

    float value[KEPT][EIGHTS][4];

    // Adds a share's: this thread's, and those that the other group's left.
    template <int FIRST>
    __device__ __forceinline__ void add(const Sums<ROWS>& sums, const float4* others, bool first_share) {
#pragma unroll
        for (int i = 0; i < KEPT; i++) {
#pragma unroll
            for (int j = 0; j < EIGHTS; j++) {
                const float4 left = others[(i * EIGHTS + j) * GROUP];
                const float other[4] = {left.x, left.y, left.z, left.w};
#pragma unroll
                for (int k = 0; k < 4; k++) {
                    const float both = sums.value[FIRST + i][j][k] + other[k];
                    value[i][j][k] = first_share ? both : value[i][j][k] + both;
                }
            }
        }
    }

    // To [row][output] of the tile.
    __device__ __forceinline__ void store(float* tile, int group, int warp) const {
        const int lane = threadIdx.x % WARP;
        float* to = tile + (warp * (ROWS / 4) + lane % 4 * 2) * SUM_PITCH + group * (OUT / 2) + lane / 4;
#pragma unroll
        for (int i = 0; i < KEPT; i++) {
#pragma unroll
            for (int j = 0; j < EIGHTS; j++) {
#pragma unroll
                for (int k = 0; k < 4; k++) {
                    to[(8 * j + k % 2) * SUM_PITCH + 16 * i + k / 2 * 8] = value[i][j][k];
                }
            }
        }
    }
};

// Writes a tile's first rows, by all threads.
template <typename T>
__device__ __forceinline__ void write(const MatVec& product, const float* sums, int first_row, int rows,
                                      const Tile& tile) {
    constexpr int ROW_THREADS = OUT / 4;
    const int out = static_cast<int>(threadIdx.x) % ROW_THREADS * 4;
    T* y = static_cast<T*>(product.y) + static_cast<size_t>(first_row) * product.y_pitch + tile.column + out;
    const bool together = product.y_pitch % 4 == 0 && tile.column % 4 == 0 && out + 4 <= tile.outs;
    for (int row = static_cast<int>(threadIdx.x) / ROW_THREADS; row < rows; row += THREADS / ROW_THREADS) {
        const float4 v = *reinterpret_cast<const float4*>(sums + row * SUM_PITCH + out);
        T* to = y + static_cast<size_t>(row) * product.y_pitch;
        if (together) {
            decode_product::store4(to, v);
        } else {
            const float value[4] = {v.x, v.y, v.z, v.w};
#pragma unroll
            for (int j = 0; j < 4; j++) {
                if (out + j < tile.outs) {
                    decode_product::store(to + j, value[j]);
                }
            }
        }
    }
}

template <int ROWS>
__device__ __forceinline__ void run(const Step* step, const PromptProduct& call) {
    constexpr int AHEAD = STAGES - 1;
    extern __shared__ __align__(128) unsigned char memory[];
    const unsigned ring = static_cast<unsigned>(__cvta_generic_to_shared(memory));
    float4* const exchanged = reinterpret_cast<float4*>(memory + STAGES * (OUT + ROWS) * ROW_BYTES);
    constexpr int LEFT = KEPT * Sums<ROWS>::EIGHTS * GROUP;  // float4s that a group leaves
    const MatVec& product = call.product;
    const int first_row = static_cast<int>(blockIdx.x) * ROWS;

    release_next();
    const int rows = min((call.outputs != 0 ? step->outputs : step->tokens) - first_row, ROWS);
    if (rows <= 0) {
        return;
    }
    const int group = __shfl_sync(ALL_LANES, static_cast<int>(threadIdx.x) / GROUP, 0);
    const int warp = __shfl_sync(ALL_LANES, static_cast<int>(threadIdx.x) / WARP % 4, 0);
    const bool idle = warp * (ROWS / 4) >= rows;  // there is none of the warp's rows
    const Tile tile(product, static_cast<int>(blockIdx.y));
    const int chunks = decode_product::chunks_of_tile(product);
    const Deal deal(decode_product::tiles_of(product) * chunks, call.blocks);
    Shares shares(deal, static_cast<int>(blockIdx.y), chunks);
    const Copy<ROWS> copy(product, tile, first_row, rows, ring);
    int chunk = shares.first();
    int copied = chunk;
    wait_for_previous();
#pragma unroll
    for (int s = 0; s < AHEAD; s++) {  // all of the first chunk
        copy.copy(product, s, copied, s);
        decode_product::close_copies();
    }

    Sums<ROWS> sums;
    Totals<ROWS> totals;
    sums.clear();
    bool first_share = true;
#pragma unroll 1
    for (int i = 0; i < chunks; i++) {
        const int next = copied + 1 == chunks ? 0 : copied + 1;
#pragma unroll
        for (int quarter = 0; quarter < QUARTERS; quarter++) {
            asm volatile("cp.async.wait_group %0;" ::"n"(AHEAD - 1) : "memory");
            __syncthreads();
            const int ahead = (quarter + AHEAD) % QUARTERS;
            if (quarter + AHEAD < QUARTERS) {
                copy.copy(product, ahead, copied, ahead);
            } else if (i + 1 < chunks) {
                copy.copy(product, ahead, next, ahead);
            }
            decode_product::close_copies();
            if (!idle) {
                sums.add(ring + quarter * (OUT + ROWS) * ROW_BYTES, group, warp);
            }
        }
        copied = next;
        chunk++;
        if (chunk == shares.end) {
            float4* const mine = exchanged + threadIdx.x % GROUP;
            if (group == 0) {
                sums.template leave<KEPT>(mine + LEFT);
            } else {
                sums.template leave<0>(mine);
            }
            __syncthreads();
            if (group == 0) {
                totals.template add<0>(sums, mine, first_share);
            } else {
                totals.template add<KEPT>(sums, mine + LEFT, first_share);
            }
            sums.clear();
            first_share = false;
            chunk = chunk == chunks ? 0 : chunk;
            if (i + 1 < chunks) {
                shares.next();
            }
        }
    }
    float* const result = reinterpret_cast<float*>(memory);  // the ring isn't needed any more
    __syncthreads();
    totals.store(result, group, warp);
    __syncthreads();
    if (call.outputs != 0) {
        write<float>(product, result, first_row, rows, tile);
    } else {
        write<__nv_bfloat16>(product, result, first_row, rows, tile);
    }
}

}  // namespace lorikeet::prompt_product

extern "C" __global__ void __launch_bounds__(lorikeet::PROMPT_PRODUCT_THREADS, 1)
    prompt_product_64(const lorikeet::Step* step, const __grid_constant__ lorikeet::PromptProduct call) {
    lorikeet::prompt_product::run<64>(step, call);
}

extern "C" __global__ void __launch_bounds__(lorikeet::PROMPT_PRODUCT_THREADS, 1)
    prompt_product_128(const lorikeet::Step* step, const __grid_constant__ lorikeet::PromptProduct call) {
    lorikeet::prompt_product::run<128>(step, call);
}

extern "C" __global__ void __launch_bounds__(lorikeet::PROMPT_PRODUCT_THREADS, 1)
    prompt_product_256(const lorikeet::Step* step, const __grid_constant__ lorikeet::PromptProduct call) {
    lorikeet::prompt_product::run<256>(step, call);
}

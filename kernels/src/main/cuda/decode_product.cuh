// Products of a decode step's rows with a weight: more rows than matvec takes, still bound by reading the weight.
#pragma once

#include "matvec.cuh"

namespace lorikeet {

struct DecodeProduct {
    MatVec product;
    float* partial;  // [blocks, rows that the kernel is for, DECODE_PRODUCT_OUT] sums of tiles that others complete: all
                     // bits are ones before the launch, and after it
    int outputs;     // 0: the rows are the step's tokens, y is bf16; 1: the wanted rows, f32
    int pad;
};

static_assert(sizeof(DecodeProduct) == sizeof(MatVec) + 16, "the host lays out products");

constexpr int DECODE_PRODUCT_MOST_ROWS = 64;  // of the largest kernels
constexpr int DECODE_PRODUCT_OUT = 64;        // outputs of a tile
constexpr int DECODE_PRODUCT_CHUNK = 256;     // inputs of a tile that are multiplied at a time
constexpr int DECODE_PRODUCT_THREADS = 256;
constexpr int DECODE_PRODUCT_SHRINK_THREADS = 256;                                   // more, with the shrink
constexpr int DECODE_PRODUCT_SHRINK_BYTES = 2 * 16 * DECODE_PRODUCT_SHRINK_THREADS;  // of shared memory

constexpr int DECODE_PRODUCT_SMALL_CHUNK = 128;  // the same where a block has much else in shared memory

// Chunks of so many inputs in shared memory.
__host__ __device__ constexpr int decode_product_stages(int chunk) { return chunk == DECODE_PRODUCT_CHUNK ? 3 : 4; }

// Dynamic shared memory of a block of the kernel for so many rows, without the shrink's.
__host__ __device__ constexpr int decode_product_shared_bytes(int rows, int chunk = DECODE_PRODUCT_CHUNK) {
    return 2 * decode_product_stages(chunk) * (DECODE_PRODUCT_OUT + rows) * chunk + 4 * rows * (DECODE_PRODUCT_OUT + 5);
}

static_assert(decode_product_shared_bytes(16) == 127296 && decode_product_shared_bytes(32) == 156288 &&
                  decode_product_shared_bytes(48) == 185280 && decode_product_shared_bytes(64) == 214272,
              "DecodeProductsTest says the same of the host");

}  // namespace lorikeet

// The products of the step's tokens or wanted rows, as many as the name says at most (more are not computed). The bits
// of a row depend on the number of blocks, but neither on the other rows nor on the kernel. prompt_product has the same order
// of sums: change both together.
//
// Grid: one block a multiprocessor, but no more than there are chunks of tiles: [sum over the parts of
// ceil(out / DECODE_PRODUCT_OUT)] * ceil(in / DECODE_PRODUCT_CHUNK). Block: DECODE_PRODUCT_THREADS.
extern "C" __global__ void decode_product_16(const lorikeet::Step* step,
                                             const __grid_constant__ lorikeet::DecodeProduct call);
extern "C" __global__ void decode_product_32(const lorikeet::Step* step,
                                             const __grid_constant__ lorikeet::DecodeProduct call);
extern "C" __global__ void decode_product_48(const lorikeet::Step* step,
                                             const __grid_constant__ lorikeet::DecodeProduct call);
extern "C" __global__ void decode_product_64(const lorikeet::Step* step,
                                             const __grid_constant__ lorikeet::DecodeProduct call);

// The same, and h = A x of the same rows (see lora.cuh): the first DECODE_PRODUCT_THREADS threads of a block have its share
// of the product, DECODE_PRODUCT_SHRINK_THREADS behind them its share of the shrink. lora.in is x_pitch; rows of A are
// multiples of 16 bytes and start at one. Dynamic shared memory: DECODE_PRODUCT_SHRINK_BYTES more.
extern "C" __global__ void decode_product_shrink_16(const lorikeet::Step* step,
                                                    const __grid_constant__ lorikeet::DecodeProduct call,
                                                    const __grid_constant__ lorikeet::Lora lora);
extern "C" __global__ void decode_product_shrink_32(const lorikeet::Step* step,
                                                    const __grid_constant__ lorikeet::DecodeProduct call,
                                                    const __grid_constant__ lorikeet::Lora lora);
extern "C" __global__ void decode_product_shrink_48(const lorikeet::Step* step,
                                                    const __grid_constant__ lorikeet::DecodeProduct call,
                                                    const __grid_constant__ lorikeet::Lora lora);
extern "C" __global__ void decode_product_shrink_64(const lorikeet::Step* step,
                                                    const __grid_constant__ lorikeet::DecodeProduct call,
                                                    const __grid_constant__ lorikeet::Lora lora);

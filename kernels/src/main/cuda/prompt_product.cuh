// Products of any number of rows with a weight, to the same bits as decode_product: for prompts where a result must not
// depend on what else is in the step.
#pragma once

#include "decode_product.cuh"

namespace lorikeet {

struct PromptProduct {
    MatVec product;
    int blocks;   // of decode_product's launch for this product, whose order of sums is taken over
    int outputs;  // 0: the rows are the step's tokens, y is bf16; 1: the wanted rows, f32
};

constexpr int PROMPT_PRODUCT_THREADS = 256;
constexpr int PROMPT_PRODUCT_STAGES = 4;  // of 64 inputs, in shared memory

// Dynamic shared memory of a block of the kernel with so many rows a block.
__host__ __device__ constexpr int prompt_product_shared_bytes(int rows) {
    return PROMPT_PRODUCT_STAGES * (DECODE_PRODUCT_OUT + rows) * 128 + 4 * rows * DECODE_PRODUCT_OUT;
}

}  // namespace lorikeet

// The products of the step's tokens or wanted rows, however many, in tiles of as many rows as the name says. The bits of
// a row are those that decode_product_16 to 48 give it in a launch of `blocks` blocks.
//
// Grid: [ceil(rows / rows of a tile), sum over the parts of ceil(out / DECODE_PRODUCT_OUT)].
// Block: PROMPT_PRODUCT_THREADS.
extern "C" __global__ void prompt_product_64(const lorikeet::Step* step,
                                             const __grid_constant__ lorikeet::PromptProduct call);
extern "C" __global__ void prompt_product_128(const lorikeet::Step* step,
                                              const __grid_constant__ lorikeet::PromptProduct call);
extern "C" __global__ void prompt_product_256(const lorikeet::Step* step,
                                              const __grid_constant__ lorikeet::PromptProduct call);

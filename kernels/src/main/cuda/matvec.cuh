// Products of few rows with a weight: bound by reading the weight.
#pragma once

#include "lora.cuh"

namespace lorikeet {

// y = x W' for up to three weights side by side, such as q, k and v.
struct MatVec {
    const __nv_bfloat16* x;          // row r at x + r * x_pitch: [in]
    void* y;                         // row r at y + r * y_pitch elements: [out of all parts]
    int x_pitch;                     // elements, a multiple of 8
    int y_pitch;                     // elements
    int in;                          // a multiple of 8
    int parts;                       // 1 to 3
    const __nv_bfloat16* weight[3];  // [out, in] each
    int out[3];
    int pad;
};

static_assert(sizeof(MatVec) == 72, "the host lays out products");

constexpr int MATVEC_ROWS = 8;  // of x, at most
constexpr int MATVEC_OUT = 16;  // outputs of a block

}  // namespace lorikeet

// The products of the step's tokens, MATVEC_ROWS at most (more are not computed), in bf16. The bits of a row don't
// depend on the other rows.
//
// Grid: [sum over the parts of ceil(out / MATVEC_OUT)]. Block: 128.
extern "C" __global__ void matvec_tokens(const lorikeet::Step* step,
                                         const __grid_constant__ lorikeet::MatVec product);

// The same, and h = A x of the same rows (see lora.cuh) in `shrink_blocks` blocks behind those of the product, one at
// least. lora.in is x_pitch; rows of A are multiples of 16 bytes and start at one.
//
// Grid: the product's + shrink_blocks, of which min(tiles * parts * 16 * rank_shares, 264) are fast, tiles as many as the
// step may have. Block: 128.
extern "C" __global__ void matvec_shrink(const lorikeet::Step* step, const __grid_constant__ lorikeet::MatVec product,
                                         const __grid_constant__ lorikeet::Lora lora, int shrink_blocks);

// The products of the wanted rows, x being [outputs, in], in f32. Otherwise the same.
extern "C" __global__ void matvec_outputs(const lorikeet::Step* step,
                                         const __grid_constant__ lorikeet::MatVec product);

// Overwrites the logits of groups whose adapter has a head of its own (MODULE_REPLACED, MODULE_REBASED); a low-rank
// change on top of it is not added here.
//
// Grid: [ceil(vocabulary / MATVEC_OUT)]. Block: 128.
//   x       [outputs, hidden], after the last norm
//   slot    the head's number in an adapter
//   logits  [outputs, vocabulary] f32
extern "C" __global__ void head_replaced(const lorikeet::Step* step, const __nv_bfloat16* x, int slot, float* logits,
                                         int hidden, int vocabulary);

// Overwrites the logits of the tokens that an adapter has rows of its own for (MODULE_TOKEN_ROWS).
//
// Grid: [any number of blocks for each output, outputs (an upper bound)]. Block: 128.
extern "C" __global__ void head_token_rows(const lorikeet::Step* step, const __nv_bfloat16* x, int slot, float* logits,
                                           int hidden, int vocabulary);

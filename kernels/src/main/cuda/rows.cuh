// Kernels over rows of activations: embedding, norm, gathering of the wanted rows, and casts of weights.
#pragma once

#include "step.cuh"

// The tokens' embeddings with the adapters' changes of the table (low-rank, replaced, rebased, rows of some tokens).
//
// Grid: [tokens], an upper bound. Block: 256.
//   chosen  the tokens that ids below zero stand for: ~id is the place
//   table   [vocabulary, hidden]
//   slot    the table's number in an adapter
//   out     [tokens, hidden] f32
//   hidden  a multiple of 8
extern "C" __global__ void embed(const lorikeet::Step* step, const int* chosen, const __nv_bfloat16* table, int slot,
                                 float* out, int hidden, int vocabulary);

// out = in / sqrt(mean(in^2) + epsilon) * weight, with each adapter's own weight where it has one.
//
// Grid: [tokens], an upper bound. Block: 256.
//   in      [tokens, size] f32
//   weight  [size]
//   slot    the norm's number in an adapter
//   out     [tokens, size] bf16
//   size    a multiple of 8
extern "C" __global__ void rms_norm(const lorikeet::Step* step, const float* in, const __nv_bfloat16* weight,
                                    float epsilon, int slot, __nv_bfloat16* out, int size);

// out[o] = in[output_rows[o]].
//
// Grid: [outputs], an upper bound. Block: 256.
//   in    [tokens, size] bf16
//   out   [outputs, size] bf16
//   size  a multiple of 8
extern "C" __global__ void gather_outputs(const lorikeet::Step* step, const __nv_bfloat16* in, __nv_bfloat16* out,
                                          int size);

namespace lorikeet {

// Elements to be cast. `from` is aligned to its element, `to` to 2 bytes; 16-byte alignment of both is faster.
struct CastPiece {
    const void* from;
    __nv_bfloat16* to;
    long long count;
};

}  // namespace lorikeet

// Casts float32 to bf16, rounding to nearest even; all pieces in one launch. The array of pieces may lie in
// page-locked host memory.
//
// Grid: [any number of blocks for each piece, pieces]. Block: 256.
extern "C" __global__ void cast_f32_to_bf16(const lorikeet::CastPiece* pieces);

// Casts float16 to bf16 in the same way.
extern "C" __global__ void cast_f16_to_bf16(const lorikeet::CastPiece* pieces);

// Moves bf16, in the same way: numbers stay what they are.
extern "C" __global__ void move_bf16(const lorikeet::CastPiece* pieces);

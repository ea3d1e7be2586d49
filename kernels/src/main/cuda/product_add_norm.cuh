// A product, what it adds to the residual, and the norm of that, in one launch.
#pragma once

#include "decode_product.cuh"

namespace lorikeet {

constexpr int TILE_SQUARES_AT_ONCE = 64;  // tiles whose sums are asked for together, whether they exist or not

// How the blocks of a launch tell one another the sums of squares of their tiles' rows.
struct TileSquares {
    unsigned long long* place;  // [rows that the kernel is for][tiles], and TILE_SQUARES_AT_ONCE more: the sum, and above
                                // it the number of the launch that it is of
    unsigned* launches;         // how many there were, and room for three more numbers; zero at first, like all places
};

static_assert(sizeof(TileSquares) == 16, "the host lays out what blocks tell one another");

}  // namespace lorikeet

// residual += y; out = norm(residual) of the step's tokens, as many as the name says at most, with y = x W'. call.product:
// one part, without y; lora: the same, and its bias. residual: f32 [tokens, size]; out: [tokens, size]; size is a multiple
// of 8.
//
// A block that has completed a tile waits until all tiles are, so there are no more tiles than blocks, and all blocks must be
// on the device at the same time.
//
// Grid: one block a multiprocessor, but no more than ceil(size / DECODE_PRODUCT_OUT) * ceil(in / DECODE_PRODUCT_CHUNK), and
// ceil(size / DECODE_PRODUCT_OUT) at least. Block: DECODE_PRODUCT_THREADS; dynamic shared memory:
// decode_product_shared_bytes.
extern "C" __global__ void product_add_norm_16(
    const lorikeet::Step* step, const __grid_constant__ lorikeet::DecodeProduct call,
    const __grid_constant__ lorikeet::Lora lora, const __grid_constant__ lorikeet::NormWeight norm,
    const __grid_constant__ lorikeet::TileSquares squares, float* residual, __nv_bfloat16* out);
extern "C" __global__ void product_add_norm_32(
    const lorikeet::Step* step, const __grid_constant__ lorikeet::DecodeProduct call,
    const __grid_constant__ lorikeet::Lora lora, const __grid_constant__ lorikeet::NormWeight norm,
    const __grid_constant__ lorikeet::TileSquares squares, float* residual, __nv_bfloat16* out);
extern "C" __global__ void product_add_norm_48(
    const lorikeet::Step* step, const __grid_constant__ lorikeet::DecodeProduct call,
    const __grid_constant__ lorikeet::Lora lora, const __grid_constant__ lorikeet::NormWeight norm,
    const __grid_constant__ lorikeet::TileSquares squares, float* residual, __nv_bfloat16* out);
extern "C" __global__ void product_add_norm_64(
    const lorikeet::Step* step, const __grid_constant__ lorikeet::DecodeProduct call,
    const __grid_constant__ lorikeet::Lora lora, const __grid_constant__ lorikeet::NormWeight norm,
    const __grid_constant__ lorikeet::TileSquares squares, float* residual, __nv_bfloat16* out);

// The same with adapters, see product_gate_shrink_16.
extern "C" __global__ void product_add_norm_shrink_16(
    const lorikeet::Step* step, const __grid_constant__ lorikeet::DecodeProduct call,
    const __grid_constant__ lorikeet::Lora lora, const __grid_constant__ lorikeet::NormWeight norm,
    const __grid_constant__ lorikeet::TileSquares squares, float* residual, __nv_bfloat16* out);
extern "C" __global__ void product_add_norm_shrink_32(
    const lorikeet::Step* step, const __grid_constant__ lorikeet::DecodeProduct call,
    const __grid_constant__ lorikeet::Lora lora, const __grid_constant__ lorikeet::NormWeight norm,
    const __grid_constant__ lorikeet::TileSquares squares, float* residual, __nv_bfloat16* out);

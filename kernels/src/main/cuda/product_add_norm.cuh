// A product, and what it adds to the residual, ready to be normed, in one launch.
#pragma once

#include "decode_product.cuh"
#include "product_ending.cuh"

// ending.residual += y; ending.out = residual * weight of the step's tokens, as many as the name says at most, with y = x W': a
// norm but for the rows' factors, which are left as ending.squares. call.product: one part, without y; lora: the same, and its
// bias. residual: f32 [tokens, size]; out: [tokens, size]; size is a multiple of 8. A block completes one tile at most, so there
// are no more tiles than blocks.
//
// Grid: one block a multiprocessor, but no more than ceil(size / DECODE_PRODUCT_OUT) * ceil(in / DECODE_PRODUCT_CHUNK), and
// ceil(size / DECODE_PRODUCT_OUT) at least. Block: DECODE_PRODUCT_THREADS; dynamic shared memory:
// decode_product_shared_bytes.
extern "C" __global__ void product_add_norm_16(
    const lorikeet::Step* step, const __grid_constant__ lorikeet::DecodeProduct call,
    const __grid_constant__ lorikeet::Lora lora, const __grid_constant__ lorikeet::ProductEnding ending);
extern "C" __global__ void product_add_norm_32(
    const lorikeet::Step* step, const __grid_constant__ lorikeet::DecodeProduct call,
    const __grid_constant__ lorikeet::Lora lora, const __grid_constant__ lorikeet::ProductEnding ending);
extern "C" __global__ void product_add_norm_48(
    const lorikeet::Step* step, const __grid_constant__ lorikeet::DecodeProduct call,
    const __grid_constant__ lorikeet::Lora lora, const __grid_constant__ lorikeet::ProductEnding ending);
extern "C" __global__ void product_add_norm_64(
    const lorikeet::Step* step, const __grid_constant__ lorikeet::DecodeProduct call,
    const __grid_constant__ lorikeet::Lora lora, const __grid_constant__ lorikeet::ProductEnding ending);

// The product of q, k and v, their rotary embedding and the cache's new keys and values, in one launch.
#pragma once

#include "decode_product.cuh"
#include "product_ending.cuh"

namespace lorikeet {

constexpr int PRODUCT_ROTATE_TURN_THREADS = 128;                       // of a block, behind the product's
constexpr int PRODUCT_ROTATE_ROW_BYTES = 24 + 4 * DECODE_PRODUCT_OUT;  // of a token, and how its pairs turn
constexpr int PRODUCT_ROTATE_BARRIER_BYTES = 16;
constexpr int PRODUCT_ROTATE_LEFT_BYTES = 4 * (DECODE_PRODUCT_OUT + 4);  // of a row of a tile, in device memory

static_assert(PRODUCT_ROTATE_LEFT_BYTES == 272, "DecodeProductsTest says the same of the host");

// Dynamic shared memory of a block of the kernel for so many rows.
__host__ __device__ constexpr int product_rotate_shared_bytes(int rows) {
    return decode_product_shared_bytes(rows) + PRODUCT_ROTATE_BARRIER_BYTES + rows * PRODUCT_ROTATE_ROW_BYTES;
}

static_assert(product_rotate_shared_bytes(16) == 131792 && product_rotate_shared_bytes(32) == 165264 &&
                  product_rotate_shared_bytes(48) == 198736 && product_rotate_shared_bytes(64) == 232208,
              "DecodeProductsTest says the same of the host");

}  // namespace lorikeet

// Finishes q, k and v of the step's tokens, as many as the name says at most: q goes to ending.out, [tokens, columns], where
// the places of keys and values stay as they are, and these to the sequences' blocks. call.product: q, k and v, without y;
// lora: the projection's parts and bias. head_size is a multiple of 8. With head norms all blocks must be on the device at the
// same time, and ending.rotation.left is there.
//
// Grid: one block a multiprocessor, but no more than (heads + 2 kv_heads) * ceil(head_size / DECODE_PRODUCT_OUT) * ceil(in /
// DECODE_PRODUCT_CHUNK). Block: DECODE_PRODUCT_THREADS + PRODUCT_ROTATE_TURN_THREADS; dynamic shared memory:
// product_rotate_shared_bytes.
extern "C" __global__ void product_rotate_16(
    const lorikeet::Step* step, const __grid_constant__ lorikeet::DecodeProduct call,
    const __grid_constant__ lorikeet::Lora lora, const __grid_constant__ lorikeet::ProductEnding ending);
extern "C" __global__ void product_rotate_32(
    const lorikeet::Step* step, const __grid_constant__ lorikeet::DecodeProduct call,
    const __grid_constant__ lorikeet::Lora lora, const __grid_constant__ lorikeet::ProductEnding ending);
extern "C" __global__ void product_rotate_48(
    const lorikeet::Step* step, const __grid_constant__ lorikeet::DecodeProduct call,
    const __grid_constant__ lorikeet::Lora lora, const __grid_constant__ lorikeet::ProductEnding ending);
extern "C" __global__ void product_rotate_64(
    const lorikeet::Step* step, const __grid_constant__ lorikeet::DecodeProduct call,
    const __grid_constant__ lorikeet::Lora lora, const __grid_constant__ lorikeet::ProductEnding ending);

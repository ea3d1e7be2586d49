// Decode products that finish their projection with adapters, whose h = A x is shrunk and expanded in the launch, too.
#pragma once

#include "adapted_memory.cuh"
#include "product_add_norm.cuh"
#include "product_gate.cuh"
#include "product_rotate.cuh"

namespace lorikeet {

constexpr int PRODUCT_ADAPTED_NORM_BYTES = 8;  // of shared memory, for the weight of a row's head norm

// Dynamic shared memory of a block of the kernel for so many rows.
__host__ __device__ constexpr int product_adapted_shared_bytes(int rows) {
    return decode_product_adapted_bytes(rows) + rows * (PRODUCT_ROTATE_ROW_BYTES + PRODUCT_ADAPTED_NORM_BYTES);
}

static_assert(product_adapted_shared_bytes(16) == 157200 &&
                  product_adapted_shared_bytes(32) == (LARGE_CHUNK_ROWS == 32 ? 199600 : 150448) &&
                  product_adapted_shared_bytes(48) == 184656 && product_adapted_shared_bytes(64) == 194288,
              "DecodeProductsTest says the same of the host");

}  // namespace lorikeet

// One kernel for all endings, since it is a launch's code that costs: what the launch before has brought is still there. For
// what they do see product_rotate.cuh, product_gate.cuh and product_add_norm.cuh.
//
// lora.left and lora.released are there, rows of A are multiples of 16 bytes and start at one. All blocks must be on the
// device at the same time. Grid: as without adapters. Block: DECODE_PRODUCT_THREADS + DECODE_PRODUCT_SHRINK_THREADS; dynamic
// shared memory: product_adapted_shared_bytes.
extern "C" __global__ void product_adapted_16(
    const lorikeet::Step* step, const __grid_constant__ lorikeet::DecodeProduct call,
    const __grid_constant__ lorikeet::Lora lora, const __grid_constant__ lorikeet::ProductEnding ending);
extern "C" __global__ void product_adapted_32(
    const lorikeet::Step* step, const __grid_constant__ lorikeet::DecodeProduct call,
    const __grid_constant__ lorikeet::Lora lora, const __grid_constant__ lorikeet::ProductEnding ending);
extern "C" __global__ void product_adapted_48(
    const lorikeet::Step* step, const __grid_constant__ lorikeet::DecodeProduct call,
    const __grid_constant__ lorikeet::Lora lora, const __grid_constant__ lorikeet::ProductEnding ending);
extern "C" __global__ void product_adapted_64(
    const lorikeet::Step* step, const __grid_constant__ lorikeet::DecodeProduct call,
    const __grid_constant__ lorikeet::Lora lora, const __grid_constant__ lorikeet::ProductEnding ending);

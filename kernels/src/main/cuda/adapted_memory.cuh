// The shared memory of a decode product's block with adapters, as the host has to know it.
#pragma once

#include "decode_product.cuh"
#include "device.cuh"

namespace lorikeet {

constexpr int DECODE_PRODUCT_STRIP_BYTES = 16;  // what a block knows of up to eight rows of an adapter

// Rows up to which chunks are large: where they leave a block enough room, which an A100's don't have at 32.
constexpr int LARGE_CHUNK_ROWS = MOST_SHARED_BYTES > 196 * 1024 ? 32 : 16;

// Inputs that are multiplied at a time.
__host__ __device__ constexpr int decode_product_adapted_chunk(int rows) {
    return rows <= LARGE_CHUNK_ROWS ? DECODE_PRODUCT_CHUNK : DECODE_PRODUCT_SMALL_CHUNK;
}

// Tiles of which the adapters' part may be in a block's memory. With more than one at 64 rows a block would have more than the
// 195 KB beside which there are 60 KB of the first-level cache, not 28: A and B come through that.
__host__ __device__ constexpr int decode_product_deltas(int rows) { return rows <= 48 ? 2 : 1; }

// For h that a block has added up: as much as leaves the first-level cache as large.
__host__ __device__ constexpr int decode_product_h_bytes(int rows) { return rows <= 48 ? 16384 : 8192; }

// Dynamic shared memory of a block of a kernel that finishes its projection with adapters. Behind the product's lies that of
// the shrink, and of the adapters' part of tiles: what they add, h, what the rows' adapters are.
__host__ __device__ constexpr int decode_product_adapted_bytes(int rows) {
    int values = decode_product_deltas(rows) * 4 * rows * DECODE_PRODUCT_OUT;
    int most = values > DECODE_PRODUCT_SHRINK_BYTES ? values : DECODE_PRODUCT_SHRINK_BYTES;
    return decode_product_shared_bytes(rows, decode_product_adapted_chunk(rows)) + most + decode_product_h_bytes(rows) +
           2 * rows * (DECODE_PRODUCT_STRIP_BYTES + 3) + 112;
}

}  // namespace lorikeet

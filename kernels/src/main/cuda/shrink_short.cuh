// The shrink of short prompts: what its callers need to know.
#pragma once

#include "shrink.cuh"

namespace lorikeet {

constexpr int SHRINK_SHORT_CHUNKS = 4;  // of sixteen ranks, at most: those of all parts
constexpr int SHRINK_SHORT_TILES = 2;   // that a block takes together, if their adapter is the same
constexpr int SHRINK_SHORT_STRIPS = SHRINK_SHORT_TILES * TILE_ROWS / 8;

// Dynamic shared memory of a block: the sums of its warps, and those that the blocks of a cluster bring, of two units of
// work in turn.
__host__ __device__ constexpr int shrink_short_shared_bytes(const Lora& lora) {
    return lora.parts * lora.rank_stride / 16 * SHRINK_SHORT_STRIPS * 512 * (SHRINK_SHORT_THREADS / 32 + 2);
}

}  // namespace lorikeet

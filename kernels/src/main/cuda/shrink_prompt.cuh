// The shrink of prompts: what its callers need to know.
#pragma once

#include "shrink.cuh"

namespace lorikeet {

constexpr int SHRINK_PROMPT_CHUNKS = 4;   // of sixteen ranks, that a block multiplies
constexpr int SHRINK_PROMPT_STAGES = 6;   // of x and A in shared memory
constexpr int SHRINK_PROMPT_INPUTS = 64;  // in a stage: rows of 128 bytes
constexpr int SHRINK_PROMPT_ROWS = SUPER_TILE * TILE_ROWS;

// Chunks of ranks that a block has room for. A projection with more of them has several passes over x.
__host__ __device__ constexpr int shrink_prompt_chunks(const Lora& lora) {
    int all = lora.parts * lora.rank_stride / 16;
    return all < SHRINK_PROMPT_CHUNKS ? all : SHRINK_PROMPT_CHUNKS;
}

__host__ __device__ constexpr int shrink_prompt_passes(const Lora& lora) {
    return divide_up(lora.parts * lora.rank_stride / 16, SHRINK_PROMPT_CHUNKS);
}

// Dynamic shared memory of a block.
__host__ __device__ constexpr int shrink_prompt_shared_bytes(const Lora& lora) {
    return SHRINK_PROMPT_STAGES * (SHRINK_PROMPT_ROWS + 16 * shrink_prompt_chunks(lora)) * SHRINK_PROMPT_INPUTS * 2;
}

}  // namespace lorikeet

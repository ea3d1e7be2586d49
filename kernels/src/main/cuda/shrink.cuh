// How `shrink` cuts the long dimension: the kernels that read its partial sums need to know.
#pragma once

#include "lora.cuh"
#include "vectors.cuh"

namespace lorikeet {

constexpr int SHRINK_BLOCKS = 264;   // blocks that fill the device
constexpr int SHRINK_STEP = 32;      // inputs that a warp multiplies at a time: four lanes of eight
constexpr int SUPER_TILE = 4;        // tiles that the kernels for prompts take together

struct Splits {
    int count;
    int length;  // inputs in each but the last
};

// Splits rows of `in` into `most` at most; `width` is what a block reads at once.
__device__ __forceinline__ Splits split_into(int most, int in, int width) {
    int widths = divide_up(in, width);
    int each = divide_up(widths, min(widths, most));
    return {divide_up(widths, each), each * width};
}

// The same so that `units` times the number of splits fill the device.
__device__ __forceinline__ Splits split(int units, int in, int width) {
    return split_into(min(max(SHRINK_BLOCKS / max(units, 1), 1), MAX_SPLITS), in, width);
}

__device__ __forceinline__ Splits splits_of(const Lora& lora, int tiles) {
    if (lora.prompt == 2) {
        return split_into(INVARIANT_SPLITS, lora.in, SHRINK_THREADS / 32 * SHRINK_STEP);
    }
    if (lora.prompt == 1) {
        return {1, lora.in};
    }
    return split(tiles * lora.parts, lora.in, SHRINK_THREADS / 32 * SHRINK_STEP);
}

// h of one row and part: [splits][rank_stride].
__device__ __forceinline__ size_t shrunk_at(const Lora& lora, int part, int row, int splits) {
    return (static_cast<size_t>(part) * lora.tokens + row) * splits * lora.rank_stride;
}

// A kernel must not end before the one in front: those that follow count on it. The blocks with work see to that; of the
// others only the first waits, so that they leave room for the next kernel.
__device__ __forceinline__ void leave(bool waited) {
    if (!waited && blockIdx.x == 0) {
        wait_for_previous();
    }
}

// The sum of a component's splits, dealt out to four neighbouring lanes, in a fixed order; each of them gets it.
__device__ __forceinline__ float4 sum_of_lanes(const float4 (&v)[MAX_SPLITS / 4]) {
    float4 sum = v[0];
#pragma unroll
    for (int s = 1; s < MAX_SPLITS / 4; s++) {
        sum.x += v[s].x, sum.y += v[s].y, sum.z += v[s].z, sum.w += v[s].w;
    }
#pragma unroll
    for (int mask = 1; mask < 4; mask *= 2) {
        sum.x += __shfl_xor_sync(ALL_LANES, sum.x, mask);
        sum.y += __shfl_xor_sync(ALL_LANES, sum.y, mask);
        sum.z += __shfl_xor_sync(ALL_LANES, sum.z, mask);
        sum.w += __shfl_xor_sync(ALL_LANES, sum.w, mask);
    }
    return sum;
}

// Whether a tile goes on where others have ended, with the same adapter.
__device__ __forceinline__ bool continues(const Tile& before, const Tile& tile) {
    return tile.adapter == before.adapter && tile.row == before.row + before.rows;
}

// The rows that a projection is about.
struct Groups {
    const Tile* tile;
    int tiles;  // of groups with an adapter
};

__device__ __forceinline__ Groups groups_of(const Step* step, const Lora& lora) {
    if (lora.outputs) {
        return {step->output_tile, step->output_tiles};
    }
    return {step->tile, step->tiles};
}

}  // namespace lorikeet

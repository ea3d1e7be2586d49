// Launches of the kernels for many tokens that need more than a grid.
#pragma once

#include "device_memory.cuh"
#include "lora.cuh"
#include "shrink_prompt.cuh"
#include "shrink_short.cuh"

// Of which shrink, and of how many units of work at the same time, each by a cluster.
struct ShrinkGrid {
    bool few;  // shrink_short
    int units;
    int cluster;
};

// What the runtime's ShrinkGrid is. begins: 4, 2 or 1, of which all groups' first tiles are multiples.
inline ShrinkGrid shrink_grid(const lorikeet::Lora& lora, int tiles, int begins, int multiprocessors) {
    using namespace lorikeet;
    int chunks = lora.parts * lora.rank_stride / 16;
    bool few = chunks <= SHRINK_SHORT_CHUNKS && tiles <= 128 && chunks * tiles <= 384;
    int together = few ? SHRINK_SHORT_TILES : SUPER_TILE;
    int units = divide_up(tiles, together) * (few ? 1 : shrink_prompt_passes(lora));
    int cluster = 1;
    while (cluster < 8) {
        int most = !few && chunks >= 3 && cluster > 1 ? multiprocessors * 3 / 2 : 2 * multiprocessors;
        if (2 * cluster * units > most) {
            break;
        }
        cluster *= 2;
    }
    return {few, begins % together == 0 ? units : together * units, cluster};
}

inline void launch_shrink_of_many(cudaStream_t stream, bool early, ShrinkGrid grid, const lorikeet::Step* step,
                                  const lorikeet::Lora& lora, const bf16* x) {
    using namespace lorikeet;
    auto kernel = grid.few ? shrink_short : shrink_prompt;
    int shared = grid.few ? shrink_short_shared_bytes(lora) : shrink_prompt_shared_bytes(lora);
    int threads = grid.few ? SHRINK_SHORT_THREADS : SHRINK_PROMPT_THREADS;
    CHECK(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, shared));
    launch_with(stream, early, grid.cluster, grid.units * grid.cluster, threads, shared, kernel, step, lora, x);
}

inline void launch_gate_prompt(cudaStream_t stream, bool early, int blocks, const lorikeet::Step* step,
                               const lorikeet::Lora& lora, const bf16* gate_up, bf16* out) {
    using namespace lorikeet;
    int shared = gate_prompt_shared_bytes(lora);
    CHECK(cudaFuncSetAttribute(gate_prompt, cudaFuncAttributeMaxDynamicSharedMemorySize, shared));
    launch_with(stream, early, 1, blocks, EXPAND_THREADS, shared, gate_prompt, step, lora, gate_up, out);
}

inline void launch_rotate_prompt(cudaStream_t stream, bool early, int blocks, const lorikeet::Step* step,
                                 const lorikeet::Lora& lora, const lorikeet::Rotation& rotation, bf16* qkv) {
    using namespace lorikeet;
    int shared = rotate_prompt_shared_bytes(lora);
    CHECK(cudaFuncSetAttribute(rotate_prompt, cudaFuncAttributeMaxDynamicSharedMemorySize, shared));
    launch_with(stream, early, 1, blocks, EXPAND_THREADS, shared, rotate_prompt, step, lora, rotation, qkv);
}

// tiles: that are taken at the same time, by as many clusters.
inline void launch_add_norm_prompt(cudaStream_t stream, bool early, int tiles, const lorikeet::Step* step,
                                   const lorikeet::Lora& lora, const lorikeet::NormWeight& norm, const bf16* delta,
                                   float* residual, bf16* out) {
    using namespace lorikeet;
    int cluster = 1;
    while (cluster < 8 && cluster * 512 < lora.part[0].out) {
        cluster *= 2;
    }
    int threads = divide_up(divide_up(lora.part[0].out, 64), cluster) * 32;
    int shared = add_norm_prompt_shared_bytes(lora, threads);
    CHECK(cudaFuncSetAttribute(add_norm_prompt, cudaFuncAttributeMaxDynamicSharedMemorySize, shared));
    launch_with(stream, early, cluster, tiles * cluster, threads, shared, add_norm_prompt, step, lora, norm, delta,
                residual, out);
}

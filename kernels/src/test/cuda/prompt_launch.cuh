// Launches of the kernels for many tokens that need more than a grid.
#pragma once

#include "device_memory.cuh"
#include "lora.cuh"
#include "shrink_prompt.cuh"

// units: that are taken at the same time.
inline void launch_shrink_prompt(cudaStream_t stream, bool early, int cluster, int units, const lorikeet::Step* step,
                                 const lorikeet::Lora& lora, const bf16* x) {
    using namespace lorikeet;
    int shared = shrink_prompt_shared_bytes(lora);
    CHECK(cudaFuncSetAttribute(shrink_prompt, cudaFuncAttributeMaxDynamicSharedMemorySize, shared));
    launch_with(stream, early, cluster, units * cluster, SHRINK_PROMPT_THREADS, shared, shrink_prompt, step, lora, x);
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

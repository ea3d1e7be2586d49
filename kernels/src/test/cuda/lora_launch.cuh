// Launches of the kernels for decode steps with adapters.
#pragma once

#include "device_memory.cuh"
#include "lora.cuh"

#include <algorithm>

// With the rings of its warps in dynamic shared memory.
template <typename... Parameters, typename... Arguments>
void launch_decode(
    cudaStream_t stream, bool early, int cluster, int blocks, int threads, void (*kernel)(Parameters...),
    Arguments... arguments) {
    int shared = threads / 32 * lorikeet::DECODE_RING_BYTES;
    CHECK(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, shared));
    launch_with(stream, early, cluster, blocks, threads, shared, kernel, arguments...);
}

inline bool are_zero(const std::vector<unsigned>& counts) {
    return std::all_of(counts.begin(), counts.end(), [](unsigned count) { return count == 0; });
}

// What a product that shrinks needs to leave h whole.
struct WholeShrunk {
    Buffer<uint4> h;
    Buffer<unsigned> arrived;

    WholeShrunk() = default;
    WholeShrunk(int tokens, int stride)
        : h(size_t(lorikeet::LORA_PARTS) * tokens * stride / 4),
          arrived(std::vector<unsigned>(size_t(lorikeet::LORA_PARTS) * tokens * lorikeet::MOST_RANK_SHARES)) {}

    void set(lorikeet::Lora& lora) const {
        lora.h = h.get();
        lora.arrived = arrived.get();
    }

    bool is_clean() const { return are_zero(arrived.download()); }
};

// What a product that shrinks and expands needs to leave partial sums of h to its blocks.
struct LeftShrunk {
    Buffer<uint4> h;  // all ones, like all memory here at first
    Buffer<unsigned> arrived;

    LeftShrunk() = default;
    LeftShrunk(int tokens, int stride)
        : h(size_t(lorikeet::LORA_PARTS) * tokens * stride / 4 * lorikeet::MOST_LEFT_SPLITS),
          arrived(std::vector<unsigned>(size_t(lorikeet::LORA_PARTS) * tokens * lorikeet::MOST_RANK_SHARES +
                                      lorikeet::RELEASE_COUNTERS)) {}

    void set(lorikeet::Lora& lora) const {
        lora.h = h.get();
        lora.arrived = arrived.get();
    }

    bool is_clean() const {
        const std::vector<uint4> left = h.download();
        return are_zero(arrived.download()) && std::all_of(left.begin(), left.end(), [](uint4 sums) {
                   return (sums.x & sums.y & sums.z & sums.w) == ~0u;
               });
    }
};

// The memory of product_adapted.
#pragma once

#include "device_memory.cuh"
#include "lora.cuh"

#include <algorithm>
#include <cstring>

// What a product that shrinks and expands needs to leave partial sums of h to its blocks.
struct LeftShrunk {
    Buffer<float> left;  // all ones, like all memory here at first
    Buffer<unsigned> released{std::vector<unsigned>(1)};

    LeftShrunk() = default;
    LeftShrunk(int tokens, int stride) : left(size_t(lorikeet::LORA_PARTS) * tokens * stride * lorikeet::MOST_LEFT_SPLITS) {}

    void set(lorikeet::Lora& lora) const {
        lora.left = left.get();
        lora.released = released.get();
    }

    bool is_clean() const {
        const std::vector<float> sums = left.download();
        return released.download()[0] == 0 &&
               std::all_of(sums.begin(), sums.end(), [](float v) { return std::memcmp(&v, "\xff\xff\xff\xff", 4) == 0; });
    }
};

// Random projections, adapters and groups of rows.
#pragma once

#include "device_memory.cuh"
#include "fused_launch.cuh"
#include "lora.cuh"
#include "matvec.cuh"

#include <cmath>
#include <string>

// Random, but the same for a seed.
class Dice {
  public:
    explicit Dice(uint64_t seed) : engine_(seed) {}
    int between(int low, int high) { return low + int(engine_() % uint64_t(high - low + 1)); }
    bool one_in(int n) { return between(1, n) == 1; }
    uint64_t seed() { return engine_(); }

    template <typename T>
    T any(std::initializer_list<T> of) {
        return of.begin()[between(0, int(of.size()) - 1)];
    }

  private:
    std::mt19937_64 engine_;
};

struct Shape {
    std::string name;
    int in;
    std::vector<int> outs;
    int rank;  // of all modules, or 0: random ones
    bool odd;  // adapters with magnitudes, biases, or no change at all of some layers
    int head_size;
    int heads;
    int kv_heads;
};

struct Adapter {
    std::vector<Buffer<bf16>> weights;
    std::vector<Buffer<float>> magnitudes;
    Buffer<lorikeet::AdapterModule> modules;
};

// Slots: 0 .. parts - 1 the projection's, then a norm of `norm_size`.
inline Adapter make_adapter(const Shape& shape, int norm_size, Dice& dice) {
    Adapter adapter;
    std::vector<lorikeet::AdapterModule> modules(shape.outs.size() + 1);
    auto weights = [&](size_t count, float scale) {
        adapter.weights.push_back(random_buffer<bf16>(count, dice.seed(), scale));
        return adapter.weights.back().get();
    };
    for (size_t p = 0; p < shape.outs.size(); p++) {
        lorikeet::AdapterModule& change = modules[p];
        change = {};
        if (shape.odd && dice.one_in(6)) {
            continue;
        }
        change.kind = lorikeet::MODULE_LOW_RANK;
        change.rank = shape.rank != 0 ? shape.rank
            : dice.one_in(2)          ? dice.any({4, 8, 16, 32, 64, 128, 256})
                                      : dice.between(1, 256);
        change.scaling = 0.25f * dice.between(1, 8);
        change.a = weights(size_t(change.rank) * shape.in, 1 / std::sqrt(float(shape.in)));
        change.b = weights(size_t(change.rank) * shape.outs[p], 1 / std::sqrt(float(change.rank)));
        if (shape.odd && dice.one_in(4)) {
            change.lora_bias = weights(shape.outs[p], 1);
        }
        if (shape.odd && dice.one_in(4)) {
            adapter.magnitudes.push_back(random_buffer<float>(shape.outs[p], dice.seed(), 1.5f));
            change.magnitude = adapter.magnitudes.back().get();
        }
    }
    lorikeet::AdapterModule& norm = modules.back();
    norm = {};
    if (shape.odd && dice.one_in(2)) {
        norm.kind = lorikeet::MODULE_REPLACED;
        norm.weight = weights(norm_size, 1);
    }
    adapter.modules = Buffer<lorikeet::AdapterModule>(modules);
    return adapter;
}

inline Shape random_shape(Dice& dice) {
    Shape shape{};
    shape.odd = dice.one_in(2);
    shape.rank = dice.one_in(2) ? dice.any({1, 3, 8, 16, 20, 32, 64, 96, 128, 256}) : 0;
    shape.in = dice.any({8, 48, 64, 96, 100, 101, 176, 896, 1024, 4096, 4864, 14336});
    switch (dice.between(0, 3)) {
        case 0:
            shape.name = "qkv";
            shape.head_size = dice.any({6, 8, 16, 32, 64, 80, 96, 112, 128, 256});
            shape.kv_heads = dice.any({1, 2, 3, 8});
            shape.heads = shape.kv_heads * dice.any({1, 2, 4});
            shape.outs = {
                shape.heads * shape.head_size, shape.kv_heads * shape.head_size, shape.kv_heads * shape.head_size};
            break;
        case 1: {
            int size = dice.any({48, 64, 101, 128, 176, 896, 1536, 2048, 4096, 5120, 8192});
            shape.name = "down to " + std::to_string(size);
            shape.outs = {size};
            break;
        }
        case 2: {
            int size = dice.any({48, 101, 160, 176, 256, 1000, 4864, 14336});
            shape.name = "gate_up to " + std::to_string(size);
            shape.outs = {size, size};
            break;
        }
        default:
            shape.name = "mixed";
            for (int p = dice.between(1, 3); p > 0; p--) {
                shape.outs.push_back(dice.between(1, 700));
            }
    }
    return shape;
}

// Groups of lorikeet::MATVEC_ROWS rows at most, all together.
inline std::vector<Group> few_groups(Dice& dice) {
    std::vector<Group> groups;
    for (int rows = dice.between(1, lorikeet::MATVEC_ROWS); rows > 0; rows -= groups.back().rows) {
        groups.push_back({dice.between(1, rows), dice.one_in(4) ? -1 : dice.between(0, 3)});
    }
    return groups;
}

// Many groups of a row or a few.
inline std::vector<Group> many_groups(Dice& dice) {
    std::vector<Group> groups;
    int most = dice.any({1, 1, 2, 3, 5});
    for (int g = dice.between(13, 90); g > 0; g--) {
        groups.push_back({dice.one_in(20) ? dice.between(1, 20) : dice.between(1, most),
                          dice.one_in(8) ? -1 : dice.between(0, 5)});
    }
    return groups;
}

inline std::vector<Group> random_groups(Dice& dice) {
    int adapters = dice.any({1, 2, 4, 8});
    std::vector<Group> groups;
    for (int g = dice.between(1, 12); g > 0; g--) {
        int rows = dice.one_in(2) ? 1 : dice.one_in(4) ? dice.between(1, 150) : dice.between(1, 20);
        groups.push_back({rows, dice.one_in(4) ? -1 : dice.between(0, adapters - 1)});
    }
    return groups;
}

// Up to as many rows as the fused kernels take.
inline std::vector<Group> fused_groups(Dice& dice) {
    std::vector<Group> groups;
    int most = dice.any({1, 1, 2, 8, FUSED_MOST_ROWS});
    for (int rows = dice.between(1, FUSED_MOST_ROWS); rows > 0; rows -= groups.back().rows) {
        groups.push_back({dice.between(1, std::min(most, rows)), dice.one_in(6) ? -1 : dice.between(0, 7)});
    }
    return groups;
}

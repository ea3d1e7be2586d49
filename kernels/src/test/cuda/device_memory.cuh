// What the native tests need of the device: checked calls, buffers, random data, a step to give to the kernels.
#pragma once

#include "step.cuh"

#include <cuda_bf16.h>
#include <cuda_runtime.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <random>
#include <vector>

#define CHECK(call)                                                                                       \
    do {                                                                                                  \
        cudaError_t status = (call);                                                                      \
        if (status != cudaSuccess) {                                                                      \
            std::printf("%s:%d: %s: %s\n", __FILE__, __LINE__, #call, cudaGetErrorString(status));        \
            std::exit(2);                                                                                 \
        }                                                                                                 \
    } while (0)

using bf16 = __nv_bfloat16;

// Device memory, given back at the end of its scope.
template <typename T>
class Buffer {
  public:
    Buffer() = default;

    // Filled with ones in every bit, which is not a number in all types of floats.
    explicit Buffer(size_t count) : count_(count) {
        CHECK(cudaMalloc(&data_, std::max<size_t>(count, 1) * sizeof(T)));
        poison();
    }

    explicit Buffer(const std::vector<T>& values) : Buffer(values.size()) { upload(values); }
    Buffer(const Buffer&) = delete;
    Buffer(Buffer&& other) noexcept { *this = std::move(other); }

    Buffer& operator=(Buffer&& other) noexcept {
        std::swap(data_, other.data_);
        std::swap(count_, other.count_);
        return *this;
    }

    ~Buffer() { cudaFree(data_); }

    void poison() { CHECK(cudaMemset(data_, 0xff, count_ * sizeof(T))); }

    void upload(const std::vector<T>& values) {
        CHECK(cudaMemcpy(data_, values.data(), values.size() * sizeof(T), cudaMemcpyHostToDevice));
    }

    std::vector<T> download() const {
        std::vector<T> values(count_);
        CHECK(cudaMemcpy(values.data(), data_, count_ * sizeof(T), cudaMemcpyDeviceToHost));
        return values;
    }

    void copy_from(const Buffer& other) {
        CHECK(cudaMemcpy(data_, other.data_, count_ * sizeof(T), cudaMemcpyDeviceToDevice));
    }

    T* get() const { return data_; }
    size_t size() const { return count_; }

  private:
    T* data_ = nullptr;
    size_t count_ = 0;
};

static __device__ inline uint32_t mixed(uint64_t v) {
    v ^= v >> 33;
    v *= 0xff51afd7ed558ccdull;
    v ^= v >> 33;
    v *= 0xc4ceb9fe1a85ec53ull;
    return static_cast<uint32_t>(v >> 32);
}

// Uniform values between -scale and scale.
template <typename T>
static __global__ void fill_random(T* to, size_t count, uint64_t seed, float scale) {
    for (size_t i = blockIdx.x * size_t(blockDim.x) + threadIdx.x; i < count; i += size_t(gridDim.x) * blockDim.x) {
        to[i] = T((mixed(seed * 0x9e3779b97f4a7c15ull + i) / 2147483648.0f - 1) * scale);
    }
}

template <typename T>
Buffer<T> random_buffer(size_t count, uint64_t seed, float scale) {
    Buffer<T> buffer(count);
    fill_random<<<512, 256>>>(buffer.get(), count, seed, scale);
    CHECK(cudaGetLastError());
    return buffer;
}

// Rows of one adapter, or of the base model (adapter -1).
struct Group {
    int rows;
    int adapter;
};

// A step in device memory. Each sequence has one token unless said otherwise.
struct TestStep {
    lorikeet::Step host{};
    Buffer<lorikeet::Step> device;
    std::vector<std::unique_ptr<Buffer<unsigned char>>> arrays;

    template <typename T>
    const T* place(const std::vector<T>& values) {
        arrays.push_back(std::make_unique<Buffer<unsigned char>>(std::max<size_t>(values.size(), 1) * sizeof(T)));
        if (!values.empty()) {
            CHECK(cudaMemcpy(
                arrays.back()->get(), values.data(), values.size() * sizeof(T), cudaMemcpyHostToDevice));
        }
        return reinterpret_cast<const T*>(arrays.back()->get());
    }

    // adapters: by number, arrays of AdapterModule in device memory.
    void set_groups(const std::vector<Group>& groups, const std::vector<const lorikeet::AdapterModule*>& adapters) {
        std::vector<int> start{0};
        std::vector<int> token_group;
        std::vector<const lorikeet::AdapterModule*> pointers;
        std::vector<lorikeet::Tile> tiles;
        std::vector<lorikeet::Tile> base;
        for (size_t g = 0; g < groups.size(); g++) {
            int first = start.back();
            pointers.push_back(groups[g].adapter < 0 ? nullptr : adapters[groups[g].adapter]);
            for (int r = 0; r < groups[g].rows; r += lorikeet::TILE_ROWS) {
                lorikeet::Tile tile{pointers.back(), first + r, std::min(lorikeet::TILE_ROWS, groups[g].rows - r)};
                (groups[g].adapter < 0 ? base : tiles).push_back(tile);
            }
            token_group.insert(token_group.end(), groups[g].rows, int(g));
            start.push_back(first + groups[g].rows);
        }
        host.tokens = host.outputs = start.back();
        host.groups = host.output_groups = int(groups.size());
        host.tiles = host.output_tiles = int(tiles.size());
        tiles.insert(tiles.end(), base.begin(), base.end());
        host.all_tiles = int(tiles.size());
        host.group_start = host.output_group_start = place(start);
        host.token_group = place(token_group);
        host.group_adapter = host.output_group_adapter = place(pointers);
        host.tile = host.output_tile = place(tiles);
    }

    const lorikeet::Step* upload() {
        device = Buffer<lorikeet::Step>(std::vector<lorikeet::Step>{host});
        return device.get();
    }
};

// Launches so that a kernel may start before the end of the one in front.
template <typename... Parameters, typename... Arguments>
void launch_with(
    cudaStream_t stream,
    bool early,
    int cluster,
    int blocks,
    int threads,
    int shared,
    void (*kernel)(Parameters...),
    Arguments... arguments) {
    cudaLaunchConfig_t config{};
    config.gridDim = dim3(std::max(blocks, 1));
    config.blockDim = dim3(threads);
    config.stream = stream;
    config.dynamicSmemBytes = shared;
    cudaLaunchAttribute attributes[2];
    int count = 0;
    if (early) {
        attributes[count].id = cudaLaunchAttributeProgrammaticStreamSerialization;
        attributes[count++].val.programmaticStreamSerializationAllowed = 1;
    }
    if (cluster > 1) {
        attributes[count].id = cudaLaunchAttributeClusterDimension;
        attributes[count].val.clusterDim.x = cluster;
        attributes[count].val.clusterDim.y = 1;
        attributes[count++].val.clusterDim.z = 1;
    }
    config.attrs = attributes;
    config.numAttrs = count;
    CHECK(cudaLaunchKernelEx(&config, kernel, static_cast<Parameters>(arguments)...));
}

template <typename... Parameters, typename... Arguments>
void launch(
    cudaStream_t stream,
    bool early,
    int cluster,
    int blocks,
    int threads,
    void (*kernel)(Parameters...),
    Arguments... arguments) {
    launch_with(stream, early, cluster, blocks, threads, 0, kernel, arguments...);
}

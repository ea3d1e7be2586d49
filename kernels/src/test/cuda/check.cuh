// What the native test programs share: random numbers, device memory that starts poisoned, steps, errors, timing.
#pragma once

#include <cuda_bf16.h>

#include <algorithm>
#include <cmath>
#include <cstdarg>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include "../../main/cuda/step.cuh"

#define CUDA(call)                                                                                    \
    do {                                                                                              \
        const cudaError_t status = (call);                                                            \
        if (status != cudaSuccess) {                                                                  \
            std::printf("%s:%d: %s: %s\n", __FILE__, __LINE__, #call, cudaGetErrorString(status));    \
            std::exit(2);                                                                             \
        }                                                                                             \
    } while (0)

namespace check {

// SplitMix64.
struct Random {
    uint64_t state;

    uint64_t bits() {
        uint64_t z = state += 0x9e3779b97f4a7c15u;
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
        return z ^ (z >> 31);
    }

    double uniform() { return static_cast<double>(bits() >> 11) * 0x1p-53; }

    // In [from, to].
    int between(int from, int to) { return from + static_cast<int>(bits() % static_cast<uint64_t>(to - from + 1)); }

    // About normal, cheap.
    float normal() {
        const uint64_t b = bits();
        const double sum = (b & 0xffff) + (b >> 16 & 0xffff) + (b >> 32 & 0xffff) + (b >> 48);
        return static_cast<float>((sum / 65536 - 2) * 1.7320508);
    }

    template <typename T>
    T pick(std::initializer_list<T> from) {
        return from.begin()[between(0, static_cast<int>(from.size()) - 1)];
    }
};

inline float round_bf16(float value) { return __bfloat162float(__float2bfloat16(value)); }

inline std::vector<__nv_bfloat16> random_bf16(Random& random, size_t count, float scale) {
    std::vector<__nv_bfloat16> values(count);
    for (auto& value : values) {
        value = __float2bfloat16(random.normal() * scale);
    }
    return values;
}

// Device memory, full of bytes 0xff, which are NaNs in every type of float, until it is written.
template <typename T>
class Buffer {
  public:
    explicit Buffer(size_t count) : count_(count) {
        CUDA(cudaMalloc(&data_, std::max<size_t>(1, count) * sizeof(T)));
        poison();
    }

    explicit Buffer(const std::vector<T>& values) : Buffer(values.size()) { upload(values); }

    Buffer(Buffer&& other) noexcept : data_(other.data_), count_(other.count_) { other.data_ = nullptr; }

    Buffer(const Buffer&) = delete;
    Buffer& operator=(const Buffer&) = delete;

    ~Buffer() { cudaFree(data_); }

    void poison() { CUDA(cudaMemset(data_, 0xff, count_ * sizeof(T))); }

    void zero() { CUDA(cudaMemset(data_, 0, count_ * sizeof(T))); }

    void upload(const std::vector<T>& values) {
        CUDA(cudaMemcpy(data_, values.data(), values.size() * sizeof(T), cudaMemcpyHostToDevice));
    }

    std::vector<T> download() const {
        std::vector<T> values(count_);
        CUDA(cudaMemcpy(values.data(), data_, count_ * sizeof(T), cudaMemcpyDeviceToHost));
        return values;
    }

    T* data() const { return data_; }
    size_t count() const { return count_; }

  private:
    T* data_ = nullptr;
    size_t count_;
};

// Page-locked host memory that kernels read and write in place, full of bytes 0xff until it is written.
template <typename T>
class HostBuffer {
  public:
    explicit HostBuffer(size_t count) : count_(count) {
        CUDA(cudaMallocHost(&data_, std::max<size_t>(1, count) * sizeof(T)));
        std::memset(static_cast<void*>(data_), 0xff, count * sizeof(T));
    }

    explicit HostBuffer(const std::vector<T>& values) : HostBuffer(values.size()) {
        std::copy(values.begin(), values.end(), data_);
    }

    HostBuffer(const HostBuffer&) = delete;
    HostBuffer& operator=(const HostBuffer&) = delete;

    ~HostBuffer() { cudaFreeHost(data_); }

    // What is there once all work is done.
    std::vector<T> download() const {
        CUDA(cudaDeviceSynchronize());
        return std::vector<T>(data_, data_ + count_);
    }

    T* data() const { return data_; }

  private:
    T* data_ = nullptr;
    size_t count_;
};

static __global__ void fill_random(__nv_bfloat16* to, size_t count, unsigned seed) {
    for (size_t i = blockIdx.x * static_cast<size_t>(blockDim.x) + threadIdx.x; i < count;
         i += static_cast<size_t>(gridDim.x) * blockDim.x) {
        unsigned h = static_cast<unsigned>(i) * 2654435761u + seed;
        h ^= h >> 15;
        h *= 2246822519u;
        h ^= h >> 13;
        to[i] = __float2bfloat16((static_cast<float>(h & 0xffff) / 32768.0f - 1.0f) * 0.5f);
    }
}

// Fills large buffers on the device, with something random.
inline void randomise(Buffer<__nv_bfloat16>& buffer, unsigned seed) {
    fill_random<<<1024, 256>>>(buffer.data(), buffer.count(), seed);
    CUDA(cudaGetLastError());
}

// A step in the making, on the host.
struct StepBuilder {
    std::vector<int> ids, positions, token_sequence, token_group, sequence_start{0}, context, table_start;
    std::vector<unsigned> block_table;
    std::vector<const float*> frequencies;
    std::vector<float> rotary_scaling;
    std::vector<int> group_start{0};
    std::vector<const lorikeet::AdapterModule*> group_adapter;
    std::vector<int> output_rows, output_group_start{0};
    std::vector<const lorikeet::AdapterModule*> output_group_adapter;
    std::vector<lorikeet::Tile> tile;  // of groups without an adapter
    unsigned char* kv_base = nullptr;
};

// A step in device memory.
class DeviceStep {
  public:
    explicit DeviceStep(const StepBuilder& from) : step_(1) {
        lorikeet::Step step = {};
        step.tokens = static_cast<int>(from.ids.size());
        step.sequences = static_cast<int>(from.context.size());
        step.groups = static_cast<int>(from.group_adapter.size());
        step.outputs = static_cast<int>(from.output_rows.size());
        step.output_groups = static_cast<int>(from.output_group_adapter.size());
        step.ids = place(from.ids);
        step.positions = place(from.positions);
        step.token_sequence = place(from.token_sequence);
        step.token_group = place(from.token_group);
        step.sequence_start = place(from.sequence_start);
        step.context = place(from.context);
        step.table_start = place(from.table_start);
        step.block_table = place(from.block_table);
        step.frequencies = place(from.frequencies);
        step.rotary_scaling = place(from.rotary_scaling);
        step.group_start = place(from.group_start);
        step.group_adapter = place(from.group_adapter);
        step.output_rows = place(from.output_rows);
        step.output_group_start = place(from.output_group_start);
        step.output_group_adapter = place(from.output_group_adapter);
        step.all_tiles = static_cast<int>(from.tile.size());
        step.tile = place(from.tile);
        step.kv_base = from.kv_base;
        step_.upload({step});
    }

    const lorikeet::Step* get() const { return step_.data(); }

  private:
    template <typename T>
    const T* place(const std::vector<T>& values) {
        memory_.emplace_back(values.size() * sizeof(T) + 16);
        CUDA(cudaMemcpy(memory_.back().data(), values.data(), values.size() * sizeof(T), cudaMemcpyHostToDevice));
        return reinterpret_cast<const T*>(memory_.back().data());
    }

    Buffer<lorikeet::Step> step_;
    std::vector<Buffer<unsigned char>> memory_;
};

// The distance of a result from its reference.
struct Error {
    double difference = 0;
    double norm = 0;
    bool broken = false;  // a NaN or an infinity

    void add(double got, double want) {
        broken |= !std::isfinite(got);
        difference += (got - want) * (got - want);
        norm += want * want;
    }

    double relative() const { return broken ? INFINITY : std::sqrt(difference / std::max(norm, 1e-30)); }
};

inline int failures = 0;

inline void expect(bool holds, const std::string& what) {
    if (!holds) {
        failures++;
        std::printf("FAILED: %s\n", what.c_str());
    }
}

inline std::string text(const char* format, ...) {
    char buffer[512];
    va_list arguments;
    va_start(arguments, format);
    std::vsnprintf(buffer, sizeof buffer, format, arguments);
    va_end(arguments);
    return buffer;
}

inline int finish(const char* name) {
    CUDA(cudaDeviceSynchronize());
    std::printf("%s: %s\n", name, failures == 0 ? "all checks passed" : text("%d CHECKS FAILED", failures).c_str());
    return failures == 0 ? 0 : 1;
}

// Launches a kernel such that it may come up while the one before it ends.
template <typename... Parameters, typename... Arguments>
void launch_overlapping(void (*kernel)(Parameters...), dim3 grid, int block, int shared, cudaStream_t stream,
                        Arguments... arguments) {
    cudaLaunchAttribute attribute = {};
    attribute.id = cudaLaunchAttributeProgrammaticStreamSerialization;
    attribute.val.programmaticStreamSerializationAllowed = 1;
    cudaLaunchConfig_t config = {};
    config.gridDim = grid;
    config.blockDim = dim3(static_cast<unsigned>(block));
    config.dynamicSmemBytes = static_cast<size_t>(shared);
    config.stream = stream;
    config.attrs = &attribute;
    config.numAttrs = 1;
    CUDA(cudaLaunchKernelEx(&config, kernel, Parameters(arguments)...));
}

// Microseconds of one launch: the median over replays of a graph of `launches` of them. `launch` gets its number, to
// rotate among inputs that don't fit into the cache together.
inline double time_us(int launches, const std::function<void(cudaStream_t, int)>& launch) {
    cudaStream_t stream;
    CUDA(cudaStreamCreate(&stream));
    cudaGraph_t graph;
    CUDA(cudaStreamBeginCapture(stream, cudaStreamCaptureModeGlobal));
    for (int i = 0; i < launches; i++) {
        launch(stream, i);
    }
    CUDA(cudaStreamEndCapture(stream, &graph));
    cudaGraphExec_t exec;
    CUDA(cudaGraphInstantiate(&exec, graph, 0));
    cudaEvent_t start, end;
    CUDA(cudaEventCreate(&start));
    CUDA(cudaEventCreate(&end));
    std::vector<double> times;
    for (int i = 0; i < 23; i++) {
        CUDA(cudaEventRecord(start, stream));
        CUDA(cudaGraphLaunch(exec, stream));
        CUDA(cudaEventRecord(end, stream));
        CUDA(cudaEventSynchronize(end));
        float ms;
        CUDA(cudaEventElapsedTime(&ms, start, end));
        if (i >= 3) {
            times.push_back(ms * 1000 / launches);
        }
    }
    CUDA(cudaGraphExecDestroy(exec));
    CUDA(cudaGraphDestroy(graph));
    CUDA(cudaEventDestroy(start));
    CUDA(cudaEventDestroy(end));
    CUDA(cudaStreamDestroy(stream));
    std::sort(times.begin(), times.end());
    return times[times.size() / 2];
}

// Bytes a microsecond that this device copies, read and written bytes counted.
inline double copy_bytes_per_us() {
    constexpr size_t BYTES = 512 << 20;
    Buffer<unsigned char> from(BYTES), to(BYTES);
    const double us = time_us(4, [&](cudaStream_t stream, int) {
        CUDA(cudaMemcpyAsync(to.data(), from.data(), BYTES, cudaMemcpyDeviceToDevice, stream));
    });
    return 2.0 * BYTES / us;
}

}  // namespace check

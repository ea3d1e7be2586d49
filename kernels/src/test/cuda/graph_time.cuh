// How long launches take, and how fast the device reads.
#pragma once

#include "device_memory.cuh"
#include "vectors.cuh"

#include <algorithm>
#include <functional>
#include <vector>

constexpr int REPLAYS = 20;

inline double median(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
}

// Microseconds of what `run` puts into a stream: the median of `count` times, after three that don't count.
inline double time_runs(cudaStream_t stream, int count, const std::function<void()>& run) {
    cudaEvent_t start;
    cudaEvent_t end;
    CHECK(cudaEventCreate(&start));
    CHECK(cudaEventCreate(&end));
    std::vector<double> times;
    for (int i = 0; i < count + 3; i++) {
        CHECK(cudaEventRecord(start, stream));
        run();
        CHECK(cudaEventRecord(end, stream));
        CHECK(cudaStreamSynchronize(stream));
        float ms;
        CHECK(cudaEventElapsedTime(&ms, start, end));
        if (i >= 3) {
            times.push_back(ms * 1000);
        }
    }
    CHECK(cudaEventDestroy(start));
    CHECK(cudaEventDestroy(end));
    return median(times);
}

// Of launches that aren't recorded.
inline double time_stream(const std::function<void(cudaStream_t)>& launch) {
    cudaStream_t stream;
    CHECK(cudaStreamCreateWithPriority(&stream, cudaStreamNonBlocking, -1));
    double time = time_runs(stream, 9, [&] { launch(stream); });
    CHECK(cudaStreamDestroy(stream));
    return time;
}

// Of one replay of what `record` launches.
inline double time_graph(const std::function<void(cudaStream_t)>& record) {
    cudaStream_t stream;
    CHECK(cudaStreamCreate(&stream));
    CHECK(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal));
    record(stream);
    cudaGraph_t graph;
    CHECK(cudaStreamEndCapture(stream, &graph));
    cudaGraphExec_t exec;
    CHECK(cudaGraphInstantiate(&exec, graph, 0));
    double time = time_runs(stream, REPLAYS, [&] { CHECK(cudaGraphLaunch(exec, stream)); });
    CHECK(cudaGraphExecDestroy(exec));
    CHECK(cudaGraphDestroy(graph));
    CHECK(cudaStreamDestroy(stream));
    return time;
}

static __global__ void read_all(const uint4* from, size_t count, uint4* to) {
    uint4 sum{};
    for (size_t i = blockIdx.x * size_t(blockDim.x) + threadIdx.x; i < count; i += size_t(gridDim.x) * blockDim.x * 4) {
#pragma unroll
        for (int j = 0; j < 4; j++) {
            uint4 v = lorikeet::load_weights16(from + i + j * size_t(gridDim.x) * blockDim.x);
            sum.x ^= v.x, sum.y ^= v.y, sum.z ^= v.z, sum.w ^= v.w;
        }
    }
    if ((sum.x ^ sum.y ^ sum.z ^ sum.w) == 0x12345) {
        *to = sum;
    }
}

// Bytes a microsecond of a large read.
inline double read_bandwidth() {
    size_t count = size_t(1) << 26;
    Buffer<uint4> from = Buffer<uint4>(count + 132 * 16 * 256 * 4);
    double us = time_graph([&](cudaStream_t stream) {
        read_all<<<132 * 8, 256, 0, stream>>>(from.get(), count, from.get());
    });
    return double(count) * sizeof(uint4) / us;
}

// Bytes a microsecond of a large copy on the device, read and written.
inline double bandwidth() {
    size_t bytes = size_t(2) << 30;
    Buffer<unsigned char> from(bytes);
    Buffer<unsigned char> to(bytes);
    double us = time_graph([&](cudaStream_t stream) {
        CHECK(cudaMemcpyAsync(to.get(), from.get(), bytes, cudaMemcpyDeviceToDevice, stream));
    });
    return 2.0 * bytes / us;
}

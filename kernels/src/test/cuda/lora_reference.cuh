// What the LoRA kernels should give, in double precision, the plainest way.
#pragma once

#include "device_memory.cuh"
#include "lora.cuh"
#include "vectors.cuh"

struct ReferenceRows {
    const int* group;  // by row
    const lorikeet::AdapterModule* const* adapter;
};

// h = A x of one part: [rows][256].
static __global__ void reference_shrink(ReferenceRows rows, lorikeet::Lora lora, int part, const bf16* x, double* h) {
    int row = blockIdx.y;
    int rank = blockIdx.x * blockDim.x + threadIdx.x;
    const lorikeet::AdapterModule* adapter = rows.adapter[rows.group[row]];
    double sum = 0;
    if (adapter != nullptr) {
        lorikeet::AdapterModule change = adapter[lora.part[part].slot];
        if (change.kind == lorikeet::MODULE_LOW_RANK && rank < change.rank) {
            for (int i = 0; i < lora.in; i++) {
                sum += double(float(change.a[size_t(rank) * lora.in + i])) * float(x[size_t(row) * lora.in + i]);
            }
        }
    }
    h[size_t(row) * lorikeet::LORA_MAX_RANK + rank] = sum;
}

// y of one part, in `to` [rows][columns].
template <typename T>
static __global__ void reference_expand(
    ReferenceRows rows, lorikeet::Lora lora, int part, bool bias, const T* y, const double* h, double* to) {
    int row = blockIdx.y;
    int column = blockIdx.x * blockDim.x + threadIdx.x;
    if (column >= lora.part[part].out) {
        return;
    }
    size_t at = size_t(row) * lora.columns + lora.part[part].column + column;
    double value = float(y[at]);
    const lorikeet::AdapterModule* adapter = rows.adapter[rows.group[row]];
    if (adapter != nullptr) {
        lorikeet::AdapterModule change = adapter[lora.part[part].slot];
        if (change.kind == lorikeet::MODULE_LOW_RANK) {
            double sum = 0;
            for (int r = 0; r < change.rank; r++) {
                sum += double(float(change.b[size_t(column) * change.rank + r]))
                    * h[size_t(row) * lorikeet::LORA_MAX_RANK + r];
            }
            if (change.lora_bias != nullptr) {
                sum += float(change.lora_bias[column]);
            }
            value += change.scaling * sum;
            if (change.magnitude != nullptr) {
                value *= change.magnitude[column];
            }
        }
    }
    if (bias && lora.part[part].bias != nullptr) {
        value += float(lora.part[part].bias[column]);
    }
    to[at] = value;
}

// The whole projection, [rows][columns].
template <typename T>
std::vector<double> reference_projection(
    const TestStep& step, const lorikeet::Lora& lora, const bf16* x, const T* y, bool bias) {
    int rows = step.host.tokens;
    ReferenceRows by_row{step.host.token_group, step.host.group_adapter};
    Buffer<double> result(size_t(rows) * lora.columns);
    if (rows == 0) {
        return {};
    }
    Buffer<double> h(size_t(rows) * lorikeet::LORA_MAX_RANK);
    for (int p = 0; p < lora.parts; p++) {
        reference_shrink<<<dim3(8, rows), 32>>>(by_row, lora, p, x, h.get());
        reference_expand<<<dim3(lorikeet::divide_up(lora.part[p].out, 128), rows), 128>>>(
            by_row, lora, p, bias, y, h.get(), result.get());
    }
    CHECK(cudaGetLastError());
    return result.download();
}

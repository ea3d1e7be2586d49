// y += scaling * B h, in place: see lora.cuh.
#include "delta.cuh"

namespace lorikeet::expanding {

// The window'th window of a projection: a part, and where it begins in it.
struct Window {
    int part;
    int column;
};

__device__ __forceinline__ int windows_of(const Lora& lora) {
    int count = 0;
    for (int p = 0; p < lora.parts; p++) {
        count += divide_up(lora.part[p].out, WINDOW);
    }
    return count;
}

__device__ __forceinline__ Window window_at(const Lora& lora, int window) {
    int part = 0;
    while (part + 1 < lora.parts && window >= divide_up(lora.part[part].out, WINDOW)) {
        window -= divide_up(lora.part[part].out, WINDOW);
        part++;
    }
    return {part, window * WINDOW};
}

template <typename T>
__device__ __forceinline__ void expand_onto(const Step* step, const Lora& lora, T* y, SharedRanks& shared) {
    Groups groups = groups_of(step, lora);
    int splits = splits_of(lora, groups.tiles).count;
    int windows = windows_of(lora);
    int runs = divide_up(groups.tiles, lora.run);
    size_t stride = lora.columns;
    bool waited = false;
    int lane = threadIdx.x % 32;
    for (int unit = blockIdx.x; unit < runs * windows; unit += gridDim.x) {
        Window window = window_at(lora, unit % windows);
        const LoraPart& part = lora.part[window.part];
        bool fast = lora.columns % 8 == 0 && part.column % 8 == 0 && aligned(y, 16);
        int column = window.column + threadIdx.x / 32 * WARP_COLUMNS + lane / 4 * 8;
        int t = unit / windows * lora.run;
        int end = min(t + lora.run, groups.tiles);
        int group = -1;
        Delta delta;
        for (; t < end; t++) {
            Tile tile = groups.tile[t];
            if (tile.group != group) {
                group = tile.group;
                delta.load(groups.adapter[group], part, column);
            }
            if (!delta.present) {
                continue;
            }
            if (!waited) {
                wait_for_previous();
                release_next();
                waited = true;
            }
            T* row = y + static_cast<size_t>(tile.row + lane % 4 * 2) * lora.columns + part.column;
            Eight<T> values[2][2];
            int rows = tile.rows - lane % 4 * 2;  // from this lane's first on
#pragma unroll
            for (int s = 0; s < 2; s++) {
#pragma unroll
                for (int i = 0; i < 2; i++) {
                    if (s * STRIP + i < rows) {
                        values[s][i].load(row + (s * STRIP + i) * stride, column, part.out, fast);
                    }
                }
            }
            __syncthreads();
            shared.load(lora, window.part, delta.change.rank, tile.row, tile.rows, splits);
            __syncthreads();
            Product product[2];
            delta.multiply(shared, 0, product);
#pragma unroll
            for (int s = 0; s < 2; s++) {
#pragma unroll
                for (int i = 0; i < 2; i++) {
                    if (s * STRIP + i < rows) {
                        float v[8];
                        values[s][i].unpack(v);
                        delta.apply(product[s], i, v);
                        store_row8(row + (s * STRIP + i) * stride, column, part.out, fast, v);
                    }
                }
            }
        }
    }
    if (!waited) {
        wait_for_previous();
        release_next();
    }
}

}  // namespace lorikeet::expanding

extern "C" __global__ void __launch_bounds__(lorikeet::EXPAND_THREADS)
    expand(const lorikeet::Step* step, const __grid_constant__ lorikeet::Lora lora, __nv_bfloat16* y) {
    using namespace lorikeet;
    using namespace lorikeet::expanding;
    __shared__ SharedRanks shared;
    expand_onto(step, lora, y, shared);
}

extern "C" __global__ void __launch_bounds__(lorikeet::EXPAND_THREADS)
    expand_logits(const lorikeet::Step* step, const __grid_constant__ lorikeet::Lora lora, float* y) {
    using namespace lorikeet;
    using namespace lorikeet::expanding;
    __shared__ SharedRanks shared;
    expand_onto(step, lora, y, shared);
}

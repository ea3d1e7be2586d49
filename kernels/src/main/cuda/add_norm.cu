// residual += y; out = norm(residual), with the adapter's part of y: see lora.cuh.
//
// A cluster of blocks has a tile: each block some of the columns, the sums of squares are exchanged between the blocks.
// Without clusters one block has the whole tile.
#include "delta.cuh"

#include <cooperative_groups.h>

namespace lorikeet::add_norms {

constexpr int WARPS = ADD_NORM_THREADS / 32;
constexpr int MAX_CLUSTER = 8;

struct SharedSums {
    float warp[WARPS][TILE_ROWS];
    float block[2][MAX_CLUSTER][TILE_ROWS];  // of all blocks of the cluster; two tiles in turn
};

// Adds this warp's sums of rows 2 t and 2 t + 1 of a strip over its columns.
__device__ __forceinline__ void sum_over_warp(SharedSums& shared, int strip, float (&mine)[2]) {
    int lane = threadIdx.x % 32;
#pragma unroll
    for (int i = 0; i < 2; i++) {
#pragma unroll
        for (int mask = 4; mask < 32; mask *= 2) {
            mine[i] += __shfl_xor_sync(~0u, mine[i], mask);
        }
        if (lane < 4) {
            shared.warp[threadIdx.x / 32][strip * STRIP + 2 * lane + i] = mine[i];
        }
    }
}

// Gives the warps' sums of a tile to all blocks of the cluster. Returns the number of blocks.
__device__ __forceinline__ int exchange_sums(SharedSums& shared, int turn, bool& all_started) {
    __syncthreads();
    int blocks = 1;
#if __CUDA_ARCH__ >= 900
    cooperative_groups::cluster_group cluster = cooperative_groups::this_cluster();
    blocks = cluster.num_blocks();
    int self = cluster.block_rank();
    if (!all_started) {
        asm volatile("barrier.cluster.wait.aligned;" ::: "memory");
        all_started = true;
    }
    if (threadIdx.x < TILE_ROWS * blocks) {
        int row = threadIdx.x % TILE_ROWS;
        float sum = 0;
#pragma unroll
        for (int w = 0; w < WARPS; w++) {
            sum += shared.warp[w][row];
        }
        *cluster.map_shared_rank(&shared.block[turn][self][row], threadIdx.x / TILE_ROWS) = sum;
    }
    cluster.sync();
#else
    if (threadIdx.x < TILE_ROWS) {
        float sum = 0;
#pragma unroll
        for (int w = 0; w < WARPS; w++) {
            sum += shared.warp[w][threadIdx.x];
        }
        shared.block[turn][0][threadIdx.x] = sum;
    }
    __syncthreads();
#endif
    return blocks;
}

// v * factor * weight, for eight columns.
__device__ __forceinline__ void store_norm(
    __nv_bfloat16* row, int column, int size, bool fast, const __nv_bfloat16* weight, float factor, float (&v)[8]) {
    Eight<__nv_bfloat16> packed;
    packed.load(weight, column, size, fast && aligned(weight, 16));
    float w[8];
    packed.unpack(w);
#pragma unroll
    for (int c = 0; c < 8; c++) {
        v[c] = v[c] * factor * w[c];
    }
    store_row8(row, column, size, fast, v);
}

}  // namespace lorikeet::add_norms

extern "C" __global__ void __launch_bounds__(lorikeet::ADD_NORM_THREADS, 1) add_norm(
    const lorikeet::Step* step,
    const __grid_constant__ lorikeet::Lora lora,
    const __grid_constant__ lorikeet::NormWeight norm,
    const __nv_bfloat16* delta,
    float* residual,
    __nv_bfloat16* out) {
    using namespace lorikeet;
    using namespace lorikeet::add_norms;
    __shared__ SharedRanks shared;
    __shared__ SharedSums sums;
    __shared__ float4 kept[4][ADD_NORM_THREADS];  // of each thread's first strip, in the first window
    int blocks = 1;
    int self = 0;
#if __CUDA_ARCH__ >= 900
    blocks = cooperative_groups::this_cluster().num_blocks();
    self = cooperative_groups::this_cluster().block_rank();
    // A block's shared memory may be written to once it has started.
    asm volatile("barrier.cluster.arrive.aligned;" ::: "memory");
#endif
    bool all_started = false;
    int size = lora.part[0].out;
    bool fast = size % 8 == 0 && aligned(delta, 16) && aligned(residual, 16) && aligned(out, 16);
    int all_tiles = step->all_tiles;
    int splits = splits_of(lora, step->tiles).count;
    int clusters = gridDim.x / blocks;
    int runs = divide_up(all_tiles, lora.run);
    int lane = threadIdx.x % 32;
    int first = self * ADD_NORM_WINDOW + threadIdx.x / 32 * WARP_COLUMNS + lane / 4 * 8;
    int width = blocks * ADD_NORM_WINDOW;
    bool waited = false;
    int turn = 0;
    for (int run = blockIdx.x / blocks; run < runs; run += clusters) {
        int group = -1;
        Delta change;
        const __nv_bfloat16* weight = norm.weight;
        int end = min((run + 1) * lora.run, all_tiles);
        for (int t = run * lora.run; t < end; t++) {
            Tile tile = step->tile[t];
            if (tile.group != group) {
                group = tile.group;
                const AdapterModule* adapter = step->group_adapter[group];
                bool own = adapter != nullptr && adapter[norm.slot].kind == MODULE_REPLACED;
                weight = own ? adapter[norm.slot].weight : norm.weight;
                change.load(lora.shrunk == nullptr ? nullptr : adapter, lora.part[0], first);
            }
            if (!waited) {
                wait_for_previous();
                release_next();
                waited = true;
            }
            bool present = change.present;
#pragma unroll 1
            for (int strip = 0; strip * STRIP < tile.rows; strip++) {
                int first_row = strip * STRIP + lane % 4 * 2;  // this lane's
                float square[2] = {0, 0};
#pragma unroll 1
                for (int at = first; at - first < size; at += width) {
                    if (size > width) {  // more than one window: B has to be read again for each
                        change.load(present ? step->group_adapter[group] : nullptr, lora.part[0], at);
                    }
                    size_t from = static_cast<size_t>(tile.row + first_row) * size;
                    Eight<__nv_bfloat16> values[2];
                    Eight<float> old[2];
#pragma unroll
                    for (int i = 0; i < 2; i++) {
                        if (first_row + i < tile.rows) {
                            values[i].load(delta + from + i * size, at, size, fast);
                            old[i].load(residual + from + i * size, at, size, fast);
                        }
                    }
                    if (change.present && strip == 0 && at == first) {
                        __syncthreads();
                        shared.load(lora, 0, change.change.rank, tile.row, tile.rows, splits);
                        __syncthreads();
                    }
                    Product product[1];
                    change.multiply(shared, strip, product);
#pragma unroll
                    for (int i = 0; i < 2; i++) {
                        if (first_row + i < tile.rows) {
                            float v[8];
                            values[i].unpack(v);
                            change.apply(product[0], i, v);
                            add_bias(lora.part[0], at, v);
#pragma unroll
                            for (int c = 0; c < 8; c++) {
                                v[c] += old[i].value[c];
                                square[i] += v[c] * v[c];
                            }
                            store_row8(residual + from + i * size, at, size, fast, v);
                            if (strip == 0 && at == first) {
                                kept[2 * i][threadIdx.x] = make_float4(v[0], v[1], v[2], v[3]);
                                kept[2 * i + 1][threadIdx.x] = make_float4(v[4], v[5], v[6], v[7]);
                            }
                        }
                    }
                }
                sum_over_warp(sums, strip, square);
            }
            int summed = exchange_sums(sums, turn, all_started);
#pragma unroll 1
            for (int strip = 0; strip * STRIP < tile.rows; strip++) {
#pragma unroll
                for (int i = 0; i < 2; i++) {
                    int r = strip * STRIP + lane % 4 * 2 + i;
                    if (r >= tile.rows) {
                        continue;
                    }
                    float square = 0;
                    for (int b = 0; b < summed; b++) {
                        square += sums.block[turn][b][r];
                    }
                    float factor = rsqrtf(square / size + norm.epsilon);
                    size_t row = tile.row + r;
                    if (strip == 0) {
                        float4 a = kept[2 * i][threadIdx.x];
                        float4 b = kept[2 * i + 1][threadIdx.x];
                        float v[8] = {a.x, a.y, a.z, a.w, b.x, b.y, b.z, b.w};
                        store_norm(out + row * size, first, size, fast, weight, factor, v);
                    }
#pragma unroll 1
                    for (int at = first + (strip == 0 ? width : 0); at - first < size; at += width) {
                        Eight<float> again;
                        again.load(residual + row * size, at, size, fast);
                        store_norm(out + row * size, at, size, fast, weight, factor, again.value);
                    }
                }
            }
            turn ^= 1;
        }
    }
    if (!waited) {
        wait_for_previous();
        release_next();
    }
#if __CUDA_ARCH__ >= 900
    if (!all_started) {
        asm volatile("barrier.cluster.wait.aligned;" ::: "memory");
    }
#endif
}

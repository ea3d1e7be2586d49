// out = silu(gate) * up, with the adapters' part of both: see lora.cuh.
#include "delta.cuh"

namespace lorikeet {

// silu(x) = x / (1 + exp(-x)) (https://arxiv.org/abs/1702.03118)
__device__ __forceinline__ float silu(float x) { return x / (1 + __expf(-x)); }

}  // namespace lorikeet

extern "C" __global__ void __launch_bounds__(lorikeet::EXPAND_THREADS, 2)
    gate(const lorikeet::Step* step, const __grid_constant__ lorikeet::Lora lora, const __nv_bfloat16* gate_up, __nv_bfloat16* out) {
    using namespace lorikeet;
    __shared__ SharedRanks shared[2];
    int all_tiles = step->all_tiles;
    int splits = splits_of(lora, step->tiles).count;
    int size = lora.part[0].out;
    size_t stride = lora.columns;
    int windows = divide_up(size, WINDOW);
    int runs = divide_up(all_tiles, lora.run);
    bool fast = size % 8 == 0 && lora.columns % 8 == 0 && aligned(gate_up, 16) && aligned(out, 16);
    bool waited = false;
    int lane = threadIdx.x % 32;
    for (int unit = blockIdx.x; unit < runs * windows; unit += gridDim.x) {
        int column = unit % windows * WINDOW + threadIdx.x / 32 * WARP_COLUMNS + lane / 4 * 8;
        int t = unit / windows * lora.run;
        int end = min(t + lora.run, all_tiles);
        int group = -1;
        Delta delta[2];
        for (; t < end; t++) {
            Tile tile = step->tile[t];
            if (tile.group != group) {
                group = tile.group;
                const AdapterModule* adapter = lora.shrunk == nullptr ? nullptr : step->group_adapter[group];
                delta[0].load(adapter, lora.part[0], column);
                delta[1].load(adapter, lora.part[1], column);
            }
            if (!waited) {
                wait_for_previous();
                release_next();
                waited = true;
            }
            bool present = delta[0].present || delta[1].present;
#pragma unroll 1
            for (int strip = 0; strip * STRIP < tile.rows; strip++) {
                int first = strip * STRIP + lane % 4 * 2;  // this lane's first row of the tile
                const __nv_bfloat16* row = gate_up + static_cast<size_t>(tile.row + first) * stride;
                Eight<__nv_bfloat16> values[2][2];
#pragma unroll
                for (int i = 0; i < 2; i++) {
                    if (first + i < tile.rows) {
                        values[i][0].load(row + i * stride + lora.part[0].column, column, size, fast);
                        values[i][1].load(row + i * stride + lora.part[1].column, column, size, fast);
                    }
                }
                if (present && strip == 0) {
                    __syncthreads();
#pragma unroll
                    for (int p = 0; p < 2; p++) {
                        if (delta[p].present) {
                            shared[p].load(lora, p, delta[p].change.rank, tile.row, tile.rows, splits);
                        }
                    }
                    __syncthreads();
                }
                float result[2][2][8];  // by part and row
#pragma unroll
                for (int p = 0; p < 2; p++) {
                    Product product[1];
                    delta[p].multiply(shared[p], strip, product);
#pragma unroll
                    for (int i = 0; i < 2; i++) {
                        values[i][p].unpack(result[p][i]);
                        delta[p].apply(product[0], i, result[p][i]);
                        add_bias(lora.part[p], column, result[p][i]);
                    }
                }
#pragma unroll
                for (int i = 0; i < 2; i++) {
                    if (first + i < tile.rows) {
#pragma unroll
                        for (int c = 0; c < 8; c++) {
                            result[0][i][c] = silu(result[0][i][c]) * result[1][i][c];
                        }
                        store_row8(
                            out + static_cast<size_t>(tile.row + first + i) * size, column, size, fast, result[0][i]);
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

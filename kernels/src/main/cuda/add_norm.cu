// residual += y; out = norm(residual), with the adapter's part of y: see lora.cuh.
//
// A cluster of blocks has a tile: each block some of the columns, the sums of squares are exchanged between the blocks.
// Without clusters one block has the whole tile.
#include "cluster.cuh"
#include "delta.cuh"
#include "norm.cuh"

namespace lorikeet::add_norms {

constexpr int WARPS = ADD_NORM_THREADS / 32;
constexpr int MAX_CLUSTER = 8;

struct SharedSums {
    float warp[WARPS][TILE_ROWS];
    float block[2][MAX_CLUSTER][TILE_ROWS];  // of all blocks of the cluster; two tiles in turn
};

// Adds this warp's sums of a strip over its columns.
__device__ __forceinline__ void sum_over_warp(SharedSums& shared, int strip, float (&mine)[2]) {
#pragma unroll
    for (int i = 0; i < 2; i++) {
#pragma unroll
        for (int mask = 1; mask < 8; mask *= 2) {
            mine[i] += __shfl_xor_sync(ALL_LANES, mine[i], mask);
        }
        if (threadIdx.x % 8 == 0) {
            shared.warp[threadIdx.x / WARP][strip + LanePlace().row + 4 * i] = mine[i];
        }
    }
}

// Gives the warps' sums of a tile to all blocks of the cluster. Returns the number of blocks.
__device__ __forceinline__ int exchange_sums(SharedSums& shared, int turn, bool& all_started) {
    __syncthreads();
    const auto [self, blocks] = place_in_cluster();
    if (!all_started) {
        wait_for_cluster();
        all_started = true;
    }
    if (threadIdx.x < TILE_ROWS * blocks) {
        int row = threadIdx.x % TILE_ROWS;
        float sum = 0;
#pragma unroll
        for (int w = 0; w < WARPS; w++) {
            sum += shared.warp[w][row];
        }
        *of_block(&shared.block[turn][self][row], threadIdx.x / TILE_ROWS) = sum;
    }
    synchronize_cluster();
    return blocks;
}

// A warp's columns.
struct Columns {
    const LoraPart& part;
    const __nv_bfloat16* delta;
    float* residual;
    bool fast;

    // This lane's columns of rows `row` and `row` + 4, those before `end`.
    __device__ __forceinline__ void
    load(int row, int end, int column, Eight<__nv_bfloat16> (&to)[2], Eight<float> (&old)[2]) const {
#pragma unroll
        for (int i = 0; i < 2; i++) {
            if (row + 4 * i < end) {
                size_t from = static_cast<size_t>(row + 4 * i) * part.out;
                to[i].load(delta + from, column + LanePlace().column, part.out, fast);
                old[i].load(residual + from, column + LanePlace().column, part.out, fast);
            }
        }
    }

    // Adds the same rows to the residual. The sums are left in `product`, their squares are added to `square`.
    __device__ __forceinline__ void add(
        int row,
        int end,
        int column,
        const Delta& change,
        const Eight<__nv_bfloat16> (&values)[2],
        const Eight<float> (&old)[2],
        SharedProduct& product,
        float (&square)[2]) const {
        LanePlace lane;
#pragma unroll
        for (int i = 0; i < 2; i++) {
            if (row + 4 * i < end) {
                float v[8];
                values[i].unpack(v);
                float* shared = &product.value[lane.row + 4 * i][lane.column];
                change.apply(shared, column + lane.column, part.out, v);
                add_bias(part, column + lane.column, v);
#pragma unroll
                for (int c = 0; c < 8; c++) {
                    v[c] += old[i].value[c];
                    square[i] += v[c] * v[c];
                }
                store_row8(
                    residual + static_cast<size_t>(row + 4 * i) * part.out, column + lane.column, part.out, fast, v);
                *reinterpret_cast<float4*>(shared) = make_float4(v[0], v[1], v[2], v[3]);
                *reinterpret_cast<float4*>(shared + 4) = make_float4(v[4], v[5], v[6], v[7]);
            }
        }
    }
};

}  // namespace lorikeet::add_norms

extern "C" __global__ void __launch_bounds__(lorikeet::ADD_NORM_THREADS, lorikeet::ADD_NORM_BLOCKS) add_norm(
    const lorikeet::Step* step,
    const __grid_constant__ lorikeet::Lora lora,
    const __grid_constant__ lorikeet::NormWeight norm,
    const __nv_bfloat16* delta,
    float* residual,
    __nv_bfloat16* out) {
    using namespace lorikeet;
    using namespace lorikeet::add_norms;
    __shared__ SharedRanks<32> shared;
    __shared__ SharedSums sums;
    __shared__ SharedProduct products[ADD_NORM_THREADS / WARP];
    release_next();
    const auto [self, blocks] = place_in_cluster();
    arrive_at_cluster();  // a block's shared memory may be written to once it has started
    bool all_started = false;
    int size = lora.part[0].out;
    bool fast = size % 8 == 0 && aligned(delta, 16) && aligned(residual, 16) && aligned(out, 16);
    int all_tiles = step->all_tiles;
    int splits = splits_of(lora, step->tiles).count;
    int first = self * ADD_NORM_WINDOW + threadIdx.x / WARP * WARP_COLUMNS;  // this warp's first column
    int width = blocks * ADD_NORM_WINDOW;
    Columns columns{lora.part[0], delta, residual, fast};
    SharedProduct& product = products[threadIdx.x / WARP];
    LanePlace lane;
    bool waited = false;
    int turn = 0;
    int strips = strips_apart(lora, all_tiles * blocks);
    Units mine = units_of(all_tiles * strips, blockIdx.x / blocks, gridDim.x / blocks);
    for (int t = mine.first; t < mine.end; t++) {
        Tile tile = part_of(step->tile[t / strips], t % strips, strips);
        if (tile.rows <= 0) {
            continue;
        }
        const AdapterModule* adapter = tile.adapter;
        const __nv_bfloat16* weight = norm.weight;
        if (adapter != nullptr && adapter[norm.slot].kind == MODULE_REPLACED) {
            weight = adapter[norm.slot].weight;
        }
        Delta change;
        change.load(lora.shrunk == nullptr ? nullptr : adapter, lora.part[0]);
        Ranks ranks[2];
        change.start(first, size, width, true, ranks);
        if (!waited) {
            wait_for_previous();
            waited = true;
        }
        int last_row = tile.row + tile.rows;
        // What `product` still has in the end: the last strip's last window.
        int last_strip = (tile.rows - 1) / STRIP * STRIP;
        int last_column = first + (size - 1) / width * width;
#pragma unroll 1
        for (int strip = 0; strip < tile.rows; strip += STRIP) {
            float square[2] = {0, 0};
#pragma unroll 1
            for (int at = first; at <= last_column; at += width) {
                if (last_column > first && (strip > 0 || at > first)) {
                    change.start(at, size, width, false, ranks);
                }
                Eight<__nv_bfloat16> values[2];
                Eight<float> old[2];
                columns.load(tile.row + strip + lane.row, last_row, at, values, old);
                if (change.rank > 0 && strip == 0 && at == first) {
                    __syncthreads();
                    shared.load(lora, 0, change.rank, tile.row, tile.rows, splits);
                    __syncthreads();
                }
                change.expand(
                    shared, ranks, strip, at, size, product.value[0], SharedProduct::PITCH);
                columns.add(tile.row + strip + lane.row, last_row, at, change, values, old, product, square);
            }
            sum_over_warp(sums, strip, square);
        }
        int summed = exchange_sums(sums, turn, all_started);
#pragma unroll 1
        for (int strip = 0; strip < tile.rows; strip += STRIP) {
#pragma unroll 1
            for (int i = 0; i < 2; i++) {
                int r = strip + lane.row + 4 * i;
                if (r >= tile.rows) {
                    continue;
                }
                float square = 0;
                for (int b = 0; b < summed; b++) {
                    square += sums.block[turn][b][r];
                }
                float factor = rsqrtf(square / size + norm.epsilon);
                size_t row = static_cast<size_t>(tile.row + r) * size;
#pragma unroll 1
                for (int at = first; at <= last_column; at += width) {
                    Eight<float> again;
                    if (strip == last_strip && at == last_column) {
                        const float* kept = &product.value[lane.row + 4 * i][lane.column];
#pragma unroll
                        for (int c = 0; c < 8; c++) {
                            again.value[c] = kept[c];
                        }
                    } else {
                        again.load(residual + row, at + lane.column, size, fast);
                    }
                    store_norm(out + row, at + lane.column, size, fast,
                               norm_weight(weight, at + lane.column, size, fast), factor, again.value);
                }
            }
        }
        turn ^= 1;
    }
    leave(waited);
    if (!all_started) {
        wait_for_cluster();
    }
}

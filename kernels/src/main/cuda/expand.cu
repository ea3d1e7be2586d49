// y += scaling * B h, in place: see lora.cuh.
#include "delta.cuh"

namespace lorikeet::expanding {

constexpr int WARPS = EXPAND_THREADS / WARP;

struct Shared {
    SharedRanks<32> ranks;
    SharedProduct product[WARPS];
};

// Some columns of a part, and where they begin in it.
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

// A warp's columns of a part.
template <typename T>
struct Columns {
    const LoraPart& part;
    int column;
    bool fast;
    size_t stride;
    T* y;

    // This lane's columns of rows `row` and `row` + 4, those before `end`.
    __device__ __forceinline__ void load(int row, int end, Eight<T> (&to)[2]) const {
#pragma unroll
        for (int i = 0; i < 2; i++) {
            if (row + 4 * i < end) {
                to[i].load(y + (row + 4 * i) * stride + part.column, column + LanePlace().column, part.out, fast);
            }
        }
    }

    // The same rows, changed and stored; product: of the strip.
    __device__ __forceinline__ void
    store(int row, int end, const Delta& delta, const SharedProduct& product, const Eight<T> (&values)[2]) const {
        LanePlace lane;
#pragma unroll
        for (int i = 0; i < 2; i++) {
            if (row + 4 * i < end) {
                float v[8];
                values[i].unpack(v);
                delta.apply(&product.value[lane.row + 4 * i][lane.column], column + lane.column, part.out, v);
                store_row8(y + (row + 4 * i) * stride + part.column, column + lane.column, part.out, fast, v);
            }
        }
    }
};

template <typename T>
__device__ __forceinline__ void expand_onto(const Step* step, const Lora& lora, T* y, Shared& shared) {
    release_next();
    Groups groups = groups_of(step, lora);
    int splits = splits_of(lora, groups.tiles).count;
    int windows = windows_of(lora);
    Units mine = units_of(divide_up(groups.tiles, lora.run) * windows, blockIdx.x, gridDim.x);
    SharedProduct& product = shared.product[threadIdx.x / WARP];
    LanePlace lane;
    bool waited = false;
    int loaded_part = -1;  // what shared memory has, and from which row on
    int loaded_row = -1;
    int known_part = -1;  // what was read last
    int known_row = -1;
    for (int unit = mine.first; unit < mine.end; unit++) {
        Window window = window_at(lora, unit % windows);
        const LoraPart& part = lora.part[window.part];
        bool fast = lora.columns % 8 == 0 && part.column % 8 == 0 && part.out % 8 == 0 && aligned(y, 16);
        Columns<T> columns{
            part, window.column + static_cast<int>(threadIdx.x) / WARP * WARP_COLUMNS, fast,
            static_cast<size_t>(lora.columns), y};
        int t = unit / windows * lora.run;
        int end = min(t + lora.run, groups.tiles);
        while (t < end) {
            Tile span = next_span(groups.tile, t, end);
            Delta delta;
            delta.load(span.adapter, part);
            if (delta.rank == 0) {
                continue;
            }
            Ranks first[2];
            delta.start(columns.column, part.out, WINDOW, known_part != window.part || known_row != span.row, first);
            known_part = window.part;
            known_row = span.row;
            int last_row = span.row + span.rows;
            int capacity = SharedRanks<32>::capacity(delta.rank) / (2 * STRIP) * (2 * STRIP);
            if (!waited) {
                wait_for_previous();
                waited = true;
            }
            int at = 0;  // of the rows in shared memory
#pragma unroll 1
            for (int row = span.row; row < last_row; row += 2 * STRIP, at += 2 * STRIP) {
                Eight<T> values[2][2];
                columns.load(row + lane.row, last_row, values[0]);
                columns.load(row + STRIP + lane.row, last_row, values[1]);
                at = at == capacity ? 0 : at;
                if (at == 0 && (loaded_part != window.part || loaded_row != row)) {
                    loaded_part = window.part;
                    loaded_row = row;
                    __syncthreads();
                    shared.ranks.load(lora, window.part, delta.rank, row, min(last_row - row, capacity), splits);
                    __syncthreads();
                }
#pragma unroll
                for (int s = 0; s < 2; s++) {
                    if (row + s * STRIP < last_row) {
                        delta.expand(
                            shared.ranks, first, at + s * STRIP, columns.column, part.out, product.value[0],
                            SharedProduct::PITCH);
                        columns.store(row + s * STRIP + lane.row, last_row, delta, product, values[s]);
                    }
                }
            }
        }
    }
    leave(waited);
}

}  // namespace lorikeet::expanding

extern "C" __global__ void __launch_bounds__(lorikeet::EXPAND_THREADS, lorikeet::EXPAND_BLOCKS)
    expand_logits(const lorikeet::Step* step, const __grid_constant__ lorikeet::Lora lora, float* y) {
    __shared__ lorikeet::expanding::Shared shared;
    lorikeet::expanding::expand_onto(step, lora, y, shared);
}

// out = silu(gate) * up, with the adapters' part of both: see lora.cuh.
#include "delta.cuh"

namespace lorikeet::gating {

constexpr int WARPS = EXPAND_THREADS / WARP;

struct Shared {
    SharedRanks<16> ranks[2];  // by part
    SharedProduct product[WARPS][2];
};

// A warp's columns, the same of both parts.
struct Columns {
    const Lora& lora;
    int column;
    bool fast;
    const __nv_bfloat16* gate_up;
    __nv_bfloat16* out;

    // This lane's columns of rows `row` and `row` + 4, those before `end`, by part.
    __device__ __forceinline__ void load(int row, int end, Eight<__nv_bfloat16> (&to)[2][2]) const {
#pragma unroll
        for (int i = 0; i < 2; i++) {
            if (row + 4 * i < end) {
                const __nv_bfloat16* from = gate_up + static_cast<size_t>(row + 4 * i) * lora.columns;
#pragma unroll
                for (int p = 0; p < 2; p++) {
                    to[p][i].load(
                        from + lora.part[p].column, column + LanePlace().column, lora.part[0].out, fast);
                }
            }
        }
    }

    // The same rows, finished; product: of the strip, by part.
    __device__ __forceinline__ void store(
        int row,
        int end,
        const Delta (&delta)[2],
        const SharedProduct (&product)[2],
        const Eight<__nv_bfloat16> (&values)[2][2]) const {
        LanePlace lane;
        int size = lora.part[0].out;
#pragma unroll
        for (int i = 0; i < 2; i++) {
            if (row + 4 * i < end) {
                float v[2][8];
#pragma unroll
                for (int p = 0; p < 2; p++) {
                    values[p][i].unpack(v[p]);
                    delta[p].apply(
                        &product[p].value[lane.row + 4 * i][lane.column], column + lane.column, size, v[p]);
                    add_bias(lora.part[p], column + lane.column, v[p]);
                }
#pragma unroll
                for (int c = 0; c < 8; c++) {
                    v[0][c] = silu(v[0][c]) * v[1][c];
                }
                store_row8(out + static_cast<size_t>(row + 4 * i) * size, column + lane.column, size, fast, v[0]);
            }
        }
    }
};

}  // namespace lorikeet::gating

extern "C" __global__ void __launch_bounds__(lorikeet::EXPAND_THREADS, lorikeet::GATE_BLOCKS) gate(
    const lorikeet::Step* step,
    const __grid_constant__ lorikeet::Lora lora,
    const __nv_bfloat16* gate_up,
    __nv_bfloat16* out) {
    using namespace lorikeet;
    using namespace lorikeet::gating;
    __shared__ Shared shared;
    release_next();
    int splits = splits_of(lora, step->tiles).count;
    int size = lora.part[0].out;
    int windows = divide_up(size, WINDOW);
    int all_tiles = step->all_tiles;
    bool fast = size % 8 == 0 && lora.columns % 8 == 0 && aligned(gate_up, 16) && aligned(out, 16);
    SharedProduct(&product)[2] = shared.product[threadIdx.x / WARP];
    LanePlace lane;
    bool waited = false;
    int known_row = -1;   // of the columns that were read last
    int loaded_row = -1;  // the first row that h in shared memory is about
    int units = divide_up(all_tiles, lora.run) * windows;
    int strips = strips_apart(lora, units);
    Units mine = units_of(units * strips, blockIdx.x, gridDim.x);
    for (int unit = mine.first; unit < mine.end; unit++) {
        Columns columns{
            lora, unit / strips % windows * WINDOW + static_cast<int>(threadIdx.x) / WARP * WARP_COLUMNS, fast, gate_up, out};
        int t = unit / strips / windows * lora.run;
        int end = min(t + lora.run, all_tiles);
        while (t < end) {
            Tile span = next_span(step->tile, t, end);
            if (strips > 1) {
                span.row += unit % strips * STRIP;
                span.rows = min(span.rows - unit % strips * STRIP, STRIP);
                if (span.rows <= 0) {
                    continue;
                }
            }
            const AdapterModule* adapter = lora.shrunk == nullptr ? nullptr : span.adapter;
            Delta delta[2];
            Ranks first[2][2];
            if (adapter != nullptr) {  // don't wait for one after the other
                asm volatile("prefetch.global.L2 [%0];" ::"l"(adapter + lora.part[1].slot));
            }
#pragma unroll
            for (int p = 0; p < 2; p++) {
                delta[p].load(adapter, lora.part[p]);
                delta[p].start(columns.column, size, WINDOW, known_row != span.row, first[p]);
            }
            known_row = span.row;
            int last_row = span.row + span.rows;
            int rank = max(delta[0].rank, delta[1].rank);
            int capacity = rank == 0 ? 0 : SharedRanks<16>::capacity(rank);
            if (!waited) {
                wait_for_previous();
                waited = true;
            }
            int at = 0;  // of the rows in shared memory
#pragma unroll 1
            for (int row = span.row; row < last_row; row += STRIP, at += STRIP) {
                Eight<__nv_bfloat16> values[2][2];
                columns.load(row + lane.row, last_row, values);
                at = at == capacity ? 0 : at;
                if (at == 0 && loaded_row != row) {
                    loaded_row = row;
                    __syncthreads();
#pragma unroll 1
                    for (int p = 0; p < 2; p++) {
                        int part_rank = p == 0 ? delta[0].rank : delta[1].rank;
                        shared.ranks[p].load(lora, p, part_rank, row, min(last_row - row, capacity), splits);
                    }
                    __syncthreads();
                }
#pragma unroll
                for (int p = 0; p < 2; p++) {
                    delta[p].expand(
                        shared.ranks[p], first[p], at, columns.column, size, product[p].value[0],
                        SharedProduct::PITCH);
                }
                columns.store(row + lane.row, last_row, delta, product, values);
            }
        }
    }
    leave(waited);
}

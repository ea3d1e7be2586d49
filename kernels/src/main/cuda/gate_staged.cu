// out = silu(gate) * up as `gate` does it, by fewer registers: see lora.cuh.
//
// A block has 256 columns of a tile, a warp 64 of both parts. B comes through shared memory; what is added to it, and the
// result, are only ever in registers.
#include "staged.cuh"

namespace lorikeet::gating_staged {

constexpr int WARPS = EXPAND_THREADS / WARP;
constexpr int STAGES = 3;
constexpr int AT_ONCE = 64;  // ranks of h in shared memory, which the products' loads in flight need as well

using GateRanks = SharedRanks<AT_ONCE / 16>;

struct Shared {
    Stage stage[WARPS][STAGES];
    GateRanks ranks[2];  // by part
};

// Goes through a block's share of the work: tiles, their columns, their strips. unit == end: there is no more.
struct Work {
    const Step* step;
    const Lora& lora;
    int windows;
    int strips;  // of a tile that are taken apart
    int end;
    int unit;
    const AdapterModule* adapter;  // null: nothing is added
    int row;
    int last_row;
    int column;  // of the warp
    int chunks;  // of sixteen ranks, of the part that has more

    __device__ __forceinline__ int rank(int part) const {
        const AdapterModule& change = adapter[lora.part[part].slot];
        return is_low_rank(change) ? change.rank : 0;
    }

    // Takes the unit at hand, or the next that has rows.
    __device__ __forceinline__ void take() {
#pragma unroll 1
        for (; unit < end; unit++) {
            Tile tile = part_of(step->tile[unit / strips / windows], unit % strips, strips);
            if (tile.rows > 0) {
                adapter = lora.shrunk == nullptr ? nullptr : tile.adapter;
                row = tile.row;
                last_row = tile.row + tile.rows;
                column = unit / strips % windows * WINDOW + static_cast<int>(threadIdx.x) / WARP * WARP_COLUMNS;
                chunks = adapter == nullptr ? 0 : divide_up(max(rank(0), rank(1)), STAGE_RANKS);
                return;
            }
        }
    }

    __device__ __forceinline__ void take_next() {
        unit++;
        take();
    }
};

// What a warp asks for next, ahead of what it multiplies: sixteen ranks of gate, the same of up, and so on, anew for each
// strip.
struct Feed {
    Work work;
    int item;

    __device__ __forceinline__ explicit Feed(const Work& first) : work(first), item(0) {
        if (work.lora.shrunk == nullptr) {
            work.unit = work.end;
        }
        skip();
    }

    __device__ __forceinline__ void skip() {
#pragma unroll 1
        while (work.unit < work.end && work.chunks == 0) {
            work.take_next();
        }
    }

    __device__ __forceinline__ void operator()(Stage& to) {
        if (work.unit >= work.end) {
            return;
        }
        fetch(to, work.adapter[work.lora.part[item % 2].slot], work.column, work.lora.part[0].out,
              item / 2 * STAGE_RANKS);
        if (++item == 2 * work.chunks) {
            item = 0;
            work.row += STRIP;
            if (work.row >= work.last_row) {
                work.take_next();
                skip();
            }
        }
    }
};

}  // namespace lorikeet::gating_staged

extern "C" __global__ void __launch_bounds__(lorikeet::EXPAND_THREADS, lorikeet::GATE_STAGED_BLOCKS) gate_staged(
    const lorikeet::Step* step,
    const __grid_constant__ lorikeet::Lora lora,
    const __nv_bfloat16* gate_up,
    __nv_bfloat16* out) {
    using namespace lorikeet;
    using namespace lorikeet::gating_staged;
    __shared__ Shared shared;
    release_next();
    int size = lora.part[0].out;
    int windows = divide_up(size, WINDOW);
    int units = step->all_tiles * windows;
    int strips = 2 * units <= gridDim.x ? 2 : 1;  // few tiles: their strips go to blocks of their own
    Units mine = units_of(units * strips, blockIdx.x, gridDim.x);
    Work work{step, lora, windows, strips, mine.end, mine.first};
    work.take();
    if (work.unit >= work.end) {
        leave(false);
        return;
    }
    Ring<STAGES> ring{shared.stage[threadIdx.x / WARP]};
    Feed feed(work);
    ring.fill([&](Stage& to) { feed(to); });
    int splits = splits_of(lora, step->tiles).count;
    bool fast = size % 8 == 0 && lora.columns % 8 == 0 && aligned(gate_up, 16) && aligned(out, 16);
    int lane = threadIdx.x % WARP;
    int loaded_row = -1;  // the first row that h in shared memory is about
    wait_for_previous();
    for (; work.unit < work.end; work.take_next()) {
        int column = work.column + lane / 4 * 8;  // the lane's
        int rank = work.chunks * STAGE_RANKS;
        int capacity = rank == 0 ? 0 : GateRanks::capacity(min(rank, AT_ONCE));
        int at = 0;  // of the rows in shared memory
#pragma unroll 1
        for (int row = work.row; row < work.last_row; row += STRIP, at += STRIP) {
            Eight<__nv_bfloat16> values[2][2];
#pragma unroll
            for (int i = 0; i < 2; i++) {
                int r = row + staged_row() + 4 * i;
                if (r < work.last_row) {
#pragma unroll
                    for (int p = 0; p < 2; p++) {
                        values[p][i].load(
                            gate_up + static_cast<size_t>(r) * lora.columns + lora.part[p].column, column, size, fast);
                    }
                }
            }
            at = at == capacity ? 0 : at;
            StagedProduct product[2];
            product[0].clear();
            product[1].clear();
#pragma unroll 1
            for (int first = 0; first < rank; first += AT_ONCE) {
                int ranks = min(rank - first, AT_ONCE);
                if (rank > AT_ONCE || (at == 0 && loaded_row != row)) {
                    loaded_row = row;
                    __syncthreads();
#pragma unroll 1
                    for (int p = 0; p < 2; p++) {
                        // Behind a part's own ranks h isn't written.
                        int own = min(work.rank(p) - first, ranks);
                        shared.ranks[p].load(
                            lora, p, ranks, row, min(work.last_row - row, capacity), splits, first, own);
                    }
                    __syncthreads();
                }
#pragma unroll 1
                for (int from = 0; from < ranks; from += STAGE_RANKS) {
#pragma unroll
                    for (int p = 0; p < 2; p++) {
                        product[p].add(
                            ring.next([&](Stage& to) { feed(to); }), staged_ranks(shared.ranks[p], ranks, from, at));
                    }
                }
            }
#pragma unroll
            for (int i = 0; i < 2; i++) {
                int r = row + staged_row() + 4 * i;
                if (r < work.last_row) {
                    float v[2][8];
#pragma unroll
                    for (int p = 0; p < 2; p++) {
                        values[p][i].unpack(v[p]);
                        if (rank > 0) {
                            product[p].apply(work.adapter[lora.part[p].slot], i, column, size, v[p]);
                        }
                        add_bias(lora.part[p], column, v[p]);
                    }
#pragma unroll
                    for (int c = 0; c < 8; c++) {
                        v[0][c] = silu(v[0][c]) * v[1][c];
                    }
                    store_row8(out + static_cast<size_t>(r) * size, column, size, fast, v[0]);
                }
            }
        }
    }
}

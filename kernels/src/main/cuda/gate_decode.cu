// out = silu(gate) * up of decode steps with adapters: see lora.cuh and decode_delta.cuh.
#include "decode_delta.cuh"

namespace lorikeet::gating_decode {

constexpr int WARPS = EXPAND_THREADS / WARP;

// A warp's share of the work: windows of tiles, and their rows, as many as fit at a time.
struct Walk {
    static constexpr int PARTS = 2;

    const Step* step;
    decoding::Cut cut;
    int windows;
    int strips;  // of a tile that are taken apart
    int limit;   // columns
    int end;
    int unit;
    const AdapterModule* adapter;
    int row;
    int last_row;
    int column;

    static __device__ __forceinline__ int part(int index) { return index; }

    __device__ __forceinline__ bool done() const { return unit >= end; }

    // Takes the unit at hand, or the next that has rows.
    __device__ __forceinline__ void take() {
#pragma unroll 1
        for (; unit < end; unit++) {
            Tile tile = part_of(step->tile[unit / strips / windows], unit % strips, strips);
            if (tile.rows > 0) {
                adapter = tile.adapter;
                row = tile.row;
                last_row = tile.row + tile.rows;
                column = unit / strips % windows * cut.width();
                return;
            }
        }
    }

    __device__ __forceinline__ void next() {
        row += cut.rows();
        if (row >= last_row) {
            unit++;
            take();
        }
    }
};

}  // namespace lorikeet::gating_decode

extern "C" __global__ void __launch_bounds__(lorikeet::EXPAND_THREADS, lorikeet::GATE_DECODE_BLOCKS) gate_decode(
    const lorikeet::Step* step,
    const __grid_constant__ lorikeet::Lora lora,
    const __nv_bfloat16* gate_up,
    __nv_bfloat16* out) {
    using namespace lorikeet;
    using namespace lorikeet::gating_decode;
    extern __shared__ __align__(16) unsigned char memory[];
    if (!decoding::HAS_PRODUCTS) {
        return;
    }
    release_next();
    int warp = threadIdx.x / WARP;
    auto& slices = reinterpret_cast<decoding::Slice(*)[decoding::STAGES]>(memory)[warp];
    int size = lora.part[0].out;
    int warps = gridDim.x * WARPS;
    int tiles = step->all_tiles;
    auto windows = [&](int groups) { return divide_up(size, groups * WARP_COLUMNS); };
    decoding::Cut cut = decoding::cut_of(step, warps, [&](int groups) { return tiles * windows(groups); });
    int wide = windows(cut.groups());
    int strips = decoding::strips_apart(step, tiles * wide, warps);
    Units mine = decoding::share_of(tiles * wide * strips, blockIdx.x * WARPS + warp, warps);
    Walk walk{step, cut, wide, strips, size, mine.end, mine.first};
    walk.take();
    if (walk.done()) {
        leave(false);
        return;
    }
    decoding::Feed<Walk> feed(lora, cut, walk);
    auto ring = decoding::start(slices, feed);
    bool fast = size % 8 == 0 && lora.columns % 8 == 0 && aligned(gate_up, 16) && aligned(out, 16);
    decoding::Place place(cut);
    for (; !walk.done(); walk.next()) {
        int column = walk.column + place.column;
        Eight<__nv_bfloat16> values[2][2];
#pragma unroll
        for (int i = 0; i < 2; i++) {
            int row = walk.row + place.row + i * place.apart;
            if (row < walk.last_row) {
#pragma unroll
                for (int p = 0; p < 2; p++) {
                    values[p][i].load(
                        gate_up + static_cast<size_t>(row) * lora.columns + lora.part[p].column, column, size, fast);
                }
            }
        }
        const int rank[2] = {decoding::rank_of(lora, walk.adapter, 0), decoding::rank_of(lora, walk.adapter, 1)};
        StagedProduct product[2];
#pragma unroll
        for (int p = 0; p < 2; p++) {
            product[p].clear();
            decoding::add(product[p], ring, feed, cut, rank[p], size - walk.column);
        }
#pragma unroll
        for (int i = 0; i < 2; i++) {
            int row = walk.row + place.row + i * place.apart;
            if (row < walk.last_row) {
                float v[2][8];
#pragma unroll
                for (int p = 0; p < 2; p++) {
                    values[p][i].unpack(v[p]);
                    if (rank[p] > 0) {
                        product[p].apply(walk.adapter[lora.part[p].slot], i, column, size, v[p]);
                    }
                    add_bias(lora.part[p], column, v[p]);
                }
#pragma unroll
                for (int c = 0; c < 8; c++) {
                    v[0][c] = silu(v[0][c]) * v[1][c];
                }
                store_row8(out + static_cast<size_t>(row) * size, column, size, fast, v[0]);
            }
        }
    }
}

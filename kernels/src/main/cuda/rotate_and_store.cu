// Finishes q, k and v: see lora.cuh.
//
// A block has some heads of one part for a tile of rows: it puts the projection's values, adapters and bias included, into
// shared memory, then its warps norm, turn and store head by head.
#include "delta.cuh"
#include "rotation.cuh"

namespace lorikeet::rotation {

constexpr int WARPS = EXPAND_THREADS / 32;

struct SharedHeads {
    SharedRanks<32> ranks;
    float value[STRIP][WINDOW + 4];
    Slots slots;
};

// A warp's columns of some heads of one part.
struct Columns {
    const LoraPart& part;
    int column;
    int first_column;  // of the heads
    int end_column;
    bool fast;
    size_t stride;
    const __nv_bfloat16* qkv;

    // This lane's columns of rows `row` and `row` + 4, those before `end`.
    __device__ __forceinline__ void load(int row, int end, Eight<__nv_bfloat16> (&to)[2]) const {
#pragma unroll
        for (int i = 0; i < 2; i++) {
            if (row + 4 * i < end) {
                to[i].load(
                    qkv + (row + 4 * i) * stride + part.column, column + LanePlace().column, end_column, fast);
            }
        }
    }

    // Finishes the same rows in shared memory, where scaling * B h is.
    __device__ __forceinline__ void
    store(int row, int end, const Delta& delta, const Eight<__nv_bfloat16> (&values)[2], SharedHeads& shared) const {
        LanePlace lane;
#pragma unroll
        for (int i = 0; i < 2; i++) {
            if (row + 4 * i < end) {
                float v[8];
                values[i].unpack(v);
                float* to = shared.value[lane.row + 4 * i] + column - first_column + lane.column;
                delta.apply(to, column + lane.column, part.out, v);
                add_bias(part, column + lane.column, v);
                *reinterpret_cast<float4*>(to) = make_float4(v[0], v[1], v[2], v[3]);
                *reinterpret_cast<float4*>(to + 4) = make_float4(v[4], v[5], v[6], v[7]);
            }
        }
    }
};

}  // namespace lorikeet::rotation

extern "C" __global__ void __launch_bounds__(lorikeet::EXPAND_THREADS, lorikeet::ROTATE_BLOCKS) rotate_and_store(
    const lorikeet::Step* step, const __grid_constant__ lorikeet::Lora lora, const __grid_constant__ lorikeet::Rotation rotation, __nv_bfloat16* qkv) {
    using namespace lorikeet;
    using namespace lorikeet::rotation;
    __shared__ __align__(16) SharedHeads shared;
    release_next();
    int size = rotation.head_size;
    int all_tiles = step->all_tiles;
    int splits = splits_of(lora, step->tiles).count;
    // Few rows are spread over many blocks: a head and a strip each.
    int most_units = 2 * all_tiles * (rotation.heads + 2 * rotation.kv_heads);
    int heads_in_window = lora.run == 1 && most_units <= gridDim.x ? 1 : max(WINDOW / size, 1);
    int query_windows = divide_up(rotation.heads, heads_in_window);
    int kv_windows = divide_up(rotation.kv_heads, heads_in_window);
    int windows = query_windows + 2 * kv_windows;
    int strips = strips_apart(lora, all_tiles * windows);
    size_t stride = lora.columns;
    int warp = threadIdx.x / WARP;
    LanePlace lane;
    bool waited = false;
    int loaded_row = -1;  // the first row that h in shared memory is about, and its part
    int loaded_part = -1;
    int known_row = -1;  // what was read last
    int known_part = -1;
    Units mine = units_of(all_tiles * windows * strips, blockIdx.x, gridDim.x);
    for (int unit = mine.first; unit < mine.end; unit++) {
        int window = unit / strips % windows;
        int which = window < query_windows ? 0 : window < query_windows + kv_windows ? 1 : 2;
        window -= which == 0 ? 0 : which == 1 ? query_windows : query_windows + kv_windows;
        const LoraPart& part = lora.part[which];
        int first_head = window * heads_in_window;
        int heads = min(heads_in_window, (which == 0 ? rotation.heads : rotation.kv_heads) - first_head);
        Columns columns{part, first_head * size + warp * WARP_COLUMNS, first_head * size, (first_head + heads) * size,
                        false, stride, qkv};
        columns.fast = stride % 8 == 0 && (part.column + columns.first_column) % 8 == 0 && columns.end_column % 8 == 0
            && aligned(qkv, 16);
        const NormWeight& norm = which == 0 ? rotation.query : rotation.key;
        Tile tile = part_of(step->tile[unit / strips / windows], unit % strips, strips);
        if (tile.rows <= 0) {
            continue;
        }
        const AdapterModule* adapter = tile.adapter;
        const __nv_bfloat16* weight = which == 2 ? nullptr : weight_of(norm, adapter);
        Delta delta;
        delta.load(lora.shrunk == nullptr ? nullptr : adapter, part);
        Ranks first[2];
        delta.start(
            columns.column, part.out, heads_in_window * size, known_row != tile.row || known_part != which, first);
        known_row = tile.row;
        known_part = which;
        __syncthreads();
        shared.slots.find(step, tile, size);
        if (!waited) {
            wait_for_previous();
            waited = true;
        }
        int last_row = tile.row + tile.rows;
        Eight<__nv_bfloat16> values[2];
        Eight<__nv_bfloat16> next[2];
        columns.load(tile.row + lane.row, last_row, values);
        columns.load(tile.row + STRIP + lane.row, last_row, next);
#pragma unroll 1
        for (int strip = 0; strip < tile.rows; strip += STRIP) {
            int row = tile.row + strip;
            __syncthreads();
            if (delta.rank > 0 && strip == 0 && (loaded_row != row || loaded_part != which)) {
                loaded_row = row;
                loaded_part = which;
                shared.ranks.load(lora, which, delta.rank, row, tile.rows, splits);
                __syncthreads();
            }
            delta.expand(
                shared.ranks, first, strip, columns.column, part.out, shared.value[0] + warp * WARP_COLUMNS,
                WINDOW + 4);
            columns.store(row + lane.row, last_row, delta, values, shared);
            values[0] = next[0];
            values[1] = next[1];
            __syncthreads();
            for (int i = warp; i < min(last_row - row, STRIP) * heads; i += WARPS) {
                int r = i / heads;
                int head = i % heads;
                int slot = row - tile.row + r;
                float* head_values = shared.value[r] + head * size;
                if (which < 2) {
                    turn(head_values, size, norm, weight, shared.slots.token[slot]);
                }
                __nv_bfloat16* to = which == 0
                    ? qkv + (row + r) * stride + part.column + columns.first_column + head * size
                    : cached_head(rotation, shared.slots.token[slot], which == 2, first_head + head);
                store_head(head_values, size, to);
            }
        }
    }
    leave(waited);
}

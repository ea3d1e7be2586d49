// Finishes q, k and v of decode steps with adapters: see lora.cuh and decode_delta.cuh.
//
// A block has neighbouring heads of one part, a warp a window of their columns; then the warps norm, turn and store head
// by head.
#include "decode_delta.cuh"
#include "rotation.cuh"

namespace lorikeet::rotation_decode {

constexpr int WARPS = EXPAND_THREADS / WARP;

// The rows at hand in shared memory: so many columns of each, and four to spare.
constexpr int VALUES = STRIP * (WARPS * WARP_COLUMNS + 4);

// How the heads are cut into windows of blocks.
struct Windows {
    int heads;  // in a window
    int query;  // windows
    int kv;

    __device__ __forceinline__ Windows(const Rotation& rotation, int heads_) : heads(heads_) {
        query = divide_up(rotation.heads, heads);
        kv = divide_up(rotation.kv_heads, heads);
    }

    __device__ __forceinline__ int count() const { return query + 2 * kv; }
};

// A block's share of the work, as one of its warps sees it.
struct Walk {
    static constexpr int PARTS = 1;

    const Step* step;
    const Lora& lora;
    const Rotation& rotation;
    decoding::Cut cut;
    Windows windows;
    int strips;  // of a tile that are taken apart
    int end;
    int unit;
    const AdapterModule* adapter;
    int row;
    int last_row;
    int which;         // part
    int first_head;    // of the window
    int heads;         // in it
    int first_column;  // of them
    int column;        // of the warp
    int limit;

    __device__ __forceinline__ int part(int) const { return which; }

    __device__ __forceinline__ bool done() const { return unit >= end; }

    __device__ __forceinline__ Tile tile() const {
        return part_of(step->tile[unit / strips / windows.count()], unit % strips, strips);
    }

    // Takes the unit at hand, or the next that has rows.
    __device__ __forceinline__ void take() {
#pragma unroll 1
        for (; unit < end; unit++) {
            Tile mine = tile();
            if (mine.rows <= 0) {
                continue;
            }
            adapter = mine.adapter;
            row = mine.row;
            last_row = mine.row + mine.rows;
            int window = unit / strips % windows.count();
            which = window < windows.query ? 0 : window < windows.query + windows.kv ? 1 : 2;
            window -= which == 0 ? 0 : which == 1 ? windows.query : windows.query + windows.kv;
            first_head = window * windows.heads;
            heads = min(windows.heads, (which == 0 ? rotation.heads : rotation.kv_heads) - first_head);
            first_column = first_head * rotation.head_size;
            column = first_column + static_cast<int>(threadIdx.x) / WARP * cut.width();
            limit = first_column + heads * rotation.head_size;
            return;
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

__device__ __forceinline__ int heads_in_window(const Rotation& rotation, int groups) {
    return max(WARPS * groups * WARP_COLUMNS / rotation.head_size, 1);
}

}  // namespace lorikeet::rotation_decode

extern "C" __global__ void __launch_bounds__(lorikeet::EXPAND_THREADS, lorikeet::ROTATE_DECODE_BLOCKS) rotate_decode(
    const lorikeet::Step* step,
    const __grid_constant__ lorikeet::Lora lora,
    const __grid_constant__ lorikeet::Rotation rotation,
    __nv_bfloat16* qkv) {
    using namespace lorikeet;
    using rotation::Slots;
    using namespace lorikeet::rotation_decode;
    extern __shared__ __align__(16) unsigned char memory[];
    __shared__ __align__(16) float values[VALUES];
    __shared__ Slots slots;
    if (!decoding::HAS_PRODUCTS) {
        return;
    }
    release_next();
    int warp = threadIdx.x / WARP;
    auto& slices = reinterpret_cast<decoding::Slice(*)[decoding::STAGES]>(memory)[warp];
    int size = rotation.head_size;
    int tiles = step->all_tiles;
    decoding::Cut cut = decoding::cut_of(step, gridDim.x, [&](int groups) {
        return tiles * Windows(rotation, heads_in_window(rotation, groups)).count();
    });
    Windows windows(rotation, heads_in_window(rotation, cut.groups()));
    if (cut.halvings == 0 && tiles * Windows(rotation, 1).count() <= gridDim.x) {
        windows = Windows(rotation, 1);  // few rows are spread over many blocks
    }
    int strips = decoding::strips_apart(step, tiles * windows.count(), gridDim.x);
    Units mine = decoding::share_of(tiles * windows.count() * strips, blockIdx.x, gridDim.x);
    Walk walk{step, lora, rotation, cut, windows, strips, mine.end, mine.first};
    walk.take();
    if (walk.done()) {
        leave(false);
        return;
    }
    decoding::Feed<Walk> feed(lora, cut, walk);
    slots.find(step, walk.tile(), size);
    auto ring = decoding::start(slices, feed);
    size_t stride = lora.columns;
    decoding::Place place(cut);
    int pitch = WARPS * cut.width() + 4;
    int known_row = walk.tile().row;  // of the tile that `slots` is about
    for (; !walk.done(); walk.next()) {
        const LoraPart& part = lora.part[walk.which];
        bool fast = stride % 8 == 0 && (part.column + walk.first_column) % 8 == 0 && walk.limit % 8 == 0
            && aligned(qkv, 16);
        int column = walk.column + place.column;
        Eight<__nv_bfloat16> y[2];
#pragma unroll
        for (int i = 0; i < 2; i++) {
            int row = walk.row + place.row + i * place.apart;
            if (row < walk.last_row) {
                y[i].load(qkv + row * stride + part.column, column, walk.limit, fast);
            }
        }
        const int rank = decoding::rank_of(lora, walk.adapter, walk.which);
        StagedProduct product;
        product.clear();
        decoding::add(product, ring, feed, cut, rank, walk.limit - walk.column);
        __syncthreads();  // the rows before have been stored
        Tile tile = walk.tile();
        if (known_row != tile.row) {
            known_row = tile.row;
            slots.find(step, tile, size);
        }
#pragma unroll
        for (int i = 0; i < 2; i++) {
            int row = walk.row + place.row + i * place.apart;
            if (row < walk.last_row) {
                float v[8];
                y[i].unpack(v);
                if (rank > 0) {
                    product.apply(walk.adapter[part.slot], i, column, part.out, v);
                }
                add_bias(part, column, v);
                float* to = values + (place.row + i * place.apart) * pitch + column - walk.first_column;
                *reinterpret_cast<float4*>(to) = make_float4(v[0], v[1], v[2], v[3]);
                *reinterpret_cast<float4*>(to + 4) = make_float4(v[4], v[5], v[6], v[7]);
            }
        }
        __syncthreads();
        const NormWeight& norm = walk.which == 0 ? rotation.query : rotation.key;
        const __nv_bfloat16* weight = walk.which == 2 ? nullptr : lorikeet::rotation::weight_of(norm, walk.adapter);
        int first_slot = walk.row - tile.row;
        for (int i = warp; i < min(walk.last_row - walk.row, cut.rows()) * walk.heads; i += WARPS) {
            int r = i / walk.heads;
            int head = i % walk.heads;
            float* head_values = values + r * pitch + head * size;
            const lorikeet::rotation::Token& token = slots.token[first_slot + r];
            if (walk.which < 2) {
                lorikeet::rotation::turn(head_values, size, norm, weight, token);
            }
            __nv_bfloat16* to = walk.which == 0
                ? qkv + (walk.row + r) * stride + part.column + walk.first_column + head * size
                : lorikeet::rotation::cached_head(rotation, token, walk.which == 2, walk.first_head + head);
            lorikeet::rotation::store_head(head_values, size, to);
        }
    }
}

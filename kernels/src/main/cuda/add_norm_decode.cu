// residual += y; out = norm(residual) of decode steps with adapters: see lora.cuh and decode_delta.cuh.
//
// The blocks of a cluster are cut into teams, each with a tile of its own: of few tiles all blocks have the same one, of
// many tiles one or two blocks. A warp's windows are a team's width apart; the teams' sums of squares are exchanged.
#include "cluster.cuh"
#include "decode_delta.cuh"
#include "norm.cuh"

namespace lorikeet::add_norm_decoding {

constexpr int WARPS = ADD_NORM_THREADS / WARP;
constexpr int MAX_CLUSTER = 8;

struct SharedSums {
    float warp[WARPS][TILE_ROWS];
    float block[2][MAX_CLUSTER][TILE_ROWS];  // of all blocks of the team; two tiles in turn
};

// One of `count` tiles, or strips of them, if these are taken apart.
__device__ __forceinline__ Tile tile_of(const Step* step, int count, int index) {
    bool apart = count > step->all_tiles;
    return apart ? part_of(step->tile[index / 2], index % 2, 2) : step->tile[index];
}

// A team's tiles, as one of its warps goes through them.
struct Walk {
    static constexpr int PARTS = 1;

    const Step* step;
    decoding::Cut cut;
    int limit;   // columns
    int first;   // the warp's first column
    int stride;  // columns from one of its windows to the next
    int tiles;   // or strips of them
    int every;   // tiles from one of the team's to the next
    int index;   // of the tile
    const AdapterModule* adapter;
    int row;
    int last_row;
    int column;

    static __device__ __forceinline__ int part(int) { return 0; }

    __device__ __forceinline__ bool done() const { return index >= tiles; }

    // Takes the tile at hand, or the next that has rows.
    __device__ __forceinline__ void take() {
#pragma unroll 1
        for (; index < tiles; index += every) {
            Tile tile = tile_of(step, tiles, index);
            if (tile.rows > 0) {
                adapter = tile.adapter;
                row = tile.row;
                last_row = tile.row + tile.rows;
                column = first;
                return;
            }
        }
    }

    __device__ __forceinline__ void next() {
        column += stride;
        if (column >= limit) {
            column = first;
            row += cut.rows();
            if (row >= last_row) {
                index += every;
                take();
            }
        }
    }
};

// Adds a lane's sums to those of all lanes that have the same rows.
__device__ __forceinline__ void sum_over_warp(decoding::Cut cut, float (&square)[2]) {
#pragma unroll
    for (int i = 0; i < 2; i++) {
#pragma unroll
        for (int mask = 4; mask < WARP; mask *= 2) {
            square[i] += __shfl_xor_sync(ALL_LANES, square[i], mask);
        }
        if (cut.halvings > 0) {
            square[i] += __shfl_xor_sync(ALL_LANES, square[i], 2);
        }
        if (cut.halvings == 2) {
            square[i] += __shfl_xor_sync(ALL_LANES, square[i], 1);
        }
    }
}

// Blocks that a team needs so that each warp has a window.
__device__ __forceinline__ int team_of(int size, int groups, int blocks) {
    int wanted = divide_up(size, groups * WARP_COLUMNS * WARPS);
    int team = 1;
    while (team < wanted && team < blocks) {
        team *= 2;
    }
    return team;
}

}  // namespace lorikeet::add_norm_decoding

extern "C" __global__ void __launch_bounds__(lorikeet::ADD_NORM_THREADS, lorikeet::ADD_NORM_DECODE_BLOCKS)
    add_norm_decode(
        const lorikeet::Step* step,
        const __grid_constant__ lorikeet::Lora lora,
        const __grid_constant__ lorikeet::NormWeight norm,
        const __nv_bfloat16* delta,
        float* residual,
        __nv_bfloat16* out) {
    using namespace lorikeet;
    using namespace lorikeet::add_norm_decoding;
    extern __shared__ __align__(16) unsigned char memory[];
    __shared__ SharedSums sums;
    if (!decoding::HAS_PRODUCTS) {
        return;
    }
    release_next();
    const lorikeet::Place cluster = place_in_cluster();
    arrive_at_cluster();  // a block's shared memory may be written to once it has started
    int warp = threadIdx.x / WARP;
    auto& slices = reinterpret_cast<decoding::Slice(*)[decoding::STAGES]>(memory)[warp];
    int size = lora.part[0].out;
    int tiles = step->all_tiles;
    int clusters = gridDim.x / cluster.blocks;
    // The narrowest windows with which all tiles are under way at once, if their rows fit.
    decoding::Cut cut = decoding::cut_of(step, 0, [](int) { return 0; });
    while (cut.halvings > 0 && tiles <= clusters * (cluster.blocks / team_of(size, cut.groups() / 2, cluster.blocks))) {
        cut.halvings--;
    }
    int team = team_of(size, cut.groups(), cluster.blocks);
    int teams = cluster.blocks / team;
    tiles *= decoding::strips_apart(step, tiles, clusters * teams);
    int member = cluster.self % team;
    int mine = blockIdx.x / cluster.blocks * teams + cluster.self / team;  // the first tile
    int all_teams = clusters * teams;
    int first = (member * WARPS + warp) * cut.width();
    Walk walk{step, cut, size, first, team * WARPS * cut.width(), first < size ? tiles : 0, all_teams, mine};
    walk.take();
    if (mine - cluster.self / team >= tiles) {
        leave(false);
        wait_for_cluster();
        return;
    }
    decoding::Feed<Walk> feed(lora, cut, walk);
    if (!walk.done() && walk.adapter != nullptr) {  // to be looked at when the sums are there
        asm volatile("prefetch.global.L1 [%0];" ::"l"(walk.adapter + norm.slot));
    }
    auto ring = decoding::start(slices, feed);
    wait_for_cluster();
    bool fast = size % 8 == 0 && aligned(delta, 16) && aligned(residual, 16) && aligned(out, 16);
    decoding::Place place(cut);
    int turn = 0;
#pragma unroll 1
    for (int index = mine; index - cluster.self / team < tiles; index += all_teams) {
        Tile tile{nullptr, 0, 0};
        if (index < tiles) {
            tile = tile_of(step, tiles, index);
        }
        const AdapterModule* adapter = tile.adapter;
        const __nv_bfloat16* weight = norm.weight;
        if (adapter != nullptr && adapter[norm.slot].kind == MODULE_REPLACED) {
            weight = adapter[norm.slot].weight;
        }
        const int rank = decoding::rank_of(lora, adapter, 0);
        Eight<float> kept[2];  // the last strip's last window
#pragma unroll 1
        for (int strip = 0; strip < tile.rows; strip += cut.rows()) {
            float square[2] = {0, 0};
#pragma unroll 1
            for (int at = first; at < size; at += walk.stride) {
                int column = at + place.column;
                Eight<__nv_bfloat16> values[2];
#pragma unroll
                for (int i = 0; i < 2; i++) {
                    int r = strip + place.row + i * place.apart;
                    size_t row = static_cast<size_t>(tile.row + r) * size;
                    int end = r < tile.rows ? size : 0;
                    values[i].load(delta + row, column, end, fast);
                    kept[i].load(residual + row, column, end, fast);
                }
                StagedProduct product;
                product.clear();
                decoding::add(product, ring, feed, cut, rank, size - at);
#pragma unroll
                for (int i = 0; i < 2; i++) {
                    int r = strip + place.row + i * place.apart;
                    if (r < tile.rows) {
                        float v[8];
                        values[i].unpack(v);
                        if (rank > 0) {
                            product.apply(adapter[lora.part[0].slot], i, column, size, v);
                        }
                        add_bias(lora.part[0], column, v);
#pragma unroll
                        for (int c = 0; c < 8; c++) {
                            kept[i].value[c] += v[c];
                            square[i] += kept[i].value[c] * kept[i].value[c];
                        }
                        store_row8(
                            residual + static_cast<size_t>(tile.row + r) * size, column, size, fast, kept[i].value);
                    }
                }
            }
            sum_over_warp(cut, square);
            if (threadIdx.x % WARP < cut.rows() / 2) {
                sums.warp[warp][strip + place.row] = square[0];
                sums.warp[warp][strip + place.row + place.apart] = square[1];
            }
        }
        int last_strip = (tile.rows - 1) / cut.rows() * cut.rows();
        int last_column = first + (size - 1 - first) / walk.stride * walk.stride;
        Eight<__nv_bfloat16> kept_weight = norm_weight(weight, last_column + place.column, size, fast);
        __syncthreads();
        if (threadIdx.x < TILE_ROWS * team) {
            int row = threadIdx.x % TILE_ROWS;
            float sum = 0;
#pragma unroll
            for (int w = 0; w < WARPS; w++) {
                sum += sums.warp[w][row];
            }
            int to = cluster.self - member + threadIdx.x / TILE_ROWS;
            *of_block(&sums.block[turn][member][row], to) = sum;
        }
        synchronize_cluster();
#pragma unroll 1
        for (int strip = 0; strip < tile.rows; strip += cut.rows()) {
#pragma unroll
            for (int i = 0; i < 2; i++) {
                int r = strip + place.row + i * place.apart;
                if (r >= tile.rows) {
                    continue;
                }
                float square = 0;
                for (int b = 0; b < team; b++) {
                    square += sums.block[turn][b][r];
                }
                float factor = rsqrtf(square / size + norm.epsilon);
                size_t row = static_cast<size_t>(tile.row + r) * size;
#pragma unroll 1
                for (int at = first; at < size; at += walk.stride) {
                    int column = at + place.column;
                    if (strip == last_strip && at == last_column) {
                        store_norm(out + row, column, size, fast, kept_weight, factor, kept[i].value);
                    } else {
                        Eight<float> again;
                        again.load(residual + row, column, size, fast);
                        store_norm(out + row, column, size, fast, norm_weight(weight, column, size, fast), factor,
                                   again.value);
                    }
                }
            }
        }
        turn ^= 1;
    }
}

// residual += y; out = norm(residual), of many tokens: see lora.cuh.
//
// A cluster of blocks has a tile, each warp 64 of its columns. The sums are only ever in registers; those of their squares
// are exchanged between the blocks.
#include "cluster.cuh"
#include "prompt.cuh"

namespace lorikeet::add_norm_prompts {

using namespace prompts;

constexpr int MOST_WARPS = ADD_NORM_PROMPT_MOST_THREADS / WARP;
constexpr int MAX_CLUSTER = 8;

// What is on its way to one thread: by octet and row, the projection and two halves of the residual.
struct WarpRows {
    uint4 y[OCTETS][2][WARP];
    float4 residual[OCTETS][2][2][WARP];
};

struct Squares {
    float warp[MOST_WARPS][TILE_ROWS];
    float block[2][MAX_CLUSTER][TILE_ROWS];  // of all blocks of the cluster; two tiles in turn
};

// Gives the warps' sums of a tile to all blocks of the cluster.
__device__ __forceinline__ void exchange(Squares& squares, int turn, int blocks, int self) {
    __syncthreads();
    int row = threadIdx.x % TILE_ROWS;
    for (int to = threadIdx.x / TILE_ROWS; to < blocks; to += blockDim.x / TILE_ROWS) {
        float sum = 0;
        for (int w = 0; w < blockDim.x / WARP; w++) {
            sum += squares.warp[w][row];
        }
        *of_block(&squares.block[turn][self][row], to) = sum;
    }
    synchronize_cluster();
}

}  // namespace lorikeet::add_norm_prompts

extern "C" __global__ void __launch_bounds__(lorikeet::ADD_NORM_PROMPT_MOST_THREADS, 1) add_norm_prompt(
    const lorikeet::Step* step,
    const __grid_constant__ lorikeet::Lora lora,
    const __grid_constant__ lorikeet::NormWeight norm,
    const __nv_bfloat16* delta,
    float* residual,
    __nv_bfloat16* out) {
    using namespace lorikeet;
    using namespace lorikeet::add_norm_prompts;
    extern __shared__ uint4 dynamic[];
    __shared__ Squares squares;
    release_next();
    const auto [self, blocks] = place_in_cluster();
    arrive_at_cluster();  // a block's shared memory may be written to once it has started
    int warp = threadIdx.x / WARP;
    int lane = threadIdx.x % WARP;
    int chunks = add_norm_prompt_chunks(lora);
    unsigned char* own = reinterpret_cast<unsigned char*>(dynamic)
        + warp * static_cast<int>(sizeof(WarpRows) + chunks * (sizeof(BChunk) + sizeof(HChunk<WARP>)));
    WarpRows& rows = *reinterpret_cast<WarpRows*>(own);
    BChunk* b = reinterpret_cast<BChunk*>(own + sizeof(WarpRows));
    HChunk<WARP>* h = reinterpret_cast<HChunk<WARP>*>(b + chunks);
    const LoraPart& part = lora.part[0];
    int size = part.out;
    int first_column = (self * static_cast<int>(blockDim.x) / WARP + warp) * COLUMNS;
    int column = first_column + lane % 4 * 8;  // this lane's
    auto column_of = [&](int c) { return first_column + c < size ? first_column + c : -1; };
    int q = lane / 4;
    const AdapterModule* known = nullptr;  // whose B is at hand, if all of it is
    bool waited = false;
    [[maybe_unused]] bool all_started = false;
    int turn = 0;

    // Starts to copy what a tile needs. What is there has been used.
    auto start = [&](const Tile& tile) {
        const AdapterModule* adapter = lora.shrunk == nullptr ? nullptr : tile.adapter;
        int rank = rank_of(adapter, part);
        if (rank > 0 && adapter != known) {
            fetch_b(b, adapter[part.slot], 0, chunks, lane, WARP, column_of);
            known = rank <= 16 * chunks ? adapter : nullptr;
        }
        if (!waited) {
            wait_for_previous();
            waited = true;
        }
        int row[2] = {tile.row + min(q, tile.rows - 1), tile.row + min(q + 8, tile.rows - 1)};
#pragma unroll
        for (int i = 0; i < 2; i++) {
#pragma unroll
            for (int o = 0; o < OCTETS; o++) {
                bool exists = q + 8 * i < tile.rows && column + 32 * o < size;
                size_t at = exists ? static_cast<size_t>(row[i]) * size + column + 32 * o : 0;
                copy16_later(&rows.y[o][i][lane], delta + at, exists);
                copy16_later(&rows.residual[o][i][0][lane], residual + at, exists);
                copy16_later(&rows.residual[o][i][1][lane], residual + at + 4, exists);
            }
        }
        fetch_h(h, lora, 0, row, rank, 0, chunks, lane);
        end_of_copies();
    };

    Units mine = units_of(step->all_tiles, blockIdx.x / blocks, gridDim.x / blocks);
    Tile tile{};
    if (mine.first < mine.end) {
        tile = step->tile[mine.first];
        start(tile);
    }
    for (int t = mine.first; t < mine.end; t++, turn ^= 1) {
        const AdapterModule* adapter = lora.shrunk == nullptr ? nullptr : tile.adapter;
        int rank = rank_of(adapter, part);
        int row[2] = {tile.row + min(q, tile.rows - 1), tile.row + min(q + 8, tile.rows - 1)};
        TileProduct product;
        product.clear();
        copies_arrived<0>();
#pragma unroll 1
        for (int first = 0; first < rank; first += 16 * chunks) {
            __syncwarp();
            if (first > 0) {
                fetch_b(b, adapter[part.slot], first, chunks, lane, WARP, column_of);
                fetch_h(h, lora, 0, row, rank, first, chunks, lane);
                end_of_copies();
                copies_arrived<0>();
                __syncwarp();
            }
#pragma unroll 1
            for (int i = 0; i < chunks && first + 16 * i < rank; i++) {
                product.add(b[i], h[i].row[0][lane], h[i].row[1][lane]);
            }
        }
        Change change(adapter, part);
        float v[2][OCTETS][8];
#pragma unroll
        for (int i = 0; i < 2; i++) {
            float square = 0;
#pragma unroll
            for (int o = 0; o < OCTETS; o++) {
                float(&sum)[8] = v[i][o];
                int at = column + 32 * o;
                bool exists = q + 8 * i < tile.rows && at < size;
                Eight<__nv_bfloat16>{rows.y[o][i][lane]}.unpack(sum);
                if (exists) {
                    change.apply(product, i, o, part, at, sum);
                }
                float4 low4 = rows.residual[o][i][0][lane];
                float4 high4 = rows.residual[o][i][1][lane];
                sum[0] += low4.x, sum[1] += low4.y, sum[2] += low4.z, sum[3] += low4.w;
                sum[4] += high4.x, sum[5] += high4.y, sum[6] += high4.z, sum[7] += high4.w;
                if (exists) {
                    store_row8(residual + static_cast<size_t>(row[i]) * size, at, size, true, sum);
#pragma unroll
                    for (int c = 0; c < 8; c++) {
                        square += sum[c] * sum[c];
                    }
                }
            }
            square += __shfl_xor_sync(ALL_LANES, square, 1);
            square += __shfl_xor_sync(ALL_LANES, square, 2);
            if (lane % 4 == 0) {
                squares.warp[warp][q + 8 * i] = square;
            }
        }
        Tile next{};
        if (t + 1 < mine.end) {
            next = step->tile[t + 1];
            __syncwarp();
            start(next);
        }
        if (!all_started) {
            wait_for_cluster();
            all_started = true;
        }
        exchange(squares, turn, blocks, self);
        const __nv_bfloat16* weight = norm.weight;
        if (tile.adapter != nullptr && tile.adapter[norm.slot].kind == MODULE_REPLACED) {
            weight = tile.adapter[norm.slot].weight;
        }
        bool fast = aligned(weight, 16);
#pragma unroll
        for (int i = 0; i < 2; i++) {
            if (q + 8 * i >= tile.rows) {
                continue;
            }
            float square = 0;
            for (int k = 0; k < blocks; k++) {
                square += squares.block[turn][k][q + 8 * i];
            }
            float factor = rsqrtf(square / size + norm.epsilon);
#pragma unroll
            for (int o = 0; o < OCTETS; o++) {
                int at = column + 32 * o;
                if (at < size) {
                    Eight<__nv_bfloat16> packed;
                    packed.load(weight, at, size, fast);
                    float w[8];
                    packed.unpack(w);
#pragma unroll
                    for (int c = 0; c < 8; c++) {
                        v[i][o][c] *= factor * w[c];
                    }
                    store_row8(out + static_cast<size_t>(row[i]) * size, at, size, true, v[i][o]);
                }
            }
        }
        tile = next;
    }
    leave(waited);
    if (!all_started) {
        wait_for_cluster();
    }
}

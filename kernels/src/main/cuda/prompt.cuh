// The adapters' part of projections of many tokens, for the kernels that finish them.
//
// A warp finishes sixteen rows, a tile, in 64 columns. B comes through shared memory, in the order in which the tensor
// cores take it; h comes from memory, as `shrink_prompt` left it. What a lane gets are 8 neighbouring columns, as they
// lie in memory, twice, of two rows: nothing goes through shared memory again.
#pragma once

#include "copies.cuh"
#include "delta.cuh"

namespace lorikeet::prompts {

constexpr int COLUMNS = 64;  // of a warp
constexpr int OCTETS = 2;    // of neighbouring columns, of a lane
constexpr int CHUNKS = PROMPT_CHUNKS;

// Sixteen ranks of B in 64 columns: tile n of the products has columns 8 o + 2 n, + 1 of octets o of the first half,
// tile 4 + n those of the second.
struct alignas(16) BChunk {
    uint2 b[COLUMNS / 8][8][4];
};

// Starts to copy `chunks` times sixteen ranks of B from rank `from` on, those that exist. column_of gives the column of
// the part for one of the 64, or -1. The copies are shared among `threads` threads, of which this is number `thread`.
template <typename ColumnOf>
__device__ __forceinline__ void
fetch_b(BChunk* to, const AdapterModule& change, int from, int chunks, int thread, int threads, ColumnOf column_of) {
    int rank = is_low_rank(change) ? change.rank : 0;
    int wanted = min(chunks, divide_up(rank - from, 16));
    const __nv_bfloat16* b = change.b;
    int wide = rank % 8 == 0 && aligned(b, 16) ? 8 : rank % 4 == 0 && aligned(b, 8) ? 4 : 1;
#pragma unroll 1
    for (int i = thread; i < 2 * COLUMNS * wanted; i += threads) {
        int c = i / 2 % COLUMNS;
        int chunk = i / (2 * COLUMNS);
        int column = column_of(c);
        int at = from + 16 * chunk + i % 2 * 8;
        copy_values_later(
            &to[chunk].b[c / 32 * 4 + c % 8 / 2][c / 8 % 4 * 2 + c % 2][i % 2 * 2],
            b + static_cast<size_t>(max(column, 0)) * rank + at, column < 0 ? 0 : rank - at, wide, b);
    }
}

// h of a lane's two rows for sixteen ranks: each of so many threads its own.
template <int THREADS>
struct HChunk {
    uint4 row[2][THREADS];
};

// Starts to copy it from rank `from` on, where the part has `rank` of them; thread: whose place it gets.
template <int THREADS>
__device__ __forceinline__ void fetch_h(
    HChunk<THREADS>* to, const Lora& lora, int part, const int (&row)[2], int rank, int from, int chunks, int thread) {
#pragma unroll 1
    for (int i = 0; i < chunks && from + 16 * i < rank; i++) {
#pragma unroll
        for (int j = 0; j < 2; j++) {
            copy16_later(&to[i].row[j][thread],
                         lora.shrunk + shrunk_at(lora, part, row[j], 1) + from + 16 * i + thread % 4 * 4, true);
        }
    }
}

// B h of a tile in a warp's columns. Lane 4 q + c has octets c and 4 + c of rows q and q + 8.
struct TileProduct {
    float value[COLUMNS / 8][4];

    __device__ __forceinline__ void clear() {
#pragma unroll
        for (int n = 0; n < COLUMNS / 8; n++) {
#pragma unroll
            for (int i = 0; i < 4; i++) {
                value[n][i] = 0;
            }
        }
    }

    // first, second: h of this lane's rows, the values and what they lack.
    __device__ __forceinline__ void add(const BChunk& chunk, uint4 first, uint4 second) {
        int lane = threadIdx.x % WARP;
#pragma unroll
        for (int half = 0; half < COLUMNS / 8; half += 4) {  // so that a product doesn't wait for the one before
            uint2 b[4];
#pragma unroll
            for (int n = 0; n < 4; n++) {
                b[n] = chunk.b[half + n][lane / 4][lane % 4];
            }
#pragma unroll
            for (int n = 0; n < 4; n++) {
                mma(value[half + n], first.x, second.x, first.y, second.y, b[n].x, b[n].y);
            }
#pragma unroll
            for (int n = 0; n < 4; n++) {
                mma(value[half + n], first.z, second.z, first.w, second.w, b[n].x, b[n].y);
            }
        }
    }

    // row: 0 or 1; octet: 0 or 1; column: of the octet.
    __device__ __forceinline__ float at(int row, int octet, int column) const {
        return value[4 * octet + column / 2][2 * row + column % 2];
    }
};

// The rank of what an adapter, or none, adds to a part.
__device__ __forceinline__ int rank_of(const AdapterModule* adapter, const LoraPart& part) {
    return adapter != nullptr && is_low_rank(adapter[part.slot]) ? adapter[part.slot].rank : 0;
}

// What one adapter does to one part of a projection, its B aside.
struct Change {
    const __nv_bfloat16* lora_bias;
    const float* magnitude;
    float scaling;
    int rank;  // 0: nothing

    Change() = default;

    __device__ __forceinline__ Change(const AdapterModule* adapter, const LoraPart& part)
        : lora_bias(nullptr), magnitude(nullptr), scaling(0), rank(rank_of(adapter, part)) {
        if (rank > 0) {
            const AdapterModule& change = adapter[part.slot];
            lora_bias = change.lora_bias;
            magnitude = change.magnitude;
            scaling = change.scaling;
        }
    }

    // Finishes 8 columns from `column` on.
    __device__ __forceinline__ void
    apply(const TileProduct& product, int row, int octet, const LoraPart& part, int column, float (&y)[8]) const {
        if (rank > 0) {
#pragma unroll
            for (int c = 0; c < 8; c++) {
                y[c] += scaling * product.at(row, octet, c);
            }
            if (lora_bias != nullptr) {
#pragma unroll
                for (int c = 0; c < 8; c++) {
                    y[c] += scaling * __bfloat162float(lora_bias[column + c]);
                }
            }
            if (magnitude != nullptr) {
#pragma unroll
                for (int c = 0; c < 8; c++) {
                    y[c] *= magnitude[column + c];
                }
            }
        }
        if (part.bias != nullptr) {
#pragma unroll
            for (int c = 0; c < 8; c++) {
                y[c] += __bfloat162float(part.bias[column + c]);
            }
        }
    }
};

// Four tiles, one for each warp of a block of EXPAND_THREADS threads. Neighbours of the same adapter share what is read
// of B: a run.
struct FourTiles {
    const Tile* tile;  // the first
    int tiles;         // that there are
    int runs;
    const AdapterModule* mine;  // of this warp's tile; null: nothing is added
    int run;                    // of this warp's tile, if it has an adapter
    int rows;                   // of this warp's tile; 0: it has none
    int row[2];                 // this lane's; what doesn't exist is the tile's last one

    FourTiles() = default;

    __device__ __forceinline__ FourTiles(const Step* step, const Lora& lora, int number)
        : tile(step->tile + number), tiles(min(step->all_tiles - number, SUPER_TILE)), runs(0), mine(nullptr),
          run(0), rows(0) {
        const AdapterModule* before = nullptr;
        int begin = 0;
#pragma unroll
        for (int i = 0; i < SUPER_TILE; i++) {
            Tile one{nullptr, 0, 0};
            if (i < tiles) {
                one = tile[i];
            }
            const AdapterModule* own = lora.shrunk == nullptr ? nullptr : one.adapter;
            runs += own != nullptr && own != before;
            before = own;
            if (i == threadIdx.x / WARP) {
                mine = own;
                run = runs - 1;
                begin = one.row;
                rows = one.rows;
            }
        }
#pragma unroll
        for (int i = 0; i < 2; i++) {
            row[i] = begin + min(static_cast<int>(threadIdx.x) % WARP / 4 + 8 * i, max(rows - 1, 0));
        }
    }

    // Whether this lane has row `i`.
    __device__ __forceinline__ bool exists(int i) const {
        return static_cast<int>(threadIdx.x) % WARP / 4 + 8 * i < rows;
    }

    // Calls `use` for the adapter of each run.
    template <typename Use>
    __device__ __forceinline__ void for_each_run(Use use) const {
        const AdapterModule* before = nullptr;
#pragma unroll 1
        for (int i = 0; i < (runs > 1 ? tiles : runs); i++) {  // tiles with an adapter come first
            const AdapterModule* own = tile[i].adapter;
            if (own != nullptr && own != before) {
                use(own);
            }
            before = own;
        }
    }

    // Chunks of ranks that a run has in shared memory at a time.
    __device__ __forceinline__ int chunks(const Lora& lora) const {
        return min(prompt_chunks(lora), runs <= 1 ? CHUNKS : runs == 2 ? CHUNKS / 2 : 1);
    }

    // The largest rank of a part.
    __device__ __forceinline__ int most_ranks(const LoraPart& part) const {
        int most = 0;
        for_each_run([&](const AdapterModule* adapter) { most = max(most, rank_of(adapter, part)); });
        return most;
    }

    // Starts to copy B of a part from rank `from` on for all runs, by all threads of the block.
    template <typename ColumnOf>
    __device__ __forceinline__ void
    fetch_b_of_runs(BChunk (&b)[CHUNKS], const Lora& lora, int part, int from, ColumnOf column_of) const {
        int each = chunks(lora);
        BChunk* next = b;
        for_each_run([&](const AdapterModule* adapter) {
            fetch_b(next, adapter[lora.part[part].slot], from, each, threadIdx.x, EXPAND_THREADS, column_of);
            next += each;
        });
    }

    // Starts to copy h of this lane's rows, where the part has `rank` of them.
    __device__ __forceinline__ void
    fetch_h_of_rows(HChunk<EXPAND_THREADS>* h, const Lora& lora, int part, int rank, int from) const {
        if (rows > 0) {
            fetch_h(h, lora, part, row, rank, from, chunks(lora), threadIdx.x);
        }
    }

    // Multiplies what is at hand of this warp's run: from rank `from` on, where the part has `rank` of them.
    __device__ __forceinline__ void multiply(
        TileProduct& product, const BChunk (&b)[CHUNKS], const HChunk<EXPAND_THREADS>* h, const Lora& lora, int rank,
        int from) const {
        int each = rows == 0 ? 0 : chunks(lora);
#pragma unroll 1
        for (int i = 0; i < each && from + 16 * i < rank; i++) {
            product.add(b[run * each + i], h[i].row[0][threadIdx.x], h[i].row[1][threadIdx.x]);
        }
    }
};

}  // namespace lorikeet::prompts

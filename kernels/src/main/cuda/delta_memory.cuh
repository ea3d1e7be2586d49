// What the adapters add to tiles of a decode product, in a block's shared memory: left there by the threads behind the
// product's (tile_delta.cuh), taken by the ending.
#pragma once

#include "adapted_memory.cuh"
#include "decode_endings.cuh"
#include "handover.cuh"

namespace lorikeet::decode_product {

constexpr int DELTA_THREADS = DECODE_PRODUCT_SHRINK_THREADS;
constexpr int DELTA_WARPS = DELTA_THREADS / WARP;
// Named barriers: 0 is that of the product's threads, 3 that of handover.cuh.
constexpr int DELTA_BARRIER = 2;  // of these threads

template <int ROWS>
using DeltaGiver = handover::Giver<decode_product_deltas(ROWS), DELTA_THREADS, DECODE_PRODUCT_THREADS>;

template <int ROWS>
using DeltaTaker = handover::Taker<decode_product_deltas(ROWS), DELTA_THREADS, DECODE_PRODUCT_THREADS>;

constexpr int STRIP_ROWS = 8;

__device__ __forceinline__ void sync_delta() {
    asm volatile("bar.sync %0, %1;" ::"n"(DELTA_BARRIER), "n"(DELTA_THREADS) : "memory");
}

// Up to eight rows of one adapter, and what it does to one half of the tile.
struct alignas(16) DeltaStrip {
    const __nv_bfloat16* b;  // of the part, null if there is no change
    float scaling;
    unsigned rank : 10;
    unsigned row : 8;
    unsigned rows : 4;
};

static_assert(sizeof(DeltaStrip) == DECODE_PRODUCT_STRIP_BYTES, "the host asks for it");

// In a block's shared memory.
template <int ROWS>
struct DeltaMemory {
    static constexpr int PLACES = decode_product_deltas(ROWS);

    union {
        float value[PLACES][ROWS * OUT];  // of tiles in turn
        float4 shrinking[DECODE_PRODUCT_SHRINK_BYTES / 16];
    };
    float4 h[decode_product_h_bytes(ROWS) / 16];  // [parts of the tile][rows of the step][ranks], if they fit
    handover::Barriers<PLACES> places;
    DeltaStrip strip[2][ROWS];
    unsigned short rank[2][ROWS];   // of a row's adapter, 0 if there is no change
    unsigned char biased[2][ROWS];  // whether a row has a lora_bias or a magnitude
    Half half[PLACES][2];           // of the tiles
    int part[2];                    // that the strips are about
    int strips;                     // of all rows
    int slow[2];                    // whether some B can't be read four ranks at a time
    int any_biased[2];

    // Where a value of the tile lies, so that rows side by side meet other banks; four neighbours stay together.
    static __device__ __forceinline__ int at(int row, int column) { return row * OUT + (column ^ row / 2 % 4 * 8); }
};

template <int ROWS>
__device__ __forceinline__ DeltaMemory<ROWS>& delta_memory() {
    constexpr int BEFORE = decode_product_shared_bytes(ROWS, decode_product_adapted_chunk(ROWS));
    static_assert(BEFORE + sizeof(DeltaMemory<ROWS>) <= decode_product_adapted_bytes(ROWS),
                  "the host asks for it");
    extern __shared__ __align__(1024) unsigned char memory[];
    return *reinterpret_cast<DeltaMemory<ROWS>*>(memory + BEFORE);
}

// The ending's view. Rows have their norm's factor put to them here.
template <int ROWS>
struct TileDelta {
    static constexpr int CHUNK = decode_product_adapted_chunk(ROWS);
    static constexpr bool ADAPTED = true;
    static constexpr int AT_ONCE = 1;

    const Step* step;
    const Lora& lora;
    DeltaTaker<ROWS> tiles = {delta_memory<ROWS>().places};

    __device__ __forceinline__ void wait() const {
        tiles.wait();
        if ((delta_memory<ROWS>().any_biased[0] | delta_memory<ROWS>().any_biased[1]) != 0) {
            add_biased();
        }
    }

    __device__ __forceinline__ float4 apply(int which, int row, int column, float4 v) const {
        using Memory = DeltaMemory<ROWS>;
        const float* value = delta_memory<ROWS>().value[tiles.place()];
        const float4 delta = *reinterpret_cast<const float4*>(value + Memory::at(row, which * HALF_OUT + column));
        const float factor = row_factors<ROWS>(sums())[row];
        return make_float4(v.x + delta.x * factor, v.y + delta.y * factor, v.z + delta.z * factor, v.w + delta.w * factor);
    }

    __device__ __forceinline__ void done() { tiles.done(); }

  private:
    static __device__ __forceinline__ float* sums() {
        extern __shared__ __align__(1024) unsigned char memory[];
        return reinterpret_cast<float*>(memory + Ring<ROWS, CHUNK>::BYTES);
    }

    // Rows with a lora_bias or a magnitude are finished within the sums; nothing is left to be added to them.
    __device__ __forceinline__ void add_biased() const {
        float* const sum = sums();
        DeltaMemory<ROWS>& shared = delta_memory<ROWS>();
        const int column = static_cast<int>(threadIdx.x) % OUT;
        const int which = column / HALF_OUT;
        const Half half = shared.half[tiles.place()][which];
        const int rows = min(step->tokens, ROWS);
#pragma unroll 1
        for (int row = static_cast<int>(threadIdx.x) / OUT; row < rows; row += DECODE_PRODUCT_THREADS / OUT) {
            if (shared.biased[which][row] == 0 || column % HALF_OUT >= half.outs) {
                continue;
            }
            const AdapterModule& change = step->group_adapter[step->token_group[row]][lora.part[half.part].slot];
            const int out = half.first + column % HALF_OUT;
            float& delta = shared.value[tiles.place()][DeltaMemory<ROWS>::at(row, column)];
            float& v = sum[row * SUM_PITCH + column];
            v += delta * row_factors<ROWS>(sum)[row];
            v += change.lora_bias != nullptr ? change.scaling * __bfloat162float(change.lora_bias[out]) : 0.0f;
            v *= change.magnitude != nullptr ? change.magnitude[out] : 1.0f;
            delta = 0;
        }
        sync_product();
    }
};

// Writes what the step's rows do to a half of the tile at hand: by a warp for each half.
template <int ROWS>
__device__ __forceinline__ void set_strips(const Step* step, const Lora& lora, DeltaMemory<ROWS>& shared,
                                           const Half (&half)[2]) {
    const int lane = threadIdx.x % WARP;
    const int which = static_cast<int>(threadIdx.x) / WARP % DELTA_WARPS;
    if (which >= 2) {
        return;
    }
    const int part = which == 0 ? half[0].part : half[1].part;
    const int slot = lora.part[part].slot;
    const int tiles = step->all_tiles;
    int strips = 0;
    bool slow = false;
    bool any_biased = false;
#pragma unroll 1
    for (int first = 0; first < tiles; first += WARP) {
        lorikeet::Tile tile{nullptr, 0, 0};
        if (first + lane < tiles) {
            tile = step->tile[first + lane];
        }
        const bool two = tile.rows > STRIP_ROWS;
        const unsigned twos = __ballot_sync(ALL_LANES, two);
        DeltaStrip strip{};
        bool biased = false;
        if (tile.adapter != nullptr && is_low_rank(tile.adapter[slot])) {
            const AdapterModule& change = tile.adapter[slot];
            strip.b = change.b;
            strip.scaling = change.scaling;
            strip.rank = change.rank;
            biased = change.lora_bias != nullptr || change.magnitude != nullptr;
            slow |= change.rank % 4 != 0 || !aligned(change.b, 8);
            any_biased |= biased;
        }
        const int at = strips + lane + __popc(twos & (1u << lane) - 1);
#pragma unroll
        for (int i = 0; i < 2; i++) {
            if (tile.rows > i * STRIP_ROWS) {
                strip.row = tile.row + i * STRIP_ROWS;
                strip.rows = min(tile.rows - i * STRIP_ROWS, STRIP_ROWS);
                shared.strip[which][at + i] = strip;
            }
        }
#pragma unroll 1
        for (int r = 0; r < tile.rows; r++) {
            shared.biased[which][tile.row + r] = biased;
            shared.rank[which][tile.row + r] = strip.rank;
        }
        strips += min(tiles - first, WARP) + __popc(twos);
    }
    slow = __any_sync(ALL_LANES, slow);
    any_biased = __any_sync(ALL_LANES, any_biased);
    if (lane == 0) {
        shared.slow[which] = slow;
        shared.any_biased[which] = any_biased;
        shared.part[which] = part;
        if (which == 0) {
            shared.strips = strips;
        }
    }
}

}  // namespace lorikeet::decode_product

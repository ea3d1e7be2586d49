// The adapters' part of the tiles that a block completes, by the threads behind the product's, while those read the
// weight: see decode_endings.cuh.
//
// First they shrink (shrink_whole.cuh). Then, tile by tile, they leave scaling * B h of all rows in shared memory for the
// ending, which waits for it where it adds it, and go on with the next tile's. The first ranks of B are on their way before
// h is awaited, which the blocks of the launch shrink together: every block counts itself in when its share is written.
//
// An ending may leave work of its own to these threads:
//
//     static constexpr bool PREPARES_TILES;                         // whether it does
//     void prepare_tiles(int thread, int threads) const;            // once
//     void prepare_tile(int tile, int thread, int threads) const;   // what it needs for a tile, which it doesn't use yet
#pragma once

#include "delta_expand.cuh"
#include "shrink_whole.cuh"

namespace lorikeet::decode_product {

// The blocks of a launch wait for one another's shares of h. Two counters, zero before and after the launch.
struct SharesOfH {
    unsigned* counter;

    __device__ __forceinline__ explicit SharesOfH(const Lora& lora)
        : counter(lora.arrived + static_cast<size_t>(lora.tokens) * lora.parts * MOST_RANK_SHARES) {}

    // This block's share is written.
    __device__ __forceinline__ void count_in() const {
        sync_delta();
        if (threadIdx.x % DELTA_THREADS == 0) {
            __threadfence();
            atomicAdd(counter, 1);
        }
    }

    // Waits for those of all blocks, if `needed`. Whoever is the last to leave puts the counters back.
    __device__ __forceinline__ void leave(bool needed) const {
        if (threadIdx.x % DELTA_THREADS == 0) {
            while (needed && load_acquire(counter) < gridDim.x) {
            }
            if (atomicAdd(counter + 1, 1) + 1 == gridDim.x) {
                counter[0] = 0;
                counter[1] = 0;
            }
        }
        sync_delta();
    }
};

// Where a half of an ending's tile lies. Tiles that are one run are of a projection of one part.
template <typename Ending>
__device__ __forceinline__ Half half_of(const Ending& ending, const MatVec& product, int tile, int which) {
    if constexpr (Ending::HALVES) {
        return ending.half(tile, which);
    } else {
        const int first = tile * OUT + which * HALF_OUT;
        return {0, first, product.out[0] - first};
    }
}

// The tiles that the threads behind the product's leave to the ending, in turn.
template <typename Ending>
struct DeltaTiles {
    using Delta = decltype(Ending::delta);

    const Step* step;
    const DecodeProduct& call;
    const Lora& lora;
    const Ending& ending;
    handover::Giver<Delta::PLACES, DELTA_THREADS, GROUP> places = {Delta::memory().places};

    // Where the tile's halves lie, and what the step's rows do to them.
    __device__ __forceinline__ void take(int tile, bool first) {
        typename Delta::Memory& shared = Delta::memory();
        const Half half[2] = {half_of(ending, call.product, tile, 0), half_of(ending, call.product, tile, 1)};
        const bool others = first || half[0].part != shared.part[0] || half[1].part != shared.part[1];
        sync_delta();  // all have read which parts there were
        const int which = static_cast<int>(threadIdx.x) / WARP % 2;
        const Half mine = half_of(ending, call.product, tile, which);
        if (!others) {
            ask_for(shared, mine, which, 0, strips_ahead(lora, shared.strips));
        }
        places.reclaim(others || Ending::PREPARES_TILES ? 0 : Delta::PLACES - 1);
        if (threadIdx.x % DELTA_THREADS == 0) {
            shared.half[places.place()][0] = half[0];
            shared.half[places.place()][1] = half[1];
        }
        if (others) {
            set_strips(step, lora, shared, half);
        }
        sync_delta();
        if (others) {
            ask_for(shared, mine, which, 0, strips_ahead(lora, shared.strips));
        }
    }

    template <typename Wait>
    __device__ __forceinline__ void expand(Wait wait_for_h) {
        typename Delta::Memory& shared = Delta::memory();
        if ((shared.slow[0] | shared.slow[1]) != 0) {
            expand_tile<1, 1, false>(lora, shared, places.place(), wait_for_h);
        } else if (lora.rank_stride > 2 * SLICE_RANKS) {
            expand_tile<1, SLICES_AT_ONCE, true>(lora, shared, places.place(), wait_for_h);
        } else {
            expand_tile<SLICES_AT_ONCE, 1, true>(lora, shared, places.place(), wait_for_h);
        }
        places.give();
    }
};

// What the threads behind the product's do.
template <typename Ending>
__device__ __forceinline__ void run_delta(const Step* step, const DecodeProduct& call, const Lora& lora,
                                          const Ending& ending) {
    const int chunks = chunks_of_tile(call.product, Ending::CHUNK);
    Completed completed(Deal(ending.tiles() * chunks, static_cast<int>(gridDim.x)), chunks);
    DeltaTiles<Ending> tiles{step, call, lora, ending};
    release_next();
    tiles.places.set_up(threadIdx.x % DELTA_THREADS == 0);
    if (!completed.done()) {
        tiles.take(completed.tile, true);
    }
    shrinking::shrink_share_whole<DELTA_WARPS, 4, DELTA_BARRIER>(
        step, lora, call.product.x, static_cast<int>(blockIdx.x), static_cast<int>(gridDim.x),
        decltype(tiles)::Delta::memory().shrinking);
    wait_for_previous();  // a block without a share has not
    const SharesOfH shares(lora);
    shares.count_in();
    if (completed.done()) {
        shares.leave(false);
        return;
    }
    ending.prepare_tiles(threadIdx.x % DELTA_THREADS, DELTA_THREADS);
    sync_delta();
    bool waited = false;
    while (true) {
        ending.prepare_tile(completed.tile, threadIdx.x % DELTA_THREADS, DELTA_THREADS);
        tiles.expand([&] {
            if (!waited) {
                waited = true;
                shares.leave(true);
            }
        });
        completed.tile--;
        if (completed.done()) {
            break;
        }
        tiles.take(completed.tile, false);
    }
    tiles.places.reclaim(0);
}

// Whether the device has the shared memory for the kernels of so many rows; the host takes those with adapters where those
// without them fit, too.
__device__ constexpr bool adapted_fits(int rows, int bytes) {
    return decode_product_shared_bytes(rows) <= MOST_SHARED_BYTES && bytes <= MOST_SHARED_BYTES;
}

// A product with an ending whose delta is a TileDelta, in blocks of DECODE_PRODUCT_THREADS and DELTA_THREADS more.
template <int ROWS, typename Ending>
__device__ __forceinline__ void run_with_delta(const Step* step, const DecodeProduct& call, const Lora& lora,
                                               Ending& ending) {
    if (threadIdx.x < DECODE_PRODUCT_THREADS) {
        run<ROWS>(step, call, ending);
    } else {
        run_delta(step, call, lora, ending);
    }
}

}  // namespace lorikeet::decode_product

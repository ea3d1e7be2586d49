// The adapters' part of the tiles that a block completes, by the threads behind the product's, while those read the
// weight: see decode_endings.cuh.
//
// First they shrink, and leave sums to those of all blocks (shrink_left.cuh). Then, tile by tile, they leave scaling * B h of
// all rows in shared memory for the ending, which waits for it where it adds it, and go on with the next tile's.
//
// An ending may leave work of its own to these threads:
//
//     void prepare_tiles(int tile, int thread, int threads) const;  // once, with the first; the kernel before may still run
//     void prepare_tile(int tile, int thread, int threads) const;   // what it needs for a tile, which it doesn't use yet
//     bool overwrites_prepared() const;                             // whether that is where the tile's before is
#pragma once

#include "delta_expand.cuh"
#include "shrink_left.cuh"

namespace lorikeet::decode_product {

// Whether any of these threads says so.
__device__ __forceinline__ bool any_of_delta(bool says) {
    unsigned any;
    asm volatile("{ .reg .pred p; setp.ne.u32 p, %1, 0; bar.red.or.pred p, %2, %3, p; selp.u32 %0, 1, 0, p; }"
                 : "=r"(any)
                 : "r"(static_cast<unsigned>(says)), "n"(DELTA_BARRIER), "n"(DELTA_THREADS)
                 : "memory");
    return any != 0;
}

// Whether a block has h of a tile's parts, as many as there may be, in shared memory.
template <int ROWS>
__device__ __forceinline__ bool gathers_h(const Lora& lora) {
    return (lora.parts == 2 ? 2 : 1) * lora.tokens * lora.rank_stride * 4 <= decode_product_h_bytes(ROWS);
}

// h, as the blocks of a launch leave it to one another.
template <int ROWS>
struct LeftH {
    const Lora& lora;
    const LeftWork work;

    // Waits for h of the tile's parts, and brings it to shared memory.
    __device__ __forceinline__ void gather(const Step* step) const {
        DeltaMemory<ROWS>& shared = delta_memory<ROWS>();
        const int rows = min(step->tokens, ROWS);
        const int fours = lora.rank_stride / 4;
        const int parts = shared.part[0] == shared.part[1] ? 1 : 2;
#pragma unroll 1
        for (int i = threadIdx.x % DELTA_THREADS; i < parts * rows * fours; i += DELTA_THREADS) {
            const int four = i % fours;
            const int row = i / fours % rows;
            const int which = i / fours / rows;
            if (4 * four < shared.rank[which][row]) {
                const float4* from = left_at(lora, work.splits.count, shared.part[which], row, four);
                const float4 sum = sum_of_left(from, work.splits.count);
                if (gathers_h<ROWS>(lora)) {
                    shared.h[(which * lora.tokens + row) * fours + four] = sum;
                }
            }
        }
        sync_delta();
    }

    // Where h of the rows is, for the tile's half.
    __device__ __forceinline__ const float4* of_half(int which) const {
        const DeltaMemory<ROWS>& shared = delta_memory<ROWS>();
        if (!gathers_h<ROWS>(lora)) {
            return left_at(lora, work.splits.count, shared.part[which], 0, 0);
        }
        return shared.h + (shared.part[0] == shared.part[1] ? 0 : which * lora.tokens * (lora.rank_stride / 4));
    }

    // This block doesn't need it any more. The last one clears it.
    __device__ __forceinline__ void release() const {
        sync_delta();
        bool last = false;
        if (threadIdx.x % DELTA_THREADS == 0) {
            __threadfence();  // what this block has left is before what the last one does
            last = atomicAdd(lora.released, 1) + 1 == gridDim.x;
        }
        if (any_of_delta(last)) {
            __threadfence();
            const int count = lora.parts * lora.tokens * (lora.rank_stride / 4) * work.splits.count;
            float4* const first = left_at(lora, work.splits.count, 0, 0, 0);
#pragma unroll 1
            for (int i = threadIdx.x % DELTA_THREADS; i < count; i += DELTA_THREADS) {
                first[i] = not_there();
            }
            if (last) {
                *lora.released = 0;
            }
        }
    }
};

// The tiles that the threads behind the product's leave to the ending, in turn.
template <int ROWS, typename Ending>
struct DeltaTiles {
    const Step* step;
    const Lora& lora;
    const Ending& ending;
    const LeftH<ROWS> h;
    bool gathered = false;  // h of the tile's parts
    DeltaGiver<ROWS> places = {delta_memory<ROWS>().places};

    // Where the tile's halves lie, and what the step's rows do to them.
    __device__ __forceinline__ void take(int tile, bool first) {
        DeltaMemory<ROWS>& shared = delta_memory<ROWS>();
        const Half half[2] = {ending.half(tile, 0), ending.half(tile, 1)};
        const bool others = first || half[0].part != shared.part[0] || half[1].part != shared.part[1];
        if (!first) {
            sync_delta();  // all have read which parts there were
        }
        if (others) {
            places.reclaim(0);
            set_strips(step, lora, shared, half);
            gathered = false;
            sync_delta();
        }
        const int which = static_cast<int>(threadIdx.x) / WARP % 2;
        ask_for(shared, which == 0 ? half[0] : half[1], which, 0, strips_ahead(lora, shared.strips));
        places.reclaim(ending.overwrites_prepared() ? 0 : DeltaMemory<ROWS>::PLACES - 1);
        if (threadIdx.x % DELTA_THREADS == 0) {
            shared.half[places.place()][0] = half[0];
            shared.half[places.place()][1] = half[1];
        }
        sync_delta();
    }

    __device__ __forceinline__ void expand() {
        DeltaMemory<ROWS>& shared = delta_memory<ROWS>();
        if (!gathered) {
            gathered = true;
            h.gather(step);
        }
        const float4* rows = h.of_half(static_cast<int>(threadIdx.x) / WARP % 2);
        if ((shared.slow[0] | shared.slow[1]) != 0) {
            expand_tile<ROWS, 1, 1, false>(lora, shared, places.place(), rows);
        } else if (lora.rank_stride > 2 * SLICE_RANKS) {
            expand_tile<ROWS, 1, SLICES_AT_ONCE, true>(lora, shared, places.place(), rows);
        } else {
            expand_tile<ROWS, SLICES_AT_ONCE, 1, true>(lora, shared, places.place(), rows);
        }
        places.give();
    }
};

// What the threads behind the product's do.
template <int ROWS, typename Ending>
__device__ __forceinline__ void run_delta(const Step* step, const DecodeProduct& call, const Lora& lora,
                                          const Ending& ending) {
    release_next();
    const int chunks = chunks_of_tile(call.product, Ending::CHUNK);
    Completed completed(Deal(ending.tiles() * chunks, static_cast<int>(gridDim.x)), chunks);
    const LeftH<ROWS> h{
        lora, LeftWork::of<DELTA_WARPS>(lora, step->tiles, static_cast<int>(gridDim.x), gathers_h<ROWS>(lora))};
    DeltaTiles<ROWS, Ending> tiles{step, lora, ending, h};
    const int thread = static_cast<int>(threadIdx.x) % DELTA_THREADS;
    const auto shrink = [&] {
        shrink_share_left<DELTA_WARPS, DELTA_BARRIER>(step, lora, h.work, call.product.x, delta_memory<ROWS>().shrinking);
    };
    // What all blocks wait for comes first, as the ways to a tile's rows and adapters are chains of loads. With more rows it was
    // slower: their strips take longer to find.
    constexpr bool SHRINKS_FIRST = ROWS <= 32;
    if constexpr (SHRINKS_FIRST) {
        shrink();
    }
    if (!completed.done()) {
        tiles.places.set_up(thread == 0);
        if (thread >= 2 * WARP) {  // the first two warps find the strips
            ending.prepare_tiles(completed.tile, thread - 2 * WARP, DELTA_THREADS - 2 * WARP);
        }
    }
    bool first = true;
#pragma unroll 1
    while (true) {
        if (!completed.done()) {
            tiles.take(completed.tile, first);
        }
        if (first) {
            first = false;
            if constexpr (!SHRINKS_FIRST) {
                shrink();
            }
            wait_for_previous();  // a block without a share has not
        }
        if (completed.done()) {
            break;
        }
        ending.prepare_tile(completed.tile, thread, DELTA_THREADS);
        tiles.expand();
        completed.tile--;
    }
    h.release();
    tiles.places.reclaim(0);
}

// A product with an ending whose delta is a TileDelta, in blocks of DECODE_PRODUCT_THREADS and DELTA_THREADS more.
template <int ROWS, typename Ending>
__device__ __forceinline__ void run_with_delta(const Step* step, const DecodeProduct& call, const Lora& lora,
                                               Ending& ending) {
    // From one lane, so that the compiler knows that a warp goes one way: it then needs fewer registers.
    if (__shfl_sync(ALL_LANES, static_cast<int>(threadIdx.x) / DECODE_PRODUCT_THREADS, 0) == 0) {
        run<ROWS>(step, call, ending);
    } else {
        run_delta<ROWS>(step, call, lora, ending);
    }
}

}  // namespace lorikeet::decode_product

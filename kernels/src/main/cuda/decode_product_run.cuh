// How a block goes through its share of a product of up to 64 rows with a weight.
//
// The outputs are cut into tiles, the input dimension into chunks. All chunks of all tiles, one tile's behind the
// other's, are dealt out to the blocks in equal shares of neighbours, so that every multiprocessor reads as many bytes
// (stream-K, https://arxiv.org/abs/2301.03598). A block copies its chunks of the weight, and those of x beside them,
// through a ring of stages in shared memory; the weight's rows are the tensor-core products' sixteen, the rows of x
// their eight columns.
//
// A tile that several blocks have a share of is completed by the last one of them, which adds the others' sums in
// their order. A block therefore begins with the tile at the end of its share, which others wait for, and ends with
// the tile at the beginning. It only ever waits for blocks before it.
//
// The first chunks of the weight don't wait for the kernel before: a weight doesn't change.
//
// What becomes of a tile's sums is up to an ending:
//
//     struct Ending {
//         static constexpr int CHUNK;             // inputs that are multiplied at a time
//         static constexpr bool ALIKE;            // whether the kernels for all numbers of rows give a row the same bits
//         static constexpr bool HALVES;           // whether a tile's outputs are two runs of 32, see Half
//         static constexpr bool FETCHES;          // whether it has something in shared memory to add to a tile's sums; a
//                                                 // block then completes one tile at most, as its last act
//         static constexpr bool NORMS;            // whether x has yet to be normed, as its `TileSquares squares` says
//         int tiles() const;
//         Half half(int tile, int which) const;   // where one of the runs lies, if HALVES
//         bool fetches() const;                   // if FETCHES: whether it has in this launch
//         void fetch(unsigned char* to, int rows, int tile);  // if FETCHES: starts copies of it, if it has, by all of the
//                                                 // product's threads, to a stage that isn't needed any more
//         template <int ROWS> void store(float* sum, int rows, int tile);  // of a tile that the block has
//     };                                          // completed; sum: [row][SUM_PITCH], in shared memory
#pragma once

#include "decode_product_sums.cuh"

namespace lorikeet::decode_product {

// The barrier of all threads that have a share of the product.
__device__ __forceinline__ void sync_product() {
    asm volatile("bar.sync 0, %0;" ::"n"(DECODE_PRODUCT_THREADS) : "memory");
}

// The end of a block's part of a tile. `before`: the first block that has a part of it; blockIdx.x if another block
// completes the tile.
template <int ROWS, typename Ending>
__device__ __forceinline__ void finish(const DecodeProduct& call, Ending& ending, const Sums<ROWS>& sums, float* sum,
                                       int group, int rows, int tile, bool completes, int before) {
    float4* const shared = reinterpret_cast<float4*>(sum);
    if constexpr (Ending::FETCHES) {
        if (completes && ending.fetches()) {
            wait_for_all_copies();
        }
    }
    HalfSums<ROWS> half(sums, group, shared);
    sync_product();
    half.add(shared);
    if (!completes) {
        half.leave(call);
        return;
    }
    half.add_left(call, before);
    sync_product();  // all have read the other group's sums
    half.template store<Ending::NORMS>(sum);
    sync_product();
    ending.template store<ROWS>(sum, rows, tile);
}

template <int ROWS, typename Ending>
__device__ __forceinline__ void run(const Step* step, const DecodeProduct& call, Ending& ending) {
    using Ring = decode_product::Ring<ROWS, Ending::CHUNK>;
    constexpr int AHEAD = Ring::STAGES - 1;
    // With many rows, mma.sync would read x from shared memory too often for the weight to arrive as fast as it can.
    constexpr bool WARPGROUP = !Ending::ALIKE && ROWS >= 32;
    extern __shared__ __align__(1024) unsigned char memory[];
    const unsigned ring = static_cast<unsigned>(__cvta_generic_to_shared(memory));
    float* const sum = reinterpret_cast<float*>(memory + Ring::BYTES);
    const MatVec& product = call.product;
    const int block = static_cast<int>(blockIdx.x);
    const int chunks = chunks_of_tile(product, Ending::CHUNK);
    const Deal deal(ending.tiles() * chunks, static_cast<int>(gridDim.x));
    const int first = deal.first(block);
    const int count = deal.first(block + 1) - first;
    const int group = __shfl_sync(ALL_LANES, static_cast<int>(threadIdx.x) / GROUP, 0);
    Cursor computed(first, first + count, chunks);
    Cursor copied = computed;
    int rows = 0;

    release_next();
    // The first chunks: of the weight by one group, of x by the other, as a thread's copies arrive in its order.
    if (group == 0) {
        WeightCopy<GROUP, Ending> weight(product, ending);
        bool other_tile = true;
#pragma unroll 1
        for (int s = 0; s < AHEAD; s++) {
            if (s < count) {
                if (other_tile) {
                    weight.set_tile(copied.tile);
                }
                weight.copy(ring + s * Ring::STAGE_BYTES, copied.chunk);
                other_tile = copied.next();
            }
            close_copies();
        }
        rows = min(call.outputs != 0 ? step->outputs : step->tokens, ROWS);
        wait_for_previous();
    } else {
        rows = min(call.outputs != 0 ? step->outputs : step->tokens, ROWS);
        wait_for_previous();
#pragma unroll 1
        for (int s = 0; s < AHEAD; s++) {
            if (s < count) {
                copy_input<Ring, GROUP>(product, rows, ring + s * Ring::STAGE_BYTES, copied.chunk);
                copied.next();
            }
            close_copies();
        }
    }
    // Here the weight is on its way, and x has been written.
    if constexpr (Ending::NORMS) {
        if (group == 1) {
            find_factors<ROWS>(ending.squares, rows, row_factors<ROWS>(sum));
        }
    }

    WeightCopy<DECODE_PRODUCT_THREADS, Ending> weight(product, ending);
    bool other_tile = true;
    Sums<ROWS> sums;
    sums.clear();
    int slot = 0;
#pragma unroll 1
    for (int i = 0; i < count; i++) {
        wait_for_copies<Ring::STAGES>();
        if (WARPGROUP) {
            publish_copies();
        }
        sync_product();
        if (i + AHEAD < count) {
            const unsigned to = ring + (slot == 0 ? AHEAD : slot - 1) * Ring::STAGE_BYTES;
            if (other_tile) {
                weight.set_tile(copied.tile);
            }
            weight.copy(to, copied.chunk);
            copy_input<Ring, DECODE_PRODUCT_THREADS>(product, rows, to, copied.chunk);
            other_tile = copied.next();
        } else if constexpr (Ending::FETCHES) {
            if (i == max(count - AHEAD, 0) && first + count >= (first / chunks + 1) * chunks) {
                ending.fetch(memory + (slot == 0 ? AHEAD : slot - 1) * Ring::STAGE_BYTES, rows, first / chunks);
            }
        }
        close_copies();
        add_products<WARPGROUP, Ring>(sums, ring + slot * Ring::STAGE_BYTES, group);
        slot = slot == AHEAD ? 0 : slot + 1;
        const int tile = computed.tile;
        const bool completes = computed.end == chunks;
        if (computed.next()) {
            int before = block;
            while (completes && deal.first(before) > tile * chunks) {
                before--;
            }
            finish(call, ending, sums, sum, group, rows, tile, completes, before);
            sums.clear();
        }
    }
}

}  // namespace lorikeet::decode_product

// The adapter's part of a projection in decode steps, where many adapters have a row or two each.
//
// A warp has a window of 64, 128 or 256 columns, and as many rows as fit: the eight columns of the tensor cores' product
// are those of h, and of few rows several groups of 64 columns are multiplied side by side, each with its h in columns of
// its own (zeros in the others). So every lane ends up with 8 neighbouring columns of two rows, of which one at least
// exists. B, and h beside it, come through shared memory as in staged.cuh; warps wait for nobody.
#pragma once

#include "decode_product.cuh"
#include "shrunk.cuh"
#include "staged.cuh"

namespace lorikeet::decoding {

constexpr int STAGES = DECODE_STAGES;
constexpr int MOST_HALVINGS = 2;

// Where no product can leave h whole there is nothing to be done here.
constexpr bool HAS_PRODUCTS = decode_product_shared_bytes(16) + DECODE_PRODUCT_SHRINK_BYTES <= MOST_SHARED_BYTES;

// Sixteen ranks of 64 columns of B, and of the rows' h.
struct Slice {
    Stage b;
    uint4 h[WARP];  // as the lanes take it
};

static_assert(sizeof(Slice) * STAGES == DECODE_RING_BYTES, "the host asks for it");

// How warps cut the work.
struct Cut {
    int halvings;  // of a strip: 0, 1 or 2

    __device__ __forceinline__ int rows() const { return STRIP >> halvings; }
    // Groups of 64 columns that a warp has side by side.
    __device__ __forceinline__ int groups() const { return 1 << halvings; }
    __device__ __forceinline__ int width() const { return WARP_COLUMNS << halvings; }

    // The rows and groups that a column of the product is about: column 2 t + i is row i of lane t of four.
    __device__ __forceinline__ int row(int column) const {
        int apart = rows() / 2;
        return (column / 2 & apart - 1) + column % 2 * apart;
    }
    __device__ __forceinline__ int group(int column) const { return (column / 2 << halvings) / 4; }
};

// As wide as the rows of an average tile allow, unless that left some of `workers` without work; units(groups): of all tiles.
template <typename Units>
__device__ __forceinline__ Cut cut_of(const Step* step, int workers, Units units) {
    Cut cut{MOST_HALVINGS};
    int tiles = step->all_tiles;
    while (cut.halvings > 0 && (step->tokens > tiles * cut.rows() || units(cut.groups()) < workers)) {
        cut.halvings--;
    }
    return cut;
}

// A lane's place in a window: 8 columns of two rows.
struct Place {
    int column;
    int row;
    int apart;  // from the one row to the other

    __device__ __forceinline__ explicit Place(Cut cut) {
        int lane = threadIdx.x % WARP;
        apart = cut.rows() / 2;
        column = cut.group(lane % 4 * 2) * WARP_COLUMNS + lane / 4 * 8;
        row = cut.row(lane % 4 * 2);
    }
};

// What a warp asks for, ahead of what it multiplies: for each of the walk's windows, part by part, all ranks of a group of
// columns, then the next group. `Walk` has what the kernel goes through: adapter, row, last_row, column, limit (columns
// before it are wanted), parts, part(i), done(), next().
template <typename Walk>
struct Feed {
    const Lora& lora;
    Cut cut;
    Walk walk;
    int index = 0;  // of the part
    int group = 0;
    int from = 0;  // rank
    int rank = 0;
    int wide = 0;
    const __nv_bfloat16* b = nullptr;

    __device__ __forceinline__ Feed(const Lora& lora_, Cut cut_, const Walk& walk_)
        : lora(lora_), cut(cut_), walk(walk_) {
        settle();
    }

    // To a part that has something to read.
    __device__ __forceinline__ void settle() {
#pragma unroll 1
        while (!walk.done()) {
            if (lora.shrunk != nullptr && walk.adapter != nullptr && walk.column < walk.limit) {
                for (; index < Walk::PARTS; index++) {
                    const AdapterModule& change = walk.adapter[lora.part[walk.part(index)].slot];
                    rank = is_low_rank(change) ? change.rank : 0;
                    if (rank > 0) {
                        b = change.b;
                        wide = copied_at_once(b, rank);
                        return;
                    }
                }
            }
            index = 0;
            walk.next();
        }
    }

    // Asks for B alone; returns what is to be beside it, or null if there is nothing more.
    __device__ __forceinline__ const uint4* fetch_b(Stage& to) {
        if (walk.done()) {
            return nullptr;
        }
        int part = walk.part(index);
        fetch(to, b, rank, wide, walk.column + group * WARP_COLUMNS, walk.limit, from);
        int row = walk.row + cut.row(threadIdx.x % WARP / 4);
        const uint4* h = row < walk.last_row ? h_of(lora, part, row) + from / 4 + threadIdx.x % 4 : nullptr;
        from += STAGE_RANKS;
        if (from >= rank) {
            from = 0;
            group++;
            if (group == cut.groups() || walk.column + group * WARP_COLUMNS >= walk.limit) {
                group = 0;
                index++;
                settle();
            }
        }
        return h;
    }

    __device__ __forceinline__ void fetch_h(Slice& to, const uint4* h) const {
        copy16_later(&to.h[threadIdx.x % WARP], h == nullptr ? lora.h : h, h != nullptr);
    }

    __device__ __forceinline__ void operator()(Slice& to) {
        const uint4* h = fetch_b(to.b);
        fetch_h(to, h);
    }
};

// The stages of a warp, filled: B before the kernel in front has ended, h afterwards.
template <typename Walk>
__device__ __forceinline__ Ring<STAGES, Slice> start(Slice (&slices)[STAGES], Feed<Walk>& feed) {
    const uint4* h[STAGES - 1];
#pragma unroll
    for (int s = 0; s + 1 < STAGES; s++) {
        h[s] = feed.fetch_b(slices[s].b);
    }
    wait_for_previous();
#pragma unroll
    for (int s = 0; s + 1 < STAGES; s++) {
        feed.fetch_h(slices[s], h[s]);
    }
    end_of_stage();  // all of them
#pragma unroll
    for (int s = 1; s + 1 < STAGES; s++) {
        end_of_stage();
    }
    return {slices};
}

// Adds B h of one part for a window; `columns`: how many of it are wanted.
template <typename Walk>
__device__ __forceinline__ void
add(StagedProduct& product, Ring<STAGES, Slice>& ring, Feed<Walk>& feed, Cut cut, int rank, int columns) {
    int lane = threadIdx.x % WARP;
    int mine = cut.group(lane / 4);  // of the h that this lane gives
#pragma unroll 1
    for (int group = 0; group < cut.groups() && group * WARP_COLUMNS < columns; group++) {
#pragma unroll 1
        for (int from = 0; from < rank; from += STAGE_RANKS) {
            const Slice& slice = ring.next(feed);
            uint4 h = slice.h[lane];
            if (mine != group) {
                h = make_uint4(0, 0, 0, 0);
            }
            product.add(slice.b, h);
        }
    }
}

// The rank of what an adapter does to a part, 0 if nothing.
__device__ __forceinline__ int rank_of(const Lora& lora, const AdapterModule* adapter, int part) {
    if (lora.shrunk == nullptr || adapter == nullptr) {
        return 0;
    }
    const AdapterModule& change = adapter[lora.part[part].slot];
    return is_low_rank(change) ? change.rank : 0;
}

// Into how many strips tiles are cut for workers of their own: where most have two, and there are so few units.
__device__ __forceinline__ int strips_apart(const Step* step, int units, int workers) {
    return step->tokens > STRIP * step->all_tiles && 2 * units <= workers ? 2 : 1;
}

// A worker's share of the units of work: neighbours.
__device__ __forceinline__ Units share_of(int units, int index, int count) {
    unsigned all = units;
    return {static_cast<int>(all * index / count), static_cast<int>(all * (index + 1) / count)};
}

}  // namespace lorikeet::decoding

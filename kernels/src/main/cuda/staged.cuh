// B on its way through shared memory: sixteen ranks of a warp's columns at a time, a few stages ahead of their use, by
// copies that need no registers.
#pragma once

#include "copies.cuh"
#include "delta.cuh"

namespace lorikeet {

constexpr int STAGE_RANKS = 16;
constexpr int STAGE_GROUPS = WARP_COLUMNS / 8;

// Column 8 g + c has its ranks in group g, at 16 c; the groups are padded so that what a warp reads meets all banks.
struct alignas(16) Stage {
    __nv_bfloat16 b[STAGE_GROUPS][8 * STAGE_RANKS + 16];
};

__device__ __forceinline__ void end_of_stage() { asm volatile("cp.async.commit_group;" ::: "memory"); }

// Waits until no more than LATER stages are under way; the warp's lanes may read the others.
template <int LATER>
__device__ __forceinline__ void stage_arrived() {
    asm volatile("cp.async.wait_group %0;" ::"n"(LATER) : "memory");
    __syncwarp();
}

// How many elements of B's rows can be copied at once: 8, 4 or 1.
__device__ __forceinline__ int copied_at_once(const __nv_bfloat16* b, int rank) {
    return rank % 8 == 0 && aligned(b, 16) ? 8 : rank % 4 == 0 && aligned(b, 8) ? 4 : 1;
}

// Asks for ranks `from` .. `from` + 15 of a warp's columns, those before `out`; what doesn't exist becomes zeros. wide: how
// many at once.
__device__ __forceinline__ void
fetch(Stage& to, const __nv_bfloat16* b, int rank, int wide, int column, int out, int from) {
    int lane = threadIdx.x % WARP;
#pragma unroll
    for (int i = 0; i < 4; i++) {
        int c = lane / 2 + 16 * i;  // column and ranks of this copy
        int at = from + lane % 2 * 8;
        int count = column + c < out ? rank - at : 0;
        __nv_bfloat16* place = &to.b[c / 8][c % 8 * STAGE_RANKS + lane % 2 * 8];
        const __nv_bfloat16* source = b + static_cast<size_t>(column + c) * rank + at;
        if (wide == 8) {
            copy16_later(place, count > 0 ? source : b, count > 0);
        } else if (wide == 4) {
            copy8_later(place, count > 0 ? source : b, count > 0);
            copy8_later(place + 4, count > 4 ? source + 4 : b, count > 4);
        } else {
            *reinterpret_cast<uint4*>(place) = gather8(source, count);
        }
    }
}

__device__ __forceinline__ void fetch(Stage& to, const AdapterModule& change, int column, int out, int from) {
    int rank = is_low_rank(change) ? change.rank : 0;
    fetch(to, change.b, rank, copied_at_once(change.b, rank), column, out, from);
}

// h of the ranks at hand for a strip: the instruction's columns 2 t and 2 t + 1 are rows t and t + 4.
template <int BLOCKS>
__device__ __forceinline__ uint4 staged_ranks(const SharedRanks<BLOCKS>& shared, int rank, int from, int strip) {
    int lane = threadIdx.x % WARP;
    return shared.h[strip / STRIP * divide_up(rank, 16) + from / 16][lane / 8 + lane / 4 % 2 * 4][lane % 4];
}

// A lane's first row of a strip; the second is four further on.
__device__ __forceinline__ int staged_row() { return threadIdx.x % 4; }

// B h of 8 neighbouring columns of two rows: in lane 4 g + t columns 8 g .. 8 g + 7 of rows t and t + 4.
struct StagedProduct {
    float value[4][4];

    __device__ __forceinline__ void clear() {
#pragma unroll
        for (int j = 0; j < 4; j++) {
#pragma unroll
            for (int i = 0; i < 4; i++) {
                value[j][i] = 0;
            }
        }
    }

    // h: in two parts, bf16 each, whose sum is nearly the float.
    __device__ __forceinline__ void add(const Stage& stage, uint4 h) {
        int lane = threadIdx.x % WARP;
        const __nv_bfloat16* b = &stage.b[lane / 4][lane % 4 * 4];
#pragma unroll
        for (int j = 0; j < 4; j++) {
            uint2 even = *reinterpret_cast<const uint2*>(b + 2 * j * STAGE_RANKS);
            uint2 odd = *reinterpret_cast<const uint2*>(b + (2 * j + 1) * STAGE_RANKS);
            mma(value[j], even.x, odd.x, even.y, odd.y, h.x, h.y);
            mma(value[j], even.x, odd.x, even.y, odd.y, h.z, h.w);
        }
    }

    // Adds what the adapter does to 8 columns of the lane's row `i`, from `column` on.
    __device__ __forceinline__ void
    apply(const AdapterModule& change, int i, int column, int out, float (&y)[8]) const {
        if (!is_low_rank(change)) {
            return;
        }
#pragma unroll
        for (int c = 0; c < 8; c++) {
            y[c] += change.scaling * value[c / 2][c % 2 * 2 + i];
        }
        if (change.lora_bias != nullptr) {
#pragma unroll
            for (int c = 0; c < 8; c++) {
                y[c] += column + c < out ? change.scaling * __bfloat162float(change.lora_bias[column + c]) : 0.0f;
            }
        }
        if (change.magnitude != nullptr) {
#pragma unroll
            for (int c = 0; c < 8; c++) {
                y[c] *= column + c < out ? change.magnitude[column + c] : 0.0f;
            }
        }
    }
};

// The stages of a warp, in turn. `fetch_next`, called for a free stage, asks for what is wanted next, if there is more.
template <int STAGES, typename T = Stage>
struct Ring {
    T (&stage)[STAGES];
    int at = 0;

    template <typename Fetch>
    __device__ __forceinline__ void fill(Fetch fetch_next) {
#pragma unroll
        for (int s = 0; s + 1 < STAGES; s++) {
            fetch_next(stage[s]);
            end_of_stage();
        }
    }

    // The stage that was asked for first; the one used before it is filled anew.
    template <typename Fetch>
    __device__ __forceinline__ const T& next(Fetch&& fetch_next) {
        stage_arrived<STAGES - 2>();
        fetch_next(stage[at == 0 ? STAGES - 1 : at - 1]);
        end_of_stage();
        const T& arrived = stage[at];
        at = at == STAGES - 1 ? 0 : at + 1;
        return arrived;
    }
};

}  // namespace lorikeet

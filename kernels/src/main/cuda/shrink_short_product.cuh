// The products of a warp in `shrink_short`: some chunks of sixteen ranks of A with up to 32 tokens.
#pragma once

#include "cluster.cuh"
#include "shrink_short.cuh"

namespace lorikeet::shrinking_short {

constexpr int WARPS = SHRINK_SHORT_THREADS / WARP;
constexpr int CHUNKS = SHRINK_SHORT_CHUNKS;
constexpr int STRIPS = SHRINK_SHORT_STRIPS;
constexpr int STEP = WARPS * SHRINK_STEP;  // inputs that a block multiplies at a time

// Loads of a row under way at a time, as many as there are registers for.
__host__ __device__ constexpr int steps(int chunks) { return 5 - chunks; }

// Sixteen ranks of a part, and the part's A; rank 0: nothing.
struct Chunk {
    const __nv_bfloat16* a;
    int rank;
    int from;
    int part;

    Chunk() = default;

    // The `number`th of all parts of an adapter.
    __device__ __forceinline__ Chunk(const AdapterModule* adapter, const Lora& lora, int number)
        : a(nullptr), rank(0), from(0), part(0) {
#pragma unroll
        for (int p = 0; p < LORA_PARTS; p++) {
            if (p < lora.parts) {
                const AdapterModule& change = adapter[lora.part[p].slot];
                int own = is_low_rank(change) ? change.rank : 0;
                int chunks = divide_up(own, 16);
                if (number >= 0 && number < chunks) {
                    a = change.a;
                    rank = own;
                    from = 16 * number;
                    part = p;
                }
                number -= chunks;
            }
        }
    }
};

// Some tokens of one adapter: in shared memory, as registers are few.
struct Work {
    int row;
    int rows;
    Chunk chunk[CHUNKS];

    __device__ __forceinline__ int chunks() const {
        int count = 0;
#pragma unroll
        for (int c = 0; c < CHUNKS; c++) {
            count += chunk[c].rank > 0;
        }
        return count;
    }
};

// Waits for the kernel in front, and until all blocks of the cluster have started: from then on their shared memory may be
// written to.
__device__ __forceinline__ void wait_once(bool& waited) {
    if (!waited) {
        wait_for_previous();
        wait_for_cluster();
        waited = true;
    }
}

// The inputs of this warp, 32 neighbours at a time: this lane's first one, and the end of the block's.
struct Inputs {
    int from;
    int end;

    __device__ __forceinline__ Inputs(const Place& place, int in) {
        Splits splits = split_into(place.blocks, in, STEP);
        from = place.self * splits.length + threadIdx.x / WARP * SHRINK_STEP + threadIdx.x % 4 * 8;
        end = min((place.self + 1) * splits.length, in);
    }

    // The same for all lanes of the warp.
    __device__ __forceinline__ bool exist(int at) const { return at - static_cast<int>(threadIdx.x) % 4 * 8 < end; }
};

// The products of sixteen ranks each of N chunks with eight tokens of each strip. A lane has rows g and g + 8 of A, and row
// g of each strip, with g = lane / 4; a row that doesn't exist is another one: what comes of it is not used.
template <int N>
struct Product {
    const __nv_bfloat16* a[N][2];
    const __nv_bfloat16* x;  // of strip 0
    int strip[STRIPS];       // elements from there to each
    float sum[N][STRIPS][4];

    // first: of the work's chunks; all: x of the step.
    __device__ __forceinline__ Product(const Work& work, int first, const __nv_bfloat16* all, int in) {
        int g = threadIdx.x % WARP / 4;
        x = all + static_cast<size_t>(work.row) * in;
#pragma unroll
        for (int c = 0; c < N; c++) {
            const Chunk& chunk = work.chunk[first + c];
#pragma unroll
            for (int i = 0; i < 2; i++) {
                a[c][i] = chunk.a + static_cast<size_t>(min(chunk.from + g + 8 * i, chunk.rank - 1)) * in;
            }
        }
#pragma unroll
        for (int s = 0; s < STRIPS; s++) {
            strip[s] = min(g + 8 * s, work.rows - 1) * in;
        }
#pragma unroll
        for (int i = 0; i < N * STRIPS * 4; i++) {
            sum[i / 4 / STRIPS][i / 4 % STRIPS][i % 4] = 0;
        }
    }

    // As the order of a sum is free, lane t of four has 8 neighbouring inputs where the instruction has four times 2.
    __device__ __forceinline__ void add(int chunk, uint4 first, uint4 second, const uint4 (&b)[STRIPS]) {
#pragma unroll
        for (int s = 0; s < STRIPS; s++) {
            mma(sum[chunk][s], first.x, second.x, first.y, second.y, b[s].x, b[s].y);
            mma(sum[chunk][s], first.z, second.z, first.w, second.w, b[s].z, b[s].w);
        }
    }

    // Rows are multiples of 16 bytes and start at one. The first loads of A don't wait for the kernel in front.
    __device__ __forceinline__ void add_all(Inputs inputs, bool& waited) {
        constexpr int STEPS = steps(N);
#pragma unroll 1
        for (int at = inputs.from; inputs.exist(at); at += STEPS * STEP) {
            uint4 w[STEPS][N][2];
            uint4 b[STEPS][STRIPS];
            uint4 none = make_uint4(0, 0, 0, 0);
#pragma unroll
            for (int k = 0; k < STEPS; k++) {
                bool exist = at + k * STEP < inputs.end;
#pragma unroll
                for (int i = 0; i < N * 2; i++) {
                    w[k][i / 2][i % 2] = exist ? load_weights16(a[i / 2][i % 2] + at + k * STEP) : none;
                }
            }
            wait_once(waited);
#pragma unroll
            for (int k = 0; k < STEPS; k++) {
                bool exist = at + k * STEP < inputs.end;
#pragma unroll
                for (int s = 0; s < STRIPS; s++) {
                    b[k][s] = exist ? load16(x + strip[s] + at + k * STEP) : none;
                }
            }
#pragma unroll
            for (int k = 0; k < STEPS; k++) {
#pragma unroll
                for (int c = 0; c < N; c++) {
                    add(c, w[k][c][0], w[k][c][1], b[k]);
                }
            }
        }
    }

    // Whatever the rows' alignment is.
    __device__ __forceinline__ void add_slowly(Inputs inputs, bool& waited) {
        wait_once(waited);
#pragma unroll 1
        for (int at = inputs.from; inputs.exist(at); at += STEP) {
            uint4 b[STRIPS];
#pragma unroll
            for (int s = 0; s < STRIPS; s++) {
                b[s] = gather8(x + strip[s] + at, inputs.end - at);
            }
#pragma unroll
            for (int c = 0; c < N; c++) {
                add(c, gather8(a[c][0] + at, inputs.end - at), gather8(a[c][1] + at, inputs.end - at), b);
            }
        }
    }
};

}  // namespace lorikeet::shrinking_short

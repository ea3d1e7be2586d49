// h = A x of many tokens: see lora.cuh.
//
// A product of few columns, bound by reading x: up to 64 tokens of one adapter times the ranks of all parts, through
// shared memory, a few stages ahead. The blocks of a cluster share the inputs; their sums are added in the order of the
// blocks, each block adding some of them. h is left as whoever expands it multiplies it: as two bf16, value and rest.
#include "cluster.cuh"
#include "copies.cuh"
#include "shrink_prompt.cuh"
#include "shrunk.cuh"

namespace lorikeet::shrinking_prompt {

constexpr int WARPS = SHRINK_PROMPT_THREADS / WARP;
constexpr int ROWS = SHRINK_PROMPT_ROWS;
constexpr int CHUNKS = SHRINK_PROMPT_CHUNKS;
constexpr int STAGES = SHRINK_PROMPT_STAGES;
constexpr int INPUTS = SHRINK_PROMPT_INPUTS;
constexpr int MAX_CLUSTER = 8;
constexpr int PIECES = INPUTS / 8;                          // of 16 bytes, of a row of a stage
constexpr int ROWS_AT_ONCE = SHRINK_PROMPT_THREADS / PIECES;  // that the block copies

static_assert(ROWS_AT_ONCE == 16 && ROWS == 16 * WARPS, "a chunk is copied at once, and a warp has sixteen rows");

__device__ __forceinline__ unsigned shared_at(const void* p) {
    return static_cast<unsigned>(__cvta_generic_to_shared(p));
}

// Pieces of a row change places by its number, so that neither copies nor products meet a bank twice.
__device__ __forceinline__ int place_of(int row, int piece) { return row * INPUTS * 2 + ((piece ^ row % 8) << 4); }

// Four 8 x 8 matrices; lane i gives the address of row i % 8 of matrix i / 8.
__device__ __forceinline__ void load_matrices(unsigned (&to)[4], unsigned address) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];"
                 : "=r"(to[0]), "=r"(to[1]), "=r"(to[2]), "=r"(to[3])
                 : "r"(address)
                 : "memory");
}

// What an adapter has of A for the parts of a projection, read at once.
struct Modules {
    const __nv_bfloat16* a[LORA_PARTS];
    int rank[LORA_PARTS];  // 0: nothing

    __device__ __forceinline__ Modules(const AdapterModule* adapter, const Lora& lora) {
#pragma unroll
        for (int p = 0; p < LORA_PARTS; p++) {
            a[p] = nullptr;
            rank[p] = 0;
            if (p < lora.parts) {
                const AdapterModule& change = adapter[lora.part[p].slot];
                a[p] = change.a;
                rank[p] = is_low_rank(change) ? change.rank : 0;
            }
        }
    }

    __device__ __forceinline__ int chunks() const {
        int all = 0;
#pragma unroll
        for (int p = 0; p < LORA_PARTS; p++) {
            all += divide_up(rank[p], 16);
        }
        return all;
    }
};

// Sixteen ranks of a part, and the part's A.
struct Chunk {
    int part;
    int from;
    int rank;
    const __nv_bfloat16* a;

    // The `number`th of all parts' ranks; there are so many.
    __device__ __forceinline__ Chunk(const Modules& modules, int number) : part(0), from(0), rank(0), a(nullptr) {
#pragma unroll
        for (int p = 0; p < LORA_PARTS; p++) {
            int chunks = divide_up(modules.rank[p], 16);
            if (number >= 0 && number < chunks) {
                part = p;
                from = 16 * number;
                rank = modules.rank[p];
                a = modules.a[p];
            }
            number -= chunks;
        }
    }
};

// Some tokens of one adapter, and some of its ranks.
struct Work {
    Modules modules;
    int row;
    int rows;
    int first_chunk;
    int chunks;
};

// Copies of this thread: piece `thread % PIECES` of some rows of x and of A.
struct Copies {
    const __nv_bfloat16* x;
    const __nv_bfloat16* a[CHUNKS];  // null: no such rank
    size_t x_step;  // elements between this thread's rows
    int left;       // inputs of the block's share, from this thread's first one on
    int rows;       // of x, from this thread's first one on
    int chunks;
    bool fast;

    __device__ __forceinline__ Copies(const Lora& lora, const Work& work, const __nv_bfloat16* all, int first, int last)
        : chunks(work.chunks) {
        int in = lora.in;
        int row = threadIdx.x / PIECES;
        int at = first + threadIdx.x % PIECES * 8;
        x_step = static_cast<size_t>(ROWS_AT_ONCE) * in;
        left = last - at;
        x = all + static_cast<size_t>(work.row + row) * in + at;
        rows = work.rows - row;
        fast = in % 8 == 0 && aligned(all, 16);
#pragma unroll
        for (int c = 0; c < CHUNKS; c++) {
            a[c] = nullptr;
            if (c < chunks) {
                Chunk chunk(work.modules, work.first_chunk + c);
                fast = fast && aligned(chunk.a, 16);
                if (chunk.from + row < chunk.rank) {
                    a[c] = chunk.a + static_cast<size_t>(chunk.from + row) * in + at;
                }
            }
        }
    }

    __device__ __forceinline__ void copy(unsigned char* to, const __nv_bfloat16* from, bool exists, int left) const {
        if (fast) {
            exists = exists && left > 0;
            copy16_later(to, exists ? from : x, exists);
        } else {
            *reinterpret_cast<uint4*>(to) = gather8(from, exists ? left : 0);
        }
    }

    // inputs: of the block's share before the stage.
    __device__ __forceinline__ void copy_a(unsigned char* stage, int inputs) const {
        stage += place_of(ROWS + threadIdx.x / PIECES, threadIdx.x % PIECES);  // of all chunks alike
#pragma unroll
        for (int c = 0; c < CHUNKS; c++) {
            if (c < chunks) {
                copy(stage + 16 * c * INPUTS * 2, a[c] + inputs, a[c] != nullptr, left - inputs);
            }
        }
    }

    __device__ __forceinline__ void copy_x(unsigned char* stage, int inputs) const {
        stage += place_of(threadIdx.x / PIECES, threadIdx.x % PIECES);
#pragma unroll
        for (int i = 0; i < ROWS / ROWS_AT_ONCE; i++) {
            copy(stage + 16 * i * INPUTS * 2, x + i * x_step + inputs, 16 * i < rows, left - inputs);
        }
    }
};

// A warp's sixteen tokens times all chunks.
struct Sums {
    float value[CHUNKS][2][4];

    __device__ __forceinline__ void clear() {
#pragma unroll
        for (int c = 0; c < CHUNKS; c++) {
#pragma unroll
            for (int i = 0; i < 8; i++) {
                value[c][i / 4][i % 4] = 0;
            }
        }
    }

    // All of a stage's operands are loaded before the products that need them: there are few warps to wait for another.
    __device__ __forceinline__ void add(const unsigned char* stage, int chunks) {
        constexpr int STEPS = INPUTS / 16;
        unsigned address = shared_at(stage);
        int lane = threadIdx.x % WARP;
        int row = threadIdx.x / WARP * 16 + lane % 16;
        int rank = ROWS + lane % 8 + lane / 16 * 8;
        unsigned x[STEPS][4];
        unsigned a[STEPS][CHUNKS][4];
#pragma unroll
        for (int k = 0; k < STEPS; k++) {
            load_matrices(x[k], address + place_of(row, 2 * k + lane / 16));
        }
#pragma unroll
        for (int c = 0; c < CHUNKS; c++) {
            if (c < chunks) {
#pragma unroll
                for (int k = 0; k < STEPS; k++) {
                    load_matrices(a[k][c], address + place_of(rank + 16 * c, 2 * k + lane / 8 % 2));
                }
            }
        }
#pragma unroll
        for (int k = 0; k < STEPS; k++) {
#pragma unroll
            for (int c = 0; c < CHUNKS; c++) {
                if (c < chunks) {
                    mma(value[c][0], x[k][0], x[k][1], x[k][2], x[k][3], a[k][c][0], a[k][c][1]);
                    mma(value[c][1], x[k][0], x[k][1], x[k][2], x[k][3], a[k][c][2], a[k][c][3]);
                }
            }
        }
    }

    // To [row][16 * chunks], four floats more from row to row.
    __device__ __forceinline__ void store(float* to, int pitch, int chunks) const {
        int lane = threadIdx.x % WARP;
        to += (threadIdx.x / WARP * 16 + lane / 4) * pitch + lane % 4 * 2;
#pragma unroll
        for (int c = 0; c < CHUNKS; c++) {
            if (c < chunks) {
#pragma unroll
                for (int i = 0; i < 2; i++) {
                    const float(&v)[4] = value[c][i];
                    *reinterpret_cast<float2*>(to + 16 * c + 8 * i) = make_float2(v[0], v[1]);
                    *reinterpret_cast<float2*>(to + 8 * pitch + 16 * c + 8 * i) = make_float2(v[2], v[3]);
                }
            }
        }
    }
};

// Adds the blocks' sums, and writes h.
__device__ __forceinline__ void
finish(const Lora& lora, const Work& work, const Place& place, const float* sums, int pitch) {
    int quads = 4 * work.chunks;
    for (int i = place.self * SHRINK_PROMPT_THREADS + threadIdx.x; i < work.rows * quads;
         i += place.blocks * SHRINK_PROMPT_THREADS) {
        int row = i / quads;
        int quad = i % quads;
        const float4* mine = reinterpret_cast<const float4*>(sums + row * pitch + 4 * quad);
        float4 v[MAX_CLUSTER];
#pragma unroll
        for (int b = 0; b < MAX_CLUSTER; b++) {
            v[b] = b < place.blocks ? *of_block(mine, b) : make_float4(0, 0, 0, 0);
        }
        float4 sum = v[0];
#pragma unroll
        for (int b = 1; b < MAX_CLUSTER; b++) {
            sum.x += v[b].x, sum.y += v[b].y, sum.z += v[b].z, sum.w += v[b].w;
        }
        Chunk chunk(work.modules, work.first_chunk + quad / 4);
        float* to = lora.shrunk + shrunk_at(lora, chunk.part, work.row + row, 1) + chunk.from + quad % 4 * 4;
        *reinterpret_cast<uint4*>(to) = halves_of_ranks(sum);
    }
}

__device__ __forceinline__ void
multiply(const Lora& lora, const Work& work, const __nv_bfloat16* x, unsigned char* shared, bool& waited) {
    Place place = place_in_cluster();
    int all = divide_up(lora.in, INPUTS);
    int each = divide_up(all, place.blocks);
    int first = place.self * each * INPUTS;
    int steps = max(min(each, all - place.self * each), 0);
    int stage_bytes = (ROWS + 16 * work.chunks) * INPUTS * 2;
    Copies copies(lora, work, x, first, min(first + each * INPUTS, lora.in));
    Sums sums;
    sums.clear();
#pragma unroll
    for (int s = 0; s < STAGES - 1; s++) {
        if (s < steps) {
            copies.copy_a(shared + s * stage_bytes, s * INPUTS);
        }
    }
    if (!waited) {
        wait_for_previous();
        waited = true;
    }
#pragma unroll
    for (int s = 0; s < STAGES - 1; s++) {
        if (s < steps) {
            copies.copy_x(shared + s * stage_bytes, s * INPUTS);
        }
        end_of_copies();
    }
    int at = 0;
#pragma unroll 1
    for (int step = 0; step < steps; step++) {
        copies_arrived<STAGES - 2>();
        __syncthreads();  // all have what they copied, and are done with the stage before
        int next = step + STAGES - 1;
        if (next < steps) {
            unsigned char* stage = shared + (at == 0 ? STAGES - 1 : at - 1) * stage_bytes;
            copies.copy_a(stage, next * INPUTS);
            copies.copy_x(stage, next * INPUTS);
        }
        end_of_copies();
        sums.add(shared + at * stage_bytes, work.chunks);
        at = at == STAGES - 1 ? 0 : at + 1;
    }
    copies_arrived<0>();
    __syncthreads();
    float* partial = reinterpret_cast<float*>(shared);
    int pitch = 16 * work.chunks + 4;
    sums.store(partial, pitch, work.chunks);
    synchronize_cluster();
    finish(lora, work, place, partial, pitch);
    synchronize_cluster();  // the others have read this block's sums
}

}  // namespace lorikeet::shrinking_prompt

extern "C" __global__ void __launch_bounds__(lorikeet::SHRINK_PROMPT_THREADS, 2)
    shrink_prompt(const lorikeet::Step* step, const __grid_constant__ lorikeet::Lora lora, const __nv_bfloat16* x) {
    using namespace lorikeet;
    using namespace lorikeet::shrinking_prompt;
    extern __shared__ uint4 shared[];
    release_next();
    Groups groups = groups_of(step, lora);
    Place place = place_in_cluster();
    int fours = divide_up(groups.tiles, SUPER_TILE);
    int passes = shrink_prompt_passes(lora);
    bool waited = false;
    // First whatever begins at a multiple of four tiles, which in a long prompt is all there is.
    for (int unit = blockIdx.x / place.blocks; unit < fours * passes * SUPER_TILE; unit += gridDim.x / place.blocks) {
        int begin = unit / passes % fours * SUPER_TILE;
        int t = begin + unit / passes / fours;
        int end = min(begin + SUPER_TILE, groups.tiles);
        if (t >= end || (t > begin && continues(groups.tile[t - 1], groups.tile[t]))) {
            continue;
        }
        Tile run = groups.tile[t];
        for (t++; t < end && continues(run, groups.tile[t]); t++) {
            run.rows += groups.tile[t].rows;
        }
        Modules modules(run.adapter, lora);
        int first = unit % passes * SHRINK_PROMPT_CHUNKS;
        Work work{modules, run.row, run.rows, first, min(modules.chunks() - first, SHRINK_PROMPT_CHUNKS)};
        if (work.chunks > 0) {
            multiply(lora, work, x, reinterpret_cast<unsigned char*>(shared), waited);
        }
    }
    leave(waited);
}

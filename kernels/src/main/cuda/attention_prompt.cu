// Attention of prompts, bound by the tensor cores.
//
// A block takes some tokens of one sequence with all query heads of one group: its rows are (token, head) pairs, so that
// keys and values are read once for the whole group. Each warp has 16 rows and keeps their softmax and their output in
// registers (for heads larger than 128 two warps share rows and halve the output), while all warps go over the keys and values, a tile at a time, through shared memory: the next values
// are on their way while the scores are computed, the next keys while the output is.
// (https://arxiv.org/abs/2205.14135, https://arxiv.org/abs/2307.08691.)
#include <cmath>

#include "attention.cuh"
#include "device.cuh"

namespace lorikeet::attention_prompt {

constexpr float LOG2_E = 1.4426950408889634f;

template <int SIZE>
struct Shape {
    static constexpr int THREADS = 256;
    static constexpr int SHARES = SIZE <= 128 ? 1 : 2;  // warps that share 16 rows, each for a part of the output
    static constexpr int OUT = SIZE / SHARES;
    static constexpr int ROWS = THREADS / WARP / SHARES * 16;
    static constexpr int TOKENS = SIZE <= 128 ? 64 : 32;  // in a tile of keys or values
    static constexpr int PITCH = SIZE + 8;                // of a row in shared memory; keeps ldmatrix free of conflicts
    static constexpr bool QUERY_IN_REGISTERS = SIZE <= 128;
};

__device__ __forceinline__ unsigned shared_address(const void* pointer) {
    return static_cast<unsigned>(__cvta_generic_to_shared(pointer));
}

// Starts to copy 16 bytes to shared memory, or zeros if not valid.
__device__ __forceinline__ void copy_async(__nv_bfloat16* to, const void* from, bool valid) {
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(shared_address(to)), "l"(from),
                 "r"(valid ? 16 : 0)
                 : "memory");
}

__device__ __forceinline__ void close_copies() { asm volatile("cp.async.commit_group;" ::: "memory"); }

// Waits until all but the last `PENDING` groups of copies of this thread have arrived.
template <int PENDING>
__device__ __forceinline__ void wait_for_copies() {
    asm volatile("cp.async.wait_group %0;" ::"n"(PENDING) : "memory");
}

// Four 8 x 8 matrices; lane i gives the address of row i % 8 of matrix i / 8.
__device__ __forceinline__ void load_matrices(unsigned (&to)[4], const __nv_bfloat16* row) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];"
                 : "=r"(to[0]), "=r"(to[1]), "=r"(to[2]), "=r"(to[3])
                 : "r"(shared_address(row))
                 : "memory");
}

__device__ __forceinline__ void load_matrices_transposed(unsigned (&to)[4], const __nv_bfloat16* row) {
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0,%1,%2,%3}, [%4];"
                 : "=r"(to[0]), "=r"(to[1]), "=r"(to[2]), "=r"(to[3])
                 : "r"(shared_address(row))
                 : "memory");
}

// The largest of four neighbouring lanes' values: those that share a row of a product.
__device__ __forceinline__ float max_over_row(float value) {
    value = fmaxf(value, __shfl_xor_sync(ALL_LANES, value, 1));
    return fmaxf(value, __shfl_xor_sync(ALL_LANES, value, 2));
}

__device__ __forceinline__ float sum_over_row(float value) {
    value += __shfl_xor_sync(ALL_LANES, value, 1);
    return value + __shfl_xor_sync(ALL_LANES, value, 2);
}

// The sequence that a tile belongs to and the tile's number in it.
struct Place {
    int sequence;  // -1: there is no such tile
    int tile;
    int tiles;
};

// Every warp looks for itself, 32 sequences at a time.
__device__ __forceinline__ Place find(const Step* step, int tile, int group, int rows) {
    const int lane = threadIdx.x % WARP;
    int before = 0;
    for (int first = 0; first < step->sequences; first += WARP) {
        int tiles = 0;
        if (first + lane < step->sequences) {
            const int tokens = step->sequence_start[first + lane + 1] - step->sequence_start[first + lane];
            tiles = tokens > 1 ? (tokens * group + rows - 1) / rows : 0;
        }
        int sum = tiles;
#pragma unroll
        for (int offset = 1; offset < WARP; offset *= 2) {
            const int other = __shfl_up_sync(ALL_LANES, sum, offset);
            sum += lane >= offset ? other : 0;
        }
        const unsigned behind = __ballot_sync(ALL_LANES, before + sum > tile);
        if (behind != 0) {
            const int owner = __ffs(behind) - 1;
            const int owned = __shfl_sync(ALL_LANES, tiles, owner);
            const int start = before + __shfl_sync(ALL_LANES, sum, owner) - owned;
            return {first + owner, tile - start, owned};
        }
        before += __shfl_sync(ALL_LANES, sum, WARP - 1);
    }
    return {-1, 0, 0};
}

// Keys or values of one sequence and head.
struct Cache {
    const unsigned char* base;
    const unsigned* table;
    int head_size;
    int end;  // behind the last cached position
};

// Starts to copy the tile from position `first` on, a multiple of BLOCK_TOKENS.
template <int SIZE>
__device__ __forceinline__ void copy_tile(__nv_bfloat16* to, const Cache& cache, int first) {
    using S = Shape<SIZE>;
    constexpr int VECTORS = SIZE / 8;
    constexpr int ALL = S::TOKENS * VECTORS;
#pragma unroll
    for (int i = 0; i < ALL; i += S::THREADS) {
        const int vector = i + static_cast<int>(threadIdx.x);
        if (ALL % S::THREADS != 0 && vector >= ALL) {
            break;
        }
        const int token = vector / VECTORS;
        const int dim = vector % VECTORS * 8;
        const int position = first + token;
        const bool valid = position < cache.end && dim < cache.head_size;
        const unsigned char* from = cache.base;
        if (valid) {
            from += static_cast<size_t>(cache.table[position / BLOCK_TOKENS]) * ADDRESS_UNIT +
                    (position % BLOCK_TOKENS * cache.head_size + dim) * sizeof(__nv_bfloat16);
        }
        copy_async(to + token * S::PITCH + dim, from, valid);
    }
    close_copies();
}

// A row of queries: a token and a head.
struct Row {
    int position;  // of the token
    bool valid;
    size_t q;    // offset of the row in the queries
    size_t out;  // and in the output
};

__device__ __forceinline__ Row row_of(const Attention& attention, int index, int rows, int group, int kv_head,
                                      int first_token, int first_position) {
    const int clamped = min(index, rows - 1);
    const int token = clamped / group;
    const int head = kv_head * group + clamped % group;
    Row row;
    row.position = first_position + token;
    row.valid = index < rows;
    row.q = static_cast<size_t>(first_token + token) * attention.q_pitch + head * attention.head_size;
    row.out = static_cast<size_t>(first_token + token) * attention.out_pitch + head * attention.head_size;
    return row;
}

template <int SIZE>
__device__ __forceinline__ void run(const Step* step, const Attention& attention) {
    using S = Shape<SIZE>;
    constexpr int TOKENS = S::TOKENS;
    extern __shared__ uint4 shared[];
    __nv_bfloat16* keys = reinterpret_cast<__nv_bfloat16*>(shared);
    __nv_bfloat16* values = keys + TOKENS * S::PITCH;
    __nv_bfloat16* queries = values + TOKENS * S::PITCH;  // only where they don't stay in registers

    const int group = attention.heads / attention.kv_heads;
    const int block = static_cast<int>(blockIdx.y * gridDim.x + blockIdx.x);
    const int kv_head = block % attention.kv_heads;  // the longest tiles of all heads come first
    const Place place = find(step, block / attention.kv_heads, group, S::ROWS);
    if (place.sequence < 0) {
        return;
    }
    const int head_size = attention.head_size;
    const int first_token = step->sequence_start[place.sequence];
    const int tokens = step->sequence_start[place.sequence + 1] - first_token;
    const int context = step->context[place.sequence];
    const int first_position = context - tokens;
    const int first_row = (place.tiles - 1 - place.tile) * S::ROWS;
    const int rows = tokens * group;

    const int lane = threadIdx.x % WARP;
    const int q = lane / 4;
    const int c = lane % 4;
    const int warp = threadIdx.x / WARP;
    const int warp_row = first_row + warp / S::SHARES * 16;
    const int first_dim = warp % S::SHARES * S::OUT;
    const Row row[2] = {row_of(attention, warp_row + q, rows, group, kv_head, first_token, first_position),
                        row_of(attention, warp_row + q + 8, rows, group, kv_head, first_token, first_position)};

    // What the block's first row doesn't see on the left, and what its last row doesn't see on the right.
    const int least = first_position + min(first_row, rows - 1) / group;
    const int most = first_position + min(first_row + S::ROWS - 1, rows - 1) / group;
    const int from =
        attention.window > 0 ? max(0, least - attention.window + 1) / BLOCK_TOKENS * BLOCK_TOKENS : 0;
    const int end = most + 1;

    const size_t head_offset = static_cast<size_t>(kv_head) * BLOCK_TOKENS * head_size * sizeof(__nv_bfloat16);
    const unsigned* table = step->block_table + step->table_start[place.sequence];
    const Cache key_cache = {step->kv_base + attention.key_offset + head_offset, table, head_size, end};
    const Cache value_cache = {step->kv_base + attention.value_offset + head_offset, table, head_size, end};

    wait_for_previous();
    release_next();
    copy_tile<SIZE>(keys, key_cache, from);

    unsigned query[S::QUERY_IN_REGISTERS ? SIZE / 16 : 1][4];
    if constexpr (S::QUERY_IN_REGISTERS) {
#pragma unroll
        for (int i = 0; i < SIZE / 16; i++) {
#pragma unroll
            for (int k = 0; k < 4; k++) {
                const int dim = 16 * i + 8 * (k / 2) + 2 * c;
                query[i][k] = dim < head_size
                                  ? *reinterpret_cast<const unsigned*>(attention.q + row[k % 2].q + dim)
                                  : 0;
            }
        }
    } else {
        for (int i = threadIdx.x; i < S::ROWS * (SIZE / 8); i += S::THREADS) {
            const int dim = i % (SIZE / 8) * 8;
            const Row one = row_of(attention, first_row + i / (SIZE / 8), rows, group, kv_head, first_token,
                                   first_position);
            uint4 value = make_uint4(0, 0, 0, 0);
            if (dim < head_size) {
                value = *reinterpret_cast<const uint4*>(attention.q + one.q + dim);
            }
            *reinterpret_cast<uint4*>(queries + i / (SIZE / 8) * S::PITCH + dim) = value;
        }
        __syncthreads();
    }

    const float scale = attention.scale * LOG2_E;
    float max[2] = {-INFINITY, -INFINITY};
    float sum[2] = {0, 0};
    float o[S::OUT / 8][4];
#pragma unroll
    for (int i = 0; i < S::OUT / 8; i++) {
#pragma unroll
        for (int k = 0; k < 4; k++) {
            o[i][k] = 0;
        }
    }

    for (int first = from; first < end; first += TOKENS) {
        wait_for_copies<0>();
        __syncthreads();  // the keys are there, and all have used the previous values
        copy_tile<SIZE>(values, value_cache, first);

        float s[TOKENS / 8][4];
#pragma unroll
        for (int i = 0; i < TOKENS / 8; i++) {
#pragma unroll
            for (int k = 0; k < 4; k++) {
                s[i][k] = 0;
            }
        }
#pragma unroll
        for (int i = 0; i < SIZE / 16; i++) {
            unsigned a[4];
            if constexpr (S::QUERY_IN_REGISTERS) {
#pragma unroll
                for (int k = 0; k < 4; k++) {
                    a[k] = query[i][k];
                }
            } else {
                load_matrices(a, queries + (warp_row - first_row + lane % 16) * S::PITCH + 16 * i + lane / 16 * 8);
            }
#pragma unroll
            for (int t = 0; t < TOKENS / 16; t++) {
                unsigned b[4];
                load_matrices(b, keys + (16 * t + lane / 16 * 8 + lane % 8) * S::PITCH + 16 * i + lane / 8 % 2 * 8);
                mma(s[2 * t], a[0], a[1], a[2], a[3], b[0], b[1]);
                mma(s[2 * t + 1], a[0], a[1], a[2], a[3], b[2], b[3]);
            }
        }

        // Rows that see the whole tile need no mask.
        const bool masked = first + TOKENS - 1 > least || (attention.window > 0 && first <= most - attention.window);
#pragma unroll
        for (int h = 0; h < 2; h++) {
            float tile_max = -INFINITY;
#pragma unroll
            for (int i = 0; i < TOKENS / 8; i++) {
#pragma unroll
                for (int k = 0; k < 2; k++) {
                    float& score = s[i][2 * h + k];
                    if (masked) {
                        const int at = first + 8 * i + 2 * c + k;
                        const bool seen = at <= row[h].position &&
                                          (attention.window <= 0 || at > row[h].position - attention.window);
                        score = seen ? score : -INFINITY;
                    }
                    tile_max = fmaxf(tile_max, score);
                }
            }
            const float new_max = fmaxf(max[h], max_over_row(tile_max));
            const float base = new_max == -INFINITY ? 0 : new_max * scale;  // nothing seen so far
            const float factor = power_of_two(fmaf(max[h], scale, -base));
            max[h] = new_max;
            float tile_sum = 0;
#pragma unroll
            for (int i = 0; i < TOKENS / 8; i++) {
#pragma unroll
                for (int k = 0; k < 2; k++) {
                    s[i][2 * h + k] = power_of_two(fmaf(s[i][2 * h + k], scale, -base));
                    tile_sum += s[i][2 * h + k];
                }
            }
            sum[h] = sum[h] * factor + tile_sum;
#pragma unroll
            for (int i = 0; i < S::OUT / 8; i++) {
                o[i][2 * h] *= factor;
                o[i][2 * h + 1] *= factor;
            }
        }

        wait_for_copies<0>();
        __syncthreads();  // the values are there, and all have used the keys
        if (first + TOKENS < end) {
            copy_tile<SIZE>(keys, key_cache, first + TOKENS);
        }
#pragma unroll
        for (int t = 0; t < TOKENS / 16; t++) {
            const unsigned a0 = pack_bf16(s[2 * t][0], s[2 * t][1]);
            const unsigned a1 = pack_bf16(s[2 * t][2], s[2 * t][3]);
            const unsigned a2 = pack_bf16(s[2 * t + 1][0], s[2 * t + 1][1]);
            const unsigned a3 = pack_bf16(s[2 * t + 1][2], s[2 * t + 1][3]);
#pragma unroll
            for (int i = 0; i < S::OUT / 16; i++) {
                unsigned b[4];
                load_matrices_transposed(b, values + (16 * t + lane / 8 % 2 * 8 + lane % 8) * S::PITCH + first_dim +
                                                16 * i + lane / 16 * 8);
                mma(o[2 * i], a0, a1, a2, a3, b[0], b[1]);
                mma(o[2 * i + 1], a0, a1, a2, a3, b[2], b[3]);
            }
        }
    }

#pragma unroll
    for (int h = 0; h < 2; h++) {
        const float factor = 1 / sum_over_row(sum[h]);
        if (row[h].valid) {
#pragma unroll
            for (int i = 0; i < S::OUT / 8; i++) {
                const int dim = first_dim + 8 * i + 2 * c;
                if (dim < head_size) {
                    *reinterpret_cast<unsigned*>(attention.out + row[h].out + dim) =
                        pack_bf16(o[i][2 * h] * factor, o[i][2 * h + 1] * factor);
                }
            }
        }
    }
}

static_assert(attention_prompt_shared_bytes(128) == 2 * Shape<128>::TOKENS * Shape<128>::PITCH * 2, "see the header");
static_assert(attention_prompt_shared_bytes(256) ==
                  (2 * Shape<256>::TOKENS + Shape<256>::ROWS) * Shape<256>::PITCH * 2,
              "see the header");

}  // namespace lorikeet::attention_prompt

extern "C" __global__ void __launch_bounds__(256, 1)
    attention_prompt_64(const lorikeet::Step* step, lorikeet::Attention attention) {
    lorikeet::attention_prompt::run<64>(step, attention);
}

extern "C" __global__ void __launch_bounds__(256, 1)
    attention_prompt_96(const lorikeet::Step* step, lorikeet::Attention attention) {
    lorikeet::attention_prompt::run<96>(step, attention);
}

extern "C" __global__ void __launch_bounds__(256, 1)
    attention_prompt_128(const lorikeet::Step* step, lorikeet::Attention attention) {
    lorikeet::attention_prompt::run<128>(step, attention);
}

extern "C" __global__ void __launch_bounds__(256, 1)
    attention_prompt_256(const lorikeet::Step* step, lorikeet::Attention attention) {
    lorikeet::attention_prompt::run<256>(step, attention);
}

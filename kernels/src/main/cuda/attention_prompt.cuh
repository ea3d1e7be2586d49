// What the two forms of prompt attention share: where a tile's rows are, copies to shared memory, and the softmax.
#pragma once

#include <cmath>

#include "attention.cuh"
#include "device.cuh"

namespace lorikeet::attention_prompt {

constexpr int THREADS = 256;
constexpr float LOG2_E = 1.4426950408889634f;

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

// Starts to copy eight dimensions of one position, or zeros where there is nothing.
__device__ __forceinline__ void copy_part(__nv_bfloat16* to, const Cache& cache, int position, int dim) {
    const bool valid = position < cache.end && dim < cache.head_size;
    const unsigned char* from = cache.base;
    if (valid) {
        from += static_cast<size_t>(cache.table[position / BLOCK_TOKENS]) * ADDRESS_UNIT +
                (position % BLOCK_TOKENS * cache.head_size + dim) * sizeof(__nv_bfloat16);
    }
    copy_async(to, from, valid);
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

// A block's tile of a prompt. Its rows are (token, head) pairs, as many as `ROWS`.
struct PromptTile {
    int sequence;
    int kv_head;
    int group;           // query heads of the group
    int rows;            // of the sequence
    int first_row;       // of the tile, in the sequence
    int first_token;     // of the sequence, in the step
    int first_position;  // of the sequence's first token
    int least, most;     // positions of the tile's first and last token
    int from, end;       // positions that some row sees; `from` is a multiple of BLOCK_TOKENS
    Cache keys, values;

    __device__ __forceinline__ Row row(const Attention& attention, int index) const {
        return row_of(attention, index, rows, group, kv_head, first_token, first_position);
    }

    // Whether there are rows that don't see all of the positions [first, first + tokens).
    __device__ __forceinline__ bool masked(const Attention& attention, int first, int tokens) const {
        return first + tokens - 1 > least || (attention.window > 0 && first <= most - attention.window);
    }
};

// False: there is nothing to do for this block.
template <int ROWS>
__device__ __forceinline__ bool find_tile(const Step* step, const Attention& attention, PromptTile& tile) {
    const int block = static_cast<int>(blockIdx.y * gridDim.x + blockIdx.x);
    tile.kv_head = block % attention.kv_heads;  // the longest tiles of all heads come first
    tile.group = attention.heads / attention.kv_heads;
    const Place place = find(step, block / attention.kv_heads, tile.group, ROWS);
    if (place.sequence < 0) {
        return false;
    }
    tile.sequence = place.sequence;
    tile.first_token = step->sequence_start[place.sequence];
    const int tokens = step->sequence_start[place.sequence + 1] - tile.first_token;
    tile.first_position = step->context[place.sequence] - tokens;
    tile.rows = tokens * tile.group;
    tile.first_row = (place.tiles - 1 - place.tile) * ROWS;
    tile.least = tile.first_position + tile.first_row / tile.group;
    tile.most = tile.first_position + min(tile.first_row + ROWS - 1, tile.rows - 1) / tile.group;
    const int seen = attention.window > 0 ? max(0, tile.least - attention.window + 1) : 0;
    tile.from = seen / BLOCK_TOKENS * BLOCK_TOKENS;
    tile.end = tile.most + 1;

    const unsigned char* base = step->kv_base + static_cast<size_t>(tile.kv_head) * BLOCK_TOKENS *
                                                    attention.head_size * sizeof(__nv_bfloat16);
    const unsigned* table = step->block_table + step->table_start[place.sequence];
    tile.keys = {base + attention.key_offset, table, attention.head_size, tile.end};
    tile.values = {base + attention.value_offset, table, attention.head_size, tile.end};
    return true;
}

// The queries of 16 rows of a warp as the first operand of its products.
template <int SIZE>
__device__ __forceinline__ void load_queries(unsigned (&query)[SIZE / 16][4], const Attention& attention,
                                             const Row (&row)[2]) {
    const int c = threadIdx.x % 4;
#pragma unroll
    for (int i = 0; i < SIZE / 16; i++) {
#pragma unroll
        for (int k = 0; k < 4; k++) {
            const int dim = 16 * i + 8 * (k / 2) + 2 * c;
            query[i][k] = dim < attention.head_size
                              ? __ldcg(reinterpret_cast<const unsigned*>(attention.q + row[k % 2].q + dim))
                              : 0;
        }
    }
}

// Writes the output of the dimensions from `first_dim` on, times `inverse`.
template <int COLUMNS>
__device__ __forceinline__ void store_rows(const float (&o)[COLUMNS][4], const float (&inverse)[2],
                                           const Attention& attention, const Row (&row)[2], int first_dim) {
#pragma unroll
    for (int h = 0; h < 2; h++) {
        if (row[h].valid) {
#pragma unroll
            for (int i = 0; i < COLUMNS; i++) {
                const int dim = first_dim + 8 * i + 2 * static_cast<int>(threadIdx.x % 4);
                if (dim < attention.head_size) {
                    *reinterpret_cast<unsigned*>(attention.out + row[h].out + dim) =
                        pack_bf16(o[i][2 * h] * inverse[h], o[i][2 * h + 1] * inverse[h]);
                }
            }
        }
    }
}

// The softmax so far of a thread's two rows. Rows are 4 lanes wide; a thread has columns 8i + 2c, 8i + 2c + 1.
struct Softmax {
    float max[2] = {-INFINITY, -INFINITY};
    float sum[2] = {0, 0};  // of this thread's columns
    float factor[2];        // by which what was summed up before must be multiplied

    // Turns the scores of the positions from `first` on into weights.
    template <int COLUMNS>
    __device__ __forceinline__ void weigh(float (&s)[COLUMNS][4], const Attention& attention, const Row (&row)[2],
                                          int first, bool masked) {
        const float scale = attention.scale * LOG2_E;
#pragma unroll
        for (int h = 0; h < 2; h++) {
            float tile_max = -INFINITY;
#pragma unroll
            for (int i = 0; i < COLUMNS; i++) {
#pragma unroll
                for (int k = 0; k < 2; k++) {
                    float& score = s[i][2 * h + k];
                    if (masked) {
                        const int at = first + 8 * i + 2 * static_cast<int>(threadIdx.x % 4) + k;
                        const bool seen = at <= row[h].position &&
                                          (attention.window <= 0 || at > row[h].position - attention.window);
                        score = seen ? score : -INFINITY;
                    }
                    tile_max = fmaxf(tile_max, score);
                }
            }
            const float new_max = fmaxf(max[h], max_over_row(tile_max));
            const float base = new_max == -INFINITY ? 0 : new_max * scale;  // nothing seen so far
            // Exactly 1 where nothing changes: what a row doesn't see leaves its bits alone.
            factor[h] = max[h] == new_max ? 1 : power_of_two(fmaf(max[h], scale, -base));
            max[h] = new_max;
            float tile_sum = 0;
#pragma unroll
            for (int i = 0; i < COLUMNS; i++) {
#pragma unroll
                for (int k = 0; k < 2; k++) {
                    s[i][2 * h + k] = power_of_two(fmaf(s[i][2 * h + k], scale, -base));
                    tile_sum += s[i][2 * h + k];
                }
            }
            sum[h] = sum[h] * factor[h] + tile_sum;
        }
    }

    template <int COLUMNS>
    __device__ __forceinline__ void rescale(float (&o)[COLUMNS][4]) const {
#pragma unroll
        for (int i = 0; i < COLUMNS; i++) {
#pragma unroll
            for (int k = 0; k < 4; k++) {
                o[i][k] *= factor[k / 2];
            }
        }
    }

    // Writes the output of the dimensions from `first_dim` on.
    template <int COLUMNS>
    __device__ __forceinline__ void store(const float (&o)[COLUMNS][4], const Attention& attention,
                                          const Row (&row)[2], int first_dim) const {
        const float inverse[2] = {1 / sum_over_row(sum[0]), 1 / sum_over_row(sum[1])};
        store_rows(o, inverse, attention, row, first_dim);
    }
};

template <int COLUMNS>
__device__ __forceinline__ void clear(float (&values)[COLUMNS][4]) {
#pragma unroll
    for (int i = 0; i < COLUMNS; i++) {
#pragma unroll
        for (int k = 0; k < 4; k++) {
            values[i][k] = 0;
        }
    }
}

// How the sums of two ranges of positions are put together, the earlier ones' first. A range of which a row sees nothing
// leaves its bits alone.
struct Join {
    float max;
    float before;  // factors
    float part;

    __device__ __forceinline__ Join(float max_before, float part_max, const Attention& attention) {
        const float scale = attention.scale * LOG2_E;
        max = fmaxf(max_before, part_max);
        const float base = max == -INFINITY ? 0 : max * scale;
        before = max_before == max ? 1 : power_of_two(fmaf(max_before, scale, -base));
        part = part_max == max ? 1 : power_of_two(fmaf(part_max, scale, -base));
    }

    __device__ __forceinline__ float operator()(float sum_before, float part_sum) const {
        return fmaf(part_sum, part, __fmul_rn(sum_before, before));
    }
};

// The sums of ranges of positions, put together in the order of the ranges; a thread's two rows as in Softmax.
template <int EIGHTS>
struct Total {
    float max[2] = {-INFINITY, -INFINITY};
    float sum[2] = {0, 0};  // of all columns
    float o[EIGHTS][4] = {};

    // Adds a range's. Its sums begin anew.
    __device__ __forceinline__ void take(Softmax& softmax, float (&part)[EIGHTS][4], const Attention& attention) {
#pragma unroll
        for (int h = 0; h < 2; h++) {
            const Join join(max[h], softmax.max[h], attention);
            max[h] = join.max;
            sum[h] = join(sum[h], sum_over_row(softmax.sum[h]));
#pragma unroll
            for (int i = 0; i < EIGHTS; i++) {
                o[i][2 * h] = join(o[i][2 * h], part[i][2 * h]);
                o[i][2 * h + 1] = join(o[i][2 * h + 1], part[i][2 * h + 1]);
            }
        }
        softmax = Softmax();
        clear(part);
    }

    __device__ __forceinline__ void store(const Attention& attention, const Row (&row)[2], int first_dim) const {
        const float inverse[2] = {1 / sum[0], 1 / sum[1]};
        store_rows(o, inverse, attention, row, first_dim);
    }
};

// 16 columns of weights as the first operand of a product.
__device__ __forceinline__ void pack(unsigned (&to)[4], const float (&low)[4], const float (&high)[4]) {
    to[0] = pack_bf16(low[0], low[1]);
    to[1] = pack_bf16(low[2], low[3]);
    to[2] = pack_bf16(high[0], high[1]);
    to[3] = pack_bf16(high[2], high[3]);
}

}  // namespace lorikeet::attention_prompt

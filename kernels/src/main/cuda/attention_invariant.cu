// Attention to the same bits for a token in any company: see attention_invariant.cuh.
//
// Prompts go through run_mma of attention_prompt_mma.cuh. Of a single token, each warp takes some ranges, with memory and
// copies of its own, and multiplies, weighs and adds in the same order. The first warp has as many of the first ranges as
// it takes to leave no more than there is memory for; the others leave their ranges' sums one by one, and who is last
// puts them together.
#include "attention_invariant.cuh"

#include "attention_prompt_mma.cuh"

namespace lorikeet::attention_invariant {

using attention_prompt::Cache;
using attention_prompt::Join;
using attention_prompt::Row;
using attention_prompt::Shape;
using attention_prompt::Softmax;

constexpr int RANGE = ATTENTION_RANGE;
constexpr int ROWS = ATTENTION_INVARIANT_ROWS;
constexpr int WARPS = ATTENTION_INVARIANT_WARPS;

__device__ __forceinline__ int divide_up(int a, int b) { return (a + b - 1) / b; }

// How the ranges of a token are shared out to warps.
struct Shares {
    int leading;  // ranges of the first warp, the first ones
    int each;     // of the others
    int active;   // warps that have some

    __device__ __forceinline__ Shares(int ranges, int warps, int places) {
        leading = min(ranges, max(divide_up(ranges, warps), ranges - (places - 1)));
        const int rest = ranges - leading;
        each = max(divide_up(rest, warps - 1), 1);
        active = 1 + divide_up(rest, each);
    }

    __device__ __forceinline__ int first(int warp) const { return warp == 0 ? 0 : leading + (warp - 1) * each; }
};

// What warps leave to one another: place 0 has the first one's ranges, put together; the others have a range each.
template <int SIZE>
struct Places {
    static constexpr int PITCH = SIZE + 4;  // the sums' maximum and that of the weights behind them

    const Attention& attention;
    int first_head;
    int rows;  // of the token: query heads
    size_t place_floats;
    float* memory;

    __device__ __forceinline__ Places(const Attention& attention_, int group, int first_head_)
        : attention(attention_), first_head(first_head_), rows(min(group - first_head_, ROWS)) {
        place_floats = static_cast<size_t>(min(group, ROWS)) * PITCH;
        memory = attention.partial +
                 (static_cast<size_t>(blockIdx.y) * gridDim.x + blockIdx.x) * attention.split_blocks * place_floats;
    }

    __device__ __forceinline__ float* row(int place, int row) const {
        return memory + place * place_floats + static_cast<size_t>(row) * PITCH;
    }

    // Leaves a range's sums, which begin anew; `joined`: with those that are there.
    __device__ __forceinline__ void take(int place, bool joined, Softmax& softmax, float (&o)[SIZE / 8][4]) const {
        const int lane = threadIdx.x % WARP;
#pragma unroll
        for (int h = 0; h < 2; h++) {
            float sum = attention_prompt::sum_over_row(softmax.sum[h]);
            if (lane / 4 + 8 * h < rows) {
                float* const to = row(place, lane / 4 + 8 * h);
                float2* const sums = reinterpret_cast<float2*>(to + SIZE);
                float2* const out = reinterpret_cast<float2*>(to + lane % 4 * 2);
                float2 there = make_float2(-INFINITY, 0);
                if (joined) {
                    there = __ldcg(sums);
                }
                const Join join(there.x, softmax.max[h], attention);
                sum = join(there.y, sum);
#pragma unroll
                for (int i = 0; i < SIZE / 8; i++) {
                    float2 two = make_float2(o[i][2 * h], o[i][2 * h + 1]);
                    if (joined) {
                        const float2 before = __ldcg(out + 4 * i);
                        two = make_float2(join(before.x, two.x), join(before.y, two.y));
                    }
                    __stcg(out + 4 * i, two);
                }
                __syncwarp(__activemask());  // all have read what is there
                if (lane % 4 == 0) {
                    __stcg(sums, make_float2(join.max, sum));
                }
            }
        }
        softmax = Softmax();
        attention_prompt::clear(o);
    }

    // Puts the first so many places together, and writes the output of the token.
    __device__ __forceinline__ void finish(int places, __nv_bfloat16* out) const {
        constexpr int VECTORS = SIZE / 4;
        constexpr int AT_ONCE = 4;  // vectors of a lane
#pragma unroll 1
        for (int first = threadIdx.x % WARP; first < rows * VECTORS; first += AT_ONCE * WARP) {
            float4 total[AT_ONCE];
            float2 sums[AT_ONCE];  // maximum, sum
#pragma unroll
            for (int k = 0; k < AT_ONCE; k++) {
                load(0, min(first + k * WARP, rows * VECTORS - 1), total[k], sums[k]);
            }
#pragma unroll 4
            for (int p = 1; p < places; p++) {
#pragma unroll
                for (int k = 0; k < AT_ONCE; k++) {
                    float4 part;
                    float2 part_sums;
                    load(p, min(first + k * WARP, rows * VECTORS - 1), part, part_sums);
                    const Join join(sums[k].x, part_sums.x, attention);
                    sums[k] = make_float2(join.max, join(sums[k].y, part_sums.y));
                    total[k] = make_float4(join(total[k].x, part.x), join(total[k].y, part.y), join(total[k].z, part.z),
                                           join(total[k].w, part.w));
                }
            }
#pragma unroll
            for (int k = 0; k < AT_ONCE; k++) {
                const int vector = first + k * WARP;
                const int dim = vector % VECTORS * 4;
                if (vector < rows * VECTORS && dim < attention.head_size) {
                    const float inverse = 1 / sums[k].y;
                    const float4 v = total[k];
                    *reinterpret_cast<uint2*>(out + (first_head + vector / VECTORS) * attention.head_size + dim) =
                        make_uint2(pack_bf16(v.x * inverse, v.y * inverse), pack_bf16(v.z * inverse, v.w * inverse));
                }
            }
        }
    }

  private:
    __device__ __forceinline__ void load(int place, int vector, float4& values, float2& sums) const {
        constexpr int VECTORS = SIZE / 4;
        const float* from = row(place, vector / VECTORS);
        values = __ldcg(reinterpret_cast<const float4*>(from + vector % VECTORS * 4));
        sums = __ldcg(reinterpret_cast<const float2*>(from + SIZE));
    }
};

// Whether this warp is the last one of those that are active, which finds what the others have left.
__device__ __forceinline__ bool is_last(const Attention& attention, int active) {
    unsigned before = 0;
    __threadfence();
    __syncwarp();
    if (threadIdx.x % WARP == 0) {
        unsigned* arrived = attention.arrived + static_cast<size_t>(blockIdx.y) * gridDim.x + blockIdx.x;
        before = atomicAdd(arrived, 1);
        if (before + 1 == static_cast<unsigned>(active)) {
            *arrived = 0;
        }
    }
    __threadfence();
    return __shfl_sync(ALL_LANES, before, 0) + 1 == static_cast<unsigned>(active);
}

// Starts to copy a tile of keys or values by a warp. `blocks`: lane b has the place of the tile's KV block b.
template <int SIZE>
__device__ __forceinline__ void copy_tile(__nv_bfloat16* to, const Cache& cache, int first, unsigned blocks) {
    using S = Shape<SIZE>;
    constexpr int VECTORS = SIZE / 8;
    const int lane = threadIdx.x % WARP;
#pragma unroll
    for (int b = 0; b < S::TOKENS / BLOCK_TOKENS; b++) {
        const unsigned char* from =
            cache.base + static_cast<size_t>(__shfl_sync(ALL_LANES, blocks, b)) * ADDRESS_UNIT;
#pragma unroll
        for (int i = 0; i < BLOCK_TOKENS * VECTORS; i += WARP) {
            const int token = (i + lane) / VECTORS;
            const int dim = (i + lane) % VECTORS * 8;
            const bool valid = first + b * BLOCK_TOKENS + token < cache.end && dim < cache.head_size;
            attention_prompt::copy_async(to + (b * BLOCK_TOKENS + token) * S::PITCH + dim,
                                         valid ? from + (token * cache.head_size + dim) * sizeof(__nv_bfloat16) : cache.base,
                                         valid);
        }
    }
    attention_prompt::close_copies();
}

// Lane b gets the place of the tile's KV block b.
template <int SIZE>
__device__ __forceinline__ unsigned blocks_of(const Cache& cache, int first) {
    const int lane = threadIdx.x % WARP;
    const int position = first + lane * BLOCK_TOKENS;
    return lane < Shape<SIZE>::TOKENS / BLOCK_TOKENS && position < cache.end ? cache.table[position / BLOCK_TOKENS] : 0;
}

template <int SIZE>
__device__ __forceinline__ void decode(const Step* step, const Attention& attention) {
    using S = Shape<SIZE>;
    constexpr int TOKENS = S::TOKENS;
    constexpr int WARP_ELEMENTS = S::PITCH * (2 * TOKENS + (S::QUERY_IN_REGISTERS ? 0 : ROWS));
    extern __shared__ uint4 shared[];
    release_next();
    const int sequence = attention.splits + static_cast<int>(blockIdx.y);
    if (sequence >= step->sequences) {
        return;
    }
    const int token = step->sequence_start[sequence];
    if (step->sequence_start[sequence + 1] - token != 1) {
        return;
    }
    const int group = attention.heads / attention.kv_heads;
    const int head_tiles = divide_up(group, ROWS);
    const int kv_head = static_cast<int>(blockIdx.x) / head_tiles;
    const int first_head = static_cast<int>(blockIdx.x) % head_tiles * ROWS;
    const int lane = threadIdx.x % WARP;
    const int warp = __shfl_sync(ALL_LANES, static_cast<int>(threadIdx.x) / WARP, 0);
    const int end = step->context[sequence];
    const int from = attention.window > 0 ? max(0, end - attention.window) / TOKENS * TOKENS : 0;
    const int ranges = (end - 1) / RANGE - from / RANGE + 1;
    const Shares shares(ranges, static_cast<int>(gridDim.z) * WARPS, attention.split_blocks);
    const int worker = static_cast<int>(blockIdx.z) * WARPS + warp;
    if (worker >= shares.active) {
        return;
    }
    const int first_range = shares.first(worker);
    int first = max(from, (from / RANGE + first_range) * RANGE);
    const int stop = min(end, (from / RANGE + shares.first(worker + 1)) * RANGE);

    __nv_bfloat16* const keys = reinterpret_cast<__nv_bfloat16*>(shared) + warp * WARP_ELEMENTS;
    __nv_bfloat16* const values = keys + TOKENS * S::PITCH;
    __nv_bfloat16* const queries = values + TOKENS * S::PITCH;
    const unsigned char* base =
        step->kv_base + static_cast<size_t>(kv_head) * BLOCK_TOKENS * attention.head_size * sizeof(__nv_bfloat16);
    const unsigned* table = step->block_table + step->table_start[sequence];
    const Cache key_cache = {base + attention.key_offset, table, attention.head_size, end};
    const Cache value_cache = {base + attention.value_offset, table, attention.head_size, end};
    const Row row[2] = {
        attention_prompt::row_of(attention, first_head + lane / 4, group, group, kv_head, token, end - 1),
        attention_prompt::row_of(attention, first_head + lane / 4 + 8, group, group, kv_head, token, end - 1)};

    unsigned blocks = blocks_of<SIZE>(key_cache, first);
    // Whole blocks were written in earlier steps: these needn't wait for the kernel before.
    const bool early = first + TOKENS < end;
    if (!early) {
        wait_for_previous();
    }
    copy_tile<SIZE>(keys, key_cache, first, blocks);
    copy_tile<SIZE>(values, value_cache, first, blocks);
    if (early) {
        wait_for_previous();
    }
    unsigned query[S::QUERY_IN_REGISTERS ? SIZE / 16 : 1][4];
    if constexpr (S::QUERY_IN_REGISTERS) {
        attention_prompt::load_queries<SIZE>(query, attention, row);
    } else {
        for (int i = lane; i < ROWS * (SIZE / 8); i += WARP) {
            const int dim = i % (SIZE / 8) * 8;
            const Row one = attention_prompt::row_of(attention, first_head + i / (SIZE / 8), group, group, kv_head, token,
                                                     end - 1);
            uint4 value = make_uint4(0, 0, 0, 0);
            if (dim < attention.head_size) {
                value = __ldcg(reinterpret_cast<const uint4*>(attention.q + one.q + dim));
            }
            *reinterpret_cast<uint4*>(queries + i / (SIZE / 8) * S::PITCH + dim) = value;
        }
    }

    const Places<SIZE> places(attention, group, first_head);
    int place = worker == 0 ? 0 : first_range - shares.leading + 1;
    bool joined = false;
    Softmax softmax;
    float o[SIZE / 8][4];
    attention_prompt::clear(o);
#pragma unroll 1
    for (; first < stop; first += TOKENS) {
        const int next = first + TOKENS;
        const bool more = next < stop;
        if (more) {
            blocks = blocks_of<SIZE>(key_cache, next);
        }
        attention_prompt::wait_for_copies<1>();
        __syncwarp();  // the keys are there
        float s[TOKENS / 8][4];
        attention_prompt::multiply_keys<SIZE>(s, query, queries, keys);
        __syncwarp();  // all have used them
        if (more) {
            copy_tile<SIZE>(keys, key_cache, next, blocks);
        } else {
            attention_prompt::close_copies();
        }
        const bool masked = next > end || (attention.window > 0 && first < end - attention.window);
        softmax.weigh(s, attention, row, first, masked);
        softmax.rescale(o);
        attention_prompt::wait_for_copies<1>();
        __syncwarp();  // the values are there
        attention_prompt::multiply_values<SIZE>(o, s, values);
        __syncwarp();
        if (more) {
            copy_tile<SIZE>(values, value_cache, next, blocks);
        }
        if (ranges > 1 && (next % RANGE == 0 || !more)) {
            places.take(place, joined, softmax, o);
            joined = worker == 0;
            place += worker == 0 ? 0 : 1;
        }
    }
    if (ranges == 1) {
        softmax.store(o, attention, row, 0);
        return;
    }
    __syncwarp();
    if (shares.active == 1 || is_last(attention, shares.active)) {
        places.finish(1 + ranges - shares.leading, attention.out + static_cast<size_t>(token) * attention.out_pitch +
                                                       kv_head * group * attention.head_size);
    }
}

}  // namespace lorikeet::attention_invariant

extern "C" __global__ void __launch_bounds__(64, 1)
    attention_invariant_decode_64(const lorikeet::Step* step, lorikeet::Attention attention) {
    lorikeet::attention_invariant::decode<64>(step, attention);
}

extern "C" __global__ void __launch_bounds__(64, 1)
    attention_invariant_decode_128(const lorikeet::Step* step, lorikeet::Attention attention) {
    lorikeet::attention_invariant::decode<128>(step, attention);
}

extern "C" __global__ void __launch_bounds__(64, 1)
    attention_invariant_decode_256(const lorikeet::Step* step, lorikeet::Attention attention) {
    lorikeet::attention_invariant::decode<256>(step, attention);
}

extern "C" __global__ void __launch_bounds__(256, 1)
    attention_invariant_prompt_64(const lorikeet::Step* step, lorikeet::Attention attention) {
    lorikeet::attention_prompt::run_mma<64, lorikeet::ATTENTION_RANGE>(step, attention);
}

extern "C" __global__ void __launch_bounds__(256, 1)
    attention_invariant_prompt_128(const lorikeet::Step* step, lorikeet::Attention attention) {
    lorikeet::attention_prompt::run_mma<128, lorikeet::ATTENTION_RANGE>(step, attention);
}

extern "C" __global__ void __launch_bounds__(256, 1)
    attention_invariant_prompt_256(const lorikeet::Step* step, lorikeet::Attention attention) {
    lorikeet::attention_prompt::run_mma<256, lorikeet::ATTENTION_RANGE>(step, attention);
}

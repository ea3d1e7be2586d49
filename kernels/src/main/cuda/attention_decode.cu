// Attention of single tokens, bound by reading keys and values.
//
// A block takes one split of one sequence, one key and value head, and up to eight query heads of its group. Each warp
// takes every eighth KV block of the split (of heads of 256 every fourth) and keeps a softmax of its own over them; the
// warps' sums, then the splits', are put together at the end. Keys and values go straight from memory to the registers of
// the tensor-core products, 16 bytes a load: S' = K Q' and O' = V' P', so that the eight columns of a product are the query
// heads. The order of the dimensions within a product is free, and chosen such that neighbouring ones of a thread are
// neighbours in memory.
#include <cmath>

#include "attention_decode_loads.cuh"

namespace lorikeet::attention_decode {

// Of a block; the sums of eight with heads of 256 wouldn't fit into shared memory.
template <int SIZE>
constexpr int WARPS = SIZE <= 128 ? 8 : 4;

constexpr int HEADS = ATTENTION_HEADS;
constexpr float LOG2_E = 1.4426950408889634f;

__device__ __forceinline__ float max_over_tokens(float value) {
#pragma unroll
    for (int offset = 4; offset < WARP; offset *= 2) {
        value = fmaxf(value, __shfl_xor_sync(ALL_LANES, value, offset));
    }
    return value;
}

__device__ __forceinline__ float sum_over_tokens(float value) {
#pragma unroll
    for (int offset = 4; offset < WARP; offset *= 2) {
        value += __shfl_xor_sync(ALL_LANES, value, offset);
    }
    return value;
}

// Which KV blocks this block of threads takes.
struct Split {
    int end;    // behind the last one
    int first;  // KV block
    int last;   // behind the last KV block
    int count;  // splits of this sequence
};

__device__ __forceinline__ Split split_of(const Attention& attention, int context, int index) {
    Split split;
    split.end = context;
    const int first = attention.window > 0 ? max(0, context - attention.window) / BLOCK_TOKENS : 0;
    const int blocks = (context + BLOCK_TOKENS - 1) / BLOCK_TOKENS - first;
    const int wanted = min(attention.splits, (blocks + attention.split_blocks - 1) / attention.split_blocks);
    const int each = (blocks + wanted - 1) / wanted;
    split.count = (blocks + each - 1) / each;
    split.first = first + index * each;
    split.last = min(split.first + each, first + blocks);
    return split;
}

// The softmax so far of one warp: for heads 2c and 2c + 1 of a thread the maximum and this thread's part of the sum.
template <int SIZE>
struct Softmax {
    float max[2];
    float sum[2];
    float o[SIZE / 16][4];  // [64u + 8q + 2j, +1][2c, 2c + 1] at o[4u + j]
};

// What the warps of a block leave to be put together.
template <int SIZE, bool MANY>
struct Shared {
    float max[WARPS<SIZE>][HEADS];
    float sum[WARPS<SIZE>][HEADS];
    alignas(16) float o[WARPS<SIZE>][HEADS][SIZE];
    float factor[ATTENTION_SPLITS][HEADS];
    float inverse[HEADS];
    alignas(16) uint4 query[MANY ? SIZE / 32 : 1][WARP];  // where queries are kept here
    Task task;                                 // where what is needed rarely is to take no registers in between
    bool last;
};

// The queries as the products take them, which are the same for all warps: in each thread's registers, or, where these
// are to be few, in shared memory.
template <int SIZE, bool IN_SHARED>
struct Queries {
    uint4 own[SIZE / 32];

    // By all threads of a block.
    __device__ __forceinline__ void load_from(const __nv_bfloat16* q_row, int head_size, int heads, Shared<SIZE, false>&) {
#pragma unroll
        for (int s = 0; s < SIZE / 32; s++) {
            own[s] = load_part(q_row, head_size, heads, s);
        }
    }

    __device__ __forceinline__ uint4 get(int s, const Shared<SIZE, false>&) const { return own[s]; }

    static __device__ __forceinline__ uint4 load_part(const __nv_bfloat16* q_row, int head_size, int heads, int s) {
        const int q = threadIdx.x % WARP / 4;
        const int dim = 32 * s + 8 * (static_cast<int>(threadIdx.x) % 4);
        return load(q_row + q * head_size + dim, q < heads && dim < head_size);
    }
};

template <int SIZE>
struct Queries<SIZE, true> {
    static_assert(SIZE / 32 <= WARPS<SIZE>, "a warp loads a part");

    __device__ __forceinline__ void load_from(const __nv_bfloat16* q_row, int head_size, int heads,
                                              Shared<SIZE, true>& shared) {
        const int s = static_cast<int>(threadIdx.x) / WARP;
        if (s < SIZE / 32) {
            shared.query[s][threadIdx.x % WARP] = Queries<SIZE, false>::load_part(q_row, head_size, heads, s);
        }
        __syncthreads();
    }

    __device__ __forceinline__ uint4 get(int s, const Shared<SIZE, true>& shared) const {
        return load_shared(&shared.query[s][threadIdx.x % WARP]);
    }
};

// Where registers allow it, a block's keys are loaded as soon as those before are used, and so are its values. Whole
// blocks were written in earlier steps: the first ones needn't wait for the kernel before.
template <int SIZE, bool EXACT, bool MANY>
__device__ __forceinline__ void attend(const Attention& attention, const Split& split, const Cache<MANY>& cache,
                                       const Task& task, const __nv_bfloat16* q_row, Shared<SIZE, MANY>& shared,
                                       Softmax<SIZE>& softmax) {
    constexpr bool AHEAD = SIZE <= 128;
    const int head_size = EXACT ? SIZE : attention.head_size;
    const int lane = threadIdx.x % WARP;
    const int q = lane / 4;
    const float scale = attention.scale * LOG2_E;
    const int window = attention.window > 0 ? attention.window : 0x40000000;

    KvBlock<SIZE, EXACT> kv;
    int block = split.first + static_cast<int>(threadIdx.x) / WARP;
    const auto load_first = [&] {
        const unsigned unit = task.table[block];
        kv.load_keys(cache.keys_at(unit), head_size, cache.tokens(block));
        kv.load_values(cache.values_at(unit), head_size, cache.tokens(block));
    };
    const bool early = AHEAD && block < split.last && cache.tokens(block) > BLOCK_TOKENS;
    if (early) {
        load_first();
    }
    wait_for_previous();
    release_next();
    Queries<SIZE, MANY> queries;
    queries.load_from(q_row, head_size, task.heads, shared);
    if (AHEAD && !early && block < split.last) {
        load_first();
    }

#pragma unroll 1
    for (; block < split.last; block += WARPS<SIZE>) {
        const int end = cache.tokens(block);  // from the block's first token on, as are all that follow
        const int from = end - window;
        const int next = block + WARPS<SIZE>;
        const bool more = next < split.last;
        unsigned unit = 0;
        if (!AHEAD || more) {
            unit = cache.unit(AHEAD ? next : block);
        }
        if (!AHEAD) {
            kv.load_keys(cache.keys_at(unit), head_size, cache.tokens(block));
        }
        float s[4] = {0, 0, 0, 0};
#pragma unroll
        for (int i = 0; i < SIZE / 32; i++) {
            const uint4 query = queries.get(i, shared);
            const uint4 low = kv.key[i][0];
            const uint4 high = kv.key[i][1];
            mma(s, low.x, high.x, low.y, high.y, query.x, query.y);
            mma(s, low.z, high.z, low.w, high.w, query.z, query.w);
        }
        if (!AHEAD) {
            kv.load_values(cache.values_at(unit), head_size, cache.tokens(block));
        } else if (more) {
            kv.load_keys(cache.keys_at(unit), head_size, cache.tokens(next));
        }
#pragma unroll
        for (int i = 0; i < 4; i++) {
            const int at = q + 8 * (i >> 1);
            s[i] = at >= from && at < end ? s[i] * scale : -INFINITY;
        }
        float factor[2];
#pragma unroll
        for (int h = 0; h < 2; h++) {
            const float max = fmaxf(softmax.max[h], max_over_tokens(fmaxf(s[h], s[h + 2])));
            factor[h] = power_of_two(softmax.max[h] - max);
            softmax.max[h] = max;
            s[h] = power_of_two(s[h] - max);
            s[h + 2] = power_of_two(s[h + 2] - max);
            softmax.sum[h] = softmax.sum[h] * factor[h] + (s[h] + s[h + 2]);
        }
        const unsigned p0 = transpose(pack_bf16(s[0], s[1]));
        const unsigned p1 = transpose(pack_bf16(s[2], s[3]));
#pragma unroll
        for (int u = 0; u < SIZE / 64; u++) {
            const unsigned* token0 = &kv.value[u][0].x;
            const unsigned* token1 = &kv.value[u][1].x;
            const unsigned* token8 = &kv.value[u][2].x;
            const unsigned* token9 = &kv.value[u][3].x;
#pragma unroll
            for (int j = 0; j < 4; j++) {
                float(&o)[4] = softmax.o[4 * u + j];
#pragma unroll
                for (int i = 0; i < 4; i++) {
                    o[i] *= factor[i & 1];
                }
                mma(o, __byte_perm(token0[j], token1[j], 0x5410), __byte_perm(token0[j], token1[j], 0x7632),
                    __byte_perm(token8[j], token9[j], 0x5410), __byte_perm(token8[j], token9[j], 0x7632), p0, p1);
            }
        }
        if (AHEAD && more) {
            kv.load_values(cache.values_at(unit), head_size, cache.tokens(next));
        }
    }
}

template <int SIZE, bool MANY>
__device__ __forceinline__ void leave(const Softmax<SIZE>& softmax, Shared<SIZE, MANY>& shared) {
    const int warp = threadIdx.x / WARP;
    const int q = threadIdx.x % WARP / 4;
    const int c = threadIdx.x % 4;
#pragma unroll
    for (int h = 0; h < 2; h++) {
        const float sum = sum_over_tokens(softmax.sum[h]);
        if (q == 0) {
            shared.max[warp][2 * c + h] = softmax.max[h];
            shared.sum[warp][2 * c + h] = sum;
        }
#pragma unroll
        for (int i = 0; i < SIZE / 16; i++) {
            const int dim = 64 * (i / 4) + 8 * q + 2 * (i % 4);
            *reinterpret_cast<float2*>(&shared.o[warp][2 * c + h][dim]) =
                make_float2(softmax.o[i][h], softmax.o[i][h + 2]);
        }
    }
}

__device__ __forceinline__ void add(float4& sum, float factor, const float4& value) {
    sum.x = fmaf(factor, value.x, sum.x);
    sum.y = fmaf(factor, value.y, sum.y);
    sum.z = fmaf(factor, value.z, sum.z);
    sum.w = fmaf(factor, value.w, sum.w);
}

__device__ __forceinline__ void store(__nv_bfloat16* to, const float4& value, float factor) {
    *reinterpret_cast<uint2*>(to) = make_uint2(pack_bf16(value.x * factor, value.y * factor),
                                               pack_bf16(value.z * factor, value.w * factor));
}

template <int SIZE, bool EXACT, bool MANY = false>
__device__ __forceinline__ void run(const Step* step, const Attention& attention) {
    constexpr int THREADS = WARPS<SIZE> * WARP;
    __shared__ Shared<SIZE, MANY> shared;
    const int sequence = blockIdx.y;
    if (sequence >= step->sequences) {
        return;
    }
    const int row = step->sequence_start[sequence];
    if (step->sequence_start[sequence + 1] - row != 1) {
        return;
    }
    const Split split = split_of(attention, step->context[sequence], blockIdx.z);
    if (static_cast<int>(blockIdx.z) >= split.count) {
        return;
    }
    const int head_size = EXACT ? SIZE : attention.head_size;
    const int group = attention.heads / attention.kv_heads;
    const int head_tiles = (group + HEADS - 1) / HEADS;
    const int kv_head = blockIdx.x / head_tiles;
    const int first_head = blockIdx.x % head_tiles * HEADS;  // in the group
    Task task = {step->block_table + step->table_start[sequence], row, split.count, min(HEADS, group - first_head),
                 (kv_head * group + first_head) * head_size};
    if (MANY && threadIdx.x == 0) {
        shared.task = task;
    }

    Softmax<SIZE> softmax;
#pragma unroll
    for (int h = 0; h < 2; h++) {
        softmax.max[h] = -INFINITY;
        softmax.sum[h] = 0;
    }
#pragma unroll
    for (int i = 0; i < SIZE / 16; i++) {
#pragma unroll
        for (int k = 0; k < 4; k++) {
            softmax.o[i][k] = 0;
        }
    }
    const unsigned char* base =
        step->kv_base + static_cast<size_t>(kv_head) * BLOCK_TOKENS * head_size * sizeof(__nv_bfloat16);
    const Cache<MANY> cache(attention, base, MANY ? shared.task : task, split.end);
    attend<SIZE, EXACT, MANY>(attention, split, cache, task,
                              attention.q + static_cast<size_t>(row) * attention.q_pitch + task.head_offset, shared,
                              softmax);
    leave(softmax, shared);
    __syncthreads();

    if (MANY) {
        task = shared.task;
    }
    const int heads = task.heads;
    const int splits = task.splits;
    __nv_bfloat16* out = attention.out + static_cast<size_t>(task.row) * attention.out_pitch + task.head_offset;
    const size_t place = static_cast<size_t>(sequence) * gridDim.x + blockIdx.x;
    const int part_floats = HEADS * attention.head_size + 2 * HEADS;  // maxima, sums, values
    float* parts = attention.partial + place * attention.splits * part_floats;
    float* part = parts + static_cast<size_t>(blockIdx.z) * part_floats;
    for (int i = 4 * threadIdx.x; i < heads * head_size; i += 4 * THREADS) {
        const int head = i / head_size;
        float max = -INFINITY;
#pragma unroll
        for (int warp = 0; warp < WARPS<SIZE>; warp++) {
            max = fmaxf(max, shared.max[warp][head]);
        }
        float sum = 0;
        float4 value = make_float4(0, 0, 0, 0);
#pragma unroll
        for (int warp = 0; warp < WARPS<SIZE>; warp++) {
            const float factor = power_of_two(shared.max[warp][head] - max);
            sum = fmaf(factor, shared.sum[warp][head], sum);
            add(value, factor, *reinterpret_cast<const float4*>(&shared.o[warp][head][i - head * head_size]));
        }
        if (splits == 1) {
            store(out + i, value, 1 / sum);
        } else {
            *reinterpret_cast<float4*>(part + 2 * HEADS + i) = value;
            if (i == head * head_size) {
                part[head] = max;
                part[HEADS + head] = sum;
            }
        }
    }
    if (splits == 1) {
        return;
    }

    // The block that comes last puts all splits together.
    __threadfence();
    __syncthreads();
    if (threadIdx.x == 0) {
        shared.last = atomicAdd(&attention.arrived[place], 1) == static_cast<unsigned>(splits) - 1;
    }
    __syncthreads();
    if (!shared.last) {
        return;
    }
    __threadfence();
    if (threadIdx.x == 0) {
        attention.arrived[place] = 0;
    }
    // A quarter of a warp for each head: the factor of each split, and 1 / sum of all.
    const int head = threadIdx.x / 8;
    if (head < heads) {
        float max = -INFINITY;
        for (int k = threadIdx.x % 8; k < splits; k += 8) {
            max = fmaxf(max, __ldcg(parts + static_cast<size_t>(k) * part_floats + head));
        }
        const unsigned lanes = 0xffu << (threadIdx.x % WARP / 8 * 8);
#pragma unroll
        for (int offset = 1; offset < 8; offset *= 2) {
            max = fmaxf(max, __shfl_xor_sync(lanes, max, offset));
        }
        float sum = 0;
        for (int k = threadIdx.x % 8; k < splits; k += 8) {
            const float* from = parts + static_cast<size_t>(k) * part_floats;
            const float factor = power_of_two(__ldcg(from + head) - max);
            shared.factor[k][head] = factor;
            sum = fmaf(factor, __ldcg(from + HEADS + head), sum);
        }
#pragma unroll
        for (int offset = 1; offset < 8; offset *= 2) {
            sum += __shfl_xor_sync(lanes, sum, offset);
        }
        if (threadIdx.x % 8 == 0) {
            shared.inverse[head] = 1 / sum;
        }
    }
    __syncthreads();
    for (int i = 4 * threadIdx.x; i < heads * head_size; i += 4 * THREADS) {
        const int head = i / head_size;
        float4 value = make_float4(0, 0, 0, 0);
#pragma unroll 8
        for (int k = 0; k < splits; k++) {
            const float* from = parts + static_cast<size_t>(k) * part_floats + 2 * HEADS + i;
            add(value, shared.factor[k][head], __ldcg(reinterpret_cast<const float4*>(from)));
        }
        store(out + i, value, shared.inverse[head]);
    }
}

}  // namespace lorikeet::attention_decode

extern "C" __global__ void __launch_bounds__(256, 1)
    attention_decode_64(const lorikeet::Step* step, lorikeet::Attention attention) {
    lorikeet::attention_decode::run<64, true>(step, attention);
}

extern "C" __global__ void __launch_bounds__(256, 1)
    attention_decode_128(const lorikeet::Step* step, lorikeet::Attention attention) {
    lorikeet::attention_decode::run<128, true>(step, attention);
}

extern "C" __global__ void __launch_bounds__(256, 2)
    attention_decode_many_128(const lorikeet::Step* step, lorikeet::Attention attention) {
    lorikeet::attention_decode::run<128, true, true>(step, attention);
}

extern "C" __global__ void __launch_bounds__(128, 2)
    attention_decode_256(const lorikeet::Step* step, lorikeet::Attention attention) {
    lorikeet::attention_decode::run<256, true>(step, attention);
}

extern "C" __global__ void __launch_bounds__(256, 1)
    attention_decode_within_128(const lorikeet::Step* step, lorikeet::Attention attention) {
    lorikeet::attention_decode::run<128, false>(step, attention);
}

extern "C" __global__ void __launch_bounds__(128, 2)
    attention_decode_within_256(const lorikeet::Step* step, lorikeet::Attention attention) {
    lorikeet::attention_decode::run<256, false>(step, attention);
}

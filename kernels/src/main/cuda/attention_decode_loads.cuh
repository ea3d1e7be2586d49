// What attention_decode takes from memory: a KV block's keys and values, straight to the products' registers.
#pragma once

#include "attention.cuh"
#include "device.cuh"

namespace lorikeet::attention_decode {

__device__ __forceinline__ uint4 load(const __nv_bfloat16* from, bool valid) {
    uint4 value = make_uint4(0, 0, 0, 0);
    if (valid) {
        value = __ldcg(reinterpret_cast<const uint4*>(from));  // the newest ones come from the kernel before
    }
    return value;
}

// Each time anew: it isn't kept in registers.
__device__ __forceinline__ uint4 load_shared(const uint4* from) {
    uint4 value;
    asm volatile("ld.shared.v4.u32 {%0, %1, %2, %3}, [%4];"
                 : "=r"(value.x), "=r"(value.y), "=r"(value.z), "=r"(value.w)
                 : "r"(static_cast<unsigned>(__cvta_generic_to_shared(from))));
    return value;
}

// An 8 x 8 matrix of bf16 over a warp, transposed.
__device__ __forceinline__ unsigned transpose(unsigned pair) {
    unsigned result;
    asm volatile("movmatrix.sync.aligned.m8n8.trans.b16 %0, %1;" : "=r"(result) : "r"(pair));
    return result;
}

// What a block does.
struct Task {
    const unsigned* table;  // of the sequence's KV blocks
    int row;
    int splits;       // of the sequence
    int heads;        // query heads
    int head_offset;  // of the first one in a row
};

// A KV block's keys and values of one head, as the products take them: of each 16 bytes.
template <int SIZE, bool EXACT>
struct KvBlock {
    uint4 key[SIZE / 32][2];    // tokens q, q + 8
    uint4 value[SIZE / 64][4];  // tokens 2c, 2c + 1, 2c + 8, 2c + 9

    __device__ __forceinline__ void load_keys(const unsigned char* keys, int head_size, int tokens) {
        const int q = threadIdx.x % WARP / 4;
        const int c = threadIdx.x % 4;
#pragma unroll
        for (int s = 0; s < SIZE / 32; s++) {
            const int dim = 32 * s + 8 * c;
#pragma unroll
            for (int half = 0; half < 2; half++) {
                const int token = q + 8 * half;
                key[s][half] = load(reinterpret_cast<const __nv_bfloat16*>(keys) + token * head_size + dim,
                                    token < tokens && (EXACT || dim < head_size));
            }
        }
    }

    __device__ __forceinline__ void load_values(const unsigned char* values, int head_size, int tokens) {
        const int q = threadIdx.x % WARP / 4;
        const int c = threadIdx.x % 4;
#pragma unroll
        for (int u = 0; u < SIZE / 64; u++) {
            const int dim = 64 * u + 8 * q;
#pragma unroll
            for (int t = 0; t < 4; t++) {
                const int token = 2 * c + (t & 1) + 8 * (t >> 1);
                value[u][t] = load(reinterpret_cast<const __nv_bfloat16*>(values) + token * head_size + dim,
                                   token < tokens && (EXACT || dim < head_size));
            }
        }
    }
};

// The keys and values of one head of one sequence; MANY: with few registers.
template <bool MANY>
struct Cache {
    const unsigned char* keys;
    const unsigned char* values;
    const unsigned* table;
    int end;  // behind the last position

    __device__ __forceinline__ Cache(const Attention& attention, const unsigned char* base, const Task& task, int end_)
        : keys(base + attention.key_offset), values(base + attention.value_offset), table(task.table), end(end_) {}

    __device__ __forceinline__ unsigned unit(int block) const { return table[block]; }

    __device__ __forceinline__ const unsigned char* keys_at(unsigned unit) const {
        return keys + static_cast<size_t>(unit) * ADDRESS_UNIT;
    }

    __device__ __forceinline__ const unsigned char* values_at(unsigned unit) const {
        return values + static_cast<size_t>(unit) * ADDRESS_UNIT;
    }

    // How many tokens of a block there are, or more than the block has.
    __device__ __forceinline__ int tokens(int block) const { return end - block * BLOCK_TOKENS; }
};

template <>
struct Cache<true> {
    const Attention& attention;
    const unsigned char* base;
    const Task& task;  // in shared memory
    int end;

    __device__ __forceinline__ Cache(const Attention& attention_, const unsigned char* base_, const Task& task_, int end_)
        : attention(attention_), base(base_), task(task_), end(end_) {}

    __device__ __forceinline__ unsigned unit(int block) const {
        return (*const_cast<const unsigned* const volatile*>(&task.table))[block];  // read each time
    }

    __device__ __forceinline__ const unsigned char* keys_at(unsigned unit) const {
        return base + static_cast<size_t>(unit) * ADDRESS_UNIT + attention.key_offset;
    }

    __device__ __forceinline__ const unsigned char* values_at(unsigned unit) const {
        return base + static_cast<size_t>(unit) * ADDRESS_UNIT + attention.value_offset;
    }

    __device__ __forceinline__ int tokens(int block) const { return end - block * BLOCK_TOKENS; }
};

}  // namespace lorikeet::attention_decode

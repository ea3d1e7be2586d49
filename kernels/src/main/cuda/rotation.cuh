// What finishes heads of q, k and v, one by one in shared memory.
#pragma once

#include "lora.cuh"
#include "vectors.cuh"

namespace lorikeet::rotation {

// What the tokens of a tile need, by row.
struct Slots {
    const float* frequencies[TILE_ROWS];
    unsigned char* keys[TILE_ROWS];  // of the token's slot in its block: layer 0, kv head 0
    float scaling[TILE_ROWS];
    int position[TILE_ROWS];

    // Thread r does row r.
    __device__ __forceinline__ void find(const Step* step, const Tile& tile, int head_size) {
        if (threadIdx.x < tile.rows) {
            int row = tile.row + threadIdx.x;
            int sequence = step->token_sequence[row];
            int at = step->positions[row];
            unsigned block = step->block_table[step->table_start[sequence] + at / BLOCK_TOKENS];
            position[threadIdx.x] = at;
            frequencies[threadIdx.x] = step->frequencies[sequence];
            scaling[threadIdx.x] = step->rotary_scaling[sequence];
            keys[threadIdx.x] = step->kv_base + static_cast<size_t>(block) * ADDRESS_UNIT
                + static_cast<size_t>(at % BLOCK_TOKENS) * head_size * sizeof(__nv_bfloat16);
        }
    }
};

// Where a head of keys or values of a token is cached.
__device__ __forceinline__ __nv_bfloat16*
cached_head(const Rotation& rotation, const Slots& slots, int slot, bool values, int head) {
    size_t kv_head = (2 * static_cast<size_t>(rotation.layer) + (values ? 1 : 0)) * rotation.kv_heads + head;
    size_t head_stride = static_cast<size_t>(BLOCK_TOKENS) * rotation.head_size;  // between the heads of a block
    return reinterpret_cast<__nv_bfloat16*>(slots.keys[slot]) + kv_head * head_stride;
}

// Norms and turns one head in shared memory, where a warp has it; size is even.
__device__ __forceinline__ void turn(
    float* head, int size, const NormWeight& norm, const __nv_bfloat16* weight, const Slots& slots, int slot) {
    const float* frequencies = slots.frequencies[slot];
    float scaling = slots.scaling[slot];
    int position = slots.position[slot];
    int lane = threadIdx.x % 32;
    float factor = 1;
    if (weight != nullptr) {
        float sum = 0;
        for (int i = lane; i < size; i += 32) {
            sum += head[i] * head[i];
        }
#pragma unroll
        for (int mask = 16; mask > 0; mask /= 2) {
            sum += __shfl_xor_sync(~0u, sum, mask);
        }
        factor = rsqrtf(sum / size + norm.epsilon);
    }
    int half = size / 2;
    for (int i = lane; i < half; i += 32) {
        float a = head[i];
        float b = head[i + half];
        if (weight != nullptr) {
            a *= factor * __bfloat162float(weight[i]);
            b *= factor * __bfloat162float(weight[i + half]);
        }
        // The angle is a float32 product, as in Transformers; its turns are counted exactly.
        float angle = static_cast<float>(position) * frequencies[i];
        double half_turns = static_cast<double>(angle) * 0.31830988618379067154;
        half_turns -= 2 * rint(half_turns / 2);
        float sine;
        float cosine;
        sincospif(static_cast<float>(half_turns), &sine, &cosine);
        sine *= scaling;
        cosine *= scaling;
        head[i] = a * cosine - b * sine;
        head[i + half] = b * cosine + a * sine;
    }
    __syncwarp();
}

__device__ __forceinline__ void store_head(const float* head, int size, __nv_bfloat16* to) {
    int lane = threadIdx.x % 32;
    if (size % 4 == 0 && aligned(to, 8)) {
        for (int i = 4 * lane; i < size; i += 128) {
            float4 v = *reinterpret_cast<const float4*>(head + i);
            *reinterpret_cast<uint2*>(to + i) = make_uint2(pack_bf16(v.x, v.y), pack_bf16(v.z, v.w));
        }
        return;
    }
    for (int i = lane; i < size; i += 32) {
        to[i] = __float2bfloat16_rn(head[i]);
    }
}

__device__ __forceinline__ const __nv_bfloat16* weight_of(const NormWeight& norm, const AdapterModule* adapter) {
    if (norm.weight == nullptr || adapter == nullptr || adapter[norm.slot].kind != MODULE_REPLACED) {
        return norm.weight;
    }
    return adapter[norm.slot].weight;
}

}  // namespace lorikeet::rotation

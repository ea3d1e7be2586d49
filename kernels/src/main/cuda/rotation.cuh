// What finishes heads of q, k and v, one by one in shared memory.
#pragma once

#include "lora.cuh"
#include "vectors.cuh"

namespace lorikeet::rotation {

// What turns and caches the heads of a row.
struct Token {
    const float* frequencies;
    unsigned char* keys;  // of its slot in its block: layer 0, kv head 0
    float scaling;
    int position;

    Token() = default;

    __device__ __forceinline__ Token(const Step* step, int row, int head_size) {
        int sequence = step->token_sequence[row];
        position = step->positions[row];
        scaling = step->rotary_scaling[sequence];
        frequencies = step->frequencies[sequence];
        unsigned block = step->block_table[step->table_start[sequence] + position / BLOCK_TOKENS];
        keys = step->kv_base + static_cast<size_t>(block) * ADDRESS_UNIT
            + static_cast<size_t>(position % BLOCK_TOKENS) * head_size * sizeof(__nv_bfloat16);
    }
};

// The tokens of a tile, by row.
struct Slots {
    Token token[TILE_ROWS];

    // Thread r does row r.
    __device__ __forceinline__ void find(const Step* step, const Tile& tile, int head_size) {
        if (threadIdx.x < tile.rows) {
            token[threadIdx.x] = Token(step, tile.row + threadIdx.x, head_size);
        }
    }
};

// Where a head of keys or values of a token is cached.
__device__ __forceinline__ __nv_bfloat16*
cached_head(const Rotation& rotation, const Token& token, bool values, int head) {
    size_t kv_head = (2 * static_cast<size_t>(rotation.layer) + (values ? 1 : 0)) * rotation.kv_heads + head;
    size_t head_stride = static_cast<size_t>(BLOCK_TOKENS) * rotation.head_size;  // between the heads of a block
    return reinterpret_cast<__nv_bfloat16*>(token.keys) + kv_head * head_stride;
}

// How far a component and the one in the other half of its head turn.
struct Turn {
    float cosine;
    float sine;

    __device__ __forceinline__ Turn(const Token& token, float frequency) {
        // The angle is a float32 product, as in Transformers; its turns are counted exactly.
        float angle = static_cast<float>(token.position) * frequency;
        double half_turns = static_cast<double>(angle) * 0.31830988618379067154;
        half_turns -= 2 * rint(half_turns / 2);
        sincospif(static_cast<float>(half_turns), &sine, &cosine);
        sine *= token.scaling;
        cosine *= token.scaling;
    }
};

__device__ __forceinline__ void turn(float cosine, float sine, float& first, float& second) {
    float a = first;
    float b = second;
    first = a * cosine - b * sine;
    second = b * cosine + a * sine;
}

// Norms and turns one head in shared memory, where a warp has it; size is even.
__device__ __forceinline__ void turn(
    float* head, int size, const NormWeight& norm, const __nv_bfloat16* weight, const Token& token) {
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
        const Turn by(token, token.frequencies[i]);
        turn(by.cosine, by.sine, a, b);
        head[i] = a;
        head[i + half] = b;
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

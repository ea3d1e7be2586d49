// Tiles of heads: 32 neighbouring components of the first half of a head, and the 32 that turn with them, or what is left of
// either half.
#pragma once

#include "decode_product_sums.cuh"
#include "product_rotate.cuh"

namespace lorikeet::decode_product {

// Where a tile lies.
struct HeadPlace {
    int part;
    int head;       // of the part
    int component;  // the first; the others begin half a head behind it
    int outs;       // components of either half

    __device__ __forceinline__ HeadPlace(const Rotation& rotation, int tile) {
        const int tiles = head_tiles(rotation);
        component = tile % tiles * HALF_OUT;
        outs = min(rotation.head_size / 2 - component, HALF_OUT);
        head = tile / tiles;
        part = head < rotation.heads ? 0 : head < rotation.heads + rotation.kv_heads ? 1 : 2;
        head -= part == 0 ? 0 : rotation.heads + (part - 1) * rotation.kv_heads;
    }

    // Of a head.
    static __device__ __forceinline__ int head_tiles(const Rotation& rotation) {
        return divide_up(rotation.head_size, OUT);
    }
};

// A row of a tile of a head with a norm, in device memory, where a block leaves it to another: turned, but without the factor.
struct alignas(16) LeftRow {
    float4 value[2][HALF_OUT / 4];
    float square;  // the sum of all squares before that

    // Four outputs of each half. A thread takes what the one in its place has left.
    __device__ __forceinline__ void leave(int column, const float4& first, const float4& second) {
        store_to_blocks(&value[0][column / 4], first);
        store_to_blocks(&value[1][column / 4], second);
    }

    // Waits for them.
    __device__ __forceinline__ void take(float4 (&v)[2], int column) {
        do {
            v[0] = load_from_blocks(&value[0][column / 4]);
            v[1] = load_from_blocks(&value[1][column / 4]);
        } while (!is_there(v[0]) || !is_there(v[1]));
        __stcg(&value[0][column / 4], not_there());
        __stcg(&value[1][column / 4], not_there());
    }

    // Waits for it.
    __device__ __forceinline__ float take_square() {
        float found;
        do {
            found = load_from_blocks(&square);
        } while (!is_there(found));
        __stcg(&square, not_there().x);
        return found;
    }
};

static_assert(sizeof(LeftRow) == PRODUCT_ROTATE_LEFT_BYTES, "told to the host");

}  // namespace lorikeet::decode_product

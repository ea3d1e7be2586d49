// q, k and v turned and stored where their product ends: a tile has 32 neighbouring components of the first half of a head,
// and the 32 that turn with them.
#pragma once

#include "decode_endings.cuh"
#include "product_rotate.cuh"
#include "rotation.cuh"

namespace lorikeet::decode_product {

constexpr int TURN_THREADS = PRODUCT_ROTATE_TURN_THREADS;
constexpr int TURN_BARRIER = 5;   // of these threads
constexpr int TURNS_THERE = 6;    // of these threads and the product's: what a tile needs can be read
constexpr int TURNS_FREE = 7;     // it has been read
constexpr int TURNS_EITHER = TURN_THREADS + NoDelta::STORERS;

// What the ending of a tile finds in shared memory.
template <int ROWS>
struct Turns {
    float cosine[ROWS][HALF_OUT];
    float sine[ROWS][HALF_OUT];
    rotation::Token token[ROWS];
};

static_assert(sizeof(Turns<16>) == 16 * PRODUCT_ROTATE_ROW_BYTES, "told to the host");

// Where a tile lies.
struct HeadPlace {
    int part;
    int head;       // of the part
    int component;  // the first; the others begin half a head behind it

    __device__ __forceinline__ HeadPlace(const Rotation& rotation, int tile) {
        const int tiles = rotation.head_size / OUT;  // of a head
        component = tile % tiles * HALF_OUT;
        head = tile / tiles;
        part = head < rotation.heads ? 0 : head < rotation.heads + rotation.kv_heads ? 1 : 2;
        head -= part == 0 ? 0 : rotation.heads + (part - 1) * rotation.kv_heads;
    }
};

template <int ROWS, typename Delta>
struct Rotated {
    static constexpr int CHUNK = Delta::CHUNK;
    static constexpr bool ALIKE = false;
    static constexpr bool HALVES = true;
    static constexpr bool FETCHES = false;
    static constexpr int STORERS = Delta::STORERS;
    static constexpr bool NORMS = true;

    const Step* step;
    const Lora& lora;
    const Rotation& rotation;
    const TileSquares& squares;
    __nv_bfloat16* qkv;
    Turns<ROWS>& turns;
    Delta& delta;

    __device__ __forceinline__ int tiles() const {
        return (rotation.heads + 2 * rotation.kv_heads) * (rotation.head_size / OUT);
    }

    __device__ __forceinline__ Half half(int tile, int which) const {
        const HeadPlace at(rotation, tile);
        return {at.part, at.head * rotation.head_size + at.component + which * rotation.head_size / 2, HALF_OUT};
    }

    // Which tokens the rows are.
    __device__ __forceinline__ void prepare_tiles(int thread, int) const {
        if (thread < min(step->tokens, ROWS)) {
            turns.token[thread] = rotation::Token(step, thread, rotation.head_size);
        }
    }

    // How a tile's components turn.
    __device__ __forceinline__ void prepare_tile(int tile, int thread, int threads) const {
        const HeadPlace at(rotation, tile);
        const int rows = min(step->tokens, ROWS);
        const int pair = thread % HALF_OUT;
        if (at.part < 2) {
#pragma unroll 2
            for (int row = thread / HALF_OUT; row < rows; row += threads / HALF_OUT) {
                const rotation::Token& token = turns.token[row];
                const rotation::Turn by(token, token.frequencies[at.component + pair]);
                turns.cosine[row][pair] = by.cosine;
                turns.sine[row][pair] = by.sine;
            }
        }
    }

    template <int>
    __device__ __forceinline__ void store(const float* sum, int rows, int tile) {
        using Place = HalfPlace<STORERS>;
        const Place place;
        const HeadPlace at(rotation, tile);
        const LoraPart& part = lora.part[at.part];
        const int half_head = rotation.head_size / 2;
        const int in_head = at.component + place.column;
        const int in_part = at.head * rotation.head_size + in_head;
        float4 bias[2];
#pragma unroll
        for (int p = 0; p < 2; p++) {
            bias[p] = with_bias(part, in_part + p * half_head, make_float4(0, 0, 0, 0));
        }
        if (!Delta::ADAPTED) {  // with adapters their threads prepare tiles
            asm volatile("bar.sync %0, %1;" ::"n"(TURNS_THERE), "n"(TURNS_EITHER) : "memory");
        }
        delta.wait();
#pragma unroll Delta::AT_ONCE
        for (int i = 0; i < divide_up(ROWS, Place::ROW_STEP); i++) {
            const int row = place.row + i * Place::ROW_STEP;
            if (row < rows) {
                float4 v[2];
#pragma unroll
                for (int p = 0; p < 2; p++) {
                    v[p] = delta.apply(p, row, place.column, sums_at(sum, row, p, place.column));
                    v[p].x += bias[p].x, v[p].y += bias[p].y, v[p].z += bias[p].z, v[p].w += bias[p].w;
                }
                if (at.part < 2) {
                    const float4 cosine = *reinterpret_cast<const float4*>(&turns.cosine[row][place.column]);
                    const float4 sine = *reinterpret_cast<const float4*>(&turns.sine[row][place.column]);
                    rotation::turn(cosine.x, sine.x, v[0].x, v[1].x);
                    rotation::turn(cosine.y, sine.y, v[0].y, v[1].y);
                    rotation::turn(cosine.z, sine.z, v[0].z, v[1].z);
                    rotation::turn(cosine.w, sine.w, v[0].w, v[1].w);
                }
                __nv_bfloat16* to = at.part == 0
                    ? qkv + static_cast<size_t>(row) * lora.columns + in_part
                    : rotation::cached_head(rotation, turns.token[row], at.part == 2, at.head) + in_head;
                store4(to, v[0]);
                store4(to + half_head, v[1]);
            }
        }
        if (!Delta::ADAPTED) {
            asm volatile("bar.arrive %0, %1;" ::"n"(TURNS_FREE), "n"(TURNS_EITHER) : "memory");
        }
        delta.done();
    }
};

}  // namespace lorikeet::decode_product

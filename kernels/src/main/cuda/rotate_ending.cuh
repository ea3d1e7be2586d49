// q, k and v turned and stored where their product ends, tile by tile (head_tile.cuh).
#pragma once

#include "decode_endings.cuh"
#include "handover.cuh"
#include "head_tile.cuh"
#include "rotation.cuh"

namespace lorikeet::decode_product {

constexpr int TURN_THREADS = PRODUCT_ROTATE_TURN_THREADS;
constexpr int TURN_BARRIER = 5;  // of these threads

using TurnsGiver = handover::Giver<1, TURN_THREADS, DECODE_PRODUCT_THREADS>;
using TurnsTaker = handover::Taker<1, TURN_THREADS, DECODE_PRODUCT_THREADS>;

static_assert(sizeof(handover::Barriers<1>) == PRODUCT_ROTATE_BARRIER_BYTES, "told to the host");

// Without adapters: waits for how the tile turns. (With adapters their threads prepare that, too.)
struct TurnsDelta {
    static constexpr int CHUNK = NoDelta::CHUNK;
    static constexpr bool ADAPTED = false;
    static constexpr int AT_ONCE = NoDelta::AT_ONCE;

    TurnsTaker tiles;

    __device__ __forceinline__ void wait() const { tiles.wait(); }

    __device__ __forceinline__ float4 apply(int, int, int, float4 v) const { return v; }

    __device__ __forceinline__ void done() { tiles.done(); }
};

// What the ending of a tile finds in shared memory.
template <int ROWS>
struct Turns {
    float cosine[ROWS][HALF_OUT];
    float sine[ROWS][HALF_OUT];
    rotation::Token token[ROWS];
};

static_assert(sizeof(Turns<16>) == 16 * PRODUCT_ROTATE_ROW_BYTES, "told to the host");

template <int ROWS, typename Delta>
struct Rotated {
    static constexpr int CHUNK = Delta::CHUNK;
    static constexpr bool ALIKE = false;
    static constexpr bool HALVES = true;
    static constexpr bool FETCHES = false;
    static constexpr bool NORMS = true;

    const Step* step;
    const Lora& lora;
    const Rotation& rotation;
    const TileSquares& squares;
    __nv_bfloat16* qkv;
    Turns<ROWS>& turns;
    Delta& delta;
    const __nv_bfloat16** weights = nullptr;  // [rows], if ADAPTED: of the norm of the tile's head

    __device__ __forceinline__ int tiles() const {
        return (rotation.heads + 2 * rotation.kv_heads) * HeadPlace::head_tiles(rotation);
    }

    __device__ __forceinline__ Half half(int tile, int which) const {
        const HeadPlace at(rotation, tile);
        return {at.part, at.head * rotation.head_size + at.component + which * rotation.head_size / 2, at.outs};
    }

    // Which tokens the rows are.
    __device__ __forceinline__ void prepare_tiles(int thread, int) const {
        if (thread < min(step->tokens, ROWS)) {
            turns.token[thread] = rotation::Token(step, thread, rotation.head_size);
        }
    }

    // How a tile's components turn, and what weights their norms have.
    __device__ __forceinline__ void prepare_tile(int tile, int thread, int threads) const {
        const HeadPlace at(rotation, tile);
        const int rows = min(step->tokens, ROWS);
        const int pair = thread % HALF_OUT;
        if (Delta::ADAPTED && norm_of(at).weight != nullptr && thread < rows) {
            weights[thread] = rotation::weight_of(norm_of(at), step->group_adapter[step->token_group[thread]]);
        }
        if (at.part < 2 && pair < at.outs) {
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
    __device__ __forceinline__ void store(float* sum, int rows, int tile) {
        const HeadPlace at(rotation, tile);
        const Bias bias(*this, at);
        delta.wait();
        if (__builtin_expect(norm_of(at).weight == nullptr, true)) {  // what most models do lies together
            store_turned(sum, rows, at, bias);
        } else {
            store_normed(sum, rows, tile, at);
        }
        delta.done();
    }

  private:
    // The base model's, of a thread's outputs, in bf16.
    struct Bias {
        uint2 four[2] = {};

        __device__ __forceinline__ Bias(const Rotated& of, const HeadPlace& at) {
            const __nv_bfloat16* bias = of.lora.part[at.part].bias;
            if (bias != nullptr && HalfPlace().column < at.outs) {
                bias += of.first_out(at);
                four[0] = *reinterpret_cast<const uint2*>(bias);
                four[1] = *reinterpret_cast<const uint2*>(bias + of.rotation.head_size / 2);
            }
        }
    };

    // The norm of the tile's head; v has none.
    __device__ __forceinline__ NormWeight norm_of(const HeadPlace& at) const {
        return at.part == 0 ? rotation.query : at.part == 1 ? rotation.key : NormWeight{};
    }

    // A thread's first output of the part.
    __device__ __forceinline__ int first_out(const HeadPlace& at) const {
        return at.head * rotation.head_size + at.component + HalfPlace().column;
    }

    // Where a row's outputs from that one on go.
    __device__ __forceinline__ __nv_bfloat16* place_of(int row, const HeadPlace& at) const {
        return at.part == 0
            ? qkv + static_cast<size_t>(row) * lora.columns + first_out(at)
            : rotation::cached_head(rotation, turns.token[row], at.part == 2, at.head) + at.component + HalfPlace().column;
    }

    // A thread's outputs of a row before they turn.
    __device__ __forceinline__ void take(float4 (&v)[2], const float* sum, int row, const Bias& bias) const {
        const int column = HalfPlace().column;
#pragma unroll
        for (int p = 0; p < 2; p++) {
            v[p] = delta.apply(p, row, column, sums_at(sum, row, p, column));
            const float2 low = unpack(bias.four[p].x);
            const float2 high = unpack(bias.four[p].y);
            v[p].x += low.x, v[p].y += low.y, v[p].z += high.x, v[p].w += high.y;
        }
    }

    __device__ __forceinline__ void turn(float4 (&v)[2], int row) const {
        const int column = HalfPlace().column;
        const float4 cosine = *reinterpret_cast<const float4*>(&turns.cosine[row][column]);
        const float4 sine = *reinterpret_cast<const float4*>(&turns.sine[row][column]);
        rotation::turn(cosine.x, sine.x, v[0].x, v[1].x);
        rotation::turn(cosine.y, sine.y, v[0].y, v[1].y);
        rotation::turn(cosine.z, sine.z, v[0].z, v[1].z);
        rotation::turn(cosine.w, sine.w, v[0].w, v[1].w);
    }

    __device__ __forceinline__ void store_turned(const float* sum, int rows, const HeadPlace& at, const Bias& bias) const {
        const HalfPlace place;
#pragma unroll Delta::AT_ONCE
        for (int i = 0; i < divide_up(ROWS, HalfPlace::ROW_STEP); i++) {
            const int row = place.row + i * HalfPlace::ROW_STEP;
            if (row < rows && place.column < at.outs) {
                float4 v[2];
                take(v, sum, row, bias);
                if (at.part < 2) {
                    turn(v, row);
                }
                __nv_bfloat16* to = place_of(row, at);
                store4(to, v[0]);
                store4(to + rotation.head_size / 2, v[1]);
            }
        }
    }

    // A norm is over all tiles of a head. Its factor can come behind weights and turns, so the block that has the head's first
    // tile stores all of them; blocks that complete the others leave it theirs. They do so before it, or are further blocks,
    // which don't wait for it: see decode_product_run.cuh. Rows wait among the sums, as registers are few, and what takes all
    // of a row behind them.
    __device__ __forceinline__ void store_normed(float* sum, int rows, int tile, const HeadPlace& at) const {
        const HalfPlace place;
#pragma unroll 1
        for (int row = place.row; row < divide_up(ROWS, HalfPlace::ROW_STEP) * HalfPlace::ROW_STEP; row += HalfPlace::ROW_STEP) {
            const bool exists = row < rows && place.column < at.outs;
            float square = exists ? turn_weighted(sum, row, at) : 0.0f;
#pragma unroll
            for (int mask = 1; mask < HALF_OUT / 4; mask *= 2) {
                square += __shfl_xor_sync(ALL_LANES, square, mask);
            }
            if (exists && at.component > 0) {
                left_row(tile, row).leave(place.column, sums_at(sum, row, 0, place.column), sums_at(sum, row, 1, place.column));
            }
            if (exists && place.column == 0) {
                sum[row * SUM_PITCH + OUT] = square;
                if (at.component > 0) {
                    store_to_blocks(&left_row(tile, row).square, square);
                }
            }
        }
        if (at.component == 0) {
            sync_product();
            find_head_factors(sum, rows, tile, at);
            sync_product();
            store_heads(sum, rows, tile, at);
        }
    }

    __device__ __forceinline__ LeftRow& left_row(int tile, int row) const {
        return reinterpret_cast<LeftRow*>(rotation.left)[tile * ROWS + row];
    }

    // Weights and turns a thread's outputs of a row. Returns the sum of the squares that they had.
    __device__ __forceinline__ float turn_weighted(float* sum, int row, const HeadPlace& at) const {
        const int column = HalfPlace().column;
        const __nv_bfloat16* weight = (Delta::ADAPTED ? weights[row] : norm_of(at).weight) + at.component + column;
        float4 v[2];
        take(v, sum, row, Bias(*this, at));
        const float square = sum_of_squares(v[0]) + sum_of_squares(v[1]);
        v[0] = weighted(v[0], weight);
        v[1] = weighted(v[1], weight + rotation.head_size / 2);
        turn(v, row);
        sums_at(sum, row, 0, column) = v[0];
        sums_at(sum, row, 1, column) = v[1];
        return square;
    }

    // From the sum of a row's squares in its first tile to its head's factor, by a thread each.
    __device__ __forceinline__ void find_head_factors(float* sum, int rows, int tile, const HeadPlace& at) const {
        static_assert(DECODE_PRODUCT_THREADS >= ROWS, "one each");
        const int row = static_cast<int>(threadIdx.x);
        if (row < rows) {
            float& value = sum[row * SUM_PITCH + OUT];
            float square = value;
#pragma unroll 1
            for (int other = 1; other < HeadPlace::head_tiles(rotation); other++) {
                square += left_row(tile + other, row).take_square();
            }
            // As exact a division as of any two numbers would be a call.
            value = rsqrtf(__fdividef(square, static_cast<float>(rotation.head_size)) + norm_of(at).epsilon);
        }
    }

    // The first tile's rows, and those of the others.
    __device__ __forceinline__ void store_heads(const float* sum, int rows, int tile, const HeadPlace& at) const {
        const HalfPlace place;
        const int half_head = rotation.head_size / 2;
#pragma unroll 1
        for (int row = place.row; row < rows; row += HalfPlace::ROW_STEP) {
            const float factor = sum[row * SUM_PITCH + OUT];
            __nv_bfloat16* const to = place_of(row, at);
            if (place.column < at.outs) {
                store4(to, times(sums_at(sum, row, 0, place.column), factor));
                store4(to + half_head, times(sums_at(sum, row, 1, place.column), factor));
            }
#pragma unroll 1
            for (int first = HALF_OUT; place.column + first < half_head; first += HALF_OUT) {
                float4 v[2];
                left_row(tile + first / HALF_OUT, row).take(v, place.column);
                store4(to + first, times(v[0], factor));
                store4(to + first + half_head, times(v[1], factor));
            }
        }
    }
};

}  // namespace lorikeet::decode_product

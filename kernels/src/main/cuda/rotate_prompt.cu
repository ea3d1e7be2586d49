// Finishes q, k and v of many tokens, without norms over heads: see lora.cuh.
//
// A block has four pairs of octets and four tiles, one for each warp. A pair are 8 components in the first half of a head
// and those that turn with them in the second, so that a lane has both.
#include "prompt.cuh"
#include "rotation.cuh"

namespace lorikeet::rotation_prompt {

using namespace prompts;
using rotation::Token;

constexpr int PAIRS = COLUMNS / 16;  // of a warp

// Of two windows in turn: one is finished while the next one's is on its way.
struct Shared {
    BChunk b[2][CHUNKS];
    uint4 y[2][OCTETS][2][EXPAND_THREADS];  // by octet and row; each thread its own
};

static_assert(sizeof(Shared) == ROTATE_PROMPT_BYTES, "told to the host");

// Some pairs of octets of one part.
struct Window {
    int part;
    int pair;   // the first
    int pairs;  // of the part
    int half;   // of a head
    int size;   // of a head

    // The column of the part where an octet begins, or -1.
    __device__ __forceinline__ int column(int which, int octet) const {
        int at = pair + which;
        int of_head = half / 8;
        return at < pairs ? at / of_head * size + at % of_head * 8 + octet * half : -1;
    }
};

__device__ __forceinline__ Window window_at(const Lora& lora, const Rotation& rotation, int window) {
    int part = 0;
#pragma unroll 1
    for (; part < 2 && window >= divide_up(lora.part[part].out / 16, PAIRS); part++) {
        window -= divide_up(lora.part[part].out / 16, PAIRS);
    }
    return {part, window * PAIRS, lora.part[part].out / 16, rotation.head_size / 2, rotation.head_size};
}

// Turns eight components `at` of a head with those of its other half.
__device__ __forceinline__ void turn(const Token& token, int at, float (&first)[8], float (&second)[8]) {
#pragma unroll
    for (int c = 0; c < 8; c++) {
        const rotation::Turn by(token, token.frequencies[at + c]);
        rotation::turn(by.cosine, by.sine, first[c], second[c]);
    }
}

}  // namespace lorikeet::rotation_prompt

extern "C" __global__ void __launch_bounds__(lorikeet::EXPAND_THREADS, lorikeet::ROTATE_PROMPT_BLOCKS) rotate_prompt(
    const lorikeet::Step* step,
    const __grid_constant__ lorikeet::Lora lora,
    const __grid_constant__ lorikeet::Rotation rotation,
    __nv_bfloat16* qkv) {
    using namespace lorikeet;
    using namespace lorikeet::rotation_prompt;
    extern __shared__ uint4 dynamic[];
    Shared& shared = *reinterpret_cast<Shared*>(dynamic);
    HChunk<EXPAND_THREADS>* h = reinterpret_cast<HChunk<EXPAND_THREADS>*>(&shared + 1);
    release_next();
    int windows = 0;
    for (int p = 0; p < 3; p++) {
        windows += divide_up(lora.part[p].out / 16, PAIRS);
    }
    Units mine = units_of(divide_up(step->all_tiles, SUPER_TILE) * windows, blockIdx.x, gridDim.x);
    if (mine.first >= mine.end) {
        leave(false);
        return;
    }
    FourTiles tiles;
    Change change;
    Token token[2];
    int known = -1;       // which four tiles these are
    int known_part = -1;  // and of which part
    int most = 0;         // the largest rank
    int at_once = 0;      // ranks
    int turn_of = 0;      // which of the two windows' places it is
    auto fetch_b = [&](int place, const Window& window, int from) {
        auto column_of = [&](int c) {
            int octet = window.column(c / 8 % PAIRS, c / 32);
            return octet < 0 ? -1 : octet + c % 8;
        };
        tiles.fetch_b_of_runs(shared.b[place], lora, window.part, from, column_of);
    };
    auto fetch_y = [&](int place, const Window& window) {
        int column = window.column(threadIdx.x % 4, 0);
#pragma unroll
        for (int i = 0; i < 2; i++) {
            bool exists = tiles.exists(i) && column >= 0;
            const __nv_bfloat16* from =
                qkv + static_cast<size_t>(tiles.row[i]) * lora.columns + lora.part[window.part].column + column;
#pragma unroll
            for (int o = 0; o < OCTETS; o++) {
                copy16_later(&shared.y[place][o][i][threadIdx.x], exists ? from + o * window.half : qkv, exists);
            }
        }
    };
    wait_for_previous();
    for (int unit = mine.first; unit < mine.end; unit++, turn_of ^= 1) {
        Window window = window_at(lora, rotation, unit % windows);
        const LoraPart& part = lora.part[window.part];
        bool fresh = unit / windows != known || window.part != known_part;
        if (fresh) {
            __syncthreads();  // shared memory is free again
            known = unit / windows;
            known_part = window.part;
            tiles = FourTiles(step, lora, known * SUPER_TILE);
            fetch_y(turn_of, window);
            change = Change(tiles.mine, part);
            most = tiles.most_ranks(part);
            at_once = 16 * tiles.chunks(lora);
            fetch_b(turn_of, window, 0);
            tiles.fetch_h_of_rows(h, lora, window.part, change.rank, 0);
            end_of_copies();
            if (tiles.rows > 0) {
                token[0] = Token(step, tiles.row[0], window.size);
                token[1] = Token(step, tiles.row[1], window.size);
            }
        }
        copies_arrived<0>();
        if (most > 0) {
            __syncthreads();  // all have what they copied, and have used the other window's
        }
        if (unit + 1 < mine.end && window.pair + PAIRS < window.pairs) {
            Window next = window;
            next.pair += PAIRS;
            fetch_y(turn_of ^ 1, next);
            fetch_b(turn_of ^ 1, next, 0);
            end_of_copies();
        }
        TileProduct product;
        product.clear();
#pragma unroll 1
        for (int first = 0; first < most; first += at_once) {
            if (most > at_once && (first > 0 || !fresh)) {  // h isn't all there, nor the rest of B
                __syncthreads();
                if (first > 0) {
                    fetch_b(turn_of, window, first);
                }
                tiles.fetch_h_of_rows(h, lora, window.part, change.rank, first);
                end_of_copies();
                copies_arrived<0>();
                __syncthreads();
            }
            tiles.multiply(product, shared.b[turn_of], h, lora, change.rank, first);
        }
        int column = window.column(threadIdx.x % 4, 0);
#pragma unroll
        for (int i = 0; i < 2; i++) {
            if (!tiles.exists(i) || column < 0) {
                continue;
            }
            float v[OCTETS][8];
#pragma unroll
            for (int o = 0; o < OCTETS; o++) {
                Eight<__nv_bfloat16>{shared.y[turn_of][o][i][threadIdx.x]}.unpack(v[o]);
                change.apply(product, i, o, part, column + o * window.half, v[o]);
            }
            int in_head = column % window.size;
            if (window.part < 2) {
                turn(token[i], in_head, v[0], v[1]);
            }
            __nv_bfloat16* to;
            if (window.part == 0) {
                to = qkv + static_cast<size_t>(tiles.row[i]) * lora.columns + part.column + column;
            } else {
                to = lorikeet::rotation::cached_head(rotation, token[i], window.part == 2, column / window.size) + in_head;
            }
            store_row8(to, 0, 8, true, v[0]);
            store_row8(to + window.half, 0, 8, true, v[1]);
        }
    }
}

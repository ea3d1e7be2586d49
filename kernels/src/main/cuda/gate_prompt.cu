// out = silu(gate) * up of many tokens: see lora.cuh.
//
// A block has 64 columns of both parts, and four tiles: one for each warp.
#include "prompt.cuh"

namespace lorikeet::gating_prompt {

using namespace prompts;

// Of two windows in turn: one is finished while the next one's is on its way.
struct Shared {
    BChunk b[2][2][CHUNKS];                    // by part
    uint4 y[2][2][OCTETS][2][EXPAND_THREADS];  // by part, octet and row; each thread its own
};

static_assert(sizeof(Shared) == GATE_PROMPT_BYTES && sizeof(HChunk<EXPAND_THREADS>) == PROMPT_H_BYTES, "told to the host");

}  // namespace lorikeet::gating_prompt

extern "C" __global__ void __launch_bounds__(lorikeet::EXPAND_THREADS, lorikeet::GATE_PROMPT_BLOCKS) gate_prompt(
    const lorikeet::Step* step,
    const __grid_constant__ lorikeet::Lora lora,
    const __nv_bfloat16* gate_up,
    __nv_bfloat16* out) {
    using namespace lorikeet;
    using namespace lorikeet::gating_prompt;
    extern __shared__ uint4 dynamic[];
    Shared& shared = *reinterpret_cast<Shared*>(dynamic);
    HChunk<EXPAND_THREADS>* h[2];
    h[0] = reinterpret_cast<HChunk<EXPAND_THREADS>*>(&shared + 1);
    h[1] = h[0] + prompt_chunks(lora);
    release_next();
    int size = lora.part[0].out;
    int windows = divide_up(size, COLUMNS);
    Units mine = units_of(divide_up(step->all_tiles, SUPER_TILE) * windows, blockIdx.x, gridDim.x);
    if (mine.first >= mine.end) {
        leave(false);
        return;
    }
    FourTiles tiles;
    Change change[2];
    int known = -1;   // which four tiles these are
    int most = 0;     // the largest rank
    int at_once = 0;  // ranks
    int turn = 0;     // which of the two windows' places it is
    bool first_of_tiles = true;
    auto fetch_b = [&](int place, int first_column, int from) {
        auto column_of = [&](int c) { return first_column + c < size ? first_column + c : -1; };
#pragma unroll 1
        for (int p = 0; p < 2; p++) {
            tiles.fetch_b_of_runs(shared.b[place][p], lora, p, from, column_of);
        }
    };
    auto fetch_h = [&](int from) {
#pragma unroll
        for (int p = 0; p < 2; p++) {
            tiles.fetch_h_of_rows(h[p], lora, p, change[p].rank, from);
        }
    };
    auto fetch_y = [&](int place, int first_column) {
#pragma unroll
        for (int i = 0; i < 2; i++) {
#pragma unroll
            for (int o = 0; o < OCTETS; o++) {
                int column = first_column + threadIdx.x % 4 * 8 + 32 * o;
                bool exists = tiles.exists(i) && column < size;
                const __nv_bfloat16* from = gate_up + static_cast<size_t>(tiles.row[i]) * lora.columns + column;
#pragma unroll
                for (int p = 0; p < 2; p++) {
                    copy16_later(&shared.y[place][p][o][i][threadIdx.x],
                                 exists ? from + lora.part[p].column : gate_up, exists);
                }
            }
        }
    };
    wait_for_previous();
    int asked = -1;  // the last unit whose window was asked for
    for (int unit = mine.first; unit < mine.end;) {
        // First its own window, then, while it is finished, the next one's.
        bool fresh = asked < unit;
        int next = fresh ? unit : unit + 1;
        if (fresh) {
            __syncthreads();  // shared memory is free again
            known = unit / windows;
            tiles = FourTiles(step, lora, known * SUPER_TILE);
            change[0] = Change(tiles.mine, lora.part[0]);
            change[1] = Change(tiles.mine, lora.part[1]);
            most = max(tiles.most_ranks(lora.part[0]), tiles.most_ranks(lora.part[1]));
            at_once = 16 * tiles.chunks(lora);
        } else {
            copies_arrived<0>();
            if (most > 0) {
                __syncthreads();  // all have what they copied, and have used the other window's
            }
        }
        if (next < mine.end && next / windows == known) {
            int place = fresh ? turn : turn ^ 1;
            fetch_y(place, next % windows * COLUMNS);
            fetch_b(place, next % windows * COLUMNS, 0);
            if (fresh) {
                fetch_h(0);
            }
            end_of_copies();
            asked = next;
        }
        if (fresh) {
            first_of_tiles = true;
            continue;
        }
        int first_column = unit % windows * COLUMNS;
        TileProduct product[2];
        product[0].clear();
        product[1].clear();
#pragma unroll 1
        for (int first = 0; first < most; first += at_once) {
            if (most > at_once && (first > 0 || !first_of_tiles)) {  // h isn't all there, nor the rest of B
                __syncthreads();
                if (first > 0) {
                    fetch_b(turn, first_column, first);
                }
                fetch_h(first);
                end_of_copies();
                copies_arrived<0>();
                __syncthreads();
            }
#pragma unroll
            for (int p = 0; p < 2; p++) {
                tiles.multiply(product[p], shared.b[turn][p], h[p], lora, change[p].rank, first);
            }
        }
#pragma unroll
        for (int i = 0; i < 2; i++) {
            __nv_bfloat16* to = out + static_cast<size_t>(tiles.row[i]) * size;
#pragma unroll
            for (int o = 0; o < OCTETS; o++) {
                int at = first_column + threadIdx.x % 4 * 8 + 32 * o;
                if (tiles.exists(i) && at < size) {
                    float g[8];
                    float u[8];
                    Eight<__nv_bfloat16>{shared.y[turn][0][o][i][threadIdx.x]}.unpack(g);
                    Eight<__nv_bfloat16>{shared.y[turn][1][o][i][threadIdx.x]}.unpack(u);
                    change[0].apply(product[0], i, o, lora.part[0], at, g);
                    change[1].apply(product[1], i, o, lora.part[1], at, u);
#pragma unroll
                    for (int c = 0; c < 8; c++) {
                        g[c] = silu(g[c]) * u[c];
                    }
                    store_row8(to, at, size, true, g);
                }
            }
        }
        first_of_tiles = false;
        unit++;
        turn ^= 1;
    }
}

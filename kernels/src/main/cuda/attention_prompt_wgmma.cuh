// Prompt attention with the products of warpgroups (Hopper), for heads of 128 at most.
//
// A block's two warpgroups have 64 rows each; queries, weights and sums stay in registers, keys and values are read from
// shared memory by the tensor cores. While they multiply a tile's weights with its values, the threads compute the softmax
// of the next tile. Keys and values have two places each: the next tiles are on their way meanwhile.
// (https://arxiv.org/abs/2407.08608.)
#pragma once

#include <cstdint>

#include "attention_prompt.cuh"

namespace lorikeet::attention_prompt {

#if defined(__CUDA_ARCH_FEAT_SM90_ALL)

constexpr int WG_ROWS = 128;
constexpr int WG_TOKENS = 64;  // in a tile of keys or values
constexpr int WG_DIMS = 64;    // of a part of a tile: its rows are 128 bytes, their 16-byte pieces swizzled
constexpr int WG_PART = WG_TOKENS * WG_DIMS;

// The address and layout of a part of a tile (PTX ISA, matrix descriptor): 128-byte swizzle, groups of 8 rows 1024 bytes
// apart. The part starts at a multiple of 1024 bytes; `offset` is in bytes.
__device__ __forceinline__ uint64_t describe(const __nv_bfloat16* part, int offset) {
    const uint64_t address = shared_address(part) + static_cast<unsigned>(offset);
    return (address & 0x3ffff) >> 4 | uint64_t{1024 >> 4} << 16 | uint64_t{1024 >> 4} << 32 | uint64_t{1} << 62;
}

// d = a b, or d += a b: a is 64 x 16 over a warpgroup, b is 16 x 8 N. Asynchronous.
template <bool TRANSPOSED, int N>
__device__ __forceinline__ void multiply(float (&d)[N][4], const unsigned (&a)[4], uint64_t b, bool add) {
    static_assert(N == 2 || N == 4 || N == 8, "widths that are used");
    if constexpr (N == 8) {
        asm volatile(
            "{\n"
            ".reg .pred p;\n"
            "setp.ne.b32 p, %37, 0;\n"
            "wgmma.mma_async.sync.aligned.m64n64k16.f32.bf16.bf16 "
            "{%0,%1,%2,%3,%4,%5,%6,%7,%8,%9,%10,%11,%12,%13,%14,%15,"
            "%16,%17,%18,%19,%20,%21,%22,%23,%24,%25,%26,%27,%28,%29,%30,%31}, "
            "{%32,%33,%34,%35}, %36, p, 1, 1, %38;\n"
            "}"
            : "+f"(d[0][0]), "+f"(d[0][1]), "+f"(d[0][2]), "+f"(d[0][3]), "+f"(d[1][0]), "+f"(d[1][1]), "+f"(d[1][2]),
              "+f"(d[1][3]), "+f"(d[2][0]), "+f"(d[2][1]), "+f"(d[2][2]), "+f"(d[2][3]), "+f"(d[3][0]), "+f"(d[3][1]),
              "+f"(d[3][2]), "+f"(d[3][3]), "+f"(d[4][0]), "+f"(d[4][1]), "+f"(d[4][2]), "+f"(d[4][3]), "+f"(d[5][0]),
              "+f"(d[5][1]), "+f"(d[5][2]), "+f"(d[5][3]), "+f"(d[6][0]), "+f"(d[6][1]), "+f"(d[6][2]), "+f"(d[6][3]),
              "+f"(d[7][0]), "+f"(d[7][1]), "+f"(d[7][2]), "+f"(d[7][3])
            : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b), "r"(static_cast<int>(add)), "n"(TRANSPOSED ? 1 : 0));
    } else if constexpr (N == 4) {
        asm volatile(
            "{\n"
            ".reg .pred p;\n"
            "setp.ne.b32 p, %21, 0;\n"
            "wgmma.mma_async.sync.aligned.m64n32k16.f32.bf16.bf16 "
            "{%0,%1,%2,%3,%4,%5,%6,%7,%8,%9,%10,%11,%12,%13,%14,%15}, "
            "{%16,%17,%18,%19}, %20, p, 1, 1, %22;\n"
            "}"
            : "+f"(d[0][0]), "+f"(d[0][1]), "+f"(d[0][2]), "+f"(d[0][3]), "+f"(d[1][0]), "+f"(d[1][1]), "+f"(d[1][2]),
              "+f"(d[1][3]), "+f"(d[2][0]), "+f"(d[2][1]), "+f"(d[2][2]), "+f"(d[2][3]), "+f"(d[3][0]), "+f"(d[3][1]),
              "+f"(d[3][2]), "+f"(d[3][3])
            : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b), "r"(static_cast<int>(add)), "n"(TRANSPOSED ? 1 : 0));
    } else {
        asm volatile(
            "{\n"
            ".reg .pred p;\n"
            "setp.ne.b32 p, %13, 0;\n"
            "wgmma.mma_async.sync.aligned.m64n16k16.f32.bf16.bf16 "
            "{%0,%1,%2,%3,%4,%5,%6,%7}, "
            "{%8,%9,%10,%11}, %12, p, 1, 1, %14;\n"
            "}"
            : "+f"(d[0][0]), "+f"(d[0][1]), "+f"(d[0][2]), "+f"(d[0][3]), "+f"(d[1][0]), "+f"(d[1][1]), "+f"(d[1][2]),
              "+f"(d[1][3])
            : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "l"(b), "r"(static_cast<int>(add)), "n"(TRANSPOSED ? 1 : 0));
    }
}

// The same with a in shared memory.
template <bool TRANSPOSED>
__device__ __forceinline__ void multiply(float (&d)[8][4], uint64_t a, uint64_t b, bool add) {
    asm volatile(
        "{\n"
        ".reg .pred p;\n"
        "setp.ne.b32 p, %34, 0;\n"
        "wgmma.mma_async.sync.aligned.m64n64k16.f32.bf16.bf16 "
        "{%0,%1,%2,%3,%4,%5,%6,%7,%8,%9,%10,%11,%12,%13,%14,%15,"
        "%16,%17,%18,%19,%20,%21,%22,%23,%24,%25,%26,%27,%28,%29,%30,%31}, "
        "%32, %33, p, 1, 1, 0, %35;\n"
        "}"
        : "+f"(d[0][0]), "+f"(d[0][1]), "+f"(d[0][2]), "+f"(d[0][3]), "+f"(d[1][0]), "+f"(d[1][1]), "+f"(d[1][2]),
          "+f"(d[1][3]), "+f"(d[2][0]), "+f"(d[2][1]), "+f"(d[2][2]), "+f"(d[2][3]), "+f"(d[3][0]), "+f"(d[3][1]),
          "+f"(d[3][2]), "+f"(d[3][3]), "+f"(d[4][0]), "+f"(d[4][1]), "+f"(d[4][2]), "+f"(d[4][3]), "+f"(d[5][0]),
          "+f"(d[5][1]), "+f"(d[5][2]), "+f"(d[5][3]), "+f"(d[6][0]), "+f"(d[6][1]), "+f"(d[6][2]), "+f"(d[6][3]),
          "+f"(d[7][0]), "+f"(d[7][1]), "+f"(d[7][2]), "+f"(d[7][3])
        : "l"(a), "l"(b), "r"(static_cast<int>(add)), "n"(TRANSPOSED ? 1 : 0));
}

__device__ __forceinline__ void start_products() { asm volatile("wgmma.fence.sync.aligned;" ::: "memory"); }

__device__ __forceinline__ void close_products() { asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory"); }

template <int PENDING>
__device__ __forceinline__ void wait_for_products() {
    asm volatile("wgmma.wait_group.sync.aligned %0;" ::"n"(PENDING) : "memory");
}

// Keeps the compiler from using these registers before this point for something else.
template <int N>
__device__ __forceinline__ void keep(float (&values)[N][4]) {
#pragma unroll
    for (int i = 0; i < N; i++) {
        asm volatile("" : "+f"(values[i][0]), "+f"(values[i][1]), "+f"(values[i][2]), "+f"(values[i][3])::"memory");
    }
}

template <int N>
__device__ __forceinline__ void keep(unsigned (&values)[N][4]) {
#pragma unroll
    for (int i = 0; i < N; i++) {
        asm volatile("" : "+r"(values[i][0]), "+r"(values[i][1]), "+r"(values[i][2]), "+r"(values[i][3])::"memory");
    }
}

// Makes what was copied visible to the tensor cores, for all threads.
__device__ __forceinline__ void publish_copies() {
    wait_for_copies<0>();
    asm volatile("fence.proxy.async.shared::cta;" ::: "memory");
    __syncthreads();
}

// The output of 64 rows, 64 dimensions at a time and a rest of 32 or 16; a thread has two rows.
template <int SIZE>
struct Output {
    static constexpr int PARTS = SIZE / WG_DIMS;
    static constexpr bool REST = SIZE % WG_DIMS > 0;

    float part[PARTS][8][4];
    float rest[REST ? SIZE % WG_DIMS / 8 : 1][4];

    __device__ __forceinline__ void start() {
#pragma unroll
        for (int u = 0; u < PARTS; u++) {
            clear(part[u]);
        }
        if constexpr (REST) {
            clear(rest);
        }
    }

    // o += weights values
    __device__ __forceinline__ void add(const unsigned (&weight)[4][4], const __nv_bfloat16* values) {
#pragma unroll
        for (int t = 0; t < WG_TOKENS / 16; t++) {
#pragma unroll
            for (int u = 0; u < PARTS; u++) {
                multiply<true>(part[u], weight[t], describe(values + u * WG_PART, t * 16 * WG_DIMS * 2), true);
            }
            if constexpr (REST) {
                multiply<true>(rest, weight[t], describe(values + PARTS * WG_PART, t * 16 * WG_DIMS * 2), true);
            }
        }
        close_products();
    }

    __device__ __forceinline__ void keep_registers() {
#pragma unroll
        for (int u = 0; u < PARTS; u++) {
            keep(part[u]);
        }
        if constexpr (REST) {
            keep(rest);
        }
    }

    __device__ __forceinline__ void rescale(const Softmax& softmax) {
#pragma unroll
        for (int u = 0; u < PARTS; u++) {
            softmax.rescale(part[u]);
        }
        if constexpr (REST) {
            softmax.rescale(rest);
        }
    }

    __device__ __forceinline__ void store(const Softmax& softmax, const Attention& attention, const Row (&row)[2]) const {
#pragma unroll
        for (int u = 0; u < PARTS; u++) {
            softmax.store(part[u], attention, row, WG_DIMS * u);
        }
        if constexpr (REST) {
            softmax.store(rest, attention, row, WG_DIMS * PARTS);
        }
    }
};

// Starts to copy DIMS dimensions of the tile from position `first` on.
template <int DIMS>
__device__ __forceinline__ void copy_dims(__nv_bfloat16* to, const Cache& cache, int first, int first_dim) {
    constexpr int VECTORS = DIMS / 8;
    constexpr int AT_ONCE = THREADS / VECTORS < WG_TOKENS ? THREADS / VECTORS : WG_TOKENS;  // tokens
    static_assert(AT_ONCE % BLOCK_TOKENS == 0 && WG_TOKENS % AT_ONCE == 0, "a thread's tokens are alike");
    const int vector = threadIdx.x % VECTORS;
    const int token = threadIdx.x / VECTORS;
    if (AT_ONCE * VECTORS < THREADS && token >= AT_ONCE) {
        return;
    }
    const int dim = first_dim + vector * 8;
    __nv_bfloat16* place = to + vector / 8 * WG_PART + token * WG_DIMS + (vector % 8 ^ token % 8) * 8;
    const unsigned char* base = cache.base + (token % BLOCK_TOKENS * cache.head_size + dim) * sizeof(__nv_bfloat16);
    const unsigned* table = cache.table + first / BLOCK_TOKENS + token / BLOCK_TOKENS;
    const int left = dim < cache.head_size ? cache.end - first - token : 0;  // tokens, from this thread's first on
#pragma unroll
    for (int i = 0; i < WG_TOKENS / AT_ONCE; i++) {
        const bool valid = i * AT_ONCE < left;
        const unsigned block = valid ? table[i * (AT_ONCE / BLOCK_TOKENS)] : 0;
        copy_async(place + i * AT_ONCE * WG_DIMS, base + static_cast<size_t>(block) * ADDRESS_UNIT, valid);
    }
}

// Starts to copy the tile from position `first` on, if there is one: in parts of [token][64].
template <int SIZE>
__device__ __forceinline__ void copy_swizzled(__nv_bfloat16* to, const Cache& cache, int first) {
    if (first >= cache.end) {
        return;
    }
    constexpr int WIDE = SIZE >= 128 ? 128 : 64;
    constexpr int REST = SIZE % WIDE;
#pragma unroll
    for (int dim = 0; dim + WIDE <= SIZE; dim += WIDE) {
        copy_dims<WIDE>(to + dim / WG_DIMS * WG_PART, cache, first, dim);
    }
    if constexpr (REST > 0) {
        copy_dims<REST>(to + SIZE / WG_DIMS * WG_PART, cache, first, SIZE - REST);
    }
}

// The queries of a warpgroup's 64 rows: in registers, or, of large heads, in shared memory in parts of [row][64].
template <int SIZE, bool SHARED = (SIZE > 128)>
struct Queries;

template <int SIZE>
struct Queries<SIZE, false> {
    static constexpr int BYTES = 0;  // of shared memory

    unsigned part[SIZE / 16][4];

    __device__ __forceinline__ void
    load(__nv_bfloat16*, const Attention& attention, const PromptTile&, const Row (&row)[2]) {
        load_queries<SIZE>(part, attention, row);
    }

    // s = queries keys'
    __device__ __forceinline__ void score(float (&s)[8][4], const __nv_bfloat16* keys) const {
#pragma unroll
        for (int i = 0; i < SIZE / 16; i++) {
            multiply<false>(s, part[i], describe(keys + i / 4 * WG_PART, i % 4 * 32), i > 0);
        }
        close_products();
    }
};

template <int SIZE>
struct Queries<SIZE, true> {
    static constexpr int BYTES = WG_ROWS * SIZE * 2;

    const __nv_bfloat16* own;

    // Starts to copy them.
    __device__ __forceinline__ void
    load(__nv_bfloat16* to, const Attention& attention, const PromptTile& tile, const Row (&)[2]) {
        constexpr int VECTORS = SIZE / 8;
#pragma unroll 4
        for (int i = threadIdx.x; i < WG_ROWS * VECTORS; i += THREADS) {
            const int vector = i % VECTORS;
            const int r = i / VECTORS;
            const bool valid = vector * 8 < attention.head_size;
            copy_async(to + vector / 8 * WG_ROWS * WG_DIMS + r * WG_DIMS + (vector % 8 ^ r % 8) * 8,
                       attention.q + tile.row(attention, tile.first_row + r).q + (valid ? vector * 8 : 0), valid);
        }
        own = to + threadIdx.x / 128 * 64 * WG_DIMS;
    }

    __device__ __forceinline__ void score(float (&s)[8][4], const __nv_bfloat16* keys) const {
#pragma unroll
        for (int i = 0; i < SIZE / 16; i++) {
            multiply<false>(s, describe(own + i / 4 * WG_ROWS * WG_DIMS, i % 4 * 32),
                            describe(keys + i / 4 * WG_PART, i % 4 * 32), i > 0);
        }
        close_products();
    }
};

// SIZE: a multiple of 16.
template <int SIZE>
__device__ __forceinline__ void run_wgmma(const Step* step, const Attention& attention) {
    constexpr int TILE = (SIZE + WG_DIMS - 1) / WG_DIMS * WG_PART;
    extern __shared__ uint4 shared[];
    __nv_bfloat16* memory =
        reinterpret_cast<__nv_bfloat16*>(reinterpret_cast<unsigned char*>(shared) + (-shared_address(shared) & 1023));
    const auto keys = [&](int place) { return memory + place * TILE; };
    const auto values = [&](int place) { return memory + (2 + place) * TILE; };
    static_assert(4 * TILE * 2 + Queries<SIZE>::BYTES + 1023 <= attention_prompt_wgmma_bytes(SIZE), "all have a place");

    PromptTile tile;
    if (!find_tile<WG_ROWS>(step, attention, tile)) {
        return;
    }
    const int thread = threadIdx.x;
    const int first_row = tile.first_row + thread / WARP * 16 + thread % WARP / 4;
    const Row row[2] = {tile.row(attention, first_row), tile.row(attention, first_row + 8)};
    wait_for_previous();
    release_next();
    copy_swizzled<SIZE>(keys(0), tile.keys, tile.from);
    Queries<SIZE> queries;
    queries.load(memory + 4 * TILE, attention, tile, row);
    close_copies();

    Softmax softmax;
    float s[8][4];
    Output<SIZE> o;
    unsigned weight[4][4];
    o.start();
    clear(s);
    publish_copies();
    copy_swizzled<SIZE>(values(0), tile.values, tile.from);
    copy_swizzled<SIZE>(keys(1), tile.keys, tile.from + WG_TOKENS);
    close_copies();
    start_products();
    queries.score(s, keys(0));
    wait_for_products<0>();
    keep(s);
    softmax.weigh(s, attention, row, tile.from, tile.masked(attention, tile.from, WG_TOKENS));
#pragma unroll
    for (int t = 0; t < 4; t++) {
        pack(weight[t], s[2 * t], s[2 * t + 1]);
    }

    // Here the weights of the tile at `first` are known, and its values and the next keys are on their way.
    int first = tile.from;
    int place = 0;
#pragma unroll 1
    for (; first + WG_TOKENS < tile.end; first += WG_TOKENS, place ^= 1) {
        const int next = first + WG_TOKENS;
        publish_copies();
        start_products();
        queries.score(s, keys(place ^ 1));
        o.add(weight, values(place));
        copy_swizzled<SIZE>(values(place ^ 1), tile.values, next);
        copy_swizzled<SIZE>(keys(place), tile.keys, next + WG_TOKENS);
        close_copies();
        wait_for_products<1>();
        keep(s);
        softmax.weigh(s, attention, row, next, tile.masked(attention, next, WG_TOKENS));
        wait_for_products<0>();
        keep(weight);
        o.keep_registers();
        o.rescale(softmax);
#pragma unroll
        for (int t = 0; t < 4; t++) {
            pack(weight[t], s[2 * t], s[2 * t + 1]);
        }
    }
    publish_copies();
    start_products();
    o.add(weight, values(place));
    wait_for_products<0>();
    o.keep_registers();
    o.store(softmax, attention, row);
}

#endif

}  // namespace lorikeet::attention_prompt

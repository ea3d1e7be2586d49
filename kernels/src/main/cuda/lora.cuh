// The adapters' part of a projection, and the kernels that finish a projection.
//
// A projection is one or more linear layers ("parts") that read the same rows: q, k and v; gate and up; or one layer.
// The base product W x is written without bias, the parts side by side in a row. Then
//
//     y = magnitude * (W x + scaling * (B A x + lora_bias)) + bias
//
// where an adapter without a magnitude has 1 there. It is computed in two steps: `shrink` (of many tokens `shrink_short` or
// `shrink_prompt`) computes h = A x, which doesn't depend on the base product (of few rows `matvec_shrink` computes both in
// one launch); the kernel that reads the projection (`rotate_and_store`, `gate`, `add_norm`; of many tokens
// `rotate_prompt`, `gate_prompt`, `add_norm_prompt`) adds the rest while it has the row in its registers.
// `expand_logits` does the same for the head, in place.
//
// The inputs are split over blocks, and whoever reads h adds the splits' partial sums. Of up to 64 rows one launch does all of
// it: `product_adapted_*` (tile_delta.cuh).
//
// All kernels read their counts from the step, and share out whatever there is among their blocks: any number of blocks
// is right, the numbers given here are fast. A recorded step's grids are made for as many tiles as it may have. Tokens
// without an adapter cost `shrink` nothing. Sums are made in a fixed order: the same step gives the same
// bits.
//
// Programmatic dependent launch: the kernels may start before the kernel in front of them has ended. Until it has, they
// read only the step and the weights, so whatever writes those must end before the step's first kernel starts.
#pragma once

#include "step.cuh"

namespace lorikeet {

constexpr int LORA_PARTS = 3;          // parts of a projection, at most
constexpr int LORA_MAX_RANK = 256;
constexpr int SHRINK_THREADS = 256;    // of shrink
constexpr int SHRINK_PROMPT_THREADS = 128;
constexpr int SHRINK_SHORT_THREADS = 128;
constexpr int EXPAND_THREADS = 128;    // of expand_logits, gate, gate_staged and rotate_and_store
constexpr int ADD_NORM_THREADS = 256;
constexpr int ADD_NORM_PROMPT_MOST_THREADS = 512;
constexpr int PROMPT_CHUNKS = 4;       // of sixteen ranks of B, that the kernels for many tokens have at a time, at most
constexpr int PROMPT_H_BYTES = 4096;   // of shared memory for h, for each of those
constexpr int GATE_PROMPT_BYTES = 65536;
constexpr int ROTATE_PROMPT_BYTES = 32768;
constexpr int WINDOW = 256;            // columns that a block of EXPAND_THREADS threads finishes at a time
constexpr int ADD_NORM_WINDOW = 512;
constexpr int MAX_SPLITS = 16;         // most partial sums of a component of h
constexpr int INVARIANT_SPLITS = 8;    // the same where their number must not depend on the step
constexpr int MOST_RANK_SHARES = 4;    // most shares of a split's ranks
constexpr int MOST_LEFT_SPLITS = 8;    // most partial sums that these leave to one another

// Blocks on a multiprocessor: as many as ptxas has registers for without spilling, which it manages best for sm_90.
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ != 900
constexpr int EXPAND_BLOCKS = 3;
constexpr int GATE_BLOCKS = 2;
constexpr int GATE_STAGED_BLOCKS = 3;
constexpr int ROTATE_BLOCKS = 3;
constexpr int ADD_NORM_BLOCKS = 1;
constexpr int MATVEC_SHRINK_BLOCKS = 5;
constexpr int GATE_PROMPT_BLOCKS = 3;
constexpr int ROTATE_PROMPT_BLOCKS = 4;
#else
constexpr int EXPAND_BLOCKS = 4;
constexpr int GATE_BLOCKS = 3;
constexpr int GATE_STAGED_BLOCKS = 4;
constexpr int ROTATE_BLOCKS = 4;
constexpr int ADD_NORM_BLOCKS = 2;
constexpr int MATVEC_SHRINK_BLOCKS = 6;
constexpr int GATE_PROMPT_BLOCKS = 3;
constexpr int ROTATE_PROMPT_BLOCKS = 4;
#endif

// One linear layer of a projection.
struct LoraPart {
    int slot;                   // adapter[slot] is the change of this layer
    int out;
    int column;                 // first column of this layer in a row of the projection
    int pad;
    const __nv_bfloat16* bias;  // of the base model, [out], or null
};

// A projection: its parts, and where `shrink` leaves h for whoever expands it.
struct Lora {
    // Partial sums of h: f32 [parts][tokens][splits][rank_stride], where the number of splits depends on the step. Room for
    // parts * rank_stride * MAX_SPLITS * tokens floats: few rows with an adapter among many others are split as if alone.
    // Null: no adapters.
    float* shrunk;
    // Where the blocks of product_adapted leave partial sums of h to one another: room for
    // [parts][tokens][rank_stride][MOST_LEFT_SPLITS], all bits ones before the launch, and after it. Null for other kernels.
    float* left;
    unsigned* released;  // its blocks that don't need them any more; zero before the launch, and after it
    int parts;
    int in;
    int columns;      // length of a row of the projection
    int rank_stride;  // a multiple of 16, not less than any rank
    int tokens;       // rows that `shrunk` has room for
    int prompt;       // 0: h comes from shrink or matvec_shrink; 1: from shrink_short or shrink_prompt, added up; 2: from
                      // shrink or decode_product_shrink, whose sums don't depend on what else is in the step
    int outputs;      // 1: the rows are the step's outputs instead of its tokens (the head)
    int run;          // tiles that a block takes together, to read B once for them: 1 in decode steps, 4 in prompts
    LoraPart part[LORA_PARTS];
};

static_assert(sizeof(LoraPart) == 24, "the host lays out projections");
static_assert(sizeof(Lora) == 56 + 3 * 24, "the host lays out projections");

// A root mean square norm: x / sqrt(mean(x * x) + epsilon) * weight. An adapter may have a weight of its own.
struct NormWeight {
    const __nv_bfloat16* weight;  // [size]; null: no norm
    int slot;
    float epsilon;
};

// Heads and where their keys and values go.
struct Rotation {
    int layer;
    int heads;
    int kv_heads;
    int head_size;     // even, 256 at most
    NormWeight query;  // over each head of q, before it is turned; or no norm
    NormWeight key;
    // Where the blocks of product_rotate and product_adapted leave tiles of heads with norms to one another: for each of
    // (heads + kv_heads) * ceil(head_size / 64) tiles as many rows of PRODUCT_ROTATE_LEFT_BYTES as the kernel is for. All bits
    // are ones before the launch, and after it.
    float* left;
};

static_assert(sizeof(NormWeight) == 16 && sizeof(Rotation) == 56, "the host lays out rotations");

// Chunks of sixteen ranks that gate_prompt, rotate_prompt and add_norm_prompt have in shared memory at a time.
__host__ __device__ constexpr int prompt_chunks(const Lora& lora) {
    return lora.shrunk == nullptr ? 0 : lora.rank_stride < 16 * PROMPT_CHUNKS ? lora.rank_stride / 16 : PROMPT_CHUNKS;
}

// The same of add_norm_prompt, where each warp has B of its own.
__host__ __device__ constexpr int add_norm_prompt_chunks(const Lora& lora) {
    return prompt_chunks(lora) < 2 ? prompt_chunks(lora) : 2;
}

// Dynamic shared memory of a block.
__host__ __device__ constexpr int gate_prompt_shared_bytes(const Lora& lora) {
    return GATE_PROMPT_BYTES + 2 * prompt_chunks(lora) * PROMPT_H_BYTES;
}

__host__ __device__ constexpr int rotate_prompt_shared_bytes(const Lora& lora) {
    return ROTATE_PROMPT_BYTES + prompt_chunks(lora) * PROMPT_H_BYTES;
}

__host__ __device__ constexpr int add_norm_prompt_shared_bytes(const Lora& lora, int threads) {
    return threads / 32 * (6144 + (2048 + 1024) * add_norm_prompt_chunks(lora));
}

}  // namespace lorikeet

extern "C" {

// h = A x for few tokens (up to about 256 a step). The long dimension is split over blocks.
// x: [tokens, in] (or [outputs, in]).
// Grid: min(tiles * parts * 16, 264), tiles as many as the step may have; SHRINK_THREADS threads.
__global__ void shrink(const lorikeet::Step* step, const __grid_constant__ lorikeet::Lora lora, const __nv_bfloat16* x);

// The same for many tokens: up to four tiles of the same group are taken together, and all parts at once. h is written
// in place of floats as [rank_stride / 16][4] times four bf16 pairs: of each four ranks the values, then what they lack.
// Grid: units * c, in clusters of c blocks where the device has clusters, 8 at most: they share the inputs. There are
// ceil(tiles / 4) * shrink_prompt_passes units, up to four times as many with groups of few tokens.
// SHRINK_PROMPT_THREADS threads. Dynamic shared memory: shrink_prompt_shared_bytes.
__global__ void shrink_prompt(const lorikeet::Step* step, const __grid_constant__ lorikeet::Lora lora, const __nv_bfloat16* x);

// The same, faster for up to some 2000 tokens and few ranks: up to two tiles of the same group are taken together. All parts
// have SHRINK_SHORT_CHUNKS times 16 ranks at most: parts * rank_stride.
// Grid: units * c, in clusters of c blocks as above, c a power of two. There are ceil(tiles / 2) units, up to twice as many
// with groups of few tokens.
// SHRINK_SHORT_THREADS threads. Dynamic shared memory: shrink_short_shared_bytes.
__global__ void shrink_short(const lorikeet::Step* step, const __grid_constant__ lorikeet::Lora lora, const __nv_bfloat16* x);

// y: [outputs, columns] f32, logits, changed in place: magnitude * (y + scaling * (B h + lora_bias)). The bias is not added.
// Grid: min(tiles * ceil(out / WINDOW), 1056); EXPAND_THREADS threads.
__global__ void expand_logits(const lorikeet::Step* step, const __grid_constant__ lorikeet::Lora lora, float* y);

// out = silu(gate) * up. gate_up: [tokens, 2 * size], parts gate and up; out: [tokens, size].
// Grid: min(all tiles / run * ceil(size / WINDOW), 1056); EXPAND_THREADS threads.
__global__ void gate(const lorikeet::Step* step, const __grid_constant__ lorikeet::Lora lora, const __nv_bfloat16* gate_up, __nv_bfloat16* out);

// The same with B on its way through shared memory, where `run` doesn't matter. Faster without adapters, with up to about
// 512 tokens, and with large ranks.
// Grid: min(all tiles * ceil(size / WINDOW), 528); EXPAND_THREADS threads.
__global__ void gate_staged(const lorikeet::Step* step, const __grid_constant__ lorikeet::Lora lora, const __nv_bfloat16* gate_up, __nv_bfloat16* out);

// The same for many tokens, with adapters or without; size is a multiple of 8.
// Grid: min(ceil(all tiles / 4) * ceil(size / 64), what fits at once); EXPAND_THREADS threads. Dynamic shared memory:
// gate_prompt_shared_bytes.
__global__ void gate_prompt(const lorikeet::Step* step, const __grid_constant__ lorikeet::Lora lora, const __nv_bfloat16* gate_up, __nv_bfloat16* out);

// Finishes q, k and v: head norms, the rotary embedding (component i turns with i + head_size / 2), q in place, keys and
// values into the sequences' blocks. qkv: [tokens, (heads + 2 kv_heads) * head_size].
// Grid: min(all tiles / run * (heads + 2 kv_heads) / heads in a window, 1056, in decode steps 528), where a window has
// max(1, WINDOW / head_size) heads; EXPAND_THREADS threads.
__global__ void rotate_and_store(
    const lorikeet::Step* step, const __grid_constant__ lorikeet::Lora lora, const __grid_constant__ lorikeet::Rotation rotation, __nv_bfloat16* qkv);

// The same for many tokens, where heads have no norms; head_size is a multiple of 16.
// Grid: min(ceil(all tiles / 4) * (ceil(heads * head_size / 64) + 2 * ceil(kv_heads * head_size / 64)), what fits at
// once); EXPAND_THREADS threads.
// Dynamic shared memory: rotate_prompt_shared_bytes.
__global__ void rotate_prompt(
    const lorikeet::Step* step, const __grid_constant__ lorikeet::Lora lora, const __grid_constant__ lorikeet::Rotation rotation, __nv_bfloat16* qkv);

// residual += y; out = norm(residual). delta: [tokens, size]; residual: f32 [tokens, size]; out: [tokens, size].
// Grid: min(all tiles / run, 264) * c, in clusters of c blocks where the device has clusters (sm_90 and later), with c
// the smallest power of two that is not less than size / ADD_NORM_WINDOW, 8 at most; without clusters c = 1.
// ADD_NORM_THREADS threads.
__global__ void add_norm(
    const lorikeet::Step* step,
    const __grid_constant__ lorikeet::Lora lora,
    const __grid_constant__ lorikeet::NormWeight norm,
    const __nv_bfloat16* delta,
    float* residual,
    __nv_bfloat16* out);

// The same for many tokens, where the device has clusters; size is a multiple of 8, 8192 at most.
// Grid: all tiles * c, in clusters of c blocks, 8 at most, so that
// c * threads / 32 * 64 is not less than size.
// Threads: a multiple of 32, ADD_NORM_PROMPT_MOST_THREADS at most. Dynamic shared memory: add_norm_prompt_shared_bytes.
__global__ void add_norm_prompt(
    const lorikeet::Step* step,
    const __grid_constant__ lorikeet::Lora lora,
    const __grid_constant__ lorikeet::NormWeight norm,
    const __nv_bfloat16* delta,
    float* residual,
    __nv_bfloat16* out);

}

// Causal attention of each token over the cached tokens of its sequence up to itself, its own included.
#pragma once

#include "step.cuh"

namespace lorikeet {

// The attention of one layer. Grouped heads: query head h uses key and value head h / (heads / kv_heads).
struct Attention {
    const __nv_bfloat16* q;   // row r of the step at q + r * q_pitch: [heads, head_size], already rotated
    __nv_bfloat16* out;       // row r at out + r * out_pitch: [heads, head_size]
    int q_pitch;              // elements; a multiple of 8
    int out_pitch;            // elements; a multiple of 8
    int heads;
    int kv_heads;
    int head_size;            // a multiple of 8, 256 at most
    int window;               // a token sees itself and the window - 1 tokens before it; 0: all of them
    float scale;              // of the scores
    int splits;               // of a sequence, at decode: gridDim.z, 1 to ATTENTION_SPLITS
    int split_blocks;         // KV blocks in a split, at least, at decode
    int pad;
    long long key_offset;     // bytes from the start of a KV block to this layer's keys [kv_head][token][head_size]
    long long value_offset;   // bytes from the start of a KV block to this layer's values
    float* partial;           // decode with splits > 1: sequences * kv_heads * head_tiles * splits *
                              // (8 * head_size + 16) floats; see ATTENTION_HEADS
    unsigned* arrived;        // decode with splits > 1: sequences * kv_heads * head_tiles counters, 0 before the first
                              // launch and after each
};

// Query heads of one group that a block of the decode kernels takes: head_tiles = ceil(heads / kv_heads / 8).
constexpr int ATTENTION_HEADS = 8;

constexpr int ATTENTION_SPLITS = 64;

}  // namespace lorikeet

// Sequences with one token in the step; other sequences are left alone. How a sequence is split depends on its own
// length, `splits` and `split_blocks` alone, and partial results are summed in order: the bits don't depend on the
// batch as long as these two don't.
//
// All but the newest KV block of a sequence must have been written by earlier steps: they are read while the kernel
// before may still run.
//
// Grid: [kv_heads * head_tiles, sequences (an upper bound), splits]. Block: 256; of those up to 256 128.
// attention_decode_SIZE is for that head size, attention_decode_many_SIZE, too, and faster where there are more blocks than
// multiprocessors (the bits are the same); attention_decode_within_SIZE is for all up to it.
extern "C" __global__ void attention_decode_64(const lorikeet::Step* step, lorikeet::Attention attention);
extern "C" __global__ void attention_decode_128(const lorikeet::Step* step, lorikeet::Attention attention);
extern "C" __global__ void attention_decode_many_128(const lorikeet::Step* step, lorikeet::Attention attention);
extern "C" __global__ void attention_decode_256(const lorikeet::Step* step, lorikeet::Attention attention);
extern "C" __global__ void attention_decode_within_128(const lorikeet::Step* step, lorikeet::Attention attention);
extern "C" __global__ void attention_decode_within_256(const lorikeet::Step* step, lorikeet::Attention attention);

// Sequences with more tokens than one in the step; other sequences are left alone.
//
// Grid: tiles * kv_heads blocks, in one or two dimensions; a sequence of n tokens takes
// ceil(n * heads / kv_heads / TILE) tiles, TILE being 128, or 64 for attention_prompt_256 but on sm_90a. More blocks end
// at once.
// Block: 256. Dynamic shared memory: see attention_prompt_mma_bytes.
// attention_prompt_SIZE is for all head sizes up to SIZE.
extern "C" __global__ void attention_prompt_64(const lorikeet::Step* step, lorikeet::Attention attention);
extern "C" __global__ void attention_prompt_80(const lorikeet::Step* step, lorikeet::Attention attention);
extern "C" __global__ void attention_prompt_96(const lorikeet::Step* step, lorikeet::Attention attention);
extern "C" __global__ void attention_prompt_128(const lorikeet::Step* step, lorikeet::Attention attention);
extern "C" __global__ void attention_prompt_256(const lorikeet::Step* step, lorikeet::Attention attention);

namespace lorikeet {

// For 64 less than a kernel may use unasked; for the others more: raise their
// CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES.
__host__ __device__ constexpr int attention_prompt_mma_bytes(int size) { return size == 64 ? 33792 : 67584; }

// The same of the kernels for sm_90a.
__host__ __device__ constexpr int attention_prompt_wgmma_bytes(int size) {
    return size == 256 ? 197632 : attention_prompt_mma_bytes(size);
}

}  // namespace lorikeet

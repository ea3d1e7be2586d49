// Attention whose bits for a token depend on nothing but its query and what it sees: not on the other tokens of the step,
// nor on where a prompt was cut.
//
// The positions are cut into ranges, at the same places for every token. Each range's sums are made by themselves, over
// tiles that are at the same places, too, and are put together in the order of the ranges. So ranges may be shared out to
// any number of warps, and a single token has the same bits as among others.
#pragma once

#include "attention.cuh"

namespace lorikeet {

constexpr int ATTENTION_RANGE = 256;         // positions
constexpr int ATTENTION_INVARIANT_ROWS = 16;  // query heads of one group that a warp of the decode kernels takes
constexpr int ATTENTION_INVARIANT_WARPS = 2;  // of a block of these, each with work of its own

// Dynamic shared memory, by the size of heads that a kernel is for.
constexpr int attention_invariant_decode_bytes(int size) {
    return ATTENTION_INVARIANT_WARPS * 2 * (size + 8) * (size == 256 ? 2 * 32 + ATTENTION_INVARIANT_ROWS : 2 * 64);
}

constexpr int attention_invariant_prompt_bytes(int size) {
    return 2 * (size + 8) * (size == 256 ? 2 * 32 + 64 : size == 128 ? 2 * 64 + 128 : 2 * 64);
}

}  // namespace lorikeet

// Sequences with one token in the step, from number attention.splits on; other sequences are left alone.
//
// attention.split_blocks: ranges whose sums have a place in attention.partial, for each sequence and column of the grid, 1
// at least; attention.partial: that many times min(heads / kv_heads, 16) * (SIZE + 4) floats each; attention.arrived: a
// counter for each, 0 before the first launch and after each.
//
// Grid: [kv_heads * ceil(heads / kv_heads / ATTENTION_INVARIANT_ROWS), sequences (an upper bound), any number].
// Block: 32 * ATTENTION_INVARIANT_WARPS. attention_invariant_decode_SIZE is for all head sizes up to SIZE.
extern "C" __global__ void attention_invariant_decode_64(const lorikeet::Step* step, lorikeet::Attention attention);
extern "C" __global__ void attention_invariant_decode_128(const lorikeet::Step* step, lorikeet::Attention attention);
extern "C" __global__ void attention_invariant_decode_256(const lorikeet::Step* step, lorikeet::Attention attention);

// Sequences with more tokens. Grid: as for attention_prompt_SIZE, with tiles of 128 rows, of 64 for 256. Block: 256. Dynamic
// shared memory: see attention_invariant_prompt_bytes.
extern "C" __global__ void attention_invariant_prompt_64(const lorikeet::Step* step, lorikeet::Attention attention);
extern "C" __global__ void attention_invariant_prompt_128(const lorikeet::Step* step, lorikeet::Attention attention);
extern "C" __global__ void attention_invariant_prompt_256(const lorikeet::Step* step, lorikeet::Attention attention);

// What one step of the model tells the kernels: its tokens, their sequences and KV blocks, and their adapters.
//
// The host fills one buffer, and upload_step brings it to device memory, always to the same place, for which the pointers
// in it are made. Kernels take `const lorikeet::Step*` first and read all counts from it, so that a captured graph may be
// replayed with another step in the same buffer. Grid sizes are upper bounds.
//
// The Java side lays these structs out again: change both together.
#pragma once

#include <cuda_bf16.h>

#include <cstddef>

namespace lorikeet {

constexpr int BLOCK_TOKENS = 16;   // positions in a KV block
constexpr int ADDRESS_UNIT = 256;  // bytes: the addresses of KV blocks are multiples of it
constexpr int TILE_ROWS = 16;      // rows in a tile, at most

enum ModuleKind : int {
    MODULE_NONE = 0,        // the base model's weight
    MODULE_LOW_RANK = 1,    // the base model's weight, plus scaling * B A
    MODULE_REPLACED = 2,    // a weight of the adapter's own
    MODULE_REBASED = 3,     // a weight of the adapter's own, plus scaling * B A
    MODULE_TOKEN_ROWS = 4,  // the base model's weight with some rows replaced
};

// What one adapter changes in one module. An adapter is an array of these in device memory, indexed by slot.
struct alignas(16) AdapterModule {
    const __nv_bfloat16* a;          // [rank, in]; of an embedding [rank, vocabulary]
    const __nv_bfloat16* b;          // [out, rank]; of an embedding [hidden, rank]
    const __nv_bfloat16* lora_bias;  // [out], or null
    const float* magnitude;          // [out], already divided by the norms, or null
    const __nv_bfloat16* weight;     // the replaced or rebased weight, or [token_count, hidden] of MODULE_TOKEN_ROWS
    const int* token_ids;            // [token_count] ascending, of MODULE_TOKEN_ROWS
    float scaling;
    int rank;
    int kind;  // ModuleKind
    int token_count;
};

// A run of rows of one group; the host cuts every group into tiles, all of TILE_ROWS rows but the group's last one.
struct Tile {
    const AdapterModule* adapter;  // the group's; null: the base model
    int row;                       // the first one
    int rows;                      // TILE_ROWS at most
};

struct Step {
    int tokens;
    int sequences;
    int groups;
    int outputs;
    int tiles;          // of groups with an adapter
    int output_groups;
    int output_tiles;   // of output groups with an adapter
    int all_tiles;      // the others counted too

    const int* ids;             // [tokens]; below 0: ~row, the token that this row of the last sampling chose
    const int* positions;       // [tokens]
    const int* token_sequence;  // [tokens]
    const int* token_group;     // [tokens]

    const int* sequence_start;        // [sequences + 1] first row of each sequence
    const int* context;               // [sequences] cached tokens, those of this step counted
    const int* table_start;           // [sequences] index into block_table
    const unsigned* block_table;      // in ADDRESS_UNITs from kv_base; block p / BLOCK_TOKENS holds position p
    const float* const* frequencies;  // [sequences] inverse rotary frequencies, [head_size / 2]
    const float* rotary_scaling;      // [sequences]

    const int* group_start;                     // [groups + 1] first row of each group
    const AdapterModule* const* group_adapter;  // [groups], null: the base model
    const Tile* tile;                           // [all_tiles] first those of groups with an adapter, then the others

    const int* output_rows;                            // [outputs] rows whose logits are wanted
    const int* output_group_start;                     // [output_groups + 1] first output of each group
    const AdapterModule* const* output_group_adapter;  // [output_groups], null: the base model
    const Tile* output_tile;                           // [output_tiles] over the outputs

    unsigned char* kv_base;
};

static_assert(sizeof(AdapterModule) == 64, "the host writes adapters' modules of 64 bytes");
static_assert(sizeof(Tile) == 16, "the host writes tiles of 16 bytes");
static_assert(sizeof(Step) == 32 + 18 * 8, "the host writes the header of a step");
static_assert(offsetof(Step, kv_base) == 32 + 17 * 8, "the host writes the header of a step");

}  // namespace lorikeet

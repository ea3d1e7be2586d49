// Finishes q, k and v: see lora.cuh.
//
// A block has some heads of one part for a tile of rows: it puts the projection's values, adapters and bias included, into
// shared memory, then its warps norm, turn and store head by head.
#include "delta.cuh"

namespace lorikeet::rotation {

constexpr int WARPS = EXPAND_THREADS / 32;

struct SharedHeads {
    float value[TILE_ROWS][WINDOW];
    // By row: what its token needs.
    const float* frequencies[TILE_ROWS];
    unsigned char* keys[TILE_ROWS];  // of its slot in its block: layer 0, kv head 0
    float scaling[TILE_ROWS];
    int position[TILE_ROWS];
};

// Where a token's keys and values go; thread r does row r.
__device__ __forceinline__ void find_slots(SharedHeads& shared, const Step* step, Tile tile, int head_size) {
    if (threadIdx.x < tile.rows) {
        int row = tile.row + threadIdx.x;
        int sequence = step->token_sequence[row];
        int position = step->positions[row];
        unsigned block = step->block_table[step->table_start[sequence] + position / BLOCK_TOKENS];
        shared.position[threadIdx.x] = position;
        shared.frequencies[threadIdx.x] = step->frequencies[sequence];
        shared.scaling[threadIdx.x] = step->rotary_scaling[sequence];
        shared.keys[threadIdx.x] = step->kv_base + static_cast<size_t>(block) * ADDRESS_UNIT
            + static_cast<size_t>(position % BLOCK_TOKENS) * head_size * sizeof(__nv_bfloat16);
    }
}

// The values of the window's columns, with the adapter's part and the bias. Barriers around it are the caller's.
__device__ __forceinline__ void finish_values(
    SharedHeads& shared,
    SharedRanks& ranks,
    const Delta& delta,
    const LoraPart& part,
    const __nv_bfloat16* qkv,
    size_t stride,
    Tile tile,
    int end,
    int first_column) {
    int lane = threadIdx.x % 32;
    int column = delta.column;
    bool fast = stride % 8 == 0 && (part.column + first_column) % 8 == 0 && aligned(qkv, 16);
#pragma unroll 1
    for (int strip = 0; strip * STRIP < tile.rows; strip++) {
        int first = strip * STRIP + lane % 4 * 2;  // this lane's first row
        const __nv_bfloat16* row = qkv + static_cast<size_t>(tile.row + first) * stride + part.column;
        Eight<__nv_bfloat16> values[2];
#pragma unroll
        for (int i = 0; i < 2; i++) {
            if (first + i < tile.rows) {
                values[i].load(row + i * stride, column, end, fast);
            }
        }
        Product product[1];
        delta.multiply(ranks, strip, product);
#pragma unroll
        for (int i = 0; i < 2; i++) {
            float v[8];
            values[i].unpack(v);
            delta.apply(product[0], i, v);
            add_bias(part, column, v);
            if (first + i < tile.rows) {
                int at = column - first_column;
                store_row8(shared.value[first + i], at, end - first_column, true, v);
            }
        }
    }
}

// Norms and turns one head in shared memory, where a warp has it; size is even.
__device__ __forceinline__ void turn(
    float* head, int size, const NormWeight& norm, const __nv_bfloat16* weight, const float* frequencies, float scaling,
    int position) {
    int lane = threadIdx.x % 32;
    float factor = 1;
    if (weight != nullptr) {
        float sum = 0;
        for (int i = lane; i < size; i += 32) {
            sum += head[i] * head[i];
        }
#pragma unroll
        for (int mask = 16; mask > 0; mask /= 2) {
            sum += __shfl_xor_sync(~0u, sum, mask);
        }
        factor = rsqrtf(sum / size + norm.epsilon);
    }
    int half = size / 2;
    for (int i = lane; i < half; i += 32) {
        float a = head[i];
        float b = head[i + half];
        if (weight != nullptr) {
            a *= factor * __bfloat162float(weight[i]);
            b *= factor * __bfloat162float(weight[i + half]);
        }
        // The angle is a float32 product, as in Transformers; its turns are counted exactly.
        float angle = static_cast<float>(position) * frequencies[i];
        double half_turns = static_cast<double>(angle) * 0.31830988618379067154;
        half_turns -= 2 * rint(half_turns / 2);
        float sine;
        float cosine;
        sincospif(static_cast<float>(half_turns), &sine, &cosine);
        sine *= scaling;
        cosine *= scaling;
        head[i] = a * cosine - b * sine;
        head[i + half] = b * cosine + a * sine;
    }
    __syncwarp();
}

__device__ __forceinline__ void store_head(const float* head, int size, __nv_bfloat16* to) {
    int lane = threadIdx.x % 32;
    if (size % 4 == 0 && aligned(to, 8)) {
        for (int i = 4 * lane; i < size; i += 128) {
            float4 v = *reinterpret_cast<const float4*>(head + i);
            *reinterpret_cast<uint2*>(to + i) = make_uint2(pack_bf16(v.x, v.y), pack_bf16(v.z, v.w));
        }
        return;
    }
    for (int i = lane; i < size; i += 32) {
        to[i] = __float2bfloat16_rn(head[i]);
    }
}

__device__ __forceinline__ const __nv_bfloat16* weight_of(const NormWeight& norm, const AdapterModule* adapter) {
    if (norm.weight == nullptr || adapter == nullptr || adapter[norm.slot].kind != MODULE_REPLACED) {
        return norm.weight;
    }
    return adapter[norm.slot].weight;
}

}  // namespace lorikeet::rotation

extern "C" __global__ void __launch_bounds__(lorikeet::EXPAND_THREADS, 3) rotate_and_store(
    const lorikeet::Step* step, const __grid_constant__ lorikeet::Lora lora, const __grid_constant__ lorikeet::Rotation rotation, __nv_bfloat16* qkv) {
    using namespace lorikeet;
    using namespace lorikeet::rotation;
    __shared__ __align__(16) SharedHeads shared;
    __shared__ SharedRanks ranks;
    int size = rotation.head_size;
    int heads_in_window = max(WINDOW / size, 1);
    int query_windows = divide_up(rotation.heads, heads_in_window);
    int kv_windows = divide_up(rotation.kv_heads, heads_in_window);
    int windows = query_windows + 2 * kv_windows;
    int all_tiles = step->all_tiles;
    int splits = splits_of(lora, step->tiles).count;
    int runs = divide_up(all_tiles, lora.run);
    size_t stride = lora.columns;
    size_t head_stride = static_cast<size_t>(BLOCK_TOKENS) * size;  // between the heads of a block
    bool waited = false;
    int lane = threadIdx.x % 32;
    int warp = threadIdx.x / 32;
    for (int unit = blockIdx.x; unit < runs * windows; unit += gridDim.x) {
        int window = unit % windows;
        int which = window < query_windows ? 0 : window < query_windows + kv_windows ? 1 : 2;
        window -= which == 0 ? 0 : which == 1 ? query_windows : query_windows + kv_windows;
        const LoraPart& part = lora.part[which];
        int first_head = window * heads_in_window;
        int heads = min(heads_in_window, (which == 0 ? rotation.heads : rotation.kv_heads) - first_head);
        int first_column = first_head * size;
        int end_column = first_column + heads * size;
        int column = first_column + warp * WARP_COLUMNS + lane / 4 * 8;
        const NormWeight& norm = which == 0 ? rotation.query : rotation.key;
        int group = -1;
        Delta delta;
        const __nv_bfloat16* weight = nullptr;
        int t = unit / windows * lora.run;
        int end = min(t + lora.run, all_tiles);
        for (; t < end; t++) {
            Tile tile = step->tile[t];
            if (tile.group != group) {
                group = tile.group;
                const AdapterModule* adapter = step->group_adapter[group];
                weight = which == 2 ? nullptr : weight_of(norm, adapter);
                delta.load(lora.shrunk == nullptr ? nullptr : adapter, part, column);
            }
            __syncthreads();
            find_slots(shared, step, tile, size);
            if (!waited) {
                wait_for_previous();
                release_next();
                waited = true;
            }
            if (delta.present) {
                ranks.load(lora, which, delta.change.rank, tile.row, tile.rows, splits);
                __syncthreads();
            }
            finish_values(shared, ranks, delta, part, qkv, stride, tile, end_column, first_column);
            __syncthreads();
            for (int i = warp; i < tile.rows * heads; i += WARPS) {
                int row = i / heads;
                int head = i % heads;
                float* values = shared.value[row] + head * size;
                if (which < 2) {
                    turn(values, size, norm, weight, shared.frequencies[row], shared.scaling[row],
                         shared.position[row]);
                }
                __nv_bfloat16* to;
                if (which == 0) {
                    to = qkv + static_cast<size_t>(tile.row + row) * stride + part.column + first_column + head * size;
                } else {
                    size_t kv_head =
                        (2 * static_cast<size_t>(rotation.layer) + which - 1) * rotation.kv_heads + first_head + head;
                    to = reinterpret_cast<__nv_bfloat16*>(shared.keys[row]) + kv_head * head_stride;
                }
                store_head(values, size, to);
            }
        }
    }
    if (!waited) {
        wait_for_previous();
        release_next();
    }
}

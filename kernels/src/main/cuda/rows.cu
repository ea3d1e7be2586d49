#include "rows.cuh"

#include <cuda_fp16.h>

#include "device.cuh"

namespace lorikeet::rows {

constexpr int THREADS = 256;
constexpr int RANKS_AT_ONCE = 256;

// The place of `token` among the module's ascending ids, or -1.
__device__ int place_of(const AdapterModule& module, int token) {
    int low = 0;
    int high = module.token_count;
    while (low < high) {
        const int middle = (low + high) / 2;
        if (module.token_ids[middle] < token) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < module.token_count && module.token_ids[low] == token ? low : -1;
}

__device__ void copy_row(const __nv_bfloat16* from, float* to, int size) {
    for (int i = 8 * threadIdx.x; i < size; i += 8 * THREADS) {
        float values[8];
        to_floats(*reinterpret_cast<const Bf16x8*>(from + i), values);
        *reinterpret_cast<float4*>(to + i) = make_float4(values[0], values[1], values[2], values[3]);
        *reinterpret_cast<float4*>(to + i + 4) = make_float4(values[4], values[5], values[6], values[7]);
    }
}

// to = (from + scaling * B A[:, token]) * magnitude
__device__ void copy_changed_row(const __nv_bfloat16* from, const AdapterModule& module, int token, int vocabulary,
                                 float* to, int size) {
    __shared__ float column[RANKS_AT_ONCE];
    for (int i = threadIdx.x; i < (size + THREADS - 1) / THREADS * THREADS; i += THREADS) {
        float sum = 0;
        for (int first = 0; first < module.rank; first += RANKS_AT_ONCE) {
            const int ranks = min(RANKS_AT_ONCE, module.rank - first);
            __syncthreads();
            for (int k = threadIdx.x; k < ranks; k += THREADS) {
                column[k] = __bfloat162float(module.a[static_cast<size_t>(first + k) * vocabulary + token]);
            }
            __syncthreads();
            if (i < size) {
                const __nv_bfloat16* b = module.b + static_cast<size_t>(i) * module.rank + first;
                for (int k = 0; k < ranks; k++) {
                    sum = fmaf(__bfloat162float(b[k]), column[k], sum);
                }
            }
        }
        if (i < size) {
            const float value = __bfloat162float(from[i]) + module.scaling * sum;
            to[i] = module.magnitude == nullptr ? value : value * module.magnitude[i];
        }
    }
}

__device__ float to_float(float value) { return value; }

__device__ float to_float(__half value) { return __half2float(value); }

__device__ float to_float(__nv_bfloat16 value) { return __bfloat162float(value); }

template <typename From>
__device__ void cast(const CastPiece* pieces) {
    __shared__ CastPiece piece;
    if (threadIdx.x == 0) {
        piece = pieces[blockIdx.y];  // in host memory: once a block
    }
    __syncthreads();
    const From* from = static_cast<const From*>(piece.from);
    const long long stride = static_cast<long long>(gridDim.x) * THREADS;
    long long first = static_cast<long long>(blockIdx.x) * THREADS + threadIdx.x;
    const size_t addresses = reinterpret_cast<size_t>(from) | reinterpret_cast<size_t>(piece.to);
    const long long vectors = addresses % 16 == 0 ? piece.count / 8 : 0;
    for (long long i = first; i < vectors; i += stride) {
        struct alignas(16) {
            From value[8];
        } values = *reinterpret_cast<const decltype(values)*>(from + 8 * i);
        float floats[8];
#pragma unroll
        for (int k = 0; k < 8; k++) {
            floats[k] = to_float(values.value[k]);
        }
        *reinterpret_cast<Bf16x8*>(piece.to + 8 * i) = to_bf16(floats);
    }
    for (long long i = 8 * vectors + first; i < piece.count; i += stride) {
        piece.to[i] = __float2bfloat16_rn(to_float(from[i]));
    }
}

}  // namespace lorikeet::rows

extern "C" __global__ void __launch_bounds__(256)
    embed(const lorikeet::Step* step, const int* chosen, const __nv_bfloat16* table, int slot, float* out, int hidden,
          int vocabulary) {
    using namespace lorikeet;
    const int row = blockIdx.x;
    if (row >= step->tokens) {
        return;
    }
    const int id = step->ids[row];
    const int token = id >= 0 ? id : chosen[~id];
    const AdapterModule* module = module_of(step->group_adapter[step->token_group[row]], slot);
    const __nv_bfloat16* from = table + static_cast<size_t>(token) * hidden;
    bool changed = false;
    if (module != nullptr) {
        changed = module->kind == MODULE_LOW_RANK || module->kind == MODULE_REBASED;
        if (module->kind == MODULE_REPLACED || module->kind == MODULE_REBASED) {
            from = module->weight + static_cast<size_t>(token) * hidden;
        } else if (module->kind == MODULE_TOKEN_ROWS) {
            const int place = rows::place_of(*module, token);
            if (place >= 0) {
                from = module->weight + static_cast<size_t>(place) * hidden;
            }
        }
    }
    wait_for_previous();
    release_next();
    float* to = out + static_cast<size_t>(row) * hidden;
    if (changed) {
        rows::copy_changed_row(from, *module, token, vocabulary, to, hidden);
    } else {
        rows::copy_row(from, to, hidden);
    }
}

extern "C" __global__ void __launch_bounds__(256)
    rms_norm(const lorikeet::Step* step, const float* in, const __nv_bfloat16* weight, float epsilon, int slot,
             __nv_bfloat16* out, int size) {
    using namespace lorikeet;
    const int row = blockIdx.x;
    if (row >= step->tokens) {
        return;
    }
    const AdapterModule* module = module_of(step->group_adapter[step->token_group[row]], slot);
    if (module != nullptr && module->kind == MODULE_REPLACED) {
        weight = module->weight;
    }
    wait_for_previous();
    release_next();
    const float* from = in + static_cast<size_t>(row) * size;
    float squares = 0;
    for (int i = 4 * threadIdx.x; i < size; i += 4 * rows::THREADS) {
        const float4 x = __ldcg(reinterpret_cast<const float4*>(from + i));
        squares += x.x * x.x + x.y * x.y + x.z * x.z + x.w * x.w;
    }
    const float factor = rsqrtf(block_sum<rows::THREADS>(squares) / size + epsilon);
    for (int i = 4 * threadIdx.x; i < size; i += 4 * rows::THREADS) {
        const float4 x = __ldcg(reinterpret_cast<const float4*>(from + i));
        const uint2 w = *reinterpret_cast<const uint2*>(weight + i);
        const float2 low = __bfloat1622float2(*reinterpret_cast<const __nv_bfloat162*>(&w.x));
        const float2 high = __bfloat1622float2(*reinterpret_cast<const __nv_bfloat162*>(&w.y));
        uint2 y;
        y.x = pack_bf16(x.x * factor * low.x, x.y * factor * low.y);
        y.y = pack_bf16(x.z * factor * high.x, x.w * factor * high.y);
        *reinterpret_cast<uint2*>(out + static_cast<size_t>(row) * size + i) = y;
    }
}

extern "C" __global__ void __launch_bounds__(256)
    gather_outputs(const lorikeet::Step* step, const __nv_bfloat16* in, __nv_bfloat16* out, int size) {
    using namespace lorikeet;
    const int output = blockIdx.x;
    if (output >= step->outputs) {
        return;
    }
    const __nv_bfloat16* from = in + static_cast<size_t>(step->output_rows[output]) * size;
    Bf16x8* to = reinterpret_cast<Bf16x8*>(out + static_cast<size_t>(output) * size);
    wait_for_previous();
    release_next();
    for (int i = threadIdx.x; i < size / 8; i += rows::THREADS) {
        to[i] = load_fresh(from + 8 * i);
    }
}

extern "C" __global__ void __launch_bounds__(256) cast_f32_to_bf16(const lorikeet::CastPiece* pieces) {
    lorikeet::wait_for_previous();
    lorikeet::rows::cast<float>(pieces);
}

extern "C" __global__ void __launch_bounds__(256) cast_f16_to_bf16(const lorikeet::CastPiece* pieces) {
    lorikeet::wait_for_previous();
    lorikeet::rows::cast<__half>(pieces);
}

extern "C" __global__ void __launch_bounds__(256) move_bf16(const lorikeet::CastPiece* pieces) {
    lorikeet::wait_for_previous();
    lorikeet::rows::cast<__nv_bfloat16>(pieces);
}

// Products of few rows with a weight.
//
// A block takes sixteen outputs; its warps share the input dimension in chunks of 64, and their sums are added in order.
// The weight goes from memory to the registers of the tensor-core products, 16 bytes a load, the rows of x being the
// eight columns of a product. The first loads don't wait for the kernel before: a weight doesn't change.
#include "matvec.cuh"

#include "device.cuh"
#include "shrink_beside.cuh"

namespace lorikeet::matvec {

constexpr int WARPS = 4;
constexpr int ROWS = MATVEC_ROWS;
constexpr int OUT = MATVEC_OUT;
constexpr int CHUNK = 64;   // of the input dimension: 128 bytes of a row
constexpr int AT_ONCE = 2;  // chunks that a warp has under way: the next is loaded when one has been used

// Read once by the whole device: not worth a place in the L1 cache.
__device__ __forceinline__ uint4 load_weight(const __nv_bfloat16* from, bool valid) {
    uint4 value;
    asm volatile(
        "{\n"
        ".reg .pred p;\n"
        "setp.ne.b32 p, %5, 0;\n"
        "mov.b32 %0, 0;\n"
        "mov.b32 %1, 0;\n"
        "mov.b32 %2, 0;\n"
        "mov.b32 %3, 0;\n"
        "@p ld.global.nc.L1::no_allocate.v4.u32 {%0,%1,%2,%3}, [%4];\n"
        "}"
        : "=r"(value.x), "=r"(value.y), "=r"(value.z), "=r"(value.w)
        : "l"(from), "r"(static_cast<int>(valid)));
    return value;
}

__device__ __forceinline__ uint4 load_input(const __nv_bfloat16* from, bool valid) {
    uint4 value = make_uint4(0, 0, 0, 0);
    if (valid) {
        value = __ldcg(reinterpret_cast<const uint4*>(from));
    }
    return value;
}

// A chunk of sixteen rows of the weight; a thread has rows q and q + 8, of each two times 8 elements.
struct WeightChunk {
    uint4 row[2][2];

    __device__ __forceinline__ void load(const __nv_bfloat16* weight, int in, int outs, int chunk) {
        const int q = threadIdx.x % WARP / 4;
        const int c = threadIdx.x % 4;
#pragma unroll
        for (int part = 0; part < 2; part++) {
            const int k = chunk * CHUNK + 32 * part + 8 * c;
#pragma unroll
            for (int half = 0; half < 2; half++) {
                const int out = q + 8 * half;
                row[part][half] = load_weight(weight + static_cast<size_t>(out) * in + k, k < in && out < outs);
            }
        }
    }
};

// sum[out][row] of this block, complete after a barrier.
struct Shared {
    float partial[WARPS][OUT][ROWS];
};

// The products of up to `rows` rows of x with `outs` rows of the weight, by a whole block. `before_input` is called
// between the first loads of the weight and those of x.
template <typename Before>
__device__ __forceinline__ void multiply(const __nv_bfloat16* weight, int outs, const __nv_bfloat16* x, int x_pitch,
                                         int rows, int in, Shared& shared, Before before_input) {
    const int warp = threadIdx.x / WARP;
    const int q = threadIdx.x % WARP / 4;
    const int c = threadIdx.x % 4;
    const int chunks = (in + CHUNK - 1) / CHUNK;
    float sum[4] = {0, 0, 0, 0};
    WeightChunk w[AT_ONCE];
#pragma unroll
    for (int i = 0; i < AT_ONCE; i++) {
        w[i].load(weight, in, outs, warp + i * WARPS);
    }
    before_input();
#pragma unroll 1
    for (int first = warp; first < chunks; first += AT_ONCE * WARPS) {
#pragma unroll
        for (int i = 0; i < AT_ONCE; i++) {
#pragma unroll
            for (int part = 0; part < 2; part++) {
                const int k = (first + i * WARPS) * CHUNK + 32 * part + 8 * c;
                const uint4 input = load_input(x + static_cast<size_t>(q) * x_pitch + k, q < rows && k < in);
                const uint4 low = w[i].row[part][0];
                const uint4 high = w[i].row[part][1];
                mma(sum, low.x, high.x, low.y, high.y, input.x, input.y);
                mma(sum, low.z, high.z, low.w, high.w, input.z, input.w);
            }
            w[i].load(weight, in, outs, first + (i + AT_ONCE) * WARPS);
        }
    }
#pragma unroll
    for (int i = 0; i < 4; i++) {
        shared.partial[warp][q + 8 * (i / 2)][2 * c + i % 2] = sum[i];
    }
}

__device__ __forceinline__ float total(const Shared& shared, int out, int row) {
    float sum = 0;
#pragma unroll
    for (int warp = 0; warp < WARPS; warp++) {
        sum += shared.partial[warp][out][row];
    }
    return sum;
}

__device__ __forceinline__ void store(__nv_bfloat16* to, float value) { *to = __float2bfloat16_rn(value); }

__device__ __forceinline__ void store(float* to, float value) { *to = value; }

// Sixteen outputs: number `tile` of those of all parts.
template <typename Out>
__device__ __forceinline__ void run(const MatVec& product, int rows, int tile, Shared& shared) {
    int part = 0;
    int column = 0;
    while (part < product.parts && tile >= (product.out[part] + OUT - 1) / OUT) {
        tile -= (product.out[part] + OUT - 1) / OUT;
        column += product.out[part];
        part++;
    }
    if (part == product.parts) {
        return;
    }
    const int first_out = tile * OUT;
    const int outs = min(OUT, product.out[part] - first_out);
    const __nv_bfloat16* weight = product.weight[part] + static_cast<size_t>(first_out) * product.in;
    multiply(weight, outs, product.x, product.x_pitch, rows, product.in, shared, [] {
        wait_for_previous();
        release_next();
    });
    __syncthreads();
    const int row = threadIdx.x / OUT;
    const int out = threadIdx.x % OUT;
    if (row < rows && out < outs) {
        store(static_cast<Out*>(product.y) + static_cast<size_t>(row) * product.y_pitch + column + first_out + out,
              total(shared, out, row));
    }
}

}  // namespace lorikeet::matvec

extern "C" __global__ void __launch_bounds__(128, 6)
    matvec_tokens(const lorikeet::Step* step, const __grid_constant__ lorikeet::MatVec product) {
    __shared__ lorikeet::matvec::Shared shared;
    lorikeet::matvec::run<__nv_bfloat16>(product, min(step->tokens, lorikeet::MATVEC_ROWS), blockIdx.x, shared);
}

extern "C" __global__ void __launch_bounds__(128, lorikeet::MATVEC_SHRINK_BLOCKS)
    matvec_shrink(const lorikeet::Step* step, const __grid_constant__ lorikeet::MatVec product,
                  const __grid_constant__ lorikeet::Lora lora, int shrink_blocks) {
    using namespace lorikeet;
    __shared__ union {
        matvec::Shared product;
        float4 shrink[matvec::WARPS * WARP];
    } shared;
    const int tiles = static_cast<int>(gridDim.x) - shrink_blocks;
    const int block = static_cast<int>(blockIdx.x);
    if (block >= tiles) {
        release_next();
        shrinking::shrink_share<matvec::WARPS, 4>(
            step, lora, product.x, block - tiles, shrink_blocks, shared.shrink);
        return;
    }
    matvec::run<__nv_bfloat16>(product, min(step->tokens, MATVEC_ROWS), block, shared.product);
}

extern "C" __global__ void __launch_bounds__(128, 6)
    matvec_outputs(const lorikeet::Step* step, const __grid_constant__ lorikeet::MatVec product) {
    __shared__ lorikeet::matvec::Shared shared;
    lorikeet::matvec::run<float>(product, min(step->outputs, lorikeet::MATVEC_ROWS), blockIdx.x, shared);
}

extern "C" __global__ void __launch_bounds__(128, 6)
    head_replaced(const lorikeet::Step* step, const __nv_bfloat16* x, int slot, float* logits, int hidden,
                  int vocabulary) {
    using namespace lorikeet;
    __shared__ matvec::Shared shared;
    wait_for_previous();
    release_next();
    const int first_out = static_cast<int>(blockIdx.x) * matvec::OUT;
    const int outs = min(matvec::OUT, vocabulary - first_out);
    for (int group = 0; group < step->output_groups; group++) {
        const AdapterModule* module = module_of(step->output_group_adapter[group], slot);
        if (module == nullptr || (module->kind != MODULE_REPLACED && module->kind != MODULE_REBASED)) {
            continue;
        }
        const int end = step->output_group_start[group + 1];
        for (int first = step->output_group_start[group]; first < end; first += matvec::ROWS) {
            const int rows = min(matvec::ROWS, end - first);
            multiply(module->weight + static_cast<size_t>(first_out) * hidden, outs,
                     x + static_cast<size_t>(first) * hidden, hidden, rows, hidden, shared, [] {});
            __syncthreads();
            const int row = threadIdx.x / matvec::OUT;
            const int out = threadIdx.x % matvec::OUT;
            if (row < rows && out < outs) {
                logits[static_cast<size_t>(first + row) * vocabulary + first_out + out] =
                    matvec::total(shared, out, row);
            }
            __syncthreads();
        }
    }
}

extern "C" __global__ void __launch_bounds__(128, 6)
    head_token_rows(const lorikeet::Step* step, const __nv_bfloat16* x, int slot, float* logits, int hidden,
                    int vocabulary) {
    using namespace lorikeet;
    const int output = blockIdx.y;
    if (output >= step->outputs) {
        return;
    }
    int group = 0;
    while (output >= step->output_group_start[group + 1]) {
        group++;
    }
    const AdapterModule* module = module_of(step->output_group_adapter[group], slot);
    wait_for_previous();
    release_next();
    if (module == nullptr || module->kind != MODULE_TOKEN_ROWS) {
        return;
    }
    const __nv_bfloat16* input = x + static_cast<size_t>(output) * hidden;
    const int lane = threadIdx.x % WARP;
    const int warps = static_cast<int>(gridDim.x) * matvec::WARPS;
    for (int i = static_cast<int>(blockIdx.x) * matvec::WARPS + static_cast<int>(threadIdx.x) / WARP;
         i < module->token_count; i += warps) {
        const __nv_bfloat16* weight = module->weight + static_cast<size_t>(i) * hidden;
        float sum = 0;
        for (int k = 8 * lane; k < hidden; k += 8 * WARP) {
            float a[8], b[8];
            to_floats(*reinterpret_cast<const Bf16x8*>(weight + k), a);
            to_floats(load_fresh(input + k), b);
#pragma unroll
            for (int j = 0; j < 8; j++) {
                sum = fmaf(a[j], b[j], sum);
            }
        }
        sum = warp_sum(sum);
        if (lane == 0) {
            logits[static_cast<size_t>(output) * vocabulary + module->token_ids[i]] = sum;
        }
    }
}

// What is said about single tokens: which a sequence with penalties has seen, and which have biases.
#include "device.cuh"
#include "sampler.cuh"

extern "C" __global__ void __launch_bounds__(256) sampler_clear(unsigned* seen, long long count) {
    lorikeet::wait_for_previous();
    const long long stride = static_cast<long long>(gridDim.x) * blockDim.x;
    for (long long i = static_cast<long long>(blockIdx.x) * blockDim.x + threadIdx.x; i < count; i += stride) {
        seen[i] = 0;
    }
}

extern "C" __global__ void __launch_bounds__(256) sampler_see(const lorikeet::SeenToken* tokens, const int* next_ids, int count) {
    lorikeet::wait_for_previous();
    const int i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
    if (i < count) {
        const lorikeet::SeenToken token = tokens[i];
        unsigned* seen = token.seen + (token.token >= 0 ? token.token : next_ids[~token.token]);
        atomicMax(seen, 1u);
        if (token.output != 0) {
            atomicAdd(seen, 1u);
        }
    }
}

extern "C" __global__ void __launch_bounds__(256)
    sampler_bias(const lorikeet::BiasedToken* tokens, float* before, int count) {
    lorikeet::wait_for_previous();
    const int i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
    if (i < count) {
        const lorikeet::BiasedToken token = tokens[i];
        before[i] = *token.logit;
        *token.logit = __fadd_rn(before[i], token.bias);
    }
}

extern "C" __global__ void __launch_bounds__(256)
    sampler_unbias(const lorikeet::BiasedToken* tokens, const float* before, int count) {
    lorikeet::wait_for_previous();
    const int i = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
    if (i < count) {
        *tokens[i].logit = before[i];
    }
}

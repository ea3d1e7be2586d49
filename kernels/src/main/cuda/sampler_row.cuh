// What the sampler's kernels share: rows of logits with their penalties, keys that order tokens, weights, sums over a block.
#pragma once

#include <cfloat>
#include <cmath>

#include "device.cuh"
#include "sampler.cuh"

namespace lorikeet::sampler {

using Key = unsigned long long;
using Mass = unsigned long long;

constexpr float MASS_BITS = 44;  // of the most likely token; 2^18 of them fit
constexpr float LOG2_E = 1.4426950408889634f;
// Behind this many units of temperature from the most likely token, masses are 0.
constexpr float LAST = 32;

// Logits and tokens as numbers that order them: a larger logit is a larger key, of equal ones the smaller token. Keys
// are more than 0.
__device__ __forceinline__ Key key_of(float logit, int token) {
    const unsigned bits = __float_as_uint(logit + 0.0f);  // -0 is the same logit as 0
    const unsigned ordered = bits & 0x80000000u ? ~bits : bits | 0x80000000u;
    return static_cast<Key>(ordered) << 32 | ~static_cast<unsigned>(token);
}

__device__ __forceinline__ int token_of(Key key) { return static_cast<int>(~static_cast<unsigned>(key)); }

__device__ __forceinline__ float logit_of(Key key) {
    const unsigned ordered = static_cast<unsigned>(key >> 32);
    return __uint_as_float(ordered & 0x80000000u ? ordered & 0x7fffffffu : ~ordered);
}

// The logit of a token that was seen. Not inlined: few tokens were, and it would be all over the code.
__device__ __noinline__ float penalise(float logit, unsigned seen, const SamplingRow& settings) {
    const float penalty = settings.repetition_penalty;
    float result = logit > 0 ? __fdiv_rn(logit, penalty) : __fmul_rn(logit, penalty);
    if (seen > 1) {
        const float times = static_cast<float>(seen - 1);
        result = __fsub_rn(result,
                           __fadd_rn(__fmul_rn(settings.frequency_penalty, times), settings.presence_penalty));
    }
    return result;
}

// A row's settings on their way into shared memory: a few threads have a word each. Between the two calls there is time
// to load something else.
struct SettingsOnTheWay {
    using Word = unsigned long long;
    static constexpr int WORDS = sizeof(SamplingRow) / sizeof(Word);

    Word word = 0;

    __device__ __forceinline__ explicit SettingsOnTheWay(const SamplingRow& from) {
        if (threadIdx.x < WORDS) {
            word = __ldcg(reinterpret_cast<const Word*>(&from) + threadIdx.x);
        }
    }

    __device__ __forceinline__ void arrive(SamplingRow& to) const {
        if (threadIdx.x < WORDS) {
            reinterpret_cast<Word*>(&to)[threadIdx.x] = word;
        }
        __syncthreads();
    }
};

// A row of logits with its penalties.
struct Row {
    const float* logits;
    const unsigned* seen;  // or null
    const SamplingRow& settings;

    __device__ __forceinline__ float penalised(int token, float logit) const {
        const unsigned times = seen == nullptr ? 0 : __ldcg(seen + token);
        return times == 0 ? logit : penalise(logit, times, settings);
    }

    __device__ __forceinline__ float operator[](int token) const { return penalised(token, __ldcg(logits + token)); }

    // Calls visit(token, logit with penalties) for first, first + STRIDE, ... below end.
    template <int STRIDE, typename Visit>
    __device__ __forceinline__ void each(int first, int end, Visit visit) const {
#pragma unroll 1
        for (int token = first; token < end; token += STRIDE) {
            visit(token, penalised(token, __ldcg(logits + token)));
        }
    }
};

// SplitMix64 with the mixed seed as its state: draw `index` under `seed`, in multiples of 2^-64 below 1, of which the
// upper 53 bits are set (lorikeet.kernels.cpu.Draws).
__device__ __forceinline__ unsigned long long mix(unsigned long long z) {
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    return z ^ (z >> 31);
}

__device__ __forceinline__ unsigned long long uniform(unsigned long long seed, unsigned long long index) {
    constexpr unsigned long long GOLDEN_GAMMA = 0x9e3779b97f4a7c15ull;
    return mix(mix(seed + GOLDEN_GAMMA) + (index + 1) * GOLDEN_GAMMA) >> 11 << 11;
}

template <typename T, typename Join>
__device__ __forceinline__ T warp_reduce(T value, Join join) {
#pragma unroll
    for (int offset = WARP / 2; offset > 0; offset /= 2) {
        value = join(value, __shfl_xor_sync(ALL_LANES, value, offset));
    }
    return value;
}

// Joins the values of all threads of a block; every thread gets the result. `scratch` has a place for each warp.
template <typename T, typename Join>
__device__ __forceinline__ T block_reduce(T value, T* scratch, Join join) {
    const int warps = static_cast<int>(blockDim.x) / WARP;
    value = warp_reduce(value, join);
    __syncthreads();  // the last call's results have been read
    if (threadIdx.x % WARP == 0) {
        scratch[threadIdx.x / WARP] = value;
    }
    __syncthreads();
    T result = scratch[0];
    for (int warp = 1; warp < warps; warp++) {
        result = join(result, scratch[warp]);
    }
    return result;
}

struct Larger {
    template <typename T>
    __device__ __forceinline__ T operator()(T a, T b) const {
        return a > b ? a : b;
    }
};

struct Smaller {
    template <typename T>
    __device__ __forceinline__ T operator()(T a, T b) const {
        return a < b ? a : b;
    }
};

struct Add {
    template <typename T>
    __device__ __forceinline__ T operator()(T a, T b) const {
        return a + b;
    }
};

// The sum over the threads of a block up to this one. `scratch` has a place for each warp.
template <typename T>
__device__ __forceinline__ T block_sum_to(T value, T* scratch) {
    const int lane = threadIdx.x % WARP;
    const int warp = threadIdx.x / WARP;
#pragma unroll
    for (int offset = 1; offset < WARP; offset *= 2) {
        const T other = __shfl_up_sync(ALL_LANES, value, offset);
        value += lane >= offset ? other : 0;
    }
    __syncthreads();  // the last call's sums have been read
    if (lane == WARP - 1) {
        scratch[warp] = value;
    }
    __syncthreads();
    for (int i = 0; i < warp; i++) {
        value += scratch[i];
    }
    return value;
}

}  // namespace lorikeet::sampler

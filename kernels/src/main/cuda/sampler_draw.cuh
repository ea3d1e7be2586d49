// What the kernels share that draw tokens: a block's chunk of a row, weights, and where the tokens to draw from end.
#pragma once

#include "sampler_row.cuh"

namespace lorikeet::sampler {

constexpr int CHUNK_THREADS = 256;
constexpr int CHUNK_EACH = SAMPLER_CHUNK / CHUNK_THREADS;

__device__ __forceinline__ bool is_drawn(const SamplingRow& settings) {
    return settings.temperature > 0 && settings.token < 0;
}

__device__ __forceinline__ bool has_top_k(const SamplingRow& settings, int vocabulary) {
    return settings.top_k > 0 && settings.top_k < vocabulary;
}

// Whether top_k or top_p bound the tokens that a row is drawn from.
__device__ __forceinline__ bool is_narrowed(const SamplingRow& settings, int vocabulary) {
    return is_drawn(settings) && (has_top_k(settings, vocabulary) || settings.top_p < 1);
}

// The logits of the chunk that a block of CHUNK_THREADS threads takes. They are in shared memory, where each thread has its
// own: in registers, all loops over them would be unrolled, to code that takes longer to fetch than to run.
struct ChunkTokens {
    float (&value)[SAMPLER_CHUNK];
    int first;  // the thread's first token; then every CHUNK_THREADSth
    int vocabulary;

    __device__ __forceinline__ ChunkTokens(float (&shared)[SAMPLER_CHUNK], const float* logits, int vocabulary_)
        : value(shared),
          first(static_cast<int>(blockIdx.x) * SAMPLER_CHUNK + static_cast<int>(threadIdx.x)),
          vocabulary(vocabulary_) {
        float loaded[CHUNK_EACH];
#pragma unroll
        for (int i = 0; i < CHUNK_EACH; i++) {
            const int token = first + i * CHUNK_THREADS;
            loaded[i] = token < vocabulary ? __ldcg(logits + token) : -INFINITY;
        }
#pragma unroll
        for (int i = 0; i < CHUNK_EACH; i++) {
            own(i) = loaded[i];
        }
    }

    __device__ __forceinline__ float& own(int i) const { return value[i * CHUNK_THREADS + threadIdx.x]; }

    // Calls visit(token, logit).
    template <typename Visit>
    __device__ __forceinline__ void each(Visit visit) const {
#pragma unroll 4
        for (int i = 0; i < CHUNK_EACH; i++) {
            const int token = first + i * CHUNK_THREADS;
            if (token < vocabulary) {
                visit(token, own(i));
            }
        }
    }

    __device__ __forceinline__ void penalise(const Row& row) const {
        if (row.seen == nullptr) {
            return;
        }
        constexpr int AT_ONCE = 16;  // loads under way
#pragma unroll 1
        for (int from = 0; from < CHUNK_EACH; from += AT_ONCE) {
            unsigned times[AT_ONCE];
#pragma unroll
            for (int i = 0; i < AT_ONCE; i++) {
                const int token = first + (from + i) * CHUNK_THREADS;
                times[i] = token < vocabulary ? __ldcg(row.seen + token) : 0;
            }
#pragma unroll
            for (int i = 0; i < AT_ONCE; i++) {
                if (times[i] > 0) {
                    own(from + i) = sampler::penalise(own(from + i), times[i], row.settings);
                }
            }
        }
    }

    __device__ __forceinline__ float sum_of_exp(float max) const {
        float sum = 0;
#pragma unroll 4
        for (int i = 0; i < CHUNK_EACH; i++) {
            sum += expf(own(i) - max);
        }
        return sum;
    }
};

// What the summaries of a row's chunks say together.
struct RowSummary {
    Key best = 0;
    float max = -INFINITY;
    float min = INFINITY;
    bool valid = true;

    // By whole warps: each lane has a chunk, and gets what all say.
    __device__ __forceinline__ RowSummary(const ChunkSummary* summaries, int chunks) {
        const int lane = threadIdx.x % WARP;
        bool invalid = false;
        if (lane < chunks) {
            const ChunkSummary* own = summaries + lane;
            best = __ldcg(&own->best);
            max = __ldcg(&own->max);
            min = __ldcg(&own->min);
            invalid = __ldcg(&own->invalid) != 0;
        }
        best = warp_reduce(best, Larger());
        max = warp_reduce(max, Larger());
        min = warp_reduce(min, Smaller());
        valid = __any_sync(ALL_LANES, invalid) == 0 && max > -INFINITY && logit_of(best) > -INFINITY;
    }
};

static_assert(SAMPLER_CHUNKS == WARP);

// How much each token weighs.
struct Weights {
    float max;
    float inverse;  // of the temperature; finite

    __device__ __forceinline__ Weights(Key best, const SamplingRow& settings)
        : max(logit_of(best)), inverse(fminf(1 / settings.temperature, FLT_MAX)) {}

    // Units of temperature from the most likely token: 0 or more, never less for a smaller logit.
    __device__ __forceinline__ float distance(float logit) const { return (max - logit) * inverse; }

    // The mass at a distance: 2^44 exp(-distance).
    __device__ __forceinline__ static Mass mass_at(float distance) {
        return __float2ull_rn(power_of_two(fmaf(-LOG2_E, distance, MASS_BITS)));
    }

    __device__ __forceinline__ Mass mass(float logit) const { return mass_at(distance(logit)); }

    // The smallest of the keys that min_p keeps.
    __device__ __forceinline__ Key least(const SamplingRow& settings) const {
        if (settings.min_p <= 0) {
            return 0;
        }
        const double logit = max + settings.temperature * log(static_cast<double>(settings.min_p));
        return key_of(static_cast<float>(logit), -1);  // the smallest with that logit
    }
};

// Equal parts of the distances up to the least likely token's, or to a limit: where masses end, or, where only top_p counts,
// the distance from which on all tokens together have less than what top_p leaves out (and that e times over).
struct Bins {
    float limit;
    float each;  // bins in a unit of distance

    __device__ __forceinline__ Bins(const Weights& weights, float min, const SamplingRow& settings, int vocabulary)
        : limit(LAST) {
        if (!has_top_k(settings, vocabulary) && settings.top_p < 1) {
            limit = fminf(limit, 1 + logf(static_cast<float>(vocabulary) / (1 - settings.top_p)));
        }
        each = SAMPLER_BINS / fmaxf(fminf(weights.distance(min), limit), 1e-30f);
    }

    // Of a distance below the limit.
    __device__ __forceinline__ int of(float distance) const {
        return min(SAMPLER_BINS - 1, static_cast<int>(distance * each));
    }
};

// Where the keys that are kept end: a number of tokens, or a mass, and which of the two is meant.
struct Wanted {
    bool by_mass;
    Mass mass;
    unsigned count;

    __device__ __forceinline__ bool reached(Mass m, unsigned n) const { return by_mass ? m >= mass : n >= count; }

    // The part `top_p` of a mass, rounded up.
    __device__ __forceinline__ static Mass part_of(Mass total, float top_p) {
        return max(static_cast<Mass>(1), static_cast<Mass>(ceil(top_p * static_cast<double>(total))));
    }
};

// Where `wanted` is reached.
struct FoundBin {
    int bin;  // -1: nowhere
    unsigned count;
    Mass above_mass;  // in the bins before it
    unsigned above_count;
};

// Finds the first bin, from the largest keys on, with which `wanted` is reached. Each thread has EACH bins in a row;
// `above_*` is what lies before all bins.
template <int EACH>
__device__ __forceinline__ void find_bin(const Mass (&mass)[EACH], const unsigned (&count)[EACH], const Wanted& wanted,
                                         Mass above_mass, unsigned above_count, Mass* scratch, FoundBin& found) {
    Mass own_mass = 0;
    unsigned own_count = 0;
#pragma unroll
    for (int i = 0; i < EACH; i++) {
        own_mass += mass[i];
        own_count += count[i];
    }
    Mass mass_to = above_mass + block_sum_to(own_mass, scratch);
    unsigned count_to = above_count + static_cast<unsigned>(block_sum_to(static_cast<Mass>(own_count), scratch));
    if (threadIdx.x == 0) {
        found.bin = -1;
    }
    __syncthreads();
    const bool here = wanted.reached(mass_to, count_to);
    mass_to -= own_mass;
    count_to -= own_count;
    if (here && !wanted.reached(mass_to, count_to)) {  // one thread only
        bool open = true;
#pragma unroll
        for (int i = 0; i < EACH; i++) {
            if (open && wanted.reached(mass_to + mass[i], count_to + count[i])) {
                open = false;
                found = {static_cast<int>(threadIdx.x) * EACH + i, count[i], mass_to, count_to};
            }
            mass_to += mass[i];
            count_to += count[i];
        }
    }
    __syncthreads();
}

}  // namespace lorikeet::sampler

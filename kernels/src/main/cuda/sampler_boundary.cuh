// Where the tokens to draw from end, found by one block of threads: among keys that are listed, or, where too many are
// alike to be listed, over the whole row.
#pragma once

#include "sampler_draw.cuh"

namespace lorikeet::sampler {

constexpr int CHOOSE_THREADS = 1024;

// What sampler_choose keeps in shared memory.
struct ChooseShared {
    SamplingRow settings;
    union {
        Key keys[CHOOSE_THREADS / WARP];
        Mass masses[CHOOSE_THREADS / WARP];
    } reduce;
    Mass bin_mass[SAMPLER_BINS];
    unsigned bin_count[SAMPLER_BINS];
    Key list[SAMPLER_LISTED];
    Mass chunk_mass[SAMPLER_CHUNKS];
    Wanted wanted;
    FoundBin found;
    Mass target;          // of what is drawn: the mass before it, in its chunk
    Mass target_in_warp;  // and in its warp's part of that
    Key boundary;
    double log_sum;
    unsigned listed;
    int part;
    int token;
};

static_assert(SAMPLER_BINS == 1 << 10, "which shift leaves so many bins");
static_assert(SAMPLER_LISTED == CHOOSE_THREADS, "a thread has a key of the list");

// Sorts the list, the largest key first; the thread's key of it is returned, 0 behind the end. (Bitonic sort.)
__device__ __forceinline__ Key sort_list(ChooseShared& shared, unsigned listed) {
    const unsigned thread = threadIdx.x;
    unsigned size = WARP;
    while (size < listed) {
        size *= 2;
    }
    __syncthreads();
    Key own = thread < listed ? shared.list[thread] : 0;
    for (unsigned run = 2; run <= size; run *= 2) {
        for (unsigned apart = run / 2; apart > 0; apart /= 2) {
            __syncthreads();
            if (thread < size) {
                shared.list[thread] = own;
            }
            __syncthreads();
            if (thread < size) {
                const Key other = shared.list[thread ^ apart];
                const bool larger = ((thread & run) == 0) == ((thread & apart) == 0);
                own = larger ? max(own, other) : min(own, other);
            }
        }
    }
    return own;
}

// The key with which `wanted` is reached among `listed` keys of the list, which is sorted; `before` come before it.
__device__ Key reached_in_list(ChooseShared& shared, unsigned listed, const Weights& weights, const Wanted& wanted,
                               Mass mass_before, unsigned count_before) {
    const Key own = sort_list(shared, listed);
    const unsigned thread = threadIdx.x;
    const Mass mass = thread < listed ? weights.mass(logit_of(own)) : 0;
    const Mass mass_to = mass_before + block_sum_to(mass, shared.reduce.masses);
    const unsigned count_to = count_before + thread + 1;
    if (thread < listed) {
        const bool first = thread == 0 || !wanted.reached(mass_to - mass, count_to - 1);
        if (first && (thread == listed - 1 || wanted.reached(mass_to, count_to))) {
            shared.boundary = own;
        }
    }
    __syncthreads();
    return shared.boundary;
}

// The keys of a whole row that are not below `least`.
struct WholeRow {
    const Row& row;
    int vocabulary;
    const Weights& weights;
    Key least;

    // Calls visit(key, logit) for the thread's keys up to `most`.
    template <typename Visit>
    __device__ __forceinline__ void each(Key most, Visit visit) const {
        row.each<CHOOSE_THREADS>(threadIdx.x, vocabulary, [&](int token, float logit) {
            const Key key = key_of(logit, token);
            if (key >= least && key <= most) {
                visit(key, logit);
            }
        });
    }

    // The key with which top_k, or top_p, is reached, or the last one.
    __device__ Key reached(ChooseShared& shared, Key best, bool by_mass) const {
        Mass total = 0;
        if (by_mass) {
            each(best, [&](Key, float logit) { total += weights.mass(logit); });
            total = block_reduce(total, shared.reduce.masses, Add());
        }
        if (threadIdx.x == 0) {
            shared.wanted = {by_mass, Wanted::part_of(total, row.settings.top_p),
                             static_cast<unsigned>(row.settings.top_k)};
            shared.found = {0, 0, 0, 0};
        }
        return reached_between(shared, best);
    }

  private:
    // Bins of equally many keys, then bins of the keys of one of them, until these can be listed.
    // What is wanted, and what lies above, is in shared memory: registers are few.
    __device__ Key reached_between(ChooseShared& shared, Key high) const {
        constexpr int EACH = SAMPLER_BINS / CHOOSE_THREADS;
        Key low = least;
        while (true) {
            const int shift = max(0, 64 - 10 - __clzll(static_cast<long long>(high - low)));
            __syncthreads();
            for (int i = threadIdx.x; i < SAMPLER_BINS; i += CHOOSE_THREADS) {
                shared.bin_mass[i] = 0;
                shared.bin_count[i] = 0;
            }
            if (threadIdx.x == 0) {
                shared.listed = 0;
            }
            __syncthreads();
            const WholeRow part = {row, vocabulary, weights, low};
            part.each(high, [&](Key key, float logit) {
                const int bin = static_cast<int>((high - key) >> shift);
                atomicAdd(&shared.bin_count[bin], 1u);
                const Mass mass = weights.mass(logit);
                if (mass > 0) {
                    atomicAdd(&shared.bin_mass[bin], mass);
                }
                const unsigned place = atomicAdd(&shared.listed, 1u);
                if (place < SAMPLER_LISTED) {
                    shared.list[place] = key;
                }
            });
            __syncthreads();
            if (shared.listed <= SAMPLER_LISTED) {
                return shared.listed == 0
                           ? low
                           : reached_in_list(shared, shared.listed, weights, shared.wanted, shared.found.above_mass,
                                             shared.found.above_count);
            }
            Mass mass[EACH];
            unsigned count[EACH];
#pragma unroll
            for (int i = 0; i < EACH; i++) {
                mass[i] = shared.bin_mass[threadIdx.x * EACH + i];
                count[i] = shared.bin_count[threadIdx.x * EACH + i];
            }
            find_bin<EACH>(mass, count, shared.wanted, shared.found.above_mass, shared.found.above_count,
                           shared.reduce.masses, shared.found);
            if (shared.found.bin < 0) {
                return low;  // there are fewer
            }
            const Key bin = static_cast<Key>(shared.found.bin);
            high -= bin << shift;
            const Key width = (1ull << shift) - 1;
            low = high - low > width ? high - width : low;
        }
    }
};

}  // namespace lorikeet::sampler

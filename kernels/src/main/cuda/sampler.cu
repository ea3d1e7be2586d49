#include "sampler.cuh"

#include <cfloat>
#include <cmath>

#include "device.cuh"

namespace lorikeet::sampler {

using Key = unsigned long long;
using Mass = unsigned long long;

constexpr int SCAN_THREADS = 256;
constexpr int SCAN_EACH = SAMPLER_CHUNK / SCAN_THREADS;
constexpr int THREADS = 1024;
constexpr int WARPS = THREADS / WARP;
constexpr int BINS = 2048;
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

// A row's settings, which lie in host memory, on their way into shared memory: a few threads have a word each. Between
// the two calls there is time to load something else.
struct SettingsOnTheWay {
    using Word = unsigned long long;
    static constexpr int WORDS = sizeof(SamplingRow) / sizeof(Word);

    Word word = 0;

    __device__ __forceinline__ explicit SettingsOnTheWay(const SamplingRow& from) {
        if (threadIdx.x < WORDS) {
            word = __ldcv(reinterpret_cast<const Word*>(&from) + threadIdx.x);
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
        const unsigned times = seen == nullptr ? 0 : seen[token];
        return times == 0 ? logit : penalise(logit, times, settings);
    }

    __device__ __forceinline__ float operator[](int token) const { return penalised(token, logits[token]); }

    // Calls visit(token, logit with penalties) for first, first + STRIDE, ... below end. Some logits are loaded before
    // the first is looked at: a multiprocessor reads a whole row by itself, and would wait for each otherwise.
    template <int STRIDE, typename Visit>
    __device__ __forceinline__ void each(int first, int end, Visit visit) const {
        constexpr int AT_ONCE = 4;
        int token = first;
#pragma unroll 1
        for (; token + (AT_ONCE - 1) * STRIDE < end; token += AT_ONCE * STRIDE) {
            float logit[AT_ONCE];
            unsigned times[AT_ONCE];
#pragma unroll
            for (int i = 0; i < AT_ONCE; i++) {
                logit[i] = logits[token + i * STRIDE];
                times[i] = seen == nullptr ? 0 : seen[token + i * STRIDE];
            }
#pragma unroll
            for (int i = 0; i < AT_ONCE; i++) {
                visit(token + i * STRIDE, times[i] == 0 ? logit[i] : penalise(logit[i], times[i], settings));
            }
        }
#pragma unroll 1
        for (; token < end; token += STRIDE) {
            visit(token, (*this)[token]);
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

struct Add {
    template <typename T>
    __device__ __forceinline__ T operator()(T a, T b) const {
        return a + b;
    }
};

// What sampler_choose keeps in shared memory.
struct Shared {
    union {
        Key keys[WARPS];
        Mass masses[WARPS];
        float floats[WARPS];
    } reduce;
    Mass mass[BINS];
    unsigned count[BINS];
    Key list[THREADS];
    Key sorted[THREADS];
    Mass prefix[WARPS];
    Mass above_mass;
    Key boundary;
    double log_sum;
    unsigned above_count;
    unsigned listed;
    int bin;
    int warp;
    int token;
};

// How much each token weighs.
struct Weights {
    float max;
    float inverse;  // of the temperature; finite

    // Units of temperature from the most likely token: 0 or more, never less for a smaller logit.
    __device__ __forceinline__ float distance(float logit) const { return (max - logit) * inverse; }

    // The mass at a distance: 2^44 exp(-distance).
    __device__ __forceinline__ static Mass mass_at(float distance) {
        return __float2ull_rn(power_of_two(fmaf(-LOG2_E, distance, MASS_BITS)));
    }

    __device__ __forceinline__ Mass mass(float logit) const { return mass_at(distance(logit)); }
};

// Where the keys that are kept end: a number of tokens, or a mass, and which of the two is meant.
struct Wanted {
    bool by_mass;
    Mass mass;
    unsigned count;

    __device__ __forceinline__ bool reached(Mass m, unsigned n) const { return by_mass ? m >= mass : n >= count; }
};

// Finds the first bin, from the largest keys on, with which `wanted` is reached; shared.bin is -1 if none is.
// shared.above_* are moved from what lies above all bins to what lies above the bin. Bins start with the largest keys.
__device__ void find_bin(Shared& shared, const Wanted& wanted) {
    __syncthreads();
    // A warp adds up bins, lane by lane; the first 64 of 2048 are lane 0's.
    if (threadIdx.x < WARP) {
        constexpr int EACH = BINS / WARP;
        const int lane = threadIdx.x;
        Mass mass = 0;
        unsigned count = 0;
        for (int i = 0; i < EACH; i++) {
            mass += shared.mass[lane * EACH + i];
            count += shared.count[lane * EACH + i];
        }
        Mass mass_to = mass;
        unsigned count_to = count;
#pragma unroll
        for (int offset = 1; offset < WARP; offset *= 2) {
            const Mass other_mass = __shfl_up_sync(ALL_LANES, mass_to, offset);
            const unsigned other_count = __shfl_up_sync(ALL_LANES, count_to, offset);
            if (lane >= offset) {
                mass_to += other_mass;
                count_to += other_count;
            }
        }
        mass_to += shared.above_mass;
        count_to += shared.above_count;
        __syncwarp();  // one lane writes these below
        const unsigned reached = __ballot_sync(ALL_LANES, wanted.reached(mass_to, count_to));
        if (reached == 0) {
            if (lane == WARP - 1) {
                shared.bin = -1;
                shared.above_mass = mass_to;
                shared.above_count = count_to;
            }
        } else if (lane == __ffs(static_cast<int>(reached)) - 1) {
            mass_to -= mass;
            count_to -= count;
            int bin = lane * EACH;
            while (!wanted.reached(mass_to + shared.mass[bin], count_to + shared.count[bin])) {
                mass_to += shared.mass[bin];
                count_to += shared.count[bin];
                bin++;
            }
            shared.bin = bin;
            shared.above_mass = mass_to;
            shared.above_count = count_to;
        }
    }
    __syncthreads();
}

__device__ __forceinline__ void clear_bins(Shared& shared) {
    __syncthreads();
    for (int i = threadIdx.x; i < BINS; i += THREADS) {
        shared.mass[i] = 0;
        shared.count[i] = 0;
    }
    __syncthreads();
}

__device__ __forceinline__ void put(Shared& shared, int bin, Mass mass) {
    atomicAdd(&shared.count[bin], 1u);
    if (mass > 0) {
        atomicAdd(&shared.mass[bin], mass);
    }
}

// The key with which `wanted` is reached, among at most THREADS keys of the list, from the largest on.
__device__ Key reached_in_list(Shared& shared, const Weights& weights, const Wanted& wanted) {
    __syncthreads();
    const unsigned listed = shared.listed;
    if (threadIdx.x < listed) {
        const Key key = shared.list[threadIdx.x];
        int rank = 0;
        for (unsigned i = 0; i < listed; i++) {
            rank += shared.list[i] > key ? 1 : 0;
        }
        shared.sorted[rank] = key;
    }
    __syncthreads();
    if (threadIdx.x == 0) {
        Mass mass = shared.above_mass;
        unsigned count = shared.above_count;
        unsigned i = 0;
        for (; i < listed - 1; i++) {
            mass += weights.mass(logit_of(shared.sorted[i]));
            count++;
            if (wanted.reached(mass, count)) {
                break;
            }
        }
        shared.boundary = shared.sorted[i];
    }
    __syncthreads();
    return shared.boundary;
}

// The key with which `wanted` is reached among the keys in [low, high], from the largest on. It is known that it is.
__device__ Key reached_between(const Row& row, int vocabulary, Key low, Key high, Shared& shared,
                               const Weights& weights, const Wanted& wanted) {
    while (true) {
        // Few enough to be sorted?
        __syncthreads();
        if (threadIdx.x == 0) {
            shared.listed = 0;
        }
        __syncthreads();
        row.each<THREADS>(threadIdx.x, vocabulary, [&](int token, float logit) {
            const Key key = key_of(logit, token);
            if (key >= low && key <= high) {
                const unsigned place = atomicAdd(&shared.listed, 1u);
                if (place < THREADS) {
                    shared.list[place] = key;
                }
            }
        });
        __syncthreads();
        if (shared.listed <= THREADS) {
            return reached_in_list(shared, weights, wanted);
        }
        int shift = 0;
        while ((high - low) >> shift >= BINS) {
            shift++;
        }
        clear_bins(shared);
        row.each<THREADS>(threadIdx.x, vocabulary, [&](int token, float logit) {
            const Key key = key_of(logit, token);
            if (key >= low && key <= high) {
                put(shared, static_cast<int>((high - key) >> shift), weights.mass(logit));
            }
        });
        find_bin(shared, wanted);
        const Key bin = shared.bin < 0 ? (high - low) >> shift : shared.bin;
        const Key bin_low = high - (bin << shift) >= low + ((1ull << shift) - 1)
                                ? high - (bin << shift) - ((1ull << shift) - 1)
                                : low;
        high = high - (bin << shift);
        low = bin_low;
    }
}

// The smallest key that is kept: of the keys from `least` on, the largest until there are `settings.top_k` of them, or, by
// mass, until they have `settings.top_p` of the mass of all. `least` itself if that isn't so before masses are 0.
__device__ Key boundary(const Row& row, int vocabulary, Key least, bool by_mass, Shared& shared,
                        const Weights& weights) {
    __syncthreads();
    if (threadIdx.x == 0) {
        shared.above_mass = 0;
        shared.above_count = 0;
    }
    Wanted wanted = {by_mass, 0, static_cast<unsigned>(row.settings.top_k)};
    // Few tokens are near the most likely one, and the boundary mostly is among them.
    for (float from = 0, to = 8; from < LAST; from = to, to *= 2) {
        clear_bins(shared);
        const float bins_each = BINS / (to - from);
        Mass total = 0;
        row.each<THREADS>(threadIdx.x, vocabulary, [&](int token, float logit) {
            const float distance = weights.distance(logit);
            if (distance < LAST && key_of(logit, token) >= least) {
                const Mass mass = Weights::mass_at(distance);
                total += mass;
                if (distance >= from && distance < to) {
                    put(shared, min(BINS - 1, static_cast<int>((distance - from) * bins_each)), mass);
                }
            }
        });
        if (by_mass && from == 0) {
            total = block_reduce(total, shared.reduce.masses, Add());
            const double mass = ceil(row.settings.top_p * static_cast<double>(total));
            wanted.mass = max(static_cast<Mass>(1), static_cast<Mass>(mass));
        }
        find_bin(shared, wanted);
        const int bin = shared.bin;
        if (bin < 0) {
            continue;
        }
        // The keys of that bin are neighbours. They are listed, if there is room.
        const bool listed = shared.count[bin] <= THREADS;
        Key low = ~0ull;
        Key high = 0;
        if (threadIdx.x == 0) {
            shared.listed = 0;
        }
        __syncthreads();
        row.each<THREADS>(threadIdx.x, vocabulary, [&](int token, float logit) {
            const float distance = weights.distance(logit);
            const Key key = key_of(logit, token);
            if (distance >= from && distance < to && key >= least &&
                min(BINS - 1, static_cast<int>((distance - from) * bins_each)) == bin) {
                low = min(low, key);
                high = max(high, key);
                if (listed) {
                    shared.list[atomicAdd(&shared.listed, 1u)] = key;
                }
            }
        });
        if (listed) {
            return reached_in_list(shared, weights, wanted);
        }
        high = block_reduce(high, shared.reduce.keys, Larger());
        low = ~block_reduce(~low, shared.reduce.keys, Larger());
        return reached_between(row, vocabulary, low, high, shared, weights, wanted);
    }
    return least;
}

// Draws among the keys from `least` on.
__device__ int draw(const Row& row, int vocabulary, Key least, Shared& shared, const Weights& weights) {
    const int warp = threadIdx.x / WARP;
    const int lane = threadIdx.x % WARP;
    const auto mass_of = [&](int token, float logit) -> Mass {
        return key_of(logit, token) >= least ? weights.mass(logit) : 0;
    };

    // First the warp's run of tokens, then the thread's, then the token.
    const int run = (vocabulary + WARPS - 1) / WARPS;
    Mass mass = 0;
    row.each<WARP>(warp * run + lane, min(vocabulary, (warp + 1) * run),
                   [&](int token, float logit) { mass += mass_of(token, logit); });
    mass = warp_reduce(mass, Add());
    __syncthreads();
    if (lane == 0) {
        shared.prefix[warp] = mass;
    }
    __syncthreads();
    if (threadIdx.x == 0) {
        Mass total = 0;
        for (int i = 0; i < WARPS; i++) {
            total += shared.prefix[i];
        }
        const Mass target = __umul64hi(uniform(row.settings.seed, row.settings.draw), total);
        Mass before = 0;
        int found = 0;
        while (before + shared.prefix[found] <= target) {
            before += shared.prefix[found++];
        }
        shared.warp = found;
        shared.above_mass = target - before;
    }
    __syncthreads();
    const int first = shared.warp * run;
    const int end = min(vocabulary, first + run);
    const Mass target = shared.above_mass;
    const int each = (run + THREADS - 1) / THREADS;
    const int own = first + static_cast<int>(threadIdx.x) * each;
    mass = 0;
    row.each<1>(own, min(end, own + each), [&](int token, float logit) { mass += mass_of(token, logit); });
    Mass to = mass;
#pragma unroll
    for (int offset = 1; offset < WARP; offset *= 2) {
        const Mass other = __shfl_up_sync(ALL_LANES, to, offset);
        to += lane >= offset ? other : 0;
    }
    __syncthreads();
    if (lane == WARP - 1) {
        shared.prefix[warp] = to;
    }
    __syncthreads();
    for (int i = 0; i < warp; i++) {
        to += shared.prefix[i];
    }
    if (to > target && to - mass <= target) {  // one thread only
        Mass before = to - mass;
        int token = own;
        while (before + mass_of(token, row[token]) <= target) {
            before += mass_of(token, row[token]);
            token++;
        }
        shared.token = token;
    }
    __syncthreads();
    return shared.token;
}

__device__ int choose(const Row& row, int vocabulary, Key best, Shared& shared) {
    const SamplingRow& settings = row.settings;
    if (settings.temperature == 0) {
        return token_of(best);
    }
    const Weights weights = {logit_of(best), fminf(1 / settings.temperature, FLT_MAX)};
    Key least = 0;
    if (settings.min_p > 0) {
        const double logit = weights.max + settings.temperature * log(static_cast<double>(settings.min_p));
        least = key_of(static_cast<float>(logit), -1);  // the smallest of the keys with that logit
    }
#pragma unroll 1
    for (const bool by_mass : {false, true}) {  // a loop, so that there is one copy of the code
        if (by_mass ? settings.top_p < 1 : settings.top_k > 0 && settings.top_k < vocabulary) {
            least = boundary(row, vocabulary, least, by_mass, shared, weights);
        }
    }
    return draw(row, vocabulary, least, shared, weights);
}

// The most likely tokens of all chunks, without penalties.
__device__ void report(const ChunkSummary* summaries, int chunks, int count, Shared& shared, Alternatives& to) {
    const int candidates = chunks * count;
    __syncthreads();
    if (static_cast<int>(threadIdx.x) < candidates) {
        shared.list[threadIdx.x] = summaries[threadIdx.x / count].top[threadIdx.x % count];
    }
    __syncthreads();
    if (static_cast<int>(threadIdx.x) < candidates && shared.list[threadIdx.x] > 0) {
        const Key key = shared.list[threadIdx.x];
        int rank = 0;
        for (int i = 0; i < candidates; i++) {
            rank += shared.list[i] > key ? 1 : 0;
        }
        if (rank < count) {
            to.ids[rank] = token_of(key);
            to.log_probs[rank] = static_cast<float>(logit_of(key) - shared.log_sum);
        }
    }
}

}  // namespace lorikeet::sampler

extern "C" __global__ void __launch_bounds__(256)
    sampler_scan(const float* logits, const lorikeet::SamplingRow* settings, const int* rows,
                 lorikeet::ChunkSummary* summaries, int vocabulary) {
    using namespace lorikeet;
    using namespace lorikeet::sampler;
    __shared__ union {
        Key keys[SCAN_THREADS / WARP];
        float floats[SCAN_THREADS / WARP];
        int ints[SCAN_THREADS / WARP];
    } scratch;
    __shared__ SamplingRow own;
    wait_for_previous();
    release_next();
    if (rows != nullptr && static_cast<int>(blockIdx.y) >= *rows) {
        return;
    }
    const SettingsOnTheWay on_the_way(settings[blockIdx.y]);
    const float* row_logits = logits + static_cast<size_t>(blockIdx.y) * vocabulary;
    const int first = static_cast<int>(blockIdx.x) * SAMPLER_CHUNK;
    float value[SCAN_EACH];
    float max = -INFINITY;
    int invalid = 0;
    Key best = 0;
#pragma unroll
    for (int i = 0; i < SCAN_EACH; i++) {
        const int token = first + i * SCAN_THREADS + static_cast<int>(threadIdx.x);
        value[i] = token < vocabulary ? row_logits[token] : -INFINITY;
    }
    on_the_way.arrive(own);
    const Row row = {row_logits, own.seen, own};
#pragma unroll
    for (int i = 0; i < SCAN_EACH; i++) {
        const int token = first + i * SCAN_THREADS + static_cast<int>(threadIdx.x);
        if (token < vocabulary) {
            const float penalised = row.penalised(token, value[i]);
            invalid |= !(value[i] < INFINITY) || !(penalised < INFINITY) ? 1 : 0;
            max = fmaxf(max, value[i]);
            const Key key = key_of(penalised, token);
            best = key > best ? key : best;
        }
    }
    const bool log_probs = row.settings.log_probs >= 0 || row.settings.token >= 0;
    best = block_reduce(best, scratch.keys, Larger());
    invalid = __syncthreads_or(invalid);
    max = block_reduce(max, scratch.floats, Larger());
    ChunkSummary& summary = summaries[static_cast<size_t>(blockIdx.y) * gridDim.x + blockIdx.x];
    float sum = 0;
    if (log_probs && max > -INFINITY) {
#pragma unroll
        for (int i = 0; i < SCAN_EACH; i++) {
            sum += expf(value[i] - max);
        }
        sum = block_reduce(sum, scratch.floats, Add());
    }
    if (threadIdx.x == 0) {
        summary.best = best;
        summary.max = max;
        summary.sum = sum;
        summary.invalid = invalid;
    }
    // The largest key below the last one found, again and again.
    Key below = ~0ull;
    for (int k = 0; k < min(row.settings.log_probs, MAX_ALTERNATIVES); k++) {
        Key largest = 0;
#pragma unroll
        for (int i = 0; i < SCAN_EACH; i++) {
            const int token = first + i * SCAN_THREADS + static_cast<int>(threadIdx.x);
            const Key key = token < vocabulary ? key_of(value[i], token) : 0;
            largest = key < below && key > largest ? key : largest;
        }
        below = block_reduce(largest, scratch.keys, Larger());
        if (threadIdx.x == 0) {
            summary.top[k] = below;
        }
    }
}

extern "C" __global__ void __launch_bounds__(1024)
    sampler_choose(const float* logits, const lorikeet::SamplingRow* settings, const int* rows,
                   const lorikeet::ChunkSummary* summaries, int chunks, int vocabulary, lorikeet::SampledRow* sampled,
                   lorikeet::Alternatives* alternatives, int* next_ids) {
    using namespace lorikeet;
    using namespace lorikeet::sampler;
    __shared__ Shared shared;
    __shared__ SamplingRow own;
    wait_for_previous();
    release_next();
    const int index = blockIdx.x;
    if (rows != nullptr && index >= *rows) {
        return;
    }
    const SettingsOnTheWay on_the_way(settings[index]);
    summaries += static_cast<size_t>(index) * chunks;
    Key best = 0;
    float max = -INFINITY;
    bool valid = true;
    for (int chunk = 0; chunk < chunks; chunk++) {  // the same for all threads
        best = ::max(best, summaries[chunk].best);
        max = fmaxf(max, summaries[chunk].max);
        valid = valid && summaries[chunk].invalid == 0;
    }
    valid = valid && max > -INFINITY && logit_of(best) > -INFINITY;
    if (!valid) {
        if (threadIdx.x == 0) {
            sampled[index] = {-1, 0, NAN, 0};
            next_ids[index] = 0;
        }
        return;
    }
    on_the_way.arrive(own);
    const Row row = {logits + static_cast<size_t>(index) * vocabulary, own.seen, own};
    const bool scored = row.settings.token >= 0;
    const bool log_probs = row.settings.log_probs >= 0 || scored;
    const int token = scored ? row.settings.token : choose(row, vocabulary, best, shared);
    if (log_probs && threadIdx.x == 0) {
        double sum = 0;
        for (int chunk = 0; chunk < chunks; chunk++) {
            if (summaries[chunk].sum > 0) {
                sum += summaries[chunk].sum * exp(static_cast<double>(summaries[chunk].max) - max);
            }
        }
        shared.log_sum = max + log(sum);
    }
    const int count = min(min(row.settings.log_probs, MAX_ALTERNATIVES), vocabulary);
    if (count > 0) {
        report(summaries, chunks, count, shared, alternatives[index]);
    }
    if (threadIdx.x == 0) {
        const float log_prob = log_probs ? static_cast<float>(row.logits[token] - shared.log_sum) : NAN;
        sampled[index] = {token, 1, log_prob, ::max(count, 0)};
        next_ids[index] = token;
        if (row.settings.seen != nullptr && row.settings.count != 0) {
            unsigned& seen = row.settings.seen[token];
            seen = seen == 0 ? 2 : seen + 1;
        }
    }
}

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

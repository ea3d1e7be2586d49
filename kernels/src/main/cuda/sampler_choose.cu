// Chooses, or scores, the token of a row, when its chunks have been summed up, weighed and narrowed: see sampler.cuh.
#include "sampler_boundary.cuh"

namespace lorikeet::sampler {

// The smallest key that is kept, of a row whose boundary is among the keys that are listed.
__device__ Key listed_boundary(const RowDraw& draw, const SamplingRow& settings, const Weights& weights,
                               ChooseShared& shared) {
    const unsigned listed = __ldcg(&draw.listed);
    if (threadIdx.x < listed) {
        shared.list[threadIdx.x] = __ldcg(draw.list + threadIdx.x);
    }
    Wanted wanted = {__ldcg(&draw.by_mass) != 0, __ldcg(&draw.wanted_mass), static_cast<unsigned>(settings.top_k)};
    if (__ldcg(&draw.narrowed) == NARROWED_LISTED) {
        return reached_in_list(shared, listed, weights, wanted, __ldcg(&draw.above_mass), __ldcg(&draw.above_count));
    }
    // NARROWED_WHOLE: the first top_k, and of these the first that have top_p of their mass.
    const Key own = sort_list(shared, listed);
    __syncthreads();
    shared.list[threadIdx.x] = own;
    const unsigned kept = min(listed, static_cast<unsigned>(settings.top_k));
    const Mass mass = threadIdx.x < kept ? weights.mass(logit_of(own)) : 0;
    wanted.by_mass = true;
    wanted.mass = Wanted::part_of(block_reduce(mass, shared.reduce.masses, Add()), settings.top_p);
    return reached_in_list(shared, kept, weights, wanted, 0, 0);
}

// Which part of so many, one a thread of the first warp, the target falls into: shared.part, and what is left of the target.
__device__ __forceinline__ void find_part(Mass mass, Mass target, int number, ChooseShared& shared, Mass& left) {
    const int lane = threadIdx.x % WARP;
    Mass to = mass;
#pragma unroll
    for (int offset = 1; offset < WARP; offset *= 2) {
        const Mass other = __shfl_up_sync(ALL_LANES, to, offset);
        to += lane >= offset ? other : 0;
    }
    if (to > target && to - mass <= target) {  // one lane only
        shared.part = number;
        left = target - (to - mass);
    }
}

// Draws among the keys of a chunk from `least` on: the first token with which its masses are more than shared.target. Not
// inlined, as the rest would lose registers to it.
__device__ __noinline__ int draw_in_chunk(const Row& row, int vocabulary, int chunk, Key least, const Weights& weights,
                             ChooseShared& shared) {
    constexpr int EACH = SAMPLER_CHUNK / CHOOSE_THREADS;
    const int warp = threadIdx.x / WARP;
    const int lane = threadIdx.x % WARP;
    const int first = chunk * SAMPLER_CHUNK + warp * EACH * WARP + lane;
    float logit[EACH];
#pragma unroll
    for (int i = 0; i < EACH; i++) {
        logit[i] = first + i * WARP < vocabulary ? __ldcg(row.logits + first + i * WARP) : -INFINITY;
    }
    Mass mass[EACH];
    Mass sum = 0;
#pragma unroll
    for (int i = 0; i < EACH; i++) {
        const int token = first + i * WARP;
        mass[i] = 0;
        if (token < vocabulary) {
            const float penalised = row.penalised(token, logit[i]);
            mass[i] = key_of(penalised, token) >= least ? weights.mass(penalised) : 0;
        }
        sum += mass[i];
    }
    sum = warp_reduce(sum, Add());
    __syncthreads();
    if (lane == 0) {
        shared.reduce.masses[warp] = sum;
    }
    __syncthreads();
    if (warp == 0) {
        find_part(shared.reduce.masses[lane], shared.target, lane, shared, shared.target_in_warp);
    }
    __syncthreads();
    if (warp == shared.part) {
        Mass target = shared.target_in_warp;
#pragma unroll
        for (int i = 0; i < EACH; i++) {
            Mass to = mass[i];
#pragma unroll
            for (int offset = 1; offset < WARP; offset *= 2) {
                const Mass other = __shfl_up_sync(ALL_LANES, to, offset);
                to += lane >= offset ? other : 0;
            }
            if (to > target && to - mass[i] <= target) {  // of all, one lane only
                shared.token = first + i * WARP;
            }
            const Mass all = __shfl_sync(ALL_LANES, to, WARP - 1);
            target = target >= all ? target - all : ~0ull;  // found: no more
        }
    }
    __syncthreads();
    return shared.token;
}

// The masses of the chunks' keys from `least` on, by looking at the whole row; shared.chunk_mass has them. Not inlined,
// either.
__device__ __noinline__ void weigh_chunks(const WholeRow& whole, Key best, ChooseShared& shared) {
    whole.each(best, [&](Key key, float logit) {
        const Mass mass = whole.weights.mass(logit);
        if (mass > 0) {
            atomicAdd(&shared.chunk_mass[token_of(key) / SAMPLER_CHUNK], mass);
        }
    });
}

__device__ int draw_token(const Row& row, const RowDraw& draw, int chunks, int vocabulary, Key best,
                          ChooseShared& shared) {
    const SamplingRow& settings = row.settings;
    const Weights weights(best, settings);
    Key least = weights.least(settings);
    const int narrowed = is_narrowed(settings, vocabulary) ? __ldcg(&draw.narrowed) : NARROWED_NOT;
    const bool whole = narrowed == NARROWED_FAILED;
    if (threadIdx.x < SAMPLER_CHUNKS) {
        const Mass* masses = narrowed == NARROWED_NOT ? draw.chunk_mass : draw.above;
        const bool counts = static_cast<int>(threadIdx.x) < chunks && !whole && narrowed != NARROWED_WHOLE;
        shared.chunk_mass[threadIdx.x] = counts ? __ldcg(masses + threadIdx.x) : 0;
    }
    if (whole) {
#pragma unroll 1
        for (const bool by_mass : {false, true}) {  // a loop, so that there is one copy of the code
            if (by_mass ? settings.top_p < 1 : has_top_k(settings, vocabulary)) {
                least = WholeRow{row, vocabulary, weights, least}.reached(shared, best, by_mass);
            }
        }
        __syncthreads();
        weigh_chunks({row, vocabulary, weights, least}, best, shared);
    } else if (narrowed != NARROWED_NOT) {
        least = listed_boundary(draw, settings, weights, shared);
        const Key own = threadIdx.x < __ldcg(&draw.listed) ? __ldcg(draw.list + threadIdx.x) : 0;
        if (own >= least && own > 0) {
            atomicAdd(&shared.chunk_mass[token_of(own) / SAMPLER_CHUNK], weights.mass(logit_of(own)));
        }
    }
    __syncthreads();
    if (threadIdx.x < WARP) {
        const Mass own = shared.chunk_mass[threadIdx.x];
        const Mass total = warp_reduce(own, Add());
        find_part(own, __umul64hi(uniform(settings.seed, settings.draw), total), threadIdx.x, shared, shared.target);
    }
    __syncthreads();
    const int chunk = shared.part;
    return draw_in_chunk(row, vocabulary, chunk, least, weights, shared);
}

// The logarithm of the sum of all exponentials, by one thread. Not inlined, as it would take registers of the rest.
__device__ double log_sum(const ChunkSummary* summaries, int chunks, float max) {
    double sum = 0;
    for (int chunk = 0; chunk < chunks; chunk++) {
        const float part = __ldcg(&summaries[chunk].sum);
        if (part > 0) {
            sum += part * exp(static_cast<double>(__ldcg(&summaries[chunk].max)) - max);
        }
    }
    return max + log(sum);
}

// The most likely tokens of all chunks, without penalties.
__device__ void report(const ChunkSummary* summaries, int chunks, int count, ChooseShared& shared, Alternatives& to) {
    const int candidates = chunks * count;
    __syncthreads();
    if (static_cast<int>(threadIdx.x) < candidates) {
        shared.list[threadIdx.x] = __ldcg(&summaries[threadIdx.x / count].top[threadIdx.x % count]);
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

extern "C" __global__ void __launch_bounds__(1024)
    sampler_choose(const float* logits, const int* rows, const lorikeet::SamplingRow* settings,
                   const lorikeet::ChunkSummary* summaries, const lorikeet::RowDraw* draws, int chunks, int vocabulary,
                   lorikeet::SampledRow* sampled, lorikeet::Alternatives* alternatives, int* next_ids) {
    using namespace lorikeet;
    using namespace lorikeet::sampler;
    __shared__ ChooseShared shared;
    wait_for_previous();
    release_next();
    const int index = blockIdx.x;
    if (rows != nullptr && index >= *rows) {
        return;
    }
    const SettingsOnTheWay on_the_way(settings[index]);
    summaries += static_cast<size_t>(index) * chunks;
    const RowSummary summary(summaries, chunks);
    if (!summary.valid) {
        if (threadIdx.x == 0) {
            sampled[index] = {-1, 0, NAN, 0};
            next_ids[index] = 0;
        }
        return;
    }
    on_the_way.arrive(shared.settings);
    const SamplingRow& own = shared.settings;
    const Row row = {logits + static_cast<size_t>(index) * vocabulary, own.seen, own};
    const bool scored = own.token >= 0;
    const bool log_probs = own.log_probs >= 0 || scored;
    int token = scored ? own.token : token_of(summary.best);
    if (is_drawn(own)) {
        token = draw_token(row, draws[index], chunks, vocabulary, summary.best, shared);
    }
    if (log_probs && threadIdx.x == 0) {
        shared.log_sum = log_sum(summaries, chunks, summary.max);
    }
    const int count = min(min(own.log_probs, MAX_ALTERNATIVES), vocabulary);
    if (count > 0) {
        report(summaries, chunks, count, shared, alternatives[index]);
    }
    if (threadIdx.x == 0) {
        const float log_prob = log_probs ? static_cast<float>(__ldcg(row.logits + token) - shared.log_sum) : NAN;
        sampled[index] = {token, 1, log_prob, max(count, 0)};
        next_ids[index] = token;
        if (own.seen != nullptr && own.count != 0) {
            unsigned& seen = own.seen[token];
            seen = seen == 0 ? 2 : seen + 1;
        }
    }
}

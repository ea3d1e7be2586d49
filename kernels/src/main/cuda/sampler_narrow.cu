// Weighs the tokens of rows that are drawn, and finds where the tokens to draw from end: see sampler.cuh.
#include "sampler_draw.cuh"

namespace lorikeet::sampler {

// What both kernels know of a row before they look at its tokens.
struct ChunkTask {
    RowSummary summary;
    Weights weights;
    Bins bins;
    Key least;

    __device__ __forceinline__ ChunkTask(const ChunkSummary* summaries, const SamplingRow& settings, int vocabulary)
        : summary(summaries, static_cast<int>(gridDim.x)),
          weights(summary.best, settings),
          bins(weights, summary.min, settings, vocabulary),
          least(weights.least(settings)) {}

    // Calls visit(key, distance) for the tokens that are nearer than so.
    template <typename Visit>
    __device__ __forceinline__ void each(const ChunkTokens& tokens, float limit, Visit visit) const {
        tokens.each([&](int token, float logit) {
            const float distance = weights.distance(logit);
            if (distance < limit) {
                const Key key = key_of(logit, token);
                if (key >= least) {
                    visit(key, distance);
                }
            }
        });
    }
};

struct NarrowShared {
    float logits[SAMPLER_CHUNK];
    SamplingRow settings;
    Mass scratch[CHUNK_THREADS / WARP];
    Key list[SAMPLER_LISTED];
    FoundBin found;
    unsigned listed;
    unsigned place;
};

// The bin where the tokens to draw from end, and what is to be listed. The same for all of a row's blocks.
__device__ __forceinline__ int narrow(const RowDraw& draw, const SamplingRow& settings, int vocabulary,
                                      NarrowShared& shared, Wanted& wanted) {
    constexpr int EACH = 4;
    static_assert(EACH == SAMPLER_BINS / CHUNK_THREADS, "loads are of four bins");
    const bool top_k = has_top_k(settings, vocabulary);
    const uint4 counts = __ldcg(reinterpret_cast<const uint4*>(draw.bin_count) + threadIdx.x);
    const unsigned count[EACH] = {counts.x, counts.y, counts.z, counts.w};
    Mass mass[EACH] = {0, 0, 0, 0};
    if (!top_k) {
#pragma unroll
        for (int i = 0; i < EACH; i += 2) {
            const ulonglong2 two =
                __ldcg(reinterpret_cast<const ulonglong2*>(draw.bin_mass) + (threadIdx.x * EACH + i) / 2);
            mass[i] = two.x;
            mass[i + 1] = two.y;
        }
    }
    const int lane = threadIdx.x % WARP;
    const Mass total = warp_reduce(lane < static_cast<int>(gridDim.x) ? __ldcg(draw.chunk_mass + lane) : 0, Add());
    wanted = {!top_k, Wanted::part_of(total, settings.top_p), static_cast<unsigned>(settings.top_k)};
    find_bin<EACH>(mass, count, wanted, 0, 0, shared.scratch, shared.found);
    const FoundBin& found = shared.found;
    if (found.bin < 0) {  // fewer than top_k weigh something
        return settings.top_p < 1 ? NARROWED_FAILED : NARROWED_NOT;
    }
    if (top_k && settings.top_p < 1) {
        return found.above_count + found.count <= SAMPLER_LISTED ? NARROWED_WHOLE : NARROWED_FAILED;
    }
    return found.count <= SAMPLER_LISTED ? NARROWED_LISTED : NARROWED_FAILED;
}

}  // namespace lorikeet::sampler

extern "C" __global__ void __launch_bounds__(256, 4)
    sampler_weigh(const float* logits, const int* rows, const lorikeet::SamplingRow* settings,
                  const lorikeet::ChunkSummary* summaries, lorikeet::RowDraw* draws, int vocabulary) {
    using namespace lorikeet;
    using namespace lorikeet::sampler;
    __shared__ float chunk[SAMPLER_CHUNK];
    __shared__ SamplingRow own;
    __shared__ Mass scratch[CHUNK_THREADS / WARP];
    __shared__ Mass mass[SAMPLER_BINS];
    __shared__ unsigned count[SAMPLER_BINS];
    release_next();
    const int index = blockIdx.y;
    if (rows != nullptr && index >= *rows) {
        wait_for_previous();
        return;
    }
    const float* row_logits = logits + static_cast<size_t>(index) * vocabulary;
    const ChunkTokens tokens(chunk, row_logits, vocabulary);
    for (int bin = threadIdx.x; bin < SAMPLER_BINS; bin += CHUNK_THREADS) {
        mass[bin] = 0;
        count[bin] = 0;
    }
    wait_for_previous();
    SettingsOnTheWay(settings[index]).arrive(own);
    const ChunkTask task(summaries + static_cast<size_t>(index) * gridDim.x, own, vocabulary);
    if (!task.summary.valid || !is_drawn(own)) {
        return;
    }
    tokens.penalise({row_logits, own.seen, own});
    const bool narrowed = is_narrowed(own, vocabulary);
    const bool by_mass = !has_top_k(own, vocabulary);
    Mass total = 0;
    task.each(tokens, LAST, [&](Key, float distance) {
        const Mass weight = Weights::mass_at(distance);
        total += weight;
        if (narrowed && distance < task.bins.limit) {
            const int bin = task.bins.of(distance);
            atomicAdd(count + bin, 1u);
            if (by_mass && weight > 0) {
                atomicAdd(mass + bin, weight);
            }
        }
    });
    total = block_reduce(total, scratch, Add());
    RowDraw& draw = draws[index];
    if (threadIdx.x == 0) {
        draw.chunk_mass[blockIdx.x] = total;
        if (blockIdx.x == 0) {
            draw.listed = 0;
            draw.narrowed = NARROWED_NOT;
        }
    }
    if (narrowed) {
        for (int bin = threadIdx.x; bin < SAMPLER_BINS; bin += CHUNK_THREADS) {
            if (count[bin] > 0) {
                atomicAdd(draw.bin_count + bin, count[bin]);
                if (mass[bin] > 0) {
                    atomicAdd(draw.bin_mass + bin, mass[bin]);
                }
            }
        }
    }
}

extern "C" __global__ void __launch_bounds__(256, 4)
    sampler_narrow(const float* logits, const int* rows, const lorikeet::SamplingRow* settings,
                   const lorikeet::ChunkSummary* summaries, lorikeet::RowDraw* draws, int vocabulary) {
    using namespace lorikeet;
    using namespace lorikeet::sampler;
    __shared__ NarrowShared shared;
    release_next();
    const int index = blockIdx.y;
    if (rows != nullptr && index >= *rows) {
        wait_for_previous();
        return;
    }
    const float* row_logits = logits + static_cast<size_t>(index) * vocabulary;
    const ChunkTokens tokens(shared.logits, row_logits, vocabulary);
    wait_for_previous();
    SettingsOnTheWay(settings[index]).arrive(shared.settings);
    const SamplingRow& own = shared.settings;
    const ChunkTask task(summaries + static_cast<size_t>(index) * gridDim.x, own, vocabulary);
    if (!task.summary.valid || !is_narrowed(own, vocabulary)) {
        return;
    }
    RowDraw& draw = draws[index];
    Wanted wanted;
    if (threadIdx.x == 0) {
        shared.listed = 0;
    }
    const int narrowed = narrow(draw, own, vocabulary, shared, wanted);
    const FoundBin found = shared.found;
    if (blockIdx.x == 0 && threadIdx.x == 0) {
        draw.narrowed = narrowed;
        draw.by_mass = wanted.by_mass ? 1 : 0;
        draw.wanted_mass = wanted.mass;
        draw.above_mass = found.above_mass;
        draw.above_count = found.above_count;
    }
    if (narrowed == NARROWED_NOT || narrowed == NARROWED_FAILED) {
        return;
    }
    tokens.penalise({row_logits, own.seen, own});
    Mass above = 0;
    task.each(tokens, task.bins.limit, [&](Key key, float distance) {
        const int bin = task.bins.of(distance);
        if (bin > found.bin) {
            return;
        }
        if (bin == found.bin || narrowed == NARROWED_WHOLE) {
            shared.list[atomicAdd(&shared.listed, 1u)] = key;
        } else {
            above += Weights::mass_at(distance);
        }
    });
    above = block_reduce(above, shared.scratch, Add());
    if (threadIdx.x == 0) {
        draw.above[blockIdx.x] = above;
        shared.place = shared.listed > 0 ? atomicAdd(&draw.listed, shared.listed) : 0;
    }
    __syncthreads();
    for (unsigned i = threadIdx.x; i < shared.listed; i += CHUNK_THREADS) {
        draw.list[shared.place + i] = shared.list[i];
    }
}

// Looks at all logits of the rows once: the most likely token of each chunk, its sums, its most likely alternatives.
#include "sampler_draw.cuh"

namespace lorikeet::sampler {

// What sampler_scan keeps in shared memory.
struct ScanShared {
    float logits[SAMPLER_CHUNK];
    union {
        Key keys[CHUNK_THREADS / WARP];
        float floats[CHUNK_THREADS / WARP];
    } reduce;
    Key largest[CHUNK_THREADS];
    Key list[MAX_ALTERNATIVES * CHUNK_EACH];
    Key bound;
    unsigned listed;
};

// The largest `count` keys of a chunk without penalties, in order; 0 where there are no more.
__device__ void find_top(const ChunkTokens& tokens, int count, ScanShared& shared, Key* top) {
    Key own = 0;
    tokens.each([&](int token, float logit) { own = max(own, key_of(logit, token)); });
    shared.largest[threadIdx.x] = own;
    if (threadIdx.x == 0) {
        shared.bound = 0;
        shared.listed = 0;
    }
    __syncthreads();
    // The count-th largest of the threads' largest keys: no smaller key is among the chunk's largest, and only `count`
    // threads have keys that aren't.
    int rank = 0;
    for (int i = 0; i < CHUNK_THREADS; i++) {
        rank += shared.largest[i] > own ? 1 : 0;
    }
    if (rank == count - 1 && own > 0) {
        shared.bound = own;
    }
    __syncthreads();
    const Key bound = shared.bound;
    if (own > 0 && own >= bound) {
        tokens.each([&](int token, float logit) {
            const Key key = key_of(logit, token);
            if (key >= bound) {
                shared.list[atomicAdd(&shared.listed, 1u)] = key;
            }
        });
    }
    __syncthreads();
    const int listed = static_cast<int>(shared.listed);
    for (int i = threadIdx.x; i < listed; i += CHUNK_THREADS) {
        const Key key = shared.list[i];
        int before = 0;
        for (int k = 0; k < listed; k++) {
            before += shared.list[k] > key ? 1 : 0;
        }
        if (before < count) {
            top[before] = key;
        }
    }
    for (int i = listed + static_cast<int>(threadIdx.x); i < count; i += CHUNK_THREADS) {
        top[i] = 0;
    }
}

}  // namespace lorikeet::sampler

extern "C" __global__ void __launch_bounds__(256)
    sampler_upload(const lorikeet::SamplingRow* from, lorikeet::SamplingRow* to, int rows) {
    using namespace lorikeet;
    using Word = sampler::SettingsOnTheWay::Word;
    release_next();
    const int word = static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x);
    if (word < rows * sampler::SettingsOnTheWay::WORDS) {
        reinterpret_cast<Word*>(to)[word] = __ldcv(reinterpret_cast<const Word*>(from) + word);
    }
    wait_for_previous();  // so that whoever waits for this waits for that, too
}

extern "C" __global__ void __launch_bounds__(256, 4)
    sampler_scan(const float* logits, const int* rows, const lorikeet::SamplingRow* settings,
                 lorikeet::ChunkSummary* summaries, lorikeet::RowDraw* draws, int vocabulary) {
    using namespace lorikeet;
    using namespace lorikeet::sampler;
    __shared__ ScanShared shared;
    __shared__ SamplingRow own;
    wait_for_previous();
    release_next();
    const int index = blockIdx.y;
    if (rows != nullptr && index >= *rows) {
        return;
    }
    const SettingsOnTheWay on_the_way(settings[index]);
    const float* row_logits = logits + static_cast<size_t>(index) * vocabulary;
    const ChunkTokens tokens(shared.logits, row_logits, vocabulary);
    on_the_way.arrive(own);
    ChunkSummary& summary = summaries[static_cast<size_t>(index) * gridDim.x + blockIdx.x];

    // First what is said of the logits without penalties.
    float max = -INFINITY;
    int invalid = 0;
    tokens.each([&](int, float logit) {
        invalid |= !(logit < INFINITY) ? 1 : 0;
        max = fmaxf(max, logit);
    });
    max = block_reduce(max, shared.reduce.floats, Larger());
    float sum = 0;
    if ((own.log_probs >= 0 || own.token >= 0) && max > -INFINITY) {
        sum = block_reduce(tokens.sum_of_exp(max), shared.reduce.floats, Add());
    }
    const int count = ::min(own.log_probs, MAX_ALTERNATIVES);
    if (count > 0) {
        find_top(tokens, count, shared, summary.top);
    }

    tokens.penalise({row_logits, own.seen, own});
    float min = INFINITY;
    Key best = 0;
    tokens.each([&](int token, float logit) {
        invalid |= !(logit < INFINITY) ? 1 : 0;
        min = fminf(min, logit);
        best = ::max(best, key_of(logit, token));
    });
    best = block_reduce(best, shared.reduce.keys, Larger());
    invalid = __syncthreads_or(invalid);
    if (is_narrowed(own, vocabulary)) {
        min = block_reduce(min, shared.reduce.floats, Smaller());
        RowDraw& draw = draws[index];
        const int stride = static_cast<int>(gridDim.x) * CHUNK_THREADS;
        for (int bin = static_cast<int>(blockIdx.x) * CHUNK_THREADS + static_cast<int>(threadIdx.x); bin < SAMPLER_BINS;
             bin += stride) {
            draw.bin_mass[bin] = 0;
            draw.bin_count[bin] = 0;
        }
    }
    if (threadIdx.x == 0) {
        summary.best = best;
        summary.max = max;
        summary.sum = sum;
        summary.min = min;
        summary.invalid = invalid;
    }
}

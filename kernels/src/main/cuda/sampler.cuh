// Chooses tokens from logits as lorikeet.kernels.SamplingSettings says, one block of threads for each row, and reports
// log-probabilities. The logits are left unchanged.
//
// Of equally likely tokens those with smaller ids are kept, and taken, first. Among the tokens that are kept, the draw
// takes the first, in the order of their ids, up to which the weights sum up to more than the random number times the
// sum of all. Weights are counted in 2^-44, as integers: the order of adding doesn't matter, and results repeat.
//
// What comes from the host and goes back (settings, tokens, `sampled`, `alternatives`) may lie in page-locked memory: it
// is a few KB, each of it read and written once or by few blocks, and copies would queue behind those of adapters.
#pragma once

#include "step.cuh"

namespace lorikeet {

constexpr int MAX_ALTERNATIVES = 20;
constexpr int SAMPLER_CHUNK = 8192;  // logits that a block of sampler_scan takes

// How the token of one row is chosen; see SamplingSettings.
struct SamplingRow {
    // What penalties know of each token, or null without penalties: 0 not seen, else 1 + times seen in the output.
    unsigned* seen;             // [vocabulary]
    unsigned long long seed;    // of the draws
    unsigned long long draw;    // number of the draw
    float temperature;          // 0: the most likely
    float top_p;                // 1: all
    float min_p;                // 0: all
    float repetition_penalty;   // 1: none
    float presence_penalty;     // 0: none
    float frequency_penalty;    // 0: none
    int top_k;                  // 0: all
    int log_probs;              // alternatives to report, MAX_ALTERNATIVES at most; -1: not even the token's own
    int token;                  // the token to score; -1: choose one
    int count;                  // 1: the chosen token is counted in `seen`
    int pad[2];
};

// What one chunk of a row says; between the two kernels.
struct ChunkSummary {
    unsigned long long best;                    // key of the most likely token, with penalties
    float max;                                  // of the logits, without
    float sum;                                  // of exp(logit - max)
    int invalid;                                // it has a NaN or positive infinity
    int pad;
    unsigned long long top[MAX_ALTERNATIVES];  // keys of the most likely tokens, without penalties; 0: no more
};

struct alignas(16) SampledRow {
    int id;          // -1 if not valid
    int valid;       // 0: the row holds a NaN or a positive infinity, or nothing but negative infinities
    float log_prob;  // NaN where not asked for
    int alternatives;
};

struct Alternatives {
    int ids[MAX_ALTERNATIVES];  // the most likely first
    float log_probs[MAX_ALTERNATIVES];
};

// A token that a sequence with penalties has seen.
struct alignas(16) SeenToken {
    unsigned* seen;  // the sequence's SamplingRow::seen, all 0 for a new sequence
    int token;   // below 0: ~row, the one that is in next_ids
    int output;  // 1: in the output, 0: in the prompt
};

// A token whose logit is to be changed; each logit once.
struct alignas(16) BiasedToken {
    float* logit;
    float bias;  // added to it
};

}  // namespace lorikeet

// Looks at all logits once. Grid: [ceil(vocabulary / SAMPLER_CHUNK), rows]. Block: 256.
//   logits     [rows, vocabulary] f32
//   settings   [rows]
//   rows       how many there are is read from here; null: gridDim.y
//   summaries  [rows, gridDim.x]
extern "C" __global__ void sampler_scan(const float* logits, const lorikeet::SamplingRow* settings, const int* rows,
                                        lorikeet::ChunkSummary* summaries, int vocabulary);

// Chooses, or scores. Grid: [rows]. Block: 1024.
//   summaries     as sampler_scan left them
//   chunks        ceil(vocabulary / SAMPLER_CHUNK), 32 at most
//   sampled       [rows]
//   alternatives  [rows]; written where log_probs > 0
//   next_ids      [rows] in device memory: the ids once more, for the next step; 0 for rows that are not valid
extern "C" __global__ void sampler_choose(const float* logits, const lorikeet::SamplingRow* settings, const int* rows,
                                          const lorikeet::ChunkSummary* summaries, int chunks, int vocabulary,
                                          lorikeet::SampledRow* sampled, lorikeet::Alternatives* alternatives,
                                          int* next_ids);

// Forgets all tokens. Grid: any number of blocks. Block: 256.
//   seen   [count]
extern "C" __global__ void sampler_clear(unsigned* seen, long long count);

// Notes tokens. Grid: [ceil(count / 256)]. Block: 256.
//   next_ids  as the last sampler_choose left them
extern "C" __global__ void sampler_see(const lorikeet::SeenToken* tokens, const int* next_ids, int count);

// Adds biases to logits, before sampler_scan. Grid: [ceil(count / 256)]. Block: 256.
//   before  [count]; gets what the logits were
extern "C" __global__ void sampler_bias(const lorikeet::BiasedToken* tokens, float* before, int count);

// Makes the logits what they were, after sampler_choose. Grid: [ceil(count / 256)]. Block: 256.
extern "C" __global__ void sampler_unbias(const lorikeet::BiasedToken* tokens, const float* before, int count);

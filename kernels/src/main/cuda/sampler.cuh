// Chooses tokens from logits as lorikeet.kernels.SamplingSettings says, and reports log-probabilities. The logits are
// left unchanged.
//
// One after another: sampler_upload brings the settings; sampler_scan looks at all logits; where rows are drawn,
// sampler_weigh adds up the weights of their tokens, and where they are drawn from the most likely tokens, sampler_narrow
// lists those at the boundary; these three have many blocks for a row. sampler_choose, one block a row, chooses. All of
// them may start early.
//
// Of equally likely tokens those with smaller ids are kept, and taken, first. Among the tokens that are kept, the draw
// takes the first, in the order of their ids, up to which the weights sum up to more than the random number times the
// sum of all. Weights are counted in 2^-44, as integers: the order of adding doesn't matter, and results repeat.
//
// What comes from the host and goes back (settings, tokens, `sampled`, `alternatives`) may lie in page-locked memory: it
// is a few KB, each of it read and written once, and copies would queue behind those of adapters.
#pragma once

#include "step.cuh"

namespace lorikeet {

constexpr int MAX_ALTERNATIVES = 20;
constexpr int SAMPLER_CHUNK = 8192;  // logits that a block takes
constexpr int SAMPLER_CHUNKS = 32;   // of a row, at most
constexpr int SAMPLER_BINS = 1024;
constexpr int SAMPLER_LISTED = 1024;

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
    float min;                                  // of the logits, with penalties; only of rows that are narrowed
    int invalid;                                // it has a NaN or positive infinity
    unsigned long long top[MAX_ALTERNATIVES];  // keys of the most likely tokens, without penalties; 0: no more
};

// What is known of the tokens that are drawn from, from the most likely on.
enum Narrowed : int {
    NARROWED_NOT = 0,     // all that min_p keeps
    NARROWED_LISTED = 1,  // those above the boundary's bin; those in the bin are listed
    NARROWED_WHOLE = 2,   // all up to the end of the boundary's bin are listed
    NARROWED_FAILED = 3,  // too many are in the bin
};

// A row that is drawn, between the kernels. Bins are equal parts of the distances from the most likely token.
struct alignas(16) RowDraw {
    unsigned long long bin_mass[SAMPLER_BINS];  // not filled where there is a top_k
    unsigned bin_count[SAMPLER_BINS];
    unsigned long long chunk_mass[SAMPLER_CHUNKS];  // of the chunk's tokens
    unsigned long long above[SAMPLER_CHUNKS];       // of those before the ones that are listed
    unsigned long long list[SAMPLER_LISTED];        // keys, in no order
    unsigned long long wanted_mass;                 // NARROWED_LISTED by mass: at which the boundary is
    unsigned long long above_mass;                  // before the ones that are listed
    unsigned above_count;
    unsigned listed;
    int by_mass;                                    // whether the boundary is at a mass or at top_k
    int narrowed;                                   // Narrowed
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

// Brings settings to device memory, while the kernel in front runs: what it reads `to` of must be over by then, so there
// have to be two places in turn. Grid: [ceil(rows * sizeof(SamplingRow) / 8 / 256)]. Block: 256.
extern "C" __global__ void sampler_upload(const lorikeet::SamplingRow* from, lorikeet::SamplingRow* to, int rows);

// Looks at all logits once. Grid: [ceil(vocabulary / SAMPLER_CHUNK), rows]. Block: 256.
//   logits     [rows, vocabulary] f32
//   rows       how many there are is read from here, also before the kernel in front has ended; null: gridDim.y
//   settings   [rows]
//   summaries  [rows, gridDim.x]
//   draws      [rows] gets empty bins; null if no row is drawn
extern "C" __global__ void sampler_scan(const float* logits, const int* rows, const lorikeet::SamplingRow* settings,
                                        lorikeet::ChunkSummary* summaries, lorikeet::RowDraw* draws, int vocabulary);

// Weighs the tokens of the rows that are drawn. Grid and block: as sampler_scan's.
//   summaries, draws  as sampler_scan left them
extern "C" __global__ void sampler_weigh(const float* logits, const int* rows, const lorikeet::SamplingRow* settings,
                                         const lorikeet::ChunkSummary* summaries, lorikeet::RowDraw* draws,
                                         int vocabulary);

// Finds the bin where the tokens to draw from end, of the rows with top_k or top_p, and lists what has to be looked at one
// by one. Grid and block: as sampler_scan's.
//   draws  as sampler_weigh left them
extern "C" __global__ void sampler_narrow(const float* logits, const int* rows, const lorikeet::SamplingRow* settings,
                                          const lorikeet::ChunkSummary* summaries, lorikeet::RowDraw* draws,
                                          int vocabulary);

// Chooses, or scores. Grid: [rows]. Block: 1024.
//   summaries     as sampler_scan left them
//   draws         as sampler_weigh and sampler_narrow left them, if rows are drawn and narrowed
//   chunks        ceil(vocabulary / SAMPLER_CHUNK), SAMPLER_CHUNKS at most
//   sampled       [rows]
//   alternatives  [rows]; written where log_probs > 0
//   next_ids      [rows] in device memory: the ids once more, for the next step; 0 for rows that are not valid
extern "C" __global__ void sampler_choose(const float* logits, const int* rows, const lorikeet::SamplingRow* settings,
                                          const lorikeet::ChunkSummary* summaries, const lorikeet::RowDraw* draws,
                                          int chunks, int vocabulary, lorikeet::SampledRow* sampled,
                                          lorikeet::Alternatives* alternatives, int* next_ids);

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

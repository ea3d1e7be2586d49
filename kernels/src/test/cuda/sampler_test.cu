// The sampler against a plain one in double precision, and its times. Arguments: seed, number of random cases, "time" or
// "small": few rows and tokens, for tools that take long for each access.
#include "../../main/cuda/sampler_choose.cu"
#include "../../main/cuda/sampler_narrow.cu"
#include "../../main/cuda/sampler_scan.cu"
#include "../../main/cuda/sampler_tokens.cu"
#include "check.cuh"

using namespace lorikeet;
using check::Buffer;
using check::HostBuffer;
using check::Random;

namespace {

constexpr float INF = INFINITY;

std::vector<float> random_logits(Random& random, int vocabulary) {
    std::vector<float> logits(vocabulary);
    const int kind = random.between(0, 6);
    const float scale = random.pick({0.5f, 2.0f, 4.0f, 30.0f});
    for (float& logit : logits) {
        logit = scale * random.normal();
        switch (kind) {
        case 1: logit = 3; break;                                      // all the same
        case 2: logit = std::round(logit); break;                      // many equal ones
        case 3: logit = check::round_bf16(logit); break;
        case 4: logit = random.between(0, 2) == 0 ? -INF : logit; break;
        case 5: logit = logit * 1e30f; break;
        case 6: logit = random.between(0, 1) == 0 ? 0.0f : -0.0f; break;
        default: break;
        }
    }
    logits[random.between(0, vocabulary - 1)] = kind == 5 ? 1e30f : 2 * scale;
    return logits;
}

SamplingRow random_settings(Random& random, int vocabulary) {
    SamplingRow row = {};
    row.seed = random.bits();
    row.draw = random.bits() % 1000;
    row.temperature = random.pick({0.0f, 0.7f, 1.0f, 1.0f, 2.5f, 100.0f, 1e-30f});
    row.top_p = random.pick({1.0f, 1.0f, 0.95f, 0.5f, 0.01f});
    row.min_p = random.pick({0.0f, 0.0f, 0.05f, 1.0f});
    row.top_k = random.pick({0, 0, 1, 2, 50, 3000, random.between(1, vocabulary)});
    row.repetition_penalty = 1;
    row.log_probs = random.pick({-1, 0, 1, 5, 20});
    row.token = random.between(0, 5) == 0 ? random.between(0, vocabulary - 1) : -1;
    return row;
}

bool likelier(const std::vector<float>& logits, int a, int b) {
    return logits[a] > logits[b] || (logits[a] == logits[b] && a < b);
}

std::vector<float> penalise(const std::vector<float>& logits, const SamplingRow& row,
                            const std::vector<unsigned>& seen) {
    std::vector<float> result = logits;
    for (size_t token = 0; token < seen.size(); token++) {
        if (seen[token] > 0) {
            float& logit = result[token];
            logit = logit > 0 ? logit / row.repetition_penalty : logit * row.repetition_penalty;
            if (seen[token] > 1) {
                const float frequency = row.frequency_penalty * static_cast<float>(seen[token] - 1);
                logit -= frequency + row.presence_penalty;
            }
        }
    }
    return result;
}

// Biases for some tokens of the valid rows, which are added to `logits` as sampler_bias adds them.
std::vector<BiasedToken> random_biases(Random& random, const std::vector<bool>& valid, float* device,
                                       std::vector<std::vector<float>>& logits) {
    std::vector<BiasedToken> biases;
    for (size_t row = 0; row < logits.size(); row++) {
        if (!valid[row] || random.between(0, 1) == 0) {
            continue;
        }
        const int vocabulary = static_cast<int>(logits[row].size());
        std::vector<float> changed = logits[row];
        std::vector<BiasedToken> own;
        const int step = random.between(1, vocabulary);
        for (int token = random.between(0, vocabulary - 1); token < vocabulary; token += step) {
            const float bias = random.pick({-INF, -100.0f, 5.0f, 100.0f});
            own.push_back({device + row * vocabulary + token, bias});
            changed[token] += bias;
        }
        if (*std::max_element(changed.begin(), changed.end()) > -INF) {  // there must be one to choose
            logits[row] = changed;
            biases.insert(biases.end(), own.begin(), own.end());
        }
    }
    return biases;
}

// `order`: tokens from the most likely on.
int choose(const std::vector<float>& logits, const std::vector<int>& order, const SamplingRow& row, double u,
           double top_p) {
    if (row.temperature == 0) {
        return order[0];
    }
    const double max = logits[order[0]];
    const auto weight = [&](int token) { return std::exp((logits[token] - max) / row.temperature); };
    size_t kept = order.size();
    if (row.min_p > 0) {
        const float least = static_cast<float>(max + row.temperature * std::log(static_cast<double>(row.min_p)));
        kept = 0;
        while (kept < order.size() && logits[order[kept]] >= least) {
            kept++;
        }
    }
    if (row.top_k > 0) {
        kept = std::min<size_t>(kept, row.top_k);
    }
    if (row.top_p < 1) {
        double all = 0;
        for (size_t i = 0; i < kept; i++) {
            all += weight(order[i]);
        }
        double sum = 0;
        size_t i = 0;
        while (i < kept && sum < top_p * all) {
            sum += weight(order[i++]);
        }
        kept = std::max<size_t>(1, i);
    }
    std::vector<int> tokens(order.begin(), order.begin() + kept);
    std::sort(tokens.begin(), tokens.end());
    double all = 0;
    for (const int token : tokens) {
        all += weight(token);
    }
    double left = u * all;
    int last = -1;
    for (const int token : tokens) {
        if (left >= 0 && weight(token) > 0) {
            last = token;
            left -= weight(token);
        }
    }
    return last;
}

double draw_of(const SamplingRow& row) {
    const auto mix = [](uint64_t z) {
        z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
        z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
        return z ^ (z >> 31);
    };
    constexpr uint64_t GOLDEN_GAMMA = 0x9e3779b97f4a7c15u;
    return static_cast<double>(mix(mix(row.seed + GOLDEN_GAMMA) + (row.draw + 1) * GOLDEN_GAMMA) >> 11) * 0x1p-53;
}

struct Launch {
    Buffer<ChunkSummary> summaries;
    Buffer<SamplingRow> settings;
    Buffer<RowDraw> draws;
    HostBuffer<SampledRow> sampled;
    HostBuffer<Alternatives> alternatives;
    Buffer<int> next_ids;
    int vocabulary, chunks;

    Launch(int rows, int vocabulary)
        : summaries(static_cast<size_t>(rows) * chunks_of(vocabulary)),
          settings(rows),
          draws(rows),
          sampled(rows),
          alternatives(rows),
          next_ids(rows),
          vocabulary(vocabulary),
          chunks(chunks_of(vocabulary)) {}

    static int chunks_of(int vocabulary) { return (vocabulary + SAMPLER_CHUNK - 1) / SAMPLER_CHUNK; }

    // `drawn` and `narrowed`: whether there may be such rows.
    void run(const float* logits, const SamplingRow* rows_of_host, const int* count, int rows, cudaStream_t stream,
             bool drawn = true, bool narrowed = true) {
        const int words = rows * static_cast<int>(sizeof(SamplingRow) / 8);
        check::launch_overlapping(sampler_upload, dim3((words + 255) / 256), 256, 0, stream, rows_of_host,
                                  settings.data(), rows);
        const dim3 grid(chunks, rows);
        check::launch_overlapping(sampler_scan, grid, 256, 0, stream, logits, count, settings.data(), summaries.data(),
                                  drawn ? draws.data() : nullptr, vocabulary);
        if (drawn) {
            check::launch_overlapping(sampler_weigh, grid, 256, 0, stream, logits, count, settings.data(),
                                      summaries.data(), draws.data(), vocabulary);
        }
        if (narrowed) {
            check::launch_overlapping(sampler_narrow, grid, 256, 0, stream, logits, count, settings.data(),
                                      summaries.data(), draws.data(), vocabulary);
        }
        check::launch_overlapping(sampler_choose, dim3(rows), 1024, 0, stream, logits, count, settings.data(),
                                  summaries.data(), draws.data(), chunks, vocabulary, sampled.data(),
                                  alternatives.data(), next_ids.data());
    }
};

void random_case(Random& random, uint64_t seed, bool small) {
    const int rows = random.between(1, small ? 2 : 6);
    const int vocabulary =
        small ? random.between(1, 9000)
              : random.pick({random.between(1, 40), random.between(1, 9000), random.between(1, 40000), 128256, 262144});
    std::vector<std::vector<float>> logits;
    std::vector<SamplingRow> settings;
    std::vector<std::vector<unsigned>> seen;
    std::vector<Buffer<unsigned>> device_seen;
    std::vector<float> all;
    std::vector<bool> valid;
    for (int r = 0; r < rows; r++) {
        logits.push_back(random_logits(random, vocabulary));
        settings.push_back(random_settings(random, vocabulary));
        valid.push_back(true);
        if (random.between(0, 4) == 0) {
            valid.back() = false;
            switch (random.between(0, 2)) {
            case 0: logits.back()[random.between(0, vocabulary - 1)] = NAN; break;
            case 1: logits.back()[random.between(0, vocabulary - 1)] = INF; break;
            default: std::fill(logits.back().begin(), logits.back().end(), -INF);
            }
        }
        all.insert(all.end(), logits.back().begin(), logits.back().end());
        seen.emplace_back();
        if (random.between(0, 1) == 0) {
            settings.back().repetition_penalty = random.pick({1.0f, 1.3f, 0.8f});
            settings.back().presence_penalty = random.pick({0.0f, 0.6f, -0.5f});
            settings.back().frequency_penalty = random.pick({0.0f, 0.2f});
            settings.back().count = random.between(0, 1);
            device_seen.emplace_back(vocabulary);
            sampler_clear<<<3, 256>>>(device_seen.back().data(), vocabulary);
            settings.back().seen = device_seen.back().data();
            seen.back().assign(vocabulary, 0);
            std::vector<SeenToken> tokens;
            std::vector<int> chosen = {0};
            for (int i = random.between(0, 700); i > 0; i--) {
                SeenToken token = {settings.back().seen, random.between(0, std::min(vocabulary - 1, 900)),
                                   random.between(0, 1)};
                unsigned& count = seen.back()[token.token];
                count = std::max(count, 1u) + static_cast<unsigned>(token.output);
                if (random.between(0, 3) == 0) {  // known to the last sampling only
                    chosen.push_back(token.token);
                    token.token = ~static_cast<int>(chosen.size() - 1);
                }
                tokens.push_back(token);
            }
            const HostBuffer<SeenToken> host_tokens(tokens);
            const Buffer<int> device_chosen(chosen);
            const int count = static_cast<int>(tokens.size());
            if (count > 0) {
                sampler_see<<<(count + 255) / 256, 256>>>(host_tokens.data(), device_chosen.data(), count);
                CUDA(cudaDeviceSynchronize());
            }
            check::expect(device_seen.back().download() == seen.back(), "tokens seen");
        }
    }
    Buffer<float> device_logits(all);
    const std::vector<BiasedToken> biases = random_biases(random, valid, device_logits.data(), logits);
    const HostBuffer<BiasedToken> biased(biases);
    Buffer<float> before(biases.size());
    const int blocks = (static_cast<int>(biases.size()) + 255) / 256;
    std::vector<SamplingRow> padded = settings;
    padded.resize(rows + 2);
    const HostBuffer<SamplingRow> host_settings(padded);
    const Buffer<int> count(std::vector<int>{rows});
    Launch launch(rows + 2, vocabulary);
    if (blocks > 0) {
        sampler_bias<<<blocks, 256>>>(biased.data(), before.data(), static_cast<int>(biases.size()));
    }
    launch.run(device_logits.data(), host_settings.data(), count.data(), rows + 2, nullptr);
    if (blocks > 0) {
        sampler_unbias<<<blocks, 256>>>(biased.data(), before.data(), static_cast<int>(biases.size()));
    }
    const std::vector<SampledRow> sampled = launch.sampled.download();
    const std::vector<Alternatives> alternatives = launch.alternatives.download();
    const std::vector<int> next_ids = launch.next_ids.download();
    check::expect(std::memcmp(device_logits.download().data(), all.data(), 4 * all.size()) == 0, "logits changed");
    size_t with_penalties = 0;
    for (int r = 0; r < rows; r++) {
        const SamplingRow& row = settings[r];
        const std::string name = check::text(
            "seed %llu row %d: vocabulary %d, temperature %g, top_k %d, top_p %g, min_p %g, penalties %g %g %g, token %d",
            static_cast<unsigned long long>(seed), r, vocabulary, row.temperature, row.top_k, row.top_p, row.min_p,
            row.repetition_penalty, row.presence_penalty, row.frequency_penalty, row.token);
        const std::vector<unsigned> seen_after =
            row.seen == nullptr ? std::vector<unsigned>() : device_seen[with_penalties++].download();
        check::expect(sampled[r].valid == (valid[r] ? 1 : 0), name + ": valid");
        check::expect(next_ids[r] == (valid[r] ? sampled[r].id : 0), name + ": the next step's token");
        if (!valid[r]) {
            check::expect(sampled[r].id == -1 && seen_after == seen[r], name + ": not valid, but chosen");
            continue;
        }
        const std::vector<float> penalised = penalise(logits[r], row, seen[r]);
        std::vector<int> order(vocabulary);
        for (int i = 0; i < vocabulary; i++) {
            order[i] = i;
        }
        std::sort(order.begin(), order.end(), [&](int a, int b) { return likelier(penalised, a, b); });
        const int id = sampled[r].id;
        if (row.token >= 0) {
            check::expect(id == row.token, name + ": not the token to score");
        } else {
            bool found = false;  // at edges, the rounding of exp decides
            for (const double du : {0.0, -1e-5, 1e-5}) {
                for (const double dp : {0.0, -1e-5, 1e-5}) {
                    found = found || choose(penalised, order, row, std::min(std::max(draw_of(row) + du, 0.0), 1 - 1e-9),
                                            row.top_p + dp) == id;
                }
            }
            check::expect(found, name + check::text(": chose %d, not %d", id,
                                                    choose(penalised, order, row, draw_of(row), row.top_p)));
        }
        if (row.seen != nullptr) {
            if (row.count != 0 && id >= 0) {
                seen[r][id] = std::max(seen[r][id], 1u) + 1;
            }
            check::expect(seen_after == seen[r], name + ": tokens seen after it");
        }
        if (row.log_probs < 0 && row.token < 0) {
            check::expect(std::isnan(sampled[r].log_prob), name + ": a log-probability");
            continue;
        }
        std::sort(order.begin(), order.end(), [&](int a, int b) { return likelier(logits[r], a, b); });
        const double max = logits[r][order[0]];
        double sum = 0;
        for (const float logit : logits[r]) {
            sum += std::exp(logit - max);
        }
        const auto agrees = [&](float got, int token) {
            const double want = logits[r][token] - max - std::log(sum);
            return std::isinf(want) ? got == want : std::abs(got - want) <= 1e-5 * (1 + std::abs(want));
        };
        check::expect(agrees(sampled[r].log_prob, id), name + check::text(": log-probability %g", sampled[r].log_prob));
        const int alternatives_wanted = std::min(std::max(row.log_probs, 0), vocabulary);
        check::expect(sampled[r].alternatives == alternatives_wanted, name + ": number of alternatives");
        for (int i = 0; i < alternatives_wanted; i++) {
            check::expect(alternatives[r].ids[i] == order[i] && agrees(alternatives[r].log_probs[i], order[i]),
                          name + check::text(": alternative %d is %d, not %d", i, alternatives[r].ids[i], order[i]));
        }
    }
}

// Many draws from few tokens have the frequencies of their probabilities.
void frequencies() {
    constexpr int ROWS = 256;
    constexpr int ROUNDS = 100;
    const std::vector<float> one = {0.0f, 1.0f, -1.0f, 2.0f, 0.5f};
    std::vector<float> all;
    std::vector<double> counts(one.size());
    for (int r = 0; r < ROWS; r++) {
        all.insert(all.end(), one.begin(), one.end());
    }
    const Buffer<float> logits(all);
    Launch launch(ROWS, static_cast<int>(one.size()));
    for (int round = 0; round < ROUNDS; round++) {
        std::vector<SamplingRow> settings(ROWS);
        for (int r = 0; r < ROWS; r++) {
            settings[r].seed = 42 + r;
            settings[r].draw = round;
            settings[r].temperature = 1;
            settings[r].top_p = 1;
            settings[r].repetition_penalty = 1;
            settings[r].log_probs = -1;
            settings[r].token = -1;
        }
        const HostBuffer<SamplingRow> host(settings);
        launch.run(logits.data(), host.data(), nullptr, ROWS, nullptr);
        for (const SampledRow& row : launch.sampled.download()) {
            counts[row.id]++;
        }
    }
    double sum = 0;
    for (const float logit : one) {
        sum += std::exp(logit);
    }
    double chi_square = 0;
    for (size_t i = 0; i < one.size(); i++) {
        const double expected = ROWS * ROUNDS * std::exp(one[i]) / sum;
        chi_square += (counts[i] - expected) * (counts[i] - expected) / expected;
    }
    check::expect(chi_square < 18.5, check::text("frequencies: chi-square of 4 degrees is %g", chi_square));  // 0.1 %
}

void time_rows(const char* name, int rows, int vocabulary, const SamplingRow& like, bool penalties) {
    Random random{9};
    std::vector<float> all(static_cast<size_t>(rows) * vocabulary);
    for (float& logit : all) {
        logit = 3 * random.normal();
    }
    std::vector<SamplingRow> settings(rows, like);
    std::vector<Buffer<unsigned>> seen;
    for (int r = 0; r < rows; r++) {
        settings[r].seed = r;
        all[static_cast<size_t>(r) * vocabulary + random.between(0, vocabulary - 1)] = 14;
        if (penalties) {
            seen.emplace_back(vocabulary);
            seen.back().zero();
            settings[r].seen = seen.back().data();
        }
    }
    const Buffer<float> logits(all);
    const HostBuffer<SamplingRow> host(settings);
    Launch launch(rows, vocabulary);
    const double us = check::time_us(10, [&](cudaStream_t stream, int) {
        const bool drawn = like.temperature > 0;
        launch.run(logits.data(), host.data(), nullptr, rows, stream, drawn, drawn && (like.top_k > 0 || like.top_p < 1));
    });
    std::printf("%-28s %3d rows of %d: %7.2f us\n", name, rows, vocabulary, us);
}

void time_all() {
    for (const int rows : {1, 32, 256}) {
        SamplingRow row = {};
        row.top_p = 1;
        row.repetition_penalty = 1;
        row.log_probs = -1;
        row.token = -1;
        time_rows("greedy", rows, 128256, row, false);
        row.log_probs = 20;
        time_rows("greedy, 20 alternatives", rows, 128256, row, false);
        row.log_probs = -1;
        row.temperature = 0.8f;
        time_rows("temperature", rows, 128256, row, false);
        row.top_p = 0.95f;
        time_rows("top-p", rows, 128256, row, false);
        row.top_k = 50;
        time_rows("top-k, top-p", rows, 128256, row, false);
        time_rows("top-k, top-p, penalties", rows, 128256, row, true);
        row.top_k = 0;
        row.temperature = 5;
        time_rows("top-p, temperature 5", rows, 128256, row, false);
    }
}

}  // namespace

int main(int argc, char** argv) {
    const uint64_t seed = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 1;
    const int cases = argc > 2 ? std::atoi(argv[2]) : 100;
    const bool small = argc > 3 && std::strcmp(argv[3], "small") == 0;
    for (int i = 0; i < cases && check::failures < 20; i++) {
        Random random{seed + i};
        random_case(random, seed + i, small);
    }
    std::printf("%d cases from seed %llu\n", cases, static_cast<unsigned long long>(seed));
    if (argc > 3 && !small) {
        frequencies();
        time_all();
    }
    return check::finish("sampler_test");
}

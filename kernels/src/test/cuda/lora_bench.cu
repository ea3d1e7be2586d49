// Times the LoRA kernels over the four projections of a Llama-3-8B layer: graphs of 32 layers with weights of their own,
// the median of 20 replays, in microseconds a layer, beside the time that the bytes take at the measured bandwidth.
// Usage: lora_bench [rank [shrink expand gate rotate [tokens [brief]]]]: most blocks, most tokens
//        lora_bench [rank] products [brief]: with the base model's products
//        lora_bench [rank] idle: the products' kernels for adapters with rows that have none, beside those without
//        lora_bench [rank] consumers [tokens adapters]: each kernel that finishes a projection alone
//        lora_bench [rank] prompts [one]: steps of many tokens, and chunks of prompts beside decoding requests
//        lora_bench [rank] layers [one]: the same with cuBLASLt's products (its header is needed to compile this), the
//        shrinks in front of them or on a stream beside them
#include "cublaslt.cuh"
#include "device_memory.cuh"
#include "lora.cuh"
#include "decode_product_launch.cuh"
#include "expand_rows.cuh"
#include "fused_launch.cuh"
#include "graph_time.cuh"
#include "left_shrunk.cuh"
#include "prompt_launch.cuh"
#include "shrink_beside.cuh"
#include "vectors.cuh"

#include <string>

using namespace lorikeet;

namespace {

constexpr int LAYERS = 32;
constexpr int HIDDEN = 4096;
constexpr int INTERMEDIATE = 14336;

struct Projection {
    int in;
    std::vector<int> outs;
};

const Projection PROJECTIONS[] = {
    {HIDDEN, {4096, 1024, 1024}}, {HIDDEN, {4096}}, {HIDDEN, {INTERMEDIATE, INTERMEDIATE}}, {INTERMEDIATE, {4096}}};
constexpr int SLOTS = 7;  // a layer
constexpr int MOST_RANKS = 64 * 64;  // of all adapters, for which there is memory

int multiprocessors;
int most_shrink = 264;  // blocks, at most
int most_expand = 4;    // on a multiprocessor
int most_gate = 0;  // 0: gate_staged
int most_rotate = 8;
bool many = true;  // steps of many tokens use the kernels for them

class Bench {
  public:
    // The tokens are spread evenly over the adapters; without adapters all are the base model's.
    Bench(int tokens, int adapters, int rank, double bytes_per_us)
        : Bench(even_groups(tokens, adapters), rank, bytes_per_us) {}

    // Adapters are numbered from 0 on, without gaps.
    Bench(const std::vector<Group>& groups, int rank, double bytes_per_us) : rank_(rank) {
        int adapters = 0;
        for (const Group& group : groups) {
            tokens_ += group.rows;
            adapters = std::max(adapters, group.adapter + 1);
        }
        int tokens = tokens_;
        prompt_ = tokens > 256;
        std::vector<const AdapterModule*> arrays;
        for (int a = 0; a < adapters; a++) {
            modules_.push_back(make_adapter(a));
            arrays.push_back(modules_.back().get());
        }
        step_.set_groups(groups, arrays);
        int tile = 0;
        for (const Group& group : groups) {
            while (tile % begins_ != 0) {
                begins_ /= 2;
            }
            tile += divide_up(group.rows, TILE_ROWS);
        }
        std::vector<int> token(tokens);
        std::vector<unsigned> table(tokens);
        Buffer<float> inverse(std::vector<float>(64, 0.01f));
        for (int i = 0; i < tokens; i++) {
            token[i] = i;
            table[i] = unsigned(i) * (2 * LAYERS * 8 * BLOCK_TOKENS * 128 * 2 / ADDRESS_UNIT);
        }
        step_.host.sequences = tokens;
        step_.host.positions = step_.place(std::vector<int>(tokens, 5));
        step_.host.token_sequence = step_.place(token);
        step_.host.table_start = step_.place(token);
        step_.host.block_table = step_.place(table);
        frequencies_ = std::move(inverse);
        step_.host.frequencies = step_.place(std::vector<const float*>(tokens, frequencies_.get()));
        step_.host.rotary_scaling = step_.place(std::vector<float>(tokens, 1.0f));
        if (!prompt_) {
            cache_ = Buffer<unsigned char>(size_t(tokens) * 2 * LAYERS * 8 * BLOCK_TOKENS * 128 * 2);
        } else {  // all tokens in the same few blocks
            for (int i = 0; i < tokens; i++) {
                table[i] %= 64u * 8192u;
            }
            step_.host.block_table = step_.place(table);
            cache_ = Buffer<unsigned char>(size_t(64) * 8192 * ADDRESS_UNIT);
        }
        step_.host.kv_base = cache_.get();
        device_step_ = step_.upload();
        size_t most = std::max(std::min(16 * tokens, 16384), tokens);
        shrunk_ = Buffer<float>(most * 3 * stride());
        left_ = LeftShrunk(tokens, stride());
        for (const Projection& projection : PROJECTIONS) {
            int out = 0;
            for (int part : projection.outs) {
                out += part;
            }
            in_.push_back(random_buffer<bf16>(size_t(tokens) * projection.in, 1, 1));
            out_.push_back(random_buffer<bf16>(size_t(tokens) * out, 2, 1));
            double weights = 2.0 * rank * adapters * (projection.in * double(projection.outs.size()) + out);
            bytes_ += 2.0 * tokens * (projection.in + 2.0 * out) + weights;
            added_ += 2.0 * tokens * projection.in + weights;
        }
        added_ /= bytes_per_us;
        // Read and written: q, k and v; gate, up and their product; twice what is added, a sum in float, a norm.
        floor_of_consumers_ = tokens / bytes_per_us * (4.0 * 6144 + 6.0 * INTERMEDIATE + 2 * 12.0 * HIDDEN);
        hidden_ = random_buffer<float>(size_t(tokens) * HIDDEN, 3, 1);
        norm_ = random_buffer<bf16>(HIDDEN, 4, 1);
        floor_ = bytes_ / bytes_per_us;
    }

    double floor() const { return floor_; }

    // Of what adapters add: their weights, and x once more.
    double floor_of_added() const { return added_; }

    // Of the consumers without adapters.
    double floor_of_consumers() const { return floor_of_consumers_; }

    double shrink_and_expand(bool early, bool shrinks, bool expands, int only = -1) {
        return time_graph([&](cudaStream_t stream) {
            for (int layer = 0; layer < LAYERS; layer++) {
                for (int p = 0; p < 4; p++) {
                    if (only >= 0 && p != only) {
                        continue;
                    }
                    Lora to = lora(layer, p);
                    if (shrinks) {
                        launch_shrink(stream, early, to, in_[p].get());
                    }
                    if (expands) {
                        launch(stream, early, 1, expand_blocks(to, step_.host.tiles), EXPAND_THREADS, expand,
                               device_step_, to, out_[p].get());
                    }
                }
            }
        }) / LAYERS;
    }

    // What a layer does between its products; `only` picks one consumer.
    double consumers(bool early, bool shrinks, bool adapters, int only = -1) {
        return time_graph([&](cudaStream_t stream) {
            for (int layer = 0; layer < LAYERS; layer++) {
                for (int p = 0; p < 4; p++) {
                    if (only >= 0 && p != only) {
                        continue;
                    }
                    Lora to = lora(layer, p);
                    if (shrinks) {
                        launch_shrink(stream, early, to, in_[p].get());
                    }
                    if (!adapters) {
                        to.shrunk = nullptr;
                    }
                    launch_consumer(stream, early, layer, p, to);
                }
            }
        }) / LAYERS;
    }

    // A layer as a decode step has it: reading the weights stands for the products. With adapters, the shrinks run
    // beside the products (`beside`) or in front of them.
    double step(const Buffer<uint4>& weights, bool adapters, bool beside) {
        cudaStream_t side;
        cudaEvent_t fork;
        cudaEvent_t join;
        CHECK(cudaStreamCreate(&side));
        CHECK(cudaEventCreateWithFlags(&fork, cudaEventDisableTiming));
        CHECK(cudaEventCreateWithFlags(&join, cudaEventDisableTiming));
        double us = time_graph([&](cudaStream_t stream) {
            size_t at = 0;
            for (int layer = 0; layer < LAYERS; layer++) {
                for (int p = 0; p < 4; p++) {
                    Lora to = lora(layer, p);
                    if (adapters && beside) {
                        CHECK(cudaEventRecord(fork, stream));
                        CHECK(cudaStreamWaitEvent(side, fork));
                        launch_shrink(side, false, to, in_[p].get());
                        CHECK(cudaEventRecord(join, side));
                    } else if (adapters) {
                        launch_shrink(stream, true, to, in_[p].get());
                    }
                    size_t count = size_t(to.columns) * to.in / 8;
                    at = at + count > weights.size() - 132 * 16 * 256 ? 0 : at;
                    read_all<<<132 * 4, 256, 0, stream>>>(weights.get() + at, count, weights.get());
                    at += count;
                    if (adapters && beside) {
                        CHECK(cudaStreamWaitEvent(stream, join));
                    }
                    if (!adapters) {
                        to.shrunk = nullptr;
                    }
                    launch_consumer(stream, !(adapters && beside), layer, p, to);
                }
            }
        }) / LAYERS;
        CHECK(cudaEventDestroy(fork));
        CHECK(cudaEventDestroy(join));
        CHECK(cudaStreamDestroy(side));
        return us;
    }

    enum class Shrink { NONE, IN_FRONT, INSIDE, FUSED };  // FUSED: the consumers are in the products' launches, too

    // A layer's products and consumers, for up to DECODE_PRODUCT_MOST_ROWS tokens: without adapters, or shrunk somewhere.
    // only: one of the projections alone; alone: without what finishes it.
    double products(const Buffer<bf16>& weights, bool adapters, Shrink shrinks, int only = -1, bool alone = false) {
        return time_graph([&](cudaStream_t stream) {
            size_t at = 0;
            for (int layer = 0; layer < LAYERS; layer++) {
                for (int p = 0; p < 4; p++) {
                    if (only >= 0 && p != only) {
                        continue;
                    }
                    Lora to = lora(layer, p);
                    if (shrinks == Shrink::IN_FRONT) {
                        launch_shrink(stream, true, to, in_[p].get());
                    }
                    size_t count = size_t(to.columns) * to.in;
                    at = at + count > weights.size() ? 0 : at;
                    MatVec product{in_[p].get(), out_[p].get(), to.in, to.columns, to.in, to.parts, {}, {}, 0};
                    const bf16* weight = weights.get() + at;
                    int tiles = 0;
                    for (int part = 0; part < to.parts; part++) {
                        product.weight[part] = weight;
                        product.out[part] = to.part[part].out;
                        weight += size_t(to.part[part].out) * to.in;
                        tiles += divide_up(to.part[part].out, MATVEC_OUT);
                    }
                    at += count;
                    bool inside = shrinks == Shrink::INSIDE || shrinks == Shrink::FUSED;
                    if (tokens_ <= DECODE_PRODUCT_MOST_ROWS) {
                        DecodeProduct call{};
                        call.product = product;
                        call.partial = partial_.get();
                        if (shrinks == Shrink::FUSED && launch_finished(stream, p, call, to, adapters)) {
                            continue;
                        }
                        launch_decode_product(stream, divide_up(tokens_, 16), multiprocessors, device_step_, call,
                                              inside ? &to : nullptr);
                    } else if (!inside) {
                        launch(stream, true, 1, tiles, 128, matvec_tokens, device_step_, product);
                    } else {
                        int blocks = std::min(tokens_ * to.parts * 16 * shrinking::rank_shares(to), most_shrink);
                        launch(stream, true, 1, tiles + blocks, 128, matvec_shrink, device_step_, product, to,
                               blocks);
                    }
                    if (!adapters) {
                        to.shrunk = nullptr;
                    }
                    if (!alone) {
                        launch_consumer(stream, true, layer, p, to);
                    }
                }
            }
        }) / LAYERS;
    }

    // A layer's products, by cuBLASLt, and consumers: without adapters, or shrunk somewhere (INSIDE: on a stream beside).
    double layers(const Buffer<bf16>& weights, const check::CublasLt& blas, bool adapters, Shrink shrinks) {
        std::vector<check::CublasLt::Product> product;
        for (int p = 0; p < 4; p++) {
            product.push_back(blas.product(tokens_, lora(0, p).columns, PROJECTIONS[p].in, false, 1));
        }
        cudaStream_t side;
        cudaEvent_t fork;
        cudaEvent_t join;
        CHECK(cudaStreamCreateWithPriority(&side, cudaStreamNonBlocking, 0));
        CHECK(cudaEventCreateWithFlags(&fork, cudaEventDisableTiming));
        CHECK(cudaEventCreateWithFlags(&join, cudaEventDisableTiming));
        double us = time_stream([&](cudaStream_t stream) {
            size_t at = 0;
            for (int layer = 0; layer < LAYERS; layer++) {
                for (int p = 0; p < 4; p++) {
                    Lora to = lora(layer, p);
                    if (shrinks == Shrink::IN_FRONT) {
                        launch_shrink(stream, true, to, in_[p].get());
                    } else if (shrinks == Shrink::INSIDE) {
                        CHECK(cudaEventRecord(fork, stream));
                        CHECK(cudaStreamWaitEvent(side, fork));
                        launch_shrink(side, false, to, in_[p].get());
                        CHECK(cudaEventRecord(join, side));
                    }
                    size_t count = size_t(to.columns) * to.in;
                    at = at + count > weights.size() ? 0 : at;
                    blas.run(product[p], 0, in_[p].get(), weights.get() + at, out_[p].get(), stream);
                    at += count;
                    if (shrinks == Shrink::INSIDE) {
                        CHECK(cudaStreamWaitEvent(stream, join));
                    }
                    if (!adapters) {
                        to.shrunk = nullptr;
                    }
                    launch_consumer(stream, shrinks != Shrink::INSIDE, layer, p, to);
                }
            }
        }) / LAYERS;
        CHECK(cudaEventDestroy(fork));
        CHECK(cudaEventDestroy(join));
        CHECK(cudaStreamDestroy(side));
        return us;
    }

  private:
    int stride() const { return divide_up(rank_, 16) * 16; }

    void launch_consumer(cudaStream_t stream, bool early, int layer, int p, const Lora& to) {
        if (prompt_ && many) {
            launch_consumer_of_many(stream, early, layer, p, to);
            return;
        }
        int tiles = prompt_ ? step_.host.all_tiles : tokens_;  // a recorded step may have a tile for each token
        int runs = divide_up(tiles, to.run);
        if (p == 0) {
            Rotation rotation{layer, 32, 8, 128, {}, {}, nullptr};
            launch(stream, early, 1, std::min(tiles * 24, most_rotate * multiprocessors), EXPAND_THREADS,
                   rotate_and_store, device_step_, to, rotation, out_[0].get());
        } else if (p == 2) {
            if (most_gate == 0) {
                launch(stream, early, 1, std::min(tiles * 56, 4 * multiprocessors), EXPAND_THREADS, gate_staged,
                       device_step_, to, out_[2].get(), in_[3].get());
                return;
            }
            launch(stream, early, 1, std::min(runs * 56, most_gate * multiprocessors), EXPAND_THREADS, gate,
                   device_step_, to, out_[2].get(), in_[3].get());
        } else {
            launch(stream, early, 8, std::min(tiles, multiprocessors / 4) * 8, ADD_NORM_THREADS, add_norm,
                   device_step_, to, NormWeight{norm_.get(), 0, 1e-5f}, out_[p].get(), hidden_.get(), in_[0].get());
        }
    }

    TileSquares squares() const { return {squares_.get(), HIDDEN / DECODE_PRODUCT_OUT, HIDDEN, 1e-5f, 0}; }

    // A product and what finishes it in one launch, if there is a kernel.
    bool launch_finished(cudaStream_t stream, int p, const DecodeProduct& call, Lora to, bool adapters) {
        if (tokens_ > FUSED_MOST_ROWS) {
            return false;
        }
        if (adapters) {
            left_.set(to);
        }
        if (p == 0) {
            Rotation rotation{0, 32, 8, 128, {}, {}, nullptr};
            launch_product_rotate(stream, tokens_, multiprocessors, device_step_, call, to, rotation, squares(), out_[0].get());
        } else if (p == 2) {
            launch_product_gate(stream, tokens_, multiprocessors, device_step_, call, to, squares(), in_[3].get());
        } else {
            launch_product_add_norm(stream, tokens_, multiprocessors, device_step_, call, to,
                                    NormWeight{norm_.get(), 0, 1e-5f}, squares(), hidden_.get(),
                                    in_[0].get());
        }
        return true;
    }

    void launch_consumer_of_many(cudaStream_t stream, bool early, int layer, int p, const Lora& to) {
        int tiles = step_.host.all_tiles;
        int fours = divide_up(tiles, SUPER_TILE);
        if (p == 0) {
            Rotation rotation{layer, 32, 8, 128, {}, {}, nullptr};
            launch_rotate_prompt(stream, early, std::min(fours * 96, 4 * multiprocessors), device_step_, to, rotation, out_[0].get());
        } else if (p == 2) {
            launch_gate_prompt(stream, early, std::min(fours * (INTERMEDIATE / 64), 3 * multiprocessors), device_step_,
                               to, out_[2].get(), in_[3].get());
        } else {
            launch_add_norm_prompt(stream, early, tiles, device_step_, to,
                                   NormWeight{norm_.get(), 0, 1e-5f}, out_[p].get(), hidden_.get(), in_[0].get());
        }
    }

    static std::vector<Group> even_groups(int tokens, int adapters) {
        std::vector<Group> groups;
        for (int a = 0; a < adapters; a++) {
            groups.push_back({tokens / adapters + (a < tokens % adapters), a});
        }
        if (adapters == 0) {
            groups.push_back({tokens, -1});
        }
        return groups;
    }

    Lora lora(int layer, int projection) const {
        Lora to{};
        to.shrunk = shrunk_.get();
        to.in = PROJECTIONS[projection].in;
        to.rank_stride = stride();
        to.tokens = tokens_;
        to.prompt = prompt_;
        to.run = prompt_ ? 4 : 1;
        int slot = layer * SLOTS + (projection == 0 ? 0 : projection == 1 ? 3 : projection == 2 ? 4 : 6);
        for (int out : PROJECTIONS[projection].outs) {
            to.part[to.parts] = {slot + to.parts, out, to.columns, 0, nullptr};
            to.parts++;
            to.columns += out;
        }
        return to;
    }

    void launch_shrink(cudaStream_t stream, bool early, const Lora& to, const bf16* x) {
        if (prompt_) {
            launch_shrink_of_many(stream, early, shrink_grid(to, step_.host.tiles, begins_, multiprocessors), device_step_,
                                  to, x);
        } else {
            launch(stream, early, 1, std::min(step_.host.tiles * to.parts * 16, most_shrink), SHRINK_THREADS, shrink,
                   device_step_, to, x);
        }
    }

    static int expand_blocks(const Lora& to, int tiles) {
        int windows = 0;
        for (int p = 0; p < to.parts; p++) {
            windows += divide_up(to.part[p].out, WINDOW);
        }
        return std::min(divide_up(tiles, to.run) * windows, most_expand * multiprocessors);
    }

    Buffer<AdapterModule> make_adapter(int number) {
        std::vector<AdapterModule> modules;
        for (int layer = 0; layer < LAYERS; layer++) {
            for (const Projection& projection : PROJECTIONS) {
                for (int out : projection.outs) {
                    AdapterModule change{};
                    size_t seed = (size_t(number) * LAYERS + layer) * SLOTS + modules.size();
                    weights_.push_back(random_buffer<bf16>(size_t(rank_) * projection.in, seed, 0.01f));
                    change.a = weights_.back().get();
                    weights_.push_back(random_buffer<bf16>(size_t(rank_) * out, seed + 1, 0.01f));
                    change.b = weights_.back().get();
                    change.scaling = 1;
                    change.rank = rank_;
                    change.kind = MODULE_LOW_RANK;
                    modules.push_back(change);
                }
            }
        }
        return Buffer<AdapterModule>(modules);
    }

    int tokens_ = 0;
    int rank_;
    bool prompt_;
    int begins_ = 4;  // 4, 2 or 1, of which all groups' first tiles are multiples
    double bytes_ = 0;
    double floor_ = 0;
    double added_ = 0;
    double floor_of_consumers_ = 0;
    Buffer<float> squares_ = Buffer<float>(std::vector<float>(size_t(FUSED_MOST_ROWS) * HIDDEN / DECODE_PRODUCT_OUT, 64));
    TestStep step_;
    const Step* device_step_ = nullptr;
    std::vector<Buffer<bf16>> weights_;
    std::vector<Buffer<AdapterModule>> modules_;
    Buffer<float> shrunk_;
    LeftShrunk left_;
    std::vector<Buffer<bf16>> in_;
    std::vector<Buffer<bf16>> out_;
    Buffer<float> hidden_;
    Buffer<bf16> norm_;
    Buffer<float> frequencies_;
    Buffer<float> partial_ = Buffer<float>(size_t(multiprocessors) * DECODE_PRODUCT_MOST_ROWS * DECODE_PRODUCT_OUT);
    Buffer<unsigned char> cache_;
};

void time_products(int rank, double bytes_per_us, bool brief) {
    Buffer<bf16> weights = random_buffer<bf16>(size_t(1) << 29, 5, 0.02f);
    std::printf("%11s | %8s %8s %8s | %8s %8s\n", "M/D", "without", "fused", "expand", "in front", "inside, fused");
    struct {
        int tokens;
        int adapters;
    } table[] = {{1, 1}, {2, 2}, {4, 1}, {4, 4}, {8, 1}, {8, 4}, {8, 8}, {16, 16}, {32, 1}, {32, 8}, {32, 32}, {48, 8}, {48, 48}, {64, 1}, {64, 8}, {64, 32}, {64, 64}};
    for (auto [tokens, adapters] : table) {
        if (adapters * rank > MOST_RANKS || (brief && tokens != 1 && tokens != 8 && tokens < 32)) {
            continue;
        }
        Bench bench(tokens, adapters, rank, bytes_per_us);
        std::printf("%6d/%-4d | %8.2f %8.2f %8.2f |", tokens, adapters,
                    bench.products(weights, false, Bench::Shrink::NONE),
                    bench.products(weights, false, Bench::Shrink::FUSED),
                    bench.products(weights, true, Bench::Shrink::NONE));
        for (auto shrinks : {Bench::Shrink::IN_FRONT, Bench::Shrink::INSIDE, Bench::Shrink::FUSED}) {
            if (brief && shrinks == Bench::Shrink::IN_FRONT) {
                continue;
            }
            std::printf(" %8.2f", bench.products(weights, true, shrinks));
        }
        std::printf("\n");
    }
}

// One projection alone.
void time_projection(int rank, double bytes_per_us, int p) {
    Buffer<bf16> weights = random_buffer<bf16>(size_t(1) << 29, 5, 0.02f);
    std::printf("%11s | product, finished, fused | the same with adapters\n", "M/D");
    for (auto [tokens, adapters] : {std::pair{1, 1}, {8, 8}, {32, 8}, {32, 32}, {48, 48}, {64, 8}, {64, 64}}) {
        Bench bench(tokens, adapters, rank, bytes_per_us);
        std::printf("%6d/%-4d |", tokens, adapters);
        for (bool with : {false, true}) {
            auto shrinks = with ? Bench::Shrink::INSIDE : Bench::Shrink::NONE;
            std::printf(" %7.2f", bench.products(weights, with, shrinks, p, true));
            std::printf(" %7.2f", bench.products(weights, with, shrinks, p));
            std::printf(" %7.2f |", bench.products(weights, with, Bench::Shrink::FUSED, p));
        }
        std::printf("\n");
    }
}

void time_idle(int rank, double bytes_per_us) {
    Buffer<bf16> weights = random_buffer<bf16>(size_t(1) << 29, 5, 0.02f);
    std::printf("%4s | %s\n", "rows", "without, with; the same by projection");
    for (int rows : {8, 16, 32, 48, 64}) {
        Bench bench(std::vector<Group>{{rows, -1}}, rank, bytes_per_us);
        std::printf("%4d |", rows);
        for (int only : {-1, 0, 1, 2, 3}) {
            for (bool with : {false, true}) {
                std::printf(" %7.2f", bench.products(weights, with, Bench::Shrink::FUSED, only));
            }
            std::printf(" ;");
        }
        std::printf("\n");
    }
}

void time_consumers(int rank, double bytes_per_us, int tokens, int adapters) {
    std::printf("%11s | %s\n", "M/D", "with adapters: qkv, o, gate_up, down; without; all with, without");
    struct {
        int tokens;
        int adapters;
    } table[] = {{1, 1}, {8, 8}, {16, 16}, {32, 8}, {32, 32}, {64, 8}, {64, 64}, {128, 32}};
    for (auto [table_tokens, table_adapters] : table) {
        if ((tokens > 0 && (table_tokens != tokens || table_adapters != adapters)) || table_adapters * rank > MOST_RANKS) {
            continue;
        }
        Bench bench(table_tokens, table_adapters, rank, bytes_per_us);
        std::printf("%6d/%-4d |", table_tokens, table_adapters);
        for (bool with : {true, false}) {
            for (int p = 0; p < 4; p++) {
                std::printf(" %6.2f", bench.consumers(true, false, with, p));
            }
            std::printf(" ;");
        }
        for (bool with : {true, false}) {
            std::printf(" %6.2f", bench.consumers(true, false, with));
        }
        std::printf("\n");
    }
}

struct PromptLoad {
    const char* name;
    std::vector<Group> groups;
};

std::vector<PromptLoad> prompt_loads() {
    std::vector<Group> skewed{{1024, 0}, {512, 1}, {256, 2}, {128, 3}, {64, 4}, {32, 5}, {16, 6}, {16, 7}};
    std::vector<Group> mixed{{1024, 0}};
    for (int a = 1; a <= 48; a++) {
        mixed.push_back({1, a});
    }
    return {{"512/1", {{512, 0}}},
            {"1024/2", {{512, 0}, {512, 1}}},
            {"2048/4", {{512, 0}, {512, 1}, {512, 2}, {512, 3}}},
            {"4096/8", {{512, 0}, {512, 1}, {512, 2}, {512, 3}, {512, 4}, {512, 5}, {512, 6}, {512, 7}}},
            {"2048 skewed", skewed},
            {"1024/1 + 48/48", mixed}};
}

void time_layers(int rank, double bytes_per_us, const std::string& only) {
    auto blas = check::CublasLt::open();
    if (blas == nullptr) {
        return;
    }
    Buffer<bf16> weights = random_buffer<bf16>(size_t(1) << 29, 5, 0.02f);
    std::printf("%16s | %8s | %8s %8s %8s | %8s %8s\n", "M/D", "without", "expand", "in front", "beside", "added", "added");
    for (auto& [name, groups] : prompt_loads()) {
        if (!only.empty() && only != name) {
            continue;
        }
        Bench bench(groups, rank, bytes_per_us);
        double us[4];
        us[0] = bench.layers(weights, *blas, false, Bench::Shrink::NONE);
        us[1] = bench.layers(weights, *blas, true, Bench::Shrink::NONE);
        us[2] = bench.layers(weights, *blas, true, Bench::Shrink::IN_FRONT);
        us[3] = bench.layers(weights, *blas, true, Bench::Shrink::INSIDE);
        us[0] = std::min(us[0], bench.layers(weights, *blas, false, Bench::Shrink::NONE));
        std::printf("%16s | %8.1f | %8.1f %8.1f %8.1f | %8.1f %8.1f\n", name, us[0], us[1], us[2], us[3], us[2] - us[0],
                    us[3] - us[0]);
    }
}

void time_prompts(int rank, double bytes_per_us, const std::string& only) {
    std::printf("%16s | %7s %7s | %7s %7s | %7s %7s %7s | %s\n", "M/D", "floor", "shrink", "floor", "without", "expand",
                "all", "added", "qkv, o, gate_up, down: without / expand");
    for (auto& [name, groups] : prompt_loads()) {
        if (only.empty() || only == name) {
            Bench bench(groups, rank, bytes_per_us);
            double without = bench.consumers(true, false, false);
            double all = bench.consumers(true, true, true);
            std::printf("%16s | %7.2f %7.2f | %7.2f %7.2f | %7.2f %7.2f %7.2f |", name,
                        bench.floor_of_added(), bench.shrink_and_expand(true, true, false),
                        bench.floor_of_consumers(), without, bench.consumers(true, false, true), all, all - without);
            for (int p = 0; p < 4; p++) {
                std::printf(" %.1f/%.1f", bench.consumers(true, false, false, p), bench.consumers(true, false, true, p));
            }
            std::printf(" ; shrinks");
            for (int p = 0; p < 4; p++) {
                std::printf(" %.1f", bench.shrink_and_expand(true, true, false, p));
            }
            std::printf("\n");
        }
    }
}

}  // namespace

int main(int count, char** arguments) {
    std::setvbuf(stdout, nullptr, _IOLBF, 1 << 16);
    int rank = count > 1 ? std::atoi(arguments[1]) : 16;
    bool projection = count > 3 && std::string(arguments[2]) == "projection";
    bool products = count > 2 && std::string(arguments[2]) == "products";
    if (count > 5 && std::isdigit(arguments[2][0])) {
        most_shrink = std::atoi(arguments[2]);
        most_expand = std::atoi(arguments[3]);
        most_gate = std::atoi(arguments[4]);
        most_rotate = std::atoi(arguments[5]);
    }
    int most_tokens = count > 6 ? std::atoi(arguments[6]) : 1 << 20;
    bool brief = count > 7;
    cudaDeviceProp properties;
    CHECK(cudaGetDeviceProperties(&properties, 0));
    multiprocessors = properties.multiProcessorCount;
    double bytes_per_us = bandwidth();
    std::printf("%s, copies at %.2f TB/s, reads at %.2f TB/s, rank %d; microseconds a layer\n", properties.name,
                bytes_per_us / 1e6, read_bandwidth() / 1e6, rank);
    if (count > 2 && std::string(arguments[2]) == "prompts") {
        time_prompts(rank, bytes_per_us, count > 3 ? arguments[3] : "");
        return 0;
    }
    if (count > 2 && std::string(arguments[2]) == "layers") {
        time_layers(rank, bytes_per_us, count > 3 ? arguments[3] : "");
        return 0;
    }
    if (count <= 2 || std::isdigit(arguments[2][0])) std::printf("%11s %7s | %7s %7s %7s %7s | %7s %7s %7s | %s\n", "M/D", "floor", "both", "no PDL", "shrink", "expand",
                "consume", "+expand", "+shrink", "with adapters: qkv, o, gate_up, down; without");
    if (projection) {
        time_projection(rank, bytes_per_us, std::atoi(arguments[3]));
        return 0;
    }
    if (products) {
        time_products(rank, bytes_per_us, count > 3);
        return 0;
    }
    if (count > 2 && std::string(arguments[2]) == "idle") {
        time_idle(rank, bytes_per_us);
        return 0;
    }
    if (count > 2 && std::string(arguments[2]) == "consumers") {
        time_consumers(rank, bytes_per_us, count > 4 ? std::atoi(arguments[3]) : 0, count > 4 ? std::atoi(arguments[4]) : 0);
        return 0;
    }
    Buffer<uint4> weights(size_t(1) << 26);
    struct {
        int tokens;
        int adapters;
    } table[] = {{1, 1}, {8, 8}, {32, 8}, {64, 8}, {64, 64}, {128, 32}, {512, 1}, {2048, 4}, {4096, 8},
                 {1, 0}, {8, 0}, {32, 0}, {64, 0}, {128, 0}, {512, 0}, {2048, 0}, {4096, 0}};
    for (auto [tokens, adapters] : table) {
        if (tokens > most_tokens || (brief && adapters == 0)) {
            continue;
        }
        Bench bench(tokens, adapters, rank, bytes_per_us);
        double layer = brief || tokens > 128 ? 0 : bench.step(weights, false, false);
        std::printf("%6d/%-4d %7.2f |", tokens, adapters, bench.floor());
        if (adapters == 0) {
            std::printf(" consumers %7.2f:", bench.consumers(true, false, false));
            for (int p = 0; p < 4; p++) {
                std::printf(" %6.2f", bench.consumers(true, false, false, p));
            }
            std::printf(" ; step %7.2f\n", layer);
            continue;
        }
        std::printf(" %7.2f", bench.shrink_and_expand(true, true, true));
        std::printf(" %7.2f", bench.shrink_and_expand(false, true, true));
        std::printf(" %7.2f", bench.shrink_and_expand(true, true, false));
        std::printf(" %7.2f |", bench.shrink_and_expand(true, false, true));
        std::printf(" %7.2f", bench.consumers(true, false, false));
        std::printf(" %7.2f", bench.consumers(true, false, true));
        std::printf(" %7.2f |", bench.consumers(true, true, true));
        if (brief) {
            std::printf("\n");
            continue;
        }
        for (int p = 0; p < 4; p++) {
            std::printf(" %6.2f", bench.consumers(true, false, true, p));
        }
        std::printf(" ;");
        for (int p = 0; p < 4; p++) {
            std::printf(" %6.2f", bench.consumers(true, false, false, p));
        }
        if (layer > 0) {
            std::printf(" ; step %7.2f beside %7.2f in front %7.2f", layer, bench.step(weights, true, true),
                        bench.step(weights, true, false));
        }
        std::printf("\n");
    }
}

// Attention kernels against double precision, and their times. Arguments: seed, number of random cases, "time" or
// "prompts".
#include "../../main/cuda/attention_decode.cu"
#include "../../main/cuda/attention_invariant.cu"
#include "../../main/cuda/attention_prompt.cu"
#include "check.cuh"

using namespace lorikeet;
using check::Buffer;
using check::Random;

namespace {

using Kernel = void (*)(const Step*, Attention);

struct Decode {
    const char* name;
    Kernel kernel;
    int from, to;  // head sizes
};

const Decode DECODE[] = {
    {"decode_64", attention_decode_64, 64, 64},
    {"decode_128", attention_decode_128, 128, 128},
    {"decode_256", attention_decode_256, 256, 256},
    {"decode_within_128", attention_decode_within_128, 8, 128},
    {"decode_within_256", attention_decode_within_256, 8, 256},
    {"decode_many_128", attention_decode_many_128, 128, 128},
};

struct Prompt {
    const char* name;
    Kernel kernel;
    int size;
};

const Prompt PROMPT[] = {
    {"prompt_64", attention_prompt_64, 64},
    {"prompt_80", attention_prompt_80, 80},
    {"prompt_96", attention_prompt_96, 96},
    {"prompt_128", attention_prompt_128, 128},
    {"prompt_256", attention_prompt_256, 256},
};

// To the same bits in any company.
const Prompt INVARIANT_DECODE[] = {
    {"invariant_decode_64", attention_invariant_decode_64, 64},
    {"invariant_decode_128", attention_invariant_decode_128, 128},
    {"invariant_decode_256", attention_invariant_decode_256, 256},
};

const Prompt INVARIANT_PROMPT[] = {
    {"invariant_prompt_64", attention_invariant_prompt_64, 64},
    {"invariant_prompt_128", attention_invariant_prompt_128, 128},
    {"invariant_prompt_256", attention_invariant_prompt_256, 256},
};

int rows_of(const Prompt& prompt) { return prompt.size == 256 ? 64 : 128; }

struct Shape {
    int heads, kv_heads, head_size, window, layers, layer;

    int head_tiles() const { return (heads / kv_heads + ATTENTION_HEADS - 1) / ATTENTION_HEADS; }
    size_t head_bytes() const { return sizeof(__nv_bfloat16) * BLOCK_TOKENS * head_size; }
    size_t block_bytes() const { return 2 * head_bytes() * layers * kv_heads; }
    size_t stride() const { return (block_bytes() + ADDRESS_UNIT - 1) / ADDRESS_UNIT * ADDRESS_UNIT; }
    size_t key_offset() const { return head_bytes() * 2 * layer * kv_heads; }
    size_t value_offset() const { return head_bytes() * (2 * layer + 1) * kv_heads; }
    int pitch() const { return (heads + 2 * kv_heads) * head_size; }
};

struct Sequence {
    int tokens, context;
};

// A batch in host and device memory. Cached tokens behind the context stay poisoned.
struct Batch {
    Shape shape;
    std::vector<Sequence> sequences;
    check::StepBuilder builder;
    std::vector<unsigned char> cache;
    std::vector<__nv_bfloat16> q;
    Buffer<unsigned char> device_cache{0};

    Batch(Random& random, Shape shape, std::vector<Sequence> sequences)
        : shape(shape), sequences(std::move(sequences)), device_cache(prepare(random)) {
        device_cache.upload(cache);
        builder.kv_base = device_cache.data();
    }

    const __nv_bfloat16* cached(size_t offset, int sequence, int position, int kv_head) const {
        const unsigned block = builder.block_table[builder.table_start[sequence] + position / BLOCK_TOKENS];
        const size_t at = static_cast<size_t>(block) * ADDRESS_UNIT + offset + kv_head * shape.head_bytes() +
                          sizeof(__nv_bfloat16) * (position % BLOCK_TOKENS) * shape.head_size;
        return reinterpret_cast<const __nv_bfloat16*>(cache.data() + at);
    }

  private:
    size_t prepare(Random& random) {
        int blocks = 0;
        for (const Sequence& sequence : sequences) {
            builder.table_start.push_back(blocks);
            blocks += (sequence.context + BLOCK_TOKENS - 1) / BLOCK_TOKENS;
        }
        std::vector<unsigned> order(blocks + 3);
        for (size_t i = 0; i < order.size(); i++) {
            order[i] = static_cast<unsigned>(i);
            std::swap(order[i], order[random.between(0, static_cast<int>(i))]);
        }
        cache.assign(order.size() * shape.stride(), 0xff);
        for (int i = 0; i < blocks; i++) {
            builder.block_table.push_back(static_cast<unsigned>(order[i] * (shape.stride() / ADDRESS_UNIT)));
        }
        int row = 0;
        for (size_t s = 0; s < sequences.size(); s++) {
            for (int i = 0; i < sequences[s].tokens; i++) {
                builder.ids.push_back(0);
                builder.positions.push_back(sequences[s].context - sequences[s].tokens + i);
                builder.token_sequence.push_back(static_cast<int>(s));
                builder.token_group.push_back(0);
            }
            row += sequences[s].tokens;
            builder.sequence_start.push_back(row);
            builder.context.push_back(sequences[s].context);
            for (int position = 0; position < sequences[s].context; position++) {
                for (int head = 0; head < shape.kv_heads; head++) {
                    for (const size_t offset : {shape.key_offset(), shape.value_offset()}) {
                        auto* to = const_cast<__nv_bfloat16*>(cached(offset, static_cast<int>(s), position, head));
                        for (int i = 0; i < shape.head_size; i++) {
                            to[i] = __float2bfloat16(random.normal());
                        }
                    }
                }
            }
        }
        builder.group_start.push_back(row);
        builder.group_adapter.push_back(nullptr);
        q = check::random_bf16(random, static_cast<size_t>(row) * shape.pitch(), 1.5f);
        return cache.size();
    }
};

std::vector<double> reference(const Batch& batch, int sequence, int token, int head, float scale) {
    const Shape& shape = batch.shape;
    const int size = shape.head_size;
    const int row = batch.builder.sequence_start[sequence] + token;
    const int position = batch.builder.positions[row];
    const int from = shape.window > 0 ? std::max(0, position - shape.window + 1) : 0;
    const int kv_head = head / (shape.heads / shape.kv_heads);
    const __nv_bfloat16* q = batch.q.data() + static_cast<size_t>(row) * shape.pitch() + head * size;
    std::vector<double> weights;
    double max = -INFINITY;
    for (int p = from; p <= position; p++) {
        const __nv_bfloat16* k = batch.cached(shape.key_offset(), sequence, p, kv_head);
        double dot = 0;
        for (int i = 0; i < size; i++) {
            dot += static_cast<double>(__bfloat162float(q[i])) * __bfloat162float(k[i]);
        }
        weights.push_back(dot * scale);
        max = std::max(max, weights.back());
    }
    double sum = 0;
    std::vector<double> out(size, 0.0);
    for (int p = from; p <= position; p++) {
        const double weight = std::exp(weights[p - from] - max);
        const __nv_bfloat16* v = batch.cached(shape.value_offset(), sequence, p, kv_head);
        sum += weight;
        for (int i = 0; i < size; i++) {
            out[i] += weight * __bfloat162float(v[i]);
        }
    }
    for (double& value : out) {
        value /= sum;
    }
    return out;
}

int tiles_of(const std::vector<Sequence>& sequences, const Shape& shape, int rows) {
    int tiles = 0;
    for (const Sequence& sequence : sequences) {
        tiles += sequence.tokens > 1 ? (sequence.tokens * (shape.heads / shape.kv_heads) + rows - 1) / rows : 0;
    }
    return tiles;
}

struct Run {
    Attention attention;
    Buffer<__nv_bfloat16> q, out;
    Buffer<float> partial;
    Buffer<unsigned> arrived;

    Run(const Shape& shape, const std::vector<__nv_bfloat16>& queries, int rows, int sequences, int splits,
        int split_blocks)
        : attention{},
          q(queries),
          out(static_cast<size_t>(rows) * shape.heads * shape.head_size),
          partial(static_cast<size_t>(sequences) * shape.kv_heads * shape.head_tiles() * splits *
                  (ATTENTION_HEADS * shape.head_size + 16)),
          arrived(static_cast<size_t>(sequences) * shape.kv_heads * shape.head_tiles()) {
        arrived.zero();
        attention.q = q.data();
        attention.out = out.data();
        attention.q_pitch = shape.pitch();
        attention.out_pitch = shape.heads * shape.head_size;
        attention.heads = shape.heads;
        attention.kv_heads = shape.kv_heads;
        attention.head_size = shape.head_size;
        attention.window = shape.window;
        attention.scale = static_cast<float>(1 / std::sqrt(shape.head_size));
        attention.splits = splits;
        attention.split_blocks = split_blocks;
        attention.key_offset = static_cast<long long>(shape.key_offset());
        attention.value_offset = static_cast<long long>(shape.value_offset());
        attention.partial = partial.data();
        attention.arrived = arrived.data();
    }
};

void launch_decode(const Decode& decode, const Step* step, const Run& run, const Shape& shape, int sequences,
                   cudaStream_t stream) {
    const dim3 grid(shape.kv_heads * shape.head_tiles(), sequences, run.attention.splits);
    check::launch_overlapping(decode.kernel, grid, decode.to == 256 ? 128 : 256, 0, stream, step, run.attention);
}

void launch_prompt(const Prompt& prompt, const Step* step, const Run& run, const Shape& shape, int tiles,
                   cudaStream_t stream) {
    static const bool wgmma = [] {
        cudaDeviceProp properties;
        CUDA(cudaGetDeviceProperties(&properties, 0));
        return properties.major == 9;
    }();
    const int shared = wgmma ? attention_prompt_wgmma_bytes(prompt.size) : attention_prompt_mma_bytes(prompt.size);
    CUDA(cudaFuncSetAttribute(prompt.kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, shared));
    check::launch_overlapping(prompt.kernel, dim3(shape.kv_heads, tiles), 256, shared, stream, step,
                              run.attention);
}

double random_case(Random& random, uint64_t seed, bool large) {
    Shape shape;
    shape.kv_heads = random.between(1, 3);
    shape.heads = shape.kv_heads * random.pick({1, 2, 3, 4, 7, 8, 9, 17});
    shape.head_size = random.pick({8, 16, 24, 32, 40, 64, 64, 72, 80, 96, 112, 128, 128, 128, 160, 192, 248, 256});
    shape.window = random.pick({0, 0, 1, 5, 16, 33, 100});
    shape.layers = random.between(1, 2);
    shape.layer = random.between(0, shape.layers - 1);
    std::vector<Sequence> sequences(random.between(1, large ? 40 : 4));
    const int longest = large && sequences.size() < 5 ? 700 : 90;
    for (Sequence& sequence : sequences) {
        sequence.tokens = random.between(0, 1) == 0 ? 1 : random.between(1, longest / 2);
        sequence.context = sequence.tokens + random.pick({0, random.between(0, longest)});
    }
    const Batch batch(random, shape, sequences);
    const check::DeviceStep step(batch.builder);
    const int rows = batch.builder.sequence_start.back();
    const int bound = static_cast<int>(sequences.size()) + random.between(0, 2);
    Run run(shape, batch.q, rows, bound, random.pick({1, 2, 3, 8, 16}), random.pick({1, 2, 4, 9}));

    std::vector<Decode> decodes;
    for (const Decode& decode : DECODE) {
        if (shape.head_size >= decode.from && shape.head_size <= decode.to) {
            decodes.push_back(decode);
        }
    }
    std::vector<Prompt> prompts;
    for (const Prompt& prompt : PROMPT) {
        if (shape.head_size <= prompt.size) {
            prompts.push_back(prompt);
        }
    }
    const Decode decode = decodes[random.between(0, static_cast<int>(decodes.size()) - 1)];
    const Prompt prompt = prompts[random.between(0, static_cast<int>(prompts.size()) - 1)];
    const std::string name = check::text(
        "seed %llu: %s + %s, heads %d/%d of %d, window %d, %zu sequences, %d splits of %d blocks",
        static_cast<unsigned long long>(seed), decode.name, prompt.name, shape.heads, shape.kv_heads, shape.head_size,
        shape.window, sequences.size(), run.attention.splits, run.attention.split_blocks);

    std::vector<__nv_bfloat16> first;
    for (int repeat = 0; repeat < 2; repeat++) {
        run.out.poison();
        launch_decode(decode, step.get(), run, shape, bound, nullptr);
        launch_prompt(prompt, step.get(), run, shape, tiles_of(sequences, shape, rows_of(prompt)) + 2, nullptr);
        CUDA(cudaDeviceSynchronize());
        const std::vector<__nv_bfloat16> out = run.out.download();
        if (repeat == 0) {
            first = out;
        } else {
            check::expect(std::memcmp(first.data(), out.data(), 2 * out.size()) == 0, name + ": the bits differ");
        }
    }
    if (decode.kernel == attention_decode_many_128) {
        launch_decode(DECODE[1], step.get(), run, shape, bound, nullptr);
        CUDA(cudaDeviceSynchronize());
        const std::vector<__nv_bfloat16> out = run.out.download();
        check::expect(std::memcmp(first.data(), out.data(), 2 * out.size()) == 0,
                      name + ": other bits than those of decode_128");
    }
    for (const unsigned count : run.arrived.download()) {
        check::expect(count == 0, name + ": a counter isn't 0 again");
    }
    double worst = 0;
    for (size_t s = 0; s < sequences.size(); s++) {
        for (int token = 0; token < sequences[s].tokens; token++) {
            const int head = random.between(0, shape.heads - 1);
            const bool edge = token == 0 || token == sequences[s].tokens - 1;
            for (int h = edge ? 0 : head; h < (edge ? shape.heads : head + 1); h++) {
                const std::vector<double> want =
                    reference(batch, static_cast<int>(s), token, h, run.attention.scale);
                check::Error error;
                for (int i = 0; i < shape.head_size; i++) {
                    const size_t at = static_cast<size_t>(batch.builder.sequence_start[s] + token) * shape.heads *
                                          shape.head_size + h * shape.head_size + i;
                    error.add(__bfloat162float(first[at]), want[i]);
                }
                worst = std::max(worst, error.relative());
                if (!(error.relative() < 1.5e-2)) {
                    check::expect(false, name + check::text(": sequence %zu (%d of %d), token %d, head %d: error %g",
                                                            s, sequences[s].tokens, sequences[s].context, token, h,
                                                            error.relative()));
                    return worst;
                }
            }
        }
    }
    return worst;
}

// Attention to the same bits in any company; `places`: for the sums of so many ranges of each sequence.
struct InvariantRun {
    Run run;
    int head_tiles;
    int sequences;
    int splits;
    Buffer<float> partial;
    Buffer<unsigned> arrived;

    InvariantRun(const Shape& shape, const std::vector<__nv_bfloat16>& queries, int rows, int sequences_, int size, int splits_,
                 int places)
        : run(shape, queries, rows, 1, 1, places),
          head_tiles((shape.heads / shape.kv_heads + ATTENTION_INVARIANT_ROWS - 1) / ATTENTION_INVARIANT_ROWS),
          sequences(sequences_),
          splits(splits_),
          partial(pairs(shape) * places * std::min(shape.heads / shape.kv_heads, ATTENTION_INVARIANT_ROWS) * (size + 4)),
          arrived(std::vector<unsigned>(pairs(shape), 0)) {
        run.attention.splits = 0;  // the first sequence
        run.attention.partial = partial.data();
        run.attention.arrived = arrived.data();
    }

    size_t pairs(const Shape& shape) const { return static_cast<size_t>(sequences) * shape.kv_heads * head_tiles; }

    void launch(int index, const Step* step, const Shape& shape, int tiles, cudaStream_t stream) const {
        const Prompt& decode = INVARIANT_DECODE[index];
        int shared = attention_invariant_decode_bytes(decode.size);
        CUDA(cudaFuncSetAttribute(decode.kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, shared));
        check::launch_overlapping(decode.kernel, dim3(shape.kv_heads * head_tiles, sequences, splits),
                                  32 * ATTENTION_INVARIANT_WARPS, shared, stream, step, run.attention);
        if (tiles > 0) {
            const Prompt& prompt = INVARIANT_PROMPT[index];
            shared = attention_invariant_prompt_bytes(prompt.size);
            CUDA(cudaFuncSetAttribute(prompt.kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, shared));
            check::launch_overlapping(prompt.kernel, dim3(shape.kv_heads, tiles), 256, shared, stream, step,
                                      run.attention);
        }
    }
};

// A prompt in pieces, single tokens among them, beside other pieces of it, has the bits of the whole one.
double pieces_case(Random& random, uint64_t seed) {
    Shape shape;
    shape.kv_heads = random.between(1, 3);
    shape.heads = shape.kv_heads * random.pick({1, 3, 4, 8, 17});
    shape.head_size = random.pick({40, 64, 80, 96, 128, 128, 256});
    shape.window = random.pick({0, 0, 5, 100, 300});
    shape.layers = 1;
    shape.layer = 0;
    const int tokens = random.between(1, 400);
    const int context = tokens + random.pick({0, random.between(0, 300), random.between(0, 2000)});
    const Batch batch(random, shape, {{tokens, context}});
    int index = 0;
    while (INVARIANT_DECODE[index].size < shape.head_size) {
        index++;
    }
    const int size = INVARIANT_DECODE[index].size;
    const std::string name = check::text(
        "seed %llu: size %d, heads %d/%d of %d, window %d, %d of %d tokens", static_cast<unsigned long long>(seed),
        size, shape.heads, shape.kv_heads, shape.head_size, shape.window, tokens, context);
    // Pieces, as sequences of one step that share their cache.
    const auto compute = [&](const std::vector<std::pair<int, int>>& pieces) {
        check::StepBuilder builder = batch.builder;
        std::vector<__nv_bfloat16> q;
        std::vector<Sequence> sequences;
        builder.sequence_start = {0};
        builder.ids.clear();
        builder.positions.clear();
        builder.token_sequence.clear();
        builder.token_group.clear();
        builder.context.clear();
        builder.table_start.clear();
        for (const auto& [first, count] : pieces) {
            for (int i = 0; i < count; i++) {
                builder.ids.push_back(0);
                builder.positions.push_back(context - tokens + first + i);
                builder.token_sequence.push_back(static_cast<int>(sequences.size()));
                builder.token_group.push_back(0);
            }
            builder.sequence_start.push_back(builder.sequence_start.back() + count);
            builder.context.push_back(context - tokens + first + count);
            builder.table_start.push_back(0);
            sequences.push_back({count, builder.context.back()});
            q.insert(q.end(), batch.q.begin() + static_cast<ptrdiff_t>(first) * shape.pitch(),
                     batch.q.begin() + static_cast<ptrdiff_t>(first + count) * shape.pitch());
        }
        const int rows = builder.sequence_start.back();
        builder.group_start.back() = rows;
        const check::DeviceStep step(builder);
        const InvariantRun run(shape, q, rows, static_cast<int>(pieces.size()), size,
                               random.pick({1, 2, 5}), random.pick({1, 2, 3, 8, 20}));
        run.launch(index, step.get(), shape, tiles_of(sequences, shape, size == 256 ? 64 : 128), nullptr);
        CUDA(cudaDeviceSynchronize());
        for (const unsigned count : run.arrived.download()) {
            check::expect(count == 0, name + ": a counter isn't 0 again");
        }
        return run.run.out.download();
    };
    const std::vector<__nv_bfloat16> whole = compute({{0, tokens}});
    const int row_values = shape.heads * shape.head_size;
    for (int first = 0; first < tokens;) {
        std::vector<std::pair<int, int>> pieces;
        for (int i = random.between(1, 4); i > 0 && first < tokens; i--) {
            const int count = std::min(tokens - first, random.pick({1, 1, 2, random.between(1, 150)}));
            pieces.emplace_back(first, count);
            first += count;
        }
        const std::vector<__nv_bfloat16> got = compute(pieces);
        const size_t at = static_cast<size_t>(pieces.front().first) * row_values;
        check::expect(std::memcmp(whole.data() + at, got.data(), 2 * got.size()) == 0,
                      name + check::text(": %zu pieces from %d on have other bits", pieces.size(), pieces.front().first));
    }
    check::Error error;
    for (int i = 0; i < 6; i++) {
        const int token = i == 0 ? tokens - 1 : random.between(0, tokens - 1);
        const int head = random.between(0, shape.heads - 1);
        const std::vector<double> want = reference(batch, 0, token, head, static_cast<float>(1 / std::sqrt(shape.head_size)));
        for (int d = 0; d < shape.head_size; d++) {
            error.add(__bfloat162float(whole[static_cast<size_t>(token) * row_values + head * shape.head_size + d]), want[d]);
        }
    }
    check::expect(error.relative() < 1.5e-2, name + check::text(": error %g", error.relative()));
    return error.relative();
}

// Attention of a model's layers, one after another, as in a step: enough layers that the L2 cache doesn't hold the cache.
// `invariant`: by the kernel for any company instead, of heads of 128.
void time_decode(const Decode& decode, Shape shape, int sequences, int context, int splits, int split_blocks,
                 double copy_rate, bool invariant = false) {
    const size_t bytes = 2 * shape.head_bytes() * shape.kv_heads * sequences * context / BLOCK_TOKENS;
    shape.layers = static_cast<int>(std::min<size_t>(64, 1 + (256 << 20) / bytes));
    const int blocks = sequences * (context / BLOCK_TOKENS);
    Buffer<__nv_bfloat16> cache(static_cast<size_t>(blocks) * shape.block_bytes() / 2);
    check::randomise(cache, 1);
    check::StepBuilder builder;
    builder.kv_base = reinterpret_cast<unsigned char*>(cache.data());
    for (int s = 0; s < sequences; s++) {
        builder.ids.push_back(0);
        builder.positions.push_back(context - 1);
        builder.token_sequence.push_back(s);
        builder.token_group.push_back(0);
        builder.sequence_start.push_back(s + 1);
        builder.context.push_back(context);
        builder.table_start.push_back(s * (context / BLOCK_TOKENS));
    }
    for (int i = 0; i < blocks; i++) {
        const size_t block = static_cast<size_t>(i * 7 + 3) % blocks;
        builder.block_table.push_back(static_cast<unsigned>(block * shape.block_bytes() / ADDRESS_UNIT));
    }
    const check::DeviceStep step(builder);
    Random random{7};
    const std::vector<__nv_bfloat16> q =
        check::random_bf16(random, static_cast<size_t>(sequences) * shape.pitch(), 1.0f);
    Run run(shape, q, sequences, sequences, splits, split_blocks);
    InvariantRun other(shape, q, sequences, sequences, 128, splits, split_blocks);
    const double us = check::time_us(64, [&](cudaStream_t stream, int i) {
        shape.layer = i % shape.layers;
        run.attention.key_offset = static_cast<long long>(shape.key_offset());
        run.attention.value_offset = static_cast<long long>(shape.value_offset());
        other.run.attention.key_offset = run.attention.key_offset;
        other.run.attention.value_offset = run.attention.value_offset;
        if (invariant) {
            other.launch(1, step.get(), shape, 0, stream);
        } else {
            launch_decode(decode, step.get(), run, shape, sequences, stream);
        }
    });
    std::printf("%-18s %3d x %5d tokens, window %4d, %2d splits of %2d: %7.2f us, floor %7.2f us\n",
                invariant ? "invariant_decode" : decode.name,
                sequences, context, shape.window, splits, split_blocks, us,
                (shape.window > 0 ? static_cast<double>(bytes) * std::min(context, shape.window) / context : bytes) /
                    copy_rate);
}

void time_prompt(const Prompt& prompt, Shape shape, int tokens, int context, bool invariant = false) {
    shape.layers = 1;
    shape.layer = 0;
    const int blocks = context / BLOCK_TOKENS;
    Buffer<__nv_bfloat16> cache(static_cast<size_t>(blocks) * shape.block_bytes() / 2);
    check::randomise(cache, 1);
    check::StepBuilder builder;
    builder.kv_base = reinterpret_cast<unsigned char*>(cache.data());
    for (int i = 0; i < tokens; i++) {
        builder.ids.push_back(0);
        builder.positions.push_back(context - tokens + i);
    }
    builder.sequence_start.push_back(tokens);
    builder.context.push_back(context);
    builder.table_start.push_back(0);
    for (int i = 0; i < blocks; i++) {
        builder.block_table.push_back(static_cast<unsigned>((i * 7 + 3) % blocks * (shape.block_bytes() / ADDRESS_UNIT)));
    }
    const check::DeviceStep step(builder);
    Random random{7};
    Run run(shape, check::random_bf16(random, static_cast<size_t>(tokens) * shape.pitch(), 1.0f), tokens, 1, 1, 4);
    const int tiles = tiles_of({{tokens, context}}, shape, rows_of(prompt));
    const double us = check::time_us(8, [&](cudaStream_t stream, int) {
        if (invariant) {
            const int shared = attention_invariant_prompt_bytes(prompt.size);
            CUDA(cudaFuncSetAttribute(prompt.kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, shared));
            check::launch_overlapping(prompt.kernel, dim3(shape.kv_heads, tiles), 256, shared, stream, step.get(),
                                      run.attention);
        } else {
            launch_prompt(prompt, step.get(), run, shape, tiles, stream);
        }
    });
    double pairs = 0;
    for (int i = 0; i < tokens; i++) {
        const int seen = context - tokens + i + 1;
        pairs += shape.window > 0 ? std::min(seen, shape.window) : seen;
    }
    const double operations = 4.0 * pairs * shape.heads * shape.head_size;
    std::printf("%-18s %5d of %5d tokens, window %4d: %8.1f us, %5.0f TFLOP/s\n", prompt.name, tokens, context,
                shape.window, us, operations / us / 1e6);
}

void time_prompts() {
    const Shape llama = {32, 8, 128, 0, 1, 0};
    time_prompt(PROMPT[3], llama, 512, 512);
    time_prompt(PROMPT[3], llama, 2048, 2048);
    time_prompt(PROMPT[3], llama, 8192, 8192);
    time_prompt(PROMPT[3], llama, 512, 8192);
    time_prompt(PROMPT[3], {32, 8, 128, 1024, 1, 0}, 8192, 8192);
    time_prompt(PROMPT[0], {32, 8, 64, 0, 1, 0}, 4096, 4096);
    time_prompt(PROMPT[1], {32, 32, 80, 0, 1, 0}, 4096, 4096);
    time_prompt(PROMPT[2], {32, 8, 96, 0, 1, 0}, 4096, 4096);
    time_prompt(PROMPT[4], {16, 4, 256, 0, 1, 0}, 4096, 4096);
    time_prompt(PROMPT[4], {16, 4, 256, 1024, 1, 0}, 1024, 8192);
}

void time_all() {
    const double rate = check::copy_bytes_per_us();
    std::printf("copy: %.2f TB/s\n", rate / 1e6);
    const Shape llama = {32, 8, 128, 0, 1, 0};
    for (const int split_blocks : {4, 8, 64}) {
        time_decode(DECODE[1], llama, 1, 512, 16, split_blocks, rate);
        time_decode(DECODE[1], llama, 2, 512, 16, split_blocks, rate);
        time_decode(DECODE[1], llama, 4, 512, 8, split_blocks, rate);
        time_decode(DECODE[1], llama, 8, 512, 4, split_blocks, rate);
        time_decode(DECODE[1], llama, 8, 8192, 4, split_blocks, rate);
    }
    time_decode(DECODE[1], llama, 1, 8192, 16, 4, rate);
    time_decode(DECODE[1], llama, 1, 8192, 24, 4, rate);
    time_decode(DECODE[1], llama, 32, 512, 1, 64, rate);
    for (const auto& [sequences, context] : {std::pair{1, 512}, {8, 512}, {32, 512}, {64, 512}, {1, 2048}, {64, 2048}, {1, 8192},
                                             {8, 8192}, {1, 32768}}) {
        time_decode(DECODE[1], llama, sequences, context, std::max(1, std::min(64, 396 / (8 * sequences))),
                    std::max(1, std::min(128, 8192 / (8 * sequences))), rate, true);
    }
    for (const int sequences : {16, 24, 32, 48, 64, 128}) {
        time_decode(DECODE[1], llama, sequences, 512, 1, 64, rate);
        time_decode(DECODE[5], llama, sequences, 512, 1, 64, rate);
    }
    time_decode(DECODE[1], llama, 64, 2048, 1, 64, rate);
    time_decode(DECODE[5], llama, 64, 2048, 1, 64, rate);
    time_decode(DECODE[3], llama, 32, 512, 1, 64, rate);
    time_decode(DECODE[1], {32, 8, 128, 1024, 1, 0}, 32, 4096, 1, 64, rate);
    time_decode(DECODE[0], {32, 8, 64, 0, 1, 0}, 32, 2048, 1, 64, rate);
    time_decode(DECODE[3], {32, 8, 96, 0, 1, 0}, 32, 2048, 1, 64, rate);
    time_decode(DECODE[2], {16, 4, 256, 0, 1, 0}, 32, 2048, 2, 64, rate);
    time_decode(DECODE[1], {32, 32, 128, 0, 1, 0}, 32, 512, 1, 64, rate);
    time_prompts();
    time_prompt(INVARIANT_PROMPT[1], llama, 512, 512, true);
    time_prompt(INVARIANT_PROMPT[1], llama, 2048, 2048, true);
    time_prompt(INVARIANT_PROMPT[1], llama, 8192, 8192, true);
}

}  // namespace

int main(int argc, char** argv) {
    const uint64_t seed = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 1;
    const int cases = argc > 2 ? std::atoi(argv[2]) : 100;
    double worst = 0;
    for (int i = 0; i < cases && check::failures < 20; i++) {
        Random random{seed + i};
        worst = std::max(worst, random_case(random, seed + i, i % 4 == 3));
    }
    for (int i = 0; i < cases && check::failures < 20; i++) {
        Random random{seed + 1000 + i};
        worst = std::max(worst, pieces_case(random, seed + 1000 + i));
    }
    std::printf("%d cases from seed %llu, worst error %.2e\n", cases, static_cast<unsigned long long>(seed), worst);
    if (argc > 3) {
        std::string(argv[3]) == "prompts" ? time_prompts() : time_all();
    }
    return check::finish("attention_test");
}

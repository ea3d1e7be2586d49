// Products of few rows against double precision, and their times. Arguments: seed, number of random cases, "time".
#include "../../main/cuda/matvec.cu"
#include "product_case.cuh"

using namespace lorikeet;
using check::Buffer;
using check::Random;

namespace {

int blocks_of(const MatVec& product) {
    int blocks = 0;
    for (int part = 0; part < product.parts; part++) {
        blocks += (product.out[part] + MATVEC_OUT - 1) / MATVEC_OUT;
    }
    return blocks;
}

double product_case(Random& random, uint64_t seed) {
    const int rows = random.between(1, 8);
    const check::ProductCase given(random, rows, {8, 40, 400});
    MatVec product = given.product;
    const Buffer<__nv_bfloat16> y(static_cast<size_t>(rows) * product.y_pitch);
    const Buffer<float> logits(static_cast<size_t>(rows) * product.y_pitch);
    const check::DeviceStep step = check::step_of_rows(rows);
    product.y = y.data();
    check::launch_overlapping(matvec_tokens, dim3(blocks_of(product)), 128, 0, nullptr, step.get(), product);
    product.y = logits.data();
    check::launch_overlapping(matvec_outputs, dim3(blocks_of(product)), 128, 0, nullptr, step.get(), product);
    return given.check(given.name(seed), y.download(), logits.download());
}

void head_case(Random& random, uint64_t seed) {
    constexpr int SLOT = 3;
    const int hidden = 8 * random.between(1, 60);
    const int vocabulary = random.between(20, 700);
    check::StepBuilder builder;
    std::vector<std::vector<__nv_bfloat16>> weights;
    std::vector<std::vector<int>> ids;
    std::vector<int> kinds;
    std::vector<Buffer<__nv_bfloat16>> device_weights;
    std::vector<Buffer<int>> device_ids;
    std::vector<Buffer<AdapterModule>> adapters;
    int outputs = 0;
    for (int group = 0; group < 5; group++) {
        const int kind = random.pick<int>({-1, MODULE_NONE, MODULE_REPLACED, MODULE_REBASED, MODULE_TOKEN_ROWS});
        outputs += random.between(1, 20);
        builder.output_group_start.push_back(outputs);
        kinds.push_back(kind);
        ids.emplace_back();
        if (kind == MODULE_TOKEN_ROWS) {
            for (int token = random.between(0, 9); token < vocabulary; token += random.between(1, 30)) {
                ids.back().push_back(token);
            }
        }
        const int rows = kind == MODULE_TOKEN_ROWS ? static_cast<int>(ids.back().size()) : vocabulary;
        weights.push_back(check::random_bf16(random, static_cast<size_t>(rows) * hidden, 0.1f));
        device_weights.emplace_back(weights.back());
        device_ids.emplace_back(ids.back());
        std::vector<AdapterModule> modules(SLOT + 1);
        modules[SLOT].kind = kind;
        modules[SLOT].weight = device_weights.back().data();
        modules[SLOT].token_ids = device_ids.back().data();
        modules[SLOT].token_count = rows;
        adapters.emplace_back(modules);
        builder.output_group_adapter.push_back(kind < 0 ? nullptr : adapters.back().data());
    }
    builder.output_rows.assign(outputs, 0);
    const check::DeviceStep step(builder);
    const std::vector<__nv_bfloat16> x = check::random_bf16(random, static_cast<size_t>(outputs) * hidden, 1.0f);
    const Buffer<__nv_bfloat16> device_x(x);
    Buffer<float> logits(static_cast<size_t>(outputs) * vocabulary);
    logits.upload(std::vector<float>(logits.count(), 7.0f));
    check::launch_overlapping(head_replaced, dim3((vocabulary + MATVEC_OUT - 1) / MATVEC_OUT), 128, 0, nullptr,
                              step.get(), device_x.data(), SLOT, logits.data(), hidden, vocabulary);
    check::launch_overlapping(head_token_rows, dim3(2, outputs + 3), 128, 0, nullptr, step.get(), device_x.data(), SLOT,
                              logits.data(), hidden, vocabulary);
    const std::vector<float> got = logits.download();
    check::Error error;
    for (int group = 0; group < 5; group++) {
        for (int output = builder.output_group_start[group]; output < builder.output_group_start[group + 1]; output++) {
            const __nv_bfloat16* input = x.data() + static_cast<size_t>(output) * hidden;
            std::vector<double> want(vocabulary, 7.0);
            if (kinds[group] == MODULE_REPLACED || kinds[group] == MODULE_REBASED) {
                for (int token = 0; token < vocabulary; token++) {
                    want[token] = check::dot(weights[group].data() + static_cast<size_t>(token) * hidden, input, hidden);
                }
            }
            for (size_t i = 0; i < ids[group].size(); i++) {
                want[ids[group][i]] = check::dot(weights[group].data() + i * hidden, input, hidden);
            }
            for (int token = 0; token < vocabulary; token++) {
                error.add(got[static_cast<size_t>(output) * vocabulary + token], want[token]);
            }
        }
    }
    check::expect(error.relative() < 1e-5, check::text("seed %llu: heads of adapters: error %g",
                                                       static_cast<unsigned long long>(seed), error.relative()));
}

// Reads x, and writes it anew: all elements `value`.
__global__ void rewrite(__nv_bfloat16* x, int size, float value, float* sink) {
    float sum = 0;
    for (int i = threadIdx.x; i < size; i += blockDim.x) {
        sum += __bfloat162float(x[i]);
    }
    if (sum == 12345) {
        *sink = sum;
    }
    wait_for_previous();
    release_next();
    if (blockIdx.x == 0) {
        for (int i = threadIdx.x; i < size; i += blockDim.x) {
            x[i] = __float2bfloat16(value);
        }
    }
}

// Products of what the kernel before writes, in launches that overlap: none may see an older x, that other blocks have
// just read.
void overlapping_case() {
    constexpr int IN = 4096;
    constexpr int OUTS = 2048;
    constexpr int LAUNCHES = 40;
    const std::vector<__nv_bfloat16> ones(static_cast<size_t>(OUTS) * IN, __float2bfloat16(1.0f));
    const Buffer<__nv_bfloat16> weight(ones);
    const Buffer<__nv_bfloat16> x(std::vector<__nv_bfloat16>(IN, __float2bfloat16(0.0f)));
    const Buffer<float> y(static_cast<size_t>(LAUNCHES) * OUTS);
    const Buffer<float> sink(1);
    const check::DeviceStep step = check::step_of_rows(1);
    for (int i = 0; i < LAUNCHES; i++) {
        check::launch_overlapping(rewrite, dim3(264), 128, 0, nullptr, x.data(), IN, static_cast<float>(i + 1),
                                  sink.data());
        MatVec product = {};
        product.x = x.data();
        product.y = y.data() + static_cast<size_t>(i) * OUTS;
        product.x_pitch = IN;
        product.y_pitch = OUTS;
        product.in = IN;
        product.parts = 1;
        product.weight[0] = weight.data();
        product.out[0] = OUTS;
        check::launch_overlapping(matvec_outputs, dim3(blocks_of(product)), 128, 0, nullptr, step.get(), product);
    }
    const std::vector<float> got = y.download();
    int wrong = 0;
    for (size_t i = 0; i < got.size(); i++) {
        wrong += got[i] == static_cast<float>(i / OUTS + 1) * IN ? 0 : 1;
    }
    check::expect(wrong == 0, check::text("overlapping launches: %d results of an older x", wrong));
}

void time_product(const char* name, std::vector<int> outs, int in, int rows, bool logits, double copy_rate) {
    size_t outputs = 0;
    for (const int out : outs) {
        outputs += out;
    }
    const size_t elements = outputs * in;
    const int copies = static_cast<int>(1 + (300 << 20) / (2 * elements));
    Buffer<__nv_bfloat16> weights(elements * copies);
    check::randomise(weights, 3);
    Random random{5};
    const Buffer<__nv_bfloat16> x(check::random_bf16(random, static_cast<size_t>(rows) * in, 1.0f));
    const Buffer<float> y(rows * outputs);
    const check::DeviceStep step = check::step_of_rows(rows);
    const double us = check::time_us(32, [&](cudaStream_t stream, int i) {
        MatVec product = {};
        product.x = x.data();
        product.y = y.data();
        product.x_pitch = in;
        product.y_pitch = static_cast<int>(outputs);
        product.in = in;
        const __nv_bfloat16* weight = weights.data() + i % copies * elements;
        for (const int out : outs) {
            product.weight[product.parts] = weight;
            product.out[product.parts++] = out;
            weight += static_cast<size_t>(out) * in;
        }
        check::launch_overlapping(logits ? matvec_outputs : matvec_tokens, dim3(blocks_of(product)), 128, 0, stream,
                                  step.get(), product);
    });
    std::printf("%-8s %d rows: %7.2f us, floor %7.2f us, %.2f TB/s\n", name, rows, us, 2.0 * elements / copy_rate,
                2.0 * elements / us / 1e6);
}

void time_all() {
    const double rate = check::copy_bytes_per_us();
    std::printf("copy: %.2f TB/s\n", rate / 1e6);
    for (const int rows : {1, 2, 4, 8}) {
        time_product("qkv", {4096, 1024, 1024}, 4096, rows, false, rate);
        time_product("o", {4096}, 4096, rows, false, rate);
        time_product("gate_up", {14336, 14336}, 4096, rows, false, rate);
        time_product("down", {4096}, 14336, rows, false, rate);
        time_product("head", {128256}, 4096, rows, true, rate);
    }
}

}  // namespace

int main(int argc, char** argv) {
    const uint64_t seed = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 1;
    const int cases = argc > 2 ? std::atoi(argv[2]) : 100;
    double worst = 0;
    for (int i = 0; i < cases && check::failures < 20; i++) {
        Random random{seed + i};
        worst = std::max(worst, product_case(random, seed + i));
        head_case(random, seed + i);
    }
    overlapping_case();
    std::printf("%d cases from seed %llu, worst error %.2e\n", cases, static_cast<unsigned long long>(seed), worst);
    if (argc > 3) {
        time_all();
    }
    return check::finish("matvec_test");
}

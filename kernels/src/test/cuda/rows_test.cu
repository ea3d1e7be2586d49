// Embedding, norm, gathering and casts against double precision, and their times. Arguments: seed, cases, "time".
#include "../../main/cuda/rows.cu"
#include "../../main/cuda/upload.cu"
#include "check.cuh"

using namespace lorikeet;
using check::Buffer;
using check::Random;

namespace {

constexpr int SLOT = 2;

// A batch of groups, each with an adapter that changes the module of SLOT in its own way.
struct Groups {
    check::StepBuilder builder;
    std::vector<AdapterModule> host;  // with pointers into the vectors below
    std::vector<std::vector<__nv_bfloat16>> a, b, weight;
    std::vector<std::vector<float>> magnitude;
    std::vector<std::vector<int>> ids;
    std::vector<Buffer<__nv_bfloat16>> device_bf16;
    std::vector<Buffer<float>> device_floats;
    std::vector<Buffer<int>> device_ids;
    std::vector<Buffer<AdapterModule>> adapters;

    const __nv_bfloat16* place(std::vector<std::vector<__nv_bfloat16>>& keep, std::vector<__nv_bfloat16> values) {
        keep.push_back(std::move(values));
        device_bf16.emplace_back(keep.back());
        return device_bf16.back().data();
    }

    Groups(Random& random, std::initializer_list<int> kinds, int hidden, int vocabulary) {
        const int groups = random.between(1, 6);
        for (int g = 0; g < groups; g++) {
            const int kind = random.pick(kinds);
            const int tokens = random.between(1, 9);
            for (int i = 0; i < tokens; i++) {
                builder.ids.push_back(random.between(0, vocabulary - 1));
                builder.token_group.push_back(g);
            }
            builder.group_start.push_back(static_cast<int>(builder.ids.size()));
            AdapterModule module = {};
            module.kind = kind;
            module.rank = random.between(1, random.pick({4, 40, 300}));
            module.scaling = 0.5f;
            ids.emplace_back();
            for (int token = 0; token < vocabulary; token += random.between(1, 5)) {
                ids.back().push_back(token);
            }
            device_ids.emplace_back(ids.back());
            module.token_ids = device_ids.back().data();
            module.token_count = static_cast<int>(ids.back().size());
            module.a = place(a, check::random_bf16(random, static_cast<size_t>(module.rank) * vocabulary, 0.3f));
            module.b = place(b, check::random_bf16(random, static_cast<size_t>(module.rank) * hidden, 0.3f));
            const int rows = kind == MODULE_TOKEN_ROWS ? module.token_count : vocabulary;
            module.weight = place(weight, check::random_bf16(random, static_cast<size_t>(rows) * hidden, 1.0f));
            magnitude.emplace_back();
            if (random.between(0, 1) == 0) {
                for (int i = 0; i < hidden; i++) {
                    magnitude.back().push_back(random.normal());
                }
                device_floats.emplace_back(magnitude.back());
                module.magnitude = device_floats.back().data();
            }
            host.push_back(module);
            std::vector<AdapterModule> modules(SLOT + 1);
            modules[SLOT] = module;
            adapters.emplace_back(modules);
            builder.group_adapter.push_back(kind < 0 ? nullptr : adapters.back().data());
        }
    }
};

void embed_case(Random& random, uint64_t seed) {
    const int hidden = 8 * random.between(1, 70);
    const int vocabulary = random.between(5, 300);
    Groups groups(random, {-1, MODULE_NONE, MODULE_LOW_RANK, MODULE_REPLACED, MODULE_REBASED, MODULE_TOKEN_ROWS},
                  hidden, vocabulary);
    const int tokens = static_cast<int>(groups.builder.ids.size());
    const std::vector<__nv_bfloat16> table =
        check::random_bf16(random, static_cast<size_t>(vocabulary) * hidden, 1.0f);
    const Buffer<__nv_bfloat16> device_table(table);
    const Buffer<float> out(static_cast<size_t>(tokens) * hidden);
    const std::vector<int> ids = groups.builder.ids;
    std::vector<int> chosen = {0};
    for (int& id : groups.builder.ids) {
        if (random.between(0, 1) == 0) {
            chosen.push_back(id);
            id = ~static_cast<int>(chosen.size() - 1);
        }
    }
    const Buffer<int> device_chosen(chosen);
    const check::DeviceStep step(groups.builder);
    check::launch_overlapping(embed, dim3(tokens + 3), 256, 0, nullptr, step.get(),
                              static_cast<const int*>(device_chosen.data()), device_table.data(), SLOT,
                              out.data(), hidden, vocabulary);
    const std::vector<float> got = out.download();
    check::Error error;
    for (int row = 0; row < tokens; row++) {
        const int g = groups.builder.token_group[row];
        const int token = ids[row];
        const AdapterModule& module = groups.host[g];
        const std::vector<int>& changed = groups.ids[g];
        const auto found = std::lower_bound(changed.begin(), changed.end(), token);
        for (int i = 0; i < hidden; i++) {
            double want = __bfloat162float(table[static_cast<size_t>(token) * hidden + i]);
            if (module.kind == MODULE_REPLACED || module.kind == MODULE_REBASED) {
                want = __bfloat162float(groups.weight[g][static_cast<size_t>(token) * hidden + i]);
            } else if (module.kind == MODULE_TOKEN_ROWS && found != changed.end() && *found == token) {
                want = __bfloat162float(groups.weight[g][(found - changed.begin()) * hidden + i]);
            }
            if (module.kind == MODULE_LOW_RANK || module.kind == MODULE_REBASED) {
                double sum = 0;
                for (int k = 0; k < module.rank; k++) {
                    sum += static_cast<double>(
                               __bfloat162float(groups.a[g][static_cast<size_t>(k) * vocabulary + token])) *
                           __bfloat162float(groups.b[g][static_cast<size_t>(i) * module.rank + k]);
                }
                want += 0.5 * sum;
                want *= module.magnitude == nullptr ? 1.0 : groups.magnitude[g][i];
            }
            error.add(got[static_cast<size_t>(row) * hidden + i], want);
        }
    }
    check::expect(error.relative() < 1e-6, check::text("seed %llu: embed: error %g",
                                                       static_cast<unsigned long long>(seed), error.relative()));
}

void norm_case(Random& random, uint64_t seed) {
    const int size = 8 * random.between(1, 700);
    Groups groups(random, {-1, MODULE_NONE, MODULE_REPLACED}, size, 1);
    const int tokens = static_cast<int>(groups.builder.ids.size());
    const std::vector<__nv_bfloat16> weight = check::random_bf16(random, size, 1.0f);
    std::vector<float> in(static_cast<size_t>(tokens) * size);
    for (float& value : in) {
        value = 10 * random.normal();
    }
    const Buffer<float> device_in(in);
    const Buffer<__nv_bfloat16> device_weight(weight);
    const Buffer<__nv_bfloat16> out(in.size());
    groups.builder.output_rows.clear();
    for (int i = random.between(1, 5); i > 0; i--) {
        groups.builder.output_rows.push_back(random.between(0, tokens - 1));
    }
    const int outputs = static_cast<int>(groups.builder.output_rows.size());
    const Buffer<__nv_bfloat16> gathered(static_cast<size_t>(outputs) * size);
    const check::DeviceStep step(groups.builder);
    check::launch_overlapping(rms_norm, dim3(tokens + 2), 256, 0, nullptr, step.get(), device_in.data(),
                              device_weight.data(), 1e-5f, SLOT, out.data(), size);
    check::launch_overlapping(gather_outputs, dim3(outputs + 2), 256, 0, nullptr, step.get(), out.data(),
                              gathered.data(), size);
    const std::vector<__nv_bfloat16> got = out.download();
    const std::vector<__nv_bfloat16> got_rows = gathered.download();
    check::Error error;
    for (int row = 0; row < tokens; row++) {
        const int g = groups.builder.token_group[row];
        double squares = 0;
        for (int i = 0; i < size; i++) {
            squares += static_cast<double>(in[static_cast<size_t>(row) * size + i]) * in[static_cast<size_t>(row) * size + i];
        }
        const double factor = 1 / std::sqrt(squares / size + 1e-5);
        const auto& used = groups.host[g].kind == MODULE_REPLACED ? groups.weight[g] : weight;
        for (int i = 0; i < size; i++) {
            const size_t at = static_cast<size_t>(row) * size + i;
            error.add(__bfloat162float(got[at]), in[at] * factor * __bfloat162float(used[i]));
        }
    }
    check::expect(error.relative() < 4e-3, check::text("seed %llu: norm of %d: error %g",
                                                       static_cast<unsigned long long>(seed), size, error.relative()));
    for (int o = 0; o < outputs; o++) {
        check::expect(std::memcmp(&got_rows[static_cast<size_t>(o) * size],
                                  &got[static_cast<size_t>(groups.builder.output_rows[o]) * size], 2 * size) == 0,
                      check::text("seed %llu: gathered row %d", static_cast<unsigned long long>(seed), o));
    }
}

template <typename From>
void cast_case(Random& random, uint64_t seed, void (*kernel)(const CastPiece*), From (*make)(float)) {
    const int pieces = random.between(1, 5);
    std::vector<std::vector<From>> from;
    std::vector<Buffer<From>> device_from;
    std::vector<Buffer<__nv_bfloat16>> to;
    std::vector<CastPiece> casts;
    std::vector<int> skipped, starts;
    for (int p = 0; p < pieces; p++) {
        const int count = random.between(0, 70000);
        skipped.push_back(random.between(0, 2));
        starts.push_back(random.between(0, 1) * 4);
        from.emplace_back(count + skipped.back());
        for (From& value : from.back()) {
            value = make(random.normal() * 100);
        }
        device_from.emplace_back(from.back());
        to.emplace_back(count + starts.back() + 8);
        casts.push_back({device_from.back().data() + skipped.back(), to.back().data() + starts.back(), count});
    }
    const Buffer<CastPiece> device_casts(casts);
    kernel<<<dim3(random.between(1, 9), pieces), 256>>>(device_casts.data());
    CUDA(cudaDeviceSynchronize());
    for (int p = 0; p < pieces; p++) {
        const std::vector<__nv_bfloat16> got = to[p].download();
        for (size_t i = 0; i < got.size(); i++) {
            const long long at = static_cast<long long>(i) - starts[p];
            unsigned short bits, want = 0xffff;
            if (at >= 0 && at < casts[p].count) {
                const __nv_bfloat16 value = __float2bfloat16(static_cast<float>(from[p][at + skipped[p]]));
                std::memcpy(&want, &value, 2);
            }
            std::memcpy(&bits, &got[i], 2);
            if (bits != want) {
                check::expect(false, check::text("seed %llu: cast: piece %d, element %lld",
                                                 static_cast<unsigned long long>(seed), p, at));
                return;
            }
        }
    }
}

void upload_case(Random& random, uint64_t seed) {
    const int count = random.pick({0, 1, random.between(1, 700), random.between(1, 40000)});
    std::vector<uint4> values(count);
    for (uint4& value : values) {
        value = make_uint4(static_cast<unsigned>(random.bits()), static_cast<unsigned>(random.bits()), 7, 8);
    }
    const check::HostBuffer<uint4> from(values);
    const Buffer<uint4> to(count + 1);
    upload_step<<<random.between(1, 16), 256>>>(from.data(), to.data(), count);
    values.push_back(make_uint4(~0u, ~0u, ~0u, ~0u));
    const std::vector<uint4> got = to.download();
    check::expect(std::memcmp(got.data(), values.data(), got.size() * sizeof(uint4)) == 0,
                  check::text("seed %llu: upload of %d", static_cast<unsigned long long>(seed), count));
}

void time_uploads() {
    for (const int bytes : {1 << 10, 8 << 10, 64 << 10, 512 << 10}) {
        const check::HostBuffer<uint4> from(bytes / sizeof(uint4));
        const Buffer<uint4> to(bytes / sizeof(uint4));
        for (const int blocks : {1, 4, 16}) {
            const double us = check::time_us(8, [&](cudaStream_t stream, int) {
                upload_step<<<blocks, 256, 0, stream>>>(from.data(), to.data(),
                                                        static_cast<int>(bytes / sizeof(uint4)));
            });
            std::printf("upload of %d KB, %d blocks: %.1f us\n", bytes >> 10, blocks, us);
        }
    }
}

void time_all() {
    const double rate = check::copy_bytes_per_us();
    for (const int tokens : {1, 32, 2048}) {
        constexpr int HIDDEN = 4096;
        check::StepBuilder builder;
        builder.ids.assign(tokens, 5);
        builder.token_group.assign(tokens, 0);
        builder.group_adapter.push_back(nullptr);
        const check::DeviceStep step(builder);
        Buffer<__nv_bfloat16> table(HIDDEN * 100), out(static_cast<size_t>(tokens) * HIDDEN);
        check::randomise(table, 1);
        const Buffer<float> hidden(static_cast<size_t>(tokens) * HIDDEN);
        double us = check::time_us(32, [&](cudaStream_t stream, int) {
            check::launch_overlapping(embed, dim3(tokens), 256, 0, stream, step.get(), nullptr, table.data(), SLOT,
                                      hidden.data(), HIDDEN, 100);
        });
        std::printf("embed %4d tokens: %.2f us\n", tokens, us);
        us = check::time_us(32, [&](cudaStream_t stream, int) {
            check::launch_overlapping(rms_norm, dim3(tokens), 256, 0, stream, step.get(), hidden.data(), table.data(),
                                      1e-5f, SLOT, out.data(), HIDDEN);
        });
        std::printf("norm %4d tokens: %.2f us, floor %.2f us\n", tokens, us, 6.0 * tokens * HIDDEN / rate);
    }
    // An adapter of Llama-3-8B, rank 16, in float32: 448 tensors, 168 MB.
    const Buffer<float> from(42 << 20);
    const Buffer<__nv_bfloat16> to(42 << 20);
    CUDA(cudaMemset(from.data(), 0x3e, from.count() * 4));
    std::vector<CastPiece> casts;
    for (int i = 0; i < 448; i++) {
        const long long each = (42 << 20) / 448 / 8 * 8;
        casts.push_back({from.data() + i * each, to.data() + i * each, each});
    }
    const Buffer<CastPiece> device(casts);
    for (const int blocks : {1, 2, 8}) {
        const double us = check::time_us(4, [&](cudaStream_t stream, int) {
            cast_f32_to_bf16<<<dim3(blocks, 448), 256, 0, stream>>>(device.data());
        });
        std::printf("cast of 168 MB, %d blocks a tensor: %.1f us, floor %.1f us\n", blocks, us, 6.0 * (42 << 20) / rate);
    }
}

}  // namespace

int main(int argc, char** argv) {
    const uint64_t seed = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 1;
    const int cases = argc > 2 ? std::atoi(argv[2]) : 100;
    for (int i = 0; i < cases && check::failures < 20; i++) {
        Random random{seed + i};
        embed_case(random, seed + i);
        norm_case(random, seed + i);
        upload_case(random, seed + i);
        cast_case<float>(random, seed + i, cast_f32_to_bf16, [](float value) { return value; });
        cast_case<__half>(random, seed + i, cast_f16_to_bf16, [](float value) { return __float2half(value); });
        cast_case<__nv_bfloat16>(random, seed + i, move_bf16, [](float value) { return __float2bfloat16(value); });
    }
    std::printf("%d cases from seed %llu\n", cases, static_cast<unsigned long long>(seed));
    if (argc > 3) {
        time_uploads();
        time_all();
    }
    return check::finish("rows_test");
}

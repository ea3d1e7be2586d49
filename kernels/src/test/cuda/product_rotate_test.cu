// q, k and v finished in the launch of their product, against double precision. Arguments: seed, number of random cases,
// "time" to time them beside decode_product and rotate_and_store.
#include "../../main/cuda/decode_product.cu"
#include "../../main/cuda/product_rotate.cu"
#include "../../main/cuda/rotate_and_store.cu"
#include "product_case.cuh"
#include "product_memory.cuh"
#include "unfinished_norm.cuh"

#include <memory>
#include <numeric>

using namespace lorikeet;
using check::Buffer;
using check::Random;

namespace {

struct Variant {
    void (*kernel)(const Step*, DecodeProduct, Lora, ProductEnding);
    void (*product)(const Step*, DecodeProduct);
    int rows;
};

const Variant VARIANTS[] = {{product_rotate_16, decode_product_16, 16},
                            {product_rotate_32, decode_product_32, 32},
                            {product_rotate_48, decode_product_48, 48},
                            {product_rotate_64, decode_product_64, 64}};
constexpr int MOST_ROWS = 64;
constexpr int MOST_NORMED_TILES = 160;
constexpr float EPSILON = 1e-5f;
constexpr int LAYERS = 3;
constexpr int PARTS = 3;

struct Heads {
    int heads;
    int kv_heads;
    int size;

    int all() const { return heads + 2 * kv_heads; }

    int of(int part) const { return part == 0 ? heads : kv_heads; }

    int columns() const { return all() * size; }

    int tiles() const { return divide_up(size, DECODE_PRODUCT_OUT); }  // of a head

    size_t block_bytes() const { return size_t{2} * LAYERS * kv_heads * BLOCK_TOKENS * size * sizeof(__nv_bfloat16); }
};

// The rows' sequences, and a cache whose blocks lie in any order.
class Sequences {
  public:
    Sequences(Random& random, const Heads& heads, int rows, bool decode)
        : heads_(heads), units_(static_cast<int>(heads.block_bytes() + ADDRESS_UNIT - 1) / ADDRESS_UNIT) {
        while (static_cast<int>(positions_.size()) < rows) {
            add(random, decode, rows - static_cast<int>(positions_.size()));
        }
        std::vector<unsigned> order(builder_.block_table.size());
        for (size_t i = 0; i < order.size(); i++) {
            order[i] = static_cast<unsigned>(i);
            std::swap(order[i], order[random.between(0, static_cast<int>(i))]);
        }
        cache_ = std::make_unique<Buffer<unsigned char>>(order.size() * units_ * ADDRESS_UNIT);
        for (size_t i = 0; i < order.size(); i++) {
            builder_.block_table[i] = order[i] * units_;
        }
        builder_.ids.assign(rows, 0);
        builder_.positions = positions_;
        builder_.kv_base = cache_->data();
        // For rotate_and_store, which goes by tiles.
        for (int row = 0; row < rows; row += TILE_ROWS) {
            builder_.tile.push_back({nullptr, row, std::min(TILE_ROWS, rows - row)});
        }
        step_ = std::make_unique<check::DeviceStep>(builder_);
    }

    const Step* step() const { return step_->get(); }

    Buffer<unsigned char>& cache() const { return *cache_; }

    // The index in the cache, of bf16, of a component of a row's key or value.
    size_t index(int row, int layer, bool value, int head, int component) const {
        const int position = positions_[row];
        const int entry = builder_.table_start[sequence(row)] + position / BLOCK_TOKENS;
        const size_t block = size_t{builder_.block_table[entry]} * ADDRESS_UNIT / sizeof(__nv_bfloat16);
        const size_t kv_head = static_cast<size_t>(2 * layer + (value ? 1 : 0)) * heads_.kv_heads + head;
        return block + (kv_head * BLOCK_TOKENS + position % BLOCK_TOKENS) * heads_.size + component;
    }

    // Turns a head of a row.
    void turn(int row, double* head) const {
        const int half = heads_.size / 2;
        const double scaling = builder_.rotary_scaling[sequence(row)];
        for (int i = 0; i < half; i++) {
            const double angle = static_cast<float>(positions_[row]) * frequencies_[sequence(row)][i];
            const double cosine = std::cos(angle) * scaling;
            const double sine = std::sin(angle) * scaling;
            const double a = head[i], b = head[i + half];
            head[i] = a * cosine - b * sine;
            head[i + half] = b * cosine + a * sine;
        }
    }

  private:
    int sequence(int row) const { return builder_.token_sequence[row]; }

    void add(Random& random, bool decode, int most) {
        const int count = decode || random.between(0, 1) == 0 ? 1 : random.between(1, most);
        const int first = decode ? random.between(500, 520) : random.pick({0, random.between(0, 50), 131000});
        const int number = static_cast<int>(builder_.table_start.size());
        // Blocks in front of the first are not needed.
        builder_.table_start.push_back(static_cast<int>(builder_.block_table.size()) - first / BLOCK_TOKENS);
        const int blocks = (first + count - 1) / BLOCK_TOKENS - first / BLOCK_TOKENS + 1;
        builder_.block_table.resize(builder_.block_table.size() + blocks);
        for (int i = 0; i < count; i++) {
            builder_.token_sequence.push_back(number);
            positions_.push_back(first + i);
        }
        const double base = random.pick({10000.0, 500000.0});
        std::vector<float> frequencies;
        for (int i = 0; i < heads_.size / 2; i++) {
            frequencies.push_back(static_cast<float>(std::pow(base, -2.0 * i / heads_.size)));
        }
        device_frequencies_.emplace_back(frequencies);
        builder_.frequencies.push_back(device_frequencies_.back().data());
        builder_.rotary_scaling.push_back(random.pick({1.0f, 1.3f}));
        frequencies_.push_back(std::move(frequencies));
    }

    Heads heads_;
    int units_;
    check::StepBuilder builder_;
    std::vector<int> positions_;
    std::vector<std::vector<float>> frequencies_;
    std::vector<Buffer<float>> device_frequencies_;
    std::unique_ptr<Buffer<unsigned char>> cache_;
    std::unique_ptr<check::DeviceStep> step_;
};

// What launches share: the sums that blocks leave to one another.
class Launcher {
  public:
    Launcher() {
        for (const Variant& variant : VARIANTS) {
            CUDA(cudaFuncSetAttribute(variant.kernel, cudaFuncAttributeMaxDynamicSharedMemorySize,
                                      product_rotate_shared_bytes(variant.rows)));
            CUDA(cudaFuncSetAttribute(variant.product, cudaFuncAttributeMaxDynamicSharedMemorySize,
                                      decode_product_shared_bytes(variant.rows)));
        }
    }

    DecodeProduct call(const MatVec& product) const { return memory_.call(product); }

    void launch(const Variant& variant, const Step* step, const MatVec& product, const Lora& lora, const Rotation& rotation,
                const TileSquares& squares, __nv_bfloat16* qkv, int grid, cudaStream_t stream) const {
        ProductEnding ending = {};
        ending.rotation = rotation;
        ending.squares = squares;
        ending.out = qkv;
        check::launch_overlapping(variant.kernel, dim3(grid), DECODE_PRODUCT_THREADS + PRODUCT_ROTATE_TURN_THREADS,
                                  product_rotate_shared_bytes(variant.rows), stream, step, call(product), lora, ending);
    }

    void launch_product(const Variant& variant, const Step* step, const MatVec& product, int grid,
                        cudaStream_t stream) const {
        check::launch_overlapping(variant.product, dim3(grid), DECODE_PRODUCT_THREADS,
                                  decode_product_shared_bytes(variant.rows), stream, step, call(product));
    }

    float* left_tiles() const { return left_.data(); }

    // Whether no sum is left, and no tile.
    bool is_clean() const {
        const std::vector<float> left = left_.download();
        return memory_.is_clean() && std::all_of(left.begin(), left.end(), [](float v) { return std::isnan(v); });
    }

  private:
    check::ProductMemory memory_{MOST_ROWS};
    Buffer<float> left_{size_t{MOST_NORMED_TILES} * MOST_ROWS * PRODUCT_ROTATE_LEFT_BYTES / sizeof(float)};
};

int chunks_of(const Heads& heads, int in) {
    return heads.all() * heads.tiles() * divide_up(in, DECODE_PRODUCT_CHUNK);
}

Rotation rotation_of(const Heads& heads, int layer) {
    return {layer, heads.heads, heads.kv_heads, heads.size, {}, {}, nullptr};
}

// One projection of random shape.
class Case {
  public:
    Case(Random& random, uint64_t seed)
        : variant_(VARIANTS[random.between(0, 3)]), rows_(random.between(1, variant_.rows)), heads_(random_heads(random)),
          layer_(random.between(0, LAYERS - 1)), sequences_(random, heads_, rows_, random.between(0, 1) == 0) {
        product_.in = 8 * random.between(1, random.pick({8, 80, 300}));
        product_.parts = lora_.parts = PARTS;
        product_.x_pitch = product_.in + 8 * random.between(0, 2);
        lora_.columns = heads_.columns();
        for (int part = 0; part < PARTS; part++) {
            const int out = heads_.of(part) * heads_.size;
            product_.out[part] = out;
            lora_.part[part] = {0, out, part == 0 ? 0 : lora_.part[part - 1].column + lora_.part[part - 1].out, 0, nullptr};
            product_.weight[part] = place(weight_, random, static_cast<size_t>(out) * product_.in, 0.1f);
            const __nv_bfloat16* bias = place(bias_, random, out, 1.0f);
            has_bias_[part] = random.between(0, 1) == 0;
            lora_.part[part].bias = has_bias_[part] ? bias : nullptr;
        }
        product_.x = place(x_, random, static_cast<size_t>(rows_) * product_.x_pitch, 1.0f);
        unfinished_ = random.between(0, 3) > 0;
        rotation_ = rotation_of(heads_, layer_);
        const int normed = random.between(0, 3);  // neither, q, k, both
        for (int part = 0; part < 2; part++) {
            const __nv_bfloat16* weight = place(norm_, random, heads_.size, 1.0f);
            if ((normed >> part & 1) != 0) {
                (part == 0 ? rotation_.query : rotation_.key) = {weight, 0, EPSILON};
            }
        }
        grid_ = random.between(1, std::min(chunks_of(heads_, product_.in), check::multiprocessors()));
        name_ = check::text("seed %llu: %d rows of %d, kernel of %d, heads %d + 2 * %d of %d, norms %d, %d blocks",
                            static_cast<unsigned long long>(seed), rows_, product_.in, variant_.rows, heads_.heads,
                            heads_.kv_heads, heads_.size, normed, grid_);
    }

    double run(const Launcher& launcher) {
        // A row more than there are, which must stay as it is.
        const Buffer<__nv_bfloat16> y(static_cast<size_t>(rows_ + 1) * heads_.columns());
        Buffer<unsigned char>& cache = sequences_.cache();
        std::vector<__nv_bfloat16> q[2];
        std::vector<unsigned char> kv[2];
        TileSquares squares = {};
        MatVec product = product_;
        std::vector<__nv_bfloat16> x = x_[0];
        const Buffer<float> sums(check::unfinish(x, rows_, product.in, product.x_pitch, squares));
        const Buffer<__nv_bfloat16> device_x(x);
        if (unfinished_) {
            squares.square = sums.data();
            product.x = device_x.data();
        }
        Rotation rotation = rotation_;
        rotation.left = launcher.left_tiles();
        for (int i = 0; i < 2; i++) {
            cache.poison();
            launcher.launch(variant_, sequences_.step(), product, lora_, rotation, squares, y.data(), grid_, nullptr);
            q[i] = y.download();
            kv[i] = cache.download();
        }
        check::expect(std::memcmp(q[0].data(), q[1].data(), 2 * q[0].size()) == 0 && kv[0] == kv[1],
                      name_ + ": another result the second time");
        check::expect(launcher.is_clean(), name_ + ": sums are left");
        return compare(q[0], kv[0]);
    }

  private:
    static Heads random_heads(Random& random) {
        const int kv = random.between(1, 2);
        return {kv * random.between(1, 3), kv, random.pick({8, 16, 40, 64, 80, 96, 128, 192, 256})};
    }

    const __nv_bfloat16* place(std::vector<std::vector<__nv_bfloat16>>& to, Random& random, size_t count, float scale) {
        to.push_back(check::random_bf16(random, count, scale));
        device_.emplace_back(to.back());
        return device_.back().data();
    }

    double want(int row, int part, int out) const {
        const double sum = check::dot(weight_[part].data() + static_cast<size_t>(out) * product_.in,
                               x_[0].data() + static_cast<size_t>(row) * product_.x_pitch, product_.in);
        return has_bias_[part] ? sum + __bfloat162float(bias_[part][out]) : sum;
    }

    void norm(int part, std::vector<double>& head) const {
        if ((part == 0 ? rotation_.query : rotation_.key).weight != nullptr) {
            const double square = std::inner_product(head.begin(), head.end(), head.begin(), 0.0);
            const double factor = 1 / std::sqrt(square / heads_.size + EPSILON);
            for (int c = 0; c < heads_.size; c++) {
                head[c] *= factor * __bfloat162float(norm_[part][c]);
            }
        }
    }

    double compare(std::vector<__nv_bfloat16>& q, std::vector<unsigned char>& kv) const {
        const auto* cached = reinterpret_cast<const __nv_bfloat16*>(kv.data());
        check::Error error;
        size_t written = 0;
        std::vector<double> head(heads_.size);
        for (int row = 0; row < rows_; row++) {
            for (int part = 0; part < PARTS; part++) {
                for (int h = 0; h < heads_.of(part); h++) {
                    for (int c = 0; c < heads_.size; c++) {
                        head[c] = want(row, part, h * heads_.size + c);
                    }
                    if (part < 2) {
                        norm(part, head);
                        sequences_.turn(row, head.data());
                    }
                    for (int c = 0; c < heads_.size; c++) {
                        const __nv_bfloat16 got = part == 0
                            ? q[static_cast<size_t>(row) * heads_.columns() + h * heads_.size + c]
                            : cached[sequences_.index(row, layer_, part == 2, h, c)];
                        error.add(__bfloat162float(got), head[c]);
                        written += part == 0 ? 0 : 1;
                    }
                }
            }
        }
        check::expect(error.relative() < 4e-3, name_ + check::text(": error %g", error.relative()));
        // Nothing else: neither the places of keys and values in y, nor the row behind the last, nor more of the cache.
        size_t others = 0;
        for (size_t i = 0; i < q.size(); i++) {
            const bool is_query = i / heads_.columns() < static_cast<size_t>(rows_)
                && i % heads_.columns() < static_cast<size_t>(heads_.heads) * heads_.size;
            others += !is_query && !std::isnan(__bfloat162float(q[i]));
        }
        for (size_t i = 0; i < kv.size() / 2; i++) {
            others += !std::isnan(__bfloat162float(cached[i]));
        }
        check::expect(others == written, name_ + check::text(": wrote %zu places in place of %zu", others, written));
        return error.relative();
    }

    const Variant& variant_;
    int rows_;
    Heads heads_;
    int layer_;
    Sequences sequences_;
    int grid_ = 0;
    bool unfinished_ = false;  // whether the rows' norm is
    MatVec product_ = {};
    Lora lora_ = {};
    Rotation rotation_ = {};
    bool has_bias_[PARTS] = {};
    std::string name_;
    std::vector<std::vector<__nv_bfloat16>> weight_, bias_, norm_, x_;
    std::vector<Buffer<__nv_bfloat16>> device_;
};

// Stands for what comes between: reads q and writes x.
__global__ void __launch_bounds__(128) consume(const __nv_bfloat16* y, int columns, __nv_bfloat16* x, int in, int rows) {
    release_next();
    wait_for_previous();
    for (int i = 8 * static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x); i < rows * in;
         i += 8 * static_cast<int>(gridDim.x * blockDim.x)) {
        float value[8];
        to_floats(load_fresh(y + static_cast<size_t>(i / in) * columns + i % in), value);
#pragma unroll
        for (int j = 0; j < 8; j++) {
            value[j] = fminf(fmaxf(0.01f * value[j], -1.0f), 1.0f);
        }
        *reinterpret_cast<Bf16x8*>(x + i) = to_bf16(value);
    }
}

// qkv of Llama-3-8B and what reads q, over weights that rotate.
// shared: bytes of the reader's blocks, beside which the product's may fit.
void time_all(const Launcher& launcher, int shared) {
    CUDA(cudaFuncSetAttribute(consume, cudaFuncAttributeMaxDynamicSharedMemorySize, shared));
    const Heads heads{32, 8, 128};
    constexpr int IN = 4096;
    constexpr int WEIGHTS = 28;
    const size_t elements = static_cast<size_t>(heads.columns()) * IN;
    Buffer<__nv_bfloat16> weights(WEIGHTS * elements), x(size_t{MOST_ROWS} * IN);
    Buffer<__nv_bfloat16> y(static_cast<size_t>(MOST_ROWS) * heads.columns());
    check::randomise(weights, 1);
    check::randomise(x, 2);
    for (const int rows : {1, 8, 16, 32, 48, 64}) {
        Random random{7};
        const Sequences sequences(random, heads, rows, true);
        const Variant& variant = VARIANTS[divide_up(rows, 16) - 1];
        const int grid = std::min(check::multiprocessors(), chunks_of(heads, IN));
        Lora lora = {};
        lora.parts = PARTS;
        lora.columns = heads.columns();
        lora.run = 1;
        MatVec product = {};
        product.x = x.data();
        product.y = y.data();
        product.x_pitch = product.in = IN;
        product.y_pitch = heads.columns();
        product.parts = PARTS;
        for (int part = 0; part < PARTS; part++) {
            product.out[part] = heads.of(part) * heads.size;
            lora.part[part] = {0, product.out[part], part == 0 ? 0 : lora.part[part - 1].column + lora.part[part - 1].out,
                               0, nullptr};
        }
        const Rotation rotation = rotation_of(heads, 0);
        Rotation normed = rotation;
        normed.query = normed.key = {x.data(), 0, EPSILON};
        normed.left = launcher.left_tiles();
        const auto time = [&](const auto& launch) {
            return check::time_us(WEIGHTS, [&](cudaStream_t stream, int i) {
                const __nv_bfloat16* weight = weights.data() + i * elements;
                for (int part = 0; part < PARTS; part++) {
                    product.weight[part] = weight;
                    weight += static_cast<size_t>(product.out[part]) * IN;
                }
                launch(stream);
                check::launch_overlapping(consume, dim3(shared > 99000 ? check::multiprocessors() : 264), 128, shared, stream,
                                          static_cast<const __nv_bfloat16*>(y.data()), heads.columns(), x.data(), IN, rows);
            });
        };
        const double alone = time([&](cudaStream_t stream) {
            launcher.launch_product(variant, sequences.step(), product, grid, stream);
        });
        std::printf("%d bytes, %2d rows: product %.2f us", shared, rows, alone);
        for (const Rotation& turned : {rotation, normed}) {
            const double apart = time([&](cudaStream_t stream) {
                launcher.launch_product(variant, sequences.step(), product, grid, stream);
                check::launch_overlapping(rotate_and_store, dim3(std::min(1056, divide_up(rows, TILE_ROWS) * heads.all() / 2)),
                                          EXPAND_THREADS, 0, stream, sequences.step(), lora, turned, y.data());
            });
            const double together = time([&](cudaStream_t stream) {
                launcher.launch(variant, sequences.step(), product, lora, turned, {}, y.data(), grid, stream);
            });
            std::printf("; %swith rotate_and_store %.2f, in one launch %.2f", turned.left == nullptr ? "" : "normed ", apart,
                        together);
        }
        std::printf("\n");
    }
}

}  // namespace

int main(int argc, char** argv) {
    const uint64_t seed = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 1;
    const int cases = argc > 2 ? std::atoi(argv[2]) : 100;
    double worst = 0;
    const Launcher launcher;
    for (int i = 0; i < cases && check::failures < 20; i++) {
        Random random{seed + i};
        worst = std::max(worst, Case(random, seed + i).run(launcher));
    }
    std::printf("%d cases from seed %llu, worst error %.2e\n", cases, static_cast<unsigned long long>(seed), worst);
    if (argc > 3 && std::strcmp(argv[3], "time") == 0) {
        for (const int shared : {33000, 150000}) {
            time_all(launcher, shared);
        }
    }
    return check::finish("product_rotate_test");
}

// Products that finish their projection, against double precision, and in chains of overlapping launches.
// Arguments: seed, number of random cases, and "small" to leave out the chains (for compute-sanitizer).
#include "../../main/cuda/product_add_norm.cu"
#include "../../main/cuda/product_gate.cu"
#include "product_case.cuh"
#include "product_memory.cuh"
#include "unfinished_norm.cuh"

#include <numeric>

using namespace lorikeet;
using check::Buffer;
using check::Random;

namespace {

constexpr int KERNELS = 4;
constexpr int MOST_ROWS = 16 * KERNELS;
constexpr int MOST_TILES = 512;  // a multiple of four
constexpr float EPSILON = 1e-5f;

using Kernel = void (*)(const Step*, DecodeProduct, Lora, ProductEnding);
const Kernel GATE[] = {product_gate_16, product_gate_32, product_gate_48, product_gate_64};
const Kernel ADD_NORM[] = {product_add_norm_16, product_add_norm_32, product_add_norm_48, product_add_norm_64};

// What launches share.
class Launcher {
  public:
    Launcher() {
        for (int i = 0; i < KERNELS; i++) {
            const int bytes = decode_product_shared_bytes(16 * (i + 1));
            CUDA(cudaFuncSetAttribute(GATE[i], cudaFuncAttributeMaxDynamicSharedMemorySize, bytes));
            CUDA(cudaFuncSetAttribute(ADD_NORM[i], cudaFuncAttributeMaxDynamicSharedMemorySize, bytes));
        }
    }

    // kernel: for so many sixteens of rows.
    void gate(int kernel, int grid, cudaStream_t stream, const Step* step, const MatVec& product, const Lora& lora,
              const TileSquares& squares, __nv_bfloat16* out) const {
        ProductEnding ending = {};
        ending.squares = squares;
        ending.out = out;
        launch(GATE[kernel - 1], kernel, grid, stream, step, product, lora, ending);
    }

    void add_norm(int kernel, int grid, cudaStream_t stream, const Step* step, const MatVec& product, const Lora& lora,
                  const NormWeight& norm, float* residual, __nv_bfloat16* out) const {
        ProductEnding ending = {};
        ending.norm = norm;
        ending.squares = squares(product.out[0]);
        ending.residual = residual;
        ending.out = out;
        launch(ADD_NORM[kernel - 1], kernel, grid, stream, step, product, lora, ending);
    }

    bool is_clean() const { return memory_.is_clean(); }

    // Where add_norm leaves them, of rows of so many values.
    TileSquares squares(int size) const {
        return {squares_.data(), divide_up(divide_up(size, DECODE_PRODUCT_OUT), 4) * 4, size, EPSILON, 0};
    }

    std::vector<float> left_squares() const { return squares_.download(); }

    void forget_squares() { squares_.zero(); }

  private:
    void launch(Kernel kernel, int sixteens, int grid, cudaStream_t stream, const Step* step, const MatVec& product,
                const Lora& lora, const ProductEnding& ending) const {
        check::launch_overlapping(kernel, dim3(grid), DECODE_PRODUCT_THREADS, decode_product_shared_bytes(16 * sixteens), stream,
                                  step, memory_.call(product), lora, ending);
    }

    check::ProductMemory memory_{MOST_ROWS};
    Buffer<float> squares_{static_cast<size_t>(MOST_ROWS) * MOST_TILES};
};

// The base model's part of a projection of `parts` layers with as many outputs, some with biases.
class ProjectionCase {
  public:
    ProjectionCase(Random& random, int rows_, int in, int parts, int out) : rows(rows_) {
        product.in = product.x_pitch = in;
        product.parts = lora.parts = parts;
        lora.in = in;
        lora.columns = parts * out;
        x_ = check::random_bf16(random, static_cast<size_t>(rows) * in, 1.0f);
        device_.emplace_back(x_);
        product.x = device_.back().data();
        for (int part = 0; part < parts; part++) {
            weights_.push_back(check::random_bf16(random, static_cast<size_t>(out) * in, 1 / std::sqrt(static_cast<float>(in))));
            device_.emplace_back(weights_.back());
            product.weight[part] = device_.back().data();
            product.out[part] = out;
            lora.part[part] = {part, out, part * out, 0, nullptr};
            biases_.emplace_back();
            if (random.between(0, 1) == 1) {
                biases_.back() = check::random_bf16(random, static_cast<size_t>(out), 0.5f);
                device_.emplace_back(biases_.back());
                lora.part[part].bias = device_.back().data();
            }
        }
    }

    double value(int row, int part, int out) const {
        const double y = check::dot(weights_[part].data() + static_cast<size_t>(out) * product.in,
                                    x_.data() + static_cast<size_t>(row) * product.in, product.in);
        return biases_[part].empty() ? y : y + __bfloat162float(biases_[part][out]);
    }

    // The same product of rows whose norm isn't finished.
    TileSquares unfinish() {
        TileSquares squares = {};
        std::vector<__nv_bfloat16> x = x_;
        device_squares_.emplace_back(check::unfinish(x, rows, product.in, product.x_pitch, squares));
        device_.emplace_back(x);
        product.x = device_.back().data();
        squares.square = device_squares_.back().data();
        return squares;
    }

    const int rows;
    MatVec product = {};
    Lora lora = {};

  private:
    std::vector<Buffer<float>> device_squares_;
    std::vector<__nv_bfloat16> x_;
    std::vector<std::vector<__nv_bfloat16>> weights_;
    std::vector<std::vector<__nv_bfloat16>> biases_;
    std::vector<Buffer<__nv_bfloat16>> device_;
};

int chunks(int in) { return divide_up(in, DECODE_PRODUCT_CHUNK); }

int any_kernel(Random& random, int rows) { return random.between(divide_up(rows, 16), KERNELS); }

// Rows that don't exist stay as they are.
template <typename T>
void check_beyond(const std::string& name, const std::vector<T>& got, size_t from, const std::vector<T>& before) {
    check::expect(std::memcmp(got.data() + from, before.data() + from, (got.size() - from) * sizeof(T)) == 0,
                  name + ": a row that doesn't exist was written");
}

void gate_case(const Launcher& launcher, Random& random, uint64_t seed) {
    const int rows = random.between(1, random.pick({1, 8, MOST_ROWS}));
    const int size = random.pick({random.between(1, 300), 32 * random.between(1, 20), 4 * random.between(1, 100)});
    ProjectionCase given(random, rows, 8 * random.between(1, random.pick({8, 80, 400})), 2, size);
    const TileSquares squares = random.between(0, 3) > 0 ? given.unfinish() : TileSquares{};
    const int kernel = any_kernel(random, rows);
    const int grid =
        random.between(1, std::min(divide_up(size, DECODE_PRODUCT_OUT / 2) * chunks(given.product.in), check::multiprocessors()));
    const std::string name = check::text("gate, seed %llu: %d rows of %d, %d outputs, kernel %d, %d blocks",
                                         static_cast<unsigned long long>(seed), rows, given.product.in, size, kernel, grid);
    const check::DeviceStep step = check::step_of_rows(rows);
    Buffer<__nv_bfloat16> out(static_cast<size_t>(rows + 1) * size);
    const std::vector<__nv_bfloat16> before = out.download();
    launcher.gate(kernel, grid, nullptr, step.get(), given.product, given.lora, squares, out.data());
    const std::vector<__nv_bfloat16> got = out.download();
    out.poison();
    launcher.gate(kernel, grid, nullptr, step.get(), given.product, given.lora, squares, out.data());
    check::expect(std::memcmp(got.data(), out.download().data(), 2 * got.size()) == 0, name + ": other bits the second time");
    check::Error error;
    for (int row = 0; row < rows; row++) {
        for (int i = 0; i < size; i++) {
            const double g = given.value(row, 0, i);
            error.add(__bfloat162float(got[static_cast<size_t>(row) * size + i]),
                      g / (1 + std::exp(-g)) * given.value(row, 1, i));
        }
    }
    check::expect(error.relative() < 3e-3, name + check::text(": error %g", error.relative()));
    check_beyond(name, got, static_cast<size_t>(rows) * size, before);
    check::expect(launcher.is_clean(), name + ": sums are left");
}

void add_norm_case(const Launcher& launcher, Random& random, uint64_t seed) {
    const int rows = random.between(1, random.pick({1, 8, MOST_ROWS}));
    const int size = 8 * random.between(1, random.pick({9, 30, 200}));
    const ProjectionCase given(random, rows, 8 * random.between(1, random.pick({8, 80, 200})), 1, size);
    const int tiles = divide_up(size, DECODE_PRODUCT_OUT);
    const int kernel = any_kernel(random, rows);
    const int grid = random.between(tiles, std::min(tiles * chunks(given.product.in), check::multiprocessors()));
    const std::string name = check::text("add_norm, seed %llu: %d rows of %d, %d outputs, kernel %d, %d blocks",
                                         static_cast<unsigned long long>(seed), rows, given.product.in, size, kernel, grid);
    const check::DeviceStep step = check::step_of_rows(rows);
    const std::vector<__nv_bfloat16> weight = check::random_bf16(random, static_cast<size_t>(size), 1.0f);
    const Buffer<__nv_bfloat16> device_weight(weight);
    const NormWeight norm = {device_weight.data(), 1, EPSILON};
    std::vector<float> residual(static_cast<size_t>(rows + 1) * size);
    for (float& value : residual) {
        value = random.normal();
    }
    Buffer<float> sums(residual);
    Buffer<__nv_bfloat16> out(residual.size());
    const std::vector<__nv_bfloat16> before = out.download();
    launcher.add_norm(kernel, grid, nullptr, step.get(), given.product, given.lora, norm, sums.data(), out.data());
    const std::vector<float> got_sums = sums.download();
    const std::vector<__nv_bfloat16> got = out.download();
    sums.upload(residual);
    out.poison();
    launcher.add_norm(kernel, grid, nullptr, step.get(), given.product, given.lora, norm, sums.data(), out.data());
    check::expect(std::memcmp(got.data(), out.download().data(), 2 * got.size()) == 0 &&
                      std::memcmp(got_sums.data(), sums.download().data(), 4 * got_sums.size()) == 0,
                  name + ": other bits the second time");
    const std::vector<float> squares = launcher.left_squares();
    const int pitch = launcher.squares(size).pitch;
    check::Error error, sum_error, square_error;
    for (int row = 0; row < rows; row++) {
        const size_t at = static_cast<size_t>(row) * size;
        std::vector<double> values(size);
        double square = 0;
        for (int i = 0; i < size; i++) {
            values[i] = residual[at + i] + given.value(row, 0, i);
            square += values[i] * values[i];
        }
        for (int i = 0; i < size; i++) {
            sum_error.add(got_sums[at + i], values[i]);
            error.add(__bfloat162float(got[at + i]), values[i] * __bfloat162float(weight[i]));
        }
        const float* left = squares.data() + static_cast<size_t>(row) * pitch;
        square_error.add(static_cast<float>(std::accumulate(left, left + tiles, 0.0)), square);
    }
    check::expect(sum_error.relative() < 1e-5, name + check::text(": error %g of the residual", sum_error.relative()));
    check::expect(square_error.relative() < 1e-5, name + check::text(": error %g of the squares", square_error.relative()));
    check::expect(error.relative() < 3e-3, name + check::text(": error %g", error.relative()));
    check_beyond(name, got, static_cast<size_t>(rows) * size, before);
    check_beyond(name, got_sums, static_cast<size_t>(rows) * size, residual);
    check::expect(launcher.is_clean(), name + ": sums are left");
}

// Layers of gate_up, down and a projection to the residual again, recorded and replayed as steps are: each launch reads what
// the one before has written. The same from launches that wait for one another.
void chain_case(Launcher& launcher, int rows) {
    constexpr int HIDDEN = 2048;
    constexpr int INNER = 3000;
    constexpr int LAYERS = 12;
    Random random{7};
    const int kernel = divide_up(rows, 16);
    const ProjectionCase gate_up(random, rows, HIDDEN, 2, INNER), down(random, rows, INNER, 1, HIDDEN),
        output(random, rows, HIDDEN, 1, HIDDEN);
    const Buffer<__nv_bfloat16> weight(check::random_bf16(random, HIDDEN, 1.0f));
    const NormWeight norm = {weight.data(), 1, EPSILON};
    const std::vector<__nv_bfloat16> first = check::random_bf16(random, static_cast<size_t>(rows) * HIDDEN, 1.0f);
    Buffer<__nv_bfloat16> normed(first), gated(static_cast<size_t>(rows) * INNER);
    Buffer<float> residual(static_cast<size_t>(rows) * HIDDEN);
    const check::DeviceStep step = check::step_of_rows(rows);
    const auto product = [](const ProjectionCase& of, const __nv_bfloat16* x) {
        MatVec product = of.product;
        product.x = x;
        return product;
    };
    const auto launch = [&](cudaStream_t stream, bool apart) {
        for (int i = 0; i < LAYERS; i++) {
            launcher.gate(kernel, check::multiprocessors(), stream, step.get(), product(gate_up, normed.data()), gate_up.lora,
                          launcher.squares(HIDDEN), gated.data());
            if (apart) {
                CUDA(cudaDeviceSynchronize());
            }
            launcher.add_norm(kernel, check::multiprocessors(), stream, step.get(), product(down, gated.data()), down.lora, norm,
                              residual.data(), normed.data());
            if (apart) {
                CUDA(cudaDeviceSynchronize());
            }
            launcher.add_norm(kernel, check::multiprocessors(), stream, step.get(), product(output, normed.data()), output.lora,
                              norm, residual.data(), normed.data());
        }
    };
    const auto reset = [&] {
        residual.zero();
        normed.upload(first);
        gated.poison();
        launcher.forget_squares();
        CUDA(cudaDeviceSynchronize());
    };
    cudaStream_t stream;
    CUDA(cudaStreamCreate(&stream));
    reset();
    launch(stream, true);
    CUDA(cudaDeviceSynchronize());
    const std::vector<float> want = residual.download();
    check::expect(std::all_of(want.begin(), want.end(), [](float v) { return std::isfinite(v); }), "a chain of NaNs");
    cudaGraph_t graph;
    cudaGraphExec_t exec;
    CUDA(cudaStreamBeginCapture(stream, cudaStreamCaptureModeGlobal));
    launch(stream, false);
    CUDA(cudaStreamEndCapture(stream, &graph));
    CUDA(cudaGraphInstantiate(&exec, graph, 0));
    for (int replay = 0; replay < 20; replay++) {
        reset();
        CUDA(cudaGraphLaunch(exec, stream));
        CUDA(cudaStreamSynchronize(stream));
        check::expect(std::memcmp(want.data(), residual.download().data(), 4 * want.size()) == 0,
                      check::text("%d rows, overlapping launches: other bits", rows));
    }
    CUDA(cudaGraphExecDestroy(exec));
    CUDA(cudaGraphDestroy(graph));
    CUDA(cudaStreamDestroy(stream));
}

}  // namespace

int main(int argc, char** argv) {
    const uint64_t seed = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 1;
    const int cases = argc > 2 ? std::atoi(argv[2]) : 100;
    Launcher launcher;
    for (int i = 0; i < cases && check::failures < 20; i++) {
        Random random{seed + i};
        if (i % 2 == 0) {
            gate_case(launcher, random, seed + i);
        } else {
            add_norm_case(launcher, random, seed + i);
        }
    }
    if (argc <= 3) {
        for (const int rows : {1, 16, 31, 48, 63}) {
            chain_case(launcher, rows);
        }
    }
    std::printf("%d cases from seed %llu\n", cases, static_cast<unsigned long long>(seed));
    return check::finish("fused_product_test");
}

// Products of a decode step's rows against double precision. Arguments: seed, number of random cases.
#include "../../main/cuda/decode_product.cu"
#include "product_case.cuh"
#include "product_memory.cuh"

using namespace lorikeet;
using check::Buffer;
using check::Random;

namespace {

struct Variant {
    void (*kernel)(const Step*, DecodeProduct);
    int rows;
};

const Variant VARIANTS[] = {{decode_product_16, 16}, {decode_product_32, 32}, {decode_product_48, 48},
                            {decode_product_64, 64}};
constexpr int MOST_ROWS = 64;

int chunks_of(const MatVec& product) {
    int tiles = 0;
    for (int part = 0; part < product.parts; part++) {
        tiles += divide_up(product.out[part], DECODE_PRODUCT_OUT);
    }
    return tiles * divide_up(product.in, DECODE_PRODUCT_CHUNK);
}

// What launches share: the sums of as many blocks as there are multiprocessors.
class Launcher {
  public:
    Launcher() {
        for (const Variant& variant : VARIANTS) {
            CUDA(cudaFuncSetAttribute(variant.kernel, cudaFuncAttributeMaxDynamicSharedMemorySize,
                                      decode_product_shared_bytes(variant.rows)));
        }
    }

    void launch(const Variant& variant, const Step* step, const MatVec& product, bool outputs, int grid,
                cudaStream_t stream) const {
        check::launch_overlapping(variant.kernel, dim3(grid), DECODE_PRODUCT_THREADS,
                                  decode_product_shared_bytes(variant.rows), stream, step, memory_.call(product, outputs));
    }

    // Whether no sum is left.
    bool is_clean() const { return memory_.is_clean(); }

  private:
    check::ProductMemory memory_{MOST_ROWS};
};

double product_case(const Launcher& launcher, Random& random, uint64_t seed) {
    const int variant = random.between(0, 3);
    const int rows = random.between(1, VARIANTS[variant].rows);
    const check::ProductCase given(random, rows, {8, 80, 600});
    MatVec product = given.product;
    // A row more than there are, which must stay as it is.
    const Buffer<__nv_bfloat16> y(static_cast<size_t>(rows + 1) * product.y_pitch);
    const Buffer<float> logits(static_cast<size_t>(rows + 1) * product.y_pitch), again(logits.count());
    const check::DeviceStep step = check::step_of_rows(rows);
    const int grid = random.between(1, std::min(chunks_of(product), check::multiprocessors()));
    const auto launch = [&](void* to, bool outputs) {
        product.y = to;
        launcher.launch(VARIANTS[variant], step.get(), product, outputs, grid, nullptr);
    };
    launch(y.data(), false);
    launch(logits.data(), true);
    launch(again.data(), true);
    const std::vector<__nv_bfloat16> got = y.download();
    const std::vector<float> got_logits = logits.download();
    const std::vector<float> got_again = again.download();
    const std::string name =
        given.name(seed) + check::text(", kernel of %d rows, %d blocks", VARIANTS[variant].rows, grid);
    const double error = given.check(name, got, got_logits);
    check::expect(std::memcmp(got_logits.data(), got_again.data(), 4 * got_logits.size()) == 0,
                  name + ": another result the second time");
    bool beyond = false;
    for (size_t i = static_cast<size_t>(rows) * product.y_pitch; i < got.size(); i++) {
        beyond |= !std::isnan(__bfloat162float(got[i])) || !std::isnan(got_logits[i]);
    }
    check::expect(!beyond, name + ": a row that doesn't exist was written");
    check::expect(launcher.is_clean(), name + ": sums are left");
    return error;
}

// The bits of a row don't depend on the rows beside it, nor on the kernel.
void same_bits_case(const Launcher& launcher) {
    MatVec product = {};
    product.in = product.x_pitch = 4096;
    product.parts = 1;
    product.out[0] = product.y_pitch = 1000;
    Buffer<__nv_bfloat16> weight(static_cast<size_t>(product.out[0]) * product.in);
    Buffer<__nv_bfloat16> x(static_cast<size_t>(MOST_ROWS) * product.in);
    check::randomise(weight, 3);
    check::randomise(x, 4);
    product.weight[0] = weight.data();
    product.x = x.data();
    std::vector<float> first;
    for (const Variant& variant : VARIANTS) {
        for (const int rows : {variant.rows - 7, variant.rows}) {
            const check::DeviceStep step = check::step_of_rows(rows);
            const Buffer<float> y(static_cast<size_t>(MOST_ROWS) * product.y_pitch);
            product.y = y.data();
            launcher.launch(variant, step.get(), product, true, 61, nullptr);
            const std::vector<float> got = y.download();
            if (first.empty()) {
                first = got;
            }
            check::expect(std::memcmp(first.data(), got.data(), 9 * 4 * static_cast<size_t>(product.y_pitch)) == 0,
                          check::text("%d rows: other bits", rows));
        }
    }
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
    release_next();
    wait_for_previous();
    for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < size; i += gridDim.x * blockDim.x) {
        x[i] = __float2bfloat16(value);
    }
}

// Products of what the kernel before writes, in launches that overlap, recorded and replayed: none may see an older x,
// that other blocks have just read, nor another product's sums.
void overlapping_case(const Launcher& launcher, const Variant& variant) {
    constexpr int IN = 4096;
    constexpr int OUTS = 2000;
    constexpr int LAUNCHES = 40;
    const std::vector<__nv_bfloat16> ones(static_cast<size_t>(OUTS) * IN, __float2bfloat16(1.0f));
    const Buffer<__nv_bfloat16> weight(ones);
    const int rows = variant.rows - 1;
    const Buffer<__nv_bfloat16> x(std::vector<__nv_bfloat16>(static_cast<size_t>(rows) * IN, __float2bfloat16(0.0f)));
    Buffer<float> y(static_cast<size_t>(LAUNCHES) * rows * OUTS);
    const Buffer<float> sink(1);
    const check::DeviceStep step = check::step_of_rows(rows);
    cudaStream_t stream;
    CUDA(cudaStreamCreate(&stream));
    cudaGraph_t graph;
    cudaGraphExec_t exec;
    CUDA(cudaStreamBeginCapture(stream, cudaStreamCaptureModeGlobal));
    for (int i = 0; i < LAUNCHES; i++) {
        check::launch_overlapping(rewrite, dim3(264), 128, 0, stream, x.data(), rows * IN, static_cast<float>(i + 1),
                                  sink.data());
        MatVec product = {};
        product.x = x.data();
        product.x_pitch = IN;
        product.y_pitch = OUTS;
        product.in = IN;
        product.parts = 2;
        product.weight[0] = weight.data();
        product.weight[1] = weight.data() + static_cast<size_t>(500) * IN;
        product.out[0] = 500;
        product.out[1] = OUTS - 500;
        // Twice, with other shares: the second reads nothing that the first doesn't.
        for (const int grid : {check::multiprocessors() - 7, check::multiprocessors()}) {
            product.y = y.data() + static_cast<size_t>(i) * rows * OUTS;
            launcher.launch(variant, step.get(), product, true, grid, stream);
        }
    }
    CUDA(cudaStreamEndCapture(stream, &graph));
    CUDA(cudaGraphInstantiate(&exec, graph, 0));
    for (int replay = 0; replay < 3; replay++) {
        y.poison();
        CUDA(cudaDeviceSynchronize());
        CUDA(cudaGraphLaunch(exec, stream));
        CUDA(cudaStreamSynchronize(stream));
        const std::vector<float> got = y.download();
        int wrong = 0;
        for (size_t i = 0; i < got.size(); i++) {
            wrong += got[i] == static_cast<float>(i / (static_cast<size_t>(rows) * OUTS) + 1) * IN ? 0 : 1;
        }
        check::expect(wrong == 0, check::text("%d rows, overlapping launches: %d results are wrong", rows, wrong));
    }
    CUDA(cudaGraphExecDestroy(exec));
    CUDA(cudaGraphDestroy(graph));
    CUDA(cudaStreamDestroy(stream));
}

}  // namespace

int main(int argc, char** argv) {
    const uint64_t seed = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 1;
    const int cases = argc > 2 ? std::atoi(argv[2]) : 100;
    double worst = 0;
    const Launcher launcher;
    for (int i = 0; i < cases && check::failures < 20; i++) {
        Random random{seed + i};
        worst = std::max(worst, product_case(launcher, random, seed + i));
    }
    same_bits_case(launcher);
    for (const Variant& variant : VARIANTS) {
        overlapping_case(launcher, variant);
    }
    std::printf("%d cases from seed %llu, worst error %.2e\n", cases, static_cast<unsigned long long>(seed), worst);
    return check::finish("decode_product_test");
}

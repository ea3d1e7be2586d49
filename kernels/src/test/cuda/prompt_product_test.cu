// Products of any number of rows against double precision, and against the bits of decode_product.
// Arguments: seed, number of random cases; "time" behind them for times, Llama-3-8B's shapes.
//
// Built with cuBLASLt's header (-I); libcublasLt.so.13 is looked for for the times, and left out where it isn't found.
#include "../../main/cuda/decode_product.cu"
#include "../../main/cuda/prompt_product.cu"
#include "cublaslt.cuh"
#include "product_case.cuh"

using namespace lorikeet;
using check::Buffer;
using check::Random;

namespace {

struct Variant {
    void (*kernel)(const Step*, PromptProduct);
    int rows;
};

const Variant VARIANTS[] = {{prompt_product_64, 64}, {prompt_product_128, 128}, {prompt_product_256, 256}};
constexpr int SLICE = 48;  // rows of decode_product

int tiles_of(const MatVec& product) {
    int tiles = 0;
    for (int part = 0; part < product.parts; part++) {
        tiles += divide_up(product.out[part], DECODE_PRODUCT_OUT);
    }
    return tiles;
}

int multiprocessors() {
    int count;
    CUDA(cudaDeviceGetAttribute(&count, cudaDevAttrMultiProcessorCount, 0));
    return count;
}

// The blocks of a launch of decode_product, at most.
int most_blocks(const MatVec& product) {
    return std::min(tiles_of(product) * divide_up(product.in, DECODE_PRODUCT_CHUNK), multiprocessors());
}

void allow_shared_memory() {
    for (const Variant& variant : VARIANTS) {
        CUDA(cudaFuncSetAttribute(variant.kernel, cudaFuncAttributeMaxDynamicSharedMemorySize,
                                  prompt_product_shared_bytes(variant.rows)));
    }
    CUDA(cudaFuncSetAttribute(decode_product_48, cudaFuncAttributeMaxDynamicSharedMemorySize,
                              decode_product_shared_bytes(SLICE)));
}

void launch(const Variant& variant, const Step* step, const MatVec& product, int rows, int blocks, bool outputs,
            cudaStream_t stream) {
    const PromptProduct call = {product, blocks, outputs ? 1 : 0};
    check::launch_overlapping(variant.kernel, dim3(divide_up(rows, variant.rows), tiles_of(product)),
                              PROMPT_PRODUCT_THREADS, prompt_product_shared_bytes(variant.rows), stream, step, call);
}

// The same by decode_product, some rows at a time, in f32.
std::vector<float> by_decode_product(MatVec product, int rows, int blocks) {
    const Buffer<float> partial(static_cast<size_t>(multiprocessors()) * SLICE * DECODE_PRODUCT_OUT);
    const Buffer<float> y(static_cast<size_t>(rows + 1) * product.y_pitch);
    const __nv_bfloat16* x = product.x;
    for (int first = 0; first < rows; first += SLICE) {
        const int count = std::min(SLICE, rows - first);
        const check::DeviceStep step = check::step_of_rows(count);
        product.x = x + static_cast<size_t>(first) * product.x_pitch;
        product.y = y.data() + static_cast<size_t>(first) * product.y_pitch;
        DecodeProduct call = {};
        call.product = product;
        call.partial = partial.data();
        call.outputs = 1;
        check::launch_overlapping(decode_product_48, dim3(blocks), DECODE_PRODUCT_THREADS,
                                  decode_product_shared_bytes(SLICE), nullptr, step.get(), call);
        CUDA(cudaDeviceSynchronize());
    }
    return y.download();
}

bool same_bits(const std::vector<float>& a, const std::vector<float>& b, size_t count) {
    return std::memcmp(a.data(), b.data(), count * sizeof(float)) == 0;
}

double product_case(Random& random, uint64_t seed) {
    const Variant& variant = VARIANTS[random.between(0, 2)];
    const int rows = random.between(1, random.pick({variant.rows, 300}));
    const check::ProductCase given(random, rows, {8, 80, 300});
    MatVec product = given.product;
    // A row more than there are, which must stay as it is.
    const Buffer<__nv_bfloat16> y(static_cast<size_t>(rows + 1) * product.y_pitch);
    const Buffer<float> logits(static_cast<size_t>(rows + 1) * product.y_pitch);
    const check::DeviceStep step = check::step_of_rows(rows);
    const int blocks = random.between(1, most_blocks(product));
    product.y = y.data();
    launch(variant, step.get(), product, rows, blocks, false, nullptr);
    product.y = logits.data();
    launch(variant, step.get(), product, rows, blocks, true, nullptr);
    const std::vector<__nv_bfloat16> got = y.download();
    const std::vector<float> got_logits = logits.download();
    const std::string name = given.name(seed) + check::text(", tiles of %d rows, %d blocks", variant.rows, blocks);
    const double error = given.check(name, got, got_logits);
    const size_t end = static_cast<size_t>(rows) * product.y_pitch;
    check::expect(same_bits(by_decode_product(product, rows, blocks), got_logits, end),
                  name + ": not the bits of decode_product");
    bool beyond = false;
    for (size_t i = end; i < got.size(); i++) {
        beyond |= !std::isnan(__bfloat162float(got[i])) || !std::isnan(got_logits[i]);
    }
    check::expect(!beyond, name + ": a row that doesn't exist was written");
    return error;
}

// Shapes of real models: many inputs, several shares in a tile, and the device's own number of blocks.
void large_case(int in, int out, int rows) {
    MatVec product = {};
    product.in = product.x_pitch = in;
    product.parts = 1;
    product.out[0] = product.y_pitch = out;
    Buffer<__nv_bfloat16> weight(static_cast<size_t>(out) * in);
    Buffer<__nv_bfloat16> x(static_cast<size_t>(rows) * in);
    check::randomise(weight, 5);
    check::randomise(x, 6);
    product.weight[0] = weight.data();
    product.x = x.data();
    const int blocks = most_blocks(product);
    const std::vector<float> want = by_decode_product(product, rows, blocks);
    const check::DeviceStep step = check::step_of_rows(rows);
    for (const Variant& variant : VARIANTS) {
        const Buffer<float> y(static_cast<size_t>(rows + 1) * out);
        product.y = y.data();
        launch(variant, step.get(), product, rows, blocks, true, nullptr);
        const std::vector<float> got = y.download();
        check::expect(same_bits(want, got, static_cast<size_t>(rows) * out),
                      check::text("%d rows of %d, %d outputs, tiles of %d rows: not the bits of decode_product", rows, in,
                                  out, variant.rows));
    }
}

struct Shape {
    const char* name;
    int in;
    int out;
};

constexpr Shape SHAPES[] = {{"qkv", 4096, 6144}, {"o", 4096, 4096}, {"gate_up", 4096, 28672}, {"down", 14336, 4096}};
constexpr int MOST_ROWS = 2048;
constexpr size_t WEIGHTS = 6;  // that take turns

void time_all(const check::CublasLt* library) {
    Buffer<__nv_bfloat16> weights(WEIGHTS * 28672 * 4096);
    Buffer<__nv_bfloat16> x(size_t{MOST_ROWS} * 14336);
    const Buffer<__nv_bfloat16> y(size_t{MOST_ROWS} * 28672);
    check::randomise(weights, 1);
    check::randomise(x, 2);
    std::printf("microseconds:           qkv       o gate_up    down   layer\n");
    for (const int rows : {64, 128, 256, 512, 2048}) {
        const check::DeviceStep step = check::step_of_rows(rows);
        for (int v = 0; v <= 3; v++) {
            if (v == 3 && library == nullptr) {
                continue;
            }
            std::printf(v < 3 ? "%4d rows, tiles of %-3d" : "%4d rows, cuBLASLt    ", rows, v < 3 ? VARIANTS[v].rows : 0);
            double layer = 0;
            for (const Shape& shape : SHAPES) {
                MatVec product = {};
                product.x = x.data();
                product.y = y.data();
                product.x_pitch = product.in = shape.in;
                product.parts = 1;
                product.out[0] = product.y_pitch = shape.out;
                size_t turn = 0;
                check::CublasLt::Product algorithms;
                if (v == 3) {
                    algorithms = library->product(rows, shape.out, shape.in, false, 1);
                }
                const double us = check::time_us(rows <= 256 ? 8 : 2, [&](cudaStream_t stream, int) {
                    product.weight[0] = weights.data() + turn++ % WEIGHTS * 28672 * 4096;
                    if (v == 3) {
                        library->run(algorithms, 0, product.x, product.weight[0], product.y, stream);
                    } else {
                        launch(VARIANTS[v], step.get(), product, rows, most_blocks(product), false, stream);
                    }
                });
                layer += us;
                std::printf(" %7.1f", us);
            }
            std::printf(" %7.1f\n", layer);
        }
    }
}

}  // namespace

int main(int argc, char** argv) {
    const uint64_t seed = argc > 1 ? std::strtoull(argv[1], nullptr, 10) : 1;
    const int cases = argc > 2 ? std::atoi(argv[2]) : 60;
    double worst = 0;
    allow_shared_memory();
    for (int i = 0; i < cases && check::failures < 20; i++) {
        Random random{seed + i};
        worst = std::max(worst, product_case(random, seed + i));
    }
    if (cases >= 20) {  // not under tools that are slow
        large_case(4096, 6144, 300);
        large_case(14336, 4096, 130);
        large_case(4096, 28672, 65);
        large_case(2048, 512, 257);
    }
    std::printf("%d cases from seed %llu, worst error %.2e\n", cases, static_cast<unsigned long long>(seed), worst);
    if (argc > 3) {
        const std::unique_ptr<check::CublasLt> library = check::CublasLt::open();
        time_all(library.get());
    }
    return check::finish("prompt_product_test");
}

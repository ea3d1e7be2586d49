// Times of products of a decode step's rows: decode_product, matvec and cuBLASLt, over weights that rotate.
// Arguments: "llama", "small" or "large" for a model's shapes; "algorithms" for cuBLASLt's first eight choices.
//
// Built with cuBLASLt's header (-I); libcublasLt.so.13 is looked for when it runs, and left out where it isn't found.
#include "../../main/cuda/matvec.cu"
#include "../../main/cuda/decode_product.cu"
#include "check.cuh"
#include "cublaslt.cuh"
#include "product_memory.cuh"

using namespace lorikeet;
using check::Buffer;

namespace {

constexpr size_t WEIGHT_ELEMENTS = size_t{700} << 20;  // all weights take turns in it
constexpr int MOST_ROWS = 4096;
constexpr int MOST_IN = 16384;
constexpr int MOST_OUT = 128256;
constexpr int LAYERS = 8;
constexpr int LAYER_PRODUCTS = 4;

struct Shape {
    const char* name;
    std::vector<int> outs;
    int in;
    bool outputs;

    int out() const {
        int sum = 0;
        for (const int part : outs) {
            sum += part;
        }
        return sum;
    }

    size_t elements() const { return static_cast<size_t>(out()) * in; }
};

using Model = std::vector<Shape>;  // the products of a layer, and the head

Model model(int hidden, int kv, int inner, int vocabulary) {
    return {{"qkv", {hidden, kv, kv}, hidden, false},
            {"o", {hidden}, hidden, false},
            {"gate_up", {inner, inner}, hidden, false},
            {"down", {hidden}, inner, false},
            {"head", {vocabulary}, hidden, true}};
}

const Model LLAMA = model(4096, 1024, 14336, 128256);
const Model SMALL = model(2048, 512, 8192, 128256);
const Model LARGE = model(5120, 5120, 13824, 32000);

// Stands for what comes between two products: reads y and writes x, in blocks with some shared memory.
constexpr int CONSUMER_SHARED_BYTES = 33000;

__global__ void __launch_bounds__(128)
    consume(const __nv_bfloat16* y, int out, __nv_bfloat16* x, int in, int rows) {
    release_next();
    wait_for_previous();
    const int size = rows * in;
    for (int i = 8 * static_cast<int>(blockIdx.x * blockDim.x + threadIdx.x); i < size;
         i += 8 * static_cast<int>(gridDim.x * blockDim.x)) {
        float value[8];
        to_floats(load_fresh(y + static_cast<size_t>(i / in) * out + i % in % out / 8 * 8), value);
#pragma unroll
        for (int j = 0; j < 8; j++) {
            value[j] = fminf(fmaxf(0.01f * value[j], -1.0f), 1.0f);
        }
        *reinterpret_cast<Bf16x8*>(x + i) = to_bf16(value);
    }
}

// The memory of all products, and where the next weight lies.
class Bench {
  public:
    Bench()
        : weights_(WEIGHT_ELEMENTS), x_(size_t{MOST_ROWS} * MOST_IN), y_(size_t{MOST_ROWS} * MOST_OUT) {
        check::randomise(weights_, 1);
        check::randomise(x_, 2);
        for (const auto kernel : {decode_product_16, decode_product_32, decode_product_48, decode_product_64}) {
            CUDA(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize,
                                      decode_product_shared_bytes(64)));
        }
    }

    __nv_bfloat16* x() const { return x_.data(); }

    MatVec product(const Shape& shape) {
        MatVec product = {};
        product.x = x_.data();
        product.y = y_.data();
        product.x_pitch = product.in = shape.in;
        product.y_pitch = shape.out();
        if (next_ + shape.elements() > WEIGHT_ELEMENTS) {
            next_ = 0;
        }
        for (const int out : shape.outs) {
            product.weight[product.parts] = weights_.data() + next_;
            product.out[product.parts++] = out;
            next_ += static_cast<size_t>(out) * shape.in;
        }
        return product;
    }

    void launch_decode_product(const Step* step, int rows, const MatVec& product, bool outputs, cudaStream_t stream) {
        const auto kernel = rows <= 16 ? decode_product_16
            : rows <= 32                 ? decode_product_32
            : rows <= 48                 ? decode_product_48
                                         : decode_product_64;
        const int chunks = tiles(product, DECODE_PRODUCT_OUT) * divide_up(product.in, DECODE_PRODUCT_CHUNK);
        check::launch_overlapping(kernel, dim3(std::min(chunks, check::multiprocessors())), DECODE_PRODUCT_THREADS,
                                  decode_product_shared_bytes(divide_up(rows, 16) * 16), stream, step,
                                  memory_.call(product, outputs));
    }

    static void launch_matvec(const Step* step, const MatVec& product, bool outputs, cudaStream_t stream) {
        check::launch_overlapping(outputs ? matvec_outputs : matvec_tokens, dim3(tiles(product, MATVEC_OUT)), 128, 0,
                                  stream, step, product);
    }

  private:
    static int tiles(const MatVec& product, int outs) {
        int tiles = 0;
        for (int part = 0; part < product.parts; part++) {
            tiles += divide_up(product.out[part], outs);
        }
        return tiles;
    }

    Buffer<__nv_bfloat16> weights_, x_;
    Buffer<float> y_;
    check::ProductMemory memory_{64};
    size_t next_ = 0;
};

// Launches product number `i` of a model.
using Launch = std::function<void(int i, const MatVec&, cudaStream_t)>;

// A line: each product by itself, and a layer with what comes between the products.
void time_model(Bench& bench, const char* name, const Model& model, int rows, const Launch& launch) {
    std::printf("%2d rows, %-15s", rows, name);
    for (int i = 0; i <= LAYER_PRODUCTS; i++) {
        std::printf(" %7.2f", check::time_us(i == LAYER_PRODUCTS ? 6 : 24, [&](cudaStream_t stream, int) {
                        launch(i, bench.product(model[i]), stream);
                    }));
    }
    std::printf("  layer %7.2f\n", check::time_us(LAYERS, [&](cudaStream_t stream, int) {
                    for (int i = 0; i < LAYER_PRODUCTS; i++) {
                        const MatVec product = bench.product(model[i]);
                        launch(i, product, stream);
                        check::launch_overlapping(consume, dim3(264), 128, CONSUMER_SHARED_BYTES, stream,
                                                  static_cast<const __nv_bfloat16*>(product.y), product.y_pitch,
                                                  bench.x(), model[(i + 1) % LAYER_PRODUCTS].in, rows);
                    }
                }));
}

void time_all(Bench& bench, const Model& model, const check::CublasLt* library) {
    std::printf("%-24s", "weights at 3 TB/s");
    for (const Shape& shape : model) {
        std::printf(" %7.2f", 2.0 * static_cast<double>(shape.elements()) / 3e6);
    }
    std::printf("\n");
    for (const int rows : {1, 8, 16, 24, 32, 48, 64, 128}) {
        check::StepBuilder builder;
        builder.ids.assign(rows, 0);
        builder.output_rows.assign(rows, 0);
        const check::DeviceStep step(builder);
        if (rows <= MATVEC_ROWS) {
            time_model(bench, "matvec", model, rows, [&](int i, const MatVec& product, cudaStream_t stream) {
                Bench::launch_matvec(step.get(), product, model[i].outputs, stream);
            });
        }
        if (rows <= 64) {
            time_model(bench, "decode_product", model, rows, [&](int i, const MatVec& product, cudaStream_t stream) {
                bench.launch_decode_product(step.get(), rows, product, model[i].outputs, stream);
            });
        }
        if (library != nullptr) {
            std::vector<check::CublasLt::Product> products;
            for (const Shape& shape : model) {
                products.push_back(library->product(rows, shape.out(), shape.in, shape.outputs, 1));
            }
            time_model(bench, "cuBLASLt", model, rows, [&](int i, const MatVec& product, cudaStream_t stream) {
                library->run(products[i], 0, product.x, product.weight[0], product.y, stream);
            });
        }
    }
}

void time_algorithms(Bench& bench, const check::CublasLt& library) {
    for (const Model& model : {LLAMA, LARGE}) {
        for (const int rows : {16, 32, 64, 128, 256, 512, 2048, 4096}) {
            for (const Shape& shape : model) {
                if (shape.outputs && rows > 256) {
                    continue;
                }
                const check::CublasLt::Product found = library.product(rows, shape.out(), shape.in, shape.outputs, 8);
                std::printf("%-8s %5d %4d rows:", shape.name, shape.in, rows);
                for (size_t a = 0; a < found.algorithms.size(); a++) {
                    std::printf(" %.1f", check::time_us(rows <= 256 ? 12 : 4, [&](cudaStream_t stream, int) {
                                    const MatVec product = bench.product(shape);
                                    library.run(found, a, product.x, product.weight[0], product.y, stream);
                                }));
                }
                std::printf("\n");
            }
        }
    }
}

}  // namespace

int main(int argc, char** argv) {
    const std::string what = argc > 1 ? argv[1] : "llama";
    Bench bench;
    const std::unique_ptr<check::CublasLt> library = check::CublasLt::open();
    if (what == "algorithms") {
        if (library != nullptr) {
            time_algorithms(bench, *library);
        }
    } else {
        time_all(bench, what == "small" ? SMALL : what == "large" ? LARGE : LLAMA, library.get());
    }
    return check::finish("decode_product_bench");
}

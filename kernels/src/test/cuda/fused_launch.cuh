// Decode products that finish a projection: launches with adapters and without, and what they should start from.
#pragma once

#include "decode_product_launch.cuh"
#include "product_adapted.cuh"
#include "unfinished_norm.cuh"
#include "vectors.cuh"

#include <cstring>

constexpr int FUSED_MOST_ROWS = 64;

// The product itself, by warps: [rows][columns] in double precision.
static __global__ void reference_product(lorikeet::MatVec product, int columns, double* to) {
    int column = blockIdx.x * blockDim.y + threadIdx.y;
    int row = blockIdx.y;
    if (column >= columns) {
        return;
    }
    int part = 0;
    int out = column;
    while (out >= product.out[part]) {
        out -= product.out[part++];
    }
    const bf16* weight = product.weight[part] + size_t(out) * product.in;
    const bf16* x = product.x + size_t(row) * product.x_pitch;
    double sum = 0;
    for (int i = threadIdx.x; i < product.in; i += 32) {
        sum += double(float(weight[i])) * float(x[i]);
    }
    for (int mask = 16; mask > 0; mask /= 2) {
        sum += __shfl_xor_sync(~0u, sum, mask);
    }
    to[size_t(row) * columns + column] = sum;
}

// The base model's weights of a projection, and the memory of a launch.
class FusedProduct {
  public:
    FusedProduct() = default;

    FusedProduct(const lorikeet::Lora& lora, const bf16* x, int rows, int blocks, uint64_t seed)
        : rows_(rows), partial_(size_t(blocks) * FUSED_MOST_ROWS * lorikeet::DECODE_PRODUCT_OUT),
          left_squares_(std::vector<float>(size_t(FUSED_MOST_ROWS) * PITCH)) {
        call_.product.x = x;
        call_.product.x_pitch = call_.product.in = lora.in;
        call_.product.parts = lora.parts;
        for (int p = 0; p < lora.parts; p++) {
            weights_.push_back(random_buffer<bf16>(size_t(lora.part[p].out) * lora.in, seed + p, 3 / std::sqrt(float(lora.in))));
            call_.product.weight[p] = weights_.back().get();
            call_.product.out[p] = lora.part[p].out;
        }
        call_.partial = partial_.get();
    }

    Buffer<double> expected(int columns) const {
        Buffer<double> result(size_t(rows_) * columns);
        reference_product<<<dim3(lorikeet::divide_up(columns, 4), rows_), dim3(32, 4)>>>(call_.product, columns, result.get());
        CHECK(cudaGetLastError());
        return result;
    }

    const lorikeet::DecodeProduct& call() const { return call_; }

    // Where product_add_norm leaves the sums of squares, of rows of so many values.
    lorikeet::TileSquares squares(int size) const { return {left_squares_.get(), PITCH, size, 0, 0}; }

    std::vector<float> left_squares(int row) const {
        std::vector<float> all = left_squares_.download();
        return {all.begin() + size_t(row) * PITCH, all.begin() + size_t(row + 1) * PITCH};
    }

    // Makes it the same product of rows whose norm isn't finished.
    lorikeet::TileSquares unfinish() {
        std::vector<bf16> x(size_t(rows_) * call_.product.in);
        CHECK(cudaMemcpy(x.data(), call_.product.x, x.size() * sizeof(bf16), cudaMemcpyDeviceToHost));
        lorikeet::TileSquares squares{};
        squares_ = Buffer<float>(check::unfinish(x, rows_, call_.product.in, call_.product.in, squares));
        x_ = Buffer<bf16>(x);
        call_.product.x = x_.get();
        squares.square = squares_.get();
        return squares;
    }

    bool is_clean() const {
        std::vector<float> left = partial_.download();
        return std::all_of(left.begin(), left.end(), [](float v) { return std::memcmp(&v, "\xff\xff\xff\xff", 4) == 0; });
    }

  private:
    static constexpr int PITCH = 132;  // most tiles: as many as blocks, a multiple of four

    int rows_ = 0;
    lorikeet::DecodeProduct call_{};
    std::vector<Buffer<bf16>> weights_;
    Buffer<float> partial_;
    Buffer<float> left_squares_;
    Buffer<float> squares_;
    Buffer<bf16> x_;
};

// Kernels for 16 rows, 32, and so on, and what a block of theirs takes.
struct FusedKernels {
    void (*kernel[FUSED_MOST_ROWS / 16])(const lorikeet::Step*, lorikeet::DecodeProduct, lorikeet::Lora, lorikeet::ProductEnding);
    int more_threads;  // than the product's
    int (*shared_bytes)(int rows);

    // Up to `tiles` * chunks blocks.
    void launch(cudaStream_t stream, int rows, int blocks, int tiles, const lorikeet::Step* step,
                const lorikeet::DecodeProduct& call, const lorikeet::Lora& lora, const lorikeet::ProductEnding& ending) const {
        int sixteens = lorikeet::divide_up(rows, 16);
        int shared = shared_bytes(16 * sixteens);
        CHECK(cudaFuncSetAttribute(kernel[sixteens - 1], cudaFuncAttributeMaxDynamicSharedMemorySize, shared));
        launch_with(stream, true, 1, std::min(blocks, tiles * lorikeet::divide_up(lora.in, lorikeet::DECODE_PRODUCT_CHUNK)),
                    lorikeet::DECODE_PRODUCT_THREADS + more_threads, shared, kernel[sixteens - 1], step, call, lora, ending);
    }
};

inline int base_bytes(int rows) { return lorikeet::decode_product_shared_bytes(rows); }

inline int base_rotate_bytes(int rows) { return lorikeet::product_rotate_shared_bytes(rows); }

inline int adapted_bytes(int rows) { return lorikeet::product_adapted_shared_bytes(rows); }

// By the kernels for adapters, if the launch has what they need.
inline void launch_fused(cudaStream_t stream, const FusedKernels& base, int rows, int blocks, int tiles,
                         const lorikeet::Step* step, const lorikeet::DecodeProduct& call, const lorikeet::Lora& lora,
                         const lorikeet::ProductEnding& ending) {
    using namespace lorikeet;
    static const FusedKernels adapted{{product_adapted_16, product_adapted_32, product_adapted_48, product_adapted_64},
                                      DECODE_PRODUCT_SHRINK_THREADS, adapted_bytes};
    (lora.left != nullptr ? adapted : base).launch(stream, rows, blocks, tiles, step, call, lora, ending);
}

inline void launch_product_gate(cudaStream_t stream, int rows, int blocks, const lorikeet::Step* step,
                                const lorikeet::DecodeProduct& call, const lorikeet::Lora& lora,
                                const lorikeet::TileSquares& squares, bf16* out) {
    using namespace lorikeet;
    static const FusedKernels base{{product_gate_16, product_gate_32, product_gate_48, product_gate_64}, 0, base_bytes};
    const int tiles = divide_up(lora.part[0].out, DECODE_PRODUCT_OUT / 2);
    launch_fused(stream, base, rows, blocks, tiles, step, call, lora, {ENDING_GATE, 0, {}, {}, squares, nullptr, out});
}

inline void launch_product_add_norm(cudaStream_t stream, int rows, int blocks, const lorikeet::Step* step,
                                    const lorikeet::DecodeProduct& call, const lorikeet::Lora& lora,
                                    const lorikeet::NormWeight& norm, const lorikeet::TileSquares& squares, float* residual,
                                    bf16* out) {
    using namespace lorikeet;
    static const FusedKernels base{
        {product_add_norm_16, product_add_norm_32, product_add_norm_48, product_add_norm_64}, 0, base_bytes};
    const int tiles = divide_up(lora.part[0].out, DECODE_PRODUCT_OUT);
    launch_fused(stream, base, rows, blocks, tiles, step, call, lora, {ENDING_ADD_NORM, 0, {}, norm, squares, residual, out});
}

inline void launch_product_rotate(cudaStream_t stream, int rows, int blocks, const lorikeet::Step* step,
                                  const lorikeet::DecodeProduct& call, const lorikeet::Lora& lora,
                                  const lorikeet::Rotation& rotation, const lorikeet::TileSquares& squares, bf16* qkv) {
    using namespace lorikeet;
    static const FusedKernels base{{product_rotate_16, product_rotate_32, product_rotate_48, product_rotate_64},
                                   PRODUCT_ROTATE_TURN_THREADS, base_rotate_bytes};
    const int tiles = (rotation.heads + 2 * rotation.kv_heads) * divide_up(rotation.head_size, DECODE_PRODUCT_OUT);
    launch_fused(stream, base, rows, blocks, tiles, step, call, lora, {ENDING_ROTATE, 0, rotation, {}, squares, nullptr, qkv});
}

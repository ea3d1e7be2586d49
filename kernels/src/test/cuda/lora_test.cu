// Checks the LoRA kernels against double precision over random shapes, ranks and groups of rows, and that they give the
// same bits twice. Usage: lora_test [cases] [seed]; exit status 0 if all is well. To build it, in kernels/src:
//
//     nvcc -std=c++17 -arch=sm_90a -O3 -Imain/cuda test/cuda/lora_test.cu
//         main/cuda/{shrink,shrink_prompt,shrink_short,matvec,decode_product}.cu
//         main/cuda/{product_adapted,product_add_norm,product_gate,product_rotate}.cu
//         main/cuda/{gate,gate_staged,gate_prompt,add_norm,add_norm_prompt}.cu
//         main/cuda/{rotate_and_store,rotate_prompt}.cu test/cuda/expand_rows.cu -o lora_test
#include "decode_product_launch.cuh"
#include "expand_rows.cuh"
#include "fused_launch.cuh"
#include "left_shrunk.cuh"
#include "lora_cases.cuh"
#include "lora_compare.cuh"
#include "lora_reference.cuh"
#include "prompt_launch.cuh"

#include <cmath>
#include <numeric>
#include <string>

using namespace lorikeet;

namespace {

int fused_cases = 0;

constexpr double BF16 = 4e-3;  // the result's own rounding is 1.7e-3
constexpr double F32 = 1e-4;
constexpr int SPARE_ROWS = 3;
constexpr float EPSILON = 1e-5f;

int cluster_of(int size) {
    int cluster = 1;
    while (cluster < 8 && cluster * ADD_NORM_WINDOW < size) {
        cluster *= 2;
    }
    return cluster;
}

// Everything that a step of some groups does with one projection.
class Case {
  public:
    // fused: by the kernels that do all of it in one launch, if there is one for the shape.
    Case(const Shape& shape, const std::vector<Group>& groups, bool prompt, int run, uint64_t seed, bool fused)
        : shape_(shape), dice_(seed) {
        name_ = shape.name + " in " + std::to_string(shape.in) + (prompt ? " prompt" : " decode") + " run "
            + std::to_string(run) + " seed " + std::to_string(seed);
        int adapters = 0;
        for (Group group : groups) {
            adapters = std::max(adapters, group.adapter + 1);
        }
        int norm_size = shape.head_size > 0 ? shape.head_size : shape.outs[0];
        std::vector<const AdapterModule*> modules;
        for (int a = 0; a < adapters; a++) {
            adapters_.push_back(make_adapter(shape, norm_size, dice_));
            modules.push_back(adapters_.back().modules.get());
        }
        step_.set_groups(groups, modules);
        rows_ = step_.host.tokens;
        capacity_ = rows_ + SPARE_ROWS;
        lora_.parts = int(shape.outs.size());
        lora_.in = shape.in;
        lora_.rank_stride = shape.rank != 0 ? divide_up(shape.rank, 16) * 16 : LORA_MAX_RANK;
        lora_.tokens = capacity_;
        lora_.prompt = prompt ? 1 : dice_.one_in(3) ? 2 : 0;
        lora_.run = run;
        for (int p = 0; p < lora_.parts; p++) {
            lora_.part[p] = {p, shape.outs[p], lora_.columns, 0, nullptr};
            lora_.columns += shape.outs[p];
            if (dice_.one_in(2)) {
                biases_.push_back(random_buffer<bf16>(shape.outs[p], dice_.seed(), 1));
                lora_.part[p].bias = biases_.back().get();
            }
        }
        size_t most = std::max(std::min(16 * capacity_, 16384), capacity_);
        shrunk_ = Buffer<float>(most * lora_.parts * lora_.rank_stride);
        lora_.shrunk = shrunk_.get();
        x_ = random_buffer<bf16>(size_t(capacity_) * shape.in, dice_.seed(), 1);
        y_ = random_buffer<bf16>(size_t(capacity_) * lora_.columns, dice_.seed(), 1);
        norm_weight_ = random_buffer<bf16>(norm_size, dice_.seed(), 1);
        if (shape.head_size > 0) {
            set_sequences();
        }
        // Few rows have two ways to h, whose bits differ.
        cluster_ = dice_.any({1, 2, 4, 8});
        few_ = lora_.parts * lora_.rank_stride <= 16 * SHRINK_SHORT_CHUNKS && !dice_.one_in(3);
        fused_ = fused && can_be_fused();
        beside_product_ = !prompt && rows_ <= DECODE_PRODUCT_MOST_ROWS && shape.in % 8 == 0 && !dice_.one_in(4);
        by_matvec_ = rows_ <= MATVEC_ROWS && dice_.one_in(2);
        shares_ = dice_.any({1, 7, 264});
        beside_out_ = dice_.between(1, 700);
        if (fused_) {
            left_ = LeftShrunk(capacity_, lora_.rank_stride);
            left_.set(lora_);
            name_ += " fused";
            fused_cases++;
            fused_blocks_ = dice_.any({1, 5, 60, 132});
            if (lora_.parts == 1) {  // a block completes one tile at most
                fused_blocks_ = std::max(fused_blocks_, divide_up(shape.outs[0], DECODE_PRODUCT_OUT));
            }
            product_ = FusedProduct(lora_, x_.get(), rows_, fused_blocks_, dice_.seed());
            base_ = product_.expected(lora_.columns);
            if (lora_.parts > 1 && !dice_.one_in(4)) {
                squares_ = product_.unfinish();
            }
        }
        device_step_ = step_.upload();
    }

    void run() {
        if (!fused_) {  // those expand what they have shrunk
            check_expand();
            check_logits();
        }
        if (shape_.head_size > 0) {
            check_rotation();
        } else if (lora_.parts == 1) {
            check_add_norm();
        } else if (lora_.parts == 2 && shape_.outs[0] == shape_.outs[1]) {
            check_gate();
        }
        if (fused_ && !(left_.is_clean() && product_.is_clean())) {
            failures++;
            std::printf("FAILED %s: splits are left\n", name_.c_str());
        }
    }

  private:
    // Whether there is a kernel that does all of it, and the reference is quick.
    bool can_be_fused() const {
        bool fits = rows_ <= FUSED_MOST_ROWS && lora_.in % 8 == 0 && size_t(lora_.columns) * lora_.in < (1 << 27);
        if (shape_.head_size > 0) {
            return fits && shape_.head_size % 8 == 0;
        }
        if (lora_.parts == 1) {
            return fits && shape_.outs[0] % 8 == 0 && shape_.outs[0] <= 132 * DECODE_PRODUCT_OUT;
        }
        return fits && lora_.parts == 2 && shape_.outs[0] == shape_.outs[1];
    }

    // What the projection should be.
    std::vector<double> projection() {
        return fused_ ? reference_projection(step_, lora_, x_.get(), base_.get(), true)
                      : reference_projection(step_, lora_, x_.get(), y_.get(), true);
    }

    void shrink_now() {
        shrunk_.poison();
        if (fused_) {  // which shrinks itself
            return;
        }
        if (beside_product_) {
            shrink_beside_product();
            return;
        }
        if (lora_.prompt == 1) {
            ShrinkGrid grid{few_, dice_.any({1, 7, 132}), cluster_};
            launch_shrink_of_many(nullptr, false, grid, device_step_, lora_, x_.get());
            return;
        }
        launch(nullptr, false, 1, dice_.any({1, 7, 264}), SHRINK_THREADS, shrink, device_step_, lora_, x_.get());
    }

    // The product beside which it is done must be what it is without.
    void shrink_beside_product() {
        int out = beside_out_;
        Buffer<bf16> weight = random_buffer<bf16>(size_t(out) * shape_.in, dice_.seed(), 1);
        MatVec product{};
        product.x = x_.get();
        product.x_pitch = product.in = shape_.in;
        product.y_pitch = product.out[0] = out;
        product.parts = 1;
        product.weight[0] = weight.get();
        std::vector<bf16> results[2];
        int shares = shares_;
        for (int beside = 0; beside < 2; beside++) {
            Buffer<bf16> y(size_t(capacity_) * out);
            product.y = y.get();
            if (by_matvec_) {
                few_rows(product, beside == 1 ? shares : 0);
            } else {
                more_rows(product, beside == 1, shares);
            }
            CHECK(cudaDeviceSynchronize());
            results[beside] = y.download();
        }
        std::string what = name_ + " product beside the shrink";
        check_same(what, results[0], results[1]);
    }

    void few_rows(const MatVec& product, int shrinks) {
        int tiles = divide_up(product.out[0], MATVEC_OUT);
        if (shrinks > 0) {
            launch(nullptr, true, 1, tiles + shrinks, 128, matvec_shrink, device_step_, product, lora_, shrinks);
        } else {
            launch(nullptr, true, 1, tiles, 128, matvec_tokens, device_step_, product);
        }
    }

    void more_rows(const MatVec& product, bool shrinks, int blocks) {
        blocks = std::min(
            {blocks, 132,
             divide_up(product.out[0], DECODE_PRODUCT_OUT) * divide_up(product.in, DECODE_PRODUCT_CHUNK)});
        Buffer<float> partial(size_t(blocks) * DECODE_PRODUCT_MOST_ROWS * DECODE_PRODUCT_OUT);
        DecodeProduct call{};
        call.product = product;
        call.partial = partial.get();
        launch_decode_product(nullptr, divide_up(rows_, 16), blocks, device_step_, call, shrinks ? &lora_ : nullptr);
        CHECK(cudaDeviceSynchronize());
    }

    int blocks() { return dice_.any({1, 5, 132, 528, 1056}); }

    void check_expand() {
        std::vector<double> expected = reference_projection(step_, lora_, x_.get(), y_.get(), false);
        std::vector<bf16> before = y_.download();
        std::vector<bf16> results[2];
        for (auto& result : results) {
            Buffer<bf16> y(before);
            shrink_now();
            launch(nullptr, false, 1, blocks(), EXPAND_THREADS, expand, device_step_, lora_, y.get());
            CHECK(cudaDeviceSynchronize());
            result = y.download();
        }
        compare(name_ + " expand", expected, floats(results[0], expected.size()), BF16);
        check_same(name_ + " expand", results[0], results[1]);
        check_untouched(name_ + " expand", before, results[0], expected.size());
    }

    void check_logits() {
        Lora lora = lora_;
        lora.outputs = 1;
        Buffer<float> y = random_buffer<float>(size_t(capacity_) * lora_.columns, dice_.seed(), 1);
        std::vector<double> expected = reference_projection(step_, lora_, x_.get(), y.get(), false);
        std::vector<float> before = y.download();
        shrink_now();
        launch(nullptr, false, 1, blocks(), EXPAND_THREADS, expand_logits, device_step_, lora, y.get());
        CHECK(cudaDeviceSynchronize());
        std::vector<float> after = y.download();
        compare(name_ + " logits", expected, floats(after, expected.size()), F32);
        check_untouched(name_ + " logits", before, after, expected.size());
    }

    void check_gate() {
        std::vector<double> projection = this->projection();
        int size = shape_.outs[0];
        std::vector<double> expected(size_t(rows_) * size);
        for (size_t i = 0; i < expected.size(); i++) {
            double g = projection[i / size * 2 * size + i % size];
            expected[i] = g / (1 + std::exp(-g)) * projection[i / size * 2 * size + size + i % size];
        }
        std::vector<bf16> results[2];
        Buffer<bf16> out(size_t(capacity_) * size);
        std::vector<bf16> before = out.download();
        auto kernel = dice_.one_in(3) ? gate : gate_staged;
        bool many = lora_.prompt == 1 && size % 8 == 0 && !dice_.one_in(4);
        for (auto& result : results) {
            out.poison();
            shrink_now();
            if (fused_) {
                launch_product_gate(nullptr, rows_, fused_blocks_, device_step_, product_.call(), lora_, squares_,
                                    out.get());
            } else if (many) {
                launch_gate_prompt(nullptr, false, blocks(), device_step_, lora_, y_.get(), out.get());
            } else {
                launch(nullptr, false, 1, blocks(), EXPAND_THREADS, kernel, device_step_, lora_, y_.get(), out.get());
            }
            CHECK(cudaDeviceSynchronize());
            result = out.download();
        }
        compare(name_ + " gate", expected, floats(results[0], expected.size()), BF16);
        check_same(name_ + " gate", results[0], results[1]);
        check_untouched(name_ + " gate", before, results[0], expected.size());
    }

    // A norm's weight for a row, the adapter's own where it has one.
    std::vector<float> norm_weight(int group) {
        const AdapterModule* adapter = nullptr;
        CHECK(cudaMemcpy(&adapter, step_.host.group_adapter + group, sizeof adapter, cudaMemcpyDeviceToHost));
        const bf16* weight = norm_weight_.get();
        if (adapter != nullptr) {
            AdapterModule change;
            CHECK(cudaMemcpy(&change, adapter + lora_.parts, sizeof change, cudaMemcpyDeviceToHost));
            weight = change.kind == MODULE_REPLACED ? change.weight : weight;
        }
        std::vector<bf16> values(norm_weight_.size());
        CHECK(cudaMemcpy(values.data(), weight, values.size() * sizeof(bf16), cudaMemcpyDeviceToHost));
        return floats(values, values.size());
    }

    std::vector<int> row_groups() {
        std::vector<int> groups(rows_);
        CHECK(cudaMemcpy(groups.data(), step_.host.token_group, rows_ * sizeof(int), cudaMemcpyDeviceToHost));
        return groups;
    }

    void check_add_norm() {
        int size = shape_.outs[0];
        std::vector<double> sum = projection();
        Buffer<float> residual = random_buffer<float>(size_t(capacity_) * size, dice_.seed(), 1);
        std::vector<float> before = residual.download();
        std::vector<double> expected(sum.size());
        std::vector<double> squares;
        std::vector<int> groups = row_groups();
        std::vector<float> weight;
        for (int r = 0; r < rows_; r++) {
            if (r == 0 || groups[r] != groups[r - 1]) {
                weight = norm_weight(groups[r]);
            }
            double square = 0;
            for (size_t i = size_t(r) * size; i < size_t(r + 1) * size; i++) {
                sum[i] += before[i];
                square += sum[i] * sum[i];
            }
            for (int c = 0; c < size; c++) {
                size_t i = size_t(r) * size + c;
                expected[i] = sum[i] * weight[c] / (fused_ ? 1 : std::sqrt(square / size + EPSILON));
            }
            squares.push_back(square);
        }
        NormWeight norm{norm_weight_.get(), lora_.parts, EPSILON};
        int cluster = cluster_of(size);
        int grid = dice_.any({1, 3, 16, 32, 132}) * cluster;  // the order of the squares' sum depends on it
        bool many = lora_.prompt == 1 && size % 8 == 0 && !dice_.one_in(4);
        std::vector<bf16> results[2];
        std::vector<float> residuals[2];
        Buffer<bf16> out(size_t(capacity_) * size);
        std::vector<bf16> poison = out.download();
        for (int i = 0; i < 2; i++) {
            out.poison();
            residual.upload(before);
            shrink_now();
            if (fused_) {
                launch_product_add_norm(nullptr, rows_, fused_blocks_, device_step_, product_.call(), lora_, norm,
                                        product_.squares(size), residual.get(), out.get());
            } else if (many) {
                launch_add_norm_prompt(nullptr, false, dice_.any({1, 3, 132}), device_step_, lora_, norm, y_.get(),
                                       residual.get(), out.get());
            } else {
                launch(nullptr, false, cluster, grid, ADD_NORM_THREADS, add_norm, device_step_, lora_, norm, y_.get(),
                       residual.get(), out.get());
            }
            CHECK(cudaDeviceSynchronize());
            results[i] = out.download();
            residuals[i] = residual.download();
        }
        if (fused_) {  // whose rows' factors are left to others
            std::vector<float> left;
            for (int r = 0; r < rows_; r++) {
                std::vector<float> tiles = product_.left_squares(r);
                left.push_back(float(std::accumulate(tiles.begin(), tiles.end(), 0.0)));
            }
            compare(name_ + " squares", squares, left, F32);
        }
        compare(name_ + " residual", sum, floats(residuals[0], sum.size()), F32);
        compare(name_ + " norm", expected, floats(results[0], expected.size()), BF16);
        check_same(name_ + " norm", results[0], results[1]);
        check_same(name_ + " residual", residuals[0], residuals[1]);
        check_untouched(name_ + " norm", poison, results[0], expected.size());
        check_untouched(name_ + " residual", before, residuals[0], expected.size());
    }

    // Cuts the rows into sequences and gives them positions, blocks in any order, and rotary frequencies.
    void set_sequences() {
        std::vector<int> token_sequence;
        std::vector<int> table_start;
        std::vector<unsigned> table;
        std::vector<const float*> frequencies;
        std::vector<float> scaling;
        int half = shape_.head_size / 2;
        size_t block_bytes = size_t(2) * layers_ * shape_.kv_heads * BLOCK_TOKENS * shape_.head_size * sizeof(bf16);
        block_units_ = divide_up(int(block_bytes), ADDRESS_UNIT);
        while (int(token_sequence.size()) < rows_) {
            int sequence = int(table_start.size());
            int count = std::min(dice_.one_in(2) ? 1 : dice_.between(1, 40), rows_ - int(token_sequence.size()));
            int first = dice_.one_in(8) ? dice_.between(0, 130000) : dice_.between(0, 50);
            table_start.push_back(int(table.size()) - first / BLOCK_TOKENS);  // blocks before the first are not needed
            for (int b = 0; b <= (first + count - 1) / BLOCK_TOKENS - first / BLOCK_TOKENS; b++) {
                table.push_back(unsigned(table.size()));
            }
            for (int i = 0; i < count; i++) {
                token_sequence.push_back(sequence);
                positions_.push_back(first + i);
            }
            std::vector<float> inverse(half);
            float base = dice_.any({10000.0f, 500000.0f});
            for (int i = 0; i < half; i++) {
                inverse[i] = std::pow(base, -2.0f * i / shape_.head_size);
            }
            frequencies.push_back(step_.place(inverse));
            scaling.push_back(dice_.any({1.0f, 1.3f}));
            frequencies_.push_back(inverse);
            scaling_.push_back(scaling.back());
        }
        std::shuffle(table.begin(), table.end(), std::mt19937(unsigned(dice_.seed())));
        blocks_ = int(table.size());
        for (size_t r = 0; r < positions_.size(); r++) {
            int sequence = token_sequence[r];
            block_.push_back(int(table[table_start[sequence] + positions_[r] / BLOCK_TOKENS]));
        }
        for (unsigned& entry : table) {
            entry *= block_units_;
        }
        cache_ = Buffer<unsigned char>(size_t(std::max(blocks_, 1)) * block_units_ * ADDRESS_UNIT);
        sequence_ = token_sequence;
        step_.host.sequences = int(table_start.size());
        step_.host.token_sequence = step_.place(token_sequence);
        step_.host.positions = step_.place(positions_);
        step_.host.table_start = step_.place(table_start);
        step_.host.block_table = step_.place(table);
        step_.host.frequencies = step_.place(frequencies);
        step_.host.rotary_scaling = step_.place(scaling);
        step_.host.kv_base = cache_.get();
    }

    void check_rotation() {
        int size = shape_.head_size;
        int layer = dice_.between(0, layers_ - 1);
        Rotation rotation{};
        rotation.layer = layer;
        rotation.heads = shape_.heads;
        rotation.kv_heads = shape_.kv_heads;
        rotation.head_size = size;
        bool normed = dice_.one_in(2);
        Buffer<float> left;
        if (normed) {
            rotation.query = rotation.key = {norm_weight_.get(), lora_.parts, EPSILON};
            size_t tiles = size_t(shape_.heads + shape_.kv_heads) * divide_up(size, DECODE_PRODUCT_OUT);
            left = Buffer<float>(tiles * FUSED_MOST_ROWS * PRODUCT_ROTATE_LEFT_BYTES / sizeof(float));
            rotation.left = left.get();
        }
        std::vector<double> values = projection();
        std::vector<int> groups = row_groups();
        std::vector<float> weight;
        for (int r = 0; r < rows_; r++) {
            if (normed && (r == 0 || groups[r] != groups[r - 1])) {
                weight = norm_weight(groups[r]);
            }
            for (int head = 0; head < shape_.heads + shape_.kv_heads; head++) {
                double* v = values.data() + size_t(r) * lora_.columns + head * size;
                turn(v, size, normed ? weight.data() : nullptr, r);
            }
        }
        std::vector<bf16> results[2];
        std::vector<unsigned char> caches[2];
        bool many = lora_.prompt == 1 && size % 16 == 0 && !normed && !dice_.one_in(4);
        std::vector<bf16> before = y_.download();
        for (int i = 0; i < 2; i++) {
            Buffer<bf16> y(before);
            cache_.poison();
            shrink_now();
            if (fused_) {
                launch_product_rotate(nullptr, rows_, fused_blocks_, device_step_, product_.call(), lora_, rotation, squares_,
                                      y.get());
            } else if (many) {
                launch_rotate_prompt(nullptr, false, blocks(), device_step_, lora_, rotation, y.get());
            } else {
                launch(nullptr, false, 1, blocks(), EXPAND_THREADS, rotate_and_store, device_step_, lora_, rotation,
                       y.get());
            }
            CHECK(cudaDeviceSynchronize());
            results[i] = y.download();
            caches[i] = cache_.download();
        }
        const std::vector<float> tiles = left.download();
        if (!std::all_of(tiles.begin(), tiles.end(), [](float v) { return std::isnan(v); })) {
            failures++;
            std::printf("FAILED %s: tiles are left\n", name_.c_str());
        }
        std::vector<double> expected_queries;
        std::vector<float> queries;
        std::vector<double> expected_cached;
        std::vector<float> cached;
        for (int r = 0; r < rows_; r++) {
            size_t row = size_t(r) * lora_.columns;
            for (int c = 0; c < lora_.columns; c++) {
                if (c < shape_.heads * size) {
                    expected_queries.push_back(values[row + c]);
                    queries.push_back(float(results[0][row + c]));
                    continue;
                }
                int head = c / size - shape_.heads;
                size_t at = size_t(layer) * 2 * shape_.kv_heads + head;
                at = (at * BLOCK_TOKENS + positions_[r] % BLOCK_TOKENS) * size + c % size;
                bf16* block =
                    reinterpret_cast<bf16*>(caches[0].data() + size_t(block_[r]) * block_units_ * ADDRESS_UNIT);
                expected_cached.push_back(values[row + c]);
                cached.push_back(float(block[at]));
            }
        }
        compare(name_ + " queries", expected_queries, queries, BF16);
        compare(name_ + " cache", expected_cached, cached, BF16);
        check_same(name_ + " queries", results[0], results[1]);
        check_same(name_ + " cache", caches[0], caches[1]);
        check_untouched(name_ + " queries", before, results[0], size_t(rows_) * lora_.columns);
        size_t written = 0;
        for (unsigned char byte : caches[0]) {
            written += byte != 0xff;
        }
        if (written > cached.size() * sizeof(bf16)) {
            failures++;
            std::printf("FAILED %s: wrote elsewhere in the cache\n", name_.c_str());
        }
    }

    void turn(double* v, int size, const float* weight, int row) {
        if (weight != nullptr) {
            double square = 0;
            for (int i = 0; i < size; i++) {
                square += v[i] * v[i];
            }
            for (int i = 0; i < size; i++) {
                v[i] *= weight[i] / std::sqrt(square / size + EPSILON);
            }
        }
        for (int i = 0; i < size / 2; i++) {
            double angle = float(positions_[row]) * frequencies_[sequence_[row]][i];
            double cosine = std::cos(angle) * scaling_[sequence_[row]];
            double sine = std::sin(angle) * scaling_[sequence_[row]];
            double a = v[i];
            double b = v[i + size / 2];
            v[i] = a * cosine - b * sine;
            v[i + size / 2] = b * cosine + a * sine;
        }
    }

    Shape shape_;
    Dice dice_;
    std::string name_;
    TestStep step_;
    const Step* device_step_ = nullptr;
    Lora lora_{};
    std::vector<Adapter> adapters_;
    std::vector<Buffer<bf16>> biases_;
    Buffer<float> shrunk_;
    LeftShrunk left_;
    Buffer<bf16> x_;
    Buffer<bf16> y_;
    Buffer<bf16> norm_weight_;
    bool beside_product_ = false;
    int shares_ = 0;  // blocks that shrink, on which the order of sums may depend, and outputs of the product
    int beside_out_ = 0;
    bool fused_ = false;  // one launch does all of it
    int fused_blocks_ = 0;
    FusedProduct product_;
    TileSquares squares_{};  // of the rows that it takes
    Buffer<double> base_;
    bool by_matvec_ = false;  // the product beside which it is shrunk
    bool few_ = false;  // whether prompts use shrink_short
    int cluster_ = 1;  // of the prompts' shrink
    int rows_ = 0;
    int capacity_ = 0;

    int layers_ = 2;
    int blocks_ = 0;
    int block_units_ = 0;
    Buffer<unsigned char> cache_;
    std::vector<int> positions_;
    std::vector<int> sequence_;
    std::vector<int> block_;
    std::vector<std::vector<float>> frequencies_;
    std::vector<float> scaling_;
};

void run_case(const Shape& shape, const std::vector<Group>& groups, bool prompt, int run, uint64_t seed, bool fused = false) {
    Case(shape, groups, prompt, run, seed, fused).run();
}

}  // namespace

int main(int count, char** arguments) {
    std::setvbuf(stdout, nullptr, _IOLBF, 1 << 16);
    int cases = count > 1 ? std::atoi(arguments[1]) : 200;
    uint64_t seed = count > 2 ? std::strtoull(arguments[2], nullptr, 10) : 1;
    Shape llama[] = {
        {"Llama qkv", 4096, {4096, 1024, 1024}, 16, false, 128, 32, 8},
        {"Llama o", 4096, {4096}, 16, false, 0, 0, 0},
        {"Llama gate_up", 4096, {14336, 14336}, 16, false, 0, 0, 0},
        {"Llama down", 14336, {4096}, 16, false, 0, 0, 0},
    };
    int done = 0;
    if (cases > 20) {
        for (const Shape& shape : llama) {
            for (int each : {1, 4, 8, 40}) {
                std::vector<Group> groups;
                for (int a = 0; a < 8; a++) {
                    groups.push_back({each, a});
                }
                run_case(shape, groups, false, 1, seed + each);
                run_case(shape, groups, true, 4, seed + each);
                run_case(shape, groups, false, 1, seed + each, true);
                done += 3;
            }
        }
    }
    run_case(llama[1], {{5, -1}}, false, 1, seed);
    run_case(llama[0], {{1, -1}, {1, 0}}, false, 1, seed);
    for (int i = 0; i < cases; i++) {
        uint64_t own = seed * 1000003 + i;
        Dice dice(own);
        Shape shape = random_shape(dice);
        bool few = dice.one_in(3);
        bool many = !few && dice.one_in(3);
        std::vector<Group> groups = few ? few_groups(dice) : many ? many_groups(dice) : random_groups(dice);
        bool prompt = !few && !many && dice.one_in(2);
        run_case(shape, groups, prompt, dice.any({1, 4}), own);
        run_case(shape, fused_groups(dice), false, 1, own + 1, true);
        done += 2;
    }
    std::printf("lora: %d cases, %d of them fused, %d failures\n", done + 2, fused_cases, failures);
    return failures == 0 ? 0 : 1;
}

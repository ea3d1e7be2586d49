// Random products of rows with weights, and what is right for them.
#pragma once

#include "../../main/cuda/matvec.cuh"
#include "check.cuh"

namespace check {

inline double dot(const __nv_bfloat16* a, const __nv_bfloat16* b, int size) {
    double sum = 0;
    for (int i = 0; i < size; i++) {
        sum += static_cast<double>(__bfloat162float(a[i])) * __bfloat162float(b[i]);
    }
    return sum;
}

// A step of so many tokens, whose rows are all wanted.
inline DeviceStep step_of_rows(int rows) {
    StepBuilder builder;
    builder.ids.assign(rows, 0);
    builder.output_rows.assign(rows, 0);
    return DeviceStep(builder);
}

// Some rows and up to three weights on the device; whoever launches the product says where y is.
class ProductCase {
  public:
    // Inputs of one of these numbers of 8 at most.
    ProductCase(Random& random, int rows_, std::initializer_list<int> most_eights) : rows(rows_) {
        product.in = 8 * random.between(1, random.pick(most_eights));
        product.parts = random.between(1, 3);
        product.x_pitch = product.in + 8 * random.between(0, 2);
        for (int part = 0; part < product.parts; part++) {
            product.out[part] = random.between(1, random.pick({5, 70, 500}));
            product.y_pitch += product.out[part];
            weights_.push_back(random_bf16(random, static_cast<size_t>(product.out[part]) * product.in, 0.1f));
            device_.emplace_back(weights_.back());
            product.weight[part] = device_.back().data();
        }
        x_ = random_bf16(random, static_cast<size_t>(rows) * product.x_pitch, 1.0f);
        device_.emplace_back(x_);
        product.x = device_.back().data();
    }

    // Checks the first rows of what was computed; returns the error in f32.
    double check(const std::string& name, const std::vector<__nv_bfloat16>& got, const std::vector<float>& got_f32) const {
        Error error, f32_error;
        for (int row = 0; row < rows; row++) {
            size_t at = static_cast<size_t>(row) * product.y_pitch;
            for (int part = 0; part < product.parts; part++) {
                for (int out = 0; out < product.out[part]; out++, at++) {
                    const double want = dot(weights_[part].data() + static_cast<size_t>(out) * product.in,
                                            x_.data() + static_cast<size_t>(row) * product.x_pitch, product.in);
                    error.add(__bfloat162float(got[at]), want);
                    f32_error.add(got_f32[at], want);
                }
            }
        }
        expect(error.relative() < 4e-3, name + text(": error %g in bf16", error.relative()));
        expect(f32_error.relative() < 1e-5, name + text(": error %g in f32", f32_error.relative()));
        return f32_error.relative();
    }

    std::string name(uint64_t seed) const {
        return text("seed %llu: %d rows of %d, %d parts, %d outputs", static_cast<unsigned long long>(seed), rows,
                    product.in, product.parts, product.y_pitch);
    }

    const int rows;
    lorikeet::MatVec product = {};

  private:
    std::vector<std::vector<__nv_bfloat16>> weights_;
    std::vector<__nv_bfloat16> x_;
    std::vector<Buffer<__nv_bfloat16>> device_;
};

}  // namespace check

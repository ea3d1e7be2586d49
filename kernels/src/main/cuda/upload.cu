#include "upload.cuh"

namespace lorikeet::upload {

constexpr int THREADS = 256;
constexpr int AT_ONCE = 4;  // loads in flight of a thread: the bus takes a microsecond for each

}  // namespace lorikeet::upload

extern "C" __global__ void __launch_bounds__(256) upload_step(const uint4* from, uint4* to, int count) {
    using namespace lorikeet::upload;
    const int stride = static_cast<int>(gridDim.x) * THREADS;
    for (int first = static_cast<int>(blockIdx.x) * THREADS + static_cast<int>(threadIdx.x); first < count;
         first += AT_ONCE * stride) {
        uint4 values[AT_ONCE];
#pragma unroll
        for (int i = 0; i < AT_ONCE; i++) {
            if (first + i * stride < count) {
                values[i] = __ldcv(from + first + i * stride);
            }
        }
#pragma unroll
        for (int i = 0; i < AT_ONCE; i++) {
            if (first + i * stride < count) {
                to[first + i * stride] = values[i];
            }
        }
    }
}

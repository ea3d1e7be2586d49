// The expand of a projection by itself, in place: what a chain of shrink and expand is made of. No step launches it, as
// whoever reads a projection expands it.
#include "expand_rows.cuh"

#include "../../main/cuda/expand.cu"

extern "C" __global__ void __launch_bounds__(lorikeet::EXPAND_THREADS, lorikeet::EXPAND_BLOCKS)
    expand(const lorikeet::Step* step, const __grid_constant__ lorikeet::Lora lora, __nv_bfloat16* y) {
    __shared__ lorikeet::expanding::Shared shared;
    lorikeet::expanding::expand_onto(step, lora, y, shared);
}

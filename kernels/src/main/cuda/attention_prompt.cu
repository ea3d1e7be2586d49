// Attention of prompts, bound by the tensor cores.
//
// A block takes some tokens of one sequence with all query heads of one group: its rows are (token, head) pairs, so that
// keys and values are read once for the whole group. Softmax and output of a row stay in registers while the block goes
// over the keys and values. (https://arxiv.org/abs/2205.14135, https://arxiv.org/abs/2307.08691.)
#include "attention_prompt_mma.cuh"
#include "attention_prompt_wgmma.cuh"

namespace lorikeet::attention_prompt {

template <int SIZE>
__device__ __forceinline__ void run(const Step* step, const Attention& attention) {
#if defined(__CUDA_ARCH_FEAT_SM90_ALL)
    run_wgmma<SIZE>(step, attention);
#else
    run_mma<SIZE == 80 ? 96 : SIZE>(step, attention);
#endif
}

}  // namespace lorikeet::attention_prompt

extern "C" __global__ void __launch_bounds__(256, 1)
    attention_prompt_64(const lorikeet::Step* step, lorikeet::Attention attention) {
    lorikeet::attention_prompt::run<64>(step, attention);
}

extern "C" __global__ void __launch_bounds__(256, 1)
    attention_prompt_80(const lorikeet::Step* step, lorikeet::Attention attention) {
    lorikeet::attention_prompt::run<80>(step, attention);
}

extern "C" __global__ void __launch_bounds__(256, 1)
    attention_prompt_96(const lorikeet::Step* step, lorikeet::Attention attention) {
    lorikeet::attention_prompt::run<96>(step, attention);
}

extern "C" __global__ void __launch_bounds__(256, 1)
    attention_prompt_128(const lorikeet::Step* step, lorikeet::Attention attention) {
    lorikeet::attention_prompt::run<128>(step, attention);
}

extern "C" __global__ void __launch_bounds__(256, 1)
    attention_prompt_256(const lorikeet::Step* step, lorikeet::Attention attention) {
    lorikeet::attention_prompt::run<256>(step, attention);
}

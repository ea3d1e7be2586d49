// residual += y; out = residual * weight in the launch of the product: see add_norm_ending.cuh.
#include "product_add_norm.cuh"

#include "add_norm_ending.cuh"

namespace lorikeet::decode_product {

template <int ROWS>
__device__ __forceinline__ void run_add_norm(const Step* step, const DecodeProduct& call, const Lora& lora,
                                             const ProductEnding& ending) {
    if (decode_product_shared_bytes(ROWS) <= MOST_SHARED_BYTES) {
        NoDelta none;
        AddedAndNormed<NoDelta> normed{lora, ending.norm, ending.squares, ending.residual, ending.out, none};
        run<ROWS>(step, call, normed);
    }
}

}  // namespace lorikeet::decode_product

extern "C" __global__ void __launch_bounds__(lorikeet::DECODE_PRODUCT_THREADS, 1)
    product_add_norm_16(const lorikeet::Step* step, const __grid_constant__ lorikeet::DecodeProduct call,
                        const __grid_constant__ lorikeet::Lora lora, const __grid_constant__ lorikeet::ProductEnding ending) {
    lorikeet::decode_product::run_add_norm<16>(step, call, lora, ending);
}

extern "C" __global__ void __launch_bounds__(lorikeet::DECODE_PRODUCT_THREADS, 1)
    product_add_norm_32(const lorikeet::Step* step, const __grid_constant__ lorikeet::DecodeProduct call,
                        const __grid_constant__ lorikeet::Lora lora, const __grid_constant__ lorikeet::ProductEnding ending) {
    lorikeet::decode_product::run_add_norm<32>(step, call, lora, ending);
}

extern "C" __global__ void __launch_bounds__(lorikeet::DECODE_PRODUCT_THREADS, 1)
    product_add_norm_48(const lorikeet::Step* step, const __grid_constant__ lorikeet::DecodeProduct call,
                        const __grid_constant__ lorikeet::Lora lora, const __grid_constant__ lorikeet::ProductEnding ending) {
    lorikeet::decode_product::run_add_norm<48>(step, call, lora, ending);
}

extern "C" __global__ void __launch_bounds__(lorikeet::DECODE_PRODUCT_THREADS, 1)
    product_add_norm_64(const lorikeet::Step* step, const __grid_constant__ lorikeet::DecodeProduct call,
                        const __grid_constant__ lorikeet::Lora lora, const __grid_constant__ lorikeet::ProductEnding ending) {
    lorikeet::decode_product::run_add_norm<64>(step, call, lora, ending);
}

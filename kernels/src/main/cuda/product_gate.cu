// silu(gate) * up in the launch of the product: see gate_ending.cuh.
#include "product_gate.cuh"

#include "gate_ending.cuh"

namespace lorikeet::decode_product {

template <int ROWS>
__device__ __forceinline__ void run_gate(const Step* step, const DecodeProduct& call, const Lora& lora,
                                         const ProductEnding& ending) {
    if (decode_product_shared_bytes(ROWS) <= MOST_SHARED_BYTES) {
        NoDelta none;
        Gated<NoDelta> gated{lora, ending.squares, ending.out, none};
        run<ROWS>(step, call, gated);
    }
}

}  // namespace lorikeet::decode_product

extern "C" __global__ void __launch_bounds__(lorikeet::DECODE_PRODUCT_THREADS, 1)
    product_gate_16(const lorikeet::Step* step, const __grid_constant__ lorikeet::DecodeProduct call,
                    const __grid_constant__ lorikeet::Lora lora, const __grid_constant__ lorikeet::ProductEnding ending) {
    lorikeet::decode_product::run_gate<16>(step, call, lora, ending);
}

extern "C" __global__ void __launch_bounds__(lorikeet::DECODE_PRODUCT_THREADS, 1)
    product_gate_32(const lorikeet::Step* step, const __grid_constant__ lorikeet::DecodeProduct call,
                    const __grid_constant__ lorikeet::Lora lora, const __grid_constant__ lorikeet::ProductEnding ending) {
    lorikeet::decode_product::run_gate<32>(step, call, lora, ending);
}

extern "C" __global__ void __launch_bounds__(lorikeet::DECODE_PRODUCT_THREADS, 1)
    product_gate_48(const lorikeet::Step* step, const __grid_constant__ lorikeet::DecodeProduct call,
                    const __grid_constant__ lorikeet::Lora lora, const __grid_constant__ lorikeet::ProductEnding ending) {
    lorikeet::decode_product::run_gate<48>(step, call, lora, ending);
}

extern "C" __global__ void __launch_bounds__(lorikeet::DECODE_PRODUCT_THREADS, 1)
    product_gate_64(const lorikeet::Step* step, const __grid_constant__ lorikeet::DecodeProduct call,
                    const __grid_constant__ lorikeet::Lora lora, const __grid_constant__ lorikeet::ProductEnding ending) {
    lorikeet::decode_product::run_gate<64>(step, call, lora, ending);
}

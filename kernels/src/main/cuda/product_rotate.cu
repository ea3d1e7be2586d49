// q, k and v turned and stored in the launch of their product: see rotate_ending.cuh.
//
// Where the tokens' keys and values go, and how far their components turn, is a chain of loads and a lot of arithmetic. The
// threads behind the product's do it for the tiles that their block completes, while those read the weight.
#include "product_rotate.cuh"

#include "rotate_ending.cuh"

namespace lorikeet::decode_product {

// The work of the threads behind the product's.
template <int ROWS>
__device__ __forceinline__ void fill_turns(const DecodeProduct& call, const Rotated<ROWS, TurnsDelta>& rotated) {
    const int thread = static_cast<int>(threadIdx.x) - DECODE_PRODUCT_THREADS;
    const int chunks = chunks_of_tile(call.product);
    Completed completed(Deal(rotated.tiles() * chunks, static_cast<int>(gridDim.x)), chunks);
    if (completed.done()) {
        return;
    }
    TurnsGiver tiles{rotated.delta.tiles.barriers};
    tiles.set_up(thread == 0);
    rotated.prepare_tiles(thread, TURN_THREADS);
    asm volatile("bar.sync %0, %1;" ::"n"(TURN_BARRIER), "n"(TURN_THREADS) : "memory");
#pragma unroll 1
    for (; !completed.done(); completed.tile--) {
        rotated.prepare_tile(completed.tile, thread, TURN_THREADS);
        tiles.give();
        tiles.reclaim(0);
    }
}

template <int ROWS>
__device__ __forceinline__ void run_rotate(const Step* step, const DecodeProduct& call, const Lora& lora,
                                           const ProductEnding& ending) {
    if (product_rotate_shared_bytes(ROWS) <= MOST_SHARED_BYTES) {
        extern __shared__ __align__(1024) unsigned char memory[];
        unsigned char* const behind = memory + decode_product_shared_bytes(ROWS);
        Turns<ROWS>& turns = *reinterpret_cast<Turns<ROWS>*>(behind + PRODUCT_ROTATE_BARRIER_BYTES);
        TurnsDelta delta{{*reinterpret_cast<handover::Barriers<1>*>(behind)}};
        Rotated<ROWS, TurnsDelta> rotated{step, lora, ending.rotation, ending.squares, ending.out, turns, delta};
        if (threadIdx.x < DECODE_PRODUCT_THREADS) {
            run<ROWS>(step, call, rotated);
        } else {
            release_next();
            fill_turns(call, rotated);
        }
    }
}

}  // namespace lorikeet::decode_product

extern "C" __global__ void __launch_bounds__(lorikeet::DECODE_PRODUCT_THREADS + lorikeet::PRODUCT_ROTATE_TURN_THREADS, 1)
    product_rotate_16(const lorikeet::Step* step, const __grid_constant__ lorikeet::DecodeProduct call,
                      const __grid_constant__ lorikeet::Lora lora, const __grid_constant__ lorikeet::ProductEnding ending) {
    lorikeet::decode_product::run_rotate<16>(step, call, lora, ending);
}

extern "C" __global__ void __launch_bounds__(lorikeet::DECODE_PRODUCT_THREADS + lorikeet::PRODUCT_ROTATE_TURN_THREADS, 1)
    product_rotate_32(const lorikeet::Step* step, const __grid_constant__ lorikeet::DecodeProduct call,
                      const __grid_constant__ lorikeet::Lora lora, const __grid_constant__ lorikeet::ProductEnding ending) {
    lorikeet::decode_product::run_rotate<32>(step, call, lora, ending);
}

extern "C" __global__ void __launch_bounds__(lorikeet::DECODE_PRODUCT_THREADS + lorikeet::PRODUCT_ROTATE_TURN_THREADS, 1)
    product_rotate_48(const lorikeet::Step* step, const __grid_constant__ lorikeet::DecodeProduct call,
                      const __grid_constant__ lorikeet::Lora lora, const __grid_constant__ lorikeet::ProductEnding ending) {
    lorikeet::decode_product::run_rotate<48>(step, call, lora, ending);
}

extern "C" __global__ void __launch_bounds__(lorikeet::DECODE_PRODUCT_THREADS + lorikeet::PRODUCT_ROTATE_TURN_THREADS, 1)
    product_rotate_64(const lorikeet::Step* step, const __grid_constant__ lorikeet::DecodeProduct call,
                      const __grid_constant__ lorikeet::Lora lora, const __grid_constant__ lorikeet::ProductEnding ending) {
    lorikeet::decode_product::run_rotate<64>(step, call, lora, ending);
}

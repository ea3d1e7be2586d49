// Decode products with adapters: see product_adapted.cuh.
#include "product_adapted.cuh"

#include "add_norm_ending.cuh"
#include "gate_ending.cuh"
#include "rotate_ending.cuh"
#include "tile_delta.cuh"

namespace lorikeet::decode_product {

// Any of the endings, as the launch says.
template <int ROWS>
struct AnyEnding {
    static constexpr int CHUNK = TileDelta<ROWS>::CHUNK;
    static constexpr bool ALIKE = false;
    static constexpr bool HALVES = true;
    static constexpr bool FETCHES = true;
    static constexpr bool NORMS = true;

    const int kind;
    const TileSquares squares;  // of the rows of x
    Rotated<ROWS, TileDelta<ROWS>> rotated;
    Gated<TileDelta<ROWS>> gated;
    AddedAndNormed<TileDelta<ROWS>> normed;

    __device__ __forceinline__ int tiles() const {
        return kind == ENDING_ROTATE ? rotated.tiles() : kind == ENDING_GATE ? gated.tiles() : normed.tiles();
    }

    __device__ __forceinline__ Half half(int tile, int which) const {
        if (kind == ENDING_ROTATE) {
            return rotated.half(tile, which);
        }
        if (kind == ENDING_GATE) {
            return gated.half(tile, which);
        }
        const int first = tile * OUT + which * HALF_OUT;
        return {0, first, normed.lora.part[0].out - first};
    }

    __device__ __forceinline__ bool fetches() const { return kind == ENDING_ADD_NORM; }

    __device__ __forceinline__ void fetch(unsigned char* to, int rows, int tile) {
        if (fetches()) {
            normed.fetch(to, rows, tile);
        }
    }

    __device__ __forceinline__ bool overwrites_prepared() const { return kind == ENDING_ROTATE; }

    __device__ __forceinline__ void prepare_tiles(int tile, int thread, int threads) const {
        if (kind == ENDING_ROTATE) {
            rotated.prepare_tiles(thread, threads);
        } else if (kind == ENDING_ADD_NORM) {
            normed.prepare_tiles(rotated.step, tile, min(rotated.step->tokens, ROWS), thread, threads);
        }
    }

    __device__ __forceinline__ void prepare_tile(int tile, int thread, int threads) const {
        if (kind == ENDING_ROTATE) {
            rotated.prepare_tile(tile, thread, threads);
        } else if (kind == ENDING_ADD_NORM) {
            normed.prepare_tile();
        }
    }

    template <int>
    __device__ __forceinline__ void store(float* sum, int rows, int tile) {
        if (kind == ENDING_ROTATE) {
            rotated.template store<ROWS>(sum, rows, tile);
        } else if (kind == ENDING_GATE) {
            gated.template store<ROWS>(sum, rows, tile);
        } else {
            normed.template store<ROWS>(sum, rows, tile);
        }
    }
};

template <int ROWS>
__device__ __forceinline__ void run_adapted(const Step* step, const DecodeProduct& call, const Lora& lora,
                                            const ProductEnding& ending) {
    // The host takes these where those without adapters fit, too.
    if (decode_product_shared_bytes(ROWS) <= MOST_SHARED_BYTES && product_adapted_shared_bytes(ROWS) <= MOST_SHARED_BYTES) {
        extern __shared__ __align__(1024) unsigned char memory[];
        static_assert(ROWS * OUT * sizeof(__nv_bfloat16) <= ROWS * PRODUCT_ROTATE_ROW_BYTES, "one or the other");
        Turns<ROWS>& turns = *reinterpret_cast<Turns<ROWS>*>(memory + decode_product_adapted_bytes(ROWS));
        auto head_weights = reinterpret_cast<const __nv_bfloat16**>(&turns + 1);
        auto weights = reinterpret_cast<__nv_bfloat16*>(&turns);
        TileDelta<ROWS> delta{step, lora};
        AnyEnding<ROWS> any{ending.kind,
                            ending.kind == ENDING_ADD_NORM ? TileSquares{} : ending.squares,
                            {step, lora, ending.rotation, ending.squares, ending.out, turns, delta, head_weights},
                            {lora, ending.squares, ending.out, delta},
                            {lora, ending.norm, ending.squares, ending.residual, ending.out, delta, weights}};
        run_with_delta<ROWS>(step, call, lora, any);
    }
}

}  // namespace lorikeet::decode_product

extern "C" __global__ void __launch_bounds__(lorikeet::DECODE_PRODUCT_THREADS + lorikeet::DECODE_PRODUCT_SHRINK_THREADS, 1)
    product_adapted_16(const lorikeet::Step* step, const __grid_constant__ lorikeet::DecodeProduct call,
                       const __grid_constant__ lorikeet::Lora lora, const __grid_constant__ lorikeet::ProductEnding ending) {
    lorikeet::decode_product::run_adapted<16>(step, call, lora, ending);
}

extern "C" __global__ void __launch_bounds__(lorikeet::DECODE_PRODUCT_THREADS + lorikeet::DECODE_PRODUCT_SHRINK_THREADS, 1)
    product_adapted_32(const lorikeet::Step* step, const __grid_constant__ lorikeet::DecodeProduct call,
                       const __grid_constant__ lorikeet::Lora lora, const __grid_constant__ lorikeet::ProductEnding ending) {
    lorikeet::decode_product::run_adapted<32>(step, call, lora, ending);
}

extern "C" __global__ void __launch_bounds__(lorikeet::DECODE_PRODUCT_THREADS + lorikeet::DECODE_PRODUCT_SHRINK_THREADS, 1)
    product_adapted_48(const lorikeet::Step* step, const __grid_constant__ lorikeet::DecodeProduct call,
                       const __grid_constant__ lorikeet::Lora lora, const __grid_constant__ lorikeet::ProductEnding ending) {
    lorikeet::decode_product::run_adapted<48>(step, call, lora, ending);
}

extern "C" __global__ void __launch_bounds__(lorikeet::DECODE_PRODUCT_THREADS + lorikeet::DECODE_PRODUCT_SHRINK_THREADS, 1)
    product_adapted_64(const lorikeet::Step* step, const __grid_constant__ lorikeet::DecodeProduct call,
                       const __grid_constant__ lorikeet::Lora lora, const __grid_constant__ lorikeet::ProductEnding ending) {
    lorikeet::decode_product::run_adapted<64>(step, call, lora, ending);
}

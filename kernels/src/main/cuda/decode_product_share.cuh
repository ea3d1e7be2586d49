// How the work of a decode product is dealt out to its blocks.
#pragma once

#include "decode_product.cuh"
#include "vectors.cuh"

namespace lorikeet::decode_product {

constexpr int OUT = DECODE_PRODUCT_OUT;

// chunk: inputs of one.
__device__ __forceinline__ int chunks_of_tile(const MatVec& product, int chunk = DECODE_PRODUCT_CHUNK) {
    return divide_up(product.in, chunk);
}

__device__ __forceinline__ int tiles_of(const MatVec& product) {
    int tiles = 0;
    for (int part = 0; part < product.parts; part++) {
        tiles += divide_up(product.out[part], OUT);
    }
    return tiles;
}

// The chunks of all tiles in equal shares.
struct Deal {
    int least;  // chunks of a block
    int more;   // blocks that have one more

    // chunks: of all tiles.
    __device__ __forceinline__ Deal(int chunks, int blocks) {
        least = chunks / blocks;
        more = chunks % blocks;
    }

    __device__ __forceinline__ int first(int block) const { return block * least + min(block, more); }
};

// Goes through a block's share: the tiles from the last to the first, the chunks of each in ascending order.
struct Cursor {
    int first;   // the share's
    int chunks;  // of a tile
    int tile;
    int chunk;
    int end;  // of the share's chunks in the tile

    __device__ __forceinline__ Cursor(int first_, int last, int chunks_) : first(first_), chunks(chunks_) {
        tile = (last - 1) / chunks;
        chunk = max(first - tile * chunks, 0);
        end = last - tile * chunks;
    }

    // To the next chunk; true if it is of another tile.
    __device__ __forceinline__ bool next() {
        if (++chunk < end) {
            return false;
        }
        tile--;
        chunk = max(first - tile * chunks, 0);
        end = chunks;
        return true;
    }
};

// The tiles that a block completes, from the last to the first: those whose last chunk it has.
struct Completed {
    int tile;
    int first;

    __device__ __forceinline__ Completed(const Deal& deal, int chunks) {
        const int block = static_cast<int>(blockIdx.x);
        tile = deal.first(block + 1) / chunks - 1;
        first = divide_up(deal.first(block) + 1, chunks) - 1;
    }

    __device__ __forceinline__ bool done() const { return tile < first; }
};

// One of two runs of outputs that make a tile.
struct Half {
    int part;
    int first;  // output of the part
    int outs;   // HALF_OUT at most; 0 or less: none
};

constexpr int HALF_OUT = OUT / 2;

// Where a tile lies that is one run.
struct Tile {
    const __nv_bfloat16* weight;  // of its first output
    int outs;
    int column;  // of the first output in a row of y

    __device__ __forceinline__ Tile(const MatVec& product, int tile) {
        int part = 0;
        column = 0;
        while (part + 1 < product.parts && tile >= divide_up(product.out[part], OUT)) {
            tile -= divide_up(product.out[part], OUT);
            column += product.out[part];
            part++;
        }
        const int first = tile * OUT;
        weight = product.weight[part] + static_cast<size_t>(first) * product.in;
        outs = min(OUT, product.out[part] - first);
        column += first;
    }
};

__device__ __forceinline__ void store(__nv_bfloat16* to, float value) { *to = __float2bfloat16_rn(value); }

__device__ __forceinline__ void store(float* to, float value) { *to = value; }

__device__ __forceinline__ void store4(__nv_bfloat16* to, float4 v) {
    *reinterpret_cast<uint2*>(to) = make_uint2(pack_bf16(v.x, v.y), pack_bf16(v.z, v.w));
}

__device__ __forceinline__ void store4(float* to, float4 v) { *reinterpret_cast<float4*>(to) = v; }

}  // namespace lorikeet::decode_product

// Rows whose norm a product has yet to finish.
#pragma once

#include "decode_product.cuh"
#include "tile_squares.cuh"
#include "vectors.cuh"

#include <cmath>
#include <vector>

namespace check {

// Multiplies each row of x, [rows][pitch] with `in` values, by a power of two, which its factor is to take back: the product
// stays what it is. Returns the sums of squares that say so, [rows][tiles].
inline std::vector<float> unfinish(std::vector<__nv_bfloat16>& x, int rows, int in, int pitch, lorikeet::TileSquares& squares) {
    const int tiles = lorikeet::divide_up(in, lorikeet::DECODE_PRODUCT_OUT);
    squares.pitch = lorikeet::divide_up(tiles, 4) * 4;
    squares.size = in;
    squares.epsilon = 0;
    std::vector<float> sums(static_cast<size_t>(rows) * squares.pitch, NAN);
    for (int row = 0; row < rows; row++) {
        const float power = std::ldexp(1.0f, row % 5 - 2);
        for (int i = 0; i < in; i++) {
            __nv_bfloat16& value = x[static_cast<size_t>(row) * pitch + i];
            value = __float2bfloat16_rn(__bfloat162float(value) * power);
        }
        for (int tile = 0; tile < tiles; tile++) {  // which aren't alike
            sums[static_cast<size_t>(row) * squares.pitch + tile] =
                power * power * in * 2 * (tile + 1) / (static_cast<float>(tiles) * (tiles + 1));
        }
    }
    return sums;
}

}  // namespace check

// How decode products finish their projection in the same launch.
#pragma once

#include "lora.cuh"
#include "tile_squares.cuh"

namespace lorikeet {

enum EndingKind : int {
    ENDING_ROTATE = 0,    // product_rotate
    ENDING_GATE = 1,      // product_gate
    ENDING_ADD_NORM = 2,  // product_add_norm
};

// Of which kernels read what they need, and product_adapted what the kind needs.
struct ProductEnding {
    int kind;  // an EndingKind: for product_adapted
    int pad;
    Rotation rotation;    // of product_rotate
    NormWeight norm;      // of product_add_norm
    TileSquares squares;  // of the rows of x; in product_add_norm of those that it leaves
    float* residual;      // of product_add_norm
    __nv_bfloat16* out;
};

static_assert(sizeof(ProductEnding) == 120, "the host lays out endings");

}  // namespace lorikeet

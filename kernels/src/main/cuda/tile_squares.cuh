// What a launch leaves of a norm to the product behind it.
#pragma once

namespace lorikeet {

// A norm that the next product finishes: rows come to it without their factor, one for all values of a row, and it multiplies
// its sums with that. Who leaves the rows leaves the sums of squares of their tiles, too, so that no block waits for others'.
struct TileSquares {
    float* square;  // [rows][pitch], of each tile of a row; null if rows have their factor
    int pitch;      // a multiple of four, up to three more than there are tiles
    int size;       // values of a row
    float epsilon;
    int pad;
};

static_assert(sizeof(TileSquares) == 24, "the host lays out where sums of squares are");

}  // namespace lorikeet

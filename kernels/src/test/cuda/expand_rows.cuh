// The expand of a projection by itself.
#pragma once

#include "lora.cuh"

// y: [tokens, columns], changed in place: magnitude * (y + scaling * (B h + lora_bias)). The bias is not added.
// Grid: min(tiles / run * sum of ceil(out / WINDOW), 1056); EXPAND_THREADS threads.
extern "C" __global__ void expand(const lorikeet::Step* step, const __grid_constant__ lorikeet::Lora lora, __nv_bfloat16* y);

// What the host tells the device before each step.
#pragma once

#include "step.cuh"

// Brings a step's description from page-locked host memory to device memory. A kernel does that and no copy, as copies
// of all streams wait for one another: behind those of an adapter, a few KB would wait for milliseconds.
//
// Doesn't release the next kernel before it ends: kernels read the step before they wait for the kernel in front.
//
// Grid: any number of blocks. Block: 256.
//   from, to  [count], aligned to 16 bytes
extern "C" __global__ void upload_step(const uint4* from, uint4* to, int count);

// The product of gate and up, and silu(gate) * up, in one launch.
#pragma once

#include "decode_product.cuh"
#include "product_ending.cuh"

// out = silu(gate) * up of the step's tokens, as many as the name says at most. call.product: gate and up, without y; lora:
// the projection's parts and bias. ending.out: [tokens, size].
//
// Grid: one block a multiprocessor, but no more than ceil(size / 32) * ceil(in / DECODE_PRODUCT_CHUNK). Block:
// DECODE_PRODUCT_THREADS; dynamic shared memory: decode_product_shared_bytes.
extern "C" __global__ void product_gate_16(
    const lorikeet::Step* step, const __grid_constant__ lorikeet::DecodeProduct call,
    const __grid_constant__ lorikeet::Lora lora, const __grid_constant__ lorikeet::ProductEnding ending);
extern "C" __global__ void product_gate_32(
    const lorikeet::Step* step, const __grid_constant__ lorikeet::DecodeProduct call,
    const __grid_constant__ lorikeet::Lora lora, const __grid_constant__ lorikeet::ProductEnding ending);
extern "C" __global__ void product_gate_48(
    const lorikeet::Step* step, const __grid_constant__ lorikeet::DecodeProduct call,
    const __grid_constant__ lorikeet::Lora lora, const __grid_constant__ lorikeet::ProductEnding ending);
extern "C" __global__ void product_gate_64(
    const lorikeet::Step* step, const __grid_constant__ lorikeet::DecodeProduct call,
    const __grid_constant__ lorikeet::Lora lora, const __grid_constant__ lorikeet::ProductEnding ending);

// Launches of decode products, alone or with the shrink.
#pragma once

#include "decode_product.cuh"
#include "device_memory.cuh"

// sixteens: rows that the kernel is for; lora: null without the shrink.
inline void launch_decode_product(cudaStream_t stream, int sixteens, int blocks, const lorikeet::Step* step,
                                  const lorikeet::DecodeProduct& call, const lorikeet::Lora* lora) {
    using namespace lorikeet;
    static void (*const plain[])(const Step*, DecodeProduct) = {
        decode_product_16, decode_product_32, decode_product_48, decode_product_64};
    static void (*const shrinks[])(const Step*, DecodeProduct, Lora) = {
        decode_product_shrink_16, decode_product_shrink_32, decode_product_shrink_48, decode_product_shrink_64};
    int shared = decode_product_shared_bytes(16 * sixteens) + (lora == nullptr ? 0 : DECODE_PRODUCT_SHRINK_BYTES);
    if (lora == nullptr) {
        auto kernel = plain[sixteens - 1];
        CHECK(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, shared));
        launch_with(stream, true, 1, blocks, DECODE_PRODUCT_THREADS, shared, kernel, step, call);
    } else {
        auto kernel = shrinks[sixteens - 1];
        CHECK(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, shared));
        launch_with(stream, true, 1, blocks, DECODE_PRODUCT_THREADS + DECODE_PRODUCT_SHRINK_THREADS, shared, kernel, step,
                    call, *lora);
    }
}

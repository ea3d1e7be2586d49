// Copies from memory to shared memory that need no registers while they are under way.
#pragma once

#include "vectors.cuh"

namespace lorikeet {

// Zeros where nothing exists.
__device__ __forceinline__ void copy16_later(void* to, const void* from, bool exists) {
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(
                     static_cast<unsigned>(__cvta_generic_to_shared(to))),
                 "l"(from), "r"(exists ? 16 : 0)
                 : "memory");
}

__device__ __forceinline__ void copy8_later(void* to, const void* from, bool exists) {
    asm volatile("cp.async.ca.shared.global [%0], [%1], 8, %2;" ::"r"(
                     static_cast<unsigned>(__cvta_generic_to_shared(to))),
                 "l"(from), "r"(exists ? 8 : 0)
                 : "memory");
}

// Ends a group of copies.
__device__ __forceinline__ void end_of_copies() { asm volatile("cp.async.commit_group;" ::: "memory"); }

// Waits until no more than LATER groups of this thread's copies are under way.
template <int LATER>
__device__ __forceinline__ void copies_arrived() {
    asm volatile("cp.async.wait_group %0;" ::"n"(LATER) : "memory");
}

// Eight values at a time from `from` on, of which `count` exist (any number); the rest become zeros. WIDE: how many can
// be read at once, 8, 4 or 1.
__device__ __forceinline__ void
copy_values_later(void* to, const __nv_bfloat16* from, int count, int wide, const void* anywhere) {
    if (wide == 8) {
        copy16_later(to, count > 0 ? from : anywhere, count > 0);
    } else if (wide == 4) {
        copy8_later(to, count > 0 ? from : anywhere, count > 0);
        copy8_later(static_cast<uint2*>(to) + 1, count > 4 ? from + 4 : anywhere, count > 4);
    } else {
        *static_cast<uint4*>(to) = gather8(from, count);
    }
}

}  // namespace lorikeet

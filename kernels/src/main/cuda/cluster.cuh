// Blocks of a cluster, where the device has clusters (sm_90 and later); elsewhere a block is one by itself.
#pragma once

#include "device.cuh"

#include <cooperative_groups.h>

namespace lorikeet {

// Which of a cluster's blocks this is.
struct Place {
    int self;
    int blocks;
};

__device__ __forceinline__ Place place_in_cluster() {
#if __CUDA_ARCH__ >= 900
    cooperative_groups::cluster_group cluster = cooperative_groups::this_cluster();
    return {static_cast<int>(cluster.block_rank()), static_cast<int>(cluster.num_blocks())};
#else
    return {0, 1};
#endif
}

// The two halves of a barrier: what was written before the first is seen behind the second.
__device__ __forceinline__ void arrive_at_cluster() {
#if __CUDA_ARCH__ >= 900
    asm volatile("barrier.cluster.arrive.aligned;" ::: "memory");
#endif
}

__device__ __forceinline__ void wait_for_cluster() {
#if __CUDA_ARCH__ >= 900
    asm volatile("barrier.cluster.wait.aligned;" ::: "memory");
#else
    __syncthreads();
#endif
}

__device__ __forceinline__ void synchronize_cluster() {
    arrive_at_cluster();
    wait_for_cluster();
}

// The same place of shared memory in another block.
template <typename T>
__device__ __forceinline__ T* of_block(T* mine, int block) {
#if __CUDA_ARCH__ >= 900
    return cooperative_groups::this_cluster().map_shared_rank(mine, block);
#else
    return mine;
#endif
}

}  // namespace lorikeet

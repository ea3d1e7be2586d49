// Places in a block's shared memory that some of its threads, the givers, fill for others, the takers, one after the other.
//
// The barriers are mbarriers (PTX ISA, "Parallel Synchronization and Communication Instructions: mbarrier"). Named ones would
// do as well, but compute-sanitizer then takes what one side writes and the other reads for a race where one of them only
// arrives. (The one that says that these can be used is such a barrier: nothing else is read behind it.)
//
//     givers:  if there is a place to fill, set_up; then for each: reclaim, fill it, give; in the end reclaim(0)
//     takers:  for each place: wait, read it, done
#pragma once

#include "device.cuh"

namespace lorikeet::handover {

constexpr int SET_UP_BARRIER = 3;  // of all of them: the barriers can be used

// In shared memory.
template <int PLACES>
struct Barriers {
    unsigned long long there[PLACES];  // a place is filled
    unsigned long long free[PLACES];   // it has been read
};

__device__ __forceinline__ unsigned address(unsigned long long& barrier) {
    return static_cast<unsigned>(__cvta_generic_to_shared(&barrier));
}

__device__ __forceinline__ void set_up(unsigned long long& barrier, int arrivals) {
    asm volatile("mbarrier.init.shared.b64 [%0], %1;" ::"r"(address(barrier)), "r"(arrivals) : "memory");
}

__device__ __forceinline__ void arrive(unsigned long long& barrier) {
    asm volatile("{ .reg .b64 state; mbarrier.arrive.shared.b64 state, [%0]; }" ::"r"(address(barrier)) : "memory");
}

// Until all have arrived for the `time`th time, counted from 0.
__device__ __forceinline__ void wait(unsigned long long& barrier, unsigned time) {
    int arrived;
    do {
        asm volatile(
            "{ .reg .pred arrived;"
#if __CUDA_ARCH__ >= 900
            " mbarrier.try_wait.parity.shared.b64 arrived, [%1], %2;"
#else
            " mbarrier.test_wait.parity.shared.b64 arrived, [%1], %2;"
#endif
            " selp.b32 %0, 1, 0, arrived; }"
            : "=r"(arrived)
            : "r"(address(barrier)), "r"(time & 1)
            : "memory");
    } while (arrived == 0);
}

template <int PLACES, int GIVERS, int TAKERS>
struct Giver {
    Barriers<PLACES>& barriers;
    unsigned given = 0;

    // leader: of one thread of the givers.
    __device__ __forceinline__ void set_up(bool leader) const {
        if (leader) {
#pragma unroll
            for (int i = 0; i < PLACES; i++) {
                handover::set_up(barriers.there[i], GIVERS);
                handover::set_up(barriers.free[i], TAKERS);
            }
        }
        asm volatile("bar.arrive %0, %1;" ::"n"(SET_UP_BARRIER), "n"(GIVERS + TAKERS) : "memory");
    }

    __device__ __forceinline__ unsigned place() const { return given % PLACES; }

    __device__ __forceinline__ void give() {
        arrive(barriers.there[place()]);
        given++;
    }

    // Waits until the takers hold no more than so many places. They are done with them in their order.
    __device__ __forceinline__ void reclaim(unsigned most) const {
        if (given > most) {
            const unsigned last = given - 1 - most;
            wait(barriers.free[last % PLACES], last / PLACES);
        }
    }
};

template <int PLACES, int GIVERS, int TAKERS>
struct Taker {
    Barriers<PLACES>& barriers;
    unsigned taken = 0;

    __device__ __forceinline__ unsigned place() const { return taken % PLACES; }

    __device__ __forceinline__ void wait() const {
        if (taken == 0) {
            asm volatile("bar.sync %0, %1;" ::"n"(SET_UP_BARRIER), "n"(GIVERS + TAKERS) : "memory");
        }
        handover::wait(barriers.there[place()], taken / PLACES);
    }

    __device__ __forceinline__ void done() {
        arrive(barriers.free[place()]);
        taken++;
    }
};

}  // namespace lorikeet::handover

// h = A x of some hundred tokens or a few thousand, and few ranks: see lora.cuh.
//
// Up to 32 tokens of one adapter times the ranks of all parts. As in `shrink`, operands come straight from memory, which
// here is faster than copies to shared memory, and a block's warps have different inputs. The blocks of a cluster share the
// inputs, too: each brings its sums to the blocks that add them, in the blocks' order. h is left as `shrink_prompt` does.
#include "shrink_short_product.cuh"

namespace lorikeet::shrinking_short {

constexpr int MAX_CLUSTER = 8;
constexpr int PAIRS = 4;  // of tokens, in a strip
constexpr int LANES = 8;  // that have sums of a pair: each of two ranks

// Where the sums of one part go, as halves_of_ranks of shrunk.cuh has them.
struct HalvesTarget {
    float* to;  // of the first row
    int row_stride;
    int rows;

    // sum: ranks `rank` and `rank` + 8 (z and w) of two tokens.
    __device__ __forceinline__ void store(int rank, int token, float4 sum) const {
        if (token < rows) {
            store(rank, token, sum.x);
            store(rank + 8, token, sum.z);
        }
        if (token + 1 < rows) {
            store(rank, token + 1, sum.y);
            store(rank + 8, token + 1, sum.w);
        }
    }

  private:
    __device__ __forceinline__ void store(int rank, int token, float sum) const {
        float* row = to + static_cast<size_t>(token) * row_stride;
        auto* place = reinterpret_cast<__nv_bfloat16*>(row + rank / 4 * 4) + rank % 4;
        __nv_bfloat16 value = __float2bfloat16_rn(sum);
        place[0] = value;
        place[4] = __float2bfloat16_rn(sum - __bfloat162float(value));
    }
};

// The sums of a cluster's blocks on their way to h. Those of a chunk and a pair of tokens are added by one of the blocks.
struct Exchange {
    const Lora& lora;
    const Work& work;
    Place place;
    int shift;        // place.blocks = 1 << shift
    float4* brought;  // [pairs of tokens and chunks that this block adds][blocks][LANES]

    // sum: ranks `rank` and `rank` + 8 (z and w) of a chunk, of two tokens.
    __device__ __forceinline__ void bring(int chunk, int rank, int token, float4 sum) const {
        int pair = chunk * STRIPS * PAIRS + token / 2;
        float4* to = brought + ((pair >> shift << shift) + place.self) * LANES + rank;
        *of_block(to, pair & (place.blocks - 1)) = sum;
    }

    // What all have brought, to h.
    __device__ __forceinline__ void add() const {
        int all = work.chunks() * STRIPS * PAIRS * LANES >> shift;
#pragma unroll 1
        for (int i = threadIdx.x; i < all; i += SHRINK_SHORT_THREADS) {
            int rank = i % LANES;
            const float4* from = brought + (i / LANES << shift) * LANES + rank;
            float4 v[MAX_CLUSTER];
#pragma unroll
            for (int b = 0; b < MAX_CLUSTER; b++) {
                v[b] = b < place.blocks ? from[b * LANES] : make_float4(0, 0, 0, 0);
            }
            float4 sum = v[0];
#pragma unroll
            for (int b = 1; b < MAX_CLUSTER; b++) {
                sum.x += v[b].x, sum.y += v[b].y, sum.z += v[b].z, sum.w += v[b].w;
            }
            int pair = (i / LANES << shift) + place.self;
            const Chunk& chunk = work.chunk[pair / (STRIPS * PAIRS)];
            HalvesTarget{lora.shrunk + shrunk_at(lora, chunk.part, work.row, 1) + chunk.from, lora.rank_stride, work.rows}
                .store(rank, pair % (STRIPS * PAIRS) * 2, sum);
        }
    }
};

// N chunks of some work, of the inputs of this block. shared: [WARPS][N * STRIPS][WARP].
template <int N, bool FAST>
__device__ __forceinline__ void
multiply(const Exchange& exchange, const __nv_bfloat16* x, int first, float4* shared, bool& waited) {
    Product<N> product(exchange.work, first, x, exchange.lora.in);
    Inputs inputs(exchange.place, exchange.lora.in);
    if (FAST) {
        product.add_all(inputs, waited);
    } else {
        product.add_slowly(inputs, waited);
    }
    wait_once(waited);  // this warp may have no inputs
    __syncthreads();    // shared memory is free again
#pragma unroll
    for (int i = 0; i < N * STRIPS; i++) {
        const float(&v)[4] = product.sum[i / STRIPS][i % STRIPS];
        shared[(threadIdx.x / WARP * N * STRIPS + i) * WARP + threadIdx.x % WARP] = make_float4(v[0], v[1], v[2], v[3]);
    }
    __syncthreads();
#pragma unroll
    for (int i = threadIdx.x; i < N * STRIPS * WARP; i += SHRINK_SHORT_THREADS) {
        float4 sum = shared[i];
#pragma unroll
        for (int w = 1; w < WARPS; w++) {
            float4 v = shared[w * N * STRIPS * WARP + i];
            sum.x += v.x, sum.y += v.y, sum.z += v.z, sum.w += v.w;
        }
        exchange.bring(first + i / WARP / STRIPS, i % WARP / 4, i / WARP % STRIPS * 8 + i % 4 * 2, sum);
    }
}

// All chunks of some work, of the inputs of this block.
__device__ __forceinline__ void
multiply(const Exchange& exchange, const __nv_bfloat16* x, float4* shared, bool& waited) {
    int chunks = exchange.work.chunks();
    bool fast = exchange.lora.in % 8 == 0 && aligned(x, 16);
#pragma unroll
    for (int c = 0; c < CHUNKS; c++) {
        fast = fast && aligned(exchange.work.chunk[c].a, 16);
    }
    if (!fast) {
#pragma unroll 1
        for (int c = 0; c < chunks; c++) {
            multiply<1, false>(exchange, x, c, shared, waited);
        }
    } else if (chunks == 1) {
        multiply<1, true>(exchange, x, 0, shared, waited);
    } else if (chunks == 2) {
        multiply<2, true>(exchange, x, 0, shared, waited);
    } else if (chunks == 3) {
        multiply<3, true>(exchange, x, 0, shared, waited);
    } else {
        multiply<4, true>(exchange, x, 0, shared, waited);
    }
}

}  // namespace lorikeet::shrinking_short

extern "C" __global__ void __launch_bounds__(lorikeet::SHRINK_SHORT_THREADS, 3)
    shrink_short(const lorikeet::Step* step, const __grid_constant__ lorikeet::Lora lora, const __nv_bfloat16* x) {
    using namespace lorikeet;
    using namespace lorikeet::shrinking_short;
    extern __shared__ uint4 dynamic[];
    __shared__ Work work;
    float4* shared = reinterpret_cast<float4*>(dynamic);
    release_next();
    arrive_at_cluster();
    Groups groups = groups_of(step, lora);
    Place place = place_in_cluster();
    int shift = __ffs(place.blocks) - 1;
    int twos = divide_up(groups.tiles, SHRINK_SHORT_TILES);
    int room = lora.parts * lora.rank_stride / 16 * STRIPS * WARP;  // of one block's sums
    bool waited = false;
    int turn = 0;
    // First whatever begins at an even tile, which in a long prompt is all there is.
    for (int unit = blockIdx.x >> shift; unit < twos * SHRINK_SHORT_TILES; unit += gridDim.x >> shift) {
        int begin = unit % twos * SHRINK_SHORT_TILES;
        int t = begin + unit / twos;
        int end = min(begin + SHRINK_SHORT_TILES, groups.tiles);
        if (t >= end || (t > begin && continues(groups.tile[t - 1], groups.tile[t]))) {
            continue;
        }
        __syncthreads();  // the work before is done
        if (threadIdx.x < CHUNKS) {
            Tile run = groups.tile[t];
            work.chunk[threadIdx.x] = Chunk(run.adapter, lora, threadIdx.x);
            for (t++; t < end && continues(run, groups.tile[t]); t++) {
                run.rows += groups.tile[t].rows;
            }
            if (threadIdx.x == 0) {
                work.row = run.row;
                work.rows = run.rows;
            }
        }
        __syncthreads();
        if (work.chunks() > 0) {
            Exchange exchange{lora, work, place, shift, shared + (WARPS + turn) * room};
            multiply(exchange, x, shared, waited);
            synchronize_cluster();
            exchange.add();
            turn ^= 1;
        }
    }
    leave(waited);
    if (!waited) {
        wait_for_cluster();
    }
}

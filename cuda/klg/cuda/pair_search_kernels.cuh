#pragma once

#include <cuda_runtime.h>

#include <cstdint>

#include "klg/cuda/device_warp.cuh"
#include "klg/similarity/canonical_dot.hpp"
#include "klg/similarity/tensor_tile.hpp"

/// The kernels of pair search; what they decide is in tensor_tile.hpp.
namespace klg::cuda {

namespace tensor = similarity::tensor;

inline constexpr unsigned kStages = 3;
inline constexpr unsigned kThreads = tensor::kWarps * 32;
inline constexpr unsigned kStageHalves =
    (tensor::kTileRows + tensor::kTileColumns) * tensor::kDepth;
inline constexpr std::size_t kSharedBytes = std::size_t{kStages} * kStageHalves * 2;
static_assert(kSharedBytes <= 48 * 1024, "more would need an attribute of the kernel");

/// A set of rows, packed.
struct DeviceRows {
  const float* rows;
  std::size_t stride;  ///< Entries from one row to the next.
  std::uint32_t count;
  std::size_t columns;
  double* squares;
  float* residuals;       ///< -infinity for rows that match nothing.
  std::uint16_t* halves;  ///< (packed_count, packed_depth), zero at first.
};

/// One warp a row: its canonical square, its unit row in bfloat16 and what that lost.
///
/// `wrong_row` becomes the lowest row that holds NaN or infinity.
static __global__ void pack_kernel(DeviceRows set, const bool* mask, std::uint32_t* wrong_row) {
  const unsigned lane = threadIdx.x % 32;
  const std::uint32_t row = blockIdx.x * tensor::kWarps + threadIdx.x / 32;
  if (row >= set.count) return;
  const float* x = set.rows + static_cast<std::size_t>(row) * set.stride;
  double square = 0.0;
  if (mask == nullptr || mask[row]) {
    const double partial = similarity::lane_partial(x, x, set.columns, lane);
    square = similarity::reduce_lanes(DeviceWarp{}, partial);
  }
  square = __shfl_sync(0xffffffffu, square, 0);
  const bool usable = square > 0.0 && isfinite(square);
  if (lane == 0) {
    set.squares[row] = square;
    if (!isfinite(square)) atomicMin(wrong_row, row);
    if (!usable) set.residuals[row] = -INFINITY;
  }
  if (!usable) return;
  const double inverse_norm = 1.0 / sqrt(square);
  std::uint16_t* out =
      set.halves + static_cast<std::size_t>(row) * tensor::packed_depth(set.columns);
  double lost = 0.0;
  for (std::size_t k = lane; k < set.columns; k += 32) {
    out[k] = tensor::pack_entry(x[k], inverse_norm, lost);
  }
  lost = similarity::reduce_lanes(DeviceWarp{}, lost);
  if (lane == 0) set.residuals[row] = tensor::packed_residual(lost, set.columns);
}

/// The sums of a warp in registers, and the instructions that make them.
struct TensorWarp {
  struct RowFragment {
    std::uint32_t words[4];
  };
  struct ColumnFragments {
    std::uint32_t words[4];
  };
  unsigned warp;
  unsigned lane;
  float sums[tensor::kRowBlocks][tensor::kColumnBlocks][tensor::kSums];

  __device__ float operator()(unsigned i, unsigned j, unsigned k) const { return sums[i][j][k]; }

  // Inline PTX exists in the device pass only; the host pass compiles these names and calls none.
  static __device__ void load(std::uint32_t (&words)[4], const std::uint16_t* from) {
    const auto address = static_cast<std::uint32_t>(__cvta_generic_to_shared(from));
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];"
                 : "=r"(words[0]), "=r"(words[1]), "=r"(words[2]), "=r"(words[3])
                 : "r"(address));
  }
  __device__ void load_rows(RowFragment& fragment, const std::uint16_t* stage, unsigned block,
                            unsigned step) const {
    const tensor::Source source = tensor::row_source(warp, lane, block, step);
    load(fragment.words, stage + tensor::shared_place(source.row, source.group));
  }
  __device__ void load_columns(ColumnFragments& fragments, const std::uint16_t* stage,
                               unsigned block, unsigned step) const {
    const tensor::Source source = tensor::column_source(warp, lane, block, step);
    load(fragments.words, stage + tensor::shared_place(source.row, source.group));
  }
  __device__ void multiply(unsigned i, unsigned j, const RowFragment& a, const ColumnFragments& b) {
    float (&c)[tensor::kSums] = sums[i][j];
    const std::uint32_t b0 = b.words[j % 2 * 2];
    const std::uint32_t b1 = b.words[j % 2 * 2 + 1];
    asm volatile(
        "mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, "
        "{%8,%9}, {%0,%1,%2,%3};"
        : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
        : "r"(a.words[0]), "r"(a.words[1]), "r"(a.words[2]), "r"(a.words[3]), "r"(b0), "r"(b1));
  }
};

static __device__ void copy_group(std::uint16_t* to, const std::uint16_t* from) {
  const auto address = static_cast<std::uint32_t>(__cvta_generic_to_shared(to));
  asm volatile("cp.async.cg.shared.global [%0], [%1], 16;" ::"r"(address), "l"(from));
}

/// Starts to copy one stage of a tile's operand.
static __device__ void copy_stage(std::uint16_t* to, const std::uint16_t* halves, std::size_t depth,
                                  std::uint32_t first_row, unsigned stage) {
  for (unsigned item = threadIdx.x; item < tensor::kTileRows * tensor::kGroups; item += kThreads) {
    const unsigned row = item / tensor::kGroups;
    const unsigned group = item % tensor::kGroups;
    copy_group(
        to + tensor::shared_place(row, group),
        halves + (first_row + row) * depth + stage * tensor::kDepth + group * tensor::kGroup);
  }
}

/// Room for candidates; `count` goes on past `room`, so that the host sees how many there are.
struct CandidateList {
  tensor::Candidate* items;
  unsigned long long* count;
  unsigned long long room;
};

/// One block a tile: multiplies, and appends the pairs that the bound does not rule out.
static __global__ void __launch_bounds__(kThreads)
    filter_kernel(DeviceRows left, DeviceRows right, tensor::Extent extent, tensor::Test test,
                  std::uint32_t first_tile_row, CandidateList list) {
  const std::uint32_t tile_row = first_tile_row + blockIdx.y;
  const std::uint32_t tile_column = blockIdx.x;
  if (!tensor::tile_counts(extent, tile_row, tile_column)) return;
  extern __shared__ __align__(16) std::uint16_t shared[];
  const std::size_t depth = tensor::packed_depth(left.columns);
  const auto stages = static_cast<unsigned>(depth / tensor::kDepth);
  const auto start = [&](unsigned stage) {
    if (stage < stages) {
      std::uint16_t* to = shared + stage % kStages * kStageHalves;
      copy_stage(to, left.halves, depth, tile_row * tensor::kTileRows, stage);
      copy_stage(to + tensor::kTileRows * tensor::kDepth, right.halves, depth,
                 tile_column * tensor::kTileColumns, stage);
    }
    asm volatile("cp.async.commit_group;");  // an empty group keeps the count of groups right
  };

  TensorWarp warp{threadIdx.x / 32, threadIdx.x % 32, {}};
  for (unsigned stage = 0; stage + 1 < kStages; ++stage) start(stage);
  for (unsigned stage = 0; stage < stages; ++stage) {
    asm volatile("cp.async.wait_group %0;" ::"n"(kStages - 2));
    __syncthreads();  // this stage is there, and nobody reads the one that is overwritten next
    start(stage + kStages - 1);
    const std::uint16_t* from = shared + stage % kStages * kStageHalves;
    tensor::multiply_stage(warp, from, from + tensor::kTileRows * tensor::kDepth);
  }

  unsigned mine = 0;
  tensor::for_each_candidate(extent, test, tile_row, tile_column, warp.warp, warp.lane,
                             left.residuals, right.residuals, warp,
                             [&](tensor::Candidate) { ++mine; });
  if (__ballot_sync(0xffffffffu, mine != 0) == 0) return;
  // One atomic operation a warp: lanes learn what those before them have.
  unsigned before = mine;
  for (unsigned offset = 1; offset < 32; offset *= 2) {
    const unsigned other = __shfl_up_sync(0xffffffffu, before, offset);
    if (warp.lane >= offset) before += other;
  }
  unsigned long long place = 0;
  if (warp.lane == 31) place = atomicAdd(list.count, static_cast<unsigned long long>(before));
  place = __shfl_sync(0xffffffffu, place, 31) + before - mine;
  tensor::for_each_candidate(extent, test, tile_row, tile_column, warp.warp, warp.lane,
                             left.residuals, right.residuals, warp,
                             [&](tensor::Candidate candidate) {
                               if (place < list.room) list.items[place] = candidate;
                               ++place;
                             });
}

struct Match {
  std::uint32_t row;
  std::uint32_t column;
  double score;
};

/// One warp a candidate: the canonical score, and whether it counts.
static __global__ void verify_kernel(DeviceRows left, DeviceRows right, double threshold,
                                     bool below, const tensor::Candidate* candidates,
                                     unsigned long long count, Match* matches,
                                     unsigned long long* match_count) {
  const unsigned lane = threadIdx.x % 32;
  const unsigned long long warps = static_cast<unsigned long long>(gridDim.x) * tensor::kWarps;
  for (unsigned long long k =
           static_cast<unsigned long long>(blockIdx.x) * tensor::kWarps + threadIdx.x / 32;
       k < count; k += warps) {
    const tensor::Candidate pair = candidates[k];
    const float* x = left.rows + static_cast<std::size_t>(pair.row) * left.stride;
    const float* y = right.rows + static_cast<std::size_t>(pair.column) * right.stride;
    const double partial = similarity::lane_partial(x, y, left.columns, lane);
    const double dot = similarity::reduce_lanes(DeviceWarp{}, partial);
    if (lane != 0) continue;
    const double score =
        similarity::cosine(dot, left.squares[pair.row], right.squares[pair.column]);
    if (tensor::is_match(score, threshold, below)) {
      matches[atomicAdd(match_count, 1ull)] = {pair.row, pair.column, score};
    }
  }
}

}  // namespace klg::cuda

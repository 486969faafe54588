#pragma once

#include <cstddef>
#include <cstdint>

#include "klg/core/host_device.hpp"
#include "klg/similarity/bfloat16.hpp"
#include "klg/similarity/similarity.hpp"

/// The tile that tensor cores multiply: who holds what, where it lies in shared memory, and what is
/// decided about a pair while its sum is still in a register.
///
/// C++17 and no CUDA header: the kernel and a host that plays a whole warp run these very lines.
namespace klg::similarity::tensor {

inline constexpr unsigned kTileRows = 128;
inline constexpr unsigned kTileColumns = 128;
inline constexpr unsigned kDepth = 32;  ///< Entries of a row that are in shared memory at once.
inline constexpr unsigned kWarps = 8;
inline constexpr unsigned kWarpsAcross = 4;
inline constexpr unsigned kWarpRows = kTileRows / (kWarps / kWarpsAcross);
inline constexpr unsigned kWarpColumns = kTileColumns / kWarpsAcross;
inline constexpr unsigned kRowBlocks = kWarpRows / 16;       ///< m16n8k16 instructions down,
inline constexpr unsigned kColumnBlocks = kWarpColumns / 8;  ///< and across.
inline constexpr unsigned kSums = 4;                         ///< Sums of a block in one lane.
static_assert(kColumnBlocks % 2 == 0, "columns are loaded two blocks at a time");

/// Rows are stored in groups of eight halves (16 bytes), which move as one.
inline constexpr unsigned kGroup = 8;
inline constexpr unsigned kGroups = kDepth / kGroup;

/// Where a group of a row lies in a stage of shared memory, in halves. The exclusive-or spreads any
/// eight consecutive rows over all 32 banks.
KLG_HOST_DEVICE constexpr unsigned shared_place(unsigned row, unsigned group) {
  return row * kDepth + (group ^ ((row >> 1) & (kGroups - 1))) * kGroup;
}

/// Row and group that a lane names when its warp loads a block of 16 rows and 16 entries.
struct Source {
  unsigned row;
  unsigned group;
};
KLG_HOST_DEVICE constexpr Source row_source(unsigned warp, unsigned lane, unsigned block,
                                            unsigned step) {
  return {warp / kWarpsAcross * kWarpRows + block * 16 + lane % 16, 2 * step + lane / 16};
}
/// As above for two blocks of 8 columns, from `block` on.
KLG_HOST_DEVICE constexpr Source column_source(unsigned warp, unsigned lane, unsigned block,
                                               unsigned step) {
  return {warp % kWarpsAcross * kWarpColumns + block * 8 + lane % 8 + lane / 16 * 8,
          2 * step + lane / 8 % 2};
}

/// Row and column of the tile whose sum a lane holds.
struct Place {
  unsigned row;
  unsigned column;
};
KLG_HOST_DEVICE constexpr Place sum_place(unsigned warp, unsigned lane, unsigned row_block,
                                          unsigned column_block, unsigned sum) {
  return {warp / kWarpsAcross * kWarpRows + row_block * 16 + sum / 2 * 8 + lane / 4,
          warp % kWarpsAcross * kWarpColumns + column_block * 8 + lane % 4 * 2 + sum % 2};
}

/// Adds the products of one stage to a warp's sums.
///
/// `Warp` says what a fragment is and how it is loaded and multiplied: on a device registers and
/// instructions, on the host all lanes in arrays.
template <class Warp>
KLG_HOST_DEVICE void multiply_stage(Warp& warp, const std::uint16_t* rows,
                                    const std::uint16_t* columns) {
  KLG_UNROLL
  for (unsigned step = 0; step < kDepth / 16; ++step) {
    typename Warp::RowFragment row_fragments[kRowBlocks];
    typename Warp::ColumnFragments column_fragments[kColumnBlocks / 2];
    KLG_UNROLL
    for (unsigned block = 0; block < kRowBlocks; ++block) {
      warp.load_rows(row_fragments[block], rows, block, step);
    }
    KLG_UNROLL
    for (unsigned block = 0; block < kColumnBlocks; block += 2) {
      warp.load_columns(column_fragments[block / 2], columns, block, step);
    }
    KLG_UNROLL
    for (unsigned i = 0; i < kRowBlocks; ++i) {
      KLG_UNROLL
      for (unsigned j = 0; j < kColumnBlocks; ++j) {
        warp.multiply(i, j, row_fragments[i], column_fragments[j / 2]);
      }
    }
  }
}

/// Entries of a packed row: a whole number of stages, the rest zero.
KLG_HOST_DEVICE constexpr std::size_t packed_depth(std::size_t d) {
  return (d + kDepth - 1) / kDepth * kDepth;
}

/// How far a tensor-core sum of bfloat16 products can lie from the exact one.
///
/// An instruction adds 16 exact products to a sum. It may align all 17 terms to the largest and cut
/// off what falls below 24 bits: at most 17 · 2^-23 of the largest term, then 2^-23 for its result,
/// and d / 16 instructions together 18/16 · d · 2^-23 of the magnitudes' sum, which is at
/// most 1.01. Twice that, because what the hardware does is observed and not promised.
KLG_HOST_DEVICE inline double tensor_slack(std::size_t d) {
  const double instructions = static_cast<double>(packed_depth(d) / 16);
  return 1.01 * accumulated_error(2.0 * 36.0 * instructions, kUnit32) + 0x1p-60;
}

/// What a pair is measured against; the same for all pairs of a search.
struct Test {
  float sign;   ///< -1 where the lowest scores are wanted.
  float floor;  ///< sign · threshold.
  float pad;    ///< tensor_slack() and kComparisonSlack, rounded up.
};

/// Whether a pair's signed score may lie beyond the floor. A residual of -infinity belongs to a row
/// that matches nothing.
KLG_HOST_DEVICE inline bool may_reach(const Test& test, float sum, float row_residual,
                                      float column_residual) {
  // code_slack() of the residuals
  const float slack = row_residual + column_residual * (1.0f + row_residual) + test.pad;
  return sum * test.sign + slack >= test.floor;
}

/// Whether a canonical score lies beyond the threshold.
KLG_HOST_DEVICE inline bool is_match(double score, double threshold, bool below) {
  return below ? score < threshold : score > threshold;
}

/// Size of a search.
struct Extent {
  std::uint32_t rows;
  std::uint32_t columns;
  bool within;  ///< One set: only pairs with column > row count.
};

/// Whether any pair of a tile counts.
KLG_HOST_DEVICE inline bool tile_counts(const Extent& extent, std::uint32_t tile_row,
                                        std::uint32_t tile_column) {
  return !extent.within || (tile_column + 1) * kTileColumns > tile_row * kTileRows + 1;
}

KLG_HOST_DEVICE inline bool pair_counts(const Extent& extent, std::uint32_t row,
                                        std::uint32_t column) {
  return row < extent.rows && column < extent.columns && (!extent.within || column > row);
}

/// A pair on its way from the filter to the verification.
struct Candidate {
  std::uint32_t row;
  std::uint32_t column;
};

/// Calls `found(candidate)` for every sum of a lane whose pair may match.
template <class Sums, class Found>
KLG_HOST_DEVICE void for_each_candidate(const Extent& extent, const Test& test,
                                        std::uint32_t tile_row, std::uint32_t tile_column,
                                        unsigned warp, unsigned lane, const float* row_residual,
                                        const float* column_residual, const Sums& sums,
                                        Found found) {
  KLG_UNROLL
  for (unsigned i = 0; i < kRowBlocks; ++i) {
    KLG_UNROLL
    for (unsigned j = 0; j < kColumnBlocks; ++j) {
      KLG_UNROLL
      for (unsigned k = 0; k < kSums; ++k) {
        const Place place = sum_place(warp, lane, i, j, k);
        const std::uint32_t row = tile_row * kTileRows + place.row;
        const std::uint32_t column = tile_column * kTileColumns + place.column;
        if (!pair_counts(extent, row, column)) continue;
        if (may_reach(test, sums(i, j, k), row_residual[row], column_residual[column])) {
          found(Candidate{row, column});
        }
      }
    }
  }
}

/// Rows of a packed set: a whole number of tiles, the rest zero.
KLG_HOST_DEVICE constexpr std::size_t packed_count(std::size_t n) {
  return (n + kTileRows - 1) / kTileRows * kTileRows;
}
static_assert(kTileRows == kTileColumns, "one packed form serves both sides");

/// Packs one entry of a unit row and adds the square of what that lost.
KLG_HOST_DEVICE inline std::uint16_t pack_entry(float x, double inverse_norm,
                                                double& lost_squares) {
  const double unit = static_cast<double>(x) * inverse_norm;
  const std::uint16_t half = to_half(static_cast<float>(unit));
  const double lost = unit - static_cast<double>(half_value(half));
  lost_squares += lost * lost;
  return half;
}

/// The residual of a packed row, rounded up to float32.
KLG_HOST_DEVICE inline float packed_residual(double lost_squares, std::size_t d) {
  return static_cast<float>(residual_bound(lost_squares, d) * (1.0 + 2.0 * kUnit32));
}

}  // namespace klg::similarity::tensor

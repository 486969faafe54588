#pragma once

#include <cstddef>
#include <cstdint>

namespace klg::similarity {

/// A pair that a filter could not rule out; row and column count from the block's first.
struct Candidate {
  std::uint32_t row;
  std::uint32_t column;
  float estimate;
};

/// Where a kernel puts candidates. It calls `drain` when there is no room for one more tile.
class CandidateSink {
 public:
  Candidate* next = nullptr;
  Candidate* end = nullptr;
  /// Deals with the candidates so far and moves `next` back to the start.
  virtual void drain() = 0;

  CandidateSink() = default;
  CandidateSink(const CandidateSink&) = delete;
  CandidateSink& operator=(const CandidateSink&) = delete;

 protected:
  ~CandidateSink() = default;
};

/// One operand of a block: packed rows and what the comparison needs of each.
///
/// Every array has room for whole panels; entries past `count` are read, never reported.
struct Operand {
  const void* panels;
  std::size_t count;
  const float* floor;            ///< A pair counts for a row from this score on.
  const float* scale;            ///< Codes only: score = scale · scale · (sum of code products).
  const float* residual;         ///< Codes only: norm of what quantisation lost.
  const std::int32_t* code_sum;  ///< Codes only: sum of a row's codes.
};

/// Rows (left) against columns (right).
struct Block {
  Operand left;
  Operand right;
  std::size_t steps;        ///< Words of a row: entries (float32) or groups of four codes.
  float pad;                ///< The part of the slack that all pairs share.
  std::ptrdiff_t diagonal;  ///< Only pairs with column > row + diagonal are reported.
};

/// Appends every pair whose score may reach the smaller of its two floors, that is
/// estimate + slack >= min(left.floor, right.floor).
using FilterKernel = void (*)(const Block&, CandidateSink&);

/// Packed layout: panels of rows, in a panel word by word, in a word row by row.
inline constexpr std::size_t kRightRows = 16;
inline constexpr std::size_t kFloatLeftRows = 6;
inline constexpr std::size_t kCodeLeftRows = 4;
inline constexpr std::size_t kCodesPerWord = 4;
inline constexpr std::size_t kMaxTile = kFloatLeftRows * kRightRows;
static_assert(kCodeLeftRows * kRightRows <= kMaxTile);

/// Codes lie in [-63, 63]. The left operand is stored as code + 63: two products of an unsigned
/// byte up to 126 with a signed one, twice, stay below 2^15, so 16-bit sums cannot saturate.
inline constexpr int kCodeMax = 63;
static_assert(4 * (2 * kCodeMax) * kCodeMax < (1 << 15));

/// Steps of a packed row of codes come in pairs, as the 16-bit sums do.
inline constexpr std::size_t kCodeStepMultiple = 2;

/// The longest rows that codes can serve: their 32-bit sums cannot overflow.
inline constexpr std::size_t kCodeMaxLength =
    (std::size_t{1} << 31) / (2 * kCodeMax * kCodeMax) - 8;

}  // namespace klg::similarity

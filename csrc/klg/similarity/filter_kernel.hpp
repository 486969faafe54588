#pragma once

#include <cstddef>
#include <cstdint>

namespace klg::similarity {

/// What a filter computes with: float32, bfloat16 or 8-bit integers.
enum class Filter : std::uint8_t { floats, halves, codes };

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
  const float* floor;              ///< A pair counts for a row from this score on.
  const float* scale;              ///< Codes: score = scale · scale · (sum of code products).
  const float* residual;           ///< Halves and codes: norm of what rounding lost.
  const std::int32_t* correction;  ///< Codes, right: what the left codes' bias adds, negated.
};

/// Rows (left) against columns (right).
struct Block {
  Operand left;
  Operand right;
  std::size_t steps;        ///< Words of a row: an entry, two halves or four codes.
  float pad;                ///< The part of the slack that all pairs share.
  std::ptrdiff_t diagonal;  ///< Only pairs with column > row + diagonal are reported.
};

/// Appends every pair whose score may reach the smaller of its two floors, that is
/// estimate + slack >= min(left.floor, right.floor).
using FilterKernel = void (*)(const Block&, CandidateSink&);

/// How one instruction set runs one filter.
struct FilterPath {
  FilterKernel scan = nullptr;  ///< Null where another filter is better anyway.
  std::size_t left_rows = 0;    ///< Rows of a left panel.
  int code_max = 0;             ///< Codes lie in [-code_max, code_max].
  int code_bias = 0;            ///< Left codes are stored unsigned, as code + code_bias.
  double entry_cycles = 0.0;    ///< Processor cycles for an entry of a pair, measured.
};

/// Packed layout: panels of rows, in a panel word by word, in a word row by row.
inline constexpr std::size_t kRightRows = 16;
inline constexpr std::size_t kCodesPerWord = 4;
inline constexpr std::size_t kHalvesPerWord = 2;

/// The most candidates that one tile can give.
inline constexpr std::size_t kMaxTile = 8 * 48;

/// A multiple of every kernel's panels, left and right: arrays of floors have so much room.
inline constexpr std::size_t kPanelMultiple = 48;

/// Steps of a packed row of codes come in pairs: AVX2 adds two products in 16 bits.
inline constexpr std::size_t kCodeStepMultiple = 2;

/// The longest rows whose 32-bit sums of code products cannot overflow.
[[nodiscard]] constexpr std::size_t code_max_length(int code_max, int code_bias) noexcept {
  const auto product = static_cast<std::size_t>((code_max + code_bias) * code_max);
  return (std::size_t{1} << 31) / product - 8;
}

}  // namespace klg::similarity

#pragma once

#include <cstddef>
#include <cstdint>

#include "klg/similarity/filter_kernel.hpp"

namespace klg::similarity {

/// What quantising one row gave.
struct Quantised {
  float scale;     ///< Unit row ~ scale · codes.
  float residual;  ///< Norm of unit row - scale · codes, or a little more.
  std::int32_t sum;
};

namespace baseline {

inline constexpr std::size_t kLeftRows = 6;

void scan_floats(const Block& block, CandidateSink& sink);
[[nodiscard]] float float_dot(const float* x, const float* y, std::size_t n) noexcept;

/// The unit row x · inverse_norm, one entry a word.
void normalise(const float* x, std::size_t n, double inverse_norm, std::uint32_t* words) noexcept;

/// The unit row in bfloat16, two entries a word, and the norm of what that lost, or a little more.
/// The words are zero before.
[[nodiscard]] float round_halves(const float* x, std::size_t n, double inverse_norm,
                                 std::uint32_t* words) noexcept;

/// Codes of the unit row, at most code_max in magnitude.
[[nodiscard]] Quantised quantise(const float* x, std::size_t n, double inverse_norm, int code_max,
                                 std::int8_t* codes) noexcept;

/// Sixteen rows of `steps` words each, one after the other, as one panel.
void interleave(const std::uint32_t* rows, std::size_t steps, std::uint32_t* panel) noexcept;

}  // namespace baseline
}  // namespace klg::similarity

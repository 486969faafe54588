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

void scan_floats(const Block& block, CandidateSink& sink);
[[nodiscard]] float float_dot(const float* x, const float* y, std::size_t n) noexcept;

/// Codes of the unit row x · inverse_norm.
[[nodiscard]] Quantised quantise(const float* x, std::size_t n, double inverse_norm,
                                 std::int8_t* codes) noexcept;

}  // namespace baseline
}  // namespace klg::similarity

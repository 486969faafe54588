#include "klg/similarity/kernels_baseline.hpp"

#include <algorithm>
#include <cmath>

#include "klg/similarity/similarity.hpp"

namespace klg::similarity::baseline {

void scan_floats(const Block& block, CandidateSink& sink) {
  constexpr std::size_t kRows = kFloatLeftRows;
  const auto* left = static_cast<const float*>(block.left.panels);
  const auto* right = static_cast<const float*>(block.right.panels);
  for (std::size_t row = 0; row < block.left.count; row += kRows) {
    for (std::size_t column = 0; column < block.right.count; column += kRightRows) {
      if (sink.end - sink.next < static_cast<std::ptrdiff_t>(kMaxTile)) sink.drain();
      float sums[kRows][kRightRows] = {};
      const float* a = left + row * block.steps;
      const float* b = right + column * block.steps;
      for (std::size_t step = 0; step < block.steps; ++step, a += kRows, b += kRightRows) {
        for (std::size_t r = 0; r < kRows; ++r) {
          for (std::size_t c = 0; c < kRightRows; ++c) sums[r][c] += a[r] * b[c];
        }
      }
      for (std::size_t r = 0; r < std::min(kRows, block.left.count - row); ++r) {
        for (std::size_t c = 0; c < std::min(kRightRows, block.right.count - column); ++c) {
          const float floor = std::min(block.left.floor[row + r], block.right.floor[column + c]);
          const bool above_diagonal = static_cast<std::ptrdiff_t>(column + c) >
                                      static_cast<std::ptrdiff_t>(row + r) + block.diagonal;
          if (above_diagonal && sums[r][c] >= floor - block.pad) {
            *sink.next++ = {static_cast<std::uint32_t>(row + r),
                            static_cast<std::uint32_t>(column + c), sums[r][c]};
          }
        }
      }
    }
  }
}

float float_dot(const float* x, const float* y, std::size_t n) noexcept {
  float lanes[8] = {};
  std::size_t i = 0;
  for (; i + 8 <= n; i += 8) {
    for (std::size_t lane = 0; lane < 8; ++lane) lanes[lane] += x[i + lane] * y[i + lane];
  }
  float sum = 0.0f;
  for (; i < n; ++i) sum += x[i] * y[i];
  for (const float lane : lanes) sum += lane;
  return sum;
}

Quantised quantise(const float* x, std::size_t n, double inverse_norm,
                   std::int8_t* codes) noexcept {
  float largest = 0.0f;
  for (std::size_t i = 0; i < n; ++i) largest = std::max(largest, std::fabs(x[i]));
  // Rounded to float32 first: the residual is that of the scale that is used.
  const auto scale = static_cast<float>(static_cast<double>(largest) * inverse_norm / kCodeMax);
  const double code_of_unit = kCodeMax / static_cast<double>(largest);
  double residual = 0.0;
  std::int32_t sum = 0;
  for (std::size_t i = 0; i < n; ++i) {
    const double value = x[i];
    const auto code = static_cast<std::int32_t>(std::lrint(value * code_of_unit));
    const double lost = value * inverse_norm - static_cast<double>(scale) * code;
    residual += lost * lost;
    sum += code;
    codes[i] = static_cast<std::int8_t>(code);
  }
  const auto bound = static_cast<float>(residual_bound(residual, n) * (1.0 + 2.0 * kUnit32));
  return {scale, bound, sum};
}

}  // namespace klg::similarity::baseline

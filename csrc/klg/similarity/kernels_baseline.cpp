#include "klg/similarity/kernels_baseline.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

#include "klg/similarity/bfloat16.hpp"
#include "klg/similarity/similarity.hpp"

namespace klg::similarity::baseline {

void scan_floats(const Block& block, CandidateSink& sink) {
  constexpr std::size_t kRows = kLeftRows;
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

void normalise(const float* x, std::size_t n, double inverse_norm, std::uint32_t* words) noexcept {
  for (std::size_t i = 0; i < n; ++i) {
    words[i] =
        std::bit_cast<std::uint32_t>(static_cast<float>(static_cast<double>(x[i]) * inverse_norm));
  }
}

float round_halves(const float* x, std::size_t n, double inverse_norm,
                   std::uint32_t* words) noexcept {
  double residual = 0.0;
  for (std::size_t i = 0; i < n; ++i) {
    const double unit = static_cast<double>(x[i]) * inverse_norm;
    const std::uint16_t half = to_half(static_cast<float>(unit));
    const double lost = unit - static_cast<double>(half_value(half));
    residual += lost * lost;
    words[i / kHalvesPerWord] |= static_cast<std::uint32_t>(half) << (16 * (i % kHalvesPerWord));
  }
  return static_cast<float>(residual_bound(residual, n) * (1.0 + 2.0 * kUnit32));
}

Quantised quantise(const float* x, std::size_t n, double inverse_norm, int code_max,
                   std::int8_t* codes) noexcept {
  float largest = 0.0f;
  for (std::size_t i = 0; i < n; ++i) largest = std::max(largest, std::fabs(x[i]));
  // Rounded to float32 first: the residual is that of the scale that is used.
  const auto scale = static_cast<float>(static_cast<double>(largest) * inverse_norm / code_max);
  const double code_of_unit = code_max / static_cast<double>(largest);
  double residual = 0.0;
  std::int32_t sum = 0;
  for (std::size_t i = 0; i < n; ++i) {
    const double value = x[i];
    const auto code = std::clamp(static_cast<std::int32_t>(std::lrint(value * code_of_unit)),
                                 -code_max, code_max);
    const double lost = value * inverse_norm - static_cast<double>(scale) * code;
    residual += lost * lost;
    sum += code;
    codes[i] = static_cast<std::int8_t>(code);
  }
  const auto bound = static_cast<float>(residual_bound(residual, n) * (1.0 + 2.0 * kUnit32));
  return {scale, bound, sum};
}

void interleave(const std::uint32_t* rows, std::size_t steps, std::uint32_t* panel) noexcept {
  for (std::size_t step = 0; step < steps; ++step) {
    for (std::size_t r = 0; r < kRightRows; ++r) *panel++ = rows[r * steps + step];
  }
}

}  // namespace klg::similarity::baseline

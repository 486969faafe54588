#pragma once

#include <cstddef>

#include "klg/similarity/filter_kernel.hpp"
#include "klg/similarity/kernels_baseline.hpp"

namespace klg::similarity::avx2 {

inline constexpr std::size_t kFloatLeftRows = 6;
inline constexpr std::size_t kCodeLeftRows = 4;

/// Two products of an unsigned byte up to 126 with a signed one, twice, stay below 2^15, so 16-bit
/// sums cannot saturate.
inline constexpr int kCodeMax = 63;
inline constexpr int kCodeBias = 63;
static_assert(4 * (kCodeMax + kCodeBias) * kCodeMax < (1 << 15));

void scan_floats(const Block& block, CandidateSink& sink);
void scan_codes(const Block& block, CandidateSink& sink);
[[nodiscard]] double canonical_dot(const float* x, const float* y, std::size_t n) noexcept;
[[nodiscard]] float float_dot(const float* x, const float* y, std::size_t n) noexcept;

[[nodiscard]] Quantised quantise(const float* x, std::size_t n, double inverse_norm, int code_max,
                                 std::int8_t* codes) noexcept;

}  // namespace klg::similarity::avx2

#pragma once

#include <cstddef>

#include "klg/similarity/filter_kernel.hpp"
#include "klg/similarity/kernels_baseline.hpp"

namespace klg::similarity::avx2 {

void scan_floats(const Block& block, CandidateSink& sink);
void scan_codes(const Block& block, CandidateSink& sink);
[[nodiscard]] double canonical_dot(const float* x, const float* y, std::size_t n) noexcept;
[[nodiscard]] float float_dot(const float* x, const float* y, std::size_t n) noexcept;

[[nodiscard]] Quantised quantise(const float* x, std::size_t n, double inverse_norm,
                                 std::int8_t* codes) noexcept;

}  // namespace klg::similarity::avx2

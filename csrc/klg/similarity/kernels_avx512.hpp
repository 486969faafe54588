#pragma once

#include <cstddef>
#include <cstdint>

#include "klg/similarity/filter_kernel.hpp"
#include "klg/similarity/kernels_baseline.hpp"

/// For processors with AVX-512 F, BW, DQ and VL; codes need VNNI as well, halves BF16.
namespace klg::similarity::avx512 {

inline constexpr std::size_t kLeftRows = 8;
inline constexpr int kCodeMax = 127;
inline constexpr int kCodeBias = 128;

void scan_floats(const Block& block, CandidateSink& sink);
void scan_halves(const Block& block, CandidateSink& sink);
void scan_codes(const Block& block, CandidateSink& sink);

[[nodiscard]] double canonical_dot(const float* x, const float* y, std::size_t n) noexcept;
[[nodiscard]] float float_dot(const float* x, const float* y, std::size_t n) noexcept;
void normalise(const float* x, std::size_t n, double inverse_norm, std::uint32_t* words) noexcept;
[[nodiscard]] float round_halves(const float* x, std::size_t n, double inverse_norm,
                                 std::uint32_t* words) noexcept;
[[nodiscard]] Quantised quantise(const float* x, std::size_t n, double inverse_norm, int code_max,
                                 std::int8_t* codes) noexcept;
void interleave(const std::uint32_t* rows, std::size_t steps, std::uint32_t* panel) noexcept;

}  // namespace klg::similarity::avx512

#if defined(__x86_64__)

// GCC's headers leave operands that a full mask makes irrelevant undefined, and its warnings do not
// know.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#pragma GCC diagnostic ignored "-Wuninitialized"
#endif
#include <immintrin.h>

#include <cstdint>

#include "klg/similarity/kernels_avx512.hpp"
#include "klg/similarity/similarity.hpp"

#define KLG_AVX512 __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,fma")))
#define KLG_AVX512_INLINE KLG_AVX512 __attribute__((always_inline)) inline

namespace klg::similarity::avx512 {
namespace {

/// A mask of the entries of a row that lie in [i, i + 16).
inline __mmask16 entries(std::size_t i, std::size_t n) noexcept {
  return static_cast<__mmask16>(n - i >= 16 ? 0xffffu : (1u << (n - i)) - 1u);
}

KLG_AVX512_INLINE __m512d widened(__m256 values) { return _mm512_cvtps_pd(values); }

// Compilers' reductions are macros or loops that some versions cannot inline here.
KLG_AVX512_INLINE float sum_of(__m512 values) {
  alignas(64) float parts[16];
  _mm512_store_ps(parts, values);
  float sum = 0.0f;
  for (unsigned half = 8; half > 0; half /= 2) {
    for (unsigned k = 0; k < half; ++k) parts[k] += parts[k + half];
  }
  sum = parts[0];
  return sum;
}

KLG_AVX512_INLINE float largest_magnitude(const float* x, std::size_t n) {
  __m512 largest[2] = {_mm512_setzero_ps(), _mm512_setzero_ps()};
  std::size_t i = 0;
  for (; i + 32 <= n; i += 32) {
    largest[0] = _mm512_max_ps(largest[0], _mm512_abs_ps(_mm512_loadu_ps(x + i)));
    largest[1] = _mm512_max_ps(largest[1], _mm512_abs_ps(_mm512_loadu_ps(x + i + 16)));
  }
  for (; i < n; i += 16) {
    largest[0] =
        _mm512_max_ps(largest[0], _mm512_abs_ps(_mm512_maskz_loadu_ps(entries(i, n), x + i)));
  }
  alignas(64) float parts[16];
  _mm512_store_ps(parts, _mm512_max_ps(largest[0], largest[1]));
  float result = 0.0f;
  for (const float part : parts) result = part > result ? part : result;
  return result;
}

/// Rows that are neither huge nor tiny: float32 arithmetic on them loses no more than roundings.
bool moderate(float largest, double inverse_norm) noexcept {
  return largest > 0x1p-60f && largest < 0x1p60f && inverse_norm > 0x1p-60 && inverse_norm < 0x1p60;
}

}  // namespace

KLG_AVX512 double canonical_dot(const float* x, const float* y, std::size_t n) noexcept {
  // Lane l of the definition is entry l % 8 of register l / 8.
  __m512d lanes[4];
#pragma GCC unroll 4
  for (auto& lane : lanes) lane = _mm512_setzero_pd();
  std::size_t i = 0;
  for (; i + 32 <= n; i += 32) {
#pragma GCC unroll 4
    for (std::size_t r = 0; r < 4; ++r) {
      lanes[r] = _mm512_fmadd_pd(widened(_mm256_loadu_ps(x + i + 8 * r)),
                                 widened(_mm256_loadu_ps(y + i + 8 * r)), lanes[r]);
    }
  }
#pragma GCC unroll 4
  for (std::size_t r = 0; r < 4; ++r) {
    if (i + 8 * r >= n) break;
    const std::size_t left = n - i - 8 * r;
    const auto mask = static_cast<__mmask8>(left >= 8 ? 0xffu : (1u << left) - 1u);
    // Adding the product of two zeros changes no lane: a lane starts at +0 and so is never -0.
    lanes[r] = _mm512_fmadd_pd(widened(_mm256_maskz_loadu_ps(mask, x + i + 8 * r)),
                               widened(_mm256_maskz_loadu_ps(mask, y + i + 8 * r)), lanes[r]);
  }
  const __m512d eight =
      _mm512_add_pd(_mm512_add_pd(lanes[0], lanes[2]), _mm512_add_pd(lanes[1], lanes[3]));
  const __m256d four =
      _mm256_add_pd(_mm512_castpd512_pd256(eight), _mm512_extractf64x4_pd(eight, 1));
  const __m128d two = _mm_add_pd(_mm256_castpd256_pd128(four), _mm256_extractf128_pd(four, 1));
  return _mm_cvtsd_f64(_mm_add_sd(two, _mm_unpackhi_pd(two, two)));
}

KLG_AVX512 float float_dot(const float* x, const float* y, std::size_t n) noexcept {
  __m512 sums[4];
#pragma GCC unroll 4
  for (auto& sum : sums) sum = _mm512_setzero_ps();
  std::size_t i = 0;
  for (; i + 64 <= n; i += 64) {
#pragma GCC unroll 4
    for (std::size_t r = 0; r < 4; ++r) {
      sums[r] = _mm512_fmadd_ps(_mm512_loadu_ps(x + i + 16 * r), _mm512_loadu_ps(y + i + 16 * r),
                                sums[r]);
    }
  }
  for (; i < n; i += 16) {
    const __mmask16 mask = entries(i, n);
    sums[0] = _mm512_fmadd_ps(_mm512_maskz_loadu_ps(mask, x + i),
                              _mm512_maskz_loadu_ps(mask, y + i), sums[0]);
  }
  return sum_of(_mm512_add_ps(_mm512_add_ps(sums[0], sums[1]), _mm512_add_ps(sums[2], sums[3])));
}

KLG_AVX512 void normalise(const float* x, std::size_t n, double inverse_norm,
                          std::uint32_t* words) noexcept {
  const __m512d factor = _mm512_set1_pd(inverse_norm);
  for (std::size_t i = 0; i < n; i += 16) {
    const __mmask16 mask = entries(i, n);
    const __m512 row = _mm512_maskz_loadu_ps(mask, x + i);
    const __m256 low = _mm512_cvtpd_ps(_mm512_mul_pd(factor, widened(_mm512_castps512_ps256(row))));
    const __m256 high =
        _mm512_cvtpd_ps(_mm512_mul_pd(factor, widened(_mm512_extractf32x8_ps(row, 1))));
    _mm512_mask_storeu_ps(words + i, mask,
                          _mm512_insertf32x8(_mm512_castps256_ps512(low), high, 1));
  }
}

KLG_AVX512 float round_halves(const float* x, std::size_t n, double inverse_norm,
                              std::uint32_t* words) noexcept {
  if (!moderate(largest_magnitude(x, n), inverse_norm)) {
    return baseline::round_halves(x, n, inverse_norm, words);
  }
  auto* halves = reinterpret_cast<std::uint16_t*>(words);
  const __m512 factor = _mm512_set1_ps(static_cast<float>(inverse_norm));
  const __m512i one = _mm512_set1_epi32(1);
  const __m512i almost_half = _mm512_set1_epi32(0x7fff);
  __m512 lost = _mm512_setzero_ps();
  for (std::size_t i = 0; i < n; i += 16) {
    const __mmask16 mask = entries(i, n);
    const __m512 unit = _mm512_mul_ps(factor, _mm512_maskz_loadu_ps(mask, x + i));
    const __m512i bits = _mm512_castps_si512(unit);
    const __m512i odd = _mm512_and_si512(_mm512_srli_epi32(bits, 16), one);
    __m512i half =
        _mm512_srli_epi32(_mm512_add_epi32(bits, _mm512_add_epi32(almost_half, odd)), 16);
    // The dot instruction takes subnormal halves for zero.
    half = _mm512_maskz_mov_epi32(
        _mm512_cmpge_epu32_mask(_mm512_and_si512(half, _mm512_set1_epi32(0x7fff)),
                                _mm512_set1_epi32(0x80)),
        half);
    const __m512 difference = _mm512_sub_ps(unit, _mm512_castsi512_ps(_mm512_slli_epi32(half, 16)));
    lost = _mm512_fmadd_ps(difference, difference, lost);
    _mm256_mask_storeu_epi16(halves + i, mask, _mm512_cvtepi32_epi16(half));
  }
  return static_cast<float>(float_residual_bound(sum_of(lost), n));
}

KLG_AVX512 Quantised quantise(const float* x, std::size_t n, double inverse_norm, int code_max,
                              std::int8_t* codes) noexcept {
  const float largest = largest_magnitude(x, n);
  if (!moderate(largest, inverse_norm)) {
    return baseline::quantise(x, n, inverse_norm, code_max, codes);
  }
  const auto scale = static_cast<float>(static_cast<double>(largest) * inverse_norm /
                                        static_cast<double>(code_max));
  const __m512 factor = _mm512_set1_ps(static_cast<float>(code_max / static_cast<double>(largest)));
  const __m512 norm = _mm512_set1_ps(static_cast<float>(inverse_norm));
  const __m512 step = _mm512_set1_ps(scale);
  const __m512i limit = _mm512_set1_epi32(code_max);
  const __m512i floor = _mm512_set1_epi32(-code_max);
  __m512 lost = _mm512_setzero_ps();
  __m512i sums = _mm512_setzero_si512();
  for (std::size_t i = 0; i < n; i += 16) {
    const __mmask16 mask = entries(i, n);
    const __m512 row = _mm512_maskz_loadu_ps(mask, x + i);
    // Rounding cannot take a code past its limit, a row that changes while it is read can.
    const __m512i code = _mm512_max_epi32(
        floor, _mm512_min_epi32(limit, _mm512_cvtps_epi32(_mm512_mul_ps(row, factor))));
    sums = _mm512_add_epi32(sums, code);
    const __m512 difference =
        _mm512_fnmadd_ps(step, _mm512_cvtepi32_ps(code), _mm512_mul_ps(norm, row));
    lost = _mm512_fmadd_ps(difference, difference, lost);
    _mm_mask_storeu_epi8(codes + i, mask, _mm512_cvtepi32_epi8(code));
  }
  alignas(64) std::int32_t parts[16];
  _mm512_store_si512(parts, sums);
  std::int32_t sum = 0;
  for (const std::int32_t part : parts) sum += part;
  return {scale, static_cast<float>(float_residual_bound(sum_of(lost), n)), sum};
}

KLG_AVX512 void interleave(const std::uint32_t* rows, std::size_t steps,
                           std::uint32_t* panel) noexcept {
  std::size_t step = 0;
  for (; step + 16 <= steps; step += 16) {
    // A 16 x 16 transpose: pairs of words, pairs of pairs, then whole 128-bit lanes.
    __m512i a[16];
    __m512i b[16];
#pragma GCC unroll 16
    for (std::size_t r = 0; r < 16; ++r) a[r] = _mm512_loadu_si512(rows + r * steps + step);
#pragma GCC unroll 8
    for (std::size_t r = 0; r < 16; r += 2) {
      b[r] = _mm512_unpacklo_epi32(a[r], a[r + 1]);
      b[r + 1] = _mm512_unpackhi_epi32(a[r], a[r + 1]);
    }
#pragma GCC unroll 4
    for (std::size_t r = 0; r < 16; r += 4) {
      a[r] = _mm512_unpacklo_epi64(b[r], b[r + 2]);
      a[r + 1] = _mm512_unpackhi_epi64(b[r], b[r + 2]);
      a[r + 2] = _mm512_unpacklo_epi64(b[r + 1], b[r + 3]);
      a[r + 3] = _mm512_unpackhi_epi64(b[r + 1], b[r + 3]);
    }
#pragma GCC unroll 4
    for (std::size_t r = 0; r < 4; ++r) {
      b[r] = _mm512_shuffle_i32x4(a[r], a[r + 4], 0x88);
      b[r + 4] = _mm512_shuffle_i32x4(a[r], a[r + 4], 0xdd);
      b[r + 8] = _mm512_shuffle_i32x4(a[r + 8], a[r + 12], 0x88);
      b[r + 12] = _mm512_shuffle_i32x4(a[r + 8], a[r + 12], 0xdd);
    }
#pragma GCC unroll 4
    for (std::size_t r = 0; r < 4; ++r) {
      std::uint32_t* out = panel + step * 16 + r * 16;
      _mm512_storeu_si512(out, _mm512_shuffle_i32x4(b[r], b[r + 8], 0x88));
      _mm512_storeu_si512(out + 64, _mm512_shuffle_i32x4(b[r + 4], b[r + 12], 0x88));
      _mm512_storeu_si512(out + 128, _mm512_shuffle_i32x4(b[r], b[r + 8], 0xdd));
      _mm512_storeu_si512(out + 192, _mm512_shuffle_i32x4(b[r + 4], b[r + 12], 0xdd));
    }
  }
  for (; step < steps; ++step) {
    for (std::size_t r = 0; r < 16; ++r) panel[step * 16 + r] = rows[r * steps + step];
  }
}

}  // namespace klg::similarity::avx512

#endif

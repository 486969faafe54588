#include "klg/similarity/kernels_avx2.hpp"

#if defined(__x86_64__)

#include <immintrin.h>

#include "klg/similarity/similarity.hpp"

// Attributes instead of compiler flags: code from headers that this file shares with others must
// not be compiled for a processor that may not be there.
#define KLG_AVX2 __attribute__((target("avx2,fma")))
#define KLG_AVX2_INLINE KLG_AVX2 __attribute__((always_inline)) inline

namespace klg::similarity::avx2 {
namespace {

bool below_diagonal(const Block& block, std::size_t row, std::size_t panel) noexcept {
  const auto last = static_cast<std::ptrdiff_t>((panel + 1) * kRightRows - 1);
  return last <= static_cast<std::ptrdiff_t>(row) + block.diagonal;
}

KLG_AVX2_INLINE void append(const Block& block, CandidateSink& sink, unsigned hits, std::size_t row,
                            std::size_t first_column, __m256 estimates) {
  alignas(32) float values[8];
  _mm256_store_ps(values, estimates);
  if (row >= block.left.count) return;
  for (; hits != 0; hits &= hits - 1) {
    const auto lane = static_cast<unsigned>(__builtin_ctz(hits));
    const std::size_t column = first_column + lane;
    if (column >= block.right.count ||
        static_cast<std::ptrdiff_t>(column) <= static_cast<std::ptrdiff_t>(row) + block.diagonal) {
      continue;
    }
    *sink.next++ = {static_cast<std::uint32_t>(row), static_cast<std::uint32_t>(column),
                    values[lane]};
  }
}

KLG_AVX2_INLINE unsigned reaching(__m256 estimates, __m256 floors) {
  return static_cast<unsigned>(_mm256_movemask_ps(_mm256_cmp_ps(estimates, floors, _CMP_GE_OQ)));
}

}  // namespace

KLG_AVX2 void scan_floats(const Block& block, CandidateSink& sink) {
  constexpr std::size_t kRows = kFloatLeftRows;
  const auto* left = static_cast<const float*>(block.left.panels);
  const auto* right = static_cast<const float*>(block.right.panels);
  const std::size_t steps = block.steps;
  const __m256 pad = _mm256_set1_ps(block.pad);
  for (std::size_t row = 0; row < block.left.count; row += kRows) {
    for (std::size_t panel = 0; panel * kRightRows < block.right.count; ++panel) {
      if (below_diagonal(block, row, panel)) continue;
      if (sink.end - sink.next < static_cast<std::ptrdiff_t>(kMaxTile)) sink.drain();
      const float* a = left + row * steps;
      const float* b = right + panel * kRightRows * steps;
      __m256 sums[kRows][2];
#pragma GCC unroll 6
      for (std::size_t r = 0; r < kRows; ++r) sums[r][0] = sums[r][1] = _mm256_setzero_ps();
      for (std::size_t step = 0; step < steps; ++step, a += kRows, b += kRightRows) {
        const __m256 low = _mm256_load_ps(b);
        const __m256 high = _mm256_load_ps(b + 8);
#pragma GCC unroll 6
        for (std::size_t r = 0; r < kRows; ++r) {
          const __m256 value = _mm256_broadcast_ss(a + r);
          sums[r][0] = _mm256_fmadd_ps(value, low, sums[r][0]);
          sums[r][1] = _mm256_fmadd_ps(value, high, sums[r][1]);
        }
      }
#pragma GCC unroll 2
      for (std::size_t half = 0; half < 2; ++half) {
        const std::size_t column = panel * kRightRows + 8 * half;
        const __m256 right_floor = _mm256_loadu_ps(block.right.floor + column);
#pragma GCC unroll 6
        for (std::size_t r = 0; r < kRows; ++r) {
          const __m256 floor = _mm256_sub_ps(
              _mm256_min_ps(_mm256_set1_ps(block.left.floor[row + r]), right_floor), pad);
          if (const unsigned hits = reaching(sums[r][half], floor)) [[unlikely]] {
            append(block, sink, hits, row + r, column, sums[r][half]);
          }
        }
      }
    }
  }
}

KLG_AVX2 void scan_codes(const Block& block, CandidateSink& sink) {
  constexpr std::size_t kRows = kCodeLeftRows;
  const auto* left = static_cast<const std::uint8_t*>(block.left.panels);
  const auto* right = static_cast<const std::int8_t*>(block.right.panels);
  const std::size_t width = block.steps * kCodesPerWord;  // bytes of a row
  const __m256i ones = _mm256_set1_epi16(1);
  for (std::size_t panel = 0; panel * kRightRows < block.right.count; ++panel) {
    for (std::size_t row = 0; row < block.left.count; row += kRows) {
      if (below_diagonal(block, row, panel)) break;
      if (sink.end - sink.next < static_cast<std::ptrdiff_t>(kMaxTile)) sink.drain();
      const std::uint8_t* a = left + row * width;
      const std::int8_t* b = right + panel * kRightRows * width;
      __m256i sums[kRows][2];
#pragma GCC unroll 4
      for (std::size_t r = 0; r < kRows; ++r) sums[r][0] = sums[r][1] = _mm256_setzero_si256();
      for (std::size_t step = 0; step < block.steps; step += kCodeStepMultiple) {
        const auto* words = reinterpret_cast<const __m256i*>(b);
        const __m256i low0 = _mm256_load_si256(words);
        const __m256i high0 = _mm256_load_si256(words + 1);
        const __m256i low1 = _mm256_load_si256(words + 2);
        const __m256i high1 = _mm256_load_si256(words + 3);
#pragma GCC unroll 4
        for (std::size_t r = 0; r < kRows; ++r) {
          std::int32_t word0;
          std::int32_t word1;
          __builtin_memcpy(&word0, a + 4 * r, 4);
          __builtin_memcpy(&word1, a + 4 * (kRows + r), 4);
          const __m256i value0 = _mm256_set1_epi32(word0);
          const __m256i value1 = _mm256_set1_epi32(word1);
          const __m256i low = _mm256_add_epi16(_mm256_maddubs_epi16(value0, low0),
                                               _mm256_maddubs_epi16(value1, low1));
          const __m256i high = _mm256_add_epi16(_mm256_maddubs_epi16(value0, high0),
                                                _mm256_maddubs_epi16(value1, high1));
          sums[r][0] = _mm256_add_epi32(sums[r][0], _mm256_madd_epi16(low, ones));
          sums[r][1] = _mm256_add_epi32(sums[r][1], _mm256_madd_epi16(high, ones));
        }
        a += kCodeStepMultiple * kRows * kCodesPerWord;
        b += kCodeStepMultiple * kRightRows * kCodesPerWord;
      }
#pragma GCC unroll 2
      for (std::size_t half = 0; half < 2; ++half) {
        const std::size_t column = panel * kRightRows + 8 * half;
        const __m256 right_floor = _mm256_loadu_ps(block.right.floor + column);
        const __m256 right_scale = _mm256_loadu_ps(block.right.scale + column);
        const __m256 right_residual = _mm256_loadu_ps(block.right.residual + column);
        const __m256i correction =
            _mm256_loadu_si256(reinterpret_cast<const __m256i*>(block.right.correction + column));
#pragma GCC unroll 4
        for (std::size_t r = 0; r < kRows; ++r) {
          const float residual = block.left.residual[row + r];
          const __m256 scale =
              _mm256_mul_ps(_mm256_set1_ps(block.left.scale[row + r]), right_scale);
          const __m256 estimate =
              _mm256_mul_ps(_mm256_cvtepi32_ps(_mm256_add_epi32(sums[r][half], correction)), scale);
          // code_slack(left, right) + pad
          const __m256 slack = _mm256_fmadd_ps(right_residual, _mm256_set1_ps(1.0f + residual),
                                               _mm256_set1_ps(residual + block.pad));
          const __m256 floor = _mm256_sub_ps(
              _mm256_min_ps(_mm256_set1_ps(block.left.floor[row + r]), right_floor), slack);
          if (const unsigned hits = reaching(estimate, floor)) [[unlikely]] {
            append(block, sink, hits, row + r, column, estimate);
          }
        }
      }
    }
  }
}

namespace {

KLG_AVX2_INLINE __m256d widened(const float* values) {
  return _mm256_cvtps_pd(_mm_loadu_ps(values));
}

}  // namespace

KLG_AVX2 double canonical_dot(const float* x, const float* y, std::size_t n) noexcept {
  // Lane l of the definition is entry l % 4 of register l / 4. A register is one chain of additions
  // of exact products, as the definition has it.
  __m256d lanes[8];
#pragma GCC unroll 8
  for (auto& lane : lanes) lane = _mm256_setzero_pd();
  std::size_t i = 0;
  for (; i + 32 <= n; i += 32) {
#pragma GCC unroll 8
    for (std::size_t r = 0; r < 8; ++r) {
      lanes[r] = _mm256_fmadd_pd(widened(x + i + 4 * r), widened(y + i + 4 * r), lanes[r]);
    }
  }
  if (i < n) {
    alignas(32) float x_tail[32] = {};
    alignas(32) float y_tail[32] = {};
    __builtin_memcpy(x_tail, x + i, (n - i) * sizeof(float));
    __builtin_memcpy(y_tail, y + i, (n - i) * sizeof(float));
    // Adding the product of two zeros changes no lane: a lane starts at +0 and so is never -0.
#pragma GCC unroll 8
    for (std::size_t r = 0; r < 8; ++r) {
      lanes[r] = _mm256_fmadd_pd(widened(x_tail + 4 * r), widened(y_tail + 4 * r), lanes[r]);
    }
  }
  for (std::size_t r = 0; r < 4; ++r) lanes[r] = _mm256_add_pd(lanes[r], lanes[r + 4]);
  for (std::size_t r = 0; r < 2; ++r) lanes[r] = _mm256_add_pd(lanes[r], lanes[r + 2]);
  const __m256d four = _mm256_add_pd(lanes[0], lanes[1]);
  const __m128d two = _mm_add_pd(_mm256_castpd256_pd128(four), _mm256_extractf128_pd(four, 1));
  return _mm_cvtsd_f64(_mm_add_sd(two, _mm_unpackhi_pd(two, two)));
}

KLG_AVX2 float float_dot(const float* x, const float* y, std::size_t n) noexcept {
  __m256 sums[4];
#pragma GCC unroll 4
  for (auto& sum : sums) sum = _mm256_setzero_ps();
  std::size_t i = 0;
  for (; i + 32 <= n; i += 32) {
#pragma GCC unroll 4
    for (std::size_t r = 0; r < 4; ++r) {
      sums[r] =
          _mm256_fmadd_ps(_mm256_loadu_ps(x + i + 8 * r), _mm256_loadu_ps(y + i + 8 * r), sums[r]);
    }
  }
  const __m256 eight =
      _mm256_add_ps(_mm256_add_ps(sums[0], sums[1]), _mm256_add_ps(sums[2], sums[3]));
  alignas(32) float values[8];
  _mm256_store_ps(values, eight);
  float sum = ((values[0] + values[1]) + (values[2] + values[3])) +
              ((values[4] + values[5]) + (values[6] + values[7]));
  for (; i < n; ++i) sum += x[i] * y[i];
  return sum;
}

KLG_AVX2 Quantised quantise(const float* x, std::size_t n, double inverse_norm, int code_max,
                            std::int8_t* codes) noexcept {
  const __m256 magnitude = _mm256_castsi256_ps(_mm256_set1_epi32(0x7fffffff));
  __m256 maxima = _mm256_setzero_ps();
  std::size_t i = 0;
  for (; i + 8 <= n; i += 8) {
    maxima = _mm256_max_ps(maxima, _mm256_and_ps(magnitude, _mm256_loadu_ps(x + i)));
  }
  alignas(32) float values[8];
  _mm256_store_ps(values, maxima);
  float largest = 0.0f;
  for (const float value : values) largest = value > largest ? value : largest;
  for (; i < n; ++i) largest = __builtin_fabsf(x[i]) > largest ? __builtin_fabsf(x[i]) : largest;
  const double code_of_unit = code_max / static_cast<double>(largest);
  // The vector path multiplies in float32, where a tiny or huge row would overflow the factor.
  if (largest < 0x1p-100f || largest > 0x1p100f) {
    return baseline::quantise(x, n, inverse_norm, code_max, codes);
  }
  const auto scale = static_cast<float>(static_cast<double>(largest) * inverse_norm / code_max);
  const __m256 factor = _mm256_set1_ps(static_cast<float>(code_of_unit));
  const __m256d norm = _mm256_set1_pd(inverse_norm);
  const __m256d step = _mm256_set1_pd(scale);
  const __m256i limit = _mm256_set1_epi32(code_max);
  const __m256i floor = _mm256_set1_epi32(-code_max);
  __m256d residuals[2] = {_mm256_setzero_pd(), _mm256_setzero_pd()};
  __m256i sums = _mm256_setzero_si256();
  for (i = 0; i + 8 <= n; i += 8) {
    const __m256 row = _mm256_loadu_ps(x + i);
    // A code past its limit would break the promise of the 16-bit sums; rounding cannot take one
    // there (63 (1 + 2^-23) rounds to 63), a row that changes while it is read can.
    const __m256i code = _mm256_max_epi32(
        floor, _mm256_min_epi32(limit, _mm256_cvtps_epi32(_mm256_mul_ps(row, factor))));
    sums = _mm256_add_epi32(sums, code);
    const __m128i code_low = _mm256_castsi256_si128(code);
    const __m128i code_high = _mm256_extracti128_si256(code, 1);
    const __m256d low =
        _mm256_fnmadd_pd(step, _mm256_cvtepi32_pd(code_low),
                         _mm256_mul_pd(norm, _mm256_cvtps_pd(_mm256_castps256_ps128(row))));
    const __m256d high =
        _mm256_fnmadd_pd(step, _mm256_cvtepi32_pd(code_high),
                         _mm256_mul_pd(norm, _mm256_cvtps_pd(_mm256_extractf128_ps(row, 1))));
    residuals[0] = _mm256_fmadd_pd(low, low, residuals[0]);
    residuals[1] = _mm256_fmadd_pd(high, high, residuals[1]);
    const __m128i words = _mm_packs_epi32(code_low, code_high);
    _mm_storel_epi64(reinterpret_cast<__m128i*>(codes + i), _mm_packs_epi16(words, words));
  }
  alignas(32) double partial[4];
  _mm256_store_pd(partial, _mm256_add_pd(residuals[0], residuals[1]));
  double residual = (partial[0] + partial[1]) + (partial[2] + partial[3]);
  alignas(32) std::int32_t partial_sums[8];
  _mm256_store_si256(reinterpret_cast<__m256i*>(partial_sums), sums);
  std::int32_t sum = 0;
  for (const std::int32_t value : partial_sums) sum += value;
  for (; i < n; ++i) {
    const auto code =
        static_cast<std::int32_t>(__builtin_rint(static_cast<double>(x[i]) * code_of_unit));
    const double lost =
        static_cast<double>(x[i]) * inverse_norm - static_cast<double>(scale) * code;
    residual += lost * lost;
    sum += code;
    codes[i] = static_cast<std::int8_t>(code);
  }
  const auto bound = static_cast<float>(residual_bound(residual, n) * (1.0 + 2.0 * kUnit32));
  return {scale, bound, sum};
}

}  // namespace klg::similarity::avx2

#endif

#if defined(__x86_64__)

// GCC's headers leave operands that a full mask makes irrelevant undefined, and its warnings do not
// know.
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#pragma GCC diagnostic ignored "-Wuninitialized"
#endif
#include <immintrin.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>

#include "klg/similarity/kernels_avx512.hpp"
#include "klg/similarity/tiling.hpp"

// Attributes instead of compiler flags: see kernels_avx2.cpp.
#define KLG_AVX512 __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,fma")))
#define KLG_AVX512_INLINE KLG_AVX512 __attribute__((always_inline)) inline

// A tile of 8 rows and 48 columns is 24 accumulators, zmm8 to zmm31. The loop over the entries is
// assembly: compilers spill accumulators around the intrinsics of the dot instructions, and the
// three filters differ in one instruction only.
// clang-format off
#define KLG_START(column, a, b, c, d, e, f, g, h) \
  "vmovups 64*" column "(%[start]), %%zmm" a "\n\t" \
  "vmovaps %%zmm" a ", %%zmm" b "\n\t" "vmovaps %%zmm" a ", %%zmm" c "\n\t" \
  "vmovaps %%zmm" a ", %%zmm" d "\n\t" "vmovaps %%zmm" a ", %%zmm" e "\n\t" \
  "vmovaps %%zmm" a ", %%zmm" f "\n\t" "vmovaps %%zmm" a ", %%zmm" g "\n\t" \
  "vmovaps %%zmm" a ", %%zmm" h "\n\t"
#define KLG_ROW(multiply_add, row, value, a, b, c) \
  "vbroadcastss 4*" row "(%[left]), %%zmm" value "\n\t" \
  multiply_add " %%zmm0, %%zmm" value ", %%zmm" a "\n\t" \
  multiply_add " %%zmm1, %%zmm" value ", %%zmm" b "\n\t" \
  multiply_add " %%zmm2, %%zmm" value ", %%zmm" c "\n\t"
#define KLG_STORE(row, a, b, c) \
  "vmovaps %%zmm" a ", 192*" row "(%[sums])\n\t" \
  "vmovaps %%zmm" b ", 192*" row "+64(%[sums])\n\t" \
  "vmovaps %%zmm" c ", 192*" row "+128(%[sums])\n\t"
#define KLG_MULTIPLY(multiply_add) \
  __asm__ volatile( \
      KLG_START("0", "8", "11", "14", "17", "20", "23", "26", "29") \
      KLG_START("1", "9", "12", "15", "18", "21", "24", "27", "30") \
      KLG_START("2", "10", "13", "16", "19", "22", "25", "28", "31") \
      ".p2align 6\n" \
      "1:\n\t" \
      "vmovaps (%[right]), %%zmm0\n\t" \
      "vmovaps (%[right],%[panel]), %%zmm1\n\t" \
      "vmovaps (%[right],%[panel],2), %%zmm2\n\t" \
      KLG_ROW(multiply_add, "0", "3", "8", "9", "10") \
      KLG_ROW(multiply_add, "1", "4", "11", "12", "13") \
      KLG_ROW(multiply_add, "2", "5", "14", "15", "16") \
      KLG_ROW(multiply_add, "3", "6", "17", "18", "19") \
      KLG_ROW(multiply_add, "4", "7", "20", "21", "22") \
      KLG_ROW(multiply_add, "5", "3", "23", "24", "25") \
      KLG_ROW(multiply_add, "6", "4", "26", "27", "28") \
      KLG_ROW(multiply_add, "7", "5", "29", "30", "31") \
      "add $64, %[right]\n\t" \
      "add $32, %[left]\n\t" \
      "dec %[steps]\n\t" \
      "jnz 1b\n\t" \
      KLG_STORE("0", "8", "9", "10") KLG_STORE("1", "11", "12", "13") \
      KLG_STORE("2", "14", "15", "16") KLG_STORE("3", "17", "18", "19") \
      KLG_STORE("4", "20", "21", "22") KLG_STORE("5", "23", "24", "25") \
      KLG_STORE("6", "26", "27", "28") KLG_STORE("7", "29", "30", "31") \
      : [left] "+r"(left), [right] "+r"(right), [steps] "+r"(steps) \
      : [panel] "r"(panel), [start] "r"(start), [sums] "r"(sums) \
      : "cc", "memory", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", \
        "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15", "xmm16", "xmm17", "xmm18", \
        "xmm19", "xmm20", "xmm21", "xmm22", "xmm23", "xmm24", "xmm25", "xmm26", "xmm27", "xmm28", \
        "xmm29", "xmm30", "xmm31")
// clang-format on

namespace klg::similarity::avx512 {
namespace {

constexpr std::size_t kColumns = 48;
constexpr std::size_t kVectors = kColumns / 16;
static_assert(kPanelMultiple % kColumns == 0 && kMaxTile >= kLeftRows * kColumns);

alignas(64) constexpr std::int32_t kZeros[kColumns] = {};

/// What a whole tile of columns needs at least: one comparison rules most tiles out.
struct Columns {
  float floor;
  float residual;
};

template <Filter kFilter>
KLG_AVX512_INLINE void multiply(const char* left, const char* right, std::size_t steps,
                                std::size_t panel, const std::int32_t* start, void* sums) {
  if (steps == 0) {  // the loop runs at least once
    std::fill_n(static_cast<std::int32_t*>(sums), kLeftRows * kColumns, 0);
    return;
  }
  if constexpr (kFilter == Filter::floats) {
    KLG_MULTIPLY("vfmadd231ps");
  } else if constexpr (kFilter == Filter::halves) {
    KLG_MULTIPLY("vdpbf16ps");
  } else {
    KLG_MULTIPLY("vpdpbusd");
  }
}

/// Estimates of a row of the tile.
template <Filter kFilter>
KLG_AVX512_INLINE __m512 estimate(const float* sums, std::size_t at, __m512 scale) {
  const __m512 sum = _mm512_load_ps(sums + at);
  if constexpr (kFilter != Filter::codes) return sum;
  return _mm512_mul_ps(_mm512_cvtepi32_ps(_mm512_castps_si512(sum)), scale);
}

template <Filter kFilter>
KLG_AVX512_INLINE bool may_reach(const Block& block, std::size_t row, std::size_t column,
                                 Columns columns, const float* sums) {
  // A floor of the rows' own and the columns' lowest, less code_slack() of the rows' own residuals
  // and the columns' greatest.
  __m256 bound =
      _mm256_min_ps(_mm256_loadu_ps(block.left.floor + row), _mm256_set1_ps(columns.floor));
  bound = _mm256_sub_ps(bound, _mm256_set1_ps(block.pad));
  if constexpr (kFilter != Filter::floats) {
    const __m256 residual = _mm256_loadu_ps(block.left.residual + row);
    const __m256 other = _mm256_set1_ps(columns.residual);
    bound = _mm256_sub_ps(bound, _mm256_add_ps(residual, _mm256_fmadd_ps(residual, other, other)));
  }
  alignas(32) float bounds[kLeftRows];
  _mm256_store_ps(bounds, bound);
  __m512 scales[kVectors];
#pragma GCC unroll 3
  for (std::size_t c = 0; c < kVectors; ++c) {
    scales[c] = kFilter == Filter::codes ? _mm512_loadu_ps(block.right.scale + column + 16 * c)
                                         : _mm512_setzero_ps();
  }
  __m512 best[2] = {_mm512_set1_ps(-std::numeric_limits<float>::infinity()),
                    _mm512_set1_ps(-std::numeric_limits<float>::infinity())};
#pragma GCC unroll 8
  for (std::size_t r = 0; r < kLeftRows; ++r) {
    const __m512 least = _mm512_set1_ps(bounds[r]);
#pragma GCC unroll 3
    for (std::size_t c = 0; c < kVectors; ++c) {
      const __m512 value = estimate<kFilter>(sums, r * kColumns + 16 * c, scales[c]);
      const __m512 excess =
          kFilter == Filter::codes
              ? _mm512_fmsub_ps(value, _mm512_set1_ps(block.left.scale[row + r]), least)
              : _mm512_sub_ps(value, least);
      best[c % 2] = _mm512_max_ps(best[c % 2], excess);
    }
  }
  return _mm512_cmp_ps_mask(_mm512_max_ps(best[0], best[1]), _mm512_setzero_ps(), _CMP_GE_OQ) != 0;
}

template <Filter kFilter>
KLG_AVX512 __attribute__((noinline)) void append(const Block& block, std::size_t row,
                                                 std::size_t column, std::size_t end,
                                                 const float* sums, CandidateSink& sink) {
  const std::size_t rows = std::min(kLeftRows, block.left.count - row);
  for (std::size_t r = 0; r < rows; ++r) {
    const float residual = kFilter == Filter::floats ? 0.0f : block.left.residual[row + r];
    const float row_scale = kFilter == Filter::codes ? block.left.scale[row + r] : 1.0f;
    const __m512 row_floor = _mm512_set1_ps(block.left.floor[row + r]);
    for (std::size_t c = 0; c < kVectors; ++c) {
      const std::size_t first = column + 16 * c;
      if (first >= end) break;
      __m512 value =
          estimate<kFilter>(sums, r * kColumns + 16 * c,
                            kFilter == Filter::codes ? _mm512_loadu_ps(block.right.scale + first)
                                                     : _mm512_setzero_ps());
      if constexpr (kFilter == Filter::codes) {
        value = _mm512_mul_ps(value, _mm512_set1_ps(row_scale));
      }
      __m512 slack = _mm512_set1_ps(block.pad);
      if constexpr (kFilter != Filter::floats) {  // code_slack(left, right) + pad
        slack =
            _mm512_fmadd_ps(_mm512_loadu_ps(block.right.residual + first),
                            _mm512_set1_ps(1.0f + residual), _mm512_set1_ps(residual + block.pad));
      }
      const __m512 floor = _mm512_sub_ps(
          _mm512_min_ps(row_floor, _mm512_loadu_ps(block.right.floor + first)), slack);
      unsigned hits = _mm512_cmp_ps_mask(value, floor, _CMP_GE_OQ);
      if (hits == 0) continue;
      alignas(64) float values[16];
      _mm512_store_ps(values, value);
      for (; hits != 0; hits &= hits - 1) {
        const auto lane = static_cast<unsigned>(__builtin_ctz(hits));
        const std::size_t at = first + lane;
        if (at >= end || static_cast<std::ptrdiff_t>(at) <=
                             static_cast<std::ptrdiff_t>(row + r) + block.diagonal) {
          continue;
        }
        *sink.next++ = {static_cast<std::uint32_t>(row + r), static_cast<std::uint32_t>(at),
                        values[lane]};
      }
    }
  }
}

template <Filter kFilter>
KLG_AVX512_INLINE void scan(const Block& block, CandidateSink& sink) {
  const auto* left = static_cast<const char*>(block.left.panels);
  const auto* right = static_cast<const char*>(block.right.panels);
  const std::size_t width = block.steps * sizeof(std::uint32_t);  // bytes of a row
  const std::size_t panel = width * kRightRows;
  alignas(64) float sums[kLeftRows * kColumns];
  // A tile that is not full comes first, where the diagonal leaves it the fewest rows; the rest of
  // its columns are the next one's.
  const std::size_t end = (block.right.count + kRightRows - 1) / kRightRows * kRightRows;
  std::size_t next = end % kColumns == 0 ? kColumns : end % kColumns;
  for (std::size_t column = 0; column < end; column = next, next += kColumns) {
    Columns columns{block.right.floor[column], 0.0f};
    for (std::size_t c = column; c < column + kColumns; ++c) {
      columns.floor = std::min(columns.floor, block.right.floor[c]);
      if constexpr (kFilter != Filter::floats) {
        columns.residual = std::max(columns.residual, block.right.residual[c]);
      }
    }
    const std::int32_t* start = kFilter == Filter::codes ? block.right.correction + column : kZeros;
    const auto last = static_cast<std::ptrdiff_t>(next - 1);
    for (std::size_t row = 0; row < block.left.count; row += kLeftRows) {
      if (last <= static_cast<std::ptrdiff_t>(row) + block.diagonal) break;
      multiply<kFilter>(left + row * width, right + column * width, block.steps, panel, start,
                        sums);
      if (may_reach<kFilter>(block, row, column, columns, sums)) [[unlikely]] {
        if (sink.end - sink.next < static_cast<std::ptrdiff_t>(kMaxTile)) sink.drain();
        append<kFilter>(block, row, column, std::min(next, block.right.count), sums, sink);
      }
    }
  }
}

}  // namespace

KLG_AVX512 void scan_floats(const Block& block, CandidateSink& sink) {
  scan<Filter::floats>(block, sink);
}
KLG_AVX512 void scan_halves(const Block& block, CandidateSink& sink) {
  scan<Filter::halves>(block, sink);
}
KLG_AVX512 void scan_codes(const Block& block, CandidateSink& sink) {
  scan<Filter::codes>(block, sink);
}

}  // namespace klg::similarity::avx512

#endif

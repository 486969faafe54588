#pragma once

#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "klg/similarity/filter_kernel.hpp"

/// How a scan is cut: strips of left rows and chunks of right rows that a core's second-level cache
/// holds together.
namespace klg::similarity {

inline constexpr std::size_t kStripRows = 240;
inline constexpr std::size_t kLeastStripRows = 24;
static_assert(kStripRows % kLeastStripRows == 0 && kPanelMultiple % kLeastStripRows == 0);

/// Bytes of a core's second-level cache, within what processors with our kernels have.
[[nodiscard]] inline std::size_t second_level_bytes() noexcept {
#if defined(_SC_LEVEL2_CACHE_SIZE)
  static const long size = ::sysconf(_SC_LEVEL2_CACHE_SIZE);
#else
  constexpr long size = 0;
#endif
  return static_cast<std::size_t>(std::clamp(size, 512L << 10, 2048L << 10));
}

// A strip stays in the cache while chunks pass through it, so the more rows it has, the less is
// read.
[[nodiscard]] inline std::size_t strip_rows_for(std::size_t row_bytes) noexcept {
  const std::size_t bytes = second_level_bytes() * 10 / 16;
  const std::size_t fitting =
      bytes / std::max<std::size_t>(1, row_bytes) / kLeastStripRows * kLeastStripRows;
  return std::clamp(fitting, kLeastStripRows, kStripRows);
}

[[nodiscard]] inline std::size_t chunk_columns_for(std::size_t row_bytes) noexcept {
  const std::size_t bytes = second_level_bytes() * 4 / 16;
  const std::size_t fitting =
      bytes / std::max<std::size_t>(1, row_bytes) / kPanelMultiple * kPanelMultiple;
  return std::clamp<std::size_t>(fitting, kPanelMultiple, 960);
}

/// A diagonal that leaves out no pair of a block of `rows` rows.
[[nodiscard]] inline std::ptrdiff_t no_diagonal(std::size_t rows) noexcept {
  return -static_cast<std::ptrdiff_t>(rows);
}

/// Up to `count` of `size` members, evenly spread.
[[nodiscard]] inline std::vector<std::uint32_t> spread(std::size_t size, std::size_t count) {
  std::vector<std::uint32_t> members(std::min(size, count));
  for (std::size_t k = 0; k < members.size(); ++k) {
    members[k] = static_cast<std::uint32_t>(k * size / members.size());
  }
  return members;
}

}  // namespace klg::similarity

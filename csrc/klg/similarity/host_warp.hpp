#pragma once

#include <array>

#include "klg/similarity/canonical_dot.hpp"

namespace klg::similarity {

/// A warp in lock step on the host: a value is that of all 32 lanes.
struct HostWarp {
  using Value = std::array<double, kLanes>;

  [[nodiscard]] Value add(Value a, const Value& b) const noexcept {
    for (unsigned lane = 0; lane < kLanes; ++lane) a[lane] += b[lane];
    return a;
  }

  /// As `__shfl_down_sync`: lanes past the end keep their own value.
  [[nodiscard]] Value shuffle_down(const Value& a, unsigned offset) const noexcept {
    Value shifted = a;
    for (unsigned lane = 0; lane + offset < kLanes; ++lane) shifted[lane] = a[lane + offset];
    return shifted;
  }
};

}  // namespace klg::similarity

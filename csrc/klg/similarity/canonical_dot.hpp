#pragma once

#include <cstddef>

#include "klg/core/host_device.hpp"

namespace klg::similarity {

/// Width of the canonical summation: one lane for each thread of a CUDA warp.
inline constexpr unsigned kLanes = 32;

/// The part of a dot product that one lane adds up, in ascending order of index.
///
/// A product of two float32 values is exact in float64 (24 + 24 bits of 53), so it does not matter
/// whether a compiler contracts the multiplication and the addition: each step rounds once.
KLG_HOST_DEVICE inline double lane_partial(const float* x, const float* y, std::size_t n,
                                           unsigned lane) {
  double sum = 0.0;
  for (std::size_t i = lane; i < n; i += kLanes) {
    sum += static_cast<double>(x[i]) * static_cast<double>(y[i]);
  }
  return sum;
}

/// Adds the lanes pairwise: 16 apart, then 8, 4, 2, 1. The result is that of lane 0.
///
/// `Warp` says what a value is and how it moves between lanes: on a device a register and a
/// shuffle, on the host all lanes at once in an array. Both run these very lines.
template <class Warp>
KLG_HOST_DEVICE typename Warp::Value reduce_lanes(const Warp& warp, typename Warp::Value value) {
  for (unsigned offset = kLanes / 2; offset > 0; offset /= 2) {
    value = warp.add(value, warp.shuffle_down(value, offset));
  }
  return value;
}

/// The canonical float64 dot product of two float32 rows: 32 strided lanes, then a fixed tree.
///
/// Bit-identical on every processor, thread count and device. Rows may alias. `n` may be 0.
[[nodiscard]] double canonical_dot(const float* x, const float* y, std::size_t n) noexcept;

}  // namespace klg::similarity

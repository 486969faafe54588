#pragma once

#include <cstdint>
#include <cstring>

#include "klg/core/host_device.hpp"

namespace klg::similarity {

KLG_HOST_DEVICE inline float half_value(std::uint16_t half) {
  const std::uint32_t bits = static_cast<std::uint32_t>(half) << 16;
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

/// The nearest bfloat16, ties to even; zero for what would be subnormal, which dot instructions
/// take for zero. Not for NaN.
KLG_HOST_DEVICE inline std::uint16_t to_half(float value) {
  std::uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  const std::uint32_t half = (bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16;
  return (half & 0x7fffu) < 0x80u ? std::uint16_t{0} : static_cast<std::uint16_t>(half);
}

}  // namespace klg::similarity

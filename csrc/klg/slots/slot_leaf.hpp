#pragma once

#include <atomic>
#include <cstdint>

namespace klg::slots {

/// Generation in the high half, pins in the low one. Odd generation: live. Even and no pins: free.
/// Even with pins: dead, but not to be had before the last pin goes.
using SlotState = std::atomic<std::uint64_t>;

inline constexpr std::uint64_t kPinMask = 0xffff'ffff;

/// What 64 slots share. Zero bytes are a leaf whose slots were never handed out.
struct alignas(64) Leaf {
  std::atomic<std::uint64_t> free{0};  ///< To be had; what lies in a pocket is not among them.
  std::atomic<std::uint64_t> kept{
      0};                     ///< Freed while there was a hold: not to be had before it ends.
  std::uint64_t dormant = 0;  ///< Free but without memory; under the growth lock.
  std::atomic<std::uint32_t> owner{0};  ///< Stripe + 1 that takes from here: a hint.
};

}  // namespace klg::slots

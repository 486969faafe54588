#pragma once

#include <cstdint>

namespace klg::slots {

/// Threads are dealt stripes, so that they work on different cache lines. A stripe belongs to one
/// living thread, but for the last: all threads beyond 63 share it.
inline constexpr std::uint32_t kStripes = 64;
inline constexpr std::uint32_t kSharedStripe = kStripes - 1;

namespace detail {
inline constexpr std::uint32_t kNoStripe = ~0U;
inline constinit thread_local std::uint32_t stripe = kNoStripe;
std::uint32_t assign_stripe() noexcept;
}  // namespace detail

[[nodiscard]] inline std::uint32_t this_thread_stripe() noexcept {
  const std::uint32_t mine = detail::stripe;
  return mine != detail::kNoStripe ? mine : detail::assign_stripe();
}

}  // namespace klg::slots

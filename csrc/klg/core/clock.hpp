#pragma once

#include <time.h>

#include <cstdint>

namespace klg {

namespace detail {

[[nodiscard]] inline std::int64_t read_clock(clockid_t clock) noexcept {
  timespec now{};
  clock_gettime(clock, &now);
  return static_cast<std::int64_t>(now.tv_sec) * 1'000'000'000 + now.tv_nsec;
}

}  // namespace detail

/// Nanoseconds since an arbitrary start, never running backwards: for ages and durations.
[[nodiscard]] inline std::int64_t monotonic_ns() noexcept {
  return detail::read_clock(CLOCK_MONOTONIC);
}

/// The same clock as it was at the latest tick of the kernel, up to ten milliseconds ago, for a
/// fifth of the price.
[[nodiscard]] inline std::int64_t coarse_monotonic_ns() noexcept {
  return detail::read_clock(CLOCK_MONOTONIC_COARSE);
}

/// Nanoseconds since the epoch, the clock that Python's `time.time()` reads.
[[nodiscard]] inline std::int64_t wall_ns() noexcept { return detail::read_clock(CLOCK_REALTIME); }

}  // namespace klg

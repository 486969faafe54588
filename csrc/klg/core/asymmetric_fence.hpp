#pragma once

namespace klg {

/// A fence whose whole cost is on the side that is rarely run.
///
/// The frequent side writes one word and reads another with only the compiler kept from swapping
/// them; the rare side writes the second, calls `fence_all_threads` and reads the first. One of the
/// two then sees the other's write, as if both had a full fence. Linux does it with membarrier(2).
[[nodiscard]] bool can_fence_all_threads() noexcept;

/// Every running thread of the process passes a full memory barrier before this returns. Needs
/// `can_fence_all_threads`.
void fence_all_threads() noexcept;

}  // namespace klg

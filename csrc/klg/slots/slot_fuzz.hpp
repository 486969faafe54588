#pragma once

#include <cstdint>

namespace klg::slots {

struct FuzzCounts {
  std::uint64_t misuses = 0;  ///< Calls with a handle that the model knew to be dead.
  std::uint64_t caught = 0;   ///< Of these, refused with the right reason.
  std::uint64_t errors = 0;   ///< Any other difference from the model.
};

/// Random allocations, frees, double frees, stale pins and shrinks on one arena.
[[nodiscard]] FuzzCounts fuzz(std::uint64_t operations, std::uint64_t seed);

}  // namespace klg::slots

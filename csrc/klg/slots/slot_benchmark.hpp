#pragma once

#include <cstdint>
#include <string>

namespace klg::slots {

/// CPU nanoseconds of a thread per pair of freeing the oldest of 64 slots and allocating one, the
/// mean over threads pinned to the cores in turn. Each slot holds a mark that is checked when it is
/// freed; throws Error if one was lost, or for an unknown allocator.
[[nodiscard]] double benchmark_pairs(const std::string& allocator, unsigned threads,
                                     std::uint64_t pairs);

struct FuzzCounts {
  std::uint64_t misuses = 0;  ///< Calls with a handle that the model knew to be dead.
  std::uint64_t caught = 0;   ///< Of these, refused with the right reason.
  std::uint64_t errors = 0;   ///< Any other difference from the model.
};

/// Random allocations, frees, double frees, stale pins and shrinks on one arena.
[[nodiscard]] FuzzCounts fuzz(std::uint64_t operations, std::uint64_t seed);

}  // namespace klg::slots

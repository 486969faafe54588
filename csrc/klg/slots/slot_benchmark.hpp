#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace klg::slots {

/// Names for `benchmark_pairs`: the arena and every peer that this build and machine have.
[[nodiscard]] std::vector<std::string> benchmark_allocators();

/// CPU nanoseconds of a thread per pair of freeing the oldest of 64 slots and allocating one, the
/// mean over threads pinned to the cores in turn. That each call succeeded is checked as it is
/// timed; that no slot had two holders, by marks in an eighth as many pairs behind it. Throws Error
/// where one went wrong, or for an unknown allocator.
[[nodiscard]] double benchmark_pairs(const std::string& allocator, unsigned threads,
                                     std::uint64_t pairs);

}  // namespace klg::slots

#pragma once

#include <cstdint>

#include "klg/registry/allocation_registry.hpp"

namespace klg::registry {

/// What a run of record and release pairs took, and what the registry counted meanwhile.
struct PairTimes {
  double wall_s = 0.0;       ///< from the first start to the last finish
  double cpu_s = 0.0;        ///< of all threads together
  std::uint32_t pinned = 0;  ///< threads that got a core of their own
  Totals totals;             ///< of the registry, after the run
};

/// Times `threads` threads that each record and release `pairs` times against one registry, with
/// `window` records live in each at any moment.
///
/// @param same_site  all threads share one site, or each has its own
/// @throws std::invalid_argument where threads or window is 0
[[nodiscard]] PairTimes time_pairs(std::uint32_t threads, std::uint64_t pairs, std::uint32_t window,
                                   bool same_site);

}  // namespace klg::registry

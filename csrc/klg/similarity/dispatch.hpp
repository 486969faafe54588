#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "klg/similarity/filter_kernel.hpp"
#include "klg/similarity/kernels_baseline.hpp"

namespace klg::similarity {

/// One instruction set's implementations. All of them give the same results, in different time.
struct Kernels {
  const char* name;
  FilterPath floats;
  FilterPath halves;
  FilterPath codes;
  double (*canonical_dot)(const float*, const float*, std::size_t) noexcept;
  float (*float_dot)(const float*, const float*, std::size_t) noexcept;
  void (*normalise)(const float*, std::size_t, double, std::uint32_t*) noexcept;
  float (*round_halves)(const float*, std::size_t, double, std::uint32_t*) noexcept;
  Quantised (*quantise)(const float*, std::size_t, double, int, std::int8_t*) noexcept;
  void (*interleave)(const std::uint32_t*, std::size_t, std::uint32_t*) noexcept;

  [[nodiscard]] const FilterPath& path(Filter filter) const noexcept {
    return filter == Filter::floats ? floats : filter == Filter::halves ? halves : codes;
  }
  /// Whether a filter has kernels here and may be used for rows of so many entries.
  [[nodiscard]] bool can(Filter filter, std::size_t columns) const noexcept;
};

/// The kernels of a named instruction set; an empty name means the best that this processor has.
///
/// Throws `Error` where the name is unknown or the processor cannot run it.
[[nodiscard]] const Kernels& kernels(std::string_view name);

/// The kernels that the environment variable KLG_ISA names, or the best.
[[nodiscard]] const Kernels& kernels_from_environment();

/// Names of all instruction sets of this build, weakest first, whether or not this processor has
/// them.
[[nodiscard]] std::vector<const char*> instruction_sets();

}  // namespace klg::similarity

#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "klg/similarity/filter_kernel.hpp"
#include "klg/similarity/kernels_baseline.hpp"

namespace klg::similarity {

/// One instruction set's implementations. All of them give the same results, in different time.
struct Kernels {
  const char* name;
  FilterKernel scan_floats;
  FilterKernel scan_codes;  ///< Null where codes would not be faster than floats.
  double (*canonical_dot)(const float*, const float*, std::size_t) noexcept;
  float (*float_dot)(const float*, const float*, std::size_t) noexcept;
  Quantised (*quantise)(const float*, std::size_t, double, std::int8_t*) noexcept;
};

/// The kernels of a named instruction set; an empty name means the best that this processor has.
///
/// Throws `Error` where the name is unknown or the processor cannot run it.
[[nodiscard]] const Kernels& kernels(std::string_view name);

/// The kernels that the environment variable KLG_ISA names, or the best.
[[nodiscard]] const Kernels& kernels_from_environment();

}  // namespace klg::similarity

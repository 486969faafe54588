#pragma once

#include "klg/similarity/dispatch.hpp"

namespace klg::similarity {

/// Operations a second (a multiplication and an addition are two) of one core that does nothing but
/// the instruction that a filter's kernel is made of, on registers: what no kernel can exceed.
///
/// In seconds of the calling thread's processor time. Throws `Error` where the instruction set has
/// no such kernel.
[[nodiscard]] double measure_peak(const Kernels& kernels, Filter filter);

}  // namespace klg::similarity

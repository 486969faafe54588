#pragma once

#include <string>
#include <vector>

namespace klg {

/// Instruction sets of this processor that our kernels can make use of, weakest first.
[[nodiscard]] std::vector<std::string> cpu_features();

}  // namespace klg

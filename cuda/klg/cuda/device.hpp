#pragma once

#include <string>

namespace klg::cuda {

/// Whether this build has the CUDA part at all.
[[nodiscard]] bool built() noexcept;

/// CUDA devices that can be used now; 0 without a CUDA build, a driver or a device. Never throws.
[[nodiscard]] int device_count() noexcept;

/// Driver's CUDA version as 1000·major + 10·minor; 0 where there is no driver.
[[nodiscard]] int driver_version() noexcept;

/// CUDA version of the runtime that is linked in; 0 in a CPU-only build.
[[nodiscard]] int runtime_version() noexcept;

/// Why there is no device to use; empty where there is one.
[[nodiscard]] std::string unavailable_reason();

}  // namespace klg::cuda

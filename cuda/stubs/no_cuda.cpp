// The symbols of the CUDA part in a build without nvcc.
#include "klg/core/error.hpp"
#include "klg/cuda/canonical_dot.hpp"
#include "klg/cuda/device.hpp"
#include "klg/cuda/device_driver.hpp"
#include "klg/cuda/pair_search.hpp"

namespace klg::cuda {

bool built() noexcept { return false; }
int device_count() noexcept { return 0; }
int driver_version() noexcept { return 0; }
int runtime_version() noexcept { return 0; }

std::string unavailable_reason() {
  return "this is a CPU-only build; rebuild with nvcc on PATH (KLG_CUDA=ON)";
}

std::shared_ptr<DeviceDriver> open_driver(int device) {
  throw CudaUnavailable("CUDA device " + std::to_string(device) + ": " + unavailable_reason());
}

void canonical_dots(const float*, std::size_t, std::size_t, const RowPair*, std::size_t, double*) {
  throw CudaUnavailable("canonical_dots: " + unavailable_reason());
}

FoundPairs find_pairs(const DeviceMatrix&, const DeviceMatrix*, const PairSettings&,
                      const std::function<void()>&) {
  throw CudaUnavailable("find_pairs: " + unavailable_reason());
}

void copy_to_host(const DeviceMatrix&, float*) {
  throw CudaUnavailable("copy_to_host: " + unavailable_reason());
}

}  // namespace klg::cuda

#pragma once

#include <cuda_runtime.h>

namespace klg::cuda {

/// A warp of the device, for `similarity::reduce_lanes`, which is compiled for the host too, where
/// nobody calls it with this type.
struct DeviceWarp {
  using Value = double;
  __device__ double add(double a, double b) const { return a + b; }
  __device__ double shuffle_down(double a, unsigned offset) const {
    return __shfl_down_sync(0xffffffffu, a, offset);
  }
};

}  // namespace klg::cuda

#pragma once

#include <cuda_runtime_api.h>

#include <string>

#include "klg/core/error.hpp"

namespace klg::cuda {

/// Turns a failed runtime call into an exception that names the call, the place and CUDA's reason.
inline void check(cudaError_t status, const char* call, const char* file, int line) {
  if (status == cudaSuccess) return;
  // Clears the sticky error, so that it is not blamed on the next call.
  static_cast<void>(cudaGetLastError());
  const std::string text = std::string(call) + " failed at " + file + ":" + std::to_string(line) +
                           ": " + cudaGetErrorName(status) + ": " + cudaGetErrorString(status);
  if (status == cudaErrorNoDevice || status == cudaErrorInsufficientDriver ||
      status == cudaErrorNoKernelImageForDevice) {
    throw CudaUnavailable(text);
  }
  throw Error(text);
}

}  // namespace klg::cuda

#define KLG_CUDA_TRY(call) ::klg::cuda::check((call), #call, __FILE__, __LINE__)

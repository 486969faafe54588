#pragma once

#include <cuda_runtime_api.h>

#include "klg/cuda/error.hpp"

namespace klg::cuda {

/// A stream of our own that begins when what is on another one now has ended.
class Stream {
 public:
  explicit Stream(cudaStream_t after) {
    KLG_CUDA_TRY(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking));
    try {
      follow(after);
    } catch (...) {
      static_cast<void>(cudaStreamDestroy(stream_));
      throw;
    }
  }
  ~Stream() {
    // What is still running uses buffers that are freed next.
    static_cast<void>(cudaStreamSynchronize(stream_));
    static_cast<void>(cudaStreamDestroy(stream_));
  }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  [[nodiscard]] cudaStream_t get() const noexcept { return stream_; }

  /// Goes on only when what is on another stream now has ended.
  void follow(cudaStream_t other) const {
    cudaEvent_t event = nullptr;
    KLG_CUDA_TRY(cudaEventCreateWithFlags(&event, cudaEventDisableTiming));
    const cudaError_t recorded = cudaEventRecord(event, other);
    const cudaError_t waits =
        recorded == cudaSuccess ? cudaStreamWaitEvent(stream_, event, 0) : recorded;
    static_cast<void>(cudaEventDestroy(event));
    KLG_CUDA_TRY(waits);
  }

 private:
  cudaStream_t stream_ = nullptr;
};

}  // namespace klg::cuda

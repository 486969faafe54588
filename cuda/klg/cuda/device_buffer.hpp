#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>

#include "klg/cuda/error.hpp"

namespace klg::cuda {

/// Device memory for `size` values of T, freed with the object.
///
/// Copies are ordered on a stream; the host's memory must stay until the stream has got there.
template <class T>
class DeviceBuffer {
 public:
  explicit DeviceBuffer(std::size_t size) : size_(size) {
    if (size > 0) KLG_CUDA_TRY(cudaMalloc(reinterpret_cast<void**>(&data_), size * sizeof(T)));
  }
  ~DeviceBuffer() { static_cast<void>(cudaFree(data_)); }
  DeviceBuffer(const DeviceBuffer&) = delete;
  DeviceBuffer& operator=(const DeviceBuffer&) = delete;

  [[nodiscard]] T* data() const noexcept { return data_; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }

  void upload(const T* from, cudaStream_t stream) {
    KLG_CUDA_TRY(cudaMemcpyAsync(data_, from, size_ * sizeof(T), cudaMemcpyHostToDevice, stream));
  }
  /// The first `count` values.
  void download(T* to, std::size_t count, cudaStream_t stream) const {
    KLG_CUDA_TRY(cudaMemcpyAsync(to, data_, count * sizeof(T), cudaMemcpyDeviceToHost, stream));
  }
  void clear(cudaStream_t stream) {
    KLG_CUDA_TRY(cudaMemsetAsync(data_, 0, size_ * sizeof(T), stream));
  }

 private:
  std::size_t size_;
  T* data_ = nullptr;
};

}  // namespace klg::cuda

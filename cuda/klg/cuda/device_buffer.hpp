#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>

#include "klg/cuda/error.hpp"

namespace klg::cuda {

/// Device memory for `size` values of T, freed with the object.
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

  void upload(const T* from) {
    KLG_CUDA_TRY(cudaMemcpy(data_, from, size_ * sizeof(T), cudaMemcpyHostToDevice));
  }
  void download(T* to) const {
    KLG_CUDA_TRY(cudaMemcpy(to, data_, size_ * sizeof(T), cudaMemcpyDeviceToHost));
  }

 private:
  std::size_t size_;
  T* data_ = nullptr;
};

}  // namespace klg::cuda

#include "klg/cuda/canonical_dot.hpp"

#include <cuda_runtime.h>

#include "klg/cuda/device.hpp"
#include "klg/cuda/device_buffer.hpp"
#include "klg/cuda/device_warp.cuh"
#include "klg/cuda/error.hpp"
#include "klg/cuda/stream.hpp"
#include "klg/similarity/canonical_dot.hpp"

namespace klg::cuda {
namespace {

constexpr unsigned kWarpsPerBlock = 8;

__global__ void canonical_dots_kernel(const float* rows, std::size_t dim, const RowPair* pairs,
                                      std::size_t pair_count, double* out) {
  const unsigned lane = threadIdx.x % similarity::kLanes;
  const std::size_t pair =
      static_cast<std::size_t>(blockIdx.x) * kWarpsPerBlock + threadIdx.x / similarity::kLanes;
  // All lanes of a warp share one pair, so a warp leaves or stays as a whole.
  if (pair >= pair_count) return;
  const float* x = rows + static_cast<std::size_t>(pairs[pair].i) * dim;
  const float* y = rows + static_cast<std::size_t>(pairs[pair].j) * dim;
  const double partial = similarity::lane_partial(x, y, dim, lane);
  double sum = similarity::reduce_lanes(DeviceWarp{}, partial);
  if (lane == 0) out[pair] = sum;
}

}  // namespace

void canonical_dots(const float* rows, std::size_t n, std::size_t dim, const RowPair* pairs,
                    std::size_t pair_count, double* out) {
  if (device_count() == 0) throw CudaUnavailable("canonical_dots: " + unavailable_reason());
  if (pair_count == 0) return;
  DeviceBuffer<float> device_rows(n * dim);
  DeviceBuffer<RowPair> device_pairs(pair_count);
  DeviceBuffer<double> device_out(pair_count);
  const Stream stream(nullptr);
  device_rows.upload(rows, stream.get());
  device_pairs.upload(pairs, stream.get());
  const auto blocks = static_cast<unsigned>((pair_count + kWarpsPerBlock - 1) / kWarpsPerBlock);
  canonical_dots_kernel<<<blocks, kWarpsPerBlock * similarity::kLanes, 0, stream.get()>>>(
      device_rows.data(), dim, device_pairs.data(), pair_count, device_out.data());
  KLG_CUDA_TRY(cudaGetLastError());
  device_out.download(out, pair_count, stream.get());
  KLG_CUDA_TRY(cudaStreamSynchronize(stream.get()));
}

}  // namespace klg::cuda

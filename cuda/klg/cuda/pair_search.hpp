#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

namespace klg::cuda {

/// A float32 matrix in the memory of the host or of the current device, rows contiguous.
struct DeviceMatrix {
  const float* data;
  std::size_t rows;
  std::size_t columns;
  std::size_t stride;  ///< Entries from one row to the next.
  bool on_device;
  const bool* mask;        ///< Rows that count, in the memory of the host; null for all.
  const char* name;        ///< For messages.
  void* stream = nullptr;  ///< What data on the device are ready on; null for the default one.
};

struct PairSettings {
  double threshold;
  bool below = true;
  std::size_t max_pairs = static_cast<std::size_t>(-1);
};

/// Pairs sorted by (i, j).
struct FoundPairs {
  std::vector<std::int64_t> i;
  std::vector<std::int64_t> j;
  std::vector<double> score;
  bool complete = true;  ///< False where there are more than max_pairs.
};

/// All pairs beyond a threshold on the current device: those of `similarity::PairScan`, bit by bit.
///
/// Pairs i < j within `left` where `right` is null, else of a row of each. `poll` runs between
/// batches and ends the search by throwing. Throws CudaUnavailable where there is no device,
/// std::invalid_argument for NaN and infinity.
[[nodiscard]] FoundPairs find_pairs(const DeviceMatrix& left, const DeviceMatrix* right,
                                    const PairSettings& settings,
                                    const std::function<void()>& poll);

/// Copies a matrix on the device to `out`, rows one after the other, and waits until it is there.
void copy_to_host(const DeviceMatrix& matrix, float* out);

}  // namespace klg::cuda

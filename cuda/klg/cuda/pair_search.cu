#include "klg/cuda/pair_search.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "klg/cuda/device.hpp"
#include "klg/cuda/device_buffer.hpp"
#include "klg/cuda/error.hpp"
#include "klg/cuda/pair_search_kernels.cuh"
#include "klg/cuda/stream.hpp"

namespace klg::cuda {
namespace {

constexpr std::uint32_t kNoRow = 0xffffffffu;
constexpr std::size_t kLeastRoom = std::size_t{1} << 20;
constexpr std::uint32_t kMostTileRows = 4096;
constexpr unsigned kMostVerifyBlocks = 1u << 16;

/// A set of rows in device memory, packed. Those that lie there are read where they lie.
class PackedSet {
 public:
  PackedSet(const DeviceMatrix& matrix, cudaStream_t stream)
      : sent_(matrix.on_device ? 0 : matrix.rows * matrix.columns),
        rows_(matrix.on_device ? matrix.data : sent_.data()),
        stride_(matrix.on_device ? matrix.stride : matrix.columns),
        squares_(matrix.rows),
        residuals_(tensor::packed_count(matrix.rows)),
        halves_(tensor::packed_count(matrix.rows) * tensor::packed_depth(matrix.columns)),
        mask_(matrix.mask == nullptr ? 0 : matrix.rows),
        wrong_row_(1),
        count_(static_cast<std::uint32_t>(matrix.rows)),
        columns_(matrix.columns) {
    if (matrix.rows == 0 || matrix.columns == 0) return;
    if (!matrix.on_device) {
      KLG_CUDA_TRY(cudaMemcpy2DAsync(sent_.data(), matrix.columns * sizeof(float), matrix.data,
                                     matrix.stride * sizeof(float), matrix.columns * sizeof(float),
                                     matrix.rows, cudaMemcpyHostToDevice, stream));
    }
    halves_.clear(stream);
    if (matrix.mask != nullptr) mask_.upload(matrix.mask, stream);
    wrong_row_.upload(&kNoRow, stream);
    const auto blocks = static_cast<unsigned>((matrix.rows + tensor::kWarps - 1) / tensor::kWarps);
    pack_kernel<<<blocks, kThreads, 0, stream>>>(view(), mask_.data(), wrong_row_.data());
    KLG_CUDA_TRY(cudaGetLastError());
    std::uint32_t wrong = kNoRow;
    wrong_row_.download(&wrong, 1, stream);
    KLG_CUDA_TRY(cudaStreamSynchronize(stream));
    if (wrong != kNoRow) {
      throw std::invalid_argument(std::string(matrix.name) + ": row " + std::to_string(wrong) +
                                  " holds NaN or infinity; remove it or leave it out by a mask");
    }
  }

  [[nodiscard]] DeviceRows view() const noexcept {
    return {rows_, stride_, count_, columns_, squares_.data(), residuals_.data(), halves_.data()};
  }

 private:
  DeviceBuffer<float> sent_;
  const float* rows_;
  std::size_t stride_;
  DeviceBuffer<double> squares_;
  DeviceBuffer<float> residuals_;
  DeviceBuffer<std::uint16_t> halves_;
  DeviceBuffer<bool> mask_;
  DeviceBuffer<std::uint32_t> wrong_row_;
  std::uint32_t count_;
  std::size_t columns_;
};

std::uint32_t tiles(std::uint32_t count, unsigned size) { return (count + size - 1) / size; }

tensor::Test test_of(const PairSettings& settings, std::size_t columns) {
  const float sign = settings.below ? -1.0f : 1.0f;
  const double pad = tensor::tensor_slack(columns) + similarity::kComparisonSlack;
  return {sign, sign * static_cast<float>(settings.threshold),
          std::nextafter(static_cast<float>(pad), std::numeric_limits<float>::infinity())};
}

/// A search band by band of tile rows; a band's candidates fit the list.
class Search {
 public:
  Search(const PackedSet& left, const PackedSet& right, bool within, const PairSettings& settings,
         cudaStream_t stream)
      : left_(left.view()),
        right_(right.view()),
        extent_{left_.count, right_.count, within},
        settings_(settings),
        test_(test_of(settings, left_.columns)),
        stream_(stream),
        // One tile row always fits, so a band that does not can be halved until it does.
        room_(std::max(kLeastRoom, std::size_t{tensor::kTileRows} * right_.count)),
        candidates_(room_),
        counts_(2) {}

  void run(FoundPairs& found, const std::function<void()>& poll) {
    const std::uint32_t tile_rows = tiles(extent_.rows, tensor::kTileRows);
    std::uint32_t band = kMostTileRows;
    for (std::uint32_t first = 0; first < tile_rows;) {
      band = std::min(band, tile_rows - first);
      const unsigned long long count = filter(first, band);
      if (count > room_) {
        band = std::max(1u, band / 2);
        continue;
      }
      collect(count, found);
      if (!found.complete) return;
      first += band;
      if (count < room_ / 4) band = std::min(kMostTileRows, band * 2);
      if (poll) poll();
    }
  }

 private:
  unsigned long long filter(std::uint32_t first, std::uint32_t band) {
    counts_.clear(stream_);
    const dim3 grid(tiles(extent_.columns, tensor::kTileColumns), band);
    filter_kernel<<<grid, kThreads, kSharedBytes, stream_>>>(
        left_, right_, extent_, test_, first, {candidates_.data(), counts_.data(), room_});
    KLG_CUDA_TRY(cudaGetLastError());
    unsigned long long count = 0;
    counts_.download(&count, 1, stream_);
    KLG_CUDA_TRY(cudaStreamSynchronize(stream_));
    return count;
  }

  void collect(unsigned long long count, FoundPairs& found) {
    if (count == 0) return;
    if (matches_ == nullptr || matches_->size() < count) {
      matches_.reset();
      matches_ = std::make_unique<DeviceBuffer<Match>>(static_cast<std::size_t>(count));
    }
    const unsigned long long blocks = (count + tensor::kWarps - 1) / tensor::kWarps;
    verify_kernel<<<static_cast<unsigned>(std::min<unsigned long long>(blocks, kMostVerifyBlocks)),
                    kThreads, 0, stream_>>>(left_, right_, settings_.threshold, settings_.below,
                                            candidates_.data(), count, matches_->data(),
                                            counts_.data() + 1);
    KLG_CUDA_TRY(cudaGetLastError());
    unsigned long long counts[2] = {};
    counts_.download(counts, 2, stream_);
    KLG_CUDA_TRY(cudaStreamSynchronize(stream_));
    if (found.i.size() + counts[1] > settings_.max_pairs) {
      found.complete = false;
      return;
    }
    std::vector<Match> matches(static_cast<std::size_t>(counts[1]));
    matches_->download(matches.data(), matches.size(), stream_);
    KLG_CUDA_TRY(cudaStreamSynchronize(stream_));
    std::sort(matches.begin(), matches.end(), [](const Match& a, const Match& b) {
      return a.row != b.row ? a.row < b.row : a.column < b.column;
    });
    for (const Match& match : matches) {
      found.i.push_back(match.row);
      found.j.push_back(match.column);
      found.score.push_back(match.score);
    }
  }

  DeviceRows left_;
  DeviceRows right_;
  tensor::Extent extent_;
  const PairSettings& settings_;
  tensor::Test test_;
  cudaStream_t stream_;
  std::size_t room_;
  DeviceBuffer<tensor::Candidate> candidates_;
  DeviceBuffer<unsigned long long> counts_;
  std::unique_ptr<DeviceBuffer<Match>> matches_;
};

void require_countable(const DeviceMatrix& matrix) {
  if (matrix.rows > std::numeric_limits<std::uint32_t>::max() / 2) {
    throw std::invalid_argument(std::string(matrix.name) + ": " + std::to_string(matrix.rows) +
                                " rows are too many for one call on a device");
  }
}

}  // namespace

FoundPairs find_pairs(const DeviceMatrix& left, const DeviceMatrix* right,
                      const PairSettings& settings, const std::function<void()>& poll) {
  if (device_count() == 0) throw CudaUnavailable("find_pairs: " + unavailable_reason());
  require_countable(left);
  if (right != nullptr) require_countable(*right);
  FoundPairs found;
  if (left.rows == 0 || left.columns == 0) return found;
  const Stream stream(static_cast<cudaStream_t>(left.stream));
  if (right != nullptr) stream.follow(static_cast<cudaStream_t>(right->stream));
  const PackedSet left_set(left, stream.get());
  if (right == nullptr) {
    Search(left_set, left_set, true, settings, stream.get()).run(found, poll);
  } else if (right->rows > 0) {
    const PackedSet right_set(*right, stream.get());
    Search(left_set, right_set, false, settings, stream.get()).run(found, poll);
  }
  return found;
}

void copy_to_host(const DeviceMatrix& matrix, float* out) {
  if (device_count() == 0) throw CudaUnavailable("copy_to_host: " + unavailable_reason());
  if (matrix.rows == 0 || matrix.columns == 0) return;
  const Stream stream(static_cast<cudaStream_t>(matrix.stream));
  KLG_CUDA_TRY(cudaMemcpy2DAsync(out, matrix.columns * sizeof(float), matrix.data,
                                 matrix.stride * sizeof(float), matrix.columns * sizeof(float),
                                 matrix.rows, cudaMemcpyDeviceToHost, stream.get()));
  KLG_CUDA_TRY(cudaStreamSynchronize(stream.get()));
}

}  // namespace klg::cuda

#pragma once

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <mutex>
#include <vector>

namespace klg::similarity {

/// For every row the k best partners so far, and the score that the next one has to reach.
///
/// Any thread may offer at any time. Scores are signed so that greater is better.
class BestPartners {
 public:
  struct Partner {
    double score;
    std::int64_t id;
  };

  BestPartners(std::size_t rows, std::size_t k)
      : k_(k), partners_(rows * k), counts_(rows), floors_(rows), locks_(kLocks) {
    std::fill(floors_.begin(), floors_.end(), -std::numeric_limits<float>::infinity());
  }

  /// A score below this cannot be among the row's best, but for the rounding to float32.
  [[nodiscard]] float floor(std::size_t row) const noexcept {
    return std::atomic_ref<float>(floors_[row]).load(std::memory_order_relaxed);
  }

  /// Says that at least k partners of the row are known to score at least `floor`.
  void raise_floor(std::size_t row, float floor) noexcept {
    const std::scoped_lock lock(locks_[row % kLocks]);
    raise(row, floor);
  }

  void offer(std::size_t row, Partner partner) {
    const std::scoped_lock lock(locks_[row % kLocks]);
    Partner* heap = partners_.data() + row * k_;
    std::uint32_t& count = counts_[row];
    if (count == k_) {
      if (!better(partner, heap[0])) return;
      std::pop_heap(heap, heap + k_, better);
      heap[k_ - 1] = partner;
      std::push_heap(heap, heap + k_, better);
    } else {
      heap[count++] = partner;
      std::push_heap(heap, heap + count, better);
    }
    if (count == k_) raise(row, static_cast<float>(heap[0].score));
  }

  /// The row's partners, best first. No thread may still be offering.
  [[nodiscard]] std::vector<Partner> sorted(std::size_t row) const {
    const Partner* heap = partners_.data() + row * k_;
    std::vector<Partner> result(heap, heap + counts_[row]);
    std::sort(result.begin(), result.end(), better);
    return result;
  }

 private:
  static constexpr std::size_t kLocks = 512;

  // The worst partner sits on top of the heap.
  static bool better(const Partner& a, const Partner& b) noexcept {
    return a.score != b.score ? a.score > b.score : a.id < b.id;
  }

  void raise(std::size_t row, float floor) noexcept {
    std::atomic_ref<float> shared(floors_[row]);
    if (floor > shared.load(std::memory_order_relaxed)) {
      shared.store(floor, std::memory_order_relaxed);
    }
  }

  std::size_t k_;
  std::vector<Partner> partners_;
  std::vector<std::uint32_t> counts_;
  mutable std::vector<float> floors_;
  std::vector<std::mutex> locks_;
};

}  // namespace klg::similarity

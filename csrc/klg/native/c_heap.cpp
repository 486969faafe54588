#include "klg/native/c_heap.hpp"

#include <dlfcn.h>

#include <algorithm>
#include <cstddef>
#include <cstdlib>

#include "klg/core/clock.hpp"

namespace klg::native {
namespace {

constexpr std::int64_t kNever = INT64_MAX;
constexpr std::int64_t kLeastGap = 500'000'000;
constexpr std::int64_t kGapForDuration = 1000;
constexpr std::int64_t kTooLong = 10'000'000;

}  // namespace

struct CHeapReader::Figures {
  std::size_t arena, ordblks, smblks, hblks, hblkhd, usmblks, fsmblks, uordblks, fordblks, keepcost;
};

CHeapReader::CHeapReader() noexcept {
  constexpr std::size_t kTrial = 100'000;
  read_ = reinterpret_cast<Function>(dlsym(RTLD_DEFAULT, "mallinfo2"));
  if (read_ == nullptr) return;
  const std::uint64_t before = read().used;
  // Through a volatile: a compiler may leave out an allocation that nobody looks at.
  void* volatile block = std::malloc(kTrial);
  const std::uint64_t with = read().used;
  std::free(block);
  if (block == nullptr || with < before + kTrial) read_ = nullptr;
}

CHeap CHeapReader::read() const noexcept {
  const Figures figures = read_();
  return {figures.uordblks + figures.hblkhd, figures.fordblks};
}

std::optional<CHeap> CHeapReader::read_if_due(std::int64_t now_ns) noexcept {
  std::int64_t due = due_ns_.load(std::memory_order_relaxed);
  if (now_ns < due || !usable()) return std::nullopt;
  // Whoever sets it reads; the others go on.
  if (!due_ns_.compare_exchange_strong(due, kNever, std::memory_order_relaxed)) return std::nullopt;
  const std::int64_t began = monotonic_ns();
  const CHeap heap = read();
  const std::int64_t took = monotonic_ns() - began;
  if (took < kTooLong) {
    due_ns_.store(now_ns + std::max(kLeastGap, took * kGapForDuration), std::memory_order_relaxed);
  }
  return heap;
}

}  // namespace klg::native

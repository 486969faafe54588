#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <new>

#include "klg/core/memory_reservation.hpp"

namespace klg::slots {

/// Which pages of a reservation are backed, and how many; changed under the arena's growth lock.
class CommittedPages {
 public:
  explicit CommittedPages(MemoryReservation& memory)
      : memory_(memory),
        page_(memory.granularity()),
        // calloc: a map of a huge reservation costs memory only where it is written.
        words_(static_cast<std::uint64_t*>(std::calloc(memory.size() / page_ / 64 + 1, 8))) {
    if (words_ == nullptr) throw std::bad_alloc();
  }

  [[nodiscard]] std::size_t page_size() const noexcept { return page_; }
  [[nodiscard]] std::size_t bytes() const noexcept {
    return count_.load(std::memory_order_relaxed) * page_;
  }

  /// Backs pages [first, last). Throws OutOfMemory; pages backed by then stay and are counted.
  void commit(std::size_t first, std::size_t last) {
    for_runs(first, last, false, [this](std::size_t begin, std::size_t end) {
      memory_.commit(begin * page_, (end - begin) * page_);
      mark(begin, end, true);
    });
  }

  /// Gives pages [first, last) back, those that are backed.
  void decommit(std::size_t first, std::size_t last) noexcept {
    for_runs(first, last, true, [this](std::size_t begin, std::size_t end) {
      const std::size_t given = memory_.decommit(begin * page_, (end - begin) * page_);
      mark(begin, begin + given / page_, false);
    });
  }

 private:
  struct Free {
    void operator()(std::uint64_t* words) const noexcept { std::free(words); }
  };

  [[nodiscard]] bool backed(std::size_t page) const noexcept {
    return (words_.get()[page / 64] >> (page % 64) & 1) != 0;
  }

  template <class Action>
  void for_runs(std::size_t first, std::size_t last, bool state, Action action) {
    for (std::size_t page = first; page < last;) {
      if (backed(page) != state) {
        ++page;
        continue;
      }
      const std::size_t begin = page;
      while (page < last && backed(page) == state) ++page;
      action(begin, page);
    }
  }

  void mark(std::size_t begin, std::size_t end, bool state) noexcept {
    for (std::size_t page = begin; page < end; ++page) {
      const std::uint64_t bit = std::uint64_t{1} << (page % 64);
      std::uint64_t& word = words_.get()[page / 64];
      word = state ? word | bit : word & ~bit;
    }
    count_.store(state ? count_.load(std::memory_order_relaxed) + (end - begin)
                       : count_.load(std::memory_order_relaxed) - (end - begin),
                 std::memory_order_relaxed);
  }

  MemoryReservation& memory_;
  std::size_t page_;
  std::unique_ptr<std::uint64_t, Free> words_;
  std::atomic<std::size_t> count_{0};
};

}  // namespace klg::slots

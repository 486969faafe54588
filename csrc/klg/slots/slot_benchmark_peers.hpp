#pragma once

// Allocators that `benchmark_pairs` times, all with one interface: `allocate` gives a number that
// is not 0, `release` says whether it was live, `mark` is memory that belongs to who holds the
// number.
#include <dlfcn.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <vector>
// The thread sanitizer finds races in it that are part of its design.
#if __has_include(<boost/lockfree/stack.hpp>) && !defined(__SANITIZE_THREAD__)
#define KLG_BOOST_LOCKFREE
#include <boost/lockfree/stack.hpp>
#endif

#include "klg/core/error.hpp"
#include "klg/slots/slot_arena.hpp"

namespace klg::slots::peers {

inline constexpr std::uint32_t kCapacity = 1U << 16;
inline constexpr std::size_t kRowBytes = 3072;

class Arena {
 public:
  std::uint64_t allocate() { return arena_->allocate(); }
  bool release(std::uint64_t handle) { return arena_->release(handle) == SlotStatus::kLive; }
  std::uint64_t& mark(std::uint64_t handle) {
    return *reinterpret_cast<std::uint64_t*>(arena_->row(arena_->index(handle)));
  }

 private:
  std::unique_ptr<SlotArena> arena_ =
      SlotArena::on_host({.row_bytes = kRowBytes, .capacity = kCapacity});
};

// Rows of one block and generations, as every pool with handles has them.
class Rows {
 public:
  std::uint64_t& mark(std::uint64_t handle) {
    return *reinterpret_cast<std::uint64_t*>(rows_.get() + (handle & 0xffff'ffff) * kRowBytes);
  }

 protected:
  std::uint64_t born(std::uint32_t slot) {
    const std::uint32_t generation = generations_[slot].load(std::memory_order_relaxed) + 1;
    generations_[slot].store(generation, std::memory_order_release);
    return std::uint64_t{generation} << 32 | slot;
  }
  bool died(std::uint64_t handle) {
    auto generation = static_cast<std::uint32_t>(handle >> 32);
    return generations_[handle & 0xffff'ffff].compare_exchange_strong(generation, generation + 1,
                                                                      std::memory_order_acq_rel);
  }

 private:
  struct Free {
    void operator()(std::byte* bytes) const { std::free(bytes); }
  };
  std::unique_ptr<std::byte, Free> rows_{
      static_cast<std::byte*>(std::calloc(kCapacity, kRowBytes))};
  std::vector<std::atomic<std::uint32_t>> generations_ =
      std::vector<std::atomic<std::uint32_t>>(kCapacity);
};

class TreiberList : public Rows {
 public:
  TreiberList() {
    for (std::uint32_t slot = 0; slot < kCapacity; ++slot) next_[slot] = slot + 1;
  }
  std::uint64_t allocate() {
    std::uint64_t head = head_.load(std::memory_order_acquire);
    for (;;) {
      const auto slot = static_cast<std::uint32_t>(head);
      if (slot == kCapacity) return 0;
      const std::uint64_t next = ((head >> 32) + 1) << 32 | next_[slot].load();
      if (head_.compare_exchange_weak(head, next, std::memory_order_acq_rel)) return born(slot);
    }
  }
  bool release(std::uint64_t handle) {
    if (!died(handle)) return false;
    const auto slot = static_cast<std::uint32_t>(handle);
    std::uint64_t head = head_.load(std::memory_order_relaxed);
    do {
      next_[slot].store(static_cast<std::uint32_t>(head), std::memory_order_relaxed);
    } while (!head_.compare_exchange_weak(head, (head >> 32) << 32 | slot));
    return true;
  }

 private:
  alignas(64) std::atomic<std::uint64_t> head_{0};
  std::vector<std::atomic<std::uint32_t>> next_ =
      std::vector<std::atomic<std::uint32_t>>(kCapacity);
};

class MutexList : public Rows {
 public:
  MutexList() {
    for (std::uint32_t slot = kCapacity; slot-- > 0;) free_.push_back(slot);
  }
  std::uint64_t allocate() {
    const std::scoped_lock guard(lock_);
    if (free_.empty()) return 0;
    const std::uint32_t slot = free_.back();
    free_.pop_back();
    return born(slot);
  }
  bool release(std::uint64_t handle) {
    const std::scoped_lock guard(lock_);
    if (!died(handle)) return false;
    free_.push_back(static_cast<std::uint32_t>(handle));
    return true;
  }

 private:
  std::mutex lock_;
  std::vector<std::uint32_t> free_;
};

class Malloc {
 public:
  std::uint64_t allocate() {
    return reinterpret_cast<std::uint64_t>(std::aligned_alloc(64, kRowBytes));
  }
  bool release(std::uint64_t handle) {
    std::free(reinterpret_cast<void*>(handle));
    return true;
  }
  std::uint64_t& mark(std::uint64_t handle) { return *reinterpret_cast<std::uint64_t*>(handle); }
};

#if defined(KLG_BOOST_LOCKFREE)
// The list only: handles and generations would come on top of it.
class BoostStack : public Rows {
 public:
  BoostStack() {
    for (std::uint32_t slot = 1; slot < kCapacity - 1; ++slot) free_.push(slot);
  }
  std::uint64_t allocate() {
    std::uint32_t slot = 0;
    return free_.pop(slot) ? slot : 0;
  }
  bool release(std::uint64_t handle) { return free_.push(static_cast<std::uint32_t>(handle)); }

 private:
  boost::lockfree::stack<std::uint32_t, boost::lockfree::capacity<kCapacity - 2>> free_;
};
#endif

// Loaded and not linked: linked it would take the place of malloc.
class Mimalloc {
 public:
  Mimalloc() {
    void* library = load();
    if (library == nullptr) throw Error("libmimalloc.so.2 is not installed");
    allocate_ = reinterpret_cast<Allocate>(dlsym(library, "mi_malloc_aligned"));
    free_ = reinterpret_cast<Free>(dlsym(library, "mi_free"));
    if (allocate_ == nullptr || free_ == nullptr) throw Error("libmimalloc.so.2 lacks a function");
  }
  static void* load() { return dlopen("libmimalloc.so.2", RTLD_NOW | RTLD_LOCAL); }

  std::uint64_t allocate() { return reinterpret_cast<std::uint64_t>(allocate_(kRowBytes, 64)); }
  bool release(std::uint64_t handle) {
    free_(reinterpret_cast<void*>(handle));
    return true;
  }
  std::uint64_t& mark(std::uint64_t handle) { return *reinterpret_cast<std::uint64_t*>(handle); }

 private:
  using Allocate = void* (*)(std::size_t, std::size_t);
  using Free = void (*)(void*);
  Allocate allocate_;
  Free free_;
};

}  // namespace klg::slots::peers

#include "klg/slots/slot_benchmark.hpp"

#include <pthread.h>
#include <sched.h>
#include <time.h>

#include <array>
#include <atomic>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "klg/core/error.hpp"
#include "klg/slots/slot_arena.hpp"

namespace klg::slots {
namespace {

constexpr std::uint32_t kCapacity = 1U << 16;
constexpr std::size_t kRowBytes = 3072;
constexpr std::size_t kHeld = 64;

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

double thread_seconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

// Without pinning the scheduler lets the threads run one after the other, and contention hides.
void pin_to_core(unsigned number) {
  cpu_set_t allowed;
  if (sched_getaffinity(0, sizeof allowed, &allowed) != 0) return;
  unsigned skip = number % static_cast<unsigned>(CPU_COUNT(&allowed));
  for (int core = 0; core < CPU_SETSIZE; ++core) {
    if (!CPU_ISSET(core, &allowed) || skip-- != 0) continue;
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(core, &one);
    pthread_setaffinity_np(pthread_self(), sizeof one, &one);
    return;
  }
}

template <class Allocator>
double time_pairs(unsigned threads, std::uint64_t pairs) {
  const auto allocator = std::make_unique<Allocator>();
  std::atomic<unsigned> ready{0};
  std::atomic<std::uint64_t> wrong{0};
  std::vector<double> seconds(threads);
  const auto work = [&](unsigned id) {
    pin_to_core(id);
    std::array<std::uint64_t, kHeld> held{};
    for (std::uint64_t& handle : held) {
      handle = allocator->allocate();
      allocator->mark(handle) = handle;
    }
    ready.fetch_add(1);
    while (ready.load() < threads) std::this_thread::yield();
    std::uint64_t bad = 0;
    const double start = thread_seconds();
    for (std::uint64_t pair = 0; pair < pairs; ++pair) {
      std::uint64_t& handle = held[pair % kHeld];
      bad += allocator->mark(handle) != handle;
      bad += !allocator->release(handle);
      handle = allocator->allocate();
      allocator->mark(handle) = handle;
    }
    seconds[id] = thread_seconds() - start;
    for (const std::uint64_t handle : held) bad += !allocator->release(handle);
    wrong.fetch_add(bad);
  };
  std::vector<std::thread> running;
  for (unsigned id = 0; id < threads; ++id) running.emplace_back(work, id);
  for (std::thread& thread : running) thread.join();
  if (wrong != 0) throw Error("benchmark_pairs: " + std::to_string(wrong) + " slots went wrong");
  double total = 0;
  for (const double one : seconds) total += one;
  return total / (static_cast<double>(threads) * static_cast<double>(pairs)) * 1e9;
}

}  // namespace

double benchmark_pairs(const std::string& allocator, unsigned threads, std::uint64_t pairs) {
  if (threads == 0 || threads > 256 || pairs == 0) {
    throw Error("benchmark_pairs: expected 1..256 threads and at least one pair");
  }
  if (allocator == "arena") return time_pairs<Arena>(threads, pairs);
  if (allocator == "treiber list") return time_pairs<TreiberList>(threads, pairs);
  if (allocator == "mutex list") return time_pairs<MutexList>(threads, pairs);
  if (allocator == "malloc") return time_pairs<Malloc>(threads, pairs);
  throw Error("benchmark_pairs: no allocator '" + allocator + "'");
}

FuzzCounts fuzz(std::uint64_t operations, std::uint64_t seed) {
  constexpr std::uint32_t kSlots = 4096;
  const auto arena = SlotArena::on_host({.row_bytes = 64, .capacity = kSlots});
  std::vector<Handle> life(kSlots, 0);  // the latest of each slot
  std::vector<bool> living(kSlots, false);
  std::vector<Handle> live;
  std::vector<Handle> dead(1U << 14, 0);
  std::uint64_t buried = 0;
  std::uint64_t state = seed * 2 + 1;
  FuzzCounts counts;
  for (std::uint64_t operation = 0; operation < operations; ++operation) {
    // splitmix64
    std::uint64_t dice = state += 0x9E37'79B9'7F4A'7C15;
    dice = (dice ^ dice >> 30) * 0xBF58'476D'1CE4'E5B9;
    dice = (dice ^ dice >> 27) * 0x94D0'49BB'1331'11EB;
    dice ^= dice >> 31;
    const std::uint64_t pick = dice >> 16;
    const std::uint64_t kind = dice & 0xffff;
    if (kind < 26'000) {
      const Handle handle = arena->allocate();
      if (handle == 0) {
        counts.errors += live.size() != kSlots;
        continue;
      }
      const std::uint32_t slot = arena->index(handle);
      counts.errors += living[slot];
      living[slot] = true;
      life[slot] = handle;
      live.push_back(handle);
    } else if (kind < 52'000) {
      if (live.empty()) continue;
      Handle& chosen = live[pick % live.size()];
      const Handle handle = chosen;
      chosen = live.back();
      live.pop_back();
      counts.errors += arena->release(handle) != SlotStatus::kLive;
      living[arena->index(handle)] = false;
      dead[buried++ % dead.size()] = handle;
    } else if (kind < 65'530) {
      const Handle handle = dead[pick % dead.size()];
      if (handle == 0) continue;
      ++counts.misuses;
      const SlotStatus expected =
          life[arena->index(handle)] == handle ? SlotStatus::kFreed : SlotStatus::kRecycled;
      counts.caught += (kind % 2 == 0 ? arena->release(handle) : arena->pin(handle)) == expected;
    } else if (kind == 65'535) {
      arena->shrink();
      counts.errors += arena->live() != live.size();
    }
  }
  return counts;
}

}  // namespace klg::slots

#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>

#include "klg/core/clock.hpp"
#include "klg/sampling/poisson_sampler.hpp"
#include "klg/sampling/sample_recorder.hpp"

// What the hooks of all allocators share. Rules of every function that an allocator can call: no
// Python API that allocates, frees, collects or lets the lock of the interpreter go; no allocation
// of our own.

#define KLG_LIKELY(condition) __builtin_expect(!!(condition), 1)
#define KLG_UNLIKELY(condition) __builtin_expect(!!(condition), 0)
#define KLG_NOINLINE __attribute__((noinline))

namespace klg::pymem {

inline constexpr std::int64_t kNever = INT64_MAX / 2;

// initial-exec: one move off the thread pointer instead of a call per allocation.
extern constinit thread_local sampling::ByteCountdown countdown
    __attribute__((tls_model("initial-exec")));

extern constinit sampling::AddressFilter filter;

/// The one recorder of this process. Never destroyed: a thread may be inside a hook at any moment,
/// even while the process exits.
[[nodiscard]] sampling::SampleRecorder& recorder() noexcept;

struct Pick {
  std::uint32_t points;  ///< that the allocation holds; 0 if it is no sample
  double mean;           ///< of the distribution that picked it
};

/// The countdown has run out: says what that means and leaves a new gap.
[[nodiscard]] Pick pick(std::size_t size) noexcept;

/// Has all threads draw a new first gap.
void begin_epoch() noexcept;

/// Reads the C library's own figures for the recorder where that is due.
void note_c_heap(std::int64_t now) noexcept;
void reset_c_heap_after_fork() noexcept;

void record(void* block, std::size_t size, const Pick& picked, std::int64_t began) noexcept;

/// Whether the block was a sample.
KLG_NOINLINE bool forget(void* block) noexcept;

inline bool counted_down(std::size_t size) noexcept {
  return KLG_UNLIKELY((countdown.left -= static_cast<std::int64_t>(size)) < 0);
}

/// Takes one sample: `allocate` must give the block. What it asks of other allocators on the way is
/// this very allocation and must not be counted again.
template <class Allocate>
void* sample(std::size_t size, Allocate&& allocate) noexcept {
  const Pick picked = pick(size);
  if (picked.points == 0) return allocate(false);
  const std::int64_t began = monotonic_ns();
  const std::int64_t left = std::exchange(countdown.left, kNever);
  void* block = allocate(true);
  countdown.left = left;
  if (block != nullptr) record(block, size, picked, began);
  recorder().charge(monotonic_ns() - began);
  return block;
}

}  // namespace klg::pymem

#include "pymem/hook_state.hpp"

#include <atomic>
#include <new>

#include "klg/native/c_heap.hpp"
#include "pymem/stack_capture.hpp"

namespace klg::pymem {
namespace {

using sampling::PoissonSampler;

constexpr std::size_t kFrames = 64;
// How far a thread runs before it looks again whether hooks that were left in place are needed.
constexpr double kIdleMean = 4.0 * 1024 * 1024;

std::atomic<std::uint32_t> epoch{0};
alignas(sampling::SampleRecorder) unsigned char room[sizeof(sampling::SampleRecorder)];
sampling::SampleRecorder* const instance = new (room) sampling::SampleRecorder(filter);

native::CHeapReader& c_heap() noexcept {
  // Made by `begin_epoch`, before a hook can be the first to ask.
  static native::CHeapReader reader;
  return reader;
}

}  // namespace

constinit thread_local sampling::ByteCountdown countdown;
constinit sampling::AddressFilter filter;

sampling::SampleRecorder& recorder() noexcept { return *instance; }

void begin_epoch() noexcept {
  c_heap();
  epoch.fetch_add(1, std::memory_order_relaxed);
  countdown.left = 0;
}

Pick pick(std::size_t size) noexcept {
  if (!recorder().recording()) {
    PoissonSampler::begin(countdown, 0, kIdleMean, reinterpret_cast<std::uintptr_t>(&countdown));
    return {0, 0.0};
  }
  const std::uint32_t now = epoch.load(std::memory_order_relaxed);
  if (countdown.epoch != now) {
    const auto clock = static_cast<std::uint64_t>(monotonic_ns());
    PoissonSampler::begin(countdown, now, recorder().mean(),
                          clock ^ reinterpret_cast<std::uintptr_t>(&countdown));
    countdown.left -= static_cast<std::int64_t>(size);
    if (countdown.left >= 0) return {0, 0.0};
  }
  const double mean = countdown.mean;
  return {PoissonSampler::points(countdown, recorder().mean()), mean};
}

void record(void* block, std::size_t size, const Pick& picked, std::int64_t began) noexcept {
  if (finalizing()) {
    recorder().freeze(began);
    return;
  }
  sampling::Frame frames[kFrames];
  bool attached = false;
  const std::size_t count = capture_stack(frames, kFrames, attached);
  const double uniform = PoissonSampler::uniform(countdown);
  recorder().born(
      {block, size, picked.mean, picked.points, uniform, began, frames, count, attached});
  note_c_heap(began);
}

void note_c_heap(std::int64_t now) noexcept {
  if (const auto heap = c_heap().read_if_due(now)) {
    recorder().note_c_heap(heap->used, heap->free, now);
  }
}

void reset_c_heap_after_fork() noexcept { c_heap().reset_after_fork(); }

bool forget(void* block) noexcept {
  const std::int64_t now = monotonic_ns();
  if (finalizing()) {
    recorder().freeze(now);
    return false;
  }
  if (!recorder().died(block, now)) return false;
  recorder().charge(monotonic_ns() - now);
  return true;
}

}  // namespace klg::pymem

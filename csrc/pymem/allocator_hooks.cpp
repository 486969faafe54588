#include "pymem/allocator_hooks.hpp"

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <pthread.h>

#include <atomic>
#include <utility>

#include "klg/core/clock.hpp"
#include "klg/core/error.hpp"
#include "klg/sampling/poisson_sampler.hpp"
#include "pymem/allocator_probe.hpp"
#include "pymem/object_classifier.hpp"
#include "pymem/stack_capture.hpp"

// Rules of every function below that an allocator can call: no Python API that allocates, frees,
// collects or lets the lock of the interpreter go; no allocation of our own; the original context
// word is passed on as it came, so that a thread without that lock which reads a half-written
// allocator still holds a valid pair.
namespace klg::pymem {
namespace {

using sampling::Birth;
using sampling::ByteCountdown;
using sampling::PoissonSampler;

constexpr std::size_t kFrames = 64;
constexpr std::int64_t kNever = INT64_MAX / 2;
// How far a thread runs before it looks again whether hooks that were left in place are needed.
constexpr double kIdleMean = 4.0 * 1024 * 1024;

#define KLG_LIKELY(condition) __builtin_expect(!!(condition), 1)
#define KLG_UNLIKELY(condition) __builtin_expect(!!(condition), 0)
#define KLG_NOINLINE __attribute__((noinline))

// initial-exec: one move off the thread pointer instead of a call per allocation.
thread_local ByteCountdown countdown __attribute__((tls_model("initial-exec")));

PyMemAllocatorEx base[3];       // what was there before us, by domain
std::size_t small_limit = 512;  // requests above it reach the raw domain and are counted there
std::atomic<std::uint32_t> epoch{0};
HookMode hook_mode = HookMode::kNone;  // of the hooks in place
bool follow_fork = false;
CodeSource code_source;
const ObjectClassifier object_classifier;

constinit sampling::AddressFilter filter;

// Never destroyed: a thread may be inside a hook at any moment, even while the process exits.
sampling::SampleRecorder& recorder() noexcept {
  alignas(sampling::SampleRecorder) static unsigned char room[sizeof(sampling::SampleRecorder)];
  static auto* instance = new (room) sampling::SampleRecorder(filter);
  return *instance;
}
sampling::SampleRecorder& samples = recorder();

struct Pick {
  std::uint32_t points;  // that the allocation holds; 0 if it is no sample
  double mean;           // of the distribution that picked it
};

// The countdown has run out: says what that means and leaves a new gap.
Pick pick(std::size_t size) noexcept {
  if (!samples.recording()) {
    PoissonSampler::begin(countdown, 0, kIdleMean, reinterpret_cast<std::uintptr_t>(&countdown));
    return {0, 0.0};
  }
  const std::uint32_t now = epoch.load(std::memory_order_relaxed);
  if (countdown.epoch != now) {
    const auto clock = static_cast<std::uint64_t>(monotonic_ns());
    PoissonSampler::begin(countdown, now, samples.mean(),
                          clock ^ reinterpret_cast<std::uintptr_t>(&countdown));
    countdown.left -= static_cast<std::int64_t>(size);
    if (countdown.left >= 0) return {0, 0.0};
  }
  const double mean = countdown.mean;
  return {PoissonSampler::points(countdown, samples.mean()), mean};
}

void record(void* block, std::size_t size, const Pick& picked, std::int64_t began) noexcept {
  if (finalizing()) {
    samples.freeze(began);
    return;
  }
  sampling::Frame frames[kFrames];
  const bool attached = attached_to_main();
  const std::size_t count = attached ? capture_stack(frames, kFrames) : 0;
  const double uniform = PoissonSampler::uniform(countdown);
  samples.born({block, size, picked.mean, picked.points, uniform, began, frames, count, attached});
}

// Takes one sample: `allocate` must give the block. What it asks of the raw domain on the way is
// this very allocation and must not be counted again.
template <class Allocate>
void* sample(std::size_t size, Allocate&& allocate) noexcept {
  const Pick picked = pick(size);
  if (picked.points == 0) return allocate(false);
  const std::int64_t began = monotonic_ns();
  const std::int64_t left = std::exchange(countdown.left, kNever);
  void* block = allocate(true);
  countdown.left = left;
  if (block != nullptr) record(block, size, picked, began);
  samples.charge(monotonic_ns() - began);
  return block;
}

// Whether the block was a sample.
KLG_NOINLINE bool forget(void* block) noexcept {
  const std::int64_t now = monotonic_ns();
  if (finalizing()) {
    samples.freeze(now);
    return false;
  }
  if (!samples.died(block, now)) return false;
  samples.charge(monotonic_ns() - now);
  return true;
}

bool counted_down(std::size_t size) noexcept {
  return KLG_UNLIKELY((countdown.left -= static_cast<std::int64_t>(size)) < 0);
}

// ---- OBJ and MEM; D is the domain

std::size_t diverted(std::size_t size, bool is_sample) noexcept {
  return is_sample && hook_mode == HookMode::kDivert ? small_limit + 1 : size;
}

template <int D>
KLG_NOINLINE void* small_malloc_slow(void* context, std::size_t size) {
  return sample(size,
                [=](bool is_sample) { return base[D].malloc(context, diverted(size, is_sample)); });
}

template <int D>
void* small_malloc(void* context, std::size_t size) {
  if (KLG_LIKELY(size <= small_limit) && counted_down(size)) {
    return small_malloc_slow<D>(context, size);
  }
  return base[D].malloc(context, size);
}

template <int D>
KLG_NOINLINE void* small_calloc_slow(void* context, std::size_t count, std::size_t each) {
  const std::size_t size = count * each;
  return sample(size, [=](bool is_sample) {
    return is_sample ? base[D].calloc(context, 1, diverted(size, is_sample))
                     : base[D].calloc(context, count, each);
  });
}

template <int D>
void* small_calloc(void* context, std::size_t count, std::size_t each) {
  const std::size_t size = count * each;  // cannot overflow: PyObject_Calloc has checked it
  if (KLG_LIKELY(size <= small_limit) && counted_down(size)) {
    return small_calloc_slow<D>(context, count, each);
  }
  return base[D].calloc(context, count, each);
}

template <int D>
KLG_NOINLINE void* small_realloc_slow(void* context, void* block, std::size_t size) {
  return sample(size, [=](bool is_sample) {
    return base[D].realloc(context, block, diverted(size, is_sample));
  });
}

template <int D>
void* small_realloc(void* context, void* block, std::size_t size) {
  if (KLG_LIKELY(size <= small_limit) && counted_down(size)) {
    return small_realloc_slow<D>(context, block, size);
  }
  return base[D].realloc(context, block, size);
}

// Filter mode: this domain sees the frees of its own samples. A realloc is a free and an
// allocation.

template <int D>
void* filtered_realloc(void* context, void* block, std::size_t size) {
  if (KLG_UNLIKELY(filter.possible(block))) forget(block);
  return small_realloc<D>(context, block, size);
}

// Out of line, so that the way past it needs no stack frame and ends in a jump.
template <int D>
KLG_NOINLINE void free_slow(void* context, void* block) {
  forget(block);
  base[D].free(context, block);
}

template <int D>
void filtered_free(void* context, void* block) {
  if (KLG_UNLIKELY(filter.possible(block))) return free_slow<D>(context, block);
  base[D].free(context, block);
}

// ---- RAW: large requests of the other domains, diverted samples, and what asks for raw memory.
// No guarantee that the interpreter's lock is held.

KLG_NOINLINE void* raw_malloc_slow(void* context, std::size_t size) {
  return sample(size, [=](bool) { return base[PYMEM_DOMAIN_RAW].malloc(context, size); });
}

void* raw_malloc(void* context, std::size_t size) {
  if (counted_down(size)) return raw_malloc_slow(context, size);
  return base[PYMEM_DOMAIN_RAW].malloc(context, size);
}

KLG_NOINLINE void* raw_calloc_slow(void* context, std::size_t count, std::size_t each) {
  return sample(count * each,
                [=](bool) { return base[PYMEM_DOMAIN_RAW].calloc(context, count, each); });
}

void* raw_calloc(void* context, std::size_t count, std::size_t each) {
  if (counted_down(count * each)) return raw_calloc_slow(context, count, each);
  return base[PYMEM_DOMAIN_RAW].calloc(context, count, each);
}

KLG_NOINLINE void* raw_realloc_slow(void* context, void* block, std::size_t size) {
  return sample(size, [=](bool) { return base[PYMEM_DOMAIN_RAW].realloc(context, block, size); });
}

KLG_NOINLINE void* raw_realloc_possible(void* context, void* block, std::size_t size) {
  // A diverted block that shrinks came through the hook of its own domain, which has counted it.
  const bool counted = forget(block) && size <= small_limit;
  if (!counted && counted_down(size)) return raw_realloc_slow(context, block, size);
  return base[PYMEM_DOMAIN_RAW].realloc(context, block, size);
}

void* raw_realloc(void* context, void* block, std::size_t size) {
  if (KLG_UNLIKELY(filter.possible(block))) return raw_realloc_possible(context, block, size);
  if (counted_down(size)) return raw_realloc_slow(context, block, size);
  return base[PYMEM_DOMAIN_RAW].realloc(context, block, size);
}

void raw_free(void* context, void* block) {
  if (KLG_UNLIKELY(filter.possible(block))) return free_slow<PYMEM_DOMAIN_RAW>(context, block);
  base[PYMEM_DOMAIN_RAW].free(context, block);
}

// ---- installing

template <int D>
PyMemAllocatorEx small_hooks() noexcept {
  const bool filtered = hook_mode == HookMode::kFilter;
  return {base[D].ctx, small_malloc<D>, small_calloc<D>,
          filtered ? filtered_realloc<D> : small_realloc<D>,
          filtered ? filtered_free<D> : base[D].free};
}

PyMemAllocatorEx raw_hooks() noexcept {
  return {base[PYMEM_DOMAIN_RAW].ctx, raw_malloc, raw_calloc, raw_realloc, raw_free};
}

bool on_top(PyMemAllocatorDomain domain, const PyMemAllocatorEx& hooks) noexcept {
  PyMemAllocatorEx top;
  PyMem_GetAllocator(domain, &top);
  return top.malloc == hooks.malloc && top.calloc == hooks.calloc && top.realloc == hooks.realloc &&
         top.free == hooks.free;
}

bool all_on_top() noexcept {
  return on_top(PYMEM_DOMAIN_RAW, raw_hooks()) &&
         on_top(PYMEM_DOMAIN_MEM, small_hooks<PYMEM_DOMAIN_MEM>()) &&
         on_top(PYMEM_DOMAIN_OBJ, small_hooks<PYMEM_DOMAIN_OBJ>());
}

// Whether requests come to our hooks: who hooked before us and unhooks after us takes ours out too.
bool reached() noexcept {
  const std::int64_t left = std::exchange(countdown.left, kNever);
  PyObject_Free(PyObject_Malloc(1));
  return std::exchange(countdown.left, left) != kNever;
}

void install() noexcept {
  const AllocatorTraits traits = probe_object_allocator();
  PyMem_GetAllocator(PYMEM_DOMAIN_RAW, &base[PYMEM_DOMAIN_RAW]);
  PyMem_GetAllocator(PYMEM_DOMAIN_MEM, &base[PYMEM_DOMAIN_MEM]);
  PyMem_GetAllocator(PYMEM_DOMAIN_OBJ, &base[PYMEM_DOMAIN_OBJ]);
  // pymalloc itself has no context; other people's hooks that have one would see a diverted request
  // instead of the real size.
  const bool plain = base[PYMEM_DOMAIN_OBJ].ctx == nullptr &&
                     base[PYMEM_DOMAIN_OBJ].malloc == base[PYMEM_DOMAIN_MEM].malloc;
  hook_mode = traits.transparent && plain ? HookMode::kDivert : HookMode::kFilter;
  small_limit = traits.raw_from - 1;
  PyMemAllocatorEx hooks = raw_hooks();
  PyMem_SetAllocator(PYMEM_DOMAIN_RAW, &hooks);
  hooks = small_hooks<PYMEM_DOMAIN_MEM>();
  PyMem_SetAllocator(PYMEM_DOMAIN_MEM, &hooks);
  hooks = small_hooks<PYMEM_DOMAIN_OBJ>();
  PyMem_SetAllocator(PYMEM_DOMAIN_OBJ, &hooks);
}

void uninstall() noexcept {
  PyMem_SetAllocator(PYMEM_DOMAIN_OBJ, &base[PYMEM_DOMAIN_OBJ]);
  PyMem_SetAllocator(PYMEM_DOMAIN_MEM, &base[PYMEM_DOMAIN_MEM]);
  PyMem_SetAllocator(PYMEM_DOMAIN_RAW, &base[PYMEM_DOMAIN_RAW]);
  hook_mode = HookMode::kNone;
}

void before_fork() { samples.lock_for_fork(); }
void after_fork_in_parent() { samples.unlock_in_parent(); }
void after_fork_in_child() {
  samples.unlock_in_child(follow_fork);
  // The child must not repeat its parent's draws; its first gap is a new one.
  countdown = ByteCountdown{};
}

}  // namespace

std::string unavailable_reason() {
  if (const char* reason = capture_unavailable_reason(); *reason != '\0') return reason;
  PyInterpreterState* main = PyInterpreterState_Main();
  if (PyInterpreterState_Get() != main) return "sub-interpreters are not supported";
  if (PyInterpreterState_Head() != main || PyInterpreterState_Next(main) != nullptr) {
    return "this process has sub-interpreters, which are not supported";
  }
  return "";
}

void start(std::shared_ptr<sampling::CaptureMemory> memory, const HookOptions& options) {
  if (const std::string reason = unavailable_reason(); !reason.empty()) throw Error(reason);
  if (samples.recording()) throw Error("the sampler is already running; stop it first");
  static const int registered =
      pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
  if (registered != 0) throw Error("pthread_atfork failed: forked children would not be safe");
  follow_fork = options.follow_fork;
  samples.close(monotonic_ns(), true);
  epoch.fetch_add(1, std::memory_order_relaxed);
  countdown.left = 0;
  samples.open(std::move(memory), code_source, object_classifier, options.recorder, monotonic_ns());
  if (hook_mode == HookMode::kNone || !reached()) install();
}

void stop() {
  samples.freeze(monotonic_ns());
  if (hook_mode != HookMode::kNone && all_on_top()) uninstall();
}

bool recording() noexcept { return samples.recording(); }

HookMode mode() noexcept { return hook_mode; }

}  // namespace klg::pymem

#include "pymem/allocator_hooks.hpp"

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <pthread.h>

#include <algorithm>
#include <exception>
#include <memory>
#include <string>
#include <utility>

#include "klg/core/error.hpp"
#include "pymem/allocator_probe.hpp"
#include "pymem/hook_state.hpp"
#include "pymem/native_hooks.hpp"
#include "pymem/object_classifier.hpp"
#include "pymem/stack_capture.hpp"

// The rules of hook_state.hpp, and one more: the original context word is passed on as it came, so
// that a thread without the interpreter's lock that reads a half-written allocator still holds a
// valid pair.
namespace klg::pymem {
namespace {

constexpr std::size_t kPymallocLimit = 512;  // of every pymalloc so far; the probe makes sure

PyMemAllocatorEx base[3];                  // what was there before us, by domain
std::size_t small_limit = kPymallocLimit;  // larger requests are counted in the raw domain
HookMode hook_mode = HookMode::kNone;      // of the hooks in place
bool raw_hooked = false;                   // or the raw domain's requests are seen in the C library
bool follow_fork = false;
std::string child_folder;
CodeSource code_source;
const ObjectClassifier object_classifier;

// ---- OBJ and MEM; D is the domain, M the mode

template <HookMode M>
bool is_small(std::size_t size) noexcept {
  // One load less where the limit is known.
  return KLG_LIKELY(size <= (M == HookMode::kDivert ? kPymallocLimit : small_limit));
}

// A small sample in divert mode: asked for above pymalloc's limit, then cut to its size, so that it
// takes no more memory than it would have.
template <HookMode M, class Allocate>
void* small_sample(std::size_t size, Allocate&& allocate) noexcept {
  return sample(size, [&](bool is_sample) {
    if (M != HookMode::kDivert || !is_sample) return allocate(size);
    void* block = allocate(kPymallocLimit + 1);
    if (block == nullptr) return block;
    void* cut = base[PYMEM_DOMAIN_RAW].realloc(base[PYMEM_DOMAIN_RAW].ctx, block, size);
    return cut == nullptr ? block : cut;
  });
}

template <int D, HookMode M>
KLG_NOINLINE void* small_malloc_slow(void* context, std::size_t size) {
  return small_sample<M>(size, [=](std::size_t bytes) { return base[D].malloc(context, bytes); });
}

template <int D, HookMode M>
void* small_malloc(void* context, std::size_t size) {
  if (is_small<M>(size) && counted_down(size)) {
    return small_malloc_slow<D, M>(context, size);
  }
  return base[D].malloc(context, size);
}

template <int D, HookMode M>
KLG_NOINLINE void* small_calloc_slow(void* context, std::size_t size) {
  return small_sample<M>(size,
                         [=](std::size_t bytes) { return base[D].calloc(context, 1, bytes); });
}

template <int D, HookMode M>
void* small_calloc(void* context, std::size_t count, std::size_t each) {
  const std::size_t size = count * each;  // cannot overflow: PyObject_Calloc has checked it
  if (is_small<M>(size) && counted_down(size)) {
    return small_calloc_slow<D, M>(context, size);
  }
  return base[D].calloc(context, count, each);
}

template <int D, HookMode M>
KLG_NOINLINE void* small_realloc_slow(void* context, void* block, std::size_t size) {
  return small_sample<M>(size,
                         [=](std::size_t bytes) { return base[D].realloc(context, block, bytes); });
}

template <int D, HookMode M>
void* small_realloc(void* context, void* block, std::size_t size) {
  if (is_small<M>(size) && counted_down(size)) {
    return small_realloc_slow<D, M>(context, block, size);
  }
  return base[D].realloc(context, block, size);
}

// Filter mode: this domain sees the frees of its own samples. A realloc is a free and an
// allocation.

template <int D>
void* filtered_realloc(void* context, void* block, std::size_t size) {
  if (KLG_UNLIKELY(filter.possible(block))) forget(block);
  return small_realloc<D, HookMode::kFilter>(context, block, size);
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
  constexpr HookMode kFilter = HookMode::kFilter, kDivert = HookMode::kDivert;
  if (hook_mode == kFilter) {
    return {base[D].ctx, small_malloc<D, kFilter>, small_calloc<D, kFilter>, filtered_realloc<D>,
            filtered_free<D>};
  }
  return {base[D].ctx, small_malloc<D, kDivert>, small_calloc<D, kDivert>,
          small_realloc<D, kDivert>, base[D].free};
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
  return (!raw_hooked || on_top(PYMEM_DOMAIN_RAW, raw_hooks())) &&
         on_top(PYMEM_DOMAIN_MEM, small_hooks<PYMEM_DOMAIN_MEM>()) &&
         on_top(PYMEM_DOMAIN_OBJ, small_hooks<PYMEM_DOMAIN_OBJ>());
}

// Whether requests come to our hooks: who hooked before us and unhooks after us takes ours out too.
bool reached() noexcept {
  const std::int64_t left = std::exchange(countdown.left, kNever);
  PyObject_Free(PyObject_Malloc(1));
  return std::exchange(countdown.left, left) != kNever;
}

void install(bool hook_raw) noexcept {
  const AllocatorTraits traits = probe_object_allocator();
  PyMem_GetAllocator(PYMEM_DOMAIN_RAW, &base[PYMEM_DOMAIN_RAW]);
  PyMem_GetAllocator(PYMEM_DOMAIN_MEM, &base[PYMEM_DOMAIN_MEM]);
  PyMem_GetAllocator(PYMEM_DOMAIN_OBJ, &base[PYMEM_DOMAIN_OBJ]);
  // pymalloc itself has no context; other people's hooks that have one would see a diverted request
  // instead of the real size.
  const bool plain = base[PYMEM_DOMAIN_OBJ].ctx == nullptr &&
                     base[PYMEM_DOMAIN_OBJ].malloc == base[PYMEM_DOMAIN_MEM].malloc;
  // A diverted block's free must come back with the address that was recorded; hooks of others on
  // the raw domain may keep something in front of it, which we see only if we are above them.
  const bool visible = hook_raw || base[PYMEM_DOMAIN_RAW].ctx == nullptr;
  const bool divertible = traits.transparent && traits.raw_from == kPymallocLimit + 1;
  hook_mode = divertible && plain && visible ? HookMode::kDivert : HookMode::kFilter;
  small_limit = traits.raw_from - 1;
  // Without a pymalloc every request reaches the C library: above, it would be counted twice.
  if (!hook_raw && traits.raw_from == SIZE_MAX) small_limit = 0;
  PyMemAllocatorEx hooks = raw_hooks();
  raw_hooked = hook_raw;
  if (hook_raw) PyMem_SetAllocator(PYMEM_DOMAIN_RAW, &hooks);
  hooks = small_hooks<PYMEM_DOMAIN_MEM>();
  PyMem_SetAllocator(PYMEM_DOMAIN_MEM, &hooks);
  hooks = small_hooks<PYMEM_DOMAIN_OBJ>();
  PyMem_SetAllocator(PYMEM_DOMAIN_OBJ, &hooks);
}

// Nanoseconds that a small allocation takes longer with the hooks; the least of some short rounds.
double hook_cost() noexcept {
  constexpr int kRounds = 12, kPairs = 128;
  constexpr int D = PYMEM_DOMAIN_OBJ;
  const PyMemAllocatorEx hooked = small_hooks<D>();
  const std::int64_t left = std::exchange(countdown.left, kNever);
  std::int64_t least[2] = {INT64_MAX, INT64_MAX};
  for (int round = 0; round < 2 * kRounds; ++round) {
    const PyMemAllocatorEx& one = round % 2 == 0 ? base[D] : hooked;
    const std::int64_t began = monotonic_ns();
    for (int k = 0; k < kPairs; ++k) one.free(one.ctx, one.malloc(one.ctx, 48));
    least[round % 2] = std::min(least[round % 2], monotonic_ns() - began);
  }
  countdown.left = left;
  return std::max(0.0, static_cast<double>(least[1] - least[0]) / kPairs);
}

void uninstall() noexcept {
  PyMem_SetAllocator(PYMEM_DOMAIN_OBJ, &base[PYMEM_DOMAIN_OBJ]);
  PyMem_SetAllocator(PYMEM_DOMAIN_MEM, &base[PYMEM_DOMAIN_MEM]);
  if (raw_hooked) PyMem_SetAllocator(PYMEM_DOMAIN_RAW, &base[PYMEM_DOMAIN_RAW]);
  hook_mode = HookMode::kNone;
}

void before_fork() { recorder().lock_for_fork(); }
void after_fork_in_parent() { recorder().unlock_in_parent(); }

// Whether the child goes on. What it has inherited is its parent's: it begins with nothing.
bool restart_in_child() noexcept {
  if (child_folder.empty() || !recorder().recording()) return follow_fork;
  try {
    auto memory = std::make_shared<sampling::CaptureMemory>(
        sampling::CaptureMemory::file_of_this_process(child_folder.c_str()));
    const double hook_ns = (*recorder().memory())->header.hook_ns.load(std::memory_order_relaxed);
    const sampling::RecorderSettings settings = recorder().settings();
    begin_epoch();
    recorder().open(std::move(memory), code_source, object_classifier, settings, monotonic_ns());
    recorder().note_hook_cost(hook_ns);
    return true;
  } catch (const std::exception&) {  // no room, or another user by now: the child runs unobserved
    return false;
  }
}

void after_fork_in_child() {
  recorder().unlock_in_child(restart_in_child());
  reset_native_after_fork();
  reset_c_heap_after_fork();
  // The child must not repeat its parent's draws; its first gap is a new one.
  countdown = sampling::ByteCountdown{};
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
  if (recorder().recording()) throw Error("the sampler is already running; stop it first");
  if (const std::string reason = native_unavailable_reason(options.native); !reason.empty()) {
    throw Error("C allocations cannot be seen: " + reason);
  }
  const bool hook_raw = options.native != NativeMode::kPreload;
  const bool in_place = hook_mode != HookMode::kNone && reached();
  if (in_place && hook_raw != raw_hooked) {
    throw Error("hooks of an earlier sampling are still in place under those of somebody else");
  }
  static const int registered =
      pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child);
  if (registered != 0) throw Error("pthread_atfork failed: forked children would not be safe");
  follow_fork = options.follow_fork;
  child_folder = options.child_folder;
  recorder().close(monotonic_ns(), true);
  begin_epoch();
  recorder().open(std::move(memory), code_source, object_classifier, options.recorder,
                  monotonic_ns());
  if (!in_place) install(hook_raw);
  recorder().note_hook_cost(hook_cost());
  start_native(options.native, options.own_modules);
}

void stop() {
  recorder().freeze(monotonic_ns());
  stop_native();
  if (hook_mode != HookMode::kNone && all_on_top()) uninstall();
}

bool recording() noexcept { return recorder().recording(); }

void look_at_c_heap() noexcept {
  if (recording()) note_c_heap(monotonic_ns());
}

void ask_for_mean(double bytes) noexcept { recorder().ask_for_mean(bytes); }

HookMode mode() noexcept { return hook_mode; }

}  // namespace klg::pymem

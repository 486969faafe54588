// Stands in front of the C library's allocator from the first call of a process on. Passes calls
// through until a sampler in the same process gives it hooks.
#include <dlfcn.h>
#include <malloc.h>

#include <atomic>
#include <cerrno>
#include <cstdint>
#include <cstdlib>

#include "klg/native/c_allocator.hpp"

namespace {

using klg::native::CAllocator;

constexpr std::size_t kEarlyBytes = 4096;

std::atomic<const CAllocator*> hooks{nullptr};
CAllocator real{};
std::atomic<bool> resolved{false};
bool resolving = false;

// Looking the real functions up may itself allocate; that is served from here and never freed.
alignas(16) unsigned char early[kEarlyBytes];
std::size_t early_used = 0;

void* early_malloc(std::size_t size) {
  const std::size_t rounded = (size + 15) / 16 * 16;
  if (rounded < size || rounded > kEarlyBytes - early_used) {
    errno = ENOMEM;
    return nullptr;
  }
  void* block = early + early_used;
  early_used += rounded;
  return block;
}

void* early_calloc(std::size_t count, std::size_t each) {
  std::size_t size;
  if (__builtin_mul_overflow(count, each, &size)) return nullptr;
  return early_malloc(size);  // fresh pages of this library are zero, and nothing comes back
}

bool is_early(const void* block) {
  const auto at = reinterpret_cast<std::uintptr_t>(block);
  const auto begin = reinterpret_cast<std::uintptr_t>(early);
  return at >= begin && at < begin + kEarlyBytes;
}

void* (*next_realloc)(void*, std::size_t) = nullptr;
void (*next_free)(void*) = nullptr;

void* guarded_realloc(void* block, std::size_t size) {
  if (!is_early(block)) return next_realloc(block, size);
  auto* moved = static_cast<unsigned char*>(real.malloc(size));
  const auto* from = static_cast<const unsigned char*>(block);
  const auto left = static_cast<std::size_t>(early + kEarlyBytes - from);
  for (std::size_t k = 0; moved != nullptr && k < size && k < left; ++k) moved[k] = from[k];
  return moved;
}

void guarded_free(void* block) {
  if (!is_early(block)) next_free(block);
}

template <class Function>
void find(Function*& function, const char* name) {
  function = reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}

const CAllocator& through() {
  if (__builtin_expect(resolved.load(std::memory_order_acquire), 1)) return real;
  static constexpr CAllocator kEarly{early_malloc, early_calloc, guarded_realloc, nullptr,
                                     nullptr,      nullptr,      nullptr,         guarded_free};
  // No second thread can exist before the first allocation of the first one.
  if (resolving) return kEarly;
  resolving = true;
  find(real.malloc, "malloc");
  find(real.calloc, "calloc");
  find(next_realloc, "realloc");
  find(real.reallocarray, "reallocarray");
  find(real.posix_memalign, "posix_memalign");
  find(real.aligned_alloc, "aligned_alloc");
  find(real.memalign, "memalign");
  find(next_free, "free");
  real.realloc = early_used == 0 ? next_realloc : guarded_realloc;
  real.free = early_used == 0 ? next_free : guarded_free;
  resolved.store(true, std::memory_order_release);
  return real;
}

const CAllocator& active() {
  const CAllocator* set = hooks.load(std::memory_order_acquire);
  return __builtin_expect(set != nullptr, 1) ? *set : through();
}

}  // namespace

#define KLG_EXPORT extern "C" __attribute__((visibility("default")))

KLG_EXPORT void* malloc(std::size_t size) { return active().malloc(size); }
KLG_EXPORT void* calloc(std::size_t count, std::size_t each) {
  return active().calloc(count, each);
}
KLG_EXPORT void* realloc(void* block, std::size_t size) { return active().realloc(block, size); }
KLG_EXPORT void* reallocarray(void* block, std::size_t count, std::size_t each) noexcept {
  return active().reallocarray(block, count, each);
}
KLG_EXPORT int posix_memalign(void** out, std::size_t alignment, std::size_t size) {
  return active().posix_memalign(out, alignment, size);
}
KLG_EXPORT void* aligned_alloc(std::size_t alignment, std::size_t size) {
  return active().aligned_alloc(alignment, size);
}
KLG_EXPORT void* memalign(std::size_t alignment, std::size_t size) {
  return active().memalign(alignment, size);
}
KLG_EXPORT void free(void* block) { active().free(block); }

KLG_EXPORT const CAllocator* klg_preload_exchange(const CAllocator* given) {
  through();
  hooks.store(given, std::memory_order_release);
  return &real;
}

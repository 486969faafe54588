#include "pymem/native_hooks.hpp"

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <dlfcn.h>
#include <malloc.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <utility>

#include "klg/core/error.hpp"
#include "klg/native/c_allocator.hpp"
#include "klg/native/import_patcher.hpp"
#include "pymem/hook_state.hpp"

// The rules of hook_state.hpp hold here too. This library's own calls never come here.
namespace klg::pymem {
namespace {

using native::CAllocator;

// What the hooks end in. Set before the first of them can be called.
CAllocator real{};

bool overflows(std::size_t count, std::size_t each) noexcept {
  std::size_t bytes;
  return __builtin_mul_overflow(count, each, &bytes);
}

KLG_NOINLINE void* malloc_slow(std::size_t size) {
  return sample(size, [=](bool) { return real.malloc(size); });
}

void* hooked_malloc(std::size_t size) {
  if (counted_down(size)) return malloc_slow(size);
  return real.malloc(size);
}

KLG_NOINLINE void* calloc_slow(std::size_t count, std::size_t each) {
  if (overflows(count, each)) return real.calloc(count, each);
  return sample(count * each, [=](bool) { return real.calloc(count, each); });
}

void* hooked_calloc(std::size_t count, std::size_t each) {
  if (counted_down(count * each)) return calloc_slow(count, each);
  return real.calloc(count, each);
}

KLG_NOINLINE void* realloc_slow(void* block, std::size_t size) {
  if (filter.possible(block)) {
    const int error = errno;
    forget(block);
    errno = error;
  }
  if (countdown.left >= 0 || size == 0) return real.realloc(block, size);
  return sample(size, [=](bool) { return real.realloc(block, size); });
}

void* hooked_realloc(void* block, std::size_t size) {
  if (counted_down(size) || KLG_UNLIKELY(filter.possible(block))) return realloc_slow(block, size);
  return real.realloc(block, size);
}

void* hooked_reallocarray(void* block, std::size_t count, std::size_t each) {
  if (overflows(count, each)) return real.reallocarray(block, count, each);
  return hooked_realloc(block, count * each);
}

KLG_NOINLINE int posix_memalign_slow(void** out, std::size_t alignment, std::size_t size) {
  int result = 0;
  sample(size, [&](bool) -> void* {
    result = real.posix_memalign(out, alignment, size);
    return result == 0 ? *out : nullptr;
  });
  return result;
}

int hooked_posix_memalign(void** out, std::size_t alignment, std::size_t size) {
  if (counted_down(size)) return posix_memalign_slow(out, alignment, size);
  return real.posix_memalign(out, alignment, size);
}

KLG_NOINLINE void* aligned_alloc_slow(std::size_t alignment, std::size_t size) {
  return sample(size, [=](bool) { return real.aligned_alloc(alignment, size); });
}

void* hooked_aligned_alloc(std::size_t alignment, std::size_t size) {
  if (counted_down(size)) return aligned_alloc_slow(alignment, size);
  return real.aligned_alloc(alignment, size);
}

KLG_NOINLINE void* memalign_slow(std::size_t alignment, std::size_t size) {
  return sample(size, [=](bool) { return real.memalign(alignment, size); });
}

void* hooked_memalign(std::size_t alignment, std::size_t size) {
  if (counted_down(size)) return memalign_slow(alignment, size);
  return real.memalign(alignment, size);
}

KLG_NOINLINE void free_slow(void* block) {
  const int error = errno;
  forget(block);
  errno = error;
  real.free(block);
}

void hooked_free(void* block) {
  if (KLG_UNLIKELY(filter.possible(block))) return free_slow(block);
  real.free(block);
}

constexpr CAllocator kHooks{
    hooked_malloc,         hooked_calloc,        hooked_realloc,  hooked_reallocarray,
    hooked_posix_memalign, hooked_aligned_alloc, hooked_memalign, hooked_free};

// ---- modules that are loaded while we look

NativeMode running = NativeMode::kOff;
native::ImportPatcher* patcher = nullptr;  // one for ever: a module may load another at any time
std::atomic<bool> patching{false};
std::atomic<bool> wanted{false};
void* (*real_dlopen)(const char*, int) = nullptr;

void* hooked_dlopen(const char* file, int flags) {
  // A bare name is looked for in the search path of the caller, and `$ORIGIN` is the caller's:
  // ending in a jump leaves the real caller the one that the loader sees.
  if (file == nullptr || std::strchr(file, '/') == nullptr || std::strchr(file, '$') != nullptr) {
    return real_dlopen(file, flags);
  }
  void* module = real_dlopen(file, flags);
  if (module != nullptr) refresh_native();
  return module;
}

template <class Function>
void* address(Function* function) noexcept {
  return reinterpret_cast<void*>(function);
}

std::vector<native::Import> imports() {
  std::vector<native::Import> out;
  const auto add = [&out](const char* name, void* hook, bool in_interpreter) {
    void* original = dlsym(RTLD_DEFAULT, name);
    void* next = dlsym(RTLD_NEXT, name);
    if (original == nullptr) return;
    out.push_back({name, original, next == nullptr ? original : next, hook, in_interpreter});
  };
  add("malloc", address(kHooks.malloc), false);
  add("calloc", address(kHooks.calloc), false);
  add("realloc", address(kHooks.realloc), false);
  add("reallocarray", address(kHooks.reallocarray), false);
  add("posix_memalign", address(kHooks.posix_memalign), false);
  add("aligned_alloc", address(kHooks.aligned_alloc), false);
  add("memalign", address(kHooks.memalign), false);
  add("free", address(kHooks.free), false);
  add("dlopen", address(hooked_dlopen), true);
  return out;
}

native::ImportPatcher make_patcher(std::vector<const void*> own) {
  own.push_back(address(hooked_malloc));
  own.push_back(dlsym(RTLD_DEFAULT, "_dl_allocate_tls"));  // the loader, which has its own malloc
  std::erase(own, nullptr);
  return {imports(), std::move(own), address(PyObject_Malloc)};
}

native::ExchangeFunction exchange() noexcept {
  return reinterpret_cast<native::ExchangeFunction>(dlsym(RTLD_DEFAULT, native::kExchangeSymbol));
}

void pin_this_library() noexcept {
  Dl_info info;
  if (dladdr(address(hooked_malloc), &info) != 0 && info.dli_fname != nullptr) {
    dlopen(info.dli_fname, RTLD_NOW | RTLD_NOLOAD | RTLD_NODELETE);
  }
}

}  // namespace

std::string native_unavailable_reason(NativeMode mode) {
  if (mode == NativeMode::kPreload && exchange() == nullptr) {
    return "the library of klg run --preload was not loaded into this process";
  }
  if (mode == NativeMode::kImports) {
    if (exchange() != nullptr) return "this process has been started with klg run --preload";
    return patcher != nullptr ? patcher->refusal() : make_patcher({}).refusal();
  }
  return "";
}

void start_native(NativeMode mode, std::vector<const void*> own) {
  if (mode == NativeMode::kOff) return;
  if (const std::string reason = native_unavailable_reason(mode); !reason.empty()) {
    throw Error("C allocations cannot be seen: " + reason);
  }
  pin_this_library();
  if (mode == NativeMode::kPreload) {
    const native::ExchangeFunction set = exchange();
    real = *set(nullptr);
    set(&kHooks);
  } else {
    real = {::malloc,         ::calloc,        ::realloc,  ::reallocarray,
            ::posix_memalign, ::aligned_alloc, ::memalign, ::free};
    real_dlopen = ::dlopen;
    if (patcher == nullptr) patcher = new native::ImportPatcher(make_patcher(std::move(own)));
    wanted.store(true, std::memory_order_relaxed);
    refresh_native();
  }
  running = mode;
}

void stop_native() noexcept {
  const NativeMode mode = std::exchange(running, NativeMode::kOff);
  if (mode == NativeMode::kPreload) exchange()(nullptr);
  if (mode != NativeMode::kImports) return;
  wanted.store(false, std::memory_order_relaxed);
  while (patching.exchange(true, std::memory_order_acquire)) usleep(100);
  patcher->restore();
  patching.store(false, std::memory_order_release);
}

void refresh_native() noexcept {
  if (!wanted.load(std::memory_order_relaxed)) return;
  // Somebody is at it: what is new now is found the next time.
  if (patching.exchange(true, std::memory_order_acquire)) return;
  try {
    patcher->patch();
  } catch (...) {  // out of memory: these modules stay as they are
  }
  patching.store(false, std::memory_order_release);
}

void reset_native_after_fork() noexcept { patching.store(false, std::memory_order_release); }

}  // namespace klg::pymem

#pragma once

#include <cstddef>

namespace klg::native {

/// The allocation functions of the C library, or of what stands in for it.
struct CAllocator {
  void* (*malloc)(std::size_t);
  void* (*calloc)(std::size_t, std::size_t);
  void* (*realloc)(void*, std::size_t);
  void* (*reallocarray)(void*, std::size_t, std::size_t);
  int (*posix_memalign)(void**, std::size_t, std::size_t);
  void* (*aligned_alloc)(std::size_t, std::size_t);
  void* (*memalign)(std::size_t, std::size_t);
  void (*free)(void*);
};

/// Exported by the library of `klg run --preload`: from now on the process's calls come to `hooks`,
/// which must outlive it, or go straight through where that is null. Returns what they end in.
using ExchangeFunction = const CAllocator* (*)(const CAllocator* hooks);
inline constexpr const char* kExchangeSymbol = "klg_preload_exchange";

}  // namespace klg::native

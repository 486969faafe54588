#include "pymem/allocator_probe.hpp"

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <cstdint>

namespace klg::pymem {
namespace {

PyMemAllocatorEx raw_base;

// What the raw domain was asked for by this thread while it probes; others pass through untouched.
struct Seen {
  bool probing = false;
  void* allocated = nullptr;
  void* reallocated = nullptr;
  void* freed = nullptr;
};
thread_local Seen seen;

void* probe_malloc(void* context, std::size_t size) {
  void* block = raw_base.malloc(context, size);
  if (seen.probing) seen.allocated = block;
  return block;
}

void* probe_calloc(void* context, std::size_t count, std::size_t size) {
  void* block = raw_base.calloc(context, count, size);
  if (seen.probing) seen.allocated = block;
  return block;
}

void* probe_realloc(void* context, void* block, std::size_t size) {
  if (seen.probing) seen.reallocated = block;
  void* moved = raw_base.realloc(context, block, size);
  if (seen.probing) seen.allocated = moved;
  return moved;
}

void probe_free(void* context, void* block) {
  if (seen.probing) seen.freed = block;
  raw_base.free(context, block);
}

bool reaches_raw(const PyMemAllocatorEx& objects, std::size_t size) {
  seen = Seen{true};
  void* block = objects.malloc(objects.ctx, size);
  const bool reached = seen.allocated != nullptr;
  objects.free(objects.ctx, block);
  return reached;
}

bool is_transparent(const PyMemAllocatorEx& objects, std::size_t size) {
  seen = Seen{true};
  void* block = objects.malloc(objects.ctx, size);
  const bool malloc_seen = block != nullptr && seen.allocated == block;
  void* smaller = objects.realloc(objects.ctx, block, size / 2);
  const bool realloc_seen =
      smaller != nullptr && seen.reallocated == block && seen.allocated == smaller;
  if (smaller != nullptr) block = smaller;
  objects.free(objects.ctx, block);
  const bool free_seen = seen.freed == block;
  seen = Seen{true};
  block = objects.calloc(objects.ctx, 1, size);
  const bool calloc_seen = block != nullptr && seen.allocated == block;
  objects.free(objects.ctx, block);
  return malloc_seen && realloc_seen && free_seen && calloc_seen;
}

}  // namespace

AllocatorTraits probe_object_allocator() noexcept {
  constexpr std::size_t kLargest = 64 * 1024;
  PyMemAllocatorEx objects;
  PyMem_GetAllocator(PYMEM_DOMAIN_OBJ, &objects);
  PyMem_GetAllocator(PYMEM_DOMAIN_RAW, &raw_base);
  PyMemAllocatorEx probe{raw_base.ctx, probe_malloc, probe_calloc, probe_realloc, probe_free};
  PyMem_SetAllocator(PYMEM_DOMAIN_RAW, &probe);

  AllocatorTraits traits{SIZE_MAX, false};
  if (reaches_raw(objects, kLargest)) {
    std::size_t below = 1, reached = kLargest;
    while (reached - below > 1) {
      const std::size_t middle = below + (reached - below) / 2;
      (reaches_raw(objects, middle) ? reached : below) = middle;
    }
    traits = {reached, is_transparent(objects, reached)};
  }
  seen = Seen{};
  PyMem_SetAllocator(PYMEM_DOMAIN_RAW, &raw_base);
  return traits;
}

}  // namespace klg::pymem

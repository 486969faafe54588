#pragma once

#include <cstddef>

namespace klg::pymem {

/// How the object allocator in place hands requests on to the raw domain.
struct AllocatorTraits {
  /// The smallest request that reaches the raw domain; SIZE_MAX if none up to 64 KiB does.
  std::size_t raw_from;
  /// Whether such a block has one address in both domains, and its realloc and free come to the raw
  /// domain as well.
  bool transparent;
};

/// Tries the allocators out. Needs the GIL; on return the raw domain is as it was.
[[nodiscard]] AllocatorTraits probe_object_allocator() noexcept;

}  // namespace klg::pymem

#pragma once

#include <cstddef>

namespace klg {

/// A range of addresses that never moves, of which parts are backed by memory.
///
/// The host implements it with mmap; CUDA virtual memory (reserve, map, set access, unmap) fits the
/// same calls. An abstract class and not a template parameter: it is called when pages change
/// hands, never per slot, and one compiled arena serves every kind of memory.
class MemoryReservation {
 public:
  MemoryReservation() = default;
  MemoryReservation(const MemoryReservation&) = delete;
  MemoryReservation& operator=(const MemoryReservation&) = delete;
  virtual ~MemoryReservation() = default;

  [[nodiscard]] virtual std::byte* base() const noexcept = 0;
  [[nodiscard]] virtual std::size_t size() const noexcept = 0;

  /// Offsets and sizes given to commit and decommit are multiples of this.
  [[nodiscard]] virtual std::size_t granularity() const noexcept = 0;

  /// Backs a range. What is backed already stays as it is. Throws OutOfMemory; the range may then
  /// be backed in part, and nothing that was backed before is touched.
  virtual void commit(std::size_t offset, std::size_t bytes) = 0;

  /// Gives the memory of a range back; says how many bytes of it, from its start, really were.
  virtual std::size_t decommit(std::size_t offset, std::size_t bytes) noexcept = 0;

  /// Whether what was given back still may be read (as zeros, on the host), so that a view which
  /// outlived its rows is not a crash.
  [[nodiscard]] virtual bool readable_when_given_back() const noexcept { return true; }

  /// Sets every byte of a committed range, or says whether every byte has the value.
  virtual void fill(std::size_t offset, std::size_t bytes, std::byte value) = 0;
  [[nodiscard]] virtual bool holds(std::size_t offset, std::size_t bytes,
                                   std::byte value) const = 0;

  /// Copies between a committed range and memory of the host.
  virtual void read(std::size_t offset, std::size_t bytes, void* to) const = 0;
  virtual void write(std::size_t offset, std::size_t bytes, const void* from) = 0;
};

}  // namespace klg

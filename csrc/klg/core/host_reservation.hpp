#pragma once

#include "klg/core/memory_reservation.hpp"

namespace klg {

/// Address space of this process: reserved without memory, committed a page at a time.
class HostReservation final : public MemoryReservation {
 public:
  /// Reserves at least `bytes`. Throws OutOfMemory.
  explicit HostReservation(std::size_t bytes);
  ~HostReservation() override;

  [[nodiscard]] std::byte* base() const noexcept override { return base_; }
  [[nodiscard]] std::size_t size() const noexcept override { return size_; }
  [[nodiscard]] std::size_t granularity() const noexcept override { return page_; }
  void commit(std::size_t offset, std::size_t bytes) override;
  std::size_t decommit(std::size_t offset, std::size_t bytes) noexcept override;
  void fill(std::size_t offset, std::size_t bytes, std::byte value) override;
  [[nodiscard]] bool holds(std::size_t offset, std::size_t bytes, std::byte value) const override;
  void read(std::size_t offset, std::size_t bytes, void* to) const override;
  void write(std::size_t offset, std::size_t bytes, const void* from) override;

 private:
  std::size_t page_;
  std::size_t size_;
  std::byte* base_ = nullptr;
};

}  // namespace klg

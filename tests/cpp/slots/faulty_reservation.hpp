#pragma once

#include <memory>

#include "klg/core/error.hpp"
#include "klg/core/host_reservation.hpp"

namespace klg::slots {

/// Host memory of which the n-th commit from now fails.
class FaultyReservation final : public MemoryReservation {
 public:
  FaultyReservation(std::size_t bytes, int& countdown) : host_(bytes), countdown_(countdown) {}

  [[nodiscard]] std::byte* base() const noexcept override { return host_.base(); }
  [[nodiscard]] std::size_t size() const noexcept override { return host_.size(); }
  [[nodiscard]] std::size_t granularity() const noexcept override { return host_.granularity(); }
  void commit(std::size_t offset, std::size_t bytes) override {
    if (countdown_ > 0 && --countdown_ == 0) throw OutOfMemory("injected");
    host_.commit(offset, bytes);
  }
  std::size_t decommit(std::size_t offset, std::size_t bytes) noexcept override {
    return host_.decommit(offset, bytes);
  }
  void fill(std::size_t offset, std::size_t bytes, std::byte value) override {
    host_.fill(offset, bytes, value);
  }
  [[nodiscard]] bool holds(std::size_t offset, std::size_t bytes, std::byte value) const override {
    return host_.holds(offset, bytes, value);
  }
  void read(std::size_t offset, std::size_t bytes, void* to) const override {
    host_.read(offset, bytes, to);
  }
  void write(std::size_t offset, std::size_t bytes, const void* from) override {
    host_.write(offset, bytes, from);
  }

 private:
  HostReservation host_;
  int& countdown_;
};

}  // namespace klg::slots

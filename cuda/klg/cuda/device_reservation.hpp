#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "klg/core/memory_reservation.hpp"
#include "klg/cuda/device_driver.hpp"

namespace klg::cuda {

/// Memory of a device, whose addresses may not be dereferenced on the host.
class DeviceMemory : public MemoryReservation {
 public:
  [[nodiscard]] std::byte* base() const noexcept override {
    return reinterpret_cast<std::byte*>(address_);
  }
  [[nodiscard]] std::size_t size() const noexcept override { return size_; }
  [[nodiscard]] std::size_t granularity() const noexcept override { return granule_; }
  void fill(std::size_t offset, std::size_t bytes, std::byte value) override;
  [[nodiscard]] bool holds(std::size_t offset, std::size_t bytes, std::byte value) const override;
  void read(std::size_t offset, std::size_t bytes, void* to) const override;
  void write(std::size_t offset, std::size_t bytes, const void* from) override;

 protected:
  DeviceMemory(std::shared_ptr<DeviceDriver> driver, std::size_t bytes, std::size_t granule);

  void require(DriverStatus status, const char* what, std::size_t bytes) const;

  std::shared_ptr<DeviceDriver> driver_;
  std::size_t granule_;
  std::size_t size_;
  DeviceDriver::Address address_ = 0;
};

/// Device memory that grows without moving: an address range, mapped a granule at a time, so that
/// each can be given back by itself.
class DeviceReservation final : public DeviceMemory {
 public:
  /// Throws OutOfMemory.
  DeviceReservation(std::shared_ptr<DeviceDriver> driver, std::size_t bytes);
  ~DeviceReservation() override;

  [[nodiscard]] bool readable_when_given_back() const noexcept override { return false; }
  void commit(std::size_t offset, std::size_t bytes) override;
  std::size_t decommit(std::size_t offset, std::size_t bytes) noexcept override;

 private:
  [[nodiscard]] DriverStatus map_granule(std::size_t granule) noexcept;

  std::vector<DeviceDriver::Memory> mapped_;  // by granule; 0 where there is none
};

/// Device memory in one block, taken whole at the start: what is left where a device or its driver
/// has no virtual memory management. Nothing is given back before the end.
class DeviceSlab final : public DeviceMemory {
 public:
  /// Throws OutOfMemory.
  DeviceSlab(std::shared_ptr<DeviceDriver> driver, std::size_t bytes);
  ~DeviceSlab() override;

  void commit(std::size_t, std::size_t) override {}
  std::size_t decommit(std::size_t, std::size_t) noexcept override { return 0; }
};

/// The better of the two that the device offers. Throws OutOfMemory.
[[nodiscard]] std::unique_ptr<MemoryReservation> reserve_on_device(
    std::shared_ptr<DeviceDriver> driver, std::size_t bytes);

}  // namespace klg::cuda

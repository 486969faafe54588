#include "klg/cuda/device_reservation.hpp"

#include <algorithm>
#include <string>

#include "klg/core/error.hpp"

namespace klg::cuda {
namespace {

constexpr std::size_t kSlabGranule = 512;

std::size_t rounded_up(std::size_t bytes, std::size_t granule) {
  const std::size_t size = (bytes + granule - 1) / granule * granule;
  if (size < bytes) throw OutOfMemory("a reservation of that many bytes is not addressable");
  return size;
}

}  // namespace

DeviceMemory::DeviceMemory(std::shared_ptr<DeviceDriver> driver, std::size_t bytes,
                           std::size_t granule)
    : driver_(std::move(driver)), granule_(granule), size_(rounded_up(bytes, granule)) {}

void DeviceMemory::require(DriverStatus status, const char* what, std::size_t bytes) const {
  if (status == kDriverOk) return;
  const std::string text = std::string("cannot ") + what + " " + std::to_string(bytes) +
                           " bytes on CUDA device " + std::to_string(driver_->device()) + ": " +
                           driver_->describe(status);
  if (status == kDriverOutOfMemory) throw OutOfMemory(text);
  throw Error(text);
}

void DeviceMemory::fill(std::size_t offset, std::size_t bytes, std::byte value) {
  require(driver_->fill(address_ + offset, bytes, static_cast<std::uint8_t>(value)), "fill", bytes);
}

bool DeviceMemory::holds(std::size_t offset, std::size_t bytes, std::byte value) const {
  std::vector<std::byte> copy(bytes);
  read(offset, bytes, copy.data());
  return std::all_of(copy.begin(), copy.end(), [value](std::byte b) { return b == value; });
}

void DeviceMemory::read(std::size_t offset, std::size_t bytes, void* to) const {
  require(driver_->download(to, address_ + offset, bytes), "read", bytes);
}

void DeviceMemory::write(std::size_t offset, std::size_t bytes, const void* from) {
  require(driver_->upload(address_ + offset, from, bytes), "write", bytes);
}

DeviceReservation::DeviceReservation(std::shared_ptr<DeviceDriver> driver, std::size_t bytes)
    : DeviceMemory(driver, bytes, driver->granularity()), mapped_(size_ / granule_) {
  const DriverStatus status = driver_->reserve(size_, address_);
  if (status != kDriverOk) {
    // Of addresses too: the caller asked for room, and there is none.
    throw OutOfMemory("cannot reserve " + std::to_string(size_) +
                      " bytes of device addresses: " + driver_->describe(status));
  }
}

DeviceReservation::~DeviceReservation() {
  decommit(0, size_);
  // A range that is still mapped somewhere must not be given to others.
  const bool empty = std::all_of(mapped_.begin(), mapped_.end(), [](auto m) { return m == 0; });
  if (empty) driver_->unreserve(address_, size_);
}

DriverStatus DeviceReservation::map_granule(std::size_t granule) noexcept {
  const DeviceDriver::Address at = address_ + granule * granule_;
  DeviceDriver::Memory memory = 0;
  DriverStatus status = driver_->create(granule_, memory);
  if (status != kDriverOk) return status;
  status = driver_->map(at, granule_, memory);
  if (status != kDriverOk) {
    driver_->release(memory);
    return status;
  }
  status = driver_->allow(at, granule_);
  if (status != kDriverOk) {
    static_cast<void>(driver_->unmap(at, granule_));
    driver_->release(memory);
    return status;
  }
  mapped_[granule] = memory;
  return kDriverOk;
}

void DeviceReservation::commit(std::size_t offset, std::size_t bytes) {
  for (std::size_t k = offset / granule_; k < (offset + bytes) / granule_; ++k) {
    if (mapped_[k] != 0) continue;
    require(map_granule(k), "commit", bytes);
  }
}

std::size_t DeviceReservation::decommit(std::size_t offset, std::size_t bytes) noexcept {
  // Work that was queued before the rows were freed may still read them.
  if (driver_->synchronize() != kDriverOk) return 0;
  for (std::size_t k = offset / granule_; k < (offset + bytes) / granule_; ++k) {
    if (mapped_[k] == 0) continue;
    if (driver_->unmap(address_ + k * granule_, granule_) != kDriverOk) {
      return k * granule_ - offset;
    }
    driver_->release(mapped_[k]);
    mapped_[k] = 0;
  }
  return bytes;
}

DeviceSlab::DeviceSlab(std::shared_ptr<DeviceDriver> driver, std::size_t bytes)
    : DeviceMemory(std::move(driver), bytes, kSlabGranule) {
  require(driver_->allocate(size_, address_), "allocate", size_);
}

DeviceSlab::~DeviceSlab() {
  static_cast<void>(driver_->synchronize());
  driver_->free(address_);
}

std::unique_ptr<MemoryReservation> reserve_on_device(std::shared_ptr<DeviceDriver> driver,
                                                     std::size_t bytes) {
  if (driver->can_map()) return std::make_unique<DeviceReservation>(std::move(driver), bytes);
  return std::make_unique<DeviceSlab>(std::move(driver), bytes);
}

}  // namespace klg::cuda

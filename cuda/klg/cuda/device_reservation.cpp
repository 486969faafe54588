#include "klg/cuda/device_reservation.hpp"

#include <algorithm>
#include <string>

#include "klg/core/error.hpp"

namespace klg::cuda {
namespace {

std::size_t rounded_up(std::size_t bytes, std::size_t granule) {
  const std::size_t size = (bytes + granule - 1) / granule * granule;
  if (size < bytes) throw OutOfMemory("a reservation of that many bytes is not addressable");
  return size;
}

[[noreturn]] void fail(const DeviceDriver& driver, const std::string& what, std::size_t bytes,
                       DriverStatus status) {
  const std::string text = what + " " + std::to_string(bytes) + " bytes on CUDA device " +
                           std::to_string(driver.device()) + ": " + driver.describe(status);
  if (status == kDriverOutOfMemory) throw OutOfMemory(text);
  throw Error(text);
}

void fill_range(DeviceDriver& driver, DeviceDriver::Address at, std::size_t bytes,
                std::byte value) {
  const DriverStatus status = driver.fill(at, bytes, static_cast<std::uint8_t>(value));
  if (status != kDriverOk) fail(driver, "cannot fill", bytes, status);
}

bool range_holds(DeviceDriver& driver, DeviceDriver::Address at, std::size_t bytes,
                 std::byte value) {
  std::vector<std::byte> copy(bytes);
  const DriverStatus status = driver.download(copy.data(), at, bytes);
  if (status != kDriverOk) fail(driver, "cannot read", bytes, status);
  return std::all_of(copy.begin(), copy.end(), [value](std::byte b) { return b == value; });
}

}  // namespace

DeviceReservation::DeviceReservation(std::shared_ptr<DeviceDriver> driver, std::size_t bytes)
    : driver_(std::move(driver)),
      granule_(driver_->granularity()),
      size_(rounded_up(bytes, granule_)),
      mapped_(size_ / granule_) {
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
    const DriverStatus status = map_granule(k);
    if (status != kDriverOk) fail(*driver_, "cannot commit", bytes, status);
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

void DeviceReservation::fill(std::size_t offset, std::size_t bytes, std::byte value) {
  fill_range(*driver_, address_ + offset, bytes, value);
}

bool DeviceReservation::holds(std::size_t offset, std::size_t bytes, std::byte value) const {
  return range_holds(*driver_, address_ + offset, bytes, value);
}

DeviceSlab::DeviceSlab(std::shared_ptr<DeviceDriver> driver, std::size_t bytes)
    : driver_(std::move(driver)), size_(rounded_up(bytes, kGranule)) {
  const DriverStatus status = driver_->allocate(size_, address_);
  if (status != kDriverOk) fail(*driver_, "cannot allocate", size_, status);
}

DeviceSlab::~DeviceSlab() {
  static_cast<void>(driver_->synchronize());
  driver_->free(address_);
}

void DeviceSlab::fill(std::size_t offset, std::size_t bytes, std::byte value) {
  fill_range(*driver_, address_ + offset, bytes, value);
}

bool DeviceSlab::holds(std::size_t offset, std::size_t bytes, std::byte value) const {
  return range_holds(*driver_, address_ + offset, bytes, value);
}

std::unique_ptr<MemoryReservation> reserve_on_device(std::shared_ptr<DeviceDriver> driver,
                                                     std::size_t bytes) {
  if (driver->can_map()) return std::make_unique<DeviceReservation>(std::move(driver), bytes);
  return std::make_unique<DeviceSlab>(std::move(driver), bytes);
}

}  // namespace klg::cuda

#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

namespace klg::cuda {

/// Outcome of a driver's call: 0, or CUDA's number of the error.
using DriverStatus = int;
inline constexpr DriverStatus kDriverOk = 0;
inline constexpr DriverStatus kDriverOutOfMemory = 2;  // CUDA_ERROR_OUT_OF_MEMORY

/// The calls that memory and events of one device need, in words that no CUDA header defines.
///
/// So what is built on it runs on the host against a fake. Every call may come from any thread.
class DeviceDriver {
 public:
  using Address = std::uint64_t;
  using Memory = std::uint64_t;  ///< Memory that can be mapped, without an address of its own.

  DeviceDriver() = default;
  DeviceDriver(const DeviceDriver&) = delete;
  DeviceDriver& operator=(const DeviceDriver&) = delete;
  virtual ~DeviceDriver() = default;

  [[nodiscard]] virtual int device() const noexcept = 0;
  /// Whether the device has virtual memory management: reserve, map and unmap.
  [[nodiscard]] virtual bool can_map() const noexcept = 0;
  /// Bytes that are mapped together.
  [[nodiscard]] virtual std::size_t granularity() const noexcept = 0;
  [[nodiscard]] virtual std::string describe(DriverStatus status) const = 0;

  [[nodiscard]] virtual DriverStatus reserve(std::size_t bytes, Address& address) noexcept = 0;
  virtual void unreserve(Address address, std::size_t bytes) noexcept = 0;
  [[nodiscard]] virtual DriverStatus create(std::size_t bytes, Memory& memory) noexcept = 0;
  virtual void release(Memory memory) noexcept = 0;
  [[nodiscard]] virtual DriverStatus map(Address address, std::size_t bytes,
                                         Memory memory) noexcept = 0;
  [[nodiscard]] virtual DriverStatus unmap(Address address, std::size_t bytes) noexcept = 0;
  /// Lets the device read and write a mapped range.
  [[nodiscard]] virtual DriverStatus allow(Address address, std::size_t bytes) noexcept = 0;

  /// A block at once, where there is no virtual memory management.
  [[nodiscard]] virtual DriverStatus allocate(std::size_t bytes, Address& address) noexcept = 0;
  virtual void free(Address address) noexcept = 0;

  /// Waits for everything that the device has been given.
  [[nodiscard]] virtual DriverStatus synchronize() noexcept = 0;
  /// These three are done when they return.
  [[nodiscard]] virtual DriverStatus fill(Address address, std::size_t bytes,
                                          std::uint8_t value) noexcept = 0;
  [[nodiscard]] virtual DriverStatus download(void* to, Address from,
                                              std::size_t bytes) noexcept = 0;
  [[nodiscard]] virtual DriverStatus upload(Address to, const void* from,
                                            std::size_t bytes) noexcept = 0;

  [[nodiscard]] virtual DriverStatus record(std::uintptr_t stream,
                                            std::uintptr_t& event) noexcept = 0;
  /// Sets `passed`; an error is that of the device.
  [[nodiscard]] virtual DriverStatus query(std::uintptr_t event, bool& passed) noexcept = 0;
  [[nodiscard]] virtual DriverStatus wait(std::uintptr_t event) noexcept = 0;
  /// Has what a stream is given from now on wait for an event.
  [[nodiscard]] virtual DriverStatus hold_back(std::uintptr_t stream,
                                               std::uintptr_t event) noexcept = 0;
  virtual void destroy(std::uintptr_t event) noexcept = 0;
};

/// The driver of a device, loaded when this is first called. Throws CudaUnavailable, saying why.
[[nodiscard]] std::shared_ptr<DeviceDriver> open_driver(int device);

}  // namespace klg::cuda

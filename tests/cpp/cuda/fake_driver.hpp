#pragma once

#include <cstring>
#include <map>
#include <set>
#include <vector>

#include "klg/cuda/device_driver.hpp"

namespace klg::cuda {

/// A device of host memory that checks what a driver would: nothing is mapped twice, unmapped in
/// part, released while mapped, touched without access, or left behind.
class FakeDriver final : public DeviceDriver {
 public:
  static constexpr std::size_t kGranule = 4096;

  explicit FakeDriver(std::size_t capacity = ~std::size_t{0}) : capacity_(capacity) {}

  [[nodiscard]] int device() const noexcept override { return 0; }
  [[nodiscard]] bool can_map() const noexcept override { return mappable; }
  [[nodiscard]] std::size_t granularity() const noexcept override { return kGranule; }
  [[nodiscard]] std::string describe(DriverStatus status) const override {
    return "status " + std::to_string(status);
  }

  DriverStatus reserve(std::size_t bytes, Address& address) noexcept override {
    if (fails()) return kFailure;
    storage_.emplace_back(bytes);
    address = reinterpret_cast<Address>(storage_.back().data());
    reserved_[address] = bytes;
    return kDriverOk;
  }
  void unreserve(Address address, std::size_t bytes) noexcept override {
    errors += reserved_.count(address) == 0 || reserved_[address] != bytes || !mapped_.empty();
    reserved_.erase(address);
  }
  DriverStatus create(std::size_t bytes, Memory& memory) noexcept override {
    if (fails()) return kFailure;
    if (used + bytes > capacity_) return kDriverOutOfMemory;
    used += bytes;
    memory = ++last_;
    sizes_[memory] = bytes;
    return kDriverOk;
  }
  void release(Memory memory) noexcept override {
    for (const auto& [at, mapping] : mapped_) errors += mapping.memory == memory;
    errors += sizes_.count(memory) == 0;
    used -= sizes_[memory];
    sizes_.erase(memory);
  }
  DriverStatus map(Address address, std::size_t bytes, Memory memory) noexcept override {
    if (fails()) return kFailure;
    errors += mapped_.count(address) != 0 || sizes_[memory] != bytes || bytes != kGranule;
    mapped_[address] = {memory, false};
    return kDriverOk;
  }
  DriverStatus unmap(Address address, std::size_t bytes) noexcept override {
    if (fails()) return kFailure;
    const auto found = mapped_.find(address);
    errors += found == mapped_.end() || bytes != kGranule;
    // Work that was queued may still read what the device was allowed to.
    errors += found != mapped_.end() && found->second.allowed && !synchronized_;
    mapped_.erase(address);
    std::memset(reinterpret_cast<void*>(address), 0xdd, bytes);
    return kDriverOk;
  }
  DriverStatus allow(Address address, std::size_t bytes) noexcept override {
    if (fails()) return kFailure;
    errors += mapped_.count(address) == 0 || bytes != kGranule;
    mapped_[address].allowed = true;
    return kDriverOk;
  }

  DriverStatus allocate(std::size_t bytes, Address& address) noexcept override {
    if (fails()) return kFailure;
    if (used + bytes > capacity_) return kDriverOutOfMemory;
    used += bytes;
    storage_.emplace_back(bytes);
    address = reinterpret_cast<Address>(storage_.back().data());
    blocks_[address] = bytes;
    return kDriverOk;
  }
  void free(Address address) noexcept override {
    errors += blocks_.count(address) == 0;
    used -= blocks_[address];
    blocks_.erase(address);
  }

  DriverStatus synchronize() noexcept override {
    synchronized_ = true;
    return kDriverOk;
  }
  DriverStatus fill(Address address, std::size_t bytes, std::uint8_t value) noexcept override {
    if (fails()) return kFailure;
    if (!accessible(address, bytes)) return kFailure;
    std::memset(reinterpret_cast<void*>(address), value, bytes);
    return kDriverOk;
  }
  DriverStatus download(void* to, Address from, std::size_t bytes) noexcept override {
    if (!accessible(from, bytes)) return kFailure;
    std::memcpy(to, reinterpret_cast<const void*>(from), bytes);
    return kDriverOk;
  }
  DriverStatus upload(Address to, const void* from, std::size_t bytes) noexcept override {
    if (fails()) return kFailure;
    if (!accessible(to, bytes)) return kFailure;
    std::memcpy(reinterpret_cast<void*>(to), from, bytes);
    return kDriverOk;
  }

  DriverStatus record(std::uintptr_t, std::uintptr_t& event) noexcept override {
    event = ++last_;
    events_.insert(event);
    return kDriverOk;
  }
  DriverStatus query(std::uintptr_t, bool& passed) noexcept override {
    passed = finished;
    return kDriverOk;
  }
  DriverStatus wait(std::uintptr_t) noexcept override { return kDriverOk; }
  DriverStatus hold_back(std::uintptr_t stream, std::uintptr_t event) noexcept override {
    if (fails()) return kFailure;
    errors += events_.count(event) == 0;
    held_back.push_back(stream);
    return kDriverOk;
  }
  void destroy(std::uintptr_t event) noexcept override { errors += events_.erase(event) != 1; }

  /// Nothing of the device is held any more.
  [[nodiscard]] bool clean() const {
    return reserved_.empty() && mapped_.empty() && sizes_.empty() && blocks_.empty() &&
           events_.empty() && used == 0 && errors == 0;
  }

  int errors = 0;
  int fail_in = 0;  ///< The n-th call from now fails; 0: none.
  bool mappable = true;
  bool finished = false;
  std::size_t used = 0;
  std::vector<std::uintptr_t> held_back;  ///< Streams that were to wait for an event.

  static constexpr DriverStatus kFailure = 999;

 private:
  struct Mapping {
    Memory memory;
    bool allowed;
  };

  bool fails() noexcept {
    synchronized_ = synchronized_ && fail_in == 0;
    return fail_in > 0 && --fail_in == 0;
  }
  [[nodiscard]] bool accessible(Address address, std::size_t bytes) const noexcept {
    for (const auto& [at, size] : blocks_) {
      if (address >= at && address + bytes <= at + size) return true;
    }
    for (Address at = address / kGranule * kGranule; at < address + bytes; at += kGranule) {
      const auto found = mapped_.find(at);
      if (found == mapped_.end() || !found->second.allowed) return false;
    }
    return true;
  }

  struct alignas(kGranule) Page {
    std::byte bytes[kGranule];
  };
  struct Storage {
    explicit Storage(std::size_t bytes) : pages((bytes + kGranule - 1) / kGranule) {}
    void* data() { return pages.data(); }
    std::vector<Page> pages;
  };

  std::size_t capacity_;
  std::uint64_t last_ = 0;
  bool synchronized_ = false;
  std::vector<Storage> storage_;
  std::map<Address, std::size_t> reserved_;
  std::map<Address, std::size_t> blocks_;
  std::map<Address, Mapping> mapped_;
  std::map<Memory, std::size_t> sizes_;
  std::set<std::uintptr_t> events_;
};

}  // namespace klg::cuda

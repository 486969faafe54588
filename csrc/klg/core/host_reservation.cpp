#include "klg/core/host_reservation.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string>

#include "klg/core/error.hpp"

namespace klg {

HostReservation::HostReservation(std::size_t bytes)
    : page_(static_cast<std::size_t>(sysconf(_SC_PAGESIZE))),
      size_((bytes + page_ - 1) / page_ * page_) {
  if (size_ < bytes) throw OutOfMemory("a reservation of that many bytes is not addressable");
  void* base = mmap(nullptr, size_, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (base == MAP_FAILED) {
    throw OutOfMemory("cannot reserve " + std::to_string(size_) + " bytes of address space: " +
                      std::strerror(errno) + " (is there a limit, see ulimit -v?)");
  }
  base_ = static_cast<std::byte*>(base);
}

HostReservation::~HostReservation() { munmap(base_, size_); }

void HostReservation::commit(std::size_t offset, std::size_t bytes) {
  if (mprotect(base_ + offset, bytes, PROT_READ | PROT_WRITE) != 0) {
    throw OutOfMemory("cannot commit " + std::to_string(bytes) + " bytes: " + std::strerror(errno));
  }
}

std::size_t HostReservation::decommit(std::size_t offset, std::size_t bytes) noexcept {
  return madvise(base_ + offset, bytes, MADV_DONTNEED) == 0 ? bytes : 0;
}

void HostReservation::fill(std::size_t offset, std::size_t bytes, std::byte value) {
  std::fill_n(base_ + offset, bytes, value);
}

bool HostReservation::holds(std::size_t offset, std::size_t bytes, std::byte value) const {
  const std::byte* first = base_ + offset;
  return std::all_of(first, first + bytes, [value](std::byte b) { return b == value; });
}

void HostReservation::read(std::size_t offset, std::size_t bytes, void* to) const {
  std::memcpy(to, base_ + offset, bytes);
}

void HostReservation::write(std::size_t offset, std::size_t bytes, const void* from) {
  std::memcpy(base_ + offset, from, bytes);
}

}  // namespace klg

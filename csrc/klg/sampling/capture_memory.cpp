#include "klg/sampling/capture_memory.hpp"

#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

#include "klg/core/error.hpp"

namespace klg::sampling {
namespace {

[[noreturn]] void fail(const char* what) {
  throw Error(std::string("memory of the sampler: ") + what + ": " + std::strerror(errno));
}

Capture* map(int descriptor, int protection, int flags) {
  void* pages = mmap(nullptr, sizeof(Capture), protection, flags, descriptor, 0);
  if (pages == MAP_FAILED) fail("mmap");
  return static_cast<Capture*>(pages);
}

}  // namespace

CaptureMemory CaptureMemory::anonymous() {
  return CaptureMemory(
      map(-1, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE));
}

CaptureMemory CaptureMemory::shared(int descriptor, bool writable) {
  struct stat status{};
  if (fstat(descriptor, &status) != 0) fail("fstat");
  if (status.st_size < static_cast<off_t>(sizeof(Capture))) {
    throw Error("memory of the sampler: the descriptor holds no capture of this version");
  }
  return CaptureMemory(
      map(descriptor, writable ? PROT_READ | PROT_WRITE : PROT_READ, MAP_SHARED | MAP_NORESERVE));
}

int CaptureMemory::create_descriptor() {
  const int descriptor = memfd_create("klg-capture", MFD_CLOEXEC);
  if (descriptor < 0) fail("memfd_create");
  if (ftruncate(descriptor, sizeof(Capture)) != 0) {
    close(descriptor);
    fail("ftruncate");
  }
  return descriptor;
}

CaptureMemory::CaptureMemory(CaptureMemory&& other) noexcept
    : capture_(std::exchange(other.capture_, nullptr)) {}

CaptureMemory& CaptureMemory::operator=(CaptureMemory&& other) noexcept {
  std::swap(capture_, other.capture_);
  return *this;
}

CaptureMemory::~CaptureMemory() {
  if (capture_ != nullptr) munmap(capture_, sizeof(Capture));
}

}  // namespace klg::sampling

#include "klg/sampling/capture_memory.hpp"

#include <fcntl.h>
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

CaptureMemory CaptureMemory::file_of_this_process(const char* folder) {
  const std::string path = std::string(folder) + "/" + std::to_string(getpid());
  const int descriptor =
      open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, S_IRUSR | S_IWUSR);
  if (descriptor < 0) fail(path.c_str());
  if (ftruncate(descriptor, sizeof(Capture)) != 0) {
    close(descriptor);
    fail("ftruncate");
  }
  try {
    CaptureMemory memory = shared(descriptor, true);
    close(descriptor);
    return memory;
  } catch (const Error&) {
    close(descriptor);
    throw;
  }
}

int CaptureMemory::create_descriptor() {
  const int lowest = memfd_create("klg-capture", MFD_CLOEXEC);
  if (lowest < 0) fail("memfd_create");
  // Where a standard stream is closed, ours must not take its number: a program would write into
  // it.
  const int descriptor = fcntl(lowest, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
  close(lowest);
  if (descriptor < 0) fail("F_DUPFD_CLOEXEC");
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

#include "klg/core/page_memory.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <new>

namespace klg {

PageMemory::PageMemory(std::size_t bytes) {
  const auto page = static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
  if (bytes > static_cast<std::size_t>(-1) - page) throw std::bad_alloc();
  bytes_ = (bytes + page - 1) / page * page;
  if (bytes_ == 0) return;
  data_ = mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
               -1, 0);
  if (data_ == MAP_FAILED) {
    data_ = nullptr;
    throw std::bad_alloc();
  }
}

void PageMemory::populate() const noexcept {
#ifndef MADV_POPULATE_WRITE
  constexpr int MADV_POPULATE_WRITE = 23;
#endif
  if (data_ != nullptr) madvise(data_, bytes_, MADV_POPULATE_WRITE);
}

PageMemory::~PageMemory() {
  if (data_ != nullptr) munmap(data_, bytes_);
}

}  // namespace klg

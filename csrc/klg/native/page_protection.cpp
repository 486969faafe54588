#include "klg/native/page_protection.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <string>

namespace klg::native {
namespace {

std::string read_maps() {
  std::string text;
  const int descriptor = ::open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return text;
  char part[16384];
  for (ssize_t count; (count = read(descriptor, part, sizeof part)) > 0;) {
    text.append(part, static_cast<std::size_t>(count));
  }
  ::close(descriptor);
  return text;
}

}  // namespace

PageProtection::PageProtection() : page_size_(static_cast<std::uintptr_t>(getpagesize())) {
  const std::string text = read_maps();
  for (std::size_t at = 0; at < text.size(); at = text.find('\n', at) + 1) {
    std::uintptr_t begin = 0, end = 0;
    char allowed[5] = {};
    if (std::sscanf(text.c_str() + at, "%" SCNxPTR "-%" SCNxPTR " %4s", &begin, &end, allowed) ==
        3) {
      ranges_.push_back({begin, end,
                         (allowed[0] == 'r' ? PROT_READ : 0) |
                             (allowed[1] == 'w' ? PROT_WRITE : 0) |
                             (allowed[2] == 'x' ? PROT_EXEC : 0)});
    }
    if (text.find('\n', at) == std::string::npos) break;
  }
}

bool PageProtection::open(const void* address) {
  const auto at = reinterpret_cast<std::uintptr_t>(address);
  const auto after = std::upper_bound(
      ranges_.begin(), ranges_.end(), at,
      [](std::uintptr_t value, const Range& range) { return value < range.begin; });
  if (after == ranges_.begin()) return false;
  const Range& range = *(after - 1);
  if (at >= range.end) return false;
  if ((range.protection & PROT_WRITE) != 0) return true;
  const std::uintptr_t page = at / page_size_ * page_size_;
  if (std::any_of(opened_.begin(), opened_.end(),
                  [page](const auto& one) { return one.first == page; })) {
    return true;
  }
  if (mprotect(reinterpret_cast<void*>(page), page_size_, range.protection | PROT_WRITE) != 0) {
    return false;
  }
  opened_.emplace_back(page, range.protection);
  return true;
}

void PageProtection::close() noexcept {
  for (const auto& [page, protection] : opened_) {
    mprotect(reinterpret_cast<void*>(page), page_size_, protection);
  }
  opened_.clear();
}

}  // namespace klg::native

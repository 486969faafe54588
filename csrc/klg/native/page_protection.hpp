#pragma once

#include <cstdint>
#include <vector>

namespace klg::native {

/// Makes pages writable for a while and gives them back as they were.
class PageProtection {
 public:
  /// Reads what the pages of this process allow now.
  PageProtection();
  PageProtection(const PageProtection&) = delete;
  PageProtection& operator=(const PageProtection&) = delete;
  ~PageProtection() { close(); }

  /// Makes the page of an address writable; false where it is not known or the kernel refuses.
  [[nodiscard]] bool open(const void* address);

  /// Gives every page that was opened the protection that it had.
  void close() noexcept;

 private:
  struct Range {
    std::uintptr_t begin, end;
    int protection;
  };

  std::vector<Range> ranges_;
  std::vector<std::pair<std::uintptr_t, int>> opened_;
  std::uintptr_t page_size_;
};

}  // namespace klg::native

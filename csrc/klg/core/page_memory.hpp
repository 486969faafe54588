#pragma once

#include <cstddef>
#include <utility>

namespace klg {

/// Zeroed pages straight from the kernel.
///
/// Reserved at once and committed when first touched, so that a table can be sized for its cap and
/// cost only what it holds, and never has to move. Does not go through malloc: whoever hooks malloc
/// may use these tables from inside the hook.
class PageMemory {
 public:
  PageMemory() = default;

  /// Reserves `bytes`, rounded up to whole pages.
  /// @throws std::bad_alloc where the kernel refuses.
  explicit PageMemory(std::size_t bytes);

  PageMemory(PageMemory&& other) noexcept
      : data_(std::exchange(other.data_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {}
  PageMemory& operator=(PageMemory&& other) noexcept {
    std::swap(data_, other.data_);
    std::swap(bytes_, other.bytes_);
    return *this;
  }
  PageMemory(const PageMemory&) = delete;
  PageMemory& operator=(const PageMemory&) = delete;
  ~PageMemory();

  /// The pages as an array of T: any type whose value is right when all its bytes are zero.
  template <class T>
  [[nodiscard]] T* as() const noexcept {
    return static_cast<T*>(data_);
  }

  /// Commits all pages now, where the kernel can (Linux 5.14): for tables that are filled at
  /// random places, whose users cannot wait for a fault at each.
  void populate() const noexcept;

  /// Bytes reserved.
  [[nodiscard]] std::size_t size() const noexcept { return bytes_; }

 private:
  void* data_ = nullptr;
  std::size_t bytes_ = 0;
};

}  // namespace klg

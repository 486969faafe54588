#pragma once

#include <atomic>
#include <cstdint>
#include <optional>

namespace klg::native {

/// What the C library's allocator says of itself, in bytes.
struct CHeap {
  std::uint64_t used;  ///< handed out, large blocks in mappings of their own included
  std::uint64_t free;  ///< taken from the kernel and not handed out
};

/// Reads these figures, seldom: mallinfo2 walks every free block under the lock of its arena, which
/// takes microseconds in an ordinary heap and longer the more it is fragmented.
class CHeapReader {
 public:
  /// Finds mallinfo2 and tries whether `malloc` shows in it: it does not where another allocator
  /// (jemalloc, a sanitizer) stands in for that of the C library, or where there is no such call.
  CHeapReader() noexcept;
  CHeapReader(const CHeapReader&) = delete;
  CHeapReader& operator=(const CHeapReader&) = delete;

  [[nodiscard]] bool usable() const noexcept { return read_ != nullptr; }

  /// Reads if it is due: at most twice a second, and a thousandth of the time. Gives up for good
  /// where one reading has taken ten milliseconds. For any thread that may call malloc now.
  [[nodiscard]] std::optional<CHeap> read_if_due(std::int64_t now_ns) noexcept;

  /// In a forked child: a thread of the parent may have been reading.
  void reset_after_fork() noexcept { due_ns_.store(0, std::memory_order_relaxed); }

 private:
  struct Figures;  // struct mallinfo2, which older C libraries do not declare
  using Function = Figures (*)();

  [[nodiscard]] CHeap read() const noexcept;

  Function read_ = nullptr;
  std::atomic<std::int64_t> due_ns_{0};
};

}  // namespace klg::native

#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

namespace klg::slots {

/// Which leaf words have free bits: a tree of 64-ary bitmaps over them.
///
/// Bits may be stale on one side only: a set bit may lie over an empty leaf (whoever meets it
/// clears it), a clear bit never over a leaf whose freeing call has returned, except for the
/// moment in which `clear` takes it back. Setter and clearer write one word and then read the
/// other's, both sequentially consistent, so one of them sees the other.
class FreeSummary {
 public:
  static constexpr std::uint32_t kNone = ~0U;

  explicit FreeSummary(std::uint32_t leaves);

  /// To be called after the word of a leaf became non-zero.
  void note(std::uint32_t leaf) noexcept {
    const std::uint64_t word = levels_[0].words[leaf >> 6].load(std::memory_order_seq_cst);
    if ((word >> (leaf & 63) & 1) == 0) [[unlikely]]
      set(leaf);
  }

  /// Takes the bit of a leaf back whose word was seen empty; puts it there again if it no longer
  /// is.
  void clear(std::uint32_t leaf, const std::atomic<std::uint64_t>& word) noexcept;

  /// The lowest leaf at or after `from` whose bit is set, or kNone.
  [[nodiscard]] std::uint32_t next(std::uint32_t from) const noexcept;

 private:
  struct Level {
    std::unique_ptr<std::atomic<std::uint64_t>[]> words;
    std::uint32_t size;
  };
  void set(std::uint32_t leaf) noexcept;

  std::vector<Level> levels_;
};

}  // namespace klg::slots

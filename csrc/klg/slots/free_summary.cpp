#include "klg/slots/free_summary.hpp"

#include <bit>

namespace klg::slots {

FreeSummary::FreeSummary(std::uint32_t leaves) {
  std::uint32_t bits = leaves;
  do {
    bits = (bits + 63) / 64;
    levels_.push_back({std::make_unique<std::atomic<std::uint64_t>[]>(bits), bits});
  } while (bits > 1);
}

void FreeSummary::set(std::uint32_t leaf) noexcept {
  // Every level is looked at: a set bit below may be that of a call which has not come up yet.
  std::uint32_t position = leaf;
  for (Level& level : levels_) {
    std::atomic<std::uint64_t>& word = level.words[position >> 6];
    const std::uint64_t bit = std::uint64_t{1} << (position & 63);
    if ((word.load(std::memory_order_seq_cst) & bit) == 0) word.fetch_or(bit);
    position >>= 6;
  }
}

void FreeSummary::clear(std::uint32_t leaf, const std::atomic<std::uint64_t>& word) noexcept {
  const std::atomic<std::uint64_t>* below = &word;
  std::uint32_t position = leaf;
  for (Level& level : levels_) {
    std::atomic<std::uint64_t>& mine = level.words[position >> 6];
    const std::uint64_t bit = std::uint64_t{1} << (position & 63);
    const std::uint64_t left = mine.fetch_and(~bit) & ~bit;
    if (below->load(std::memory_order_seq_cst) != 0) {
      set(leaf);
      return;
    }
    if (left != 0) return;
    below = &mine;
    position >>= 6;
  }
}

std::uint32_t FreeSummary::next(std::uint32_t from) const noexcept {
  std::uint32_t position = from;
  for (std::size_t depth = 0; depth < levels_.size();) {
    const Level& level = levels_[depth];
    const std::uint32_t index = position >> 6;
    if (index >= level.size) return kNone;
    const std::uint64_t word =
        level.words[index].load(std::memory_order_acquire) & (~std::uint64_t{0} << (position & 63));
    if (word == 0) {
      position = index + 1;
      ++depth;
      continue;
    }
    position = (index << 6) + static_cast<std::uint32_t>(std::countr_zero(word));
    if (depth == 0) return position;
    position <<= 6;
    --depth;
  }
  return kNone;
}

}  // namespace klg::slots

// Memory coming and going: what of the arena runs under its growth lock.
#include <algorithm>
#include <bit>
#include <vector>

#include "klg/slots/slot_arena.hpp"

namespace klg::slots {
namespace {

constexpr std::byte kPoison{0xff};

// Small rows grow by this much at once, so that the system call is shared by many slots.
constexpr std::size_t kGrowthBytes = std::size_t{64} << 10;

constexpr std::uint64_t bits_between(std::uint32_t first, std::uint32_t last) {
  const std::uint64_t below_last = last == 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << last) - 1;
  return below_last & (~std::uint64_t{0} << first);
}

}  // namespace

bool SlotArena::grow(std::size_t slots) {
  const std::scoped_lock lock(growth_);
  // Who waited here may find that the one before has grown for both; and pages come before slots
  // that others have adopted, so only unadopted leaves count.
  for (std::uint32_t leaf = summary_.next(0); leaf != FreeSummary::kNone;
       leaf = summary_.next(leaf + 1)) {
    if (leaves_[leaf].owner.load(std::memory_order_relaxed) == 0 &&
        leaves_[leaf].free.load(std::memory_order_relaxed) != 0) {
      return true;
    }
  }
  return wake(slots) || extend(slots);
}

// For a caller about to report exhaustion: a slot whose freeing call has returned is found here,
// even where another thread is just repairing the summary.
bool SlotArena::find_overlooked() {
  const std::uint32_t leaves = existing_leaves();
  bool found = false;
  for (std::uint32_t leaf = 0; leaf < leaves; ++leaf) {
    if (leaves_[leaf].free.load(std::memory_order_seq_cst) != 0) {
      summary_.note(leaf);
      found = true;
    }
  }
  return found;
}

void SlotArena::commit_metadata(std::uint32_t first_leaf, std::uint32_t last_leaf) {
  const std::size_t page = metadata_pages_.page_size();
  const auto commit = [&](const void* first, const void* last) {
    const auto begin =
        static_cast<std::size_t>(static_cast<const std::byte*>(first) - metadata_->base());
    const auto end =
        static_cast<std::size_t>(static_cast<const std::byte*>(last) - metadata_->base());
    metadata_pages_.commit(begin / page, (end + page - 1) / page);
  };
  commit(states_ + std::size_t{first_leaf} * 64, states_ + std::size_t{last_leaf} * 64);
  commit(leaves_ + first_leaf, leaves_ + last_leaf);
}

void SlotArena::commit_rows(std::uint32_t first, std::uint32_t last) {
  const std::size_t page = pages_.page_size();
  pages_.commit(first * stride_ / page, (last * stride_ + page - 1) / page);
}

bool SlotArena::wake(std::size_t slots) {
  if (dormant_ == 0) return false;
  const std::uint32_t leaves = existing_leaves();
  std::size_t woken = 0;
  for (std::uint32_t leaf = lowest_dormant_leaf_; leaf < leaves && woken < slots; ++leaf) {
    Leaf& sleeper = leaves_[leaf];
    const std::uint64_t bits = sleeper.dormant;
    if (bits != 0) {
      const auto first = static_cast<std::uint32_t>(std::countr_zero(bits));
      const auto last = static_cast<std::uint32_t>(64 - std::countl_zero(bits));
      commit_rows(leaf * 64 + first, leaf * 64 + last);
      if (options_.poison) {
        for (std::uint64_t left = bits; left != 0; left &= left - 1) {
          const auto index = leaf * 64 + static_cast<std::uint32_t>(std::countr_zero(left));
          poison_rows(index, index + 1);
        }
      }
      sleeper.dormant = 0;
      dormant_ -= static_cast<std::uint64_t>(std::popcount(bits));
      woken += static_cast<std::size_t>(std::popcount(bits));
      publish(leaf, bits);
    }
    lowest_dormant_leaf_ = leaf + 1;
  }
  growths_ += woken != 0 ? 1 : 0;
  return woken != 0;
}

bool SlotArena::extend(std::size_t slots) {
  const std::uint32_t first = existing_leaves();
  if (first == leaf_count()) return false;
  const std::size_t wanted =
      std::max((slots + 63) / 64, std::max(std::size_t{1}, kGrowthBytes / (64 * stride_)));
  const auto last = static_cast<std::uint32_t>(std::min<std::size_t>(leaf_count(), first + wanted));
  const std::uint32_t last_slot = std::min(last * 64, options_.capacity);

  commit_metadata(first, last);
  commit_rows(first * 64, last_slot);
  if (options_.poison) poison_rows(first * 64, last_slot);

  // Nothing below can fail. Leaf 0 was made with the arena.
  for (std::uint32_t leaf = std::max(first, 1U); leaf < last; ++leaf) ::new (leaves_ + leaf) Leaf();
  for (std::uint32_t slot = first * 64; slot < last_slot; ++slot)
    ::new (states_ + slot) SlotState(0);
  existing_.store(last_slot, std::memory_order_release);
  for (std::uint32_t leaf = first; leaf < last; ++leaf) {
    publish(leaf, bits_between(0, std::min(64U, last_slot - leaf * 64)));
  }
  ++growths_;
  return true;
}

std::size_t SlotArena::shrink() {
  const std::scoped_lock lock(growth_);
  if (!rows_->readable_when_given_back() && holds_.load(std::memory_order_seq_cst) != 0) return 0;
  const std::size_t before = pages_.bytes();
  const std::uint32_t leaves = existing_leaves();
  // All free slots are taken out first, so that nobody gets one whose page is about to go; who
  // comes meanwhile finds nothing free and waits for the lock.
  std::vector<std::uint64_t> idle(leaves);
  for (std::uint32_t leaf = 0; leaf < leaves; ++leaf) {
    idle[leaf] = leaves_[leaf].free.exchange(0, std::memory_order_acquire);
  }
  {
    const Raid raid(raids_);
    for (Stripe& stripe : stripes_) {
      const std::uint32_t index = raid.empty(stripe);
      if (index != kEmptyPocket) idle[index >> 6] |= std::uint64_t{1} << (index & 63);
    }
  }
  give_idle_pages_back(idle);
  for (std::uint32_t leaf = 0; leaf < leaves; ++leaf) {
    if (idle[leaf] != 0) publish(leaf, idle[leaf]);
  }
  ++shrinks_;
  return before - pages_.bytes();
}

void SlotArena::give_idle_pages_back(std::span<std::uint64_t> idle) {
  const std::size_t page = pages_.page_size();
  const std::uint32_t end = existing_.load(std::memory_order_acquire);
  const auto unused = [&](std::uint32_t index) {
    const std::uint64_t bits = idle[index >> 6] | leaves_[index >> 6].dormant;
    return (bits >> (index & 63) & 1) != 0;
  };
  for (std::uint32_t index = 0; index < end;) {
    if (!unused(index)) {
      ++index;
      continue;
    }
    const std::uint32_t first = index;
    while (index < end && unused(index)) ++index;
    const std::size_t first_page = (first * stride_ + page - 1) / page;
    // Nothing lies behind the last slot, so the rest of its page goes too.
    const std::size_t last_page =
        index == end ? (index * stride_ + page - 1) / page : index * stride_ / page;
    if (first_page >= last_page) continue;
    pages_.decommit(first_page, last_page);
    const std::size_t touched = (last_page * page + stride_ - 1) / stride_;
    put_to_sleep(idle, static_cast<std::uint32_t>(first_page * page / stride_),
                 static_cast<std::uint32_t>(std::min<std::size_t>(index, touched)));
  }
}

void SlotArena::put_to_sleep(std::span<std::uint64_t> idle, std::uint32_t first,
                             std::uint32_t last) {
  for (std::uint32_t leaf = first >> 6; leaf * 64 < last; ++leaf) {
    const std::uint32_t start = std::max(first, leaf * 64) - leaf * 64;
    const std::uint32_t stop = std::min(last, (leaf + 1) * 64) - leaf * 64;
    const std::uint64_t asleep = idle[leaf] & bits_between(start, stop);
    idle[leaf] &= ~asleep;
    leaves_[leaf].dormant |= asleep;
    dormant_ += static_cast<std::uint64_t>(std::popcount(asleep));
  }
  lowest_dormant_leaf_ = std::min(lowest_dormant_leaf_, first >> 6);
}

std::uint32_t SlotArena::committed_rows() const {
  const std::scoped_lock lock(growth_);
  for (std::uint32_t leaf = existing_leaves(); leaf-- > 0;) {
    const std::uint64_t awake =
        ~leaves_[leaf].dormant & bits_between(0, std::min(64U, options_.capacity - leaf * 64));
    if (awake != 0) return leaf * 64 + static_cast<std::uint32_t>(64 - std::countl_zero(awake));
  }
  return 0;
}

void SlotArena::check_poison(std::uint32_t index) {
  if (!rows_->holds(index * stride_, options_.row_bytes, kPoison)) {
    poison_violations_.fetch_add(1, std::memory_order_relaxed);
  }
}

void SlotArena::poison_rows(std::uint32_t first, std::uint32_t last) {
  rows_->fill(first * stride_, (last - first) * stride_, kPoison);
}

}  // namespace klg::slots

// Many slots in one call: whole words are taken and given back where that is possible.
#include <algorithm>
#include <bit>

#include "klg/slots/slot_arena.hpp"

namespace klg::slots {

std::size_t SlotArena::collect(std::span<Handle> out) {
  std::size_t got = 0;
  for (std::uint32_t leaf = summary_.next(0); leaf != FreeSummary::kNone && got < out.size();
       leaf = summary_.next(leaf + 1)) {
    std::atomic<std::uint64_t>& word = leaves_[leaf].free;
    std::uint64_t free = word.load(std::memory_order_relaxed);
    std::uint64_t rest = 0;
    do {
      rest = 0;
      std::size_t wanted = out.size() - got;
      if (static_cast<std::size_t>(std::popcount(free)) > wanted) {
        for (rest = free; wanted > 0; --wanted) rest &= rest - 1;
      }
    } while (!word.compare_exchange_weak(free, rest, std::memory_order_acquire,
                                         std::memory_order_relaxed));
    for (std::uint64_t taken = free ^ rest; taken != 0; taken &= taken - 1) {
      out[got++] = begin_life(leaf << 6 | static_cast<std::uint32_t>(std::countr_zero(taken)));
    }
    if (rest == 0) summary_.clear(leaf, word);
  }
  return got;
}

// Takes lives back that nobody was told of.
void SlotArena::unclaim(std::span<const Handle> handles) noexcept {
  for (const Handle handle : handles) {
    const std::uint32_t index = codec_.index(handle);
    state_of(index).store((handle - kGenerationOne) & kGenerationMask, std::memory_order_release);
    publish(index >> 6, std::uint64_t{1} << (index & 63));
  }
}

bool SlotArena::allocate_many(std::span<Handle> out) {
  const std::uint32_t stripe = this_thread_stripe();
  std::size_t got = 0;
  if (!out.empty()) got += (out[0] = take_from_pocket(stripes_[stripe])) != 0 ? 1 : 0;
  try {
    for (;;) {
      const std::uint64_t releases_before = releases();
      got += collect(out.subspan(got));
      if (got == out.size()) break;
      if (grow(out.size() - got)) continue;
      while (got < out.size() && (out[got] = raid_pockets()) != 0) ++got;
      if (got == out.size()) break;
      const std::scoped_lock lock(growth_);
      if (!find_overlooked() && releases() == releases_before) {
        unclaim(out.first(got));
        return false;
      }
    }
  } catch (...) {
    unclaim(out.first(got));
    throw;
  }
  count(stripe, stripes_[stripe].allocations, out.size());
  return true;
}

// Undoes `retire`: the pin kept the slot, so its generation still is the one after the handle's.
void SlotArena::revive(Handle handle) noexcept {
  SlotState& state = state_of(codec_.index(handle));
  std::uint64_t seen = state.load(std::memory_order_acquire);
  while (!state.compare_exchange_weak(seen, (handle & kGenerationMask) | ((seen & kPinMask) - 1),
                                      std::memory_order_acq_rel, std::memory_order_acquire)) {
  }
}

std::size_t SlotArena::release_many(std::span<const Handle> handles, SlotStatus& why) {
  for (std::size_t k = 0; k < handles.size(); ++k) {
    why = retire(handles[k]);
    if (why == SlotStatus::kLive) continue;
    for (std::size_t undo = 0; undo < k; ++undo) revive(handles[undo]);
    return k;
  }
  const std::uint32_t stripe = this_thread_stripe();
  deferred_.fetch_add(handles.size(), std::memory_order_relaxed);
  std::uint32_t leaf = 0;
  std::uint32_t lowest = ~0U;
  std::uint64_t bits = 0;
  std::uint64_t freed = 0;
  const auto settle_leaf = [&] {
    if (holds_.load(std::memory_order_seq_cst) != 0) {
      keep(leaf, bits);
    } else {
      publish(leaf, bits);
    }
  };
  for (const Handle handle : handles) {
    const std::uint32_t index = codec_.index(handle);
    if (!drop_pin(index)) continue;
    ++freed;
    // Neighbours become one write.
    if (index >> 6 != leaf && bits != 0) {
      settle_leaf();
      bits = 0;
    }
    leaf = index >> 6;
    lowest = std::min(lowest, leaf);
    bits |= std::uint64_t{1} << (index & 63);
  }
  deferred_.fetch_sub(freed, std::memory_order_relaxed);
  if (bits != 0) settle_leaf();
  if (lowest < stripes_[stripe].leaf.load(std::memory_order_relaxed)) adopt_lower(lowest, stripe);
  count(stripe, stripes_[stripe].releases, handles.size());
  return handles.size();
}

}  // namespace klg::slots

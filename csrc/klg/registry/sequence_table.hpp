#pragma once

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <mutex>
#include <span>
#include <type_traits>

#include "klg/core/page_memory.hpp"
#include "klg/core/spin_lock.hpp"

namespace klg::registry {

/// Interns short sequences of plain values: equal sequences share one small id, for ever.
///
/// Looking up a sequence that is known takes no lock. Bounded: what finds no room gets id 0 and is
/// counted. Id 0 also stands for the empty sequence.
template <class T>
class SequenceTable {
  static_assert(std::is_trivially_copyable_v<T> && std::has_unique_object_representations_v<T>);

 public:
  /// @param max_sequences  how many different sequences are kept
  /// @param max_elements   how many elements they may have together
  SequenceTable(std::uint32_t max_sequences, std::size_t max_elements)
      : max_sequences_(max_sequences),
        max_elements_(max_elements),
        mask_(std::bit_ceil(std::max<std::uint64_t>(2 * std::uint64_t{max_sequences}, 2)) - 1),
        slots_((mask_ + 1) * sizeof(std::atomic<std::uint32_t>)),
        entries_((std::size_t{max_sequences} + 1) * sizeof(Entry)),
        elements_(max_elements * sizeof(T)) {}

  /// The id of the sequence, new or known; 0 for the empty one and where there is no room.
  [[nodiscard]] std::uint32_t intern(std::span<const T> sequence) noexcept {
    if (sequence.empty()) return 0;
    const std::uint64_t hash = hash_of(sequence);
    Probe probe = find(hash, sequence);
    if (probe.id != 0) return probe.id;
    const std::lock_guard guard(write_lock_);
    probe = find(hash, sequence);  // somebody may have added it since
    if (probe.id != 0) return probe.id;
    const std::uint32_t known = size_.load(std::memory_order_relaxed);
    if (known >= max_sequences_ || sequence.size() > max_elements_ - used_elements_) {
      dropped_.fetch_add(1, std::memory_order_relaxed);
      return 0;
    }
    const std::uint32_t id = known + 1;
    std::copy(sequence.begin(), sequence.end(), elements_.as<T>() + used_elements_);
    entries_.as<Entry>()[id] = {hash, used_elements_, sequence.size()};
    used_elements_ += sequence.size();
    size_.store(id, std::memory_order_release);
    slots()[probe.slot].store(id, std::memory_order_release);
    return id;
  }

  /// The sequence of an id; empty for 0 and for ids that were never given out.
  [[nodiscard]] std::span<const T> get(std::uint32_t id) const noexcept {
    if (id == 0 || id > size()) return {};
    const Entry& entry = entries_.as<Entry>()[id];
    return {elements_.as<T>() + entry.offset, entry.length};
  }

  /// How many sequences are known; their ids are 1 to this.
  [[nodiscard]] std::uint32_t size() const noexcept {
    return size_.load(std::memory_order_acquire);
  }

  /// How often `intern` found no room.
  [[nodiscard]] std::uint64_t dropped() const noexcept {
    return dropped_.load(std::memory_order_relaxed);
  }

  /// Guards additions; public so that a fork can wait for one to finish.
  [[nodiscard]] SpinLock& write_lock() noexcept { return write_lock_; }

 private:
  struct Entry {
    std::uint64_t hash;
    std::size_t offset;
    std::size_t length;
  };
  struct Probe {
    std::uint32_t id;  // 0: not there, and `slot` is where it would go
    std::uint64_t slot;
  };

  // Zeroed pages are atomics with value 0 on every ABI that we build for.
  static_assert(std::atomic<std::uint32_t>::is_always_lock_free);

  [[nodiscard]] std::atomic<std::uint32_t>* slots() const noexcept {
    return slots_.as<std::atomic<std::uint32_t>>();
  }

  // At least half of the slots stay empty, so the walk ends.
  [[nodiscard]] Probe find(std::uint64_t hash, std::span<const T> sequence) const noexcept {
    for (std::uint64_t slot = hash & mask_;; slot = (slot + 1) & mask_) {
      const std::uint32_t id = slots()[slot].load(std::memory_order_acquire);
      if (id == 0) return {0, slot};
      const Entry& entry = entries_.as<Entry>()[id];
      if (entry.hash != hash || entry.length != sequence.size()) continue;
      if (std::equal(sequence.begin(), sequence.end(), elements_.as<T>() + entry.offset)) {
        return {id, slot};
      }
    }
  }

  // The finalizer of SplitMix64, folded over the elements.
  [[nodiscard]] static std::uint64_t hash_of(std::span<const T> sequence) noexcept {
    std::uint64_t state = sequence.size();
    for (const T element : sequence) {
      state += 0x9e3779b97f4a7c15U + static_cast<std::uint64_t>(element);
      state = (state ^ (state >> 30)) * 0xbf58476d1ce4e5b9U;
      state = (state ^ (state >> 27)) * 0x94d049bb133111ebU;
      state ^= state >> 31;
    }
    return state;
  }

  const std::uint32_t max_sequences_;
  const std::size_t max_elements_;
  const std::uint64_t mask_;
  PageMemory slots_;
  PageMemory entries_;
  PageMemory elements_;
  std::size_t used_elements_ = 0;
  std::atomic<std::uint32_t> size_{0};
  std::atomic<std::uint64_t> dropped_{0};
  SpinLock write_lock_;
};

}  // namespace klg::registry

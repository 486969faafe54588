#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>

#include "klg/core/memory_reservation.hpp"
#include "klg/slots/committed_pages.hpp"
#include "klg/slots/free_summary.hpp"
#include "klg/slots/slot_handle.hpp"
#include "klg/slots/slot_leaf.hpp"
#include "klg/slots/stripe.hpp"

namespace klg::slots {

inline constexpr std::uint32_t kMaxCapacity = std::uint32_t{1} << 28;

struct SlotArenaOptions {
  std::size_t row_bytes = 0;
  std::size_t alignment = 1;  ///< Rows start at multiples of this; 1 packs them densely.
  std::uint32_t capacity = 0;
  bool poison = false;  ///< Free rows hold 0xff bytes (NaN), and it is checked that they still do.
};

/// What a handle stands for.
enum class SlotStatus : std::uint8_t {
  kLive,
  kFreed,     ///< Freed; its slot has not been handed out since.
  kRecycled,  ///< Freed, and its slot has been handed out again.
  kForeign,   ///< From another pool, or not a handle.
};

struct SlotStatistics {
  std::uint64_t live = 0;
  std::uint64_t deferred = 0;        ///< Freed, but pinned: not handed out before the last unpin.
  std::uint64_t pins = 0;            ///< Pins now held.
  std::uint64_t free_committed = 0;  ///< Ready to be handed out without growing.
  std::uint64_t peak = 0;            ///< Highest slot ever handed out + 1.
  std::uint64_t allocations = 0;
  std::uint64_t releases = 0;
  std::uint64_t growths = 0;
  std::uint64_t shrinks = 0;
  std::uint64_t poison_violations = 0;  ///< Rows written while they were free.
  std::size_t committed_bytes = 0;
  std::size_t reserved_bytes = 0;
  std::size_t metadata_bytes = 0;
};

/// Fixed-size rows in one reservation that is committed as it grows; a row never moves.
///
/// The state word of a slot is the truth: whoever changes it from free to live owns the slot. What
/// finds free slots are hints: free bits in leaf words of 64 under a summary tree, and a pocket per
/// stripe for the slot that its thread freed last, so that a free followed by an allocation costs
/// two locked instructions and touches nothing shared. A pocket takes only slots from at or below
/// the leaf its thread allocates from, and anyone may claim what lies in it. A thread takes from
/// the leaf that its stripe has adopted, then from the lowest that nobody has adopted, then asks
/// for memory, and last takes any slot at all: threads stay apart, low slots go first, and no slot
/// is stranded. All calls may come from any thread at any time.
class SlotArena {
 public:
  /// Bytes that the two reservations need.
  [[nodiscard]] static std::size_t row_area(const SlotArenaOptions& options);
  [[nodiscard]] static std::size_t metadata_area(const SlotArenaOptions& options);

  /// Throws OutOfMemory, or Error where the options make no arena.
  SlotArena(const SlotArenaOptions& options, std::unique_ptr<MemoryReservation> rows,
            std::unique_ptr<MemoryReservation> metadata);
  ~SlotArena();
  [[nodiscard]] static std::unique_ptr<SlotArena> on_host(const SlotArenaOptions& options);

  /// A new handle, or 0 if every slot is in use. Throws OutOfMemory if it cannot grow; nothing has
  /// changed then.
  [[nodiscard]] Handle allocate() {
    const std::uint32_t stripe = this_thread_stripe();
    Stripe& mine = stripes_[stripe];
    Handle handle = 0;
    const std::uint32_t pocket = mine.pocket.load(std::memory_order_relaxed);
    if (pocket != kEmptyPocket) [[likely]] {
      mine.pocket.store(kEmptyPocket, std::memory_order_relaxed);
      handle = claim(pocket);
    }
    if (handle == 0) handle = take(mine.leaf.load(std::memory_order_relaxed));
    if (handle == 0) [[unlikely]]
      handle = allocate_slowly(stripe);
    if (handle != 0) count(stripe, mine.allocations, 1);
    return handle;
  }

  /// Frees a slot; gives what the handle was before. Only kLive changes anything.
  SlotStatus release(Handle handle) {
    SlotState* state = find(handle);
    if (state == nullptr) [[unlikely]]
      return SlotStatus::kForeign;
    std::uint64_t expected = handle >> 32 << 32;  // and no pins
    if (options_.poison || !state->compare_exchange_strong(expected, next_generation(expected),
                                                           std::memory_order_acq_rel))
        [[unlikely]] {
      return release_slowly(handle);
    }
    const std::uint32_t stripe = this_thread_stripe();
    count(stripe, stripes_[stripe].releases, 1);
    offer(codec_.index(handle), stripe);
    return SlotStatus::kLive;
  }

  /// All or nothing. False if fewer are free; throws as `allocate`.
  [[nodiscard]] bool allocate_many(std::span<Handle> out);

  /// All or nothing: the size if all were freed, else the place of the first that is not live
  /// (`why` says what it is; one that came twice is kFreed).
  [[nodiscard]] std::size_t release_many(std::span<const Handle> handles, SlotStatus& why);

  [[nodiscard]] SlotStatus status(Handle handle) const;

  /// Keeps the slot of a live handle from being handed out again, even if it is freed meanwhile.
  SlotStatus pin(Handle handle);
  void unpin(std::uint32_t index);

  /// The slot of a handle of this arena, live or not.
  [[nodiscard]] std::uint32_t index(Handle handle) const noexcept { return codec_.index(handle); }
  [[nodiscard]] std::byte* row(std::uint32_t index) const noexcept {
    return rows_->base() + std::size_t{index} * stride_;
  }

  /// The handle of the life that slot `index` is in, or 0.
  [[nodiscard]] Handle live_handle(std::uint32_t index) const;

  /// One past the last slot that is backed: rows below may be read.
  [[nodiscard]] std::uint32_t committed_rows() const;

  /// Gives every page back that only free slots lie on, wherever it is, and says how many bytes.
  std::size_t shrink();

  [[nodiscard]] SlotStatistics statistics() const;
  [[nodiscard]] std::uint64_t live() const noexcept;

  [[nodiscard]] std::uint32_t capacity() const noexcept { return options_.capacity; }
  [[nodiscard]] std::size_t row_bytes() const noexcept { return options_.row_bytes; }
  [[nodiscard]] std::size_t stride() const noexcept { return stride_; }
  [[nodiscard]] std::size_t alignment() const noexcept { return options_.alignment; }
  [[nodiscard]] bool poison() const noexcept { return options_.poison; }

 private:
  static constexpr std::uint32_t kEmptyPocket = ~0U;

  struct alignas(64) Stripe {
    std::atomic<std::uint32_t> leaf{0};
    std::atomic<std::uint32_t> pocket{kEmptyPocket};
    std::atomic<std::uint64_t> allocations{0};
    std::atomic<std::uint64_t> releases{0};
  };

  [[nodiscard]] static std::uint64_t next_generation(std::uint64_t state) noexcept {
    return (state + kGenerationOne) & ~(std::uint64_t{1} << 63);
  }

  [[nodiscard]] std::uint32_t leaf_count() const noexcept { return (options_.capacity + 63) / 64; }
  [[nodiscard]] SlotState& state_of(std::uint32_t index) const noexcept { return states_[index]; }
  [[nodiscard]] SlotState* find(Handle handle) const noexcept {
    // An even generation is that of a free slot, which no handle has.
    if (!codec_.ours(handle) || (handle & kGenerationOne) == 0) [[unlikely]]
      return nullptr;
    const std::uint32_t index = codec_.index(handle);
    if (index >= existing_.load(std::memory_order_acquire)) [[unlikely]]
      return nullptr;
    return &state_of(index);
  }

  // A stripe's counters have one writer but for the shared stripe.
  static void count(std::uint32_t stripe, std::atomic<std::uint64_t>& counter, std::uint64_t n) {
    if (stripe == kSharedStripe) [[unlikely]] {
      counter.fetch_add(n, std::memory_order_relaxed);
    } else {
      counter.store(counter.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
    }
  }

  // Begins a life of a slot if it is free: 0 where the hint was wrong.
  Handle claim(std::uint32_t index) {
    SlotState& state = state_of(index);
    std::uint64_t seen = state.load(std::memory_order_relaxed);
    if ((seen & (kGenerationOne | kPinMask)) != 0) return 0;
    const std::uint64_t born = next_generation(seen);
    if (!state.compare_exchange_strong(seen, born, std::memory_order_acq_rel)) return 0;
    if (options_.poison) [[unlikely]]
      check_poison(index);
    return codec_.encode(born, index);
  }

  Handle take(std::uint32_t leaf) {
    std::atomic<std::uint64_t>& word = leaves_[leaf].free;
    std::uint64_t free = word.load(std::memory_order_relaxed);
    while (free != 0) {
      if (!word.compare_exchange_weak(free, free & (free - 1), std::memory_order_acquire,
                                      std::memory_order_relaxed)) {
        continue;
      }
      const auto bit = static_cast<std::uint32_t>(std::countr_zero(free));
      if (const Handle handle = claim(leaf << 6 | bit)) return handle;
      free = word.load(std::memory_order_relaxed);
    }
    return 0;
  }

  // Makes a slot found that is free already: in the pocket of this thread, or for all to see.
  void offer(std::uint32_t index, std::uint32_t stripe) {
    Stripe& mine = stripes_[stripe];
    const std::uint32_t pocket = mine.pocket.load(std::memory_order_relaxed);
    if (pocket == kEmptyPocket && index >> 6 <= mine.leaf.load(std::memory_order_relaxed) &&
        stripe != kSharedStripe) [[likely]] {
      mine.pocket.store(index, std::memory_order_release);
      return;
    }
    offer_to_all(index, pocket, stripe);
  }

  void publish(std::uint32_t leaf, std::uint64_t bits) noexcept {
    leaves_[leaf].free.fetch_or(bits, std::memory_order_seq_cst);
    summary_.note(leaf);
  }

  void adopt(std::uint32_t leaf, std::uint32_t stripe) noexcept;
  void adopt_lower(std::uint32_t leaf, std::uint32_t stripe) noexcept;
  Handle allocate_slowly(std::uint32_t stripe);
  Handle allocate_from_tree(std::uint32_t stripe, bool adopted_too);
  Handle raid_pockets();
  void offer_to_all(std::uint32_t index, std::uint32_t pocket, std::uint32_t stripe) noexcept;
  SlotStatus release_slowly(Handle handle);
  SlotStatus status_of(Handle handle, std::uint64_t state) const noexcept;
  SlotStatus retire(Handle handle);
  void revive(Handle handle) noexcept;
  bool drop_pin(std::uint32_t index);
  std::size_t collect(std::span<Handle> out);
  void empty_pocket(std::uint32_t stripe) noexcept;
  void unclaim(std::span<const Handle> handles) noexcept;

  // Growth, in slot_arena_growth.cpp; all under the lock.
  bool grow(std::size_t slots);
  bool find_overlooked();
  [[nodiscard]] std::uint32_t existing_leaves() const noexcept {
    return (existing_.load(std::memory_order_acquire) + 63) / 64;
  }
  void commit_metadata(std::uint32_t first_leaf, std::uint32_t last_leaf);
  bool wake(std::size_t slots);
  bool extend(std::size_t slots);
  void commit_rows(std::uint32_t first, std::uint32_t last);
  [[nodiscard]] std::uint64_t claim_idle(std::uint32_t leaf) noexcept;
  void let_go(std::uint32_t leaf, std::uint64_t bits) noexcept;
  void give_idle_pages_back(std::span<std::uint64_t> claimed);
  void put_to_sleep(std::span<std::uint64_t> claimed, std::uint32_t first, std::uint32_t last);

  void check_poison(std::uint32_t index);
  void poison_rows(std::uint32_t first, std::uint32_t last);

  SlotArenaOptions options_;
  std::size_t stride_;
  HandleCodec codec_;
  std::unique_ptr<MemoryReservation> rows_;
  std::unique_ptr<MemoryReservation> metadata_;
  SlotState* states_;
  Leaf* leaves_;
  std::atomic<std::uint32_t> existing_{0};  ///< Slots that have metadata; rises only.
  FreeSummary summary_;
  std::array<Stripe, kStripes> stripes_{};

  mutable std::mutex growth_;
  CommittedPages pages_;
  CommittedPages metadata_pages_;
  std::uint64_t dormant_ = 0;              ///< Existing slots without memory.
  std::uint32_t lowest_dormant_leaf_ = 0;  ///< No leaf below has any.
  std::uint64_t growths_ = 0;
  std::uint64_t shrinks_ = 0;
  std::atomic<std::uint64_t> deferred_{0};
  std::atomic<std::uint64_t> pins_{0};
  std::atomic<std::uint64_t> poison_violations_{0};
};

}  // namespace klg::slots

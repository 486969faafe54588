#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>

#include "klg/core/fork_lock.hpp"
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
  std::uint64_t deferred = 0;        ///< Freed, but pinned or held: not handed out before the end.
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
/// A free slot lies in exactly one place: as a bit in the leaf word of its 64, under a summary
/// tree, or in the pocket of a stripe, which holds what its thread freed last. Whoever takes it out
/// of there owns it and may write its state word, so that a free followed by an allocation costs
/// one locked instruction and touches nothing shared, and 64 slots at once cost no more. The state
/// word tells lives apart and is what a misused handle is caught by. A pocket takes only slots from
/// at or below the leaf its thread allocates from; others may empty it in a `Raid`. A thread takes
/// from the leaf that its stripe has adopted, then from the lowest that nobody has adopted, then
/// asks for memory, and last takes any slot at all: threads stay apart, low slots go first, and no
/// slot is stranded. All calls may come from any thread at any time.
class SlotArena final : private ForkLock {
 public:
  /// Bytes that the two reservations need.
  [[nodiscard]] static std::size_t row_area(const SlotArenaOptions& options);
  [[nodiscard]] static std::size_t metadata_area(const SlotArenaOptions& options);

  /// Throws OutOfMemory, or Error where the options make no arena.
  SlotArena(const SlotArenaOptions& options, std::unique_ptr<MemoryReservation> rows,
            std::unique_ptr<MemoryReservation> metadata);
  ~SlotArena();
  SlotArena(const SlotArena&) = delete;
  SlotArena& operator=(const SlotArena&) = delete;
  [[nodiscard]] static std::unique_ptr<SlotArena> on_host(const SlotArenaOptions& options);

  /// A new handle, or 0 if every slot is in use. Throws OutOfMemory if it cannot grow; nothing has
  /// changed then.
  [[nodiscard]] Handle allocate() {
    const std::uint32_t stripe = this_thread_stripe();
    Stripe& mine = stripes_[stripe];
    Handle handle = take_from_pocket(mine);
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
    settle(codec_.index(handle), stripe);
    count(stripe, stripes_[stripe].releases, 1);
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

  /// Frees a slot that keeps one pin, the caller's: `reuse` or `unpin` is to follow.
  SlotStatus release_pinned(Handle handle);

  /// Begins the next life of a slot that `release_pinned` freed, in exchange for its pin; 0, and
  /// the pin stays, if others have it pinned or there is a hold.
  [[nodiscard]] Handle reuse(std::uint32_t index);

  /// From `hold` to the last `end_hold` no slot that is live now is handed out again.
  void hold() noexcept { holds_.fetch_add(1, std::memory_order_seq_cst); }
  void end_hold() noexcept;

  /// The slot of a handle of this arena, live or not.
  [[nodiscard]] std::uint32_t index(Handle handle) const noexcept { return codec_.index(handle); }
  [[nodiscard]] std::byte* row(std::uint32_t index) const noexcept {
    return rows_->base() + std::size_t{index} * stride_;
  }

  /// Sets, reads or writes all of a row that is backed, wherever its memory lies.
  void fill_row(std::uint32_t index, std::byte value) {
    rows_->fill(std::size_t{index} * stride_, options_.row_bytes, value);
  }
  void read_row(std::uint32_t index, void* to) const {
    rows_->read(std::size_t{index} * stride_, options_.row_bytes, to);
  }
  void write_row(std::uint32_t index, const void* from) {
    rows_->write(std::size_t{index} * stride_, options_.row_bytes, from);
  }

  /// The handle of the life that slot `index` is in, or 0.
  [[nodiscard]] Handle live_handle(std::uint32_t index) const;

  /// One past the last slot that is backed: rows below may be read.
  [[nodiscard]] std::uint32_t committed_rows() const;

  /// Gives every page back that only free slots lie on, wherever it is, and says how many bytes.
  /// Nothing during a hold, where such pages could not be read any more.
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
    std::atomic<bool> taking{false};  ///< Its thread is just taking what lies in the pocket.
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

  // Begins a life of a slot that was taken out of its place: nobody else writes its state.
  Handle begin_life(std::uint32_t index) {
    SlotState& state = state_of(index);
    const std::uint64_t born = next_generation(state.load(std::memory_order_relaxed));
    state.store(born, std::memory_order_release);
    if (options_.poison) [[unlikely]]
      check_poison(index);
    return codec_.encode(born, index);
  }

  // While there is a raid every pocket is emptied by an exchange. Without one its thread does so
  // with plain writes: it says so in `taking` first, and whoever begins a raid makes all threads
  // pass a fence, so that either it sees `taking` or that thread sees the raid.
  class Raid {
   public:
    explicit Raid(std::atomic<std::uint32_t>& raids) noexcept;
    Raid(const Raid&) = delete;
    Raid& operator=(const Raid&) = delete;
    ~Raid() { raids_.fetch_sub(1, std::memory_order_release); }

    /// What lies in a pocket, or kEmptyPocket. What its thread is just taking is not there any
    /// more.
    [[nodiscard]] std::uint32_t empty(Stripe& stripe) const noexcept;

   private:
    std::atomic<std::uint32_t>& raids_;
  };

  Handle take_from_pocket(Stripe& mine) {
    if (mine.pocket.load(std::memory_order_relaxed) == kEmptyPocket) return 0;
    mine.taking.store(true, std::memory_order_relaxed);
    std::atomic_signal_fence(std::memory_order_seq_cst);
    std::uint32_t index = kEmptyPocket;
    if (raids_.load(std::memory_order_acquire) == 0) [[likely]] {
      index = mine.pocket.load(std::memory_order_acquire);
      mine.pocket.store(kEmptyPocket, std::memory_order_relaxed);
    } else {
      index = mine.pocket.exchange(kEmptyPocket, std::memory_order_acq_rel);
    }
    mine.taking.store(false, std::memory_order_release);
    return index == kEmptyPocket ? 0 : begin_life(index);
  }

  Handle take(std::uint32_t leaf) {
    std::atomic<std::uint64_t>& word = leaves_[leaf].free;
    std::uint64_t free = word.load(std::memory_order_relaxed);
    while (free != 0) {
      if (word.compare_exchange_weak(free, free & (free - 1), std::memory_order_acquire,
                                     std::memory_order_relaxed)) {
        return begin_life(leaf << 6 | static_cast<std::uint32_t>(std::countr_zero(free)));
      }
    }
    return 0;
  }

  // A slot whose life has ended comes to where it is found again. Either the end of its life came
  // before a hold, or this sees the hold.
  void settle(std::uint32_t index, std::uint32_t stripe) {
    if (holds_.load(std::memory_order_seq_cst) != 0) [[unlikely]] {
      keep(index >> 6, std::uint64_t{1} << (index & 63));
    } else {
      offer(index, stripe);
    }
  }

  // Makes a free slot found: in the pocket of this thread, or for all to see.
  void offer(std::uint32_t index, std::uint32_t stripe) {
    Stripe& mine = stripes_[stripe];
    const std::uint32_t pocket = mine.pocket.load(std::memory_order_relaxed);
    // Others only empty it, so that an empty one of our own stays so.
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

  void lock_for_fork() noexcept override { growth_.lock(); }
  void unlock_after_fork() noexcept override { growth_.unlock(); }

  void adopt(std::uint32_t leaf, std::uint32_t stripe) noexcept;
  void adopt_lower(std::uint32_t leaf, std::uint32_t stripe) noexcept;
  Handle allocate_slowly(std::uint32_t stripe);
  Handle allocate_from_tree(std::uint32_t stripe, bool adopted_too);
  Handle raid_pockets();
  void offer_to_all(std::uint32_t index, std::uint32_t pocket, std::uint32_t stripe) noexcept;
  SlotStatus release_slowly(Handle handle);
  void keep(std::uint32_t leaf, std::uint64_t bits) noexcept;
  void give_kept_back(std::uint32_t leaf) noexcept;
  SlotStatus status_of(Handle handle, std::uint64_t state) const noexcept;
  SlotStatus retire(Handle handle);
  void revive(Handle handle) noexcept;
  bool drop_pin(std::uint32_t index);
  std::size_t collect(std::span<Handle> out);
  [[nodiscard]] std::uint64_t releases() const noexcept;
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
  void give_idle_pages_back(std::span<std::uint64_t> idle);
  void put_to_sleep(std::span<std::uint64_t> idle, std::uint32_t first, std::uint32_t last);

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

  std::atomic<std::uint32_t> raids_;  ///< Never 0 where threads cannot be fenced.
  std::atomic<std::uint32_t> holds_{0};

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

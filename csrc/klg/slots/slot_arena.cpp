#include "klg/slots/slot_arena.hpp"

#include <algorithm>
#include <bit>
#include <exception>
#include <string>

#include "klg/core/asymmetric_fence.hpp"
#include "klg/core/error.hpp"
#include "klg/core/host_reservation.hpp"

namespace klg::slots {
namespace {

std::atomic<std::uint32_t> next_serial{1};

std::size_t stride_of(const SlotArenaOptions& options) {
  if (options.row_bytes == 0) throw Error("a row needs at least one byte");
  if (options.capacity == 0 || options.capacity > kMaxCapacity) {
    throw Error("capacity must lie in 1.." + std::to_string(kMaxCapacity) + ", got " +
                std::to_string(options.capacity));
  }
  if (!std::has_single_bit(options.alignment) || options.alignment > 4096) {
    throw Error("alignment must be a power of two up to 4096, got " +
                std::to_string(options.alignment));
  }
  const std::size_t stride = (options.row_bytes + options.alignment - 1) & ~(options.alignment - 1);
  if (stride < options.row_bytes || stride > (std::size_t{1} << 62) / options.capacity) {
    throw Error("capacity * row bytes is not addressable: " + std::to_string(options.capacity) +
                " * " + std::to_string(options.row_bytes));
  }
  return stride;
}

}  // namespace

std::size_t SlotArena::row_area(const SlotArenaOptions& options) {
  return stride_of(options) * options.capacity;
}

std::size_t SlotArena::metadata_area(const SlotArenaOptions& options) {
  return (std::size_t{options.capacity} + 63) / 64 * (64 * sizeof(SlotState) + sizeof(Leaf));
}

SlotArena::SlotArena(const SlotArenaOptions& options, std::unique_ptr<MemoryReservation> rows,
                     std::unique_ptr<MemoryReservation> metadata)
    : options_(options),
      stride_(stride_of(options)),
      codec_(options.capacity, next_serial.fetch_add(1, std::memory_order_relaxed)),
      rows_(std::move(rows)),
      metadata_(std::move(metadata)),
      states_(reinterpret_cast<SlotState*>(metadata_->base())),
      leaves_(reinterpret_cast<Leaf*>(metadata_->base() +
                                      std::size_t{leaf_count()} * 64 * sizeof(SlotState))),
      summary_(leaf_count()),
      raids_(can_fence_all_threads() ? 0 : 1),
      pages_(*rows_),
      metadata_pages_(*metadata_) {
  // Stripes begin at leaf 0, so it can be looked at before there is any row.
  commit_metadata(0, 1);
  ::new (leaves_) Leaf();
  guard_forks();
}

SlotArena::~SlotArena() { ignore_forks(); }

std::unique_ptr<SlotArena> SlotArena::on_host(const SlotArenaOptions& options) {
  return std::make_unique<SlotArena>(options, std::make_unique<HostReservation>(row_area(options)),
                                     std::make_unique<HostReservation>(metadata_area(options)));
}

void SlotArena::adopt(std::uint32_t leaf, std::uint32_t stripe) noexcept {
  Stripe& mine = stripes_[stripe];
  Leaf& left = leaves_[mine.leaf.load(std::memory_order_relaxed)];
  if (left.owner.load(std::memory_order_relaxed) == stripe + 1) {
    left.owner.store(0, std::memory_order_relaxed);
  }
  leaves_[leaf].owner.store(stripe + 1, std::memory_order_relaxed);
  mine.leaf.store(leaf, std::memory_order_relaxed);
}

void SlotArena::adopt_lower(std::uint32_t leaf, std::uint32_t stripe) noexcept {
  if (leaves_[leaf].owner.load(std::memory_order_relaxed) == 0) adopt(leaf, stripe);
}

Handle SlotArena::allocate_from_tree(std::uint32_t stripe, bool adopted_too) {
  for (std::uint32_t leaf = summary_.next(0); leaf != FreeSummary::kNone;
       leaf = summary_.next(leaf + 1)) {
    Leaf& candidate = leaves_[leaf];
    if (candidate.free.load(std::memory_order_relaxed) == 0) {
      summary_.clear(leaf, candidate.free);
      continue;
    }
    const std::uint32_t owner = candidate.owner.load(std::memory_order_relaxed);
    if (!adopted_too && owner != 0 && owner != stripe + 1) continue;
    if (const Handle handle = take(leaf)) {
      adopt(leaf, stripe);
      return handle;
    }
  }
  return 0;
}

void SlotArena::offer_to_all(std::uint32_t index, std::uint32_t pocket,
                             std::uint32_t stripe) noexcept {
  Stripe& mine = stripes_[stripe];
  // The lower one stays in the pocket: it is to go first.
  if (pocket != kEmptyPocket && index < pocket) {
    index = mine.pocket.exchange(index, std::memory_order_acq_rel);
    if (index == kEmptyPocket) return;
  }
  publish(index >> 6, std::uint64_t{1} << (index & 63));
  if (index >> 6 < mine.leaf.load(std::memory_order_relaxed)) adopt_lower(index >> 6, stripe);
}

SlotArena::Raid::Raid(std::atomic<std::uint32_t>& raids) noexcept : raids_(raids) {
  raids_.fetch_add(1, std::memory_order_seq_cst);
  if (can_fence_all_threads()) fence_all_threads();
}

std::uint32_t SlotArena::Raid::empty(Stripe& stripe) const noexcept {
  if (stripe.pocket.load(std::memory_order_relaxed) == kEmptyPocket ||
      stripe.taking.load(std::memory_order_acquire)) {
    return kEmptyPocket;
  }
  return stripe.pocket.exchange(kEmptyPocket, std::memory_order_acq_rel);
}

Handle SlotArena::raid_pockets() {
  const Raid raid(raids_);
  for (Stripe& stripe : stripes_) {
    const std::uint32_t index = raid.empty(stripe);
    if (index != kEmptyPocket) return begin_life(index);
  }
  return 0;
}

Handle SlotArena::allocate_slowly(std::uint32_t stripe) {
  for (;;) {
    const std::uint64_t releases_before = releases();
    if (const Handle handle = allocate_from_tree(stripe, false)) return handle;
    bool grown = false;
    std::exception_ptr failure;
    try {
      grown = grow(1);
    } catch (const OutOfMemory&) {
      failure = std::current_exception();
    }
    if (grown) continue;
    if (const Handle handle = allocate_from_tree(stripe, true)) return handle;
    if (const Handle handle = raid_pockets()) return handle;
    if (failure) std::rethrow_exception(failure);
    const std::scoped_lock lock(growth_);
    // What others took and freed meanwhile may have come to places that were looked at before.
    if (!find_overlooked() && releases() == releases_before) return 0;
  }
}

SlotStatus SlotArena::status_of(Handle handle, std::uint64_t state) const noexcept {
  const std::uint64_t asked = handle & kGenerationMask;
  const std::uint64_t now = state & kGenerationMask;
  if ((handle >> 63) != 0) return SlotStatus::kForeign;
  if (asked == now) return SlotStatus::kLive;
  if (next_generation(asked) == now) return SlotStatus::kFreed;
  // Within half the range behind: an earlier life. Ahead: nobody was ever given it.
  const std::uint64_t behind = (now - asked) & kGenerationMask;
  return behind <= kGenerationMask / 2 ? SlotStatus::kRecycled : SlotStatus::kForeign;
}

SlotStatus SlotArena::status(Handle handle) const {
  const SlotState* state = find(handle);
  if (state == nullptr) return SlotStatus::kForeign;
  return status_of(handle, state->load(std::memory_order_acquire));
}

// Ends a life and pins the slot in one step: dead, but not yet for others to take.
SlotStatus SlotArena::retire(Handle handle) {
  SlotState* state = find(handle);
  if (state == nullptr) return SlotStatus::kForeign;
  std::uint64_t seen = state->load(std::memory_order_acquire);
  do {
    const SlotStatus status = status_of(handle, seen);
    if (status != SlotStatus::kLive) return status;
  } while (!state->compare_exchange_weak(seen, next_generation(seen) + 1, std::memory_order_acq_rel,
                                         std::memory_order_acquire));
  return SlotStatus::kLive;
}

// Takes one pin of a slot off; true if that made it free. What is to be done to a row before
// others may have it is done while the last pin still holds it.
bool SlotArena::drop_pin(std::uint32_t index) {
  SlotState& state = state_of(index);
  std::uint64_t seen = state.load(std::memory_order_acquire);
  do {
    const bool last_of_dead = (seen & kPinMask) == 1 && (seen & kGenerationOne) == 0;
    if (last_of_dead) {
      if (options_.poison) poison_rows(index, index + 1);
      // Nobody can pin a dead slot, nor take it: it is ours to write.
      state.store(seen - 1, std::memory_order_release);
      return true;
    }
  } while (!state.compare_exchange_weak(seen, seen - 1, std::memory_order_acq_rel,
                                        std::memory_order_acquire));
  return false;
}

SlotStatus SlotArena::release_slowly(Handle handle) {
  const SlotStatus status = retire(handle);
  if (status != SlotStatus::kLive) return status;
  const std::uint32_t stripe = this_thread_stripe();
  deferred_.fetch_add(1, std::memory_order_relaxed);
  const std::uint32_t index = codec_.index(handle);
  if (drop_pin(index)) {
    deferred_.fetch_sub(1, std::memory_order_relaxed);
    settle(index, stripe);
  }
  count(stripe, stripes_[stripe].releases, 1);
  return SlotStatus::kLive;
}

SlotStatus SlotArena::pin(Handle handle) {
  SlotState* state = find(handle);
  if (state == nullptr) return SlotStatus::kForeign;
  std::uint64_t seen = state->load(std::memory_order_acquire);
  do {
    const SlotStatus status = status_of(handle, seen);
    if (status != SlotStatus::kLive) return status;
  } while (!state->compare_exchange_weak(seen, seen + 1, std::memory_order_acq_rel,
                                         std::memory_order_acquire));
  pins_.fetch_add(1, std::memory_order_relaxed);
  return SlotStatus::kLive;
}

void SlotArena::unpin(std::uint32_t index) {
  pins_.fetch_sub(1, std::memory_order_relaxed);
  if (drop_pin(index)) {
    deferred_.fetch_sub(1, std::memory_order_relaxed);
    settle(index, this_thread_stripe());
  }
}

SlotStatus SlotArena::release_pinned(Handle handle) {
  const SlotStatus status = retire(handle);
  if (status != SlotStatus::kLive) return status;
  const std::uint32_t stripe = this_thread_stripe();
  deferred_.fetch_add(1, std::memory_order_relaxed);
  pins_.fetch_add(1, std::memory_order_relaxed);
  count(stripe, stripes_[stripe].releases, 1);
  return SlotStatus::kLive;
}

Handle SlotArena::reuse(std::uint32_t index) {
  if (holds_.load(std::memory_order_seq_cst) != 0) return 0;
  SlotState& state = state_of(index);
  std::uint64_t seen = state.load(std::memory_order_acquire);
  // Pins of a dead slot only become fewer, and the last one is the caller's.
  if ((seen & kPinMask) != 1) return 0;
  const std::uint64_t born = next_generation(seen - 1);
  state.store(born, std::memory_order_release);
  deferred_.fetch_sub(1, std::memory_order_relaxed);
  pins_.fetch_sub(1, std::memory_order_relaxed);
  const std::uint32_t stripe = this_thread_stripe();
  count(stripe, stripes_[stripe].allocations, 1);
  return codec_.encode(born, index);
}

void SlotArena::keep(std::uint32_t leaf, std::uint64_t bits) noexcept {
  deferred_.fetch_add(static_cast<std::uint64_t>(std::popcount(bits)), std::memory_order_seq_cst);
  leaves_[leaf].kept.fetch_or(bits, std::memory_order_seq_cst);
  if (holds_.load(std::memory_order_seq_cst) == 0) give_kept_back(leaf);
}

void SlotArena::give_kept_back(std::uint32_t leaf) noexcept {
  const std::uint64_t bits = leaves_[leaf].kept.exchange(0, std::memory_order_seq_cst);
  if (bits == 0) return;
  deferred_.fetch_sub(static_cast<std::uint64_t>(std::popcount(bits)), std::memory_order_relaxed);
  publish(leaf, bits);
}

void SlotArena::end_hold() noexcept {
  if (holds_.fetch_sub(1, std::memory_order_seq_cst) != 1) return;
  if (deferred_.load(std::memory_order_seq_cst) == 0) return;
  const std::uint32_t leaves = existing_leaves();
  for (std::uint32_t leaf = 0; leaf < leaves; ++leaf) {
    if (leaves_[leaf].kept.load(std::memory_order_seq_cst) != 0) give_kept_back(leaf);
  }
}

Handle SlotArena::live_handle(std::uint32_t index) const {
  if (index >= existing_.load(std::memory_order_acquire)) return 0;
  const std::uint64_t state = state_of(index).load(std::memory_order_acquire);
  return (state & kGenerationOne) != 0 ? codec_.encode(state, index) : 0;
}

std::uint64_t SlotArena::releases() const noexcept {
  std::uint64_t sum = 0;
  for (const Stripe& stripe : stripes_) sum += stripe.releases.load(std::memory_order_relaxed);
  return sum;
}

std::uint64_t SlotArena::live() const noexcept {
  std::uint64_t balance = 0;
  for (const Stripe& stripe : stripes_) {
    balance += stripe.allocations.load(std::memory_order_relaxed) -
               stripe.releases.load(std::memory_order_relaxed);
  }
  return balance;
}

SlotStatistics SlotArena::statistics() const {
  const std::scoped_lock lock(growth_);
  SlotStatistics s;
  for (const Stripe& stripe : stripes_) {
    s.allocations += stripe.allocations.load(std::memory_order_relaxed);
  }
  s.releases = releases();
  s.live = s.allocations - s.releases;
  s.deferred = deferred_.load(std::memory_order_relaxed);
  std::uint32_t last = existing_.load(std::memory_order_acquire);
  s.free_committed = last - dormant_ - s.live - s.deferred;
  while (last > 0 && (state_of(last - 1).load(std::memory_order_relaxed) & kGenerationMask) == 0) {
    --last;
  }
  s.peak = last;
  s.pins = pins_.load(std::memory_order_relaxed);
  s.growths = growths_;
  s.shrinks = shrinks_;
  s.poison_violations = poison_violations_.load(std::memory_order_relaxed);
  s.committed_bytes = pages_.bytes();
  s.reserved_bytes = rows_->size();
  s.metadata_bytes = metadata_pages_.bytes();
  return s;
}

}  // namespace klg::slots

#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "klg/core/fork_lock.hpp"
#include "klg/core/page_memory.hpp"
#include "klg/core/spin_lock.hpp"
#include "klg/registry/handle.hpp"
#include "klg/registry/stack_table.hpp"

namespace klg::registry {

/// What a registry may hold; all of it is reserved as address space and committed as used.
struct Limits {
  std::uint32_t records = 1U << 20;
  std::uint32_t sites = 1U << 16;
  std::uint32_t stacks = 1U << 16;
  std::size_t frames = std::size_t{1} << 21;      ///< of all stacks together
  std::size_t name_bytes = std::size_t{8} << 20;  ///< of all sites together
  std::uint32_t shards = 0;                       ///< 0: twice the number of cores
};

/// One live allocation.
struct LiveRecord {
  Handle handle;
  SiteId site;
  StackId stack;
  std::uint64_t size;    ///< bytes
  std::int64_t born_ns;  ///< `klg::coarse_monotonic_ns()` when it was recorded
};

/// What one site has allocated; sizes in bytes.
struct SiteStatistics {
  SiteId site = kOtherSites;
  std::uint64_t live_bytes = 0;
  std::uint64_t live_count = 0;
  std::uint64_t total_bytes = 0;
  std::uint64_t total_count = 0;
  std::uint64_t high_water_bytes = 0;  ///< the most that was live at one moment
  std::int64_t oldest_born_ns = 0;     ///< of the records that are live; 0 without any
};

/// Sums over all sites, and everything that was refused.
struct Totals {
  std::uint64_t live_bytes = 0;
  std::uint64_t live_count = 0;
  std::uint64_t total_bytes = 0;
  std::uint64_t total_count = 0;
  std::uint64_t dropped_records = 0;  ///< over the cap
  std::uint64_t dropped_bytes = 0;
  std::uint64_t dropped_sites = 0;   ///< counted under `kOtherSites`
  std::uint64_t dropped_stacks = 0;  ///< recorded with `kNoStack`
  std::uint64_t stale_releases = 0;
  std::uint64_t retired_slots = 0;
};

enum class Release {
  released,
  dropped,  ///< the record had been dropped at the cap; nothing to do
  stale,    ///< released before, or never given out; counted
};

/// A sharded table of live allocations.
///
/// Every function may be called from any thread at any time, without Python's lock. A thread
/// records into the shard it was dealt; a release goes to the shard that owns the slot. `record`,
/// `release` and `lookup` neither allocate nor throw. `snapshot` and `sites` hold one shard's lock
/// at a time, for one chunk of records: a record that lives throughout is seen exactly once.
///
/// Live and total figures of a site are plain counters of each shard, added up when asked; its live
/// bytes are also one atomic, because a high-water mark is a property of the sum. All are exact
/// once the calls that changed them have returned.
class AllocationRegistry final : private ForkLock {
 public:
  /// @throws std::invalid_argument for limits out of range, std::bad_alloc without address space.
  explicit AllocationRegistry(const Limits& limits = {});
  ~AllocationRegistry();

  /// Records an allocation; the handle is `dropped()` where the cap is reached.
  [[nodiscard]] Handle record(SiteId site, std::uint64_t size, StackId stack = kNoStack) noexcept;

  Release release(Handle handle) noexcept;

  /// The record of a handle, unless it is stale or dropped.
  [[nodiscard]] std::optional<LiveRecord> lookup(Handle handle) const noexcept;

  /// The id of a site's name; `kOtherSites` where the table is full.
  [[nodiscard]] SiteId site(std::string_view name) noexcept;
  [[nodiscard]] std::string_view site_name(SiteId site) const noexcept;

  /// The id of a call stack; `kNoStack` where it is empty or the table is full.
  [[nodiscard]] StackId stack(std::span<const FrameId> frames) noexcept;
  [[nodiscard]] std::span<const FrameId> frames(StackId stack) const noexcept;

  /// Copies out every live record.
  [[nodiscard]] std::vector<LiveRecord> snapshot() const;

  /// Statistics of every site that has ever recorded, by id.
  [[nodiscard]] std::vector<SiteStatistics> sites() const;

  [[nodiscard]] Totals totals() const noexcept;
  [[nodiscard]] const Limits& limits() const noexcept { return limits_; }

 private:
  friend struct RegistryPeer;  // tests use up a slot's generations through it

  static constexpr std::uint32_t kChunk = 1024;  // records; 32 KiB, a few microseconds to copy
  static constexpr std::uint32_t kMaxShards = 64;
  static constexpr std::uint8_t kUnclaimed = 0;  // zeroed pages: shard numbers are kept plus one

  struct Record {
    std::uint64_t generation;  // odd while live
    std::uint64_t size;
    std::int64_t born_ns;
    SiteId site;
    std::uint32_t stack_or_next;  // while free: index of the next free slot plus one
  };
  struct SiteCounters {
    std::uint64_t live_bytes;
    std::uint64_t live_count;
    std::uint64_t total_bytes;
    std::uint64_t total_count;
  };
  struct alignas(64) SiteLevel {
    std::atomic<std::uint64_t> live_bytes;
    std::atomic<std::uint64_t> high_water;
  };
  struct alignas(64) Shard {
    mutable SpinLock lock;
    std::uint32_t free_head = 0;  // index plus one
    std::uint32_t fresh_begin = 0;
    std::uint32_t fresh_end = 0;
    SiteCounters sum{};
    std::uint64_t retired = 0;
    PageMemory sites;
  };

  void lock_for_fork() noexcept override;
  void unlock_after_fork() noexcept override;

  [[nodiscard]] Shard& home_shard() const noexcept;
  [[nodiscard]] Handle record_in(Shard& shard, SiteId site, std::uint64_t size, StackId stack,
                                 std::int64_t born_ns) noexcept;
  [[nodiscard]] bool take_slot(Shard& shard, std::uint32_t& index) noexcept;
  [[nodiscard]] bool claim_chunk(Shard& shard) noexcept;
  [[nodiscard]] Shard* owner_of(std::uint32_t index) const noexcept;
  [[nodiscard]] Record& at(std::uint32_t index) const noexcept {
    return records_.as<Record>()[index];
  }
  template <class Visit>
  void visit_live(Visit visit) const;

  const Limits limits_;
  const std::uint32_t chunks_;
  PageMemory records_;
  PageMemory chunk_owners_;  // std::atomic<std::uint8_t>
  PageMemory levels_;        // SiteLevel
  std::unique_ptr<Shard[]> shards_;
  std::atomic<std::uint32_t> next_chunk_{0};
  std::atomic<std::uint64_t> dropped_records_{0};
  std::atomic<std::uint64_t> dropped_bytes_{0};
  std::atomic<std::uint64_t> stale_releases_{0};
  SiteTable site_table_;
  StackTable stack_table_;
};

}  // namespace klg::registry

#include "klg/registry/allocation_registry.hpp"

#include <algorithm>
#include <bit>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>

#include "klg/core/clock.hpp"

namespace klg::registry {
namespace {

// Threads are dealt shards in turn, the same number for every registry of the process. Not
// initial-exec: the static CUDA runtime brings two pages of thread-local data into the same module,
// more than the loader keeps free for libraries that come late.
thread_local std::uint32_t thread_number = 0;
std::atomic<std::uint32_t> threads_seen{0};

std::uint32_t this_thread() noexcept {
  if (thread_number == 0) [[unlikely]] {
    thread_number = threads_seen.fetch_add(1, std::memory_order_relaxed) + 1;
  }
  return thread_number - 1;
}

void check(const char* name, std::uint64_t value, std::uint64_t most) {
  if (value == 0 || value > most) {
    throw std::invalid_argument(std::string("limits: ") + name + " = " + std::to_string(value) +
                                ", expected 1 to " + std::to_string(most));
  }
}

Limits checked(Limits limits, std::uint32_t max_shards) {
  check("records", limits.records, Handle::kMaxIndex);
  check("sites", limits.sites, 1U << 24);
  check("stacks", limits.stacks, 1U << 24);
  check("frames", limits.frames, std::size_t{1} << 32);
  check("name_bytes", limits.name_bytes, std::size_t{1} << 32);
  if (limits.shards == 0) {
    limits.shards = std::clamp(2 * std::thread::hardware_concurrency(), 4U, max_shards);
  }
  check("shards", limits.shards, max_shards);
  limits.shards = std::bit_ceil(limits.shards);
  return limits;
}

}  // namespace

AllocationRegistry::AllocationRegistry(const Limits& limits)
    : limits_(checked(limits, kMaxShards)),
      chunks_((limits_.records + kChunk - 1) / kChunk),
      records_(std::size_t{limits_.records} * sizeof(Record)),
      chunk_owners_(chunks_),
      levels_((std::size_t{limits_.sites} + 1) * sizeof(SiteLevel)),
      shards_(std::make_unique<Shard[]>(limits_.shards)),
      site_table_(limits_.sites, limits_.name_bytes),
      stack_table_(limits_.stacks, limits_.frames) {
  static_assert(sizeof(Record) == 32);
  for (std::uint32_t s = 0; s < limits_.shards; ++s) {
    shards_[s].sites = PageMemory((std::size_t{limits_.sites} + 1) * sizeof(SiteCounters));
  }
  guard_forks();
}

AllocationRegistry::~AllocationRegistry() { ignore_forks(); }

Handle AllocationRegistry::record(SiteId site, std::uint64_t size, StackId stack) noexcept {
  if (site > site_table_.size()) site = kOtherSites;  // never given out: counted, not lost
  const std::int64_t born_ns = coarse_monotonic_ns();
  Shard& home = home_shard();
  Handle handle = record_in(home, site, size, stack, born_ns);
  // Only a table that is nearly full comes here: any shard's free slot will do.
  for (std::uint32_t s = 0; handle.dropped() && s < limits_.shards; ++s) {
    if (&shards_[s] != &home) handle = record_in(shards_[s], site, size, stack, born_ns);
  }
  if (handle.dropped()) {
    dropped_records_.fetch_add(1, std::memory_order_relaxed);
    dropped_bytes_.fetch_add(size, std::memory_order_relaxed);
    return handle;
  }
  SiteLevel& level = levels_.as<SiteLevel>()[site];
  const std::uint64_t live = level.live_bytes.fetch_add(size, std::memory_order_relaxed) + size;
  std::uint64_t high = level.high_water.load(std::memory_order_relaxed);
  while (live > high &&
         !level.high_water.compare_exchange_weak(high, live, std::memory_order_relaxed)) {
  }
  return handle;
}

Handle AllocationRegistry::record_in(Shard& shard, SiteId site, std::uint64_t size, StackId stack,
                                     std::int64_t born_ns) noexcept {
  const std::lock_guard guard(shard.lock);
  std::uint32_t index = 0;
  if (!take_slot(shard, index)) return {};
  Record& record = at(index);
  ++record.generation;
  record.size = size;
  record.born_ns = born_ns;
  record.site = site;
  record.stack_or_next = stack;
  SiteCounters& counters = shard.sites.as<SiteCounters>()[site];
  for (SiteCounters* sum : {&counters, &shard.sum}) {
    sum->live_bytes += size;
    sum->live_count += 1;
    sum->total_bytes += size;
    sum->total_count += 1;
  }
  return {index, record.generation};
}

bool AllocationRegistry::take_slot(Shard& shard, std::uint32_t& index) noexcept {
  if (shard.free_head != 0) {
    index = shard.free_head - 1;
    shard.free_head = at(index).stack_or_next;
    return true;
  }
  if (shard.fresh_begin == shard.fresh_end && !claim_chunk(shard)) return false;
  index = shard.fresh_begin++;
  return true;
}

bool AllocationRegistry::claim_chunk(Shard& shard) noexcept {
  std::uint32_t chunk = next_chunk_.load(std::memory_order_relaxed);
  do {
    if (chunk >= chunks_) return false;
  } while (!next_chunk_.compare_exchange_weak(chunk, chunk + 1, std::memory_order_relaxed));
  shard.fresh_begin = chunk * kChunk;
  shard.fresh_end = std::min(shard.fresh_begin + kChunk, limits_.records);
  const auto number = static_cast<std::uint8_t>(&shard - shards_.get() + 1);
  chunk_owners_.as<std::atomic<std::uint8_t>>()[chunk].store(number, std::memory_order_release);
  return true;
}

Release AllocationRegistry::release(Handle handle) noexcept {
  if (handle.dropped()) return Release::dropped;
  if (Shard* shard = owner_of(handle.index())) {
    SiteId site = kOtherSites;
    std::uint64_t size = 0;
    {
      const std::lock_guard guard(shard->lock);
      Record& record = at(handle.index());
      if (record.generation == handle.generation() && record.generation % 2 == 1) {
        site = record.site;
        size = record.size;
        SiteCounters& counters = shard->sites.as<SiteCounters>()[site];
        for (SiteCounters* sum : {&counters, &shard->sum}) {
          sum->live_bytes -= size;
          sum->live_count -= 1;
        }
        if (record.generation == Handle::kMaxGeneration) {
          record.generation = 0;  // even: no handle of it is valid any more
          ++shard->retired;
        } else {
          ++record.generation;
          record.stack_or_next = shard->free_head;
          shard->free_head = handle.index() + 1;
        }
      } else {
        shard = nullptr;
      }
    }
    if (shard != nullptr) {
      levels_.as<SiteLevel>()[site].live_bytes.fetch_sub(size, std::memory_order_relaxed);
      return Release::released;
    }
  }
  stale_releases_.fetch_add(1, std::memory_order_relaxed);
  return Release::stale;
}

std::optional<LiveRecord> AllocationRegistry::lookup(Handle handle) const noexcept {
  if (handle.dropped()) return std::nullopt;
  const Shard* shard = owner_of(handle.index());
  if (shard == nullptr) return std::nullopt;
  const std::lock_guard guard(shard->lock);
  const Record& record = at(handle.index());
  if (record.generation != handle.generation() || record.generation % 2 == 0) return std::nullopt;
  return LiveRecord{handle, record.site, record.stack_or_next, record.size, record.born_ns};
}

SiteId AllocationRegistry::site(std::string_view name) noexcept {
  return site_table_.intern({name.data(), name.size()});
}

std::string_view AllocationRegistry::site_name(SiteId site) const noexcept {
  const std::span<const char> name = site_table_.get(site);
  return {name.data(), name.size()};
}

StackId AllocationRegistry::stack(std::span<const FrameId> frames) noexcept {
  return stack_table_.intern(frames);
}

std::span<const FrameId> AllocationRegistry::frames(StackId stack) const noexcept {
  return stack_table_.get(stack);
}

template <class Visit>
void AllocationRegistry::visit_live(Visit visit) const {
  std::array<LiveRecord, kChunk> copied;
  const std::uint32_t claimed = next_chunk_.load(std::memory_order_relaxed);
  for (std::uint32_t chunk = 0; chunk < claimed; ++chunk) {
    const std::uint32_t begin = chunk * kChunk;
    const std::uint32_t end = std::min(begin + kChunk, limits_.records);
    const Shard* shard = owner_of(begin);
    if (shard == nullptr) continue;  // being claimed: nothing in it when we began
    std::size_t count = 0;
    {
      const std::lock_guard guard(shard->lock);
      for (std::uint32_t index = begin; index < end; ++index) {
        const Record& record = at(index);
        if (record.generation % 2 == 0) continue;
        copied[count++] = {Handle(index, record.generation), record.site, record.stack_or_next,
                           record.size, record.born_ns};
      }
    }
    for (std::size_t k = 0; k < count; ++k) visit(copied[k]);
  }
}

std::vector<LiveRecord> AllocationRegistry::snapshot() const {
  std::vector<LiveRecord> records;
  visit_live([&records](const LiveRecord& record) { records.push_back(record); });
  return records;
}

std::vector<SiteStatistics> AllocationRegistry::sites() const {
  const std::uint32_t known = site_table_.size();
  std::vector<SiteStatistics> all(std::size_t{known} + 1);
  for (std::uint32_t s = 0; s < limits_.shards; ++s) {
    const Shard& shard = shards_[s];
    for (SiteId begin = 0; begin <= known; begin += kChunk) {
      const SiteId end = std::min(begin + kChunk, known + 1);
      const std::lock_guard guard(shard.lock);
      for (SiteId site = begin; site < end; ++site) {
        const SiteCounters& counters = shard.sites.as<SiteCounters>()[site];
        all[site].live_bytes += counters.live_bytes;
        all[site].live_count += counters.live_count;
        all[site].total_bytes += counters.total_bytes;
        all[site].total_count += counters.total_count;
      }
    }
  }
  visit_live([&all](const LiveRecord& record) {
    if (record.site >= all.size()) return;  // interned after we began
    std::int64_t& oldest = all[record.site].oldest_born_ns;
    if (oldest == 0 || record.born_ns < oldest) oldest = record.born_ns;
  });
  for (SiteId site = 0; site <= known; ++site) {
    all[site].site = site;
    all[site].high_water_bytes =
        levels_.as<SiteLevel>()[site].high_water.load(std::memory_order_relaxed);
  }
  std::erase_if(all, [](const SiteStatistics& site) { return site.total_count == 0; });
  return all;
}

Totals AllocationRegistry::totals() const noexcept {
  Totals totals;
  for (std::uint32_t s = 0; s < limits_.shards; ++s) {
    const Shard& shard = shards_[s];
    const std::lock_guard guard(shard.lock);
    totals.live_bytes += shard.sum.live_bytes;
    totals.live_count += shard.sum.live_count;
    totals.total_bytes += shard.sum.total_bytes;
    totals.total_count += shard.sum.total_count;
    totals.retired_slots += shard.retired;
  }
  totals.dropped_records = dropped_records_.load(std::memory_order_relaxed);
  totals.dropped_bytes = dropped_bytes_.load(std::memory_order_relaxed);
  totals.dropped_sites = site_table_.dropped();
  totals.dropped_stacks = stack_table_.dropped();
  totals.stale_releases = stale_releases_.load(std::memory_order_relaxed);
  return totals;
}

AllocationRegistry::Shard& AllocationRegistry::home_shard() const noexcept {
  return shards_[this_thread() & (limits_.shards - 1)];
}

AllocationRegistry::Shard* AllocationRegistry::owner_of(std::uint32_t index) const noexcept {
  if (index >= limits_.records) return nullptr;
  const std::uint8_t number =
      chunk_owners_.as<std::atomic<std::uint8_t>>()[index / kChunk].load(std::memory_order_acquire);
  return number == kUnclaimed ? nullptr : &shards_[number - 1];
}

void AllocationRegistry::lock_for_fork() noexcept {
  for (std::uint32_t s = 0; s < limits_.shards; ++s) shards_[s].lock.lock();
  site_table_.write_lock().lock();
  stack_table_.write_lock().lock();
}

void AllocationRegistry::unlock_after_fork() noexcept {
  stack_table_.write_lock().unlock();
  site_table_.write_lock().unlock();
  for (std::uint32_t s = 0; s < limits_.shards; ++s) shards_[s].lock.unlock();
}

}  // namespace klg::registry

#include "klg/registry/allocation_registry.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <stdexcept>
#include <thread>
#include <vector>

#include "klg/core/clock.hpp"

namespace klg::registry {

struct RegistryPeer {
  static void set_generation(AllocationRegistry& registry, Handle handle, std::uint64_t value) {
    registry.at(handle.index()).generation = value;
  }
};

namespace {

Limits small(std::uint32_t records) {
  Limits limits;
  limits.records = records;
  limits.sites = 8;
  limits.stacks = 8;
  limits.frames = 64;
  limits.name_bytes = 256;
  limits.shards = 4;
  return limits;
}

TEST(AllocationRegistry, KeepsARecordFromRecordToRelease) {
  AllocationRegistry registry;
  const SiteId site = registry.site("cache.py:12");
  const FrameId frames[] = {11, 22};
  const StackId stack = registry.stack(frames);
  const std::int64_t before = coarse_monotonic_ns();
  const Handle handle = registry.record(site, 100, stack);

  const auto record = registry.lookup(handle);
  ASSERT_TRUE(record.has_value());
  EXPECT_EQ(record->handle, handle);
  EXPECT_EQ(record->size, 100u);
  EXPECT_EQ(registry.site_name(record->site), "cache.py:12");
  EXPECT_TRUE(std::ranges::equal(registry.frames(record->stack), frames));
  EXPECT_GE(record->born_ns, before);
  EXPECT_LE(record->born_ns, coarse_monotonic_ns());
  EXPECT_EQ(registry.snapshot().size(), 1u);

  EXPECT_EQ(registry.release(handle), Release::released);
  EXPECT_FALSE(registry.lookup(handle).has_value());
  EXPECT_TRUE(registry.snapshot().empty());
}

TEST(AllocationRegistry, TellsAStaleHandleFromALiveOne) {
  AllocationRegistry registry;
  const Handle first = registry.record(kOtherSites, 1);
  EXPECT_EQ(registry.release(first), Release::released);
  EXPECT_EQ(registry.release(first), Release::stale);
  const Handle second = registry.record(kOtherSites, 2);
  ASSERT_EQ(second.index(), first.index());  // the slot is used again
  EXPECT_EQ(registry.release(first), Release::stale);
  EXPECT_FALSE(registry.lookup(first).has_value());
  EXPECT_EQ(registry.lookup(second)->size, 2u);
  EXPECT_EQ(registry.totals().stale_releases, 2u);
}

TEST(AllocationRegistry, TakesForgedHandlesForStale) {
  AllocationRegistry registry(small(10));
  (void)registry.record(kOtherSites, 1);
  const std::uint64_t even = 2;
  for (const Handle forged : {Handle(5, 1), Handle(0, 3), Handle(0, even),
                              Handle(Handle::kMaxIndex, 1), Handle(~std::uint64_t{0})}) {
    EXPECT_FALSE(registry.lookup(forged).has_value());
    EXPECT_EQ(registry.release(forged), Release::stale);
  }
  EXPECT_EQ(registry.totals().live_count, 1u);
}

TEST(AllocationRegistry, AddsUpASite) {
  AllocationRegistry registry;
  const SiteId a = registry.site("a");
  const SiteId b = registry.site("b");
  const Handle first = registry.record(a, 100);
  const Handle second = registry.record(a, 50);
  const Handle other = registry.record(b, 7);
  registry.release(first);
  const Handle third = registry.record(a, 20);

  const auto sites = registry.sites();
  ASSERT_EQ(sites.size(), 2u);  // the site of the rest has recorded nothing
  EXPECT_EQ(sites[0].site, a);
  EXPECT_EQ(sites[0].live_bytes, 70u);
  EXPECT_EQ(sites[0].live_count, 2u);
  EXPECT_EQ(sites[0].total_bytes, 170u);
  EXPECT_EQ(sites[0].total_count, 3u);
  EXPECT_EQ(sites[0].high_water_bytes, 150u);
  EXPECT_EQ(sites[0].oldest_born_ns, registry.lookup(second)->born_ns);
  EXPECT_EQ(sites[1].site, b);
  EXPECT_EQ(sites[1].live_bytes, 7u);

  for (const Handle handle : {second, third, other}) registry.release(handle);
  EXPECT_EQ(registry.sites()[0].live_bytes, 0u);
  EXPECT_EQ(registry.sites()[0].high_water_bytes, 150u);
  EXPECT_EQ(registry.sites()[0].oldest_born_ns, 0);
}

TEST(AllocationRegistry, CountsWhatIsOverTheCapAndTakesItsHandleBack) {
  AllocationRegistry registry(small(3));
  std::vector<Handle> handles;
  for (int k = 0; k < 5; ++k) handles.push_back(registry.record(kOtherSites, 10));
  EXPECT_TRUE(handles[3].dropped());
  EXPECT_TRUE(handles[4].dropped());
  EXPECT_EQ(registry.totals().dropped_records, 2u);
  EXPECT_EQ(registry.totals().dropped_bytes, 20u);
  EXPECT_EQ(registry.totals().live_bytes, 30u);
  EXPECT_EQ(registry.release(handles[3]), Release::dropped);
  EXPECT_EQ(registry.release(handles[3]), Release::dropped);
  EXPECT_EQ(registry.totals().stale_releases, 0u);
  EXPECT_EQ(registry.release(handles[0]), Release::released);
  EXPECT_FALSE(registry.record(kOtherSites, 1).dropped());
}

TEST(AllocationRegistry, HoldsExactlyItsCapWhicheverThreadRecords) {
  AllocationRegistry registry(small(2'500));  // three chunks, the last one short
  std::vector<Handle> handles;
  for (int t = 0; t < 5; ++t) {  // each thread has another home shard; only three get a chunk
    std::thread([&] {
      for (int k = 0; k < 600; ++k) handles.push_back(registry.record(kOtherSites, 1));
    }).join();
  }
  EXPECT_EQ(registry.totals().live_count, 2'500u);
  EXPECT_EQ(registry.totals().dropped_records, 500u);
  EXPECT_EQ(registry.snapshot().size(), 2'500u);
  for (const Handle handle : handles) EXPECT_NE(registry.release(handle), Release::stale);
  EXPECT_EQ(registry.totals().live_count, 0u);
  EXPECT_EQ(registry.totals().live_bytes, 0u);
}

TEST(AllocationRegistry, CountsSitesAndStacksThatFindNoRoom) {
  AllocationRegistry registry(small(100));
  for (int k = 0; k < 8; ++k) EXPECT_NE(registry.site(std::to_string(k)), kOtherSites);
  const SiteId over = registry.site("one too many");
  EXPECT_EQ(over, kOtherSites);
  (void)registry.record(over, 5);
  (void)registry.record(12'345, 6);  // a number that was never given out
  for (FrameId k = 1; k <= 9; ++k) (void)registry.stack({&k, 1});
  EXPECT_EQ(registry.totals().dropped_sites, 1u);
  EXPECT_EQ(registry.totals().dropped_stacks, 1u);
  ASSERT_EQ(registry.sites().size(), 1u);
  EXPECT_EQ(registry.sites()[0].site, kOtherSites);
  EXPECT_EQ(registry.sites()[0].live_bytes, 11u);
}

TEST(AllocationRegistry, SeesEveryRecordOfManyChunksOnce) {
  AllocationRegistry registry;
  std::set<std::uint64_t> expected;
  for (std::uint64_t k = 0; k < 5'000; ++k) {
    const Handle handle = registry.record(kOtherSites, k);
    if (k % 3 == 0) {
      registry.release(handle);
    } else {
      expected.insert(handle.bits());
    }
  }
  std::set<std::uint64_t> seen;
  for (const LiveRecord& record : registry.snapshot()) {
    EXPECT_TRUE(seen.insert(record.handle.bits()).second);
  }
  EXPECT_EQ(seen, expected);
}

TEST(AllocationRegistry, RetiresASlotRatherThanWrapItsGeneration) {
  AllocationRegistry registry(small(1));
  const Handle first = registry.record(kOtherSites, 1);
  RegistryPeer::set_generation(registry, first, Handle::kMaxGeneration);
  const Handle last(first.index(), Handle::kMaxGeneration);
  EXPECT_EQ(registry.release(last), Release::released);
  EXPECT_EQ(registry.release(last), Release::stale);
  EXPECT_EQ(registry.totals().retired_slots, 1u);
  EXPECT_TRUE(registry.record(kOtherSites, 1).dropped());
  EXPECT_EQ(registry.release(first), Release::stale);
}

TEST(AllocationRegistry, RefusesLimitsOutOfRange) {
  Limits none = small(1);
  none.records = 0;
  EXPECT_THROW(AllocationRegistry{none}, std::invalid_argument);
  Limits many = small(1);
  many.shards = 65;
  EXPECT_THROW(AllocationRegistry{many}, std::invalid_argument);
}

}  // namespace
}  // namespace klg::registry

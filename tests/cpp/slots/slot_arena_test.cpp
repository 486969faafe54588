#include "klg/slots/slot_arena.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <set>
#include <vector>

#include "faulty_reservation.hpp"
#include "klg/core/error.hpp"

namespace klg::slots {
namespace {

std::unique_ptr<SlotArena> arena_of(std::uint32_t capacity, std::size_t row_bytes = 3072,
                                    bool poison = false) {
  return SlotArena::on_host({.row_bytes = row_bytes, .capacity = capacity, .poison = poison});
}

std::vector<Handle> take(SlotArena& arena, std::size_t n) {
  std::vector<Handle> handles(n);
  for (Handle& handle : handles) handle = arena.allocate();
  return handles;
}

TEST(SlotArena, HandsOutEverySlotOnceAndThenNone) {
  for (const std::uint32_t capacity : {1U, 63U, 64U, 65U, 4097U}) {
    const auto arena = arena_of(capacity, 100);
    std::set<std::uint32_t> seen;
    for (const Handle handle : take(*arena, capacity)) seen.insert(arena->index(handle));
    EXPECT_EQ(seen.size(), capacity);
    EXPECT_EQ(*seen.rbegin(), capacity - 1);
    EXPECT_EQ(arena->allocate(), 0U);
    EXPECT_EQ(arena->live(), capacity);
  }
}

TEST(SlotArena, LowSlotsGoFirst) {
  const auto arena = arena_of(10'000);
  const auto handles = take(*arena, 5000);
  for (const std::size_t k : {4000U, 17U, 2500U}) {
    EXPECT_EQ(arena->release(handles[k]), SlotStatus::kLive);
  }
  for (const std::uint32_t expected : {17U, 2500U, 4000U, 5000U}) {
    EXPECT_EQ(arena->index(arena->allocate()), expected);
  }
}

TEST(SlotArena, EveryWrongHandleIsToldApart) {
  const auto arena = arena_of(1000);
  const auto other = arena_of(1000);
  const Handle first = arena->allocate();
  EXPECT_EQ(arena->status(first), SlotStatus::kLive);
  EXPECT_EQ(arena->release(other->allocate()), SlotStatus::kForeign);
  EXPECT_EQ(arena->release(first), SlotStatus::kLive);
  EXPECT_EQ(arena->release(first), SlotStatus::kFreed);
  EXPECT_EQ(arena->release(first + kGenerationOne), SlotStatus::kForeign);  // a free slot's own
  const Handle second = arena->allocate();
  EXPECT_EQ(arena->index(second), arena->index(first));
  EXPECT_EQ(arena->release(first), SlotStatus::kRecycled);
  EXPECT_EQ(arena->release(second + kGenerationOne), SlotStatus::kForeign);
  EXPECT_EQ(arena->release(second + 2 * kGenerationOne), SlotStatus::kForeign);
  EXPECT_EQ(arena->release(second | std::uint64_t{1} << 63), SlotStatus::kForeign);
  EXPECT_EQ(arena->release(second + 900), SlotStatus::kForeign);  // beyond what was handed out
  EXPECT_EQ(arena->release(0), SlotStatus::kForeign);
  EXPECT_EQ(arena->status(second), SlotStatus::kLive);
  EXPECT_EQ(arena->live(), 1U);
}

TEST(SlotArena, GrowthMovesNoRow) {
  const auto arena = arena_of(100'000, 64);
  const Handle first = arena->allocate();
  std::byte* row = arena->row(arena->index(first));
  std::memset(row, 42, 64);
  take(*arena, 50'000);
  EXPECT_EQ(arena->row(arena->index(first)), row);
  EXPECT_EQ(row[63], std::byte{42});
}

TEST(SlotArena, RowsKeepTheAlignment) {
  const auto arena = SlotArena::on_host({.row_bytes = 100, .alignment = 64, .capacity = 100});
  EXPECT_EQ(arena->stride(), 128U);
  for (const Handle handle : take(*arena, 100)) {
    EXPECT_EQ(reinterpret_cast<std::uintptr_t>(arena->row(arena->index(handle))) % 64, 0U);
  }
  EXPECT_THROW(
      static_cast<void>(SlotArena::on_host({.row_bytes = 8, .alignment = 3, .capacity = 1})),
      Error);
}

TEST(SlotArena, ImpossibleOptionsAreErrors) {
  EXPECT_THROW(arena_of(0), Error);
  EXPECT_THROW(arena_of(kMaxCapacity + 1), Error);
  EXPECT_THROW(arena_of(1, 0), Error);
  EXPECT_THROW(arena_of(1, ~std::size_t{0}), Error);
  EXPECT_THROW(arena_of(kMaxCapacity, std::size_t{1} << 40), Error);
  EXPECT_THROW(arena_of(kMaxCapacity, std::size_t{1} << 30), OutOfMemory);
}

TEST(SlotArena, AHugeCapacityCostsNothingUntilItIsUsed) {
  const auto arena = arena_of(kMaxCapacity, 1024);  // 256 GiB
  EXPECT_EQ(arena->statistics().committed_bytes, 0U);
  EXPECT_NE(arena->allocate(), 0U);
  EXPECT_EQ(arena->statistics().committed_bytes, 64U * 1024);
}

TEST(SlotArena, ManyAtOnceAreDistinctAndAllOrNothing) {
  const auto arena = arena_of(1000);
  std::vector<Handle> many(900);
  ASSERT_TRUE(arena->allocate_many(many));
  EXPECT_EQ(std::set<Handle>(many.begin(), many.end()).size(), 900U);
  std::vector<Handle> too_many(101);
  EXPECT_FALSE(arena->allocate_many(too_many));
  EXPECT_EQ(arena->live(), 900U);
  std::vector<Handle> rest(100);
  EXPECT_TRUE(arena->allocate_many(rest));
  EXPECT_EQ(arena->live(), 1000U);
}

TEST(SlotArena, OneBadHandleFreesNone) {
  const auto arena = arena_of(1000);
  auto handles = take(*arena, 200);
  handles.push_back(handles[3]);  // twice
  SlotStatus why{};
  EXPECT_EQ(arena->release_many(handles, why), 200U);
  EXPECT_EQ(why, SlotStatus::kFreed);
  for (std::size_t k = 0; k < 200; ++k) EXPECT_EQ(arena->status(handles[k]), SlotStatus::kLive);
  handles.pop_back();
  EXPECT_EQ(arena->release_many(handles, why), 200U);
  EXPECT_EQ(arena->live(), 0U);
  EXPECT_EQ(arena->index(arena->allocate()), 0U);
}

TEST(SlotArena, APinnedSlotIsNotHandedOutBeforeItsLastUnpin) {
  const auto arena = arena_of(2);
  const Handle first = arena->allocate();
  const std::uint32_t slot = arena->index(first);
  EXPECT_EQ(arena->pin(first), SlotStatus::kLive);
  EXPECT_EQ(arena->pin(first), SlotStatus::kLive);
  EXPECT_EQ(arena->release(first), SlotStatus::kLive);
  EXPECT_EQ(arena->release(first), SlotStatus::kFreed);
  EXPECT_EQ(arena->pin(first), SlotStatus::kFreed);
  EXPECT_EQ(arena->statistics().deferred, 1U);
  EXPECT_NE(arena->allocate(), 0U);
  EXPECT_EQ(arena->allocate(), 0U);
  arena->unpin(slot);
  EXPECT_EQ(arena->allocate(), 0U);
  arena->unpin(slot);
  EXPECT_EQ(arena->index(arena->allocate()), slot);
  EXPECT_EQ(arena->statistics().deferred, 0U);
  EXPECT_EQ(arena->statistics().pins, 0U);
}

TEST(SlotArena, ReleasingManyLeavesPinnedOnesToTheUnpin) {
  const auto arena = arena_of(64);
  const auto handles = take(*arena, 64);
  EXPECT_EQ(arena->pin(handles[7]), SlotStatus::kLive);
  SlotStatus why{};
  EXPECT_EQ(arena->release_many(handles, why), 64U);
  EXPECT_EQ(arena->statistics().deferred, 1U);
  EXPECT_EQ(arena->statistics().free_committed, 63U);
  arena->unpin(7);
  EXPECT_EQ(arena->statistics().free_committed, 64U);
}

TEST(SlotArena, PoisonShowsAWriteAfterFree) {
  const auto arena = arena_of(100, 512, true);
  const Handle handle = arena->allocate();
  std::byte* row = arena->row(arena->index(handle));
  EXPECT_EQ(row[0], std::byte{0xff});
  arena->release(handle);
  row[511] = std::byte{1};
  EXPECT_EQ(arena->statistics().poison_violations, 0U);
  EXPECT_EQ(arena->index(arena->allocate()), 0U);
  EXPECT_EQ(arena->statistics().poison_violations, 1U);
}

TEST(SlotArena, PoisonSurvivesShrinkingAndGrowing) {
  const auto arena = arena_of(1000, 3000, true);
  const auto handles = take(*arena, 1000);
  for (const Handle handle : handles) arena->release(handle);
  EXPECT_GT(arena->shrink(), 0U);
  take(*arena, 1000);
  EXPECT_EQ(arena->statistics().poison_violations, 0U);
}

// Every commit of a growing arena fails once; the arena must be as it was and then go on.
TEST(SlotArena, AFailedGrowthChangesNothing) {
  int failures = 0;
  for (int nth = 1;; ++nth) {
    int countdown = 0;
    const SlotArenaOptions options{.row_bytes = 1000, .capacity = 3000};
    SlotArena arena(
        options, std::make_unique<FaultyReservation>(SlotArena::row_area(options), countdown),
        std::make_unique<FaultyReservation>(SlotArena::metadata_area(options), countdown));
    countdown = nth;
    std::set<Handle> live;
    int failed = 0;
    while (live.size() < 3000) {
      try {
        const Handle handle = arena.allocate();
        ASSERT_NE(handle, 0U);
        ASSERT_TRUE(live.insert(handle).second);
      } catch (const OutOfMemory&) {
        ++failed;
        ASSERT_EQ(arena.live(), live.size());
        ASSERT_EQ(arena.statistics().free_committed, 0U);
      }
    }
    for (const Handle handle : live) ASSERT_EQ(arena.release(handle), SlotStatus::kLive);
    failures += failed;
    if (failed == 0) break;
  }
  EXPECT_GT(failures, 40);
}

// The same where memory comes again that `shrink` had given back.
TEST(SlotArena, AFailedReturnOfGivenBackMemoryChangesNothing) {
  int failures = 0;
  for (int nth = 1;; ++nth) {
    int countdown = 0;
    const SlotArenaOptions options{.row_bytes = 1000, .capacity = 1000};
    SlotArena arena(
        options, std::make_unique<FaultyReservation>(SlotArena::row_area(options), countdown),
        std::make_unique<FaultyReservation>(SlotArena::metadata_area(options), countdown));
    std::vector<Handle> first(1000);
    ASSERT_TRUE(arena.allocate_many(first));
    const Handle kept = first[500];
    for (const Handle handle : first) {
      if (handle != kept) {
        ASSERT_EQ(arena.release(handle), SlotStatus::kLive);
      }
    }
    ASSERT_GT(arena.shrink(), 0U);
    countdown = nth;
    std::set<Handle> live{kept};
    int failed = 0;
    while (live.size() < 1000) {
      try {
        const Handle handle = arena.allocate();
        ASSERT_NE(handle, 0U);
        ASSERT_TRUE(live.insert(handle).second);
        arena.write_row(arena.index(handle), std::vector<std::byte>(1000).data());
      } catch (const OutOfMemory&) {
        ++failed;
        ASSERT_EQ(arena.live(), live.size());
      }
    }
    ASSERT_EQ(arena.allocate(), 0U);
    failures += failed;
    if (failed == 0) break;
  }
  EXPECT_GT(failures, 10);
}

TEST(SlotArena, AFailureOfManyGivesBackWhatItHadTaken) {
  int countdown = 0;
  const SlotArenaOptions options{.row_bytes = 4096, .capacity = 1000};
  SlotArena arena(
      options, std::make_unique<FaultyReservation>(SlotArena::row_area(options), countdown),
      std::make_unique<FaultyReservation>(SlotArena::metadata_area(options), countdown));
  std::vector<Handle> some(10);
  ASSERT_TRUE(arena.allocate_many(some));
  countdown = 1;
  std::vector<Handle> many(500);
  EXPECT_THROW(static_cast<void>(arena.allocate_many(many)), OutOfMemory);
  EXPECT_EQ(arena.live(), 10U);
  EXPECT_EQ(arena.statistics().free_committed, 54U);
  EXPECT_TRUE(arena.allocate_many(many));
}

}  // namespace
}  // namespace klg::slots

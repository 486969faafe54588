// Freed slots that must not be handed out yet: held by a view, or by one pin of their own.
#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <set>
#include <thread>
#include <vector>

#include "klg/slots/slot_arena.hpp"

namespace klg::slots {
namespace {

std::unique_ptr<SlotArena> arena_of(std::uint32_t capacity) {
  return SlotArena::on_host({.row_bytes = 64, .capacity = capacity});
}

TEST(SlotArenaHold, WhatWasLiveIsNotHandedOutBeforeTheLastHoldEnds) {
  const auto arena = arena_of(200);
  std::vector<Handle> handles(200);
  ASSERT_TRUE(arena->allocate_many(handles));
  arena->hold();
  arena->hold();
  EXPECT_EQ(arena->release(handles[3]), SlotStatus::kLive);
  SlotStatus why{};
  EXPECT_EQ(arena->release_many(std::span(handles).subspan(100, 50), why), 50U);
  EXPECT_EQ(arena->pin(handles[5]), SlotStatus::kLive);
  EXPECT_EQ(arena->release(handles[5]), SlotStatus::kLive);
  arena->unpin(arena->index(handles[5]));
  EXPECT_EQ(arena->release(handles[3]), SlotStatus::kFreed);
  EXPECT_EQ(arena->allocate(), 0U);
  EXPECT_EQ(arena->statistics().deferred, 52U);
  arena->end_hold();
  EXPECT_EQ(arena->allocate(), 0U);
  arena->end_hold();
  EXPECT_EQ(arena->statistics().deferred, 0U);
  std::set<std::uint32_t> again;
  for (int k = 0; k < 52; ++k) again.insert(arena->index(arena->allocate()));
  EXPECT_EQ(again.size(), 52U);
  EXPECT_TRUE(again.contains(3) && again.contains(5) && again.contains(149));
}

TEST(SlotArenaHold, ShrinkLeavesTheirPagesAlone) {
  const auto arena = SlotArena::on_host({.row_bytes = 4096, .capacity = 64});
  std::vector<Handle> handles(64);
  ASSERT_TRUE(arena->allocate_many(handles));
  auto* row = reinterpret_cast<std::uint64_t*>(arena->row(arena->index(handles[7])));
  *row = 42;
  arena->hold();
  for (const Handle handle : handles) arena->release(handle);
  EXPECT_EQ(arena->shrink(), 0U);
  EXPECT_EQ(*row, 42U);
  arena->end_hold();
  EXPECT_EQ(arena->shrink(), 64U * 4096);
}

// Rows that were live when a hold began keep what is in them, whatever the other threads do.
TEST(SlotArenaHold, ThreadsNeverWriteIntoAHeldRow) {
  const auto arena = arena_of(256);
  std::atomic<bool> stop{false};
  std::vector<std::thread> writers;
  for (int id = 0; id < 3; ++id) {
    writers.emplace_back([&] {
      while (!stop) {
        const Handle handle = arena->allocate();
        if (handle == 0) continue;
        auto& mark = *reinterpret_cast<std::atomic<Handle>*>(arena->row(arena->index(handle)));
        mark.store(handle);
        arena->release(handle);
      }
    });
  }
  int wrong = 0;
  for (int round = 0; round < 2000; ++round) {
    arena->hold();
    std::vector<Handle> seen;
    for (std::uint32_t slot = 0; slot < 256; ++slot) {
      if (const Handle handle = arena->live_handle(slot)) seen.push_back(handle);
    }
    std::this_thread::yield();
    for (const Handle handle : seen) {
      const auto& mark = *reinterpret_cast<std::atomic<Handle>*>(arena->row(arena->index(handle)));
      // A row may still be waiting for its holder's first mark, so only an other life's is wrong.
      const Handle found = mark.load();
      wrong += arena->index(found) == arena->index(handle) && found > handle ? 1 : 0;
    }
    arena->end_hold();
  }
  stop = true;
  for (std::thread& writer : writers) writer.join();
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(arena->live(), 0U);
  EXPECT_EQ(arena->statistics().deferred, 0U);
}

TEST(SlotArenaHold, APinnedReleaseIsReusedOrGivenBack) {
  const auto arena = arena_of(2);
  const Handle first = arena->allocate();
  const Handle second = arena->allocate();
  const std::uint32_t slot = arena->index(first);
  EXPECT_EQ(arena->release_pinned(first), SlotStatus::kLive);
  EXPECT_EQ(arena->release_pinned(first), SlotStatus::kFreed);
  EXPECT_EQ(arena->allocate(), 0U);
  const Handle next = arena->reuse(slot);
  ASSERT_NE(next, 0U);
  EXPECT_EQ(arena->index(next), slot);
  EXPECT_EQ(arena->status(first), SlotStatus::kRecycled);
  EXPECT_EQ(arena->live(), 2U);

  EXPECT_EQ(arena->pin(second), SlotStatus::kLive);
  EXPECT_EQ(arena->release_pinned(second), SlotStatus::kLive);
  EXPECT_EQ(arena->reuse(arena->index(second)), 0U);  // somebody else still looks at it
  arena->unpin(arena->index(second));
  arena->hold();
  EXPECT_EQ(arena->reuse(arena->index(second)), 0U);
  arena->end_hold();
  arena->unpin(arena->index(second));
  EXPECT_NE(arena->allocate(), 0U);
  EXPECT_EQ(arena->statistics().deferred, 0U);
  EXPECT_EQ(arena->statistics().pins, 0U);
}

// The child has its own copy of rows and handles, and no lock of a thread that it does not have.
TEST(SlotArenaHold, AForkTakesItsLeasesAlong) {
  const auto arena = SlotArena::on_host({.row_bytes = 4096, .capacity = 1000});
  std::atomic<bool> stop{false};
  std::thread busy([&] {
    while (!stop) {
      const Handle handle = arena->allocate();
      arena->release(handle);
      arena->shrink();
    }
  });
  const Handle lease = arena->allocate();
  auto& value = *reinterpret_cast<volatile int*>(arena->row(arena->index(lease)));
  value = 7;
  for (int round = 0; round < 20; ++round) {
    const pid_t child = fork();
    if (child == 0) {
      bool good = value == 7 && arena->status(lease) == SlotStatus::kLive;
      value = 8;
      std::vector<Handle> many(500);
      good = good && arena->allocate_many(many);
      SlotStatus why{};
      good = good && arena->release_many(many, why) == many.size();
      arena->shrink();
      good = good && arena->release(lease) == SlotStatus::kLive;
      _exit(good ? 0 : 1);
    }
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    EXPECT_EQ(value, 7);
  }
  stop = true;
  busy.join();
  EXPECT_EQ(arena->release(lease), SlotStatus::kLive);
}

}  // namespace
}  // namespace klg::slots

// Many threads on one arena; meant for the thread sanitizer as much as for its own checks.
#include <gtest/gtest.h>

#include <atomic>
#include <deque>
#include <mutex>
#include <random>
#include <set>
#include <thread>
#include <vector>

#include "klg/slots/slot_arena.hpp"

namespace klg::slots {
namespace {

#if defined(__SANITIZE_THREAD__)
constexpr int kRounds = 20'000;
#else
constexpr int kRounds = 200'000;
#endif

template <class Work>
void on_threads(unsigned count, Work work) {
  std::vector<std::thread> threads;
  for (unsigned id = 0; id < count; ++id) threads.emplace_back(work, id);
  for (std::thread& thread : threads) thread.join();
}

// A row belongs to one holder: each writes its mark, not atomically, and must find it again.
TEST(SlotArenaThreads, ASlotHasOneHolder) {
  const auto arena = SlotArena::on_host({.row_bytes = 64, .capacity = 500});
  std::atomic<int> wrong{0};
  on_threads(8, [&](unsigned id) {
    std::mt19937 random(id);
    std::deque<Handle> mine;
    for (int round = 0; round < kRounds; ++round) {
      if (random() % 2 == 0) {
        const Handle handle = arena->allocate();
        if (handle == 0) continue;
        *reinterpret_cast<Handle*>(arena->row(arena->index(handle))) = handle;
        mine.push_back(handle);
      } else if (!mine.empty()) {
        const Handle handle = mine.front();
        mine.pop_front();
        wrong += *reinterpret_cast<Handle*>(arena->row(arena->index(handle))) != handle;
        wrong += arena->release(handle) != SlotStatus::kLive;
        wrong += arena->release(handle) == SlotStatus::kLive;
      }
      if (id == 0 && round % 5000 == 0) arena->shrink();
    }
    for (const Handle handle : mine) arena->release(handle);
  });
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(arena->live(), 0U);
  EXPECT_EQ(arena->statistics().allocations, arena->statistics().releases);
}

TEST(SlotArenaThreads, OfManyWhoFreeOneHandleOneSucceeds) {
  const auto arena = SlotArena::on_host({.row_bytes = 8, .capacity = 64});
  std::atomic<Handle> shared{arena->allocate()};
  std::atomic<std::uint64_t> freed{0};
  std::atomic<std::uint64_t> born{1};
  on_threads(4, [&](unsigned) {
    for (int round = 0; round < kRounds; ++round) {
      if (arena->release(shared.load()) == SlotStatus::kLive) {
        ++freed;
        const Handle next = arena->allocate();
        born += next != 0;
        shared.store(next);
      }
    }
  });
  EXPECT_EQ(born - freed, arena->live());
  EXPECT_GE(arena->live(), 1U);
}

// A thread whose own leaf is empty finds what another one freed: nothing is stranded.
TEST(SlotArenaThreads, NoSlotIsStrandedInAThread) {
  const auto arena = SlotArena::on_host({.row_bytes = 8, .capacity = 256});
  std::vector<Handle> handles(256);
  on_threads(1, [&](unsigned) {
    for (Handle& handle : handles) handle = arena->allocate();
  });
  on_threads(1, [&](unsigned) {
    for (const Handle handle : handles) arena->release(handle);
  });
  std::set<Handle> again;
  std::mutex lock;
  on_threads(4, [&](unsigned) {
    for (int k = 0; k < 64; ++k) {
      const Handle handle = arena->allocate();
      const std::scoped_lock guard(lock);
      again.insert(handle);
    }
  });
  EXPECT_EQ(again.size(), 256U);
  EXPECT_FALSE(again.contains(0));
}

TEST(SlotArenaThreads, ASlotWhoseFreeingCallReturnedIsFound) {
  const auto arena = SlotArena::on_host({.row_bytes = 8, .capacity = 8});
  std::atomic<int> exhausted{0};
  // Eight threads never hold more than eight slots together.
  on_threads(8, [&](unsigned) {
    for (int round = 0; round < kRounds; ++round) {
      const Handle handle = arena->allocate();
      if (handle == 0) {
        ++exhausted;
      } else {
        arena->release(handle);
      }
    }
  });
  EXPECT_EQ(exhausted, 0);
}

TEST(SlotArenaThreads, ManyAtOnceMixWithSingleOnes) {
  const auto arena = SlotArena::on_host({.row_bytes = 16, .capacity = 4096});
  std::atomic<int> wrong{0};
  on_threads(4, [&](unsigned id) {
    std::vector<Handle> many(50 + id * 100);
    for (int round = 0; round < kRounds / 200; ++round) {
      SlotStatus why{};
      if (!arena->allocate_many(many)) continue;
      const Handle single = arena->allocate();
      if (round % 3 == 0) arena->pin(many[0]);
      wrong += arena->release_many(many, why) != many.size();
      if (round % 3 == 0) arena->unpin(arena->index(many[0]));
      if (single != 0) wrong += arena->release(single) != SlotStatus::kLive;
    }
  });
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(arena->live(), 0U);
  EXPECT_EQ(arena->statistics().deferred, 0U);
}

TEST(SlotArenaThreads, MoreThreadsThanStripesStillCountRight) {
  const auto arena = SlotArena::on_host({.row_bytes = 8, .capacity = 10'000});
  on_threads(100, [&](unsigned) {
    for (int k = 0; k < 50; ++k) static_cast<void>(arena->allocate());
  });
  EXPECT_EQ(arena->live(), 5000U);
}

TEST(Stripe, EndsWithItsThread) {
  std::set<std::uint32_t> seen;
  for (int k = 0; k < 200; ++k) {
    on_threads(1, [&](unsigned) { seen.insert(this_thread_stripe()); });
  }
  EXPECT_LE(seen.size(), 2U);
  EXPECT_FALSE(seen.contains(kSharedStripe));
}

}  // namespace
}  // namespace klg::slots

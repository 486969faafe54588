// Giving memory back: which pages go, what stays, and that it can come again.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <fstream>
#include <random>
#include <vector>

#include "klg/slots/slot_arena.hpp"

namespace klg::slots {
namespace {

[[maybe_unused]] std::size_t resident_bytes() {
  std::ifstream statm("/proc/self/statm");
  std::size_t total = 0;
  std::size_t resident = 0;
  statm >> total >> resident;
  return resident * 4096;
}

struct Filled {
  std::unique_ptr<SlotArena> arena;
  std::vector<Handle> handles;
};

Filled filled(std::uint32_t slots, std::size_t row_bytes) {
  Filled f{SlotArena::on_host({.row_bytes = row_bytes, .capacity = 1U << 20}), {}};
  for (std::uint32_t k = 0; k < slots; ++k) {
    f.handles.push_back(f.arena->allocate());
    std::memset(f.arena->row(f.arena->index(f.handles.back())), static_cast<int>(k % 251 + 1),
                row_bytes);
  }
  return f;
}

void expect_intact(const SlotArena& arena, Handle handle) {
  const std::uint32_t slot = arena.index(handle);
  const std::byte* row = arena.row(slot);
  EXPECT_TRUE(
      std::all_of(row, row + arena.row_bytes(),
                  [slot](std::byte b) { return b == static_cast<std::byte>(slot % 251 + 1); }))
      << "slot " << slot;
}

class Shrink : public testing::TestWithParam<std::size_t> {};

TEST_P(Shrink, LeavesOnlyPagesWithALiveRow) {
  const std::size_t row_bytes = GetParam();
  auto [arena, handles] = filled(4000, row_bytes);
  std::mt19937 random(7);
  std::vector<Handle> live;
  for (const Handle handle : handles) {
    if (random() % 8 == 0) {
      live.push_back(handle);
    } else {
      arena->release(handle);
    }
  }
  const std::size_t before = arena->statistics().committed_bytes;
  const std::size_t freed = arena->shrink();
  std::vector<bool> needed(arena->statistics().reserved_bytes / 4096);
  for (const Handle handle : live) {
    const std::size_t first = arena->index(handle) * row_bytes;
    for (std::size_t page = first / 4096; page * 4096 < first + row_bytes; ++page) {
      needed[page] = true;
    }
  }
  const auto pages = static_cast<std::size_t>(std::count(needed.begin(), needed.end(), true));
  EXPECT_EQ(arena->statistics().committed_bytes, pages * 4096);
  EXPECT_EQ(freed, before - pages * 4096);
  for (const Handle handle : live) {
    EXPECT_EQ(arena->status(handle), SlotStatus::kLive);
    expect_intact(*arena, handle);
  }
  EXPECT_EQ(arena->shrink(), 0U);
}

TEST_P(Shrink, GivenBackSlotsComeAgain) {
  auto [arena, handles] = filled(1000, GetParam());
  for (const Handle handle : handles) arena->release(handle);
  arena->shrink();
  EXPECT_EQ(arena->statistics().committed_bytes, 0U);
  EXPECT_EQ(arena->committed_rows(), 0U);
  std::vector<std::uint32_t> slots;
  for (std::uint32_t k = 0; k < 1000; ++k) {
    const Handle handle = arena->allocate();
    ASSERT_NE(handle, 0U);
    EXPECT_EQ(arena->status(handles[arena->index(handle)]), SlotStatus::kRecycled);
    slots.push_back(arena->index(handle));
    std::memset(arena->row(slots.back()), 1, GetParam());
  }
  std::sort(slots.begin(), slots.end());
  EXPECT_EQ(slots.back(), 999U);
  EXPECT_EQ(std::unique(slots.begin(), slots.end()), slots.end());
}

INSTANTIATE_TEST_SUITE_P(RowBytes, Shrink, testing::Values(8, 512, 1000, 3072, 4096, 20'000));

TEST(SlotArenaShrink, APinnedSlotKeepsItsPage) {
  auto [arena, handles] = filled(64, 4096);
  arena->pin(handles[10]);
  for (const Handle handle : handles) arena->release(handle);
  arena->shrink();
  EXPECT_EQ(arena->statistics().committed_bytes, 4096U);
  expect_intact(*arena, handles[10]);
  EXPECT_EQ(arena->committed_rows(), 11U);
  arena->unpin(10);
  EXPECT_EQ(arena->shrink(), 4096U);
}

#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
TEST(SlotArenaShrink, TheSystemSeesTheMemoryComeBack) {
  auto [arena, handles] = filled(20'000, 4096);
  const std::size_t full = resident_bytes();
  for (const Handle handle : handles) arena->release(handle);
  const std::size_t freed = arena->shrink();
  EXPECT_GE(freed, 20'000U * 4096);
  EXPECT_GT(full - resident_bytes(), freed / 10 * 9);
}
#endif

}  // namespace
}  // namespace klg::slots

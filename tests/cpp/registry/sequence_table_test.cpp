#include "klg/registry/sequence_table.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <map>
#include <random>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "klg/registry/stack_table.hpp"

namespace klg::registry {
namespace {

using Frames = std::vector<FrameId>;

TEST(SequenceTable, GivesEqualSequencesOneId) {
  StackTable table(16, 64);
  const Frames outer{1, 2, 3};
  const Frames inner{1, 2};
  const std::uint32_t first = table.intern(outer);
  EXPECT_NE(first, 0u);
  EXPECT_EQ(table.intern(Frames(outer)), first);
  EXPECT_NE(table.intern(inner), first);
  EXPECT_EQ(table.size(), 2u);
  EXPECT_TRUE(std::ranges::equal(table.get(first), outer));
}

TEST(SequenceTable, KeepsZeroForTheEmptyOne) {
  StackTable table(4, 4);
  EXPECT_EQ(table.intern({}), 0u);
  EXPECT_EQ(table.dropped(), 0u);
  EXPECT_TRUE(table.get(0).empty());
  EXPECT_TRUE(table.get(99).empty());
}

TEST(SequenceTable, CountsWhatFindsNoRoomAndStillKnowsTheRest) {
  StackTable table(2, 5);
  const Frames first{1};
  const Frames second{2, 3};
  EXPECT_EQ(table.intern(first), 1u);
  EXPECT_EQ(table.intern(Frames{9, 9, 9, 9, 9}), 0u);  // too many elements
  EXPECT_EQ(table.intern(second), 2u);
  EXPECT_EQ(table.intern(Frames{4}), 0u);  // too many sequences
  EXPECT_EQ(table.dropped(), 2u);
  EXPECT_EQ(table.intern(first), 1u);
  EXPECT_EQ(table.intern(second), 2u);
}

TEST(SequenceTable, AgreesWithAMap) {
  StackTable table(2'000, 20'000);
  std::map<Frames, std::uint32_t> model;
  std::mt19937 generator(7);
  for (int k = 0; k < 20'000; ++k) {
    Frames frames(1 + generator() % 6);
    for (FrameId& frame : frames) frame = generator() % 4;
    const std::uint32_t id = table.intern(frames);
    if (const auto known = model.find(frames); known != model.end()) {
      ASSERT_EQ(id, known->second);
    } else if (id != 0) {
      model.emplace(frames, id);
    } else {
      ASSERT_GE(model.size(), 2'000u);
    }
  }
  EXPECT_EQ(table.size(), model.size());
  for (const auto& [frames, id] : model) EXPECT_TRUE(std::ranges::equal(table.get(id), frames));
}

TEST(SequenceTable, ThreadsThatRaceGetTheSameIds) {
  SiteTable table(1'000, 100'000);
  std::vector<std::vector<std::uint32_t>> ids(4);
  std::vector<std::thread> threads;
  for (std::vector<std::uint32_t>& mine : ids) {
    threads.emplace_back([&table, &mine] {
      for (int k = 0; k < 500; ++k) {
        const std::string name = "module.py:" + std::to_string(k);
        mine.push_back(table.intern(name));
        const auto stored = table.get(mine.back());
        if (std::string_view(stored.data(), stored.size()) != name) mine.back() = 0;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(table.size(), 500u);
  for (const auto& mine : ids) EXPECT_EQ(mine, ids[0]);
  EXPECT_EQ(std::ranges::count(ids[0], 0u), 0);
}

}  // namespace
}  // namespace klg::registry

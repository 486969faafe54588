#include "klg/slots/free_summary.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <random>
#include <set>
#include <thread>
#include <vector>

namespace klg::slots {
namespace {

class FreeSummarySizes : public testing::TestWithParam<std::uint32_t> {};

TEST_P(FreeSummarySizes, FindsTheLowestLikeASet) {
  const std::uint32_t leaves = GetParam();
  FreeSummary summary(leaves);
  std::vector<std::atomic<std::uint64_t>> words(leaves);
  std::set<std::uint32_t> model;
  std::mt19937 random(leaves);
  for (int step = 0; step < 20'000; ++step) {
    const auto leaf = static_cast<std::uint32_t>(random() % leaves);
    if (random() % 2 == 0) {
      words[leaf] = 1;
      summary.note(leaf);
      model.insert(leaf);
    } else {
      words[leaf] = 0;
      summary.clear(leaf, words[leaf]);
      model.erase(leaf);
    }
    const auto from = static_cast<std::uint32_t>(random() % leaves);
    const auto expected = model.lower_bound(from);
    ASSERT_EQ(summary.next(from), expected == model.end() ? FreeSummary::kNone : *expected);
  }
}

INSTANTIATE_TEST_SUITE_P(OneToFourLevels, FreeSummarySizes,
                         testing::Values(1, 64, 65, 4096, 4097, 300'000));

TEST(FreeSummary, ClearingALeafThatFilledMeanwhileKeepsIt) {
  FreeSummary summary(5000);
  std::atomic<std::uint64_t> word{1};
  summary.note(4999);
  summary.clear(4999, word);
  EXPECT_EQ(summary.next(0), 4999U);
}

TEST(FreeSummary, NoLeafIsLostBetweenSetterAndClearer) {
  FreeSummary summary(128);
  std::atomic<std::uint64_t> word{0};
  std::atomic<bool> stop{false};
  std::thread clearer([&] {
    while (!stop) {
      if (word == 0) summary.clear(100, word);
    }
  });
  int lost = 0;
  for (int round = 0; round < 100'000; ++round) {
    word = 1;
    summary.note(100);
    // The clearer may be in its moment of taking the bit back; it must not stay away.
    int patience = 0;
    while (summary.next(0) != 100 && ++patience < 1'000'000) std::this_thread::yield();
    lost += summary.next(0) != 100 && patience == 1'000'000;
    word = 0;
  }
  stop = true;
  clearer.join();
  EXPECT_EQ(lost, 0);
}

}  // namespace
}  // namespace klg::slots

#include "klg/registry/pair_benchmark.hpp"

#include <gtest/gtest.h>

#include <stdexcept>

namespace klg::registry {
namespace {

TEST(PairBenchmark, DoesThePairsThatItTimes) {
  for (const bool same_site : {false, true}) {
    const PairTimes times = time_pairs(2, 10'000, 16, same_site);
    EXPECT_EQ(times.totals.total_count, 20'000u);
    EXPECT_EQ(times.totals.live_count, 0u);
    EXPECT_EQ(times.totals.stale_releases, 0u);
    EXPECT_GT(times.wall_s, 0.0);
    EXPECT_GT(times.cpu_s, 0.0);
  }
}

TEST(PairBenchmark, RefusesNothingToDo) {
  EXPECT_THROW((void)time_pairs(0, 10, 1, false), std::invalid_argument);
  EXPECT_THROW((void)time_pairs(1, 10, 0, false), std::invalid_argument);
  EXPECT_THROW((void)time_pairs(1, 10, 11, false), std::invalid_argument);
}

}  // namespace
}  // namespace klg::registry

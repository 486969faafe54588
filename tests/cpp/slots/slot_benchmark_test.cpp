#include "klg/slots/slot_benchmark.hpp"

#include <gtest/gtest.h>

#include "klg/core/error.hpp"
#include "klg/slots/slot_fuzz.hpp"

namespace klg::slots {
namespace {

TEST(SlotBenchmark, EveryAllocatorKeepsItsMarks) {
  for (const std::string& allocator : benchmark_allocators()) {
    EXPECT_GT(benchmark_pairs(allocator, 3, 10'000), 0) << allocator;
  }
}

TEST(SlotBenchmark, RefusesWhatItCannotTime) {
  EXPECT_THROW(static_cast<void>(benchmark_pairs("nothing", 1, 1)), Error);
  EXPECT_THROW(static_cast<void>(benchmark_pairs("arena", 0, 1)), Error);
}

TEST(SlotBenchmark, TheFuzzCatchesEveryMisuse) {
  const FuzzCounts counts = fuzz(300'000, 1);
  EXPECT_GT(counts.misuses, 10'000U);
  EXPECT_EQ(counts.caught, counts.misuses);
  EXPECT_EQ(counts.errors, 0U);
}

}  // namespace
}  // namespace klg::slots

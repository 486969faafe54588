#include "klg/sampling/poisson_sampler.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <vector>

namespace klg::sampling {
namespace {

constexpr double kMean = 4096.0;

struct Estimate {
  double bytes = 0.0;
  double variance = 0.0;
  std::uint64_t samples = 0;
  std::uint64_t points = 0;
};

// Allocates `count` blocks of `size` bytes and adds up what the sampler picks.
Estimate allocate(std::size_t size, int count, std::uint64_t seed) {
  ByteCountdown state;
  PoissonSampler::begin(state, 1, kMean, seed);
  Estimate sum;
  for (int k = 0; k < count; ++k) {
    state.left -= static_cast<std::int64_t>(size);
    if (state.left >= 0) continue;
    const double mean = state.mean;
    sum.points += PoissonSampler::points(state, kMean);
    const double bytes = weight(size, mean);
    sum.bytes += bytes;
    sum.variance += bytes * bytes * (1.0 - inclusion_probability(size, mean));
    ++sum.samples;
    EXPECT_GE(state.left, 0);
  }
  return sum;
}

TEST(PoissonSampler, EstimatesTheTotalWithoutBias) {
  for (const std::size_t size : {1u, 48u, 512u, 4096u, 20'000u, 300'000u}) {
    const int count = static_cast<int>(40'000'000 / size);
    const Estimate sum = allocate(size, count, size + 7);
    const double total = static_cast<double>(size) * count;
    EXPECT_NEAR(sum.bytes, total, 5.0 * std::sqrt(sum.variance) + 1e-6 * total) << size;
  }
}

TEST(PoissonSampler, CountsEveryPointOfALargeAllocation) {
  for (const std::size_t size : {48u, 4096u, 100'000u, 8'000'000u}) {
    const int count = static_cast<int>(400'000'000 / size);
    const double expected = static_cast<double>(size) * count / kMean;
    const Estimate sum = allocate(size, count, size + 11);
    EXPECT_NEAR(static_cast<double>(sum.points), expected, 5.0 * std::sqrt(expected)) << size;
  }
}

TEST(PoissonSampler, FirstGapOfAThreadIsRandom) {
  int picked = 0;
  for (std::uint64_t seed = 1; seed <= 1000; ++seed) {
    ByteCountdown state;
    PoissonSampler::begin(state, 1, kMean, seed);
    state.left -= 64;
    if (state.left < 0) ++picked;
  }
  // 64 bytes hold a point with a chance of 1.6 %: a countdown that begins at 0 would give 1000.
  EXPECT_GT(picked, 0);
  EXPECT_LT(picked, 50);
}

TEST(PoissonSampler, WeightIsAtLeastTheSizeAndTheMeanForSmallBlocks) {
  EXPECT_EQ(weight(0, kMean), 0.0);
  EXPECT_NEAR(weight(1, kMean), kMean, 1.0);
  EXPECT_NEAR(weight(1'000'000, kMean), 1'000'000.0, 1e-6);
}

}  // namespace
}  // namespace klg::sampling

#include "klg/similarity/canonical_dot.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstdint>
#include <random>
#include <vector>

#include "klg/similarity/host_warp.hpp"

namespace klg::similarity {
namespace {

std::vector<float> random_row(std::size_t n, std::uint32_t seed) {
  std::mt19937 generator(seed);
  std::normal_distribution<float> normal;
  std::vector<float> row(n);
  for (float& value : row) value = normal(generator);
  return row;
}

// Written out as the definition reads, without the shared template.
double slow_oracle(const std::vector<float>& x, const std::vector<float>& y) {
  std::array<double, 32> lanes{};
  for (std::size_t i = 0; i < x.size(); ++i) {
    lanes[i % 32] += static_cast<double>(x[i]) * static_cast<double>(y[i]);
  }
  for (std::size_t width = 16; width > 0; width /= 2) {
    for (std::size_t lane = 0; lane < width; ++lane) lanes[lane] += lanes[lane + width];
  }
  return lanes[0];
}

TEST(CanonicalDot, IsTheDefinitionBitForBit) {
  for (const std::size_t n : {0u, 1u, 31u, 32u, 33u, 384u, 768u, 1023u, 1024u}) {
    const auto x = random_row(n, 1);
    const auto y = random_row(n, 2);
    EXPECT_EQ(canonical_dot(x.data(), y.data(), n), slow_oracle(x, y)) << "n=" << n;
  }
}

TEST(CanonicalDot, IsSymmetric) {
  const auto x = random_row(1000, 3);
  const auto y = random_row(1000, 4);
  EXPECT_EQ(canonical_dot(x.data(), y.data(), 1000), canonical_dot(y.data(), x.data(), 1000));
}

TEST(CanonicalDot, DiffersFromThePlainLoopWhereOrderMatters) {
  // Guards the guard: were the tree replaced by a plain sum, the oracle test would have to notice.
  const auto x = random_row(1024, 5);
  const auto y = random_row(1024, 6);
  double plain = 0.0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    plain += static_cast<double>(x[i]) * static_cast<double>(y[i]);
  }
  const double canonical = canonical_dot(x.data(), y.data(), x.size());
  EXPECT_NE(canonical, plain);
  EXPECT_NEAR(canonical, plain, 1e-10);
}

TEST(CanonicalDot, PropagatesNotANumber) {
  const std::vector<float> x{1.0f, std::nanf(""), 2.0f};
  EXPECT_TRUE(std::isnan(canonical_dot(x.data(), x.data(), x.size())));
}

TEST(HostWarp, ShufflesLikeTheDevice) {
  HostWarp::Value lanes;
  for (unsigned lane = 0; lane < kLanes; ++lane) lanes[lane] = lane;
  const auto shifted = HostWarp{}.shuffle_down(lanes, 16);
  EXPECT_EQ(shifted[0], 16.0);
  EXPECT_EQ(shifted[15], 31.0);
  EXPECT_EQ(shifted[16], 16.0);  // past the end: its own value
}

}  // namespace
}  // namespace klg::similarity

#include "klg/similarity/tension.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <random>
#include <stdexcept>

#include "similarity/scan_fixture.hpp"

namespace klg::similarity {
namespace {

using testing::Rows;

/// Each owner has about a quarter of twelve items.
ItemSets random_sets(std::size_t count, unsigned seed) {
  std::mt19937 generator(seed);
  std::vector<std::vector<std::uint32_t>> owners(count);
  for (auto& owner : owners) {
    for (std::uint32_t item = 0; item < 12; ++item) {
      if (generator() % 4 == 0) owner.push_back(item);
    }
  }
  return {owners, 12};
}

std::vector<std::unique_ptr<Tension>> both(std::size_t count, double threshold) {
  std::vector<std::unique_ptr<Tension>> rules;
  rules.push_back(std::make_unique<MeanTension>(random_sets(count, 1), random_sets(count, 2),
                                                random_sets(count, 3), threshold));
  rules.push_back(std::make_unique<WeightedTension>(
      random_sets(count, 1), random_sets(count, 2), random_sets(2 * count, 4),
      random_sets(count, 5), random_sets(count, 6), threshold));
  return rules;
}

std::vector<Pair> oracle(const Rows& rows, const Tension& rule) {
  std::vector<Pair> pairs;
  for (std::size_t i = 0; i < rows.count; ++i) {
    for (std::size_t j = i + 1; j < rows.count; ++j) {
      const double score = rule.score(i, j, testing::oracle_score(rows, i, j), 1.0);
      if (rule.counts(score)) {
        pairs.push_back({static_cast<std::int64_t>(i), static_cast<std::int64_t>(j), score});
      }
    }
  }
  return pairs;
}

TEST(Tension, LimitsAreWhereScoresStartToCount) {
  for (const double threshold : {-1.0, 0.2, 0.4, 0.7, 0.95}) {
    for (const auto& rule : both(40, threshold)) {
      const double greatest = rule->greatest_limit();
      for (std::size_t i = 0; i < 40; ++i) {
        for (std::size_t j = 0; j < 40; ++j) {
          const double limit = rule->cosine_limit(i, j);
          ASSERT_GE(greatest, std::min(limit, 2.0));  // above 1 there is none
          for (const double cosine : {-1.0, -0.5, 0.0, 0.3, 1.0, limit, limit - 1e-8}) {
            if (std::abs(cosine) > 1.0) continue;
            const double score = rule->score(i, j, cosine, 1.0);
            const bool counts = rule->counts(score);
            ASSERT_TRUE(!counts || cosine < limit) << threshold << ' ' << cosine;
            const bool grazes = std::abs(score - threshold) < 1e-8;
            ASSERT_TRUE(counts || grazes || cosine >= limit - 5e-9) << threshold << ' ' << cosine;
          }
        }
      }
    }
  }
}

TEST(Tension, DecidesPairsInTheScanAsItDoesOneByOne) {
  Rows rows = testing::random_rows(250, 40, 7);
  for (std::size_t k = 0; k < 40; ++k) rows.values[40 * 9 + k] = -rows.values[k];
  for (const double threshold : {-1.0, 0.3, 0.5, 0.6}) {
    for (const auto& rule : both(rows.count, threshold)) {
      const auto wanted = oracle(rows, *rule);
      ASSERT_FALSE(wanted.empty());
      for (const Kernels* isa : testing::usable_kernels()) {
        for (const Filter filter : testing::usable_filters(*isa)) {
          const auto got = testing::all_pairs(
              rows, {rule->greatest_limit(), true, filter, 1.0, rule.get()}, *isa, 2);
          ASSERT_EQ(got.size(), wanted.size()) << isa->name << ' ' << threshold;
          for (std::size_t k = 0; k < got.size(); ++k) {
            ASSERT_EQ(got[k].i, wanted[k].i);
            ASSERT_EQ(got[k].j, wanted[k].j);
            ASSERT_EQ(got[k].score, wanted[k].score);
          }
        }
      }
    }
  }
}

TEST(Tension, WithoutACosineTheSetsDecide) {
  const ItemSets apart({{0}, {1}}, 2);
  const ItemSets same({{0}, {0}}, 1);
  const ItemSets none({{}, {}}, 0);
  const MeanTension mean(apart, same, none, 0.4);
  EXPECT_EQ(mean.score(0, 1, 0.3, 0.0), (0.5 + 1.0) / 3.0);
  const WeightedTension weighted(apart, none, ItemSets({{}, {}, {}, {}}, 0), none, none, 0.4);
  EXPECT_EQ(weighted.score(0, 1, 0.3, 0.0), 1.0);
  const WeightedTension nothing(none, none, ItemSets({{}, {}, {}, {}}, 0), none, none, 0.4);
  EXPECT_EQ(nothing.score(0, 1, 0.0, 0.0), 0.0);
}

TEST(Tension, NeedsTheSameGeoidsThroughout) {
  const ItemSets two({{0}, {0}}, 1);
  const ItemSets three({{0}, {0}, {0}}, 1);
  EXPECT_THROW(MeanTension(three, two, two, 0.4), std::invalid_argument);
  EXPECT_THROW(WeightedTension(two, two, three, two, two, 0.4), std::invalid_argument);
}

}  // namespace
}  // namespace klg::similarity

#include "klg/similarity/pair_scan.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <stdexcept>

#include "similarity/scan_fixture.hpp"

namespace klg::similarity {
namespace {

using testing::Rows;

std::vector<Pair> oracle(const Rows& rows, double threshold, bool below) {
  std::vector<Pair> pairs;
  for (std::size_t i = 0; i < rows.count; ++i) {
    for (std::size_t j = i + 1; j < rows.count; ++j) {
      const double score = testing::oracle_score(rows, i, j);
      if (below ? score < threshold : score > threshold) {
        pairs.push_back({static_cast<std::int64_t>(i), static_cast<std::int64_t>(j), score});
      }
    }
  }
  return pairs;
}

void expect_same(const std::vector<Pair>& got, const std::vector<Pair>& wanted) {
  ASSERT_EQ(got.size(), wanted.size());
  for (std::size_t k = 0; k < got.size(); ++k) {
    ASSERT_EQ(got[k].i, wanted[k].i);
    ASSERT_EQ(got[k].j, wanted[k].j);
    ASSERT_EQ(got[k].score, wanted[k].score);
  }
}

TEST(PairScan, IsTheOracleBitForBitOnEveryPath) {
  // Sizes on both sides of panels, strips and chunks.
  for (const std::size_t count : {2u, 15u, 17u, 241u, 481u}) {
    for (const std::size_t columns : {1u, 7u, 32u, 65u}) {
      const Rows rows =
          testing::random_rows(count, columns, static_cast<std::uint32_t>(count + columns));
      for (const bool below : {true, false}) {
        const double threshold = below ? -0.3 : 0.3;
        const auto wanted = oracle(rows, threshold, below);
        for (const Kernels* isa : testing::usable_kernels()) {
          for (const Filter filter : testing::usable_filters(*isa)) {
            for (const unsigned threads : {1u, 3u}) {
              expect_same(testing::all_pairs(rows, {threshold, below, filter}, *isa, threads),
                          wanted);
            }
          }
        }
      }
    }
  }
}

TEST(PairScan, CountsWhatItWouldGive) {
  const Rows rows = testing::random_rows(300, 24, 5);
  const WorkerTeam team(2);
  for (const Kernels* isa : testing::usable_kernels()) {
    for (const Filter filter : testing::usable_filters(*isa)) {
      const RowSet set(rows.matrix(), nullptr, "rows", *isa, team);
      PairScan scan(set, {0.05, false, filter}, *isa, team);
      EXPECT_EQ(scan.count(team), oracle(rows, 0.05, false).size());
    }
  }
}

TEST(PairScan, TakesEveryPairOfTwoSets) {
  const Rows left = testing::random_rows(50, 33, 6);
  const Rows right = testing::random_rows(70, 33, 7);
  const WorkerTeam team(2);
  for (const Kernels* isa : testing::usable_kernels()) {
    const RowSet left_set(left.matrix(), nullptr, "left", *isa, team);
    const RowSet right_set(right.matrix(), nullptr, "right", *isa, team);
    PairScan scan(left_set, right_set, {2.0, true, std::nullopt}, *isa, team);
    std::vector<Pair> pairs;
    while (scan.next(team, pairs)) {
    }
    ASSERT_EQ(pairs.size(), 50u * 70u);
    EXPECT_EQ(pairs[71].i, 1);
    EXPECT_EQ(pairs[71].j, 1);
  }
}

TEST(PairScan, FindsRowsOfExtremeLength) {
  Rows rows = testing::random_rows(60, 40, 8);
  for (std::size_t i = 0; i < rows.count; ++i) {
    const float factor = i % 3 == 0 ? 1e-41f : i % 3 == 1 ? 1e37f : 1.0f;
    for (std::size_t k = 0; k < rows.columns; ++k) rows.values[i * rows.columns + k] *= factor;
  }
  const auto wanted = oracle(rows, 0.1, false);
  EXPECT_GT(wanted.size(), 100u);
  for (const Kernels* isa : testing::usable_kernels()) {
    for (const Filter filter : testing::usable_filters(*isa)) {
      expect_same(testing::all_pairs(rows, {0.1, false, filter}, *isa), wanted);
    }
  }
}

TEST(PairScan, StopsWhereThePollThrows) {
  const Rows rows = testing::random_rows(3000, 64, 9);
  const Kernels& isa = kernels("");
  std::atomic<int> polls{0};
  const WorkerTeam team(2, [&] {
    if (++polls == 1) throw std::runtime_error("enough");
  });
  const WorkerTeam quiet(2);
  const RowSet set(rows.matrix(), nullptr, "rows", isa, quiet);
  PairScan scan(set, {0.0, false, Filter::floats}, isa, quiet);
  std::vector<Pair> pairs;
  EXPECT_THROW(
      {
        while (scan.next(team, pairs)) {
        }
      },
      std::runtime_error);
  EXPECT_EQ(polls, 1);
}

}  // namespace
}  // namespace klg::similarity

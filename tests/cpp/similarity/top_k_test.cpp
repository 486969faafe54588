#include "klg/similarity/top_k.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "similarity/scan_fixture.hpp"

namespace klg::similarity {
namespace {

using testing::Rows;

/// Partners of one row, best first; scores negated where the largest are best.
using Ranking = std::vector<std::pair<double, std::int64_t>>;

std::vector<Ranking> oracle(const Rows& rows, bool largest) {
  std::vector<Ranking> rankings(rows.count);
  for (std::size_t i = 0; i < rows.count; ++i) {
    for (std::size_t j = 0; j < rows.count; ++j) {
      if (i == j) continue;
      const double score = testing::oracle_score(rows, i, j);
      rankings[i].emplace_back(largest ? -score : score, static_cast<std::int64_t>(j));
    }
    std::sort(rankings[i].begin(), rankings[i].end());
  }
  return rankings;
}

TEST(TopK, IsTheOracleBitForBitOnEveryPath) {
  for (const std::size_t count : {2u, 30u, 250u, 700u}) {
    Rows rows = testing::random_rows(count, 48, static_cast<std::uint32_t>(count));
    // Duplicates, so that ties must be broken.
    for (std::size_t i = 0; i + 7 < count; i += 7) {
      std::copy_n(rows.row(i), rows.columns, rows.values.data() + (i + 3) * rows.columns);
    }
    constexpr std::size_t kPlaces = 5;
    for (const bool largest : {true, false}) {
      const std::vector<Ranking> wanted = oracle(rows, largest);
      for (const Kernels* isa : testing::usable_kernels()) {
        for (const Filter filter : testing::usable_filters(*isa)) {
          const WorkerTeam team(3);
          const RowSet set(rows.matrix(), nullptr, "rows", *isa, team);
          std::vector<std::int64_t> indices(count * kPlaces);
          std::vector<double> scores(count * kPlaces);
          top_k(set, nullptr, {kPlaces, largest, filter}, *isa, team, indices.data(),
                scores.data());
          for (std::size_t i = 0; i < count; ++i) {
            for (std::size_t place = 0; place < kPlaces; ++place) {
              const std::size_t at = i * kPlaces + place;
              if (place >= wanted[i].size()) {
                EXPECT_EQ(indices[at], -1);
                EXPECT_TRUE(std::isnan(scores[at]));
                continue;
              }
              ASSERT_EQ(indices[at], wanted[i][place].second) << isa->name << " row " << i;
              ASSERT_EQ(scores[at], largest ? -wanted[i][place].first : wanted[i][place].first);
            }
          }
        }
      }
    }
  }
}

}  // namespace
}  // namespace klg::similarity

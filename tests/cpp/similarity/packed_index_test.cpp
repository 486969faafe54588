#include "klg/similarity/packed_index.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <map>
#include <random>
#include <stdexcept>

#include "similarity/scan_fixture.hpp"

namespace klg::similarity {
namespace {

using testing::Rows;

using Found = std::map<std::pair<std::int64_t, std::int64_t>, double>;

Found pairs_of(const PackedIndex& index, double threshold, const Kernels& isa) {
  const WorkerTeam team(1);
  PairScan scan(index.rows(), index.packed(), {threshold, false, std::nullopt}, isa);
  std::vector<Pair> pairs;
  while (scan.next(team, pairs)) {
  }
  Found found;
  for (const Pair& pair : pairs) found[{pair.i, pair.j}] = pair.score;
  EXPECT_EQ(found.size(), pairs.size());
  return found;
}

TEST(PackedIndex, GivesThePairsOfTheRowsItHolds) {
  constexpr std::size_t kColumns = 40;
  for (const Kernels* isa : testing::usable_kernels()) {
    for (const Filter filter : testing::usable_filters(*isa)) {
      const WorkerTeam team(2);
      PackedIndex index(kColumns, {filter}, *isa);
      std::map<std::int64_t, std::vector<float>> held;
      std::mt19937 generator(7);
      for (std::uint32_t round = 0; round < 12; ++round) {
        Rows rows = testing::random_rows(5 + 13 * round, kColumns, round);
        if (round % 3 == 0) std::fill_n(rows.values.begin(), kColumns, 0.0f);
        const auto ids = index.add(rows.matrix(), team);
        for (std::size_t i = 0; i < ids.size(); ++i) {
          held[ids[i]] = {rows.row(i), rows.row(i) + kColumns};
        }
        std::vector<std::int64_t> gone;
        for (const auto& [id, row] : held) {
          if (generator() % 3 == 0) gone.push_back(id);
        }
        std::shuffle(gone.begin(), gone.end(), generator);
        index.remove(gone);
        for (const std::int64_t id : gone) held.erase(id);
        ASSERT_EQ(index.size(), held.size());

        Rows now{0, kColumns, {}};
        std::vector<std::int64_t> names;
        for (const auto& [id, row] : held) {
          now.values.insert(now.values.end(), row.begin(), row.end());
          names.push_back(id);
          ++now.count;
        }
        ASSERT_EQ(index.ids(), names);
        Found wanted;
        for (const Pair& pair : testing::all_pairs(now, {0.2, false, Filter::floats}, *isa)) {
          wanted[{names[static_cast<std::size_t>(pair.i)],
                  names[static_cast<std::size_t>(pair.j)]}] = pair.score;
        }
        ASSERT_EQ(pairs_of(index, 0.2, *isa), wanted) << isa->name;
        if (round > 4) {
          EXPECT_GT(wanted.size(), 100u);
        }
      }
    }
  }
}

TEST(PackedIndex, StaysAsItWasWhereACallFails) {
  const Kernels& isa = kernels("");
  const WorkerTeam team(1);
  PackedIndex index(8, {Filter::floats}, isa);
  const Rows rows = testing::random_rows(20, 8, 1);
  const auto ids = index.add(rows.matrix(), team);
  const Found before = pairs_of(index, 0.0, isa);
  Rows bad = testing::random_rows(40, 8, 2);
  bad.values[100] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_THROW(static_cast<void>(index.add(bad.matrix(), team)), std::invalid_argument);
  EXPECT_THROW(index.remove(std::vector<std::int64_t>{ids[0], 77}), std::out_of_range);
  EXPECT_THROW(index.remove(std::vector<std::int64_t>{ids[0], ids[0]}), std::out_of_range);
  EXPECT_EQ(index.size(), 20u);
  EXPECT_EQ(pairs_of(index, 0.0, isa), before);
}

}  // namespace
}  // namespace klg::similarity

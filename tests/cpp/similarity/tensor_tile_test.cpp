#include "klg/similarity/tensor_tile.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <memory>
#include <set>

#include "similarity/scan_fixture.hpp"

namespace klg::similarity::tensor {
namespace {

using testing::Rows;
using PairSet = std::set<std::pair<std::int64_t, std::int64_t>>;

/// A whole warp on the host, with the fragments as the instruction set's manual lays them out.
///
/// Sums lose what hardware may lose at worst: terms are cut off 24 bits below the greatest.
class HostTensorWarp {
 public:
  struct RowFragment {
    std::array<std::array<std::uint32_t, 4>, 32> words;
  };
  using ColumnFragments = RowFragment;

  explicit HostTensorWarp(unsigned warp) : warp_(warp) {}

  void load_rows(RowFragment& to, const std::uint16_t* stage, unsigned block, unsigned step) const {
    load(to, stage, [&](unsigned lane) { return row_source(warp_, lane, block, step); });
  }
  void load_columns(ColumnFragments& to, const std::uint16_t* stage, unsigned block,
                    unsigned step) const {
    load(to, stage, [&](unsigned lane) { return column_source(warp_, lane, block, step); });
  }

  void multiply(unsigned i, unsigned j, const RowFragment& a, const ColumnFragments& b) {
    float rows[16][16];
    float columns[8][16];
    for (unsigned lane = 0; lane < 32; ++lane) {
      const unsigned group = lane / 4;
      for (unsigned half = 0; half < 2; ++half) {
        const unsigned k = lane % 4 * 2 + half;
        const auto value = [&](std::uint32_t word) {
          return half_value(static_cast<std::uint16_t>(word >> (16 * half)));
        };
        rows[group][k] = value(a.words[lane][0]);
        rows[group + 8][k] = value(a.words[lane][1]);
        rows[group][k + 8] = value(a.words[lane][2]);
        rows[group + 8][k + 8] = value(a.words[lane][3]);
        columns[group][k] = value(b.words[lane][j % 2 * 2]);
        columns[group][k + 8] = value(b.words[lane][j % 2 * 2 + 1]);
      }
    }
    for (unsigned lane = 0; lane < 32; ++lane) {
      for (unsigned sum = 0; sum < kSums; ++sum) {
        float& target = sums_[lane][i][j][sum];
        target = cut_sum(target, rows[lane / 4 + sum / 2 * 8], columns[lane % 4 * 2 + sum % 2]);
      }
    }
  }

  [[nodiscard]] float sum(unsigned lane, unsigned i, unsigned j, unsigned k) const {
    return sums_[lane][i][j][k];
  }

 private:
  template <class Locate>
  static void load(RowFragment& to, const std::uint16_t* stage, Locate source_of) {
    // Lanes 8m to 8m + 7 name the rows of matrix m; lane l gets words l % 4 of row l / 4 of each.
    for (unsigned matrix = 0; matrix < 4; ++matrix) {
      for (unsigned lane = 0; lane < 32; ++lane) {
        const Source source = source_of(matrix * 8 + lane / 4);
        const std::uint16_t* pair = stage + shared_place(source.row, source.group) + lane % 4 * 2;
        to.words[lane][matrix] = pair[0] | static_cast<std::uint32_t>(pair[1]) << 16;
      }
    }
  }

  static float cut_sum(float start, const float* x, const float* y) {
    double terms[17] = {start};
    for (unsigned k = 0; k < 16; ++k) terms[k + 1] = static_cast<double>(x[k]) * y[k];
    double greatest = 0.0;
    for (const double term : terms) greatest = std::max(greatest, std::abs(term));
    if (greatest == 0.0) return 0.0f;
    const double quantum = std::ldexp(1.0, std::ilogb(greatest) - 23);
    double total = 0.0;
    for (const double term : terms) total += std::trunc(term / quantum) * quantum;
    const auto nearest = static_cast<float>(total);
    return std::abs(nearest) > std::abs(total) ? std::nextafter(nearest, 0.0f) : nearest;
  }

  unsigned warp_;
  float sums_[32][kRowBlocks][kColumnBlocks][kSums] = {};
};

/// A set as pack_kernel leaves it.
struct Packed {
  Packed(const Rows& rows, double residual_scale)
      : depth(packed_depth(rows.columns)),
        halves(packed_count(rows.count) * depth),
        residuals(packed_count(rows.count), std::numeric_limits<float>::quiet_NaN()) {
    for (std::size_t i = 0; i < rows.count; ++i) {
      const double square = canonical_dot(rows.row(i), rows.row(i), rows.columns);
      residuals[i] = -std::numeric_limits<float>::infinity();
      if (square == 0.0) continue;
      double lost = 0.0;
      for (std::size_t k = 0; k < rows.columns; ++k) {
        halves[i * depth + k] = pack_entry(rows.row(i)[k], 1.0 / std::sqrt(square), lost);
      }
      residuals[i] = static_cast<float>(residual_scale * packed_residual(lost, rows.columns));
    }
  }
  std::size_t depth;
  std::vector<std::uint16_t> halves;
  std::vector<float> residuals;
};

struct Scale {
  double residual = 1.0;
  double slack = 1.0;
};

/// What filter_kernel and verify_kernel do, on the host.
PairSet search(const Rows& rows, double threshold, bool below, Scale scale = {}) {
  const Packed packed(rows, scale.residual);
  const Extent extent{static_cast<std::uint32_t>(rows.count),
                      static_cast<std::uint32_t>(rows.count), true};
  const float sign = below ? -1.0f : 1.0f;
  const Test test{sign, sign * static_cast<float>(threshold),
                  static_cast<float>(scale.slack * tensor_slack(rows.columns) + kComparisonSlack)};
  PairSet found;
  const auto tile_count = static_cast<std::uint32_t>(packed_count(rows.count) / kTileRows);
  std::vector<std::uint16_t> row_stage(kTileRows * kDepth);
  std::vector<std::uint16_t> column_stage(kTileColumns * kDepth);
  const auto stage = [&](std::vector<std::uint16_t>& to, std::uint32_t tile, std::size_t first) {
    for (unsigned row = 0; row < kTileRows; ++row) {
      for (unsigned group = 0; group < kGroups; ++group) {
        const std::uint16_t* from =
            packed.halves.data() + (tile * kTileRows + row) * packed.depth + first + group * kGroup;
        std::copy_n(from, kGroup, to.data() + shared_place(row, group));
      }
    }
  };
  for (std::uint32_t tile_row = 0; tile_row < tile_count; ++tile_row) {
    for (std::uint32_t tile_column = 0; tile_column < tile_count; ++tile_column) {
      if (!tile_counts(extent, tile_row, tile_column)) continue;
      std::vector<std::unique_ptr<HostTensorWarp>> warps;
      for (unsigned w = 0; w < kWarps; ++w) warps.push_back(std::make_unique<HostTensorWarp>(w));
      for (std::size_t first = 0; first < packed.depth; first += kDepth) {
        stage(row_stage, tile_row, first);
        stage(column_stage, tile_column, first);
        for (auto& warp : warps) multiply_stage(*warp, row_stage.data(), column_stage.data());
      }
      for (unsigned w = 0; w < kWarps; ++w) {
        for (unsigned lane = 0; lane < 32; ++lane) {
          const auto sums = [&](unsigned i, unsigned j, unsigned k) {
            return warps[w]->sum(lane, i, j, k);
          };
          for_each_candidate(extent, test, tile_row, tile_column, w, lane, packed.residuals.data(),
                             packed.residuals.data(), sums, [&](Candidate candidate) {
                               const double score =
                                   testing::oracle_score(rows, candidate.row, candidate.column);
                               if (!is_match(score, threshold, below)) return;
                               EXPECT_TRUE(found.insert({candidate.row, candidate.column}).second);
                             });
        }
      }
    }
  }
  return found;
}

PairSet oracle(const Rows& rows, double threshold, bool below) {
  PairSet found;
  for (std::size_t i = 0; i < rows.count; ++i) {
    for (std::size_t j = i + 1; j < rows.count; ++j) {
      const double score = testing::oracle_score(rows, i, j);
      if (below ? score < threshold : score > threshold) {
        found.insert({static_cast<std::int64_t>(i), static_cast<std::int64_t>(j)});
      }
    }
  }
  return found;
}

void fill_row(Rows& rows, std::size_t i, float value) {
  std::fill_n(rows.values.begin() + static_cast<std::ptrdiff_t>(i * rows.columns), rows.columns,
              value);
}

TEST(TensorTile, FindsWhatTheDefinitionSays) {
  for (const std::size_t count : {1u, 127u, 200u}) {
    for (const std::size_t columns : {1u, 31u, 70u}) {
      Rows rows = testing::random_rows(count, columns, static_cast<std::uint32_t>(count + columns));
      if (count > 2) {
        std::copy_n(rows.row(0), columns, rows.values.data() + (count - 1) * columns);  // duplicate
        fill_row(rows, 1, 0.0f);
        for (std::size_t k = 0; k < columns; ++k) rows.values[2 * columns + k] *= 1e37f;
      }
      for (const bool below : {true, false}) {
        const double threshold = below ? -0.2 : 0.2;
        EXPECT_EQ(search(rows, threshold, below), oracle(rows, threshold, below))
            << count << " x " << columns;
      }
    }
  }
}

TEST(TensorTile, KeepsPairsThatGrazeTheThreshold) {
  const Rows rows = testing::random_rows(140, 96, 11);
  const double score = testing::oracle_score(rows, 3, 137);
  for (const double threshold : {std::nextafter(score, -1.0), score}) {
    EXPECT_EQ(search(rows, threshold, false), oracle(rows, threshold, false));
    EXPECT_EQ(search(rows, threshold, true), oracle(rows, threshold, true));
  }
}

// Every entry of one row loses nearly half a unit of bfloat16, all in the same direction.
TEST(TensorTile, NeedsTheResidualsOfItsRows) {
  constexpr std::size_t kColumns = 64;
  const float odd = 0.125f * (1.0f + 0x1.fcp-9f);
  const float even = 0.125f * std::sqrt(2.0f - (odd * odd) * 64.0f);
  Rows rows{2, kColumns, std::vector<float>(2 * kColumns, odd)};
  for (std::size_t k = 0; k < kColumns; k += 2) rows.values[k] = even;
  const double threshold = std::nextafter(testing::oracle_score(rows, 0, 1), -1.0);
  EXPECT_EQ(search(rows, threshold, false).size(), 1u);
  EXPECT_EQ(search(rows, threshold, false, {0.1, 0.0}).size(), 0u);
}

// Halves hold these rows exactly; every product after the first four is cut off.
TEST(TensorTile, NeedsTheSlackOfItsSums) {
  constexpr std::size_t kColumns = 4 + 16384;
  Rows rows{2, kColumns, std::vector<float>(2 * kColumns, 0x1p-18f)};
  float* y = rows.values.data() + kColumns;
  std::fill_n(y, kColumns, 0x1p-8f);
  for (std::size_t k = 0; k < 4; ++k) rows.values[k] = 0.5f;
  for (std::size_t k = 0; k < 3; ++k) y[k] = 0.5f;
  y[3] = 0.0f;
  const double threshold = std::nextafter(testing::oracle_score(rows, 0, 1), -1.0);
  EXPECT_EQ(search(rows, threshold, false).size(), 1u);
  EXPECT_EQ(search(rows, threshold, false, {1.0, 0.0}).size(), 0u);
}

TEST(TensorTile, EveryPlaceHasOneHolder) {
  std::set<std::pair<unsigned, unsigned>> places;
  for (unsigned warp = 0; warp < kWarps; ++warp) {
    for (unsigned lane = 0; lane < 32; ++lane) {
      for (unsigned i = 0; i < kRowBlocks; ++i) {
        for (unsigned j = 0; j < kColumnBlocks; ++j) {
          for (unsigned k = 0; k < kSums; ++k) {
            const Place place = sum_place(warp, lane, i, j, k);
            EXPECT_LT(place.row, kTileRows);
            EXPECT_LT(place.column, kTileColumns);
            EXPECT_TRUE(places.insert({place.row, place.column}).second);
          }
        }
      }
    }
  }
  EXPECT_EQ(places.size(), kTileRows * kTileColumns);
}

TEST(TensorTile, SpreadsLoadsOverAllBanks) {
  for (unsigned first = 0; first < kTileRows; first += 8) {
    for (unsigned group = 0; group < kGroups; ++group) {
      std::set<unsigned> banks;
      for (unsigned row = first; row < first + 8; ++row) {
        banks.insert(shared_place(row, group) * 2 / 16 % 8);
      }
      EXPECT_EQ(banks.size(), 8u);
    }
  }
}

}  // namespace
}  // namespace klg::similarity::tensor

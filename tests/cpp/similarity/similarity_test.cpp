#include "klg/similarity/similarity.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "similarity/scan_fixture.hpp"

namespace klg::similarity {
namespace {

using testing::Rows;

TEST(Cosine, OfEqualAndOppositeRowsIsExactlyOne) {
  const Rows rows = testing::random_rows(20, 333, 1);
  for (std::size_t i = 0; i < rows.count; ++i) {
    const double square = canonical_dot(rows.row(i), rows.row(i), rows.columns);
    EXPECT_EQ(cosine(square, square, square), 1.0);
    EXPECT_EQ(cosine(-square, square, square), -1.0);
    EXPECT_EQ(cosine(4.0 * square, square, 16.0 * square), 1.0);
  }
}

TEST(Cosine, SurvivesTheSmallestAndTheLargestRows) {
  for (const float entry :
       {std::numeric_limits<float>::denorm_min(), std::numeric_limits<float>::max()}) {
    const double square = 1e6 * static_cast<double>(entry) * static_cast<double>(entry);
    EXPECT_EQ(cosine(square, square, square), 1.0);
  }
}

TEST(AccumulatedError, SaysNothingWhereItIsNotProved) {
  EXPECT_EQ(accumulated_error(0, kUnit32), 0.0);
  EXPECT_GT(accumulated_error(1000, kUnit32), 1000 * kUnit32);
  EXPECT_EQ(accumulated_error(0x1p23, kUnit32), HUGE_VAL);
}

// Rows whose float32 sum loses nearly half an ulp of 0.5 in every step: about half of what
// float_slack allows, the most that is possible while partial sums stay below one.
Rows rows_that_round_down() {
  constexpr std::size_t kColumns = 16384;
  const double small = std::sqrt(0x1p-25 * 0.98);
  const double large = std::sqrt(0.5001);
  const double rest = std::sqrt(1.0 - large * large - (kColumns - 3) * small * small);
  Rows rows{2, kColumns, std::vector<float>(2 * kColumns, static_cast<float>(small))};
  float* x = rows.values.data();
  float* y = x + kColumns;
  x[0] = y[0] = static_cast<float>(large);
  x[1] = y[2] = static_cast<float>(rest);
  x[2] = y[1] = 0.0f;
  return rows;
}

// A row whose quantisation loses a vector that points exactly where the other row does.
Rows rows_that_quantise_badly(int code_max) {
  constexpr std::size_t kColumns = 64;
  Rows rows{2, kColumns, std::vector<float>(2 * kColumns, 0.49f / static_cast<float>(code_max))};
  rows.values[0] = 1.0f;
  for (std::size_t k = 0; k < kColumns; ++k) rows.values[kColumns + k] = 1.0f;
  return rows;
}

std::size_t found(const Rows& rows, Filter filter, double slack_scale, const Kernels& isa) {
  const double threshold = std::nextafter(testing::oracle_score(rows, 0, 1), -1.0);
  return testing::all_pairs(rows, {threshold, false, filter, slack_scale}, isa).size();
}

TEST(FloatSlack, CoversTheWorstRoundingAndHalfOfItWouldNot) {
  const Rows rows = rows_that_round_down();
  for (const Kernels* isa : testing::usable_kernels()) {
    EXPECT_EQ(found(rows, Filter::floats, 1.0, *isa), 1u) << isa->name;
    EXPECT_EQ(found(rows, Filter::floats, 0.45, *isa), 0u) << isa->name;
  }
}

TEST(CodeSlack, CoversTheWorstQuantisationAndNineTenthsOfItWouldNot) {
  for (const Kernels* isa : testing::usable_kernels()) {
    if (isa->codes.scan == nullptr) continue;
    const Rows rows = rows_that_quantise_badly(isa->codes.code_max);
    EXPECT_EQ(found(rows, Filter::codes, 1.0, *isa), 1u) << isa->name;
    EXPECT_EQ(found(rows, Filter::codes, 0.9, *isa), 0u) << isa->name;
  }
}

// Rows of which every entry loses nearly half a unit of bfloat16, all in the same direction.
Rows rows_that_halve_badly() {
  constexpr std::size_t kColumns = 64;
  Rows rows{2, kColumns, std::vector<float>(2 * kColumns, 0.125f * (1.0f + 0x1.fcp-9f))};
  for (std::size_t k = 0; k < kColumns; k += 2) {
    rows.values[k] = 0.125f * std::sqrt(2.0f - (1.0f + 0x1.fcp-9f) * (1.0f + 0x1.fcp-9f));
  }
  return rows;
}

TEST(HalfSlack, CoversTheWorstRoundingAndATenthOfItWouldNot) {
  const Rows rows = rows_that_halve_badly();
  for (const Kernels* isa : testing::usable_kernels()) {
    if (isa->halves.scan == nullptr) continue;
    EXPECT_EQ(found(rows, Filter::halves, 1.0, *isa), 1u) << isa->name;
    EXPECT_EQ(found(rows, Filter::halves, 0.1, *isa), 0u) << isa->name;
  }
}

// Two equal unit rows that halves hold exactly; every product after the first hundred is lost,
// since it is less than half of what float32 can add to a sum near one.
Rows rows_that_halves_add_badly() {
  std::vector<float> row;
  constexpr std::size_t kSmall = 16384;
  double rest = 1.0 - static_cast<double>(kSmall) * 0x1p-26;
  for (float entry = 0.5f; rest > 0.0; entry /= 2.0f) {
    for (const double square = static_cast<double>(entry) * static_cast<double>(entry);
         rest >= square; rest -= square) {
      row.push_back(entry);
    }
  }
  row.insert(row.end(), kSmall, 0x1p-13f);
  Rows rows{2, row.size(), row};
  rows.values.insert(rows.values.end(), row.begin(), row.end());
  return rows;
}

TEST(HalfSlack, CoversSumsThatLoseNearlyEveryProduct) {
  const Rows rows = rows_that_halves_add_badly();
  ASSERT_EQ(canonical_dot(rows.row(0), rows.row(1), rows.columns), 1.0);
  for (const Kernels* isa : testing::usable_kernels()) {
    if (isa->halves.scan == nullptr) continue;
    EXPECT_EQ(found(rows, Filter::halves, 1.0, *isa), 1u) << isa->name;
    EXPECT_EQ(found(rows, Filter::halves, 0.1, *isa), 0u) << isa->name;
  }
}

TEST(ResidualBound, IsNeverBelowTheResidual) {
  EXPECT_GT(residual_bound(0.0, 100), 0.0);
  EXPECT_GT(residual_bound(0.25, 768), 0.5);
  EXPECT_LT(residual_bound(0.25, 768), 0.5 + 1e-9);
}

}  // namespace
}  // namespace klg::similarity

#include "klg/similarity/row_set.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <stdexcept>

#include "similarity/scan_fixture.hpp"

namespace klg::similarity {
namespace {

TEST(RowSet, LeavesOutMaskedAndZeroRows) {
  testing::Rows rows = testing::random_rows(5, 9, 1);
  for (std::size_t k = 0; k < 9; ++k) rows.values[2 * 9 + k] = 0.0f;
  rows.values[4 * 9] = std::nanf("");
  const std::array<bool, 5> mask{true, true, true, true, false};
  const RowSet set(rows.matrix(), mask.data(), "rows", kernels(""), WorkerTeam(1));
  ASSERT_EQ(set.size(), 3u);
  EXPECT_EQ(set.id(2), 3);
  EXPECT_EQ(set.row(2), rows.row(3));
  EXPECT_EQ(set.square(0), canonical_dot(rows.row(0), rows.row(0), 9));
}

TEST(RowSet, NamesTheRowThatIsNoNumber) {
  testing::Rows rows = testing::random_rows(300, 9, 1);
  rows.values[200 * 9 + 8] = INFINITY;
  try {
    const RowSet set(rows.matrix(), nullptr, "rows", kernels(""), WorkerTeam(2));
    FAIL() << "no exception";
  } catch (const std::invalid_argument& error) {
    EXPECT_STREQ(error.what(),
                 "rows: row 200 holds NaN or infinity; remove it or leave it out by a mask");
  }
}

}  // namespace
}  // namespace klg::similarity

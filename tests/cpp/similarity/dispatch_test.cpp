#include "klg/similarity/dispatch.hpp"

#include <gtest/gtest.h>

#include <cstdlib>

#include "similarity/scan_fixture.hpp"

namespace klg::similarity {
namespace {

TEST(Kernels, GiveTheCanonicalDotBitForBit) {
  for (const Kernels* isa : testing::usable_kernels()) {
    for (std::size_t columns = 0; columns < 140; ++columns) {
      const testing::Rows rows =
          testing::random_rows(2, columns, static_cast<std::uint32_t>(columns));
      ASSERT_EQ(isa->canonical_dot(rows.row(0), rows.row(1), columns),
                canonical_dot(rows.row(0), rows.row(1), columns))
          << isa->name << " n=" << columns;
    }
  }
}

TEST(Kernels, AreForcedByTheEnvironment) {
  ::setenv("KLG_ISA", "baseline", 1);
  EXPECT_STREQ(kernels_from_environment().name, "baseline");
  ::setenv("KLG_ISA", "abacus", 1);
  EXPECT_THROW(static_cast<void>(kernels_from_environment()), Error);
  ::unsetenv("KLG_ISA");
  EXPECT_STREQ(kernels_from_environment().name, kernels("").name);
}

}  // namespace
}  // namespace klg::similarity

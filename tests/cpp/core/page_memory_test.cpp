#include "klg/core/page_memory.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <new>
#include <utility>

namespace klg {
namespace {

TEST(PageMemory, IsZeroedAndWritableToItsEnd) {
  const PageMemory pages(10'000);
  EXPECT_GE(pages.size(), 10'000u);
  auto* bytes = pages.as<std::uint8_t>();
  EXPECT_EQ(bytes[0], 0);
  EXPECT_EQ(bytes[9'999], 0);
  bytes[9'999] = 7;
  EXPECT_EQ(bytes[9'999], 7);
}

TEST(PageMemory, MovesWithoutCopying) {
  PageMemory first(4'096);
  const auto* data = first.as<std::uint8_t>();
  const PageMemory second(std::move(first));
  EXPECT_EQ(second.as<std::uint8_t>(), data);
}

TEST(PageMemory, OfNothingIsEmpty) { EXPECT_EQ(PageMemory(0).as<std::uint8_t>(), nullptr); }

TEST(PageMemory, ThrowsWhereTheKernelRefuses) {
  EXPECT_THROW(PageMemory(std::numeric_limits<std::size_t>::max()), std::bad_alloc);
  EXPECT_THROW(PageMemory(std::size_t{1} << 62), std::bad_alloc);
}

}  // namespace
}  // namespace klg

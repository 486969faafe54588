#include "klg/slots/slot_handle.hpp"

#include <gtest/gtest.h>

#include <array>
#include <vector>

namespace klg::slots {
namespace {

TEST(HandleCodec, GivesBackWhatWentIn) {
  for (const std::uint32_t capacity : {1U, 2U, 63U, 64U, 65U, 500'000U, 1U << 28}) {
    const HandleCodec codec(capacity, 5);
    for (const std::uint32_t index : {0U, capacity / 2, capacity - 1}) {
      const Handle handle = codec.encode(3 * kGenerationOne, index);
      EXPECT_TRUE(codec.ours(handle));
      EXPECT_EQ(codec.index(handle), index);
      EXPECT_EQ(handle & kGenerationMask, 3 * kGenerationOne);
    }
  }
}

TEST(HandleCodec, HandlesArePositiveAsInt64) {
  const HandleCodec codec(100, 3);
  EXPECT_GT(static_cast<std::int64_t>(codec.encode(~std::uint64_t{0}, 99)), 0);
}

TEST(HandleCodec, TellsPoolsOfAnyCapacitiesApart) {
  std::vector<HandleCodec> codecs;
  const std::array capacities{1U, 64U, 4096U, 500'000U, 1U << 20};
  // The largest of them leaves twelve bits: 2000 serials differ modulo 4096.
  for (std::uint32_t serial = 1; serial <= 2000; ++serial) {
    codecs.emplace_back(capacities[serial % capacities.size()], serial);
  }
  for (std::size_t a = 0; a < codecs.size(); ++a) {
    const Handle handle = codecs[a].encode(kGenerationOne, 0);
    for (std::size_t b = 0; b < codecs.size(); ++b) EXPECT_EQ(codecs[b].ours(handle), a == b);
  }
}

}  // namespace
}  // namespace klg::slots

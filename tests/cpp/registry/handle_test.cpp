#include "klg/registry/handle.hpp"

#include <gtest/gtest.h>

namespace klg::registry {
namespace {

TEST(Handle, KeepsIndexAndGenerationApart) {
  for (const std::uint32_t index : {0U, 1U, 1023U, Handle::kMaxIndex}) {
    for (const std::uint64_t generation : {std::uint64_t{1}, Handle::kMaxGeneration}) {
      const Handle handle(index, generation);
      EXPECT_EQ(handle.index(), index);
      EXPECT_EQ(handle.generation(), generation);
      EXPECT_FALSE(handle.dropped());
      EXPECT_EQ(Handle(handle.bits()), handle);
    }
  }
}

TEST(Handle, IsTheDroppedOneUnlessMade) {
  EXPECT_TRUE(Handle().dropped());
  EXPECT_EQ(Handle().bits(), 0u);
}

TEST(Handle, LastGenerationIsOdd) { EXPECT_EQ(Handle::kMaxGeneration % 2, 1u); }

}  // namespace
}  // namespace klg::registry

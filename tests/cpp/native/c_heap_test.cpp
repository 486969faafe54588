#include "klg/native/c_heap.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <vector>

namespace klg::native {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr std::size_t kMiB = 1 << 20;

TEST(CHeapReader, SeesWhatIsHandedOutAndWhatHasComeBack) {
  CHeapReader reader;
  if (!reader.usable()) GTEST_SKIP() << "another allocator, or no mallinfo2";
  const auto before = reader.read_if_due(1 * kSecond);
  ASSERT_TRUE(before.has_value());
  std::vector<void*> blocks;
  for (int k = 0; k < 4000; ++k) blocks.push_back(std::malloc(4000));
  // Nothing below it can be given back to the kernel. Volatile: a compiler may leave out an
  // allocation that nobody looks at.
  void* volatile last = std::malloc(4000);
  const auto during = reader.read_if_due(3600 * kSecond);
  ASSERT_TRUE(during.has_value());
  EXPECT_GT(during->used, before->used + 15 * kMiB);
  for (void* block : blocks) std::free(block);
  const auto after = reader.read_if_due(7200 * kSecond);
  ASSERT_TRUE(after.has_value());
  EXPECT_LT(after->used, before->used + kMiB);
  EXPECT_GT(after->free, during->free + 15 * kMiB);
  std::free(last);
}

TEST(CHeapReader, ReadsSeldomAndAgainInAForkedChild) {
  CHeapReader reader;
  if (!reader.usable()) GTEST_SKIP() << "another allocator, or no mallinfo2";
  EXPECT_TRUE(reader.read_if_due(1 * kSecond).has_value());
  EXPECT_FALSE(reader.read_if_due(1 * kSecond + 1).has_value());
  EXPECT_FALSE(reader.read_if_due(1 * kSecond + kSecond / 2 - 1).has_value());
  reader.reset_after_fork();
  EXPECT_TRUE(reader.read_if_due(1 * kSecond + 2).has_value());
}

}  // namespace
}  // namespace klg::native

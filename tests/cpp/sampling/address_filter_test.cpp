#include "klg/sampling/address_filter.hpp"

#include <gtest/gtest.h>

#include <cstdint>
#include <memory>

namespace klg::sampling {
namespace {

const void* block(std::uintptr_t k) {
  return reinterpret_cast<const void*>(0x7f0000000000u + 16 * k);
}

TEST(AddressFilter, NeverMissesWhatWasAdded) {
  auto filter = std::make_unique<AddressFilter>();
  for (std::uintptr_t k = 0; k < 30'000; ++k) filter->add(block(37 * k));
  for (std::uintptr_t k = 0; k < 30'000; ++k) EXPECT_TRUE(filter->possible(block(37 * k)));
  for (std::uintptr_t k = 0; k < 30'000; k += 2) filter->remove(block(37 * k));
  for (std::uintptr_t k = 1; k < 30'000; k += 2) EXPECT_TRUE(filter->possible(block(37 * k)));
}

TEST(AddressFilter, IsEmptyAgainWhenEverythingWasRemoved) {
  auto filter = std::make_unique<AddressFilter>();
  for (std::uintptr_t k = 0; k < 20'000; ++k) filter->add(block(k));
  for (std::uintptr_t k = 0; k < 20'000; ++k) filter->remove(block(k));
  for (std::uintptr_t k = 0; k < 20'000; ++k) EXPECT_FALSE(filter->possible(block(k)));
}

TEST(AddressFilter, FalseHitsAreAsRareAsPromised) {
  auto filter = std::make_unique<AddressFilter>();
  for (std::uintptr_t k = 0; k < 2'000; ++k) filter->add(block(1'000'003 * k));
  int hits = 0;
  for (std::uintptr_t k = 0; k < 100'000; ++k) hits += filter->possible(block(7 * k + 5)) ? 1 : 0;
  EXPECT_LT(hits, 3'000);  // 2000 / 131072 = 1.5 %
}

TEST(AddressFilter, KeepsABitThatIsSharedByMoreThanItCanCount) {
  auto filter = std::make_unique<AddressFilter>();
  for (int k = 0; k < 300; ++k) filter->add(block(1));
  for (int k = 0; k < 299; ++k) filter->remove(block(1));
  EXPECT_TRUE(filter->possible(block(1)));
  filter->clear();
  EXPECT_FALSE(filter->possible(block(1)));
}

}  // namespace
}  // namespace klg::sampling

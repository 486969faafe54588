#include "klg/sampling/sampled_set.hpp"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <random>

#include "klg/sampling/capture_memory.hpp"

namespace klg::sampling {
namespace {

struct Fixture {
  CaptureMemory memory = CaptureMemory::anonymous();
  std::unique_ptr<AddressFilter> filter = std::make_unique<AddressFilter>();
  SampledSet set{*memory, *filter};
};

const void* pointer(std::uint64_t address) { return reinterpret_cast<const void*>(address); }

TEST(SampledSet, DoesWhatAMapDoes) {
  Fixture f;
  std::map<std::uint64_t, std::uint64_t> model;
  std::mt19937_64 random(5);
  for (int step = 0; step < 200'000; ++step) {
    // Few distinct addresses close together: long probe sequences and much reuse.
    const std::uint64_t address = 0x1000 + 16 * (random() % 40'000);
    if (random() % 2 == 0 && model.size() < kMaxSamples) {
      if (model.count(address) != 0) continue;
      const std::uint64_t size = random() % 1000;
      ASSERT_TRUE(f.set.insert({address, size, 1, 2, 3.0f, 4.0f}));
      model[address] = size;
    } else {
      Sample gone;
      const auto known = model.find(address);
      ASSERT_EQ(f.set.erase(pointer(address), gone), known != model.end());
      if (known == model.end()) continue;
      EXPECT_EQ(gone.size, known->second);
      EXPECT_EQ(gone.address, address);
      model.erase(known);
    }
    ASSERT_EQ(f.set.size(), model.size());
  }
  for (const auto& [address, size] : model) {
    ASSERT_TRUE(f.filter->possible(pointer(address)));
    Sample gone;
    ASSERT_TRUE(f.set.erase(pointer(address), gone));
  }
  EXPECT_EQ(f.set.size(), 0u);
}

TEST(SampledSet, RefusesWhenFullAndTakesAgainAfterAnErase) {
  Fixture f;
  for (std::uint64_t k = 0; k < kMaxSamples; ++k) {
    ASSERT_TRUE(f.set.insert({0x10000 + 16 * k, 1, 0, 0, 1.0f, 1.0f}));
  }
  EXPECT_FALSE(f.set.insert({0x8, 1, 0, 0, 1.0f, 1.0f}));
  Sample gone;
  ASSERT_TRUE(f.set.erase(pointer(0x10000), gone));
  EXPECT_TRUE(f.set.insert({0x8, 1, 0, 0, 1.0f, 1.0f}));
}

TEST(SampledSet, ThinningKeepsExactlyWhatReachesFar) {
  Fixture f;
  for (std::uint64_t k = 0; k < 1000; ++k) {
    ASSERT_TRUE(f.set.insert({0x10000 + 16 * k, 1, 0, 0, 1.0f, static_cast<float>(k)}));
  }
  EXPECT_EQ(f.set.thin(600.0f), 600u);
  for (std::uint64_t k = 0; k < 1000; ++k) {
    Sample gone;
    EXPECT_EQ(f.set.erase(pointer(0x10000 + 16 * k), gone), k >= 600) << k;
    if (k >= 600) {
      EXPECT_EQ(gone.mean, 600.0f);
    }
  }
}

}  // namespace
}  // namespace klg::sampling

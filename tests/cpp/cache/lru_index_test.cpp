#include "klg/cache/lru_index.hpp"

#include <gtest/gtest.h>

#include <list>
#include <random>
#include <unordered_map>

namespace klg::cache {
namespace {

struct Pair {
  std::uint64_t key;
  std::uint64_t value;
};
using Index = LruIndex<Pair>;

Index::Place find(const Index& index, std::uint64_t key, std::uint32_t hash) {
  return index.find(hash, [&](Index::Place place) { return index[place].key == key; });
}

// The textbook cache: a list in order of use and a map into it.
class LruIndexFuzz : public testing::TestWithParam<std::uint32_t> {};

TEST_P(LruIndexFuzz, AgreesWithAListAndAMap) {
  const std::uint32_t distinct_hashes = GetParam();
  constexpr std::size_t kLimit = 300;
  Index index(kLimit);
  std::list<Pair> order;
  std::unordered_map<std::uint64_t, std::list<Pair>::iterator> map;
  std::mt19937_64 random(distinct_hashes);
  for (int step = 0; step < 400'000; ++step) {
    const std::uint64_t key = random() % 500;
    const std::uint32_t hash = Index::fold(key % distinct_hashes);
    const Index::Place place = find(index, key, hash);
    const auto known = map.find(key);
    ASSERT_EQ(place == Index::kNone, known == map.end());
    const std::uint64_t dice = random() % 100;
    if (known != map.end() && dice < 15) {
      ASSERT_EQ(index.erase(place).value, known->second->value);
      order.erase(known->second);
      map.erase(known);
    } else if (known != map.end()) {
      ASSERT_EQ(index[place].value, known->second->value);
      index.touch(place);
      order.splice(order.begin(), order, known->second);
    } else {
      if (index.size() == kLimit) {
        ASSERT_EQ(index.erase(index.oldest()).key, order.back().key);
        map.erase(order.back().key);
        order.pop_back();
      }
      index.insert(hash, {key, random()});
      order.push_front(index[index.newest()]);
      map[key] = order.begin();
    }
    ASSERT_EQ(index.size(), order.size());
  }
  Index::Place place = index.newest();
  for (const Pair& entry : order) {
    ASSERT_EQ(index[place].key, entry.key);
    place = index.older(place);
  }
  EXPECT_EQ(place, Index::kNone);
}

INSTANTIATE_TEST_SUITE_P(FromAllCollidingToNone, LruIndexFuzz, testing::Values(1, 7, 500));

TEST(LruIndex, HoldsAFullCacheInFortyBytesAnEntry) {
  Index index(200'000);
  for (std::uint64_t key = 0; key < 200'000; ++key) index.insert(Index::fold(key), {key, key});
  EXPECT_LE(index.bytes(), 200'000U * 40);
}

TEST(LruIndex, AHugeLimitCostsNothingUntilItIsUsed) {
  Index index(std::size_t{1} << 31);
  index.insert(Index::fold(1), {1, 1});
  EXPECT_LT(index.bytes(), 1000U);
}

TEST(LruIndex, TheVersionTellsOfEveryChangeOfEntries) {
  Index index(10);
  const auto empty = index.version();
  const auto place = index.insert(1, {1, 1});
  EXPECT_NE(index.version(), empty);
  const auto one = index.version();
  index.touch(place);
  EXPECT_EQ(index.version(), one);
  index.erase(place);
  EXPECT_NE(index.version(), one);
}

}  // namespace
}  // namespace klg::cache

#include "klg/similarity/item_sets.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>

namespace klg::similarity {
namespace {

using Owners = std::vector<std::vector<std::uint32_t>>;

/// Owners of items of which some are frequent and most are not.
Owners random_owners(std::size_t count, std::uint32_t items, std::size_t most, unsigned seed) {
  std::mt19937 generator(seed);
  Owners owners(count);
  for (auto& owner : owners) {
    std::set<std::uint32_t> chosen;
    const std::size_t size = generator() % (std::min<std::size_t>(most, items / 2) + 1);
    while (chosen.size() < size) {
      const auto item = static_cast<std::uint32_t>(generator() % items);
      chosen.insert(generator() % 2 == 0 ? item % 9 : item);
    }
    owner.assign(chosen.begin(), chosen.end());
    std::shuffle(owner.begin(), owner.end(), generator);
  }
  return owners;
}

std::size_t common(std::vector<std::uint32_t> a, std::vector<std::uint32_t> b) {
  std::sort(a.begin(), a.end());
  std::sort(b.begin(), b.end());
  std::vector<std::uint32_t> both;
  std::set_intersection(a.begin(), a.end(), b.begin(), b.end(), std::back_inserter(both));
  return both.size();
}

TEST(ItemSets, CountWhatOwnersShareAlsoPastTheirBits) {
  for (const std::uint32_t items : {9u, 64u, 300u, 2000u}) {
    const Owners owners = random_owners(120, items, 40, items);
    const ItemSets sets(owners, items);
    for (std::size_t i = 0; i < owners.size(); ++i) {
      ASSERT_EQ(sets.size(i), owners[i].size());
      for (std::size_t j = 0; j < owners.size(); ++j) {
        if (i == j) continue;
        ASSERT_EQ(sets.common(i, j), common(owners[i], owners[j])) << items;
      }
    }
  }
}

TEST(ItemSets, OwnersOfOneKindCompareEqually) {
  const Owners owners = random_owners(200, 12, 3, 1);
  const ItemSets sets(owners, 12);
  std::set<std::size_t> kinds;
  for (std::size_t i = 0; i < owners.size(); ++i) {
    kinds.insert(sets.kind(i));
    for (std::size_t j = 0; j < owners.size(); ++j) {
      if (sets.kind(i) != sets.kind(j)) continue;
      ASSERT_EQ(sets.size(i), sets.size(j));
      for (std::size_t k = 0; k < owners.size(); ++k) {
        if (k == i || k == j) continue;
        ASSERT_EQ(sets.common(i, k), sets.common(j, k));
      }
    }
  }
  EXPECT_LT(kinds.size(), owners.size());
}

TEST(ItemSets, MayBeEmpty) {
  const ItemSets sets({{}, {}}, 0);
  EXPECT_EQ(sets.common(0, 1), 0u);
  EXPECT_EQ(sets.kind(0), sets.kind(1));
}

}  // namespace
}  // namespace klg::similarity

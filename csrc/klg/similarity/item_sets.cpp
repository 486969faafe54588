#include "klg/similarity/item_sets.hpp"

#include <algorithm>
#include <map>
#include <numeric>

namespace klg::similarity {

ItemSets::ItemSets(const std::vector<std::vector<std::uint32_t>>& owners, std::size_t item_count)
    : owners_(owners.size()) {
  std::vector<std::uint32_t> holders(item_count);
  for (const auto& items : owners) {
    for (const std::uint32_t item : items) ++holders[item];
  }
  std::vector<std::uint32_t> by_holders(item_count);
  std::iota(by_holders.begin(), by_holders.end(), 0u);
  std::stable_sort(by_holders.begin(), by_holders.end(),
                   [&](auto a, auto b) { return holders[a] > holders[b]; });
  std::vector<std::uint32_t> rank(item_count);
  for (std::size_t k = 0; k < item_count; ++k) rank[by_holders[k]] = static_cast<std::uint32_t>(k);
  const auto alone = std::find_if(by_holders.begin(), by_holders.end(),
                                  [&](auto item) { return holders[item] < 2; });
  const auto shared = static_cast<std::size_t>(alone - by_holders.begin());
  words_ = std::min(kWords, (shared + 63) / 64);

  std::map<std::vector<std::uint32_t>, std::uint32_t> kinds;
  std::vector<std::uint32_t> key;
  for (std::size_t owner = 0; owner < owners.size(); ++owner) {
    Owner& mine = owners_[owner];
    mine.size = static_cast<std::uint32_t>(owners[owner].size());
    key.clear();
    for (const std::uint32_t item : owners[owner]) {
      if (rank[item] < shared) key.push_back(rank[item]);
    }
    std::sort(key.begin(), key.end());
    mine.first_rare = rare_.size();
    for (const std::uint32_t place : key) {
      if (place < kWords * 64) {
        mine.bits[place / 64] |= std::uint64_t{1} << (place % 64);
      } else {
        rare_.push_back(place);
      }
    }
    mine.rare_count = rare_.size() - mine.first_rare;
    key.push_back(mine.size);
    mine.kind = kinds.try_emplace(key, static_cast<std::uint32_t>(kinds.size())).first->second;
  }
}

std::size_t ItemSets::common_rare(const Owner& x, const Owner& y) const noexcept {
  const std::uint32_t* a = rare_.data() + x.first_rare;
  const std::uint32_t* b = rare_.data() + y.first_rare;
  const std::uint32_t* const a_end = a + x.rare_count;
  const std::uint32_t* const b_end = b + y.rare_count;
  std::size_t count = 0;
  while (a != a_end && b != b_end) {
    const std::uint32_t left = *a;
    const std::uint32_t right = *b;
    count += left == right ? 1u : 0u;
    a += left <= right ? 1 : 0;
    b += right <= left ? 1 : 0;
  }
  return count;
}

}  // namespace klg::similarity

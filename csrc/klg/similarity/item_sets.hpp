#pragma once

#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace klg::similarity {

/// The items of n owners, ready for counting what two of them share.
class ItemSets {
 public:
  /// Numbers of every owner's items, in any order, and below `item_count`.
  ItemSets(const std::vector<std::vector<std::uint32_t>>& owners, std::size_t item_count);

  [[nodiscard]] std::size_t owners() const noexcept { return owners_.size(); }
  /// Items of an owner.
  [[nodiscard]] std::size_t size(std::size_t owner) const noexcept { return owners_[owner].size; }
  /// A number that two owners share only where they have equally much in common with every third.
  [[nodiscard]] std::size_t kind(std::size_t owner) const noexcept { return owners_[owner].kind; }

  /// Items that two owners share.
  [[nodiscard]] std::size_t common(std::size_t a, std::size_t b) const noexcept {
    const Owner& x = owners_[a];
    const Owner& y = owners_[b];
    std::size_t count = 0;
    for (std::size_t w = 0; w < words_; ++w) {
      count += static_cast<std::size_t>(std::popcount(x.bits[w] & y.bits[w]));
    }
    return x.rare_count == 0 || y.rare_count == 0 ? count : count + common_rare(x, y);
  }

 private:
  /// The most frequent items are bits; the others, where there are any, ascending numbers. An item
  /// that one owner alone has is only counted.
  static constexpr std::size_t kWords = 4;
  struct Owner {
    std::array<std::uint64_t, kWords> bits{};
    std::uint32_t size = 0;
    std::uint32_t kind = 0;
    std::size_t first_rare = 0;
    std::size_t rare_count = 0;
  };

  [[nodiscard]] std::size_t common_rare(const Owner& x, const Owner& y) const noexcept;

  std::vector<Owner> owners_;
  std::vector<std::uint32_t> rare_;
  std::size_t words_ = 0;
};

}  // namespace klg::similarity

#include "klg/similarity/tension.hpp"

#include <algorithm>
#include <set>
#include <stdexcept>
#include <utility>

namespace klg::similarity {
namespace {

constexpr double kCosineWeight = 0.4;
constexpr double kFeatureWeight = 0.3;
constexpr double kOppositionWeight = 0.3;
/// Much more than the rounding of a score, much less than anything that it decides.
constexpr double kMargin = 1e-9;
constexpr double kNoLimit = 2.0;
constexpr double kNever = -2.0;
/// So many kinds of geoids are compared in well under a millisecond.
constexpr std::size_t kMostKinds = 128;

void require_owners(const ItemSets& sets, std::size_t count, const char* name) {
  if (sets.owners() == count) return;
  throw std::invalid_argument(std::string(name) + ": expected " + std::to_string(count) +
                              " owners, got " + std::to_string(sets.owners()));
}

/// 1 - |common| / |union|; 0 where both have none.
double jaccard_distance(const ItemSets& sets, std::size_t i, std::size_t j) noexcept {
  const auto common = static_cast<double>(sets.common(i, j));
  const double all = static_cast<double>(sets.size(i) + sets.size(j)) - common;
  return all > 0.0 ? 1.0 - common / all : 0.0;
}

}  // namespace

void Tension::append_kinds(std::size_t i, std::vector<std::size_t>& kinds) const {
  kinds.push_back(features_.kind(i));
  kinds.push_back(keys_.kind(i));
}

double Tension::greatest_limit() const {
  std::set<std::vector<std::size_t>> seen;
  std::vector<std::size_t> examples;
  for (std::size_t i = 0; i < geoids(); ++i) {
    std::vector<std::size_t> kinds;
    append_kinds(i, kinds);
    if (!seen.insert(std::move(kinds)).second) continue;
    examples.push_back(i);
    if (examples.size() > std::min(kMostKinds, geoids() / 2)) return kNoLimit;
  }
  double greatest = kNever;
  for (const std::size_t i : examples) {
    for (const std::size_t j : examples) greatest = std::max(greatest, cosine_limit(i, j));
  }
  return greatest;
}

MeanTension::MeanTension(ItemSets features, ItemSets keys, ItemSets values, double threshold)
    : Tension(std::move(features), std::move(keys), threshold), values_(std::move(values)) {
  require_owners(features_, geoids(), "features");
  require_owners(values_, geoids(), "values");
}

MeanTension::SetTerms MeanTension::set_terms(std::size_t i, std::size_t j) const noexcept {
  const double layer = (jaccard_distance(features_, i, j) + jaccard_distance(keys_, i, j)) / 2.0;
  const auto common = static_cast<double>(keys_.common(i, j));
  const auto equal = static_cast<double>(values_.common(i, j));
  return {layer, common > 0.0 ? (common - equal) / common : 0.0};
}

double MeanTension::score(std::size_t i, std::size_t j, double cosine,
                          double present) const noexcept {
  const auto [layer, symbolic] = set_terms(i, j);
  return ((1.0 - cosine) * present + layer + symbolic) / 3.0;
}

double MeanTension::cosine_limit(std::size_t i, std::size_t j) const noexcept {
  const auto [layer, symbolic] = set_terms(i, j);
  return 1.0 + layer + symbolic - 3.0 * threshold_ + kMargin;
}

void MeanTension::append_kinds(std::size_t i, std::vector<std::size_t>& kinds) const {
  Tension::append_kinds(i, kinds);
  kinds.push_back(values_.kind(i));
}

WeightedTension::WeightedTension(ItemSets features, ItemSets keys, ItemSets sides, ItemSets strings,
                                 ItemSets folded, double threshold)
    : Tension(std::move(features), std::move(keys), threshold),
      sides_(std::move(sides)),
      strings_(std::move(strings)),
      folded_(std::move(folded)) {
  require_owners(features_, geoids(), "features");
  require_owners(sides_, 2 * geoids(), "sides");
  require_owners(strings_, geoids(), "strings");
  require_owners(folded_, geoids(), "folded");
}

WeightedTension::Weighted WeightedTension::set_terms(std::size_t i, std::size_t j) const noexcept {
  Weighted result{};
  if (features_.size(i) > 0 || features_.size(j) > 0) {
    result.feature_weight = kFeatureWeight;
    result.features = kFeatureWeight * jaccard_distance(features_, i, j);
  }
  if (keys_.size(i) > 0 || keys_.size(j) > 0) {
    result.opposition_weight = kOppositionWeight;
    const auto common = static_cast<double>(keys_.common(i, j));
    const std::size_t n = geoids();
    double opposed = static_cast<double>(sides_.common(i, n + j) + sides_.common(n + i, j));
    opposed += 0.5 * static_cast<double>(strings_.common(i, j));
    opposed -= 0.5 * static_cast<double>(folded_.common(i, j));
    result.opposition = common > 0.0 ? kOppositionWeight * (opposed / common) : 0.0;
  }
  return result;
}

double WeightedTension::score(std::size_t i, std::size_t j, double cosine,
                              double present) const noexcept {
  const Weighted sets = set_terms(i, j);
  const double weight = kCosineWeight * present;
  const double total = weight + sets.feature_weight + sets.opposition_weight;
  if (total == 0.0) return 0.0;
  const double distance = std::clamp(1.0 - cosine, 0.0, 1.0);
  return (weight * distance + sets.features + sets.opposition) / total;
}

double WeightedTension::cosine_limit(std::size_t i, std::size_t j) const noexcept {
  const Weighted sets = set_terms(i, j);
  const double total = kCosineWeight + sets.feature_weight + sets.opposition_weight;
  const double needed = (threshold_ * total - sets.features - sets.opposition) / kCosineWeight;
  if (needed <= kMargin) return kNoLimit;
  return needed > 1.0 + kMargin ? kNever : 1.0 - needed + kMargin;
}

void WeightedTension::append_kinds(std::size_t i, std::vector<std::size_t>& kinds) const {
  Tension::append_kinds(i, kinds);
  for (const std::size_t side : {i, geoids() + i}) kinds.push_back(sides_.kind(side));
  kinds.push_back(strings_.kind(i));
  kinds.push_back(folded_.kind(i));
}

}  // namespace klg::similarity

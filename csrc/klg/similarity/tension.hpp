#pragma once

#include <cstddef>
#include <vector>

#include "klg/similarity/item_sets.hpp"
#include "klg/similarity/pair_rule.hpp"

/// The composite score of two geoids; `engines/contradiction/tension.py` defines it.
namespace klg::similarity {

/// What both scorings have.
class Tension : public PairRule {
 public:
  /// Features and symbolic keys of the same n geoids.
  Tension(ItemSets features, ItemSets keys, double threshold)
      : features_(std::move(features)), keys_(std::move(keys)), threshold_(threshold) {}

  [[nodiscard]] std::size_t geoids() const noexcept { return keys_.owners(); }
  /// As score(); `present` is 0 where the pair has no cosine, 1 elsewhere.
  [[nodiscard]] virtual double score(std::size_t i, std::size_t j, double cosine,
                                     double present) const noexcept = 0;
  [[nodiscard]] double score(std::size_t i, std::size_t j, double cosine) const noexcept final {
    return score(i, j, cosine, 1.0);
  }
  /// The greatest limit of any two geoids: found where they are of few kinds, else above 1.
  [[nodiscard]] double greatest_limit() const;

 protected:
  /// The numbers by which geoid `i` is compared with others, as ItemSets::kind().
  virtual void append_kinds(std::size_t i, std::vector<std::size_t>& kinds) const;

  ItemSets features_;
  ItemSets keys_;
  double threshold_;
};

/// (1 - cosine + layer + symbolic) / 3, above the threshold.
class MeanTension final : public Tension {
 public:
  /// `values` are keys with their values.
  MeanTension(ItemSets features, ItemSets keys, ItemSets values, double threshold);
  using Tension::score;
  [[nodiscard]] double score(std::size_t i, std::size_t j, double cosine,
                             double present) const noexcept override;
  [[nodiscard]] double cosine_limit(std::size_t i, std::size_t j) const noexcept override;
  [[nodiscard]] bool counts(double score) const noexcept override { return score > threshold_; }

 private:
  struct SetTerms {
    double layer;
    double symbolic;
  };
  [[nodiscard]] SetTerms set_terms(std::size_t i, std::size_t j) const noexcept;
  void append_kinds(std::size_t i, std::vector<std::size_t>& kinds) const override;

  ItemSets values_;
};

/// 0.4, 0.3 and 0.3 of the cosine's, the features' and the opposition's term, at the threshold or
/// above; weights of absent terms go to the others.
class WeightedTension final : public Tension {
 public:
  /// `sides`: owner i has the keys whose values are true or positive, owner n + i those whose
  /// values are false or negative. `strings`: keys of strings; `folded`: keys with their strings,
  /// whatever their case.
  WeightedTension(ItemSets features, ItemSets keys, ItemSets sides, ItemSets strings,
                  ItemSets folded, double threshold);
  using Tension::score;
  [[nodiscard]] double score(std::size_t i, std::size_t j, double cosine,
                             double present) const noexcept override;
  [[nodiscard]] double cosine_limit(std::size_t i, std::size_t j) const noexcept override;
  [[nodiscard]] bool counts(double score) const noexcept override { return score >= threshold_; }

 private:
  struct Weighted {
    double features;  ///< Weighted terms.
    double opposition;
    double feature_weight;
    double opposition_weight;
  };
  [[nodiscard]] Weighted set_terms(std::size_t i, std::size_t j) const noexcept;
  void append_kinds(std::size_t i, std::vector<std::size_t>& kinds) const override;

  ItemSets sides_;
  ItemSets strings_;
  ItemSets folded_;
};

}  // namespace klg::similarity

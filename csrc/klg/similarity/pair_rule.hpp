#pragma once

#include <cstddef>
#include <limits>

namespace klg::similarity {

/// Decides about pairs by more than their cosine: something else that rows have.
///
/// Rows go by their places in the matrix. Any thread may ask.
class PairRule {
 public:
  virtual ~PairRule() = default;
  /// A pair whose cosine is not below this does not count; above 1 where any cosine may do.
  [[nodiscard]] virtual double cosine_limit(std::size_t i, std::size_t j) const noexcept = 0;
  /// What the pair scores, given its canonical cosine.
  [[nodiscard]] virtual double score(std::size_t i, std::size_t j,
                                     double cosine) const noexcept = 0;
  /// Whether a pair of that score counts.
  [[nodiscard]] virtual bool counts(double score) const noexcept = 0;
};

}  // namespace klg::similarity

#pragma once

#include <cmath>
#include <cstddef>
#include <optional>

#include "klg/similarity/dispatch.hpp"
#include "klg/similarity/row_set.hpp"
#include "klg/similarity/similarity.hpp"

namespace klg::similarity {

/// Scores of pairs of members, exactly or within a small bound.
class PairScorer {
 public:
  PairScorer(const RowSet& left, const RowSet& right, const Kernels& kernels, double slack_scale)
      : left_(left),
        right_(right),
        kernels_(kernels),
        slack_(slack_scale * (float_slack(left.columns()) + kComparisonSlack)) {}

  /// The canonical score.
  [[nodiscard]] double score(std::size_t i, std::size_t j) const noexcept {
    const double dot = kernels_.canonical_dot(left_.row(i), right_.row(j), left_.columns());
    return cosine(dot, left_.square(i), right_.square(j));
  }

  /// A float32 score, no further than slack() from the canonical one; none for rows so large or so
  /// small that float32 products could overflow or vanish.
  [[nodiscard]] std::optional<double> estimate(std::size_t i, std::size_t j) const noexcept {
    const double x_square = left_.square(i);
    const double y_square = right_.square(j);
    if (!moderate(x_square) || !moderate(y_square)) return std::nullopt;
    return kernels_.float_dot(left_.row(i), right_.row(j), left_.columns()) /
           std::sqrt(x_square * y_square);
  }

  [[nodiscard]] double slack() const noexcept { return slack_; }

 private:
  static bool moderate(double square) noexcept { return square > 0x1p-80 && square < 0x1p80; }

  const RowSet& left_;
  const RowSet& right_;
  const Kernels& kernels_;
  double slack_;
};

}  // namespace klg::similarity

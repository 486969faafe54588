#pragma once

#include <cmath>
#include <cstddef>
#include <limits>

#include "klg/core/host_device.hpp"

/// What a score is, and how far a filter's estimate can lie from it.
///
/// A filter estimates cosines in a cheap arithmetic; a pair is dropped only where its estimate lies
/// further from the threshold than the bounds below allow an estimate to be wrong. They hold
/// always, not with some probability, so a filter never changes a result, only the time it takes.
namespace klg::similarity {

inline constexpr double kUnit32 = 0x1p-24;  ///< Half the distance from 1 to the next float32.
inline constexpr double kUnit64 = 0x1p-53;  ///< Half the distance from 1 to the next float64.

/// The canonical score: cosine from the canonical dot product and the canonical squares.
///
/// Correctly rounded operations in one order, so the same bits everywhere. The product of two
/// squares of float32 rows neither overflows nor underflows in float64, and equal rows score
/// exactly 1. Rows must not be zero.
KLG_HOST_DEVICE inline double cosine(double dot, double x_square, double y_square) {
  const double score = dot / sqrt(x_square * y_square);
  return score > 1.0 ? 1.0 : score < -1.0 ? -1.0 : score;
}

/// Worst relative error of `steps` successive roundings to a format with unit roundoff `unit`
/// (Higham, Accuracy and Stability of Numerical Algorithms, lemma 3.1). Infinite where it says
/// nothing.
KLG_HOST_DEVICE inline double accumulated_error(double steps, double unit) {
  const double product = steps * unit;
  return product < 0.5 ? product / (1.0 - product) : HUGE_VAL;
}

/// How far a float32 sum of products of two unit rows of length d can lie from their cosine.
///
/// d + 1 roundings reach a term (one product, d additions; fewer with FMA or in lanes), two more
/// its factors when rows were normalised, and the sum of the terms' magnitudes is at most |x||y| <=
/// 1 + 4u (Cauchy-Schwarz). The remaining units cover the float64 roundings of norms and score; the
/// constant covers entries of unit rows too small for float32.
KLG_HOST_DEVICE inline double float_slack(std::size_t d) {
  return accumulated_error(static_cast<double>(d) + 10.0, kUnit32) + 0x1p-60;
}

/// How far the dot product of two rounded rows (halves or codes) can lie from the cosine, given the
/// norms of what rounding lost of each unit row: |<x,y> - <x-e,y-f>| <= |e||y| + |x||f| + |e||f|.
KLG_HOST_DEVICE inline double code_slack(double x_residual, double y_residual) {
  return x_residual + y_residual + x_residual * y_residual;
}

/// An upper bound of a residual's norm from the float64 sum of its d squares.
///
/// Each term carries an absolute error of a few float64 units (its parts are at most 1), the sum a
/// relative one of d of them.
KLG_HOST_DEVICE inline double residual_bound(double sum_of_squares, std::size_t d) {
  const double terms = static_cast<double>(d);
  return sqrt(sum_of_squares) * (1.0 + accumulated_error(terms + 8.0, kUnit64)) +
         sqrt(terms) * 8.0 * kUnit64;
}

/// How far a bfloat16 dot product with float32 sums can lie from the exact one of the same rounded
/// rows: products are exact (8 + 8 bits), each addition rounds at most twice, and rounded unit rows
/// are no longer than 1 + 2^-8.
KLG_HOST_DEVICE inline double half_slack(std::size_t d) {
  return 1.01 * accumulated_error(2.0 * static_cast<double>(d) + 10.0, kUnit32) + 0x1p-60;
}

/// As residual_bound(), for squares that were formed in float32: each part of a unit row then
/// carries an error of two float32 units of itself and the difference one of its own, which
/// together have a norm of at most 4 units, and the sum a relative error of d + 2 roundings.
KLG_HOST_DEVICE inline double float_residual_bound(double sum_of_squares, std::size_t d) {
  const double terms = static_cast<double>(d);
  return sqrt(sum_of_squares) * (1.0 + 2.0 * accumulated_error(terms + 8.0, kUnit32)) +
         4.0 * kUnit32 + sqrt(terms) * 0x1p-70;
}

/// What the comparison itself may lose: about ten float32 roundings of values below 4.
inline constexpr double kComparisonSlack = 64.0 * kUnit32;

}  // namespace klg::similarity

#include "klg/similarity/row_set.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <string>

namespace klg::similarity {
namespace {

constexpr std::size_t kRowsPerItem = 128;

}  // namespace

RowSet::RowSet(const Matrix& matrix, const bool* mask, const char* what, const Kernels& kernels,
               const WorkerTeam& team)
    : matrix_(matrix) {
  // Positions within the set travel as 32-bit numbers.
  if (matrix.rows >= std::numeric_limits<std::uint32_t>::max()) {
    throw std::invalid_argument(std::string(what) + ": " + std::to_string(matrix.rows) +
                                " rows are too many, at most 2^32 - 2 can be compared in one call");
  }
  std::vector<double> squares(matrix.rows);
  const std::size_t items = (matrix.rows + kRowsPerItem - 1) / kRowsPerItem;
  team.run(items, [&](std::size_t item, unsigned) {
    const std::size_t end = std::min(matrix.rows, (item + 1) * kRowsPerItem);
    for (std::size_t i = item * kRowsPerItem; i < end; ++i) {
      if (mask != nullptr && !mask[i]) continue;
      squares[i] = kernels.canonical_dot(matrix.row(i), matrix.row(i), matrix.columns);
    }
  });
  places_.reserve(matrix.rows);
  ids_.reserve(matrix.rows);
  squares_.reserve(matrix.rows);
  for (std::size_t i = 0; i < matrix.rows; ++i) {
    // The float64 sum of squares of finite float32 entries is finite.
    if (!std::isfinite(squares[i])) {
      throw std::invalid_argument(std::string(what) + ": row " + std::to_string(i) +
                                  " holds NaN or infinity; remove it or leave it out by a mask");
    }
    if (squares[i] == 0.0) continue;
    places_.push_back(static_cast<std::uint32_t>(i));
    ids_.push_back(static_cast<std::int64_t>(i));
    squares_.push_back(squares[i]);
  }
}

void RowSet::append(std::int64_t id, double square) {
  if (size() + 1 >= std::numeric_limits<std::uint32_t>::max()) {
    throw std::invalid_argument("an index holds at most 2^32 - 2 rows");
  }
  ids_.push_back(id);
  squares_.push_back(square);
  places_.push_back(static_cast<std::uint32_t>(size()));
}

void RowSet::remove(std::size_t k) noexcept {
  const std::size_t last = size() - 1;  // the others may be longer, where append() threw
  ids_[k] = ids_[last];
  squares_[k] = squares_[last];
  ids_.resize(last);
  squares_.resize(last);
  places_.resize(last);
}

}  // namespace klg::similarity

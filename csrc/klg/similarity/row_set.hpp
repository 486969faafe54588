#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "klg/similarity/dispatch.hpp"
#include "klg/similarity/worker_team.hpp"

namespace klg::similarity {

/// A float32 matrix whose rows are contiguous; the stride between rows counts entries.
struct Matrix {
  const float* data = nullptr;
  std::size_t rows = 0;
  std::size_t columns = 0;
  std::ptrdiff_t stride = 0;

  [[nodiscard]] const float* row(std::size_t i) const noexcept {
    return data + static_cast<std::ptrdiff_t>(i) * stride;
  }
};

/// The rows of a matrix that can match: neither masked out nor zero, in their order.
///
/// Does not own the matrix. Throws std::invalid_argument, naming `what` and the row, where a row
/// that is not masked out holds NaN or infinity.
class RowSet {
 public:
  RowSet(const Matrix& matrix, const bool* mask, const char* what, const Kernels& kernels,
         const WorkerTeam& team);

  [[nodiscard]] std::size_t size() const noexcept { return positions_.size(); }
  [[nodiscard]] std::size_t columns() const noexcept { return matrix_.columns; }
  /// Row of the matrix that member k is.
  [[nodiscard]] std::int64_t position(std::size_t k) const noexcept { return positions_[k]; }
  [[nodiscard]] const float* row(std::size_t k) const noexcept {
    return matrix_.row(static_cast<std::size_t>(positions_[k]));
  }
  /// Canonical dot product of a member with itself.
  [[nodiscard]] double square(std::size_t k) const noexcept { return squares_[k]; }
  /// All rows of the matrix, members or not.
  [[nodiscard]] std::size_t matrix_rows() const noexcept { return matrix_.rows; }

 private:
  Matrix matrix_;
  std::vector<std::int64_t> positions_;
  std::vector<double> squares_;
};

}  // namespace klg::similarity

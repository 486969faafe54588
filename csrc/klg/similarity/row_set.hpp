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
  const float* const* scattered = nullptr;  ///< Where each row lies, if not at a stride.

  [[nodiscard]] const float* row(std::size_t i) const noexcept {
    return scattered != nullptr ? scattered[i] : data + static_cast<std::ptrdiff_t>(i) * stride;
  }
};

/// The rows of a matrix that can match: neither masked out nor zero, in their order.
///
/// Does not own the matrix. The constructor throws std::invalid_argument, naming `what` and the
/// row, where a row that is not masked out holds NaN or infinity.
class RowSet {
 public:
  RowSet(const Matrix& matrix, const bool* mask, const char* what, const Kernels& kernels,
         const WorkerTeam& team);

  /// No members yet: see `append`.
  explicit RowSet(std::size_t columns) { matrix_.columns = columns; }

  [[nodiscard]] std::size_t size() const noexcept { return places_.size(); }
  [[nodiscard]] std::size_t columns() const noexcept { return matrix_.columns; }
  /// What results call member k: its row of the matrix, or the name that it was appended under.
  [[nodiscard]] std::int64_t id(std::size_t k) const noexcept { return ids_[k]; }
  /// Row of the matrix that member k is.
  [[nodiscard]] std::size_t place(std::size_t k) const noexcept { return places_[k]; }
  [[nodiscard]] const float* row(std::size_t k) const noexcept { return matrix_.row(places_[k]); }
  /// Canonical dot product of a member with itself.
  [[nodiscard]] double square(std::size_t k) const noexcept { return squares_[k]; }
  /// All rows of the matrix, members or not.
  [[nodiscard]] std::size_t matrix_rows() const noexcept { return matrix_.rows; }

  /// Takes the row after the last member's as a member; its square is finite and not zero. The
  /// caller says with `rebase` where it lies.
  void append(std::int64_t id, double square);
  /// Removes member k; the last one takes its number and its place, where the caller moves the row.
  void remove(std::size_t k) noexcept;
  /// Says where the rows lie now.
  void rebase(const Matrix& matrix) noexcept { matrix_ = matrix; }

 private:
  Matrix matrix_;
  std::vector<std::uint32_t> places_;
  std::vector<std::int64_t> ids_;
  std::vector<double> squares_;
};

}  // namespace klg::similarity

#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <unordered_map>
#include <vector>

#include "klg/similarity/packed_rows.hpp"
#include "klg/similarity/row_set.hpp"

namespace klg::similarity {

/// Rows that are packed once and searched often; rows come and go.
///
/// Owns a float32 copy of the rows (the canonical score needs them) and the packed one. Every row
/// gets an id that is never used again. Zero rows have an id and match nothing.
class PackedIndex {
 public:
  PackedIndex(std::size_t columns, FilterSettings settings, const Kernels& kernels);

  /// Adds all rows of a matrix, or none where it throws; gives their ids, ascending.
  ///
  /// Throws std::invalid_argument for NaN and infinity, as RowSet does.
  [[nodiscard]] std::vector<std::int64_t> add(const Matrix& matrix, const WorkerTeam& team);

  /// Removes rows; throws std::out_of_range where an id is not held, or named twice, and then
  /// removes none.
  void remove(std::span<const std::int64_t> ids);

  /// Rows held, zero rows included.
  [[nodiscard]] std::size_t size() const noexcept { return members_.size(); }
  [[nodiscard]] bool holds(std::int64_t id) const { return members_.contains(id); }
  /// Ids of all rows held, ascending.
  [[nodiscard]] std::vector<std::int64_t> ids() const;

  [[nodiscard]] const RowSet& rows() const noexcept { return rows_; }
  [[nodiscard]] const PackedRows& packed() const noexcept { return packed_; }

 private:
  void remove_member(std::size_t member) noexcept;
  [[nodiscard]] Matrix matrix() const noexcept;

  std::size_t columns_;
  const Kernels& kernels_;
  std::vector<float> values_;  ///< Row of member k at k · columns.
  RowSet rows_;
  PackedRows packed_;
  std::unordered_map<std::int64_t, std::size_t> members_;  ///< Member by id; kZero for zero rows.
  std::int64_t next_id_ = 0;
};

}  // namespace klg::similarity

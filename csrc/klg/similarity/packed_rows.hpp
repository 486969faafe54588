#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "klg/similarity/aligned_array.hpp"
#include "klg/similarity/filter_kernel.hpp"
#include "klg/similarity/row_set.hpp"

namespace klg::similarity {

struct FilterSettings {
  Filter filter;
  /// Scales every bound: 1 is what is proved. Tests show that with less, pairs get lost.
  double slack_scale = 1.0;
};

/// Unit rows in the layout of a kernel's right operand: 4 bytes an entry of floats, 2 of halves, 1
/// of codes.
class PackedRows {
 public:
  /// Packs the members `members` of a set, or all of them.
  PackedRows(const RowSet& rows, FilterSettings settings, const Kernels& kernels,
             const WorkerTeam& team);
  PackedRows(const RowSet& rows, std::span<const std::uint32_t> members, FilterSettings settings,
             const Kernels& kernels, const WorkerTeam& team);

  /// None yet: see `update`.
  PackedRows(std::size_t columns, FilterSettings settings, const Kernels& kernels);

  /// Packs the members from the panel of `first` on, and takes over their number.
  void update(const RowSet& rows, std::size_t first, const WorkerTeam& team);

  /// Removes member k; the last one takes its number.
  void remove(std::size_t k) noexcept;

  [[nodiscard]] Filter filter() const noexcept { return filter_; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] std::size_t steps() const noexcept { return steps_; }
  [[nodiscard]] std::size_t row_bytes() const noexcept { return steps_ * sizeof(std::uint32_t); }
  /// Norm of what rounding lost of a row: 0 for floats.
  [[nodiscard]] float residual(std::size_t row) const noexcept {
    return filter_ == Filter::floats ? 0.0f : residual_[row];
  }
  /// The slack of a pair that does not depend on the pair.
  [[nodiscard]] float pad() const noexcept { return pad_; }

  /// Rows [first, first + count), `first` a multiple of kPanelMultiple; `floor` has room for whole
  /// panels.
  [[nodiscard]] Operand right(std::size_t first, std::size_t count, const float* floor) const;

 private:
  friend class LeftRows;

  void grow(std::size_t count);
  /// `members` says which members the packed rows are; empty where they are all.
  void pack(const RowSet& rows, std::span<const std::uint32_t> members, std::size_t first_panel,
            const WorkerTeam& team);

  const Kernels* kernels_;
  Filter filter_;
  FilterPath path_;
  double slack_scale_;
  std::size_t size_ = 0;
  std::size_t room_ = 0;
  std::size_t steps_;
  float pad_;
  AlignedArray<std::uint32_t> panels_;
  std::vector<float> scale_;
  std::vector<float> residual_;
  std::vector<std::int32_t> correction_;
};

/// Some of the packed rows again, in the layout of a left operand; negated on demand, so that the
/// most different pairs have the greatest estimates.
class LeftRows {
 public:
  LeftRows(const PackedRows& rows, std::size_t first, std::size_t count, bool negated);

  /// `floor` has room for whole panels.
  [[nodiscard]] Operand left(const float* floor) const noexcept;

 private:
  std::size_t count_;
  AlignedArray<std::uint32_t> panels_;
  std::vector<float> scale_;
  std::vector<float> residual_;
};

/// `count` up to the next multiple of every kernel's panel, so that arrays of floors have room.
[[nodiscard]] constexpr std::size_t whole_panels(std::size_t count) noexcept {
  return (count / kPanelMultiple + 1) * kPanelMultiple;
}

}  // namespace klg::similarity

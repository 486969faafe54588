#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "klg/similarity/aligned_array.hpp"
#include "klg/similarity/filter_kernel.hpp"
#include "klg/similarity/row_set.hpp"

namespace klg::similarity {

/// What a filter computes with.
enum class Filter : std::uint8_t { floats, codes };

struct FilterSettings {
  Filter filter;
  /// Scales every bound: 1 is what is proved. Tests show that with less, pairs get lost.
  double slack_scale = 1.0;
};

/// Unit rows in the layout of a kernel's right operand: n · d · 4 bytes of floats or n · d of
/// codes.
class PackedRows {
 public:
  /// Packs the members `members` of a set, or all of them.
  PackedRows(const RowSet& rows, FilterSettings settings, const Kernels& kernels,
             const WorkerTeam& team);
  PackedRows(const RowSet& rows, std::span<const std::uint32_t> members, FilterSettings settings,
             const Kernels& kernels, const WorkerTeam& team);

  [[nodiscard]] Filter filter() const noexcept { return filter_; }
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  [[nodiscard]] std::size_t steps() const noexcept { return steps_; }
  [[nodiscard]] std::size_t row_bytes() const noexcept { return steps_ * sizeof(std::uint32_t); }
  [[nodiscard]] float residual(std::size_t row) const noexcept { return residual_[row]; }
  /// The slack of a pair that does not depend on the pair.
  [[nodiscard]] float pad() const noexcept { return pad_; }

  /// Rows [first, first + count), `first` a multiple of kRightRows; `floor` has room for whole
  /// panels.
  [[nodiscard]] Operand right(std::size_t first, std::size_t count, const float* floor) const;

 private:
  friend class LeftRows;

  void pack(const RowSet& rows, std::span<const std::uint32_t> members, double slack_scale,
            const Kernels& kernels, const WorkerTeam& team);
  [[nodiscard]] std::uint32_t word(std::size_t row, std::size_t step) const noexcept {
    return panels_.data()[(row / kRightRows * steps_ + step) * kRightRows + row % kRightRows];
  }

  Filter filter_;
  std::size_t size_;
  std::size_t steps_;
  float pad_;
  AlignedArray<std::uint32_t> panels_;
  std::vector<float> scale_;
  std::vector<float> residual_;
  std::vector<std::int32_t> code_sum_;
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
  return (count / 48 + 1) * 48;
}
static_assert(48 % kRightRows == 0 && 48 % kFloatLeftRows == 0 && 48 % kCodeLeftRows == 0);

}  // namespace klg::similarity

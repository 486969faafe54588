#include "klg/similarity/packed_rows.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "klg/similarity/similarity.hpp"

namespace klg::similarity {
namespace {

std::size_t step_count(Filter filter, std::size_t columns) {
  if (filter == Filter::floats) return columns;
  if (filter == Filter::halves) return (columns + kHalvesPerWord - 1) / kHalvesPerWord;
  constexpr std::size_t kMultiple = kCodesPerWord * kCodeStepMultiple;
  return (columns + kMultiple - 1) / kMultiple * kCodeStepMultiple;
}

double shared_slack(Filter filter, std::size_t columns) {
  // Sums of codes are exact; what rounding lost is accounted for pair by pair.
  return kComparisonSlack + (filter == Filter::floats   ? float_slack(columns)
                             : filter == Filter::halves ? half_slack(columns)
                                                        : 0.0);
}

float rounded_up(double value) {
  return std::nextafterf(static_cast<float>(value), std::numeric_limits<float>::infinity());
}

/// How a word of the right layout becomes one of the left: its sign bits flipped where the rows are
/// negated, and codes made unsigned.
class LeftWord {
 public:
  LeftWord(Filter filter, int code_bias, bool negated) {
    constexpr std::uint32_t kBytes = 0x01010101u;
    if (filter != Filter::codes) {
      flipped_ = !negated ? 0u : filter == Filter::floats ? 0x80000000u : 0x80008000u;
      return;
    }
    // Exclusive-or makes a signed byte code + 128, and with all bits flipped 127 - code. Every sum
    // below is that of its bytes: none leaves [0, 255], so none carries into its neighbour.
    flipped_ = 0x80u * kBytes;
    added_ = static_cast<std::uint32_t>(code_bias - 128) * kBytes;
    if (negated) {
      flipped_ ^= 0xffu * kBytes;
      added_ = static_cast<std::uint32_t>(code_bias - 127) * kBytes;
    }
  }

  [[nodiscard]] std::uint32_t operator()(std::uint32_t word) const noexcept {
    return (word ^ flipped_) + added_;
  }

 private:
  std::uint32_t flipped_ = 0;
  std::uint32_t added_ = 0;
};

}  // namespace

PackedRows::PackedRows(std::size_t columns, FilterSettings settings, const Kernels& kernels)
    : kernels_(&kernels),
      filter_(settings.filter),
      path_(kernels.path(settings.filter)),
      slack_scale_(settings.slack_scale),
      steps_(step_count(settings.filter, columns)),
      pad_(rounded_up(settings.slack_scale * shared_slack(settings.filter, columns))) {}

PackedRows::PackedRows(const RowSet& rows, FilterSettings settings, const Kernels& kernels,
                       const WorkerTeam& team)
    : PackedRows(rows.columns(), settings, kernels) {
  update(rows, 0, team);
}

PackedRows::PackedRows(const RowSet& rows, std::span<const std::uint32_t> members,
                       FilterSettings settings, const Kernels& kernels, const WorkerTeam& team)
    : PackedRows(rows.columns(), settings, kernels) {
  grow(members.size());
  size_ = members.size();
  pack(rows, members, 0, team);
}

void PackedRows::update(const RowSet& rows, std::size_t first, const WorkerTeam& team) {
  if (whole_panels(rows.size()) > room_) {
    // The first time exactly, since most callers pack once; then by half, for those who add.
    grow(room_ == 0 ? rows.size() : std::max(rows.size(), room_ + room_ / 2));
  }
  size_ = rows.size();
  pack(rows, {}, first / kRightRows, team);
}

void PackedRows::remove(std::size_t k) noexcept {
  const std::size_t last = size_ - 1;
  const auto column = [&](std::size_t row) {
    return panels_.data() + row / kRightRows * kRightRows * steps_ + row % kRightRows;
  };
  for (std::size_t at = 0; at < steps_ * kRightRows; at += kRightRows) {
    column(k)[at] = column(last)[at];
  }
  if (filter_ != Filter::floats) residual_[k] = residual_[last];
  if (filter_ == Filter::codes) {
    scale_[k] = scale_[last];
    correction_[k] = correction_[last];
  }
  size_ = last;
}

void PackedRows::grow(std::size_t count) {
  const std::size_t room = whole_panels(count);
  AlignedArray<std::uint32_t> panels(room * steps_);
  if (room_ > 0) std::copy_n(panels_.data(), room_ * steps_, panels.data());
  if (filter_ != Filter::floats) residual_.resize(room);
  if (filter_ == Filter::codes) {
    scale_.resize(room);
    correction_.resize(room);
  }
  panels_ = std::move(panels);
  room_ = room;
}

void PackedRows::pack(const RowSet& rows, std::span<const std::uint32_t> members,
                      std::size_t first_panel, const WorkerTeam& team) {
  const std::size_t end_panel = (size_ + kRightRows - 1) / kRightRows;
  if (first_panel >= end_panel) return;
  const std::size_t columns = rows.columns();
  // A panel's rows one after the other, for each worker. Words past the entries stay zero.
  std::vector<std::vector<std::uint32_t>> rows_of_panel(team.size());
  team.run(end_panel - first_panel, [&](std::size_t item, unsigned worker) {
    const std::size_t panel = first_panel + item;
    std::vector<std::uint32_t>& words = rows_of_panel[worker];
    words.resize(steps_ * kRightRows);
    const std::size_t first = panel * kRightRows;
    const std::size_t count = std::min(kRightRows, size_ - first);
    for (std::size_t r = 0; r < count; ++r) {
      const std::size_t member = members.empty() ? first + r : members[first + r];
      const float* row = rows.row(member);
      const double inverse_norm = 1.0 / std::sqrt(rows.square(member));
      std::uint32_t* out = words.data() + r * steps_;
      if (filter_ == Filter::floats) {
        kernels_->normalise(row, columns, inverse_norm, out);
      } else if (filter_ == Filter::halves) {
        std::fill_n(out, steps_, 0u);
        const float residual = kernels_->round_halves(row, columns, inverse_norm, out);
        residual_[first + r] = static_cast<float>(slack_scale_ * residual);
      } else {
        const Quantised quantised = kernels_->quantise(row, columns, inverse_norm, path_.code_max,
                                                       reinterpret_cast<std::int8_t*>(out));
        scale_[first + r] = quantised.scale;
        residual_[first + r] = static_cast<float>(slack_scale_ * quantised.residual);
        correction_[first + r] = -path_.code_bias * quantised.sum;
      }
    }
    kernels_->interleave(words.data(), steps_, panels_.data() + panel * kRightRows * steps_);
  });
}

Operand PackedRows::right(std::size_t first, std::size_t count, const float* floor) const {
  Operand operand{panels_.data() + first * steps_, count, floor, nullptr, nullptr, nullptr};
  if (filter_ != Filter::floats) operand.residual = residual_.data() + first;
  if (filter_ == Filter::codes) {
    operand.scale = scale_.data() + first;
    operand.correction = correction_.data() + first;
  }
  return operand;
}

LeftRows::LeftRows(const PackedRows& rows, std::size_t first, std::size_t count, bool negated)
    : count_(count) {
  const std::size_t height = rows.path_.left_rows;
  const std::size_t steps = rows.steps();
  const std::size_t room = whole_panels(count);
  panels_ = AlignedArray<std::uint32_t>(room * steps);
  const auto take = [&](const std::vector<float>& from, std::vector<float>& to) {
    if (from.empty()) return;
    to.assign(room, 0.0f);
    std::copy_n(from.begin() + static_cast<std::ptrdiff_t>(first), count, to.begin());
  };
  take(rows.scale_, scale_);
  take(rows.residual_, residual_);
  const LeftWord left_word(rows.filter(), rows.path_.code_bias, negated);
  for (std::size_t r = 0; r < count;) {
    // As many rows as lie side by side in both layouts.
    const std::size_t from = (first + r) % kRightRows;
    const std::size_t to = r % height;
    const std::size_t width = std::min({kRightRows - from, height - to, count - r});
    const std::uint32_t* in =
        rows.panels_.data() + (first + r) / kRightRows * kRightRows * steps + from;
    std::uint32_t* out = panels_.data() + r / height * height * steps + to;
    if (width == 8) {
      for (std::size_t step = 0; step < steps; ++step, in += kRightRows, out += height) {
        for (std::size_t k = 0; k < 8; ++k) out[k] = left_word(in[k]);
      }
    } else {
      for (std::size_t step = 0; step < steps; ++step, in += kRightRows, out += height) {
        for (std::size_t k = 0; k < width; ++k) out[k] = left_word(in[k]);
      }
    }
    r += width;
  }
}

Operand LeftRows::left(const float* floor) const noexcept {
  return {panels_.data(), count_, floor, scale_.data(), residual_.data(), nullptr};
}

}  // namespace klg::similarity

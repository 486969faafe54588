#include "klg/similarity/packed_rows.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <numeric>

#include "klg/similarity/similarity.hpp"

namespace klg::similarity {
namespace {

std::size_t step_count(Filter filter, std::size_t columns) {
  if (filter == Filter::floats) return columns;
  constexpr std::size_t kMultiple = kCodesPerWord * kCodeStepMultiple;
  return (columns + kMultiple - 1) / kMultiple * kCodeStepMultiple;
}

double shared_slack(Filter filter, std::size_t columns) {
  // Sums of codes are exact; what codes lost is accounted for pair by pair.
  return kComparisonSlack + (filter == Filter::floats ? float_slack(columns) : 0.0);
}

float rounded_up(double value) {
  return std::nextafterf(static_cast<float>(value), std::numeric_limits<float>::infinity());
}

// Four codes in a word, each plus 63: exclusive-or makes a signed byte unsigned (plus 128), and the
// subtraction borrows from no neighbour because every byte is at least 128 - 63 = 65.
std::uint32_t shifted(std::uint32_t codes) noexcept {
  static_assert(kCodeMax == 63);
  return (codes ^ 0x80808080u) - 0x41414141u;
}

std::uint32_t shifted_negated(std::uint32_t codes) noexcept {
  return 0x7e7e7e7eu - shifted(codes);  // 126 - (code + 63)
}

std::vector<std::uint32_t> all_members(std::size_t count) {
  std::vector<std::uint32_t> members(count);
  std::iota(members.begin(), members.end(), 0u);
  return members;
}

}  // namespace

PackedRows::PackedRows(const RowSet& rows, FilterSettings settings, const Kernels& kernels,
                       const WorkerTeam& team)
    : PackedRows(rows, all_members(rows.size()), settings, kernels, team) {}

PackedRows::PackedRows(const RowSet& rows, std::span<const std::uint32_t> members,
                       FilterSettings settings, const Kernels& kernels, const WorkerTeam& team)
    : filter_(settings.filter),
      size_(members.size()),
      steps_(step_count(settings.filter, rows.columns())),
      pad_(rounded_up(settings.slack_scale * shared_slack(settings.filter, rows.columns()))) {
  pack(rows, members, settings.slack_scale, kernels, team);
}

void PackedRows::pack(const RowSet& rows, std::span<const std::uint32_t> members,
                      double slack_scale, const Kernels& kernels, const WorkerTeam& team) {
  const std::size_t room = whole_panels(size_);
  panels_ = AlignedArray<std::uint32_t>(room * steps_);
  if (filter_ == Filter::codes) {
    scale_.resize(room);
    residual_.resize(room);
    code_sum_.resize(room);
  }
  const std::size_t columns = rows.columns();
  team.run((size_ + kRightRows - 1) / kRightRows, [&](std::size_t panel, unsigned) {
    std::vector<std::uint32_t> words(steps_ * kRightRows);
    const std::size_t first = panel * kRightRows;
    const std::size_t count = std::min(kRightRows, size_ - first);
    for (std::size_t r = 0; r < count; ++r) {
      const std::size_t member = members[first + r];
      const float* row = rows.row(member);
      const double inverse_norm = 1.0 / std::sqrt(rows.square(member));
      std::uint32_t* out = words.data() + r * steps_;
      if (filter_ == Filter::codes) {
        const Quantised quantised =
            kernels.quantise(row, columns, inverse_norm, reinterpret_cast<std::int8_t*>(out));
        scale_[first + r] = quantised.scale;
        residual_[first + r] = static_cast<float>(slack_scale * quantised.residual);
        code_sum_[first + r] = quantised.sum;
      } else {
        for (std::size_t k = 0; k < columns; ++k) {
          out[k] = std::bit_cast<std::uint32_t>(
              static_cast<float>(static_cast<double>(row[k]) * inverse_norm));
        }
      }
    }
    std::uint32_t* out = panels_.data() + panel * kRightRows * steps_;
    for (std::size_t step = 0; step < steps_; ++step) {
      for (std::size_t r = 0; r < kRightRows; ++r) *out++ = words[r * steps_ + step];
    }
  });
}

Operand PackedRows::right(std::size_t first, std::size_t count, const float* floor) const {
  Operand operand{panels_.data() + first * steps_, count, floor, nullptr, nullptr, nullptr};
  if (filter_ == Filter::codes) {
    operand.scale = scale_.data() + first;
    operand.residual = residual_.data() + first;
    operand.code_sum = code_sum_.data() + first;
  }
  return operand;
}

LeftRows::LeftRows(const PackedRows& rows, std::size_t first, std::size_t count, bool negated)
    : count_(count) {
  const bool codes = rows.filter() == Filter::codes;
  const std::size_t height = codes ? kCodeLeftRows : kFloatLeftRows;
  const std::size_t room = whole_panels(count);
  panels_ = AlignedArray<std::uint32_t>(room * rows.steps());
  if (codes) {
    scale_.assign(room, 0.0f);
    residual_.assign(room, 0.0f);
    std::copy_n(rows.scale_.begin() + static_cast<std::ptrdiff_t>(first), count, scale_.begin());
    std::copy_n(rows.residual_.begin() + static_cast<std::ptrdiff_t>(first), count,
                residual_.begin());
  }
  const std::uint32_t sign = negated ? 0x80000000u : 0u;
  for (std::size_t r = 0; r < count; ++r) {
    std::uint32_t* out = panels_.data() + r / height * height * rows.steps() + r % height;
    for (std::size_t step = 0; step < rows.steps(); ++step, out += height) {
      const std::uint32_t word = rows.word(first + r, step);
      *out = !codes ? word ^ sign : negated ? shifted_negated(word) : shifted(word);
    }
  }
}

Operand LeftRows::left(const float* floor) const noexcept {
  return {panels_.data(), count_, floor, scale_.data(), residual_.data(), nullptr};
}

}  // namespace klg::similarity

#include "klg/similarity/filter_choice.hpp"

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "klg/core/error.hpp"
#include "klg/similarity/tiling.hpp"

namespace klg::similarity {
namespace {

constexpr std::size_t kSmall = 1024;   // fewer columns: a bad choice costs less than a sample
constexpr std::size_t kShortest = 32;  // shorter rows: a tile is over before codes pay
constexpr std::size_t kSampleRows = 64;
constexpr std::size_t kSampleColumns = 512;

// Processor cycles, measured with AVX2: an entry of a pair by floats, by codes, and what it costs
// to look at a pair that codes let through (its float32 dot product and fetching its rows).
constexpr double kFloatCycles = 1.0 / 15.0;
constexpr double kCodeCycles = 1.0 / 34.0;
constexpr double kLookCycles = 250.0;
constexpr double kLookEntryCycles = 1.0 / 8.0;

class Counter final : public CandidateSink {
 public:
  Counter() {
    next = buffer_.data();
    end = next + buffer_.size();
  }
  void drain() override {
    count_ += static_cast<std::size_t>(next - buffer_.data());
    next = buffer_.data();
  }
  [[nodiscard]] std::size_t count() {
    drain();
    return count_;
  }

 private:
  std::array<Candidate, 4 * kMaxTile> buffer_;
  std::size_t count_ = 0;
};

}  // namespace

Filter available_filter(std::optional<Filter> wanted, std::size_t columns, const Kernels& kernels) {
  const bool codes = kernels.scan_codes != nullptr && columns <= kCodeMaxLength;
  if (wanted == Filter::codes && !codes) {
    throw Error("filter=codes: no such kernels for rows of " + std::to_string(columns) +
                " entries in the instruction set " + kernels.name);
  }
  if (wanted) return *wanted;
  return codes && columns >= kShortest ? Filter::codes : Filter::floats;
}

FilterChoice choose_filter(const RowSet& left, const RowSet& right, double floor, bool negated,
                           std::optional<Filter> wanted, const Kernels& kernels) {
  const Filter first = available_filter(wanted, right.columns(), kernels);
  if (wanted || first == Filter::floats) return {first, 0.0};
  if (right.size() < kSmall || left.size() < kSampleRows) return {Filter::codes, 0.0};

  const WorkerTeam alone(1);
  const FilterSettings settings{Filter::codes};
  const PackedRows rows(left, spread(left.size(), kSampleRows), settings, kernels, alone);
  const PackedRows columns(right, spread(right.size(), kSampleColumns), settings, kernels, alone);
  const LeftRows left_rows(rows, 0, rows.size(), negated);
  const std::vector<float> floors(whole_panels(kSampleColumns), static_cast<float>(floor));
  Counter counter;
  kernels.scan_codes(
      {left_rows.left(floors.data()), columns.right(0, columns.size(), floors.data()), rows.steps(),
       rows.pad(), no_diagonal(rows.size())},
      counter);
  const double passing =
      static_cast<double>(counter.count()) / static_cast<double>(rows.size() * columns.size());
  const auto length = static_cast<double>(right.columns());
  const double gain = length * (kFloatCycles - kCodeCycles);
  const bool codes_pay = passing * (kLookCycles + length * kLookEntryCycles) < gain;
  return {codes_pay ? Filter::codes : Filter::floats, passing};
}

}  // namespace klg::similarity

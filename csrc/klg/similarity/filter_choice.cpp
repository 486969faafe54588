#include "klg/similarity/filter_choice.hpp"

#include <algorithm>
#include <array>
#include <cmath>
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

// Processor cycles to look at a pair that a filter let through: its float32 dot product and the
// fetching of its rows.
constexpr double kLookCycles = 250.0;
constexpr double kLookEntryCycles = 1.0 / 8.0;

constexpr std::array kFilters{Filter::codes, Filter::halves, Filter::floats};

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

double passing_share(const RowSet& left, const RowSet& right, double floor, bool negated,
                     Filter filter, const Kernels& kernels) {
  const WorkerTeam alone(1);
  const PackedRows rows(left, spread(left.size(), kSampleRows), {filter}, kernels, alone);
  const PackedRows columns(right, spread(right.size(), kSampleColumns), {filter}, kernels, alone);
  const LeftRows left_rows(rows, 0, rows.size(), negated);
  const std::vector<float> floors(whole_panels(kSampleColumns), static_cast<float>(floor));
  Counter counter;
  kernels.path(filter).scan(
      {left_rows.left(floors.data()), columns.right(0, columns.size(), floors.data()), rows.steps(),
       rows.pad(), no_diagonal(rows.size())},
      counter);
  return static_cast<double>(counter.count()) / static_cast<double>(rows.size() * columns.size());
}

}  // namespace

const char* filter_name(Filter filter) noexcept {
  return filter == Filter::floats ? "floats" : filter == Filter::halves ? "halves" : "codes";
}

Filter available_filter(std::optional<Filter> wanted, std::size_t columns, const Kernels& kernels) {
  if (wanted) {
    if (kernels.can(*wanted, columns)) return *wanted;
    throw Error("filter=" + std::string(filter_name(*wanted)) + ": no such kernels for rows of " +
                std::to_string(columns) + " entries in the instruction set " + kernels.name);
  }
  return columns >= kShortest && kernels.can(Filter::codes, columns) ? Filter::codes
                                                                     : Filter::floats;
}

FilterChoice choose_filter(const RowSet& left, const RowSet& right, double floor, bool negated,
                           std::optional<Filter> wanted, const Kernels& kernels) {
  const Filter first = available_filter(wanted, right.columns(), kernels);
  if (wanted || right.columns() < kShortest) return {first, 0.0};
  if (right.size() < kSmall || left.size() < kSampleRows) return {first, 0.0};

  const auto length = static_cast<double>(right.columns());
  FilterChoice best{Filter::floats, 0.0};
  double least = HUGE_VAL;
  for (const Filter filter : kFilters) {
    if (!kernels.can(filter, right.columns())) continue;
    const double passing = passing_share(left, right, floor, negated, filter, kernels);
    const double cycles = length * kernels.path(filter).entry_cycles +
                          passing * (kLookCycles + length * kLookEntryCycles);
    if (cycles < least) {
      least = cycles;
      best = {filter, passing};
    }
  }
  return best;
}

}  // namespace klg::similarity

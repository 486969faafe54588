#include "klg/similarity/pair_scan.hpp"

#include <algorithm>
#include <array>
#include <memory>
#include <utility>

#include "klg/similarity/tiling.hpp"

namespace klg::similarity {
namespace {

constexpr double kBatchWork = 3e10;  // entries of pairs: half a second to two of one core
constexpr double kBatchPairs = 4e6;  // found pairs that a batch may hold, if they come as expected
constexpr std::size_t kBatchRows = 16 * kStripRows;  // bounds the memory of the left operands

double signed_floor(const ScanSettings& settings) {
  return settings.below ? -settings.threshold : settings.threshold;
}

}  // namespace

/// One worker's candidates on their way to pairs.
class PairScan::Collector final : public CandidateSink {
 public:
  Collector(const PairScan& scan, bool keep) : scan_(scan), keep_(keep) {
    next = buffer_.data();
    end = next + buffer_.size();
  }

  void start(std::size_t row, std::size_t column) noexcept {
    row_ = row;
    column_ = column;
  }

  void drain() override {
    if (scan_.settings_.rule != nullptr) {
      for (const Candidate* it = buffer_.data(); it != next; ++it)
        judge(*it, *scan_.settings_.rule);
    } else {
      const double floor = signed_floor(scan_.settings_);
      for (const Candidate* it = buffer_.data(); it != next; ++it) compare(*it, floor);
    }
    next = buffer_.data();
  }

  [[nodiscard]] std::uint64_t found() const noexcept { return found_; }
  [[nodiscard]] const std::vector<Pair>& pairs() const noexcept { return pairs_; }

 private:
  void compare(const Candidate& candidate, double floor) {
    const ScanSettings& settings = scan_.settings_;
    const std::size_t i = row_ + candidate.row;
    const std::size_t j = column_ + candidate.column;
    const double slack = scan_.scorer_.slack();
    const std::optional<double> estimate = float_estimate(candidate, i, j);
    if (estimate && *estimate + slack < floor) return;
    if (!keep_ && estimate && *estimate - slack > floor) {
      ++found_;
      return;
    }
    const double score = scan_.scorer_.score(i, j);
    if (settings.below ? score < settings.threshold : score > settings.threshold) {
      keep(i, j, score);
    }
  }

  /// As compare(), beside a floor of the pair's own.
  void judge(const Candidate& candidate, const PairRule& rule) {
    const std::size_t i = row_ + candidate.row;
    const std::size_t j = column_ + candidate.column;
    const std::size_t x = scan_.left_.place(i);
    const std::size_t y = scan_.right_.place(j);
    const double floor = -rule.cosine_limit(x, y);
    if (static_cast<double>(candidate.estimate) + scan_.filter_slack(i, j) < floor) return;
    const std::optional<double> estimate = float_estimate(candidate, i, j);
    if (estimate && *estimate + scan_.scorer_.slack() < floor) return;
    const double score = rule.score(x, y, scan_.scorer_.score(i, j));
    if (rule.counts(score)) keep(i, j, score);
  }

  /// What the rows' own float32 values say where the filter rounded them, signed as its estimates.
  [[nodiscard]] std::optional<double> float_estimate(const Candidate& candidate, std::size_t i,
                                                     std::size_t j) const {
    if (scan_.filter() == Filter::floats) return static_cast<double>(candidate.estimate);
    std::optional<double> estimate = scan_.scorer_.estimate(i, j);
    if (estimate && scan_.settings_.below) estimate = -*estimate;
    return estimate;
  }

  void keep(std::size_t i, std::size_t j, double score) {
    ++found_;
    if (!keep_) return;
    std::int64_t x = scan_.left_.id(i);
    std::int64_t y = scan_.right_.id(j);
    // Members of an index do not lie in the order of their ids.
    if (scan_.within_ && x > y) std::swap(x, y);
    pairs_.push_back({x, y, score});
  }

  const PairScan& scan_;
  bool keep_;
  std::size_t row_ = 0;
  std::size_t column_ = 0;
  std::uint64_t found_ = 0;
  std::vector<Pair> pairs_;
  std::array<Candidate, 4 * kMaxTile> buffer_;
};

PairScan::PairScan(const RowSet& left, const RowSet& right, const ScanSettings& settings,
                   const Kernels& kernels, double passing)
    : left_(left),
      right_(right),
      within_(&left == &right),
      settings_(settings),
      kernels_(kernels),
      scorer_(left, right, kernels, settings.slack_scale),
      pairs_per_row_(passing * static_cast<double>(right.size())) {}

PairScan::PairScan(const RowSet& rows, const ScanSettings& settings, const Kernels& kernels,
                   const WorkerTeam& team)
    : PairScan(rows, rows, settings, kernels, 0.0) {
  const FilterChoice choice =
      choose_filter(rows, rows, signed_floor(settings), settings.below, settings.filter, kernels);
  pairs_per_row_ = choice.passing * static_cast<double>(rows.size());
  own_right_.emplace(rows, FilterSettings{choice.filter, settings.slack_scale}, kernels, team);
  right_packed_ = left_packed_ = &*own_right_;
  cut();
}

PairScan::PairScan(const RowSet& rows, const PackedRows& packed, const ScanSettings& settings,
                   const Kernels& kernels)
    : PairScan(rows, rows, settings, kernels, 0.0) {
  right_packed_ = left_packed_ = &packed;
  cut();
}

PairScan::PairScan(const RowSet& left, const RowSet& right, const ScanSettings& settings,
                   const Kernels& kernels, const WorkerTeam& team)
    : PairScan(left, right, settings, kernels, 0.0) {
  const FilterChoice choice =
      choose_filter(left, right, signed_floor(settings), settings.below, settings.filter, kernels);
  pairs_per_row_ = choice.passing * static_cast<double>(right.size());
  const FilterSettings packing{choice.filter, settings.slack_scale};
  own_right_.emplace(right, packing, kernels, team);
  own_left_.emplace(left, packing, kernels, team);
  right_packed_ = &*own_right_;
  left_packed_ = &*own_left_;
  cut();
}

PairScan::PairScan(const RowSet& left, const RowSet& right, const PackedRows& right_packed,
                   const ScanSettings& settings, const Kernels& kernels, const WorkerTeam& team)
    : PairScan(left, right, settings, kernels, 0.0) {
  own_left_.emplace(left, FilterSettings{right_packed.filter(), settings.slack_scale}, kernels,
                    team);
  left_packed_ = &*own_left_;
  right_packed_ = &right_packed;
  cut();
}

void PairScan::cut() {
  strip_rows_ = strip_rows_for(right_packed_->row_bytes());
  chunk_columns_ = chunk_columns_for(right_packed_->row_bytes());
}

std::size_t PairScan::first_chunk(std::size_t row) const noexcept {
  return within_ ? row / chunk_columns_ : 0;
}

std::size_t PairScan::batch_end() const noexcept {
  const auto columns = static_cast<double>(right_.size() - (within_ ? row_ : 0));
  const double row_work = columns * static_cast<double>(right_.columns());
  const double by_work = kBatchWork / std::max(1.0, row_work);
  const double by_pairs = kBatchPairs / std::max(1.0, pairs_per_row_);
  const double rows = std::clamp(std::min(by_work, by_pairs), static_cast<double>(kLeastStripRows),
                                 static_cast<double>(kBatchRows));
  return std::min(left_.size(), row_ + static_cast<std::size_t>(rows));
}

std::uint64_t PairScan::scan_batch(const WorkerTeam& team, std::vector<Pair>* pairs) {
  const std::size_t begin = row_;
  const std::size_t end = batch_end();
  const std::size_t strips = (end - begin + strip_rows_ - 1) / strip_rows_;
  const std::size_t chunks = (right_.size() + chunk_columns_ - 1) / chunk_columns_;

  std::vector<std::unique_ptr<LeftRows>> left(strips);
  team.run(strips, [&](std::size_t strip, unsigned) {
    const std::size_t first = begin + strip * strip_rows_;
    left[strip] = std::make_unique<LeftRows>(*left_packed_, first,
                                             std::min(strip_rows_, end - first), settings_.below);
  });

  struct Item {
    std::size_t strip;
    std::size_t chunk;
  };
  std::vector<Item> items;
  for (std::size_t strip = 0; strip < strips; ++strip) {
    for (std::size_t chunk = first_chunk(begin + strip * strip_rows_); chunk < chunks; ++chunk) {
      items.push_back({strip, chunk});
    }
  }

  std::vector<std::unique_ptr<Collector>> collectors(team.size());
  for (auto& collector : collectors)
    collector = std::make_unique<Collector>(*this, pairs != nullptr);
  const std::vector<float> floors(whole_panels(std::max(strip_rows_, chunk_columns_)),
                                  static_cast<float>(signed_floor(settings_)));
  const FilterKernel kernel = kernels_.path(filter()).scan;
  team.run(items.size(), [&](std::size_t k, unsigned worker) {
    const std::size_t row = begin + items[k].strip * strip_rows_;
    const std::size_t column = items[k].chunk * chunk_columns_;
    const std::size_t count = std::min(chunk_columns_, right_.size() - column);
    const std::ptrdiff_t diagonal =
        within_ ? static_cast<std::ptrdiff_t>(row) - static_cast<std::ptrdiff_t>(column)
                : no_diagonal(strip_rows_);
    Collector& collector = *collectors[worker];
    collector.start(row, column);
    kernel({left[items[k].strip]->left(floors.data()),
            right_packed_->right(column, count, floors.data()), right_packed_->steps(),
            right_packed_->pad(), diagonal},
           collector);
    collector.drain();
  });

  std::uint64_t found = 0;
  for (const auto& collector : collectors) found += collector->found();
  if (pairs != nullptr) {
    const auto old_size = static_cast<std::ptrdiff_t>(pairs->size());
    for (const auto& collector : collectors) {
      pairs->insert(pairs->end(), collector->pairs().begin(), collector->pairs().end());
    }
    std::sort(pairs->begin() + old_size, pairs->end(),
              [](const Pair& a, const Pair& b) { return a.i != b.i ? a.i < b.i : a.j < b.j; });
  }
  pairs_per_row_ = static_cast<double>(found) / static_cast<double>(end - begin);
  row_ = end;
  return found;
}

bool PairScan::next(const WorkerTeam& team, std::vector<Pair>& pairs) {
  if (row_ >= left_.size()) return false;
  scan_batch(team, &pairs);
  return true;
}

std::uint64_t PairScan::count(const WorkerTeam& team) {
  std::uint64_t found = 0;
  while (row_ < left_.size()) found += scan_batch(team, nullptr);
  return found;
}

}  // namespace klg::similarity

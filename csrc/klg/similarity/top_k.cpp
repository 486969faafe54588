#include "klg/similarity/top_k.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <memory>
#include <vector>

#include "klg/similarity/best_partners.hpp"
#include "klg/similarity/filter_choice.hpp"
#include "klg/similarity/pair_scorer.hpp"
#include "klg/similarity/tiling.hpp"

namespace klg::similarity {
namespace {

// Rows score a sample of columns first. Without the floors that this gives, nearly every pair of
// the first tiles would be a candidate.
constexpr std::size_t kSampleColumns = 512;
constexpr std::size_t kSampleColumnsPerPartner = 8;

struct Search {
  const RowSet& left;
  const RowSet& right;
  bool within;
  bool negated;
  const PackedRows& left_packed;
  const PackedRows& right_packed;
  FilterKernel kernel;
  PairScorer scorer;
  BestPartners& best;
};

/// Keeps the lower bounds of a strip's scores against the sample.
class SampleSink final : public CandidateSink {
 public:
  SampleSink(std::size_t rows, std::size_t columns)
      : columns_(columns), estimates_(rows * columns) {
    next = buffer_.data();
    end = next + buffer_.size();
  }

  void drain() override {
    for (const Candidate* it = buffer_.data(); it != next; ++it) {
      estimates_[it->row * columns_ + it->column] = it->estimate;
    }
    next = buffer_.data();
  }

  [[nodiscard]] float* row(std::size_t r) noexcept { return estimates_.data() + r * columns_; }

 private:
  std::size_t columns_;
  std::vector<float> estimates_;
  std::array<Candidate, 2 * kMaxTile> buffer_;
};

/// A column of the sample and what the filter estimates of a row's score with it.
struct Sampled {
  float estimate;
  std::uint32_t column;
};

bool worse(const Sampled& a, const Sampled& b) noexcept { return a.estimate > b.estimate; }

/// A lower bound of a signed score: by the rows' own values, since what a filter's rounding can
/// cost is half of what scores of random rows vary by, and floors that much lower let through
/// several times as many pairs.
float least_score(const Search& search, const PackedRows& sample, std::size_t i, std::size_t j,
                  const Sampled& partner) {
  if (sample.filter() != Filter::floats) {
    if (const std::optional<double> estimate = search.scorer.estimate(i, j)) {
      return static_cast<float>((search.negated ? -*estimate : *estimate) - search.scorer.slack());
    }
  }
  const double slack =
      sample.pad() + code_slack(search.left_packed.residual(i), sample.residual(partner.column));
  return static_cast<float>(static_cast<double>(partner.estimate) - slack);
}

/// Gives every row a floor: what its k best scores with a sample of columns are at least.
void seed_floors(Search& search, const TopKSettings& settings, const Kernels& kernels,
                 const WorkerTeam& team) {
  const std::size_t wanted = std::max(kSampleColumns, kSampleColumnsPerPartner * settings.k);
  const std::vector<std::uint32_t> members = spread(search.right.size(), wanted);
  if (members.size() <= settings.k) return;
  const PackedRows sample(search.right, members,
                          {search.right_packed.filter(), settings.slack_scale}, kernels, team);
  const std::size_t strip_rows = strip_rows_for(sample.row_bytes());
  const std::size_t strips = (search.left.size() + strip_rows - 1) / strip_rows;
  const std::vector<float> floors(whole_panels(std::max(strip_rows, members.size())),
                                  -std::numeric_limits<float>::infinity());
  team.run(strips, [&](std::size_t strip, unsigned) {
    const std::size_t first = strip * strip_rows;
    const std::size_t count = std::min(strip_rows, search.left.size() - first);
    const LeftRows left(search.left_packed, first, count, search.negated);
    SampleSink sink(count, members.size());
    search.kernel({left.left(floors.data()), sample.right(0, members.size(), floors.data()),
                   sample.steps(), sample.pad(), no_diagonal(count)},
                  sink);
    sink.drain();
    std::vector<Sampled> best;
    for (std::size_t r = 0; r < count; ++r) {
      const float* row = sink.row(r);
      best.clear();
      for (std::uint32_t c = 0; c < members.size(); ++c) {
        if (search.within && members[c] == first + r) continue;
        if (best.size() == settings.k && row[c] <= best.front().estimate) continue;
        if (best.size() == settings.k) {
          std::pop_heap(best.begin(), best.end(), worse);
          best.pop_back();
        }
        best.push_back({row[c], c});
        std::push_heap(best.begin(), best.end(), worse);
      }
      if (best.size() < settings.k) continue;
      float floor = std::numeric_limits<float>::infinity();
      for (const Sampled& partner : best) {
        floor = std::min(floor,
                         least_score(search, sample, first + r, members[partner.column], partner));
      }
      search.best.raise_floor(first + r, floor);
    }
  });
}

/// One worker's candidates on their way into the rows' best.
class OfferSink final : public CandidateSink {
 public:
  OfferSink(Search& search, std::size_t strip_rows, std::size_t chunk_columns)
      : search_(search),
        left_floors_(whole_panels(strip_rows)),
        right_floors_(whole_panels(chunk_columns), std::numeric_limits<float>::infinity()) {
    next = buffer_.data();
    end = next + buffer_.size();
  }

  /// Takes over the present floors; within one set, those of the columns too, since a pair is met
  /// once and is an offer to both.
  void start(std::size_t row, std::size_t rows, std::size_t column, std::size_t columns) {
    row_ = row;
    column_ = column;
    for (std::size_t r = 0; r < rows; ++r) left_floors_[r] = search_.best.floor(row + r);
    if (!search_.within) return;
    for (std::size_t c = 0; c < columns; ++c) right_floors_[c] = search_.best.floor(column + c);
  }

  void drain() override {
    const double slack = search_.scorer.slack();
    for (const Candidate* it = buffer_.data(); it != next; ++it) {
      const std::size_t i = row_ + it->row;
      const std::size_t j = column_ + it->column;
      float floor = left_floors_[it->row] = search_.best.floor(i);
      if (search_.within) {
        right_floors_[it->column] = search_.best.floor(j);
        floor = std::min(floor, right_floors_[it->column]);
      }
      std::optional<double> estimate = static_cast<double>(it->estimate);
      if (search_.right_packed.filter() != Filter::floats) {
        estimate = search_.scorer.estimate(i, j);
        if (estimate && search_.negated) estimate = -*estimate;
      }
      if (estimate && *estimate + slack < static_cast<double>(floor)) continue;
      const double score = search_.scorer.score(i, j);
      const double signed_score = search_.negated ? -score : score;
      search_.best.offer(i, {signed_score, search_.right.id(j)});
      if (search_.within) search_.best.offer(j, {signed_score, search_.left.id(i)});
    }
    next = buffer_.data();
  }

  [[nodiscard]] const float* left_floors() const noexcept { return left_floors_.data(); }
  [[nodiscard]] const float* right_floors() const noexcept { return right_floors_.data(); }

 private:
  Search& search_;
  std::size_t row_ = 0;
  std::size_t column_ = 0;
  std::vector<float> left_floors_;
  std::vector<float> right_floors_;
  // Short: floors rise as candidates are dealt with, and higher floors make fewer candidates.
  std::array<Candidate, kMaxTile + kMaxTile / 4> buffer_;
};

void scan(Search& search, const WorkerTeam& team) {
  const std::size_t strip_rows = strip_rows_for(search.right_packed.row_bytes());
  const std::size_t chunk_columns = chunk_columns_for(search.right_packed.row_bytes());
  const std::size_t strips = (search.left.size() + strip_rows - 1) / strip_rows;
  const std::size_t chunks = (search.right.size() + chunk_columns - 1) / chunk_columns;
  std::vector<std::unique_ptr<OfferSink>> sinks(team.size());
  for (auto& sink : sinks) sink = std::make_unique<OfferSink>(search, strip_rows, chunk_columns);

  constexpr std::size_t kStripsAtOnce = 16;  // bounds the memory of the left operands
  for (std::size_t begin = 0; begin < strips; begin += kStripsAtOnce) {
    const std::size_t count = std::min(kStripsAtOnce, strips - begin);
    std::vector<std::unique_ptr<LeftRows>> left(count);
    team.run(count, [&](std::size_t strip, unsigned) {
      const std::size_t first = (begin + strip) * strip_rows;
      left[strip] = std::make_unique<LeftRows>(search.left_packed, first,
                                               std::min(strip_rows, search.left.size() - first),
                                               search.negated);
    });
    team.run(count * chunks, [&](std::size_t item, unsigned worker) {
      const std::size_t strip = item / chunks;
      const std::size_t row = (begin + strip) * strip_rows;
      const std::size_t column = item % chunks * chunk_columns;
      const std::size_t rows = std::min(strip_rows, search.left.size() - row);
      const std::size_t columns = std::min(chunk_columns, search.right.size() - column);
      if (search.within && column + columns <= row) return;
      OfferSink& sink = *sinks[worker];
      sink.start(row, rows, column, columns);
      search.kernel(
          {left[strip]->left(sink.left_floors()),
           search.right_packed.right(column, columns, sink.right_floors()),
           search.right_packed.steps(), search.right_packed.pad(),
           search.within ? static_cast<std::ptrdiff_t>(row) - static_cast<std::ptrdiff_t>(column)
                         : no_diagonal(rows)},
          sink);
      sink.drain();
    });
  }
}

void top_k(const RowSet& left, const RowSet& right, bool within, const PackedRows* packed,
           const TopKSettings& settings, const Kernels& kernels, const WorkerTeam& team,
           std::int64_t* indices, double* scores) {
  std::fill_n(indices, left.matrix_rows() * settings.k, std::int64_t{-1});
  std::fill_n(scores, left.matrix_rows() * settings.k, std::numeric_limits<double>::quiet_NaN());
  if (left.size() == 0 || right.size() == 0) return;

  const Filter filter = packed != nullptr
                            ? packed->filter()
                            : available_filter(settings.filter, right.columns(), kernels);
  const FilterSettings packing{filter, settings.slack_scale};
  std::optional<PackedRows> own;
  if (packed == nullptr) packed = &own.emplace(right, packing, kernels, team);
  const PackedRows& right_packed = *packed;
  std::optional<PackedRows> other;
  if (!within) other.emplace(left, packing, kernels, team);
  // More places than partners would only be kept empty.
  const std::size_t places = std::min(settings.k, right.size());
  BestPartners best(left.size(), places);
  TopKSettings bounded = settings;
  bounded.k = places;
  Search search{left,
                right,
                within,
                !settings.largest,
                other ? *other : right_packed,
                right_packed,
                kernels.path(filter).scan,
                PairScorer(left, right, kernels, settings.slack_scale),
                best};
  seed_floors(search, bounded, kernels, team);
  scan(search, team);

  for (std::size_t row = 0; row < left.size(); ++row) {
    const std::size_t start = left.place(row) * settings.k;
    std::size_t place = start;
    for (const BestPartners::Partner& partner : best.sorted(row)) {
      indices[place] = partner.id;
      scores[place] = settings.largest ? partner.score : -partner.score;
      ++place;
    }
  }
}

}  // namespace

void top_k(const RowSet& rows, const PackedRows* packed, const TopKSettings& settings,
           const Kernels& kernels, const WorkerTeam& team, std::int64_t* indices, double* scores) {
  top_k(rows, rows, true, packed, settings, kernels, team, indices, scores);
}

void top_k(const RowSet& left, const RowSet& right, const PackedRows* right_packed,
           const TopKSettings& settings, const Kernels& kernels, const WorkerTeam& team,
           std::int64_t* indices, double* scores) {
  top_k(left, right, false, right_packed, settings, kernels, team, indices, scores);
}

}  // namespace klg::similarity

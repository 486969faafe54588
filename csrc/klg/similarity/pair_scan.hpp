#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "klg/similarity/dispatch.hpp"
#include "klg/similarity/filter_choice.hpp"
#include "klg/similarity/packed_rows.hpp"
#include "klg/similarity/pair_rule.hpp"
#include "klg/similarity/pair_scorer.hpp"
#include "klg/similarity/row_set.hpp"
#include "klg/similarity/worker_team.hpp"

namespace klg::similarity {

/// Two rows, by their ids in their sets, and their canonical score, or the rule's.
struct Pair {
  std::int64_t i;
  std::int64_t j;
  double score;
};

struct ScanSettings {
  double threshold;              ///< In [-1, 1].
  bool below = true;             ///< Keep scores strictly below the threshold, or strictly above.
  std::optional<Filter> filter;  ///< None: whichever a sample says is faster.
  double slack_scale = 1.0;      ///< See FilterSettings.
  /// Decides in the threshold's place, which then is no stricter than any of the rule's limits. Of
  /// scans below a threshold within one set; lives as long as the scan.
  const PairRule* rule = nullptr;
};

/// All pairs beyond a threshold, batch by batch in the order of (i, j).
///
/// Memory is the packed rows and one batch: never n · n. What comes out does not depend on the
/// kernels, the filter or the number of threads.
class PairScan {
 public:
  /// Pairs i < j within one set. Neither the set nor the kernels are copied.
  PairScan(const RowSet& rows, const ScanSettings& settings, const Kernels& kernels,
           const WorkerTeam& team);
  /// As above, of a set that is packed already. Where its ids do not ascend, neither do those of
  /// the pairs, from batch to batch.
  PairScan(const RowSet& rows, const PackedRows& packed, const ScanSettings& settings,
           const Kernels& kernels);
  /// Pairs of a row of `left` and one of `right`, which is packed already.
  PairScan(const RowSet& left, const RowSet& right, const PackedRows& right_packed,
           const ScanSettings& settings, const Kernels& kernels, const WorkerTeam& team);
  /// Pairs of a row of `left` and a row of `right`, which have equally many columns.
  PairScan(const RowSet& left, const RowSet& right, const ScanSettings& settings,
           const Kernels& kernels, const WorkerTeam& team);

  /// Appends the next batch, sorted, maybe nothing; false when there are no more.
  bool next(const WorkerTeam& team, std::vector<Pair>& pairs);

  PairScan(const PairScan&) = delete;
  PairScan& operator=(const PairScan&) = delete;

  /// Counts the pairs of the batches not yet taken, without keeping them.
  [[nodiscard]] std::uint64_t count(const WorkerTeam& team);

  [[nodiscard]] Filter filter() const noexcept { return right_packed_->filter(); }
  /// The most by which a filter's estimate of two members can be wrong.
  [[nodiscard]] double filter_slack(std::size_t i, std::size_t j) const noexcept {
    return right_packed_->pad() + code_slack(left_packed_->residual(i), right_packed_->residual(j));
  }

 private:
  class Collector;
  PairScan(const RowSet& left, const RowSet& right, const ScanSettings& settings,
           const Kernels& kernels, double passing);
  void cut();

  [[nodiscard]] std::size_t first_chunk(std::size_t row) const noexcept;
  [[nodiscard]] std::size_t batch_end() const noexcept;
  std::uint64_t scan_batch(const WorkerTeam& team, std::vector<Pair>* pairs);

  const RowSet& left_;
  const RowSet& right_;
  bool within_;
  ScanSettings settings_;
  const Kernels& kernels_;
  PairScorer scorer_;
  std::optional<PackedRows> own_right_;
  std::optional<PackedRows> own_left_;
  const PackedRows* right_packed_ = nullptr;
  const PackedRows* left_packed_ = nullptr;
  std::size_t strip_rows_ = 0;
  std::size_t chunk_columns_ = 0;
  double pairs_per_row_;  ///< What the next batch is expected to find.
  std::size_t row_ = 0;   ///< First row of the next batch.
};

}  // namespace klg::similarity

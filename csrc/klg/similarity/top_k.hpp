#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>

#include "klg/similarity/dispatch.hpp"
#include "klg/similarity/packed_rows.hpp"
#include "klg/similarity/row_set.hpp"
#include "klg/similarity/worker_team.hpp"

namespace klg::similarity {

struct TopKSettings {
  std::size_t k;
  bool largest = true;  ///< The greatest scores, or the smallest.
  std::optional<Filter>
      filter;  ///< None: codes where there are kernels for them, or that of the packed rows.
  double slack_scale = 1.0;  ///< See FilterSettings.
};

/// The k best partners of every row by canonical score, ties by lower id.
///
/// `indices` and `scores` have k places for each row of the left matrix, best first; places that no
/// partner fills hold -1 and NaN. Zero and masked rows have no partners and are nobody's.
/// `packed` may hold the rows packed already, by any filter; null packs them.
void top_k(const RowSet& rows, const PackedRows* packed, const TopKSettings& settings,
           const Kernels& kernels, const WorkerTeam& team, std::int64_t* indices, double* scores);

/// As above, partners of the rows of `left` among the rows of `right`; a row is no stranger to
/// itself here.
void top_k(const RowSet& left, const RowSet& right, const PackedRows* right_packed,
           const TopKSettings& settings, const Kernels& kernels, const WorkerTeam& team,
           std::int64_t* indices, double* scores);

}  // namespace klg::similarity

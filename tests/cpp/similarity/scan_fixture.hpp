#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "klg/core/error.hpp"
#include "klg/similarity/canonical_dot.hpp"
#include "klg/similarity/dispatch.hpp"
#include "klg/similarity/pair_scan.hpp"
#include "klg/similarity/row_set.hpp"
#include "klg/similarity/similarity.hpp"

namespace klg::similarity::testing {

/// Rows in one vector.
struct Rows {
  std::size_t count;
  std::size_t columns;
  std::vector<float> values;

  [[nodiscard]] Matrix matrix() const {
    return {values.data(), count, columns, static_cast<std::ptrdiff_t>(columns)};
  }
  [[nodiscard]] const float* row(std::size_t i) const { return values.data() + i * columns; }
};

inline Rows random_rows(std::size_t count, std::size_t columns, std::uint32_t seed) {
  std::mt19937 generator(seed);
  std::normal_distribution<float> normal;
  Rows rows{count, columns, std::vector<float>(count * columns)};
  for (float& value : rows.values) value = normal(generator);
  return rows;
}

inline double oracle_score(const Rows& rows, std::size_t i, std::size_t j) {
  const auto dot = [&](std::size_t a, std::size_t b) {
    return canonical_dot(rows.row(a), rows.row(b), rows.columns);
  };
  return cosine(dot(i, j), dot(i, i), dot(j, j));
}

/// Every instruction set of this build that this processor can run.
inline std::vector<const Kernels*> usable_kernels() {
  std::vector<const Kernels*> result;
  for (const char* name : instruction_sets()) {
    try {
      result.push_back(&kernels(name));
    } catch (const Error&) {
      continue;
    }
  }
  return result;
}

inline std::vector<Filter> usable_filters(const Kernels& isa) {
  std::vector<Filter> result;
  for (const Filter filter : {Filter::floats, Filter::halves, Filter::codes}) {
    if (isa.can(filter, 1)) result.push_back(filter);
  }
  return result;
}

inline std::vector<Pair> all_pairs(const Rows& rows, const ScanSettings& settings,
                                   const Kernels& isa, unsigned threads = 1) {
  const WorkerTeam team(threads);
  const RowSet set(rows.matrix(), nullptr, "rows", isa, team);
  PairScan scan(set, settings, isa, team);
  std::vector<Pair> pairs;
  while (scan.next(team, pairs)) {
  }
  return pairs;
}

}  // namespace klg::similarity::testing

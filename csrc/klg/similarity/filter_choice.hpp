#pragma once

#include <cstddef>
#include <optional>

#include "klg/similarity/dispatch.hpp"
#include "klg/similarity/packed_rows.hpp"
#include "klg/similarity/row_set.hpp"

namespace klg::similarity {

/// Which filter to scan with, and the share of pairs that it is expected to let through.
struct FilterChoice {
  Filter filter;
  double passing;
};

/// The wanted filter, or the one that is cheapest by the pair; throws `Error` where the wanted one
/// has no kernels.
[[nodiscard]] Filter available_filter(std::optional<Filter> wanted, std::size_t columns,
                                      const Kernels& kernels);

[[nodiscard]] const char* filter_name(Filter filter) noexcept;

/// Chooses by trying the filters on a sample of the pairs: the cheaper one is by the pair, the more
/// pairs it lets through to be scored. `wanted`, where given, is taken if there are kernels for
/// it.
///
/// The choice changes how long a scan takes, never what it finds.
[[nodiscard]] FilterChoice choose_filter(const RowSet& left, const RowSet& right, double floor,
                                         bool negated, std::optional<Filter> wanted,
                                         const Kernels& kernels);

}  // namespace klg::similarity

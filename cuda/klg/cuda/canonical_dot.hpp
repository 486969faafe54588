#pragma once

#include <cstddef>
#include <cstdint>

namespace klg::cuda {

/// Two rows of a matrix.
struct RowPair {
  std::int64_t i;
  std::int64_t j;
};

/// Canonical dot products of row pairs, computed on the current device, one warp a pair.
///
/// `rows` is a dense (n, dim) host matrix, `out` takes `pair_count` values. Bit-identical to
/// `similarity::canonical_dot`. Throws CudaUnavailable where there is no device.
void canonical_dots(const float* rows, std::size_t n, std::size_t dim, const RowPair* pairs,
                    std::size_t pair_count, double* out);

}  // namespace klg::cuda

#include "klg/similarity/canonical_dot.hpp"

#include "klg/similarity/host_warp.hpp"

namespace klg::similarity {

double canonical_dot(const float* x, const float* y, std::size_t n) noexcept {
  HostWarp::Value partials;
  for (unsigned lane = 0; lane < kLanes; ++lane) partials[lane] = lane_partial(x, y, n, lane);
  return reduce_lanes(HostWarp{}, partials)[0];
}

}  // namespace klg::similarity

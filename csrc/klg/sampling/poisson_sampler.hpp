#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>

namespace klg::sampling {

/// Chance that an allocation of `size` bytes holds a point of a Poisson process on the stream of
/// allocated bytes with one point every `mean` bytes on average: 1 - exp(-size / mean).
[[nodiscard]] inline double inclusion_probability(std::size_t size, double mean) noexcept {
  return -std::expm1(-static_cast<double>(size) / mean);
}

/// Bytes for which a sampled allocation stands, so that sums over samples are unbiased
/// (Horvitz-Thompson): size / inclusion_probability.
[[nodiscard]] inline double weight(std::size_t size, double mean) noexcept {
  return size == 0 ? 0.0 : static_cast<double>(size) / inclusion_probability(size, mean);
}

/// Bytes until the next sample, counted down by each thread for itself.
///
/// Trivial and all zeros when new, so that it can live in thread-local storage without a
/// constructor. A thread whose state is new has no gap yet: the first that is drawn is random like
/// every other, or the first allocation of every thread would be a sample.
struct ByteCountdown {
  std::int64_t left = 0;
  std::uint32_t epoch = 0;  ///< the sampling that the gap was drawn for; 0 for none
  std::uint64_t random = 0;
  double mean = 0.0;  ///< of the distribution that the running gap was drawn from
};

/// Draws the gaps of one Poisson process on bytes; shares nothing with other threads.
class PoissonSampler {
 public:
  /// Prepares a countdown for a sampling: a random first gap.
  static void begin(ByteCountdown& state, std::uint32_t epoch, double mean,
                    std::uint64_t entropy) noexcept {
    if (state.random == 0) state.random = scramble(entropy);
    state.epoch = epoch;
    draw(state, mean);
  }

  /// Replaces the gap that has run out.
  static void draw(ByteCountdown& state, double mean) noexcept {
    state.mean = mean;
    state.left = gap(state);
  }

  /// Points that fall into an allocation whose countdown has just run out, at least one; leaves the
  /// countdown at the distance from its end to the next point.
  ///
  /// Far past the first point the count is its expectation, rounded at random: an allocation of a
  /// gigabyte must not cost a loop of a million draws.
  static std::uint32_t points(ByteCountdown& state, double mean) noexcept {
    constexpr int kDraws = 64;
    std::uint32_t count = 1;
    std::int64_t past = -state.left;
    draw(state, mean);
    for (int k = 0; k < kDraws && state.left < past; ++k) {
      past -= state.left;
      ++count;
      state.left = gap(state);
    }
    if (state.left < past) {
      const double expected = static_cast<double>(past) / mean;
      count += static_cast<std::uint32_t>(expected + uniform(state));
      state.left = gap(state);
    } else {
      state.left -= past;
    }
    return count;
  }

  /// Uniform in (0, 1].
  static double uniform(ByteCountdown& state) noexcept {
    std::uint64_t x = state.random;
    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    state.random = x;
    return static_cast<double>((x >> 11) + 1) * 0x1.0p-53;
  }

 private:
  static std::int64_t gap(ByteCountdown& state) noexcept {
    constexpr double kLongest = 1e15;
    const double bytes = -std::log(uniform(state)) * state.mean;
    return static_cast<std::int64_t>(bytes < kLongest ? bytes : kLongest);
  }

  // Neighbouring seeds (addresses, counters) must give unrelated streams; never 0.
  static std::uint64_t scramble(std::uint64_t x) noexcept {
    x += 0x9E3779B97F4A7C15u;
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9u;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBu;
    x ^= x >> 31;
    return x == 0 ? 1 : x;
  }
};

}  // namespace klg::sampling

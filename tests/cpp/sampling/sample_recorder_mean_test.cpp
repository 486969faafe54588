#include "klg/sampling/sample_recorder.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "klg/sampling/capture_view.hpp"
#include "klg/sampling/poisson_sampler.hpp"
#include "sampling/recorder_fixture.hpp"

namespace klg::sampling {
namespace {

TEST(SampleRecorder, WidensWhenItCostsMoreThanItsBudget) {
  RecorderFixture f({1024.0, 0.01, 0.0});
  std::int64_t now = 0;
  for (std::uint64_t k = 1; k <= 200; ++k) {
    now += kSecond / 100;
    f.recorder.charge(1'000'000);  // booked as 20 us of 10 ms: 0.2 %
    f.born(16 * k, now);
  }
  EXPECT_EQ(f.recorder.mean(), 1024.0);
  for (std::uint64_t k = 201; k <= 400; ++k) {
    now += kSecond / 100;
    for (int n = 0; n < 50; ++n) f.recorder.charge(20'000);  // 10 %
    f.born(16 * k, now, 64, 0.5, f.recorder.mean());
  }
  EXPECT_GE(f.recorder.mean(), 1024.0 * 8);
  EXPECT_GT(f.view.totals(now).thinned, 0u);
}

TEST(SampleRecorder, SavingsDoNotPayForALoudPhaseBeyondTheLimit) {
  RecorderFixture f({1024.0, 0.01, 0.1e9});
  std::int64_t now = 1000 * kSecond;  // quiet: 10 s of the budget are saved
  f.born(0x10, now);
  for (std::uint64_t k = 2; k <= 200; ++k) {
    now += kSecond / 10;
    for (int n = 0; n < 200; ++n) f.recorder.charge(20'000);  // 4 %, within what was saved
    f.born(16 * k, now);
  }
  EXPECT_EQ(f.recorder.mean(), 1024.0);
  std::uint64_t paid = 0;
  for (std::uint64_t k = 201; k <= 400; ++k) {
    now += kSecond / 10;
    const auto calls = static_cast<int>(900 * 1024.0 / f.recorder.mean());  // 18 % at first
    for (int n = 0; n < calls; ++n) f.recorder.charge(20'000);
    paid += 20'000u * static_cast<std::uint64_t>(calls);
    f.born(16 * k, now);
  }
  EXPECT_EQ(f.recorder.mean(), 4096.0);
  EXPECT_EQ(f.view.totals(now).cost_widened, 1u);
  EXPECT_LE(static_cast<double>(paid), 0.05 * 20e9 + 0.2e9);
}

TEST(SampleRecorder, SaysWhatTheGuardDid) {
  RecorderFixture f({1024.0, 0.01, 1e9});
  for (std::uint64_t k = 1; k <= kMaxSamples / 4 * 3 + 1; ++k) {
    f.born(16 * k, 1, 64, 0.99999);
  }
  const CaptureTotals totals = f.view.totals(2);
  EXPECT_EQ(totals.first_mean_bytes, 1024.0);
  EXPECT_EQ(totals.budget, 0.01);
  EXPECT_EQ(totals.cost_widened, 0u);
  EXPECT_GE(totals.room_widened, 1u);
  EXPECT_EQ(totals.mean_bytes, 1024.0 * std::exp2(totals.room_widened));
}

TEST(SampleRecorder, NeverWidensWithoutABudget) {
  RecorderFixture f({1024.0, 0.0, 0.0});
  for (std::uint64_t k = 1; k <= 400; ++k) {
    for (int n = 0; n < 50; ++n) f.recorder.charge(20'000);
    f.born(16 * k, static_cast<std::int64_t>(k) * kSecond / 100);
  }
  EXPECT_EQ(f.recorder.mean(), 1024.0);
}

TEST(SampleRecorder, ThinnedSamplesAreThoseOfTheWiderMean) {
  // Many blocks sampled at a fine mean; what is left at a coarse one must still estimate the total.
  RecorderFixture f({256.0, 0.15, 0.0});
  ByteCountdown state;
  PoissonSampler::begin(state, 1, 256.0, 99);
  double total = 0.0;
  std::int64_t now = 0;
  for (std::uint64_t k = 1; k <= 60'000; ++k) {
    const std::size_t size = 16 + k % 200;
    total += static_cast<double>(size);
    state.left -= static_cast<std::int64_t>(size);
    if (state.left >= 0) continue;
    const double mean = state.mean;
    PoissonSampler::points(state, f.recorder.mean());
    now += kSecond / 10'000;
    f.recorder.charge(20'000);
    f.born(16 * k, now, size, PoissonSampler::uniform(state), mean);
  }
  const double mean = f.recorder.mean();
  ASSERT_GT(mean, 256.0);
  double estimate = 0.0, variance = 0.0;
  for (const Life& life : f.view.live()) {
    ASSERT_GE(life.reach, mean * 0.999);
    const double bytes = weight(life.size, mean);
    estimate += bytes;
    variance += bytes * bytes * (1.0 - inclusion_probability(life.size, mean));
  }
  EXPECT_NEAR(estimate, total, 5.0 * std::sqrt(variance));
  const CaptureTotals totals = f.view.totals(now);
  EXPECT_NEAR(totals.allocated_bytes, total, 5.0 * totals.allocated_standard_error);
}

TEST(SampleRecorder, CountsByTheCoarserMeanAcrossAWidening) {
  // Picked by the old mean, decided by the new one: in expectation the count stays what it was.
  constexpr std::size_t kSize = 512;
  constexpr int kDraws = 20000;
  RecorderFixture f({1024.0, 1e-9, 0.0});
  f.recorder.charge(20'000);
  f.born(0x10, 1 * kSecond, 64, 1.0);  // widens
  const double wide = f.recorder.mean();
  ASSERT_GT(wide, 1024.0);
  double before = 0.0;
  for (const CaptureView::Allocated& each : f.view.allocated()) before += each.bytes;
  for (int k = 0; k < kDraws; ++k) {
    f.born(0x1000, 1 * kSecond, kSize, (k + 0.5) / kDraws, 1024.0);
  }
  double counted = -before;
  for (const CaptureView::Allocated& each : f.view.allocated()) counted += each.bytes;
  const double truth = kDraws * inclusion_probability(kSize, 1024.0) * weight(kSize, 1024.0);
  const double smallest = weight(kSize, wide);
  EXPECT_NEAR(counted, truth, 2.0 * smallest);
}

// Allocates until a time, a microsecond for each block, charged with so many nanoseconds a sample.
struct Allocations {
  RecorderFixture& f;
  std::int64_t charge_ns;
  ByteCountdown state{};
  std::uint64_t blocks = 0;
  double total = 0.0;

  void until(std::int64_t end) {
    if (state.epoch == 0) PoissonSampler::begin(state, 1, f.recorder.mean(), 7);
    for (; static_cast<std::int64_t>(blocks) * 1000 < end; ++blocks) {
      const std::size_t size = 16 + blocks % 200;
      total += static_cast<double>(size);
      state.left -= static_cast<std::int64_t>(size);
      if (state.left >= 0) continue;
      const double mean = state.mean;
      PoissonSampler::points(state, f.recorder.mean());
      f.recorder.charge(charge_ns);
      f.born(16 * (blocks + 1), static_cast<std::int64_t>(blocks) * 1000, size,
             PoissonSampler::uniform(state), mean);
    }
  }
};

TEST(SampleRecorder, ASuspicionNarrowsAndEverySampleKeepsItsMean) {
  RecorderFixture f({65536.0, 0.01, 0.0});
  Allocations work{f, 200};
  work.until(kSecond);
  f.recorder.ask_for_mean(8192.0);
  work.until(2 * kSecond);
  EXPECT_EQ(f.recorder.mean(), 8192.0);
  const CaptureTotals totals = f.view.totals(2 * kSecond);
  EXPECT_EQ(totals.narrowed, 1u);
  EXPECT_NEAR(totals.narrowed_seconds, 1.0, 0.1);
  EXPECT_EQ(totals.coarsest_mean_bytes, 65536.0);
  double estimate = 0.0, variance = 0.0;
  std::set<float> means;
  for (const Life& life : f.view.live()) {
    const double bytes = weight(life.size, life.mean);
    estimate += bytes;
    variance += bytes * bytes * (1.0 - inclusion_probability(life.size, life.mean));
    means.insert(life.mean);
  }
  EXPECT_EQ(means, (std::set<float>{8192.0f, 65536.0f}));
  EXPECT_NEAR(estimate, work.total, 5.0 * std::sqrt(variance));
  EXPECT_NEAR(totals.allocated_bytes, work.total, 5.0 * totals.allocated_standard_error);
  // One mean for all would be wrong by far.
  EXPECT_LT(8192.0 * static_cast<double>(totals.live), 0.7 * work.total);
}

TEST(SampleRecorder, TheBudgetWinsAgainstASuspicion) {
  RecorderFixture f({65536.0, 0.01, 0.0});
  Allocations work{f, 2000};  // 0.35 % at this mean: there is no room for a half of it
  f.recorder.ask_for_mean(4096.0);
  work.until(2 * kSecond);
  EXPECT_EQ(f.recorder.mean(), 65536.0);
  work.charge_ns = 10'000;  // 1.7 %
  work.until(4 * kSecond);
  const double widened = f.recorder.mean();
  EXPECT_GT(widened, 65536.0);
  work.charge_ns = 1;  // and what it has widened stays
  work.until(8 * kSecond);
  EXPECT_EQ(f.recorder.mean(), widened);
  EXPECT_EQ(f.view.totals(8 * kSecond).narrowed, 0u);
}

TEST(SampleRecorder, WithoutABudgetTheMeanIsFixed) {
  RecorderFixture f({65536.0, 0.0, 0.0});
  f.recorder.ask_for_mean(4096.0);
  Allocations work{f, 1};
  work.until(kSecond);
  EXPECT_EQ(f.recorder.mean(), 65536.0);
}

TEST(SampleRecorder, OldIsMeasuredFromTheLatestNarrowing) {
  RecorderFixture f({65536.0, 0.01, 0.0});
  f.born(0x10, 80 * kSecond, 64, 0.5, 65536.0);
  f.recorder.ask_for_mean(32768.0);
  f.born(0x20, 90 * kSecond, 64, 0.5, 65536.0);
  ASSERT_EQ(f.recorder.mean(), 32768.0);
  EXPECT_TRUE(
      f.recorder.died(RecorderFixture::pointer(0x20), 92 * kSecond));  // 2 s of 2, not of 92
  std::uint64_t lost = 0;
  EXPECT_EQ(f.view.new_deaths(lost).size(), 1u);
}

}  // namespace
}  // namespace klg::sampling

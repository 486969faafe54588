#include "klg/sampling/sample_recorder.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <thread>
#include <vector>

#include "klg/sampling/capture_view.hpp"
#include "klg/sampling/poisson_sampler.hpp"
#include "sampling/recorder_fixture.hpp"

namespace klg::sampling {
namespace {

TEST(SampleRecorder, LogsOnlyDeathsAtAnOldAge) {
  RecorderFixture f({1024.0, 0.0, 0.0});
  f.born(0x10, 10 * kSecond);
  f.born(0x20, 1 * kSecond);
  EXPECT_TRUE(f.recorder.died(RecorderFixture::pointer(0x10), 11 * kSecond));  // 1 s of 11: young
  EXPECT_TRUE(f.recorder.died(RecorderFixture::pointer(0x20), 11 * kSecond));  // 10 s of 11: old
  EXPECT_FALSE(f.recorder.died(RecorderFixture::pointer(0x20), 11 * kSecond));
  std::uint64_t lost = 9;
  const std::vector<Life> deaths = f.view.new_deaths(lost);
  EXPECT_EQ(lost, 0u);
  ASSERT_EQ(deaths.size(), 1u);
  EXPECT_EQ(deaths[0].birth_ns, 1 * kSecond);
  EXPECT_EQ(deaths[0].death_ns, 11 * kSecond);
  EXPECT_TRUE(f.view.new_deaths(lost).empty());
}

TEST(SampleRecorder, LetsTheThreadThatForksIn) {
  RecorderFixture f({1024.0, 0.0, 0.0});
  f.born(0x10, 1);
  f.recorder.lock_for_fork();
  // A fork handler of another library frees and allocates now.
  EXPECT_TRUE(f.recorder.died(RecorderFixture::pointer(0x10), 2));
  f.born(0x20, 3);
  std::atomic<bool> entered{false};
  std::thread other([&] {
    f.born(0x30, 4);
    entered = true;
  });
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  EXPECT_FALSE(entered);
  f.recorder.unlock_in_parent();
  other.join();
  EXPECT_EQ(f.view.totals(5).live, 2u);
}

TEST(SampleRecorder, SaysHowManyDeathsTheReaderMissed) {
  RecorderFixture f({1024.0, 0.0, 0.0});
  const std::uint64_t total = kMaxDeaths + 1000;
  for (std::uint64_t k = 0; k < total; ++k) {
    f.born(0x10, 0);
    ASSERT_TRUE(f.recorder.died(RecorderFixture::pointer(0x10), kSecond));
  }
  std::uint64_t lost = 0;
  const std::size_t read = f.view.new_deaths(lost).size();
  EXPECT_EQ(read + lost, total);
  EXPECT_GE(lost, 1000u);
  EXPECT_LE(lost, 1001u);  // the record that the writer would fill next is never trusted
}

TEST(SampleRecorder, ReplacesASampleWhoseFreeWasNotSeen) {
  RecorderFixture f({1024.0, 0.0, 0.0});
  f.born(0x10, 0, 64);
  f.born(0x10, 1, 128);
  const std::vector<Life> lives = f.view.live();
  ASSERT_EQ(lives.size(), 1u);
  EXPECT_EQ(lives[0].size, 128u);
  EXPECT_EQ(f.view.totals(2).replaced, 1u);
  EXPECT_EQ(f.view.totals(2).live, 1u);
}

TEST(SampleRecorder, CountsWhatDoesNotFit) {
  RecorderFixture f({1024.0, 0.0, 0.0});
  for (std::uint64_t k = 1; k <= kMaxSamples + 10; ++k) f.born(16 * k, 0);
  EXPECT_EQ(f.view.totals(1).dropped, 10u);
  EXPECT_EQ(f.view.totals(1).live, kMaxSamples);
}

TEST(SampleRecorder, CountsWhatEachStackHasAllocatedWhateverHasDied) {
  RecorderFixture f({1024.0, 0.0, 0.0});
  for (std::uint64_t k = 1; k <= 30; ++k) {
    f.born(16 * 3 * k, 0, 2048);  // all of one stack
    if (k % 2 == 0) f.recorder.died(RecorderFixture::pointer(16 * 3 * k), 1);
  }
  const std::vector<CaptureView::Allocated> found = f.view.allocated();
  const std::vector<Life> live = f.view.live();
  ASSERT_EQ(live.size(), 15u);
  const CaptureView::Allocated& one = found.at(live.front().node);
  EXPECT_NEAR(one.bytes, 30.0 * weight(2048, 1024.0), 1e-6);
  EXPECT_NEAR(one.allocations, 30.0 / inclusion_probability(2048, 1024.0), 1e-9);
  EXPECT_NEAR(one.bytes, f.view.totals(1).allocated_bytes, 1e-6);
}

TEST(SampleRecorder, FreezingKeepsTheLiveSamplesAndCloseForgetsTheAddresses) {
  RecorderFixture f({1024.0, 0.0, 0.0});
  f.born(0x10, 0);
  f.recorder.freeze(kSecond);
  EXPECT_FALSE(f.recorder.died(RecorderFixture::pointer(0x10), 2 * kSecond));
  EXPECT_FALSE(f.filter->possible(RecorderFixture::pointer(0x10)));
  EXPECT_EQ(f.view.live().size(), 1u);
  EXPECT_FALSE(f.view.totals(9 * kSecond).running);
  EXPECT_DOUBLE_EQ(f.view.totals(9 * kSecond).seconds, 1.0);
  f.recorder.close(3 * kSecond, true);
  for (const auto& [code, count] : f.source.pins) EXPECT_EQ(count, 0);
}

TEST(SampleRecorder, IsReadWhileManyThreadsWrite) {
  RecorderFixture f({1024.0, 0.0, 0.0});
  std::atomic<bool> done{false};
  std::vector<std::thread> writers;
  for (std::uint64_t w = 0; w < 3; ++w) {
    writers.emplace_back([&, w] {
      const Frame frame{FakeFrameSource::code(w + 1), 2};
      for (std::uint64_t k = 0; k < 20'000; ++k) {
        const std::uint64_t address = 16 * (1 + w * 64 + k % 64);
        // Size and birth agree, so that a torn record would be seen.
        const auto mark = static_cast<std::int64_t>(w * 1'000'000 + k + 1);
        f.recorder.born({RecorderFixture::pointer(address), static_cast<std::size_t>(mark), 1024.0,
                         1, 0.5, mark, &frame, 1, true});
        if (k % 3 != 0) f.recorder.died(RecorderFixture::pointer(address), mark + 10);
        f.recorder.charge(5);
      }
      done = true;
    });
  }
  std::size_t seen = 0;
  do {
    for (const Life& life : f.view.live()) {
      ASSERT_EQ(static_cast<std::int64_t>(life.size), life.birth_ns);
      ++seen;
    }
  } while (!done || seen == 0);
  for (std::thread& writer : writers) writer.join();
  const CaptureTotals totals = f.view.totals(kSecond);
  EXPECT_EQ(totals.samples, 60'000u);
  EXPECT_EQ(totals.samples, totals.freed + totals.replaced + totals.live);
  EXPECT_EQ(f.view.live().size(), totals.live);
}

TEST(SampleRecorder, LooksIntoBlocksThatMayBeRecycled) {
  RecorderFixture f({1024.0, 0.0, 0.0});
  for (std::uint64_t k = 1; k <= 100; ++k) f.born(16 * k, 0, k % 2 == 0 ? 48 : 64);
  for (std::uint64_t k = 101; k <= 200; ++k) f.born(16 * k, 0, 64);
  std::size_t recycled = 0;
  for (const Life& life : f.view.live()) {
    EXPECT_EQ(life.kind == BlockKind::kRecycled, life.size == 48);
    recycled += life.kind == BlockKind::kRecycled ? 1 : 0;
  }
  EXPECT_EQ(recycled, 50u);
  // A slot that is used again has forgotten what it was.
  f.recorder.died(RecorderFixture::pointer(32), 1);
  f.born(32, 2, 64);
  for (const Life& life : f.view.live()) {
    if (life.birth_ns == 2) {
      EXPECT_EQ(life.kind, BlockKind::kUnknown);
    }
  }
}

TEST(SampleRecorder, ChildOfAForkIsSilentUnlessAsked) {
  RecorderFixture f({1024.0, 0.0, 0.0});
  f.born(0x10, 0);
  f.recorder.lock_for_fork();
  f.recorder.unlock_in_child(true);
  f.born(0x20, 1);
  EXPECT_EQ(f.view.live().size(), 2u);
  f.recorder.lock_for_fork();
  f.recorder.unlock_in_child(false);
  f.born(0x30, 2);
  EXPECT_FALSE(f.recorder.died(RecorderFixture::pointer(0x10), 3));
  EXPECT_EQ(f.view.live().size(), 2u);
}

}  // namespace
}  // namespace klg::sampling

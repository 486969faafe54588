#include "klg/core/asymmetric_fence.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

namespace klg {
namespace {

// Dekker's handshake: each side writes its word and reads the other's. Both reading the old value
// is what the fence rules out, though only one side has it.
TEST(AsymmetricFence, OneOfTheTwoSeesTheOther) {
  if (!can_fence_all_threads()) GTEST_SKIP() << "this kernel has no membarrier";
  std::atomic<int> frequent{0};
  std::atomic<int> rare{0};
  std::atomic<int> round{0};
  std::atomic<int> done{0};
  int seen_by_frequent = 0;
  constexpr int kRounds = 20'000;
  std::thread other([&] {
    for (int k = 1; k <= kRounds; ++k) {
      while (round.load(std::memory_order_acquire) != k) std::this_thread::yield();
      frequent.store(k, std::memory_order_relaxed);
      std::atomic_signal_fence(std::memory_order_seq_cst);
      seen_by_frequent = rare.load(std::memory_order_relaxed);
      done.store(k, std::memory_order_release);
    }
  });
  int missed = 0;
  for (int k = 1; k <= kRounds; ++k) {
    round.store(k, std::memory_order_release);
    rare.store(k, std::memory_order_relaxed);
    fence_all_threads();
    const int seen_by_rare = frequent.load(std::memory_order_relaxed);
    while (done.load(std::memory_order_acquire) != k) std::this_thread::yield();
    missed += seen_by_rare != k && seen_by_frequent != k ? 1 : 0;
  }
  other.join();
  EXPECT_EQ(missed, 0);
}

}  // namespace
}  // namespace klg

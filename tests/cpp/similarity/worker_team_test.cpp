#include "klg/similarity/worker_team.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <stdexcept>
#include <vector>

namespace klg::similarity {
namespace {

TEST(WorkerTeam, CallsEveryItemOnce) {
  std::vector<std::atomic<int>> calls(1000);
  WorkerTeam(4).run(calls.size(), [&](std::size_t item, unsigned worker) {
    ASSERT_LT(worker, 4u);
    ++calls[item];
  });
  for (const auto& count : calls) EXPECT_EQ(count, 1);
}

TEST(WorkerTeam, BringsTheExceptionOfAnyWorkerHome) {
  const auto body = [](std::size_t item, unsigned) {
    if (item == 17) throw std::runtime_error("17");
  };
  EXPECT_THROW(WorkerTeam(3).run(100, body), std::runtime_error);
  EXPECT_THROW(WorkerTeam(1).run(100, body), std::runtime_error);
}

TEST(WorkerTeam, OfNobodyIsTheCaller) {
  EXPECT_EQ(WorkerTeam(0).size(), 1u);
  WorkerTeam(0).run(0, [](std::size_t, unsigned) { FAIL(); });
}

}  // namespace
}  // namespace klg::similarity

// Many threads against one registry, beside a model that each thread keeps of its own part.

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <mutex>
#include <random>
#include <set>
#include <thread>
#include <unordered_map>
#include <vector>

#include "klg/registry/allocation_registry.hpp"

namespace klg::registry {
namespace {

constexpr int kThreads = 4;
constexpr int kSteps = 20'000;

struct Model {
  std::uint64_t total_bytes = 0;
  std::uint64_t total_count = 0;
  std::unordered_map<std::uint64_t, std::uint64_t> live;  // handle -> size
};

// Handles that one thread gave away and another releases.
class Exchange {
 public:
  void give(std::uint64_t handle) {
    const std::lock_guard guard(mutex_);
    handles_.push_back(handle);
  }
  bool take(std::uint64_t& handle) {
    const std::lock_guard guard(mutex_);
    if (handles_.empty()) return false;
    handle = handles_.back();
    handles_.pop_back();
    return true;
  }

 private:
  std::mutex mutex_;
  std::vector<std::uint64_t> handles_;
};

TEST(RegistryStress, AgreesWithTheModelsOfItsThreads) {
  AllocationRegistry registry;
  const SiteId sites[] = {registry.site("a"), registry.site("b"), registry.site("c")};
  Exchange exchange;
  std::atomic<std::uint64_t> given_bytes{0};
  std::atomic<std::uint64_t> taken_bytes{0};
  std::vector<Model> models(kThreads);
  std::atomic<int> running{kThreads};
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    const auto work = [&, t] {
      Model& model = models[static_cast<std::size_t>(t)];
      std::mt19937 generator(static_cast<std::uint32_t>(t));
      for (int k = 0; k < kSteps; ++k) {
        const auto choice = generator() % 10;
        std::uint64_t foreign = 0;
        if (choice < 5 || model.live.empty()) {
          const std::uint64_t size = generator() % 1'000;
          const Handle handle = registry.record(sites[generator() % 3], size);
          ASSERT_FALSE(handle.dropped());
          ASSERT_TRUE(model.live.emplace(handle.bits(), size).second);
          model.total_bytes += size;
          ++model.total_count;
        } else if (choice < 8) {
          const auto [bits, size] = *model.live.begin();
          ASSERT_EQ(registry.lookup(Handle(bits))->size, size);
          ASSERT_EQ(registry.release(Handle(bits)), Release::released);
          ASSERT_EQ(registry.release(Handle(bits)), Release::stale);
          model.live.erase(bits);
        } else if (choice == 8) {
          const auto [bits, size] = *model.live.begin();
          given_bytes += size;
          model.live.erase(bits);
          exchange.give(bits);
        } else if (exchange.take(foreign)) {
          taken_bytes += registry.lookup(Handle(foreign))->size;
          ASSERT_EQ(registry.release(Handle(foreign)), Release::released);
        }
      }
    };
    threads.emplace_back([&running, work] {
      work();
      --running;  // also when an assertion left early
    });
  }
  // Readers run beside them: what they see must hold together.
  while (running > 0) {
    std::set<std::uint64_t> seen;
    for (const LiveRecord& record : registry.snapshot()) {
      ASSERT_TRUE(seen.insert(record.handle.bits()).second);
      ASSERT_LT(record.size, 1'000u);
    }
    for (const SiteStatistics& site : registry.sites()) {
      ASSERT_LE(site.live_count, site.total_count);
    }
  }
  for (std::thread& thread : threads) thread.join();

  std::uint64_t live_bytes = given_bytes - taken_bytes;
  std::uint64_t total_bytes = 0;
  std::uint64_t total_count = 0;
  for (const Model& model : models) {
    for (const auto& [bits, size] : model.live) live_bytes += size;
    total_bytes += model.total_bytes;
    total_count += model.total_count;
  }
  const Totals totals = registry.totals();
  EXPECT_EQ(totals.live_bytes, live_bytes);
  EXPECT_EQ(totals.total_bytes, total_bytes);
  EXPECT_EQ(totals.total_count, total_count);
  EXPECT_EQ(registry.snapshot().size(), totals.live_count);
  std::uint64_t site_bytes = 0;
  for (const SiteStatistics& site : registry.sites()) {
    site_bytes += site.live_bytes;
    EXPECT_GE(site.high_water_bytes, site.live_bytes);
    EXPECT_LE(site.high_water_bytes, site.total_bytes);
  }
  EXPECT_EQ(site_bytes, live_bytes);
}

TEST(RegistryStress, HighWaterMarkIsThatOfTheSumOverThreads) {
  // Each thread holds its peak while the others hold theirs: no shard alone ever sees the sum.
  AllocationRegistry registry;
  const SiteId site = registry.site("shared");
  std::atomic<int> arrived{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&] {
      std::vector<Handle> handles;
      for (int k = 0; k < 100; ++k) handles.push_back(registry.record(site, 10));
      ++arrived;
      while (arrived < kThreads) std::this_thread::yield();
      for (const Handle handle : handles) registry.release(handle);
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(registry.sites()[0].high_water_bytes, std::uint64_t{kThreads} * 1'000);
  EXPECT_EQ(registry.sites()[0].live_bytes, 0u);
}

TEST(RegistryStress, SnapshotNeverMissesARecordThatLivesThroughout) {
  AllocationRegistry registry;
  std::set<std::uint64_t> lasting;
  std::vector<Handle> passing;
  for (std::uint64_t k = 0; k < 3'000; ++k) {
    const Handle handle = registry.record(kOtherSites, k);
    if (k % 2 == 0) {
      lasting.insert(handle.bits());
    } else {
      passing.push_back(handle);
    }
  }
  std::atomic<bool> stop{false};
  std::thread churn([&] {
    std::size_t at = 0;
    while (!stop) {
      registry.release(passing[at]);
      passing[at] = registry.record(kOtherSites, 1);
      at = (at + 1) % passing.size();
    }
  });
  for (int round = 0; round < 30; ++round) {
    std::size_t found = 0;
    for (const LiveRecord& record : registry.snapshot())
      found += lasting.count(record.handle.bits());
    EXPECT_EQ(found, lasting.size());
  }
  stop = true;
  churn.join();
}

TEST(RegistryStress, ChildOfAForkUnderLoadCanUseIt) {
  AllocationRegistry registry;
  std::atomic<bool> stop{false};
  std::thread writer([&] {
    while (!stop) registry.release(registry.record(kOtherSites, 8));
  });
  for (int k = 0; k < 30; ++k) {
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      alarm(20);
      const Handle handle = registry.record(kOtherSites, 8);
      const bool right = registry.release(handle) == Release::released &&
                         registry.totals().live_count <= 1 && registry.snapshot().size() <= 1;
      _exit(right ? 0 : 1);
    }
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << "status " << status;
  }
  stop = true;
  writer.join();
}

}  // namespace
}  // namespace klg::registry

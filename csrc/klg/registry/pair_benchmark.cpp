#include "klg/registry/pair_benchmark.hpp"

#include <pthread.h>
#include <sched.h>
#include <time.h>

#include <algorithm>
#include <barrier>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "klg/core/clock.hpp"

namespace klg::registry {
namespace {

constexpr std::uint64_t kSize = 64;

// Cores that this process may run on, so that a restricted container pins to cores it has.
std::vector<int> allowed_cores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  std::vector<int> cores;
  if (sched_getaffinity(0, sizeof set, &set) != 0) return cores;
  for (int core = 0; core < CPU_SETSIZE; ++core) {
    if (CPU_ISSET(core, &set)) cores.push_back(core);
  }
  return cores;
}

bool pin_to(int core) {
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(core, &set);
  return pthread_setaffinity_np(pthread_self(), sizeof set, &set) == 0;
}

struct ThreadTimes {
  std::int64_t start_ns = 0;
  std::int64_t end_ns = 0;
  std::int64_t cpu_ns = 0;
  bool pinned = false;
};

void record_and_release(AllocationRegistry& registry, SiteId site, std::uint64_t pairs,
                        std::uint32_t window) {
  std::vector<Handle> live(window);
  for (Handle& handle : live) handle = registry.record(site, kSize);
  std::size_t at = 0;
  for (std::uint64_t k = window; k < pairs; ++k) {
    registry.release(live[at]);
    live[at] = registry.record(site, kSize);
    if (++at == window) at = 0;
  }
  for (const Handle handle : live) registry.release(handle);
}

}  // namespace

PairTimes time_pairs(std::uint32_t threads, std::uint64_t pairs, std::uint32_t window,
                     bool same_site) {
  if (threads == 0 || window == 0 || pairs < window) {
    throw std::invalid_argument("time_pairs: expected threads, window > 0 and pairs >= window");
  }
  AllocationRegistry registry;
  const std::vector<int> cores = allowed_cores();
  const bool pin = cores.size() >= threads;
  std::vector<ThreadTimes> times(threads);
  std::barrier ready(static_cast<std::ptrdiff_t>(threads));
  std::vector<std::thread> workers;
  for (std::uint32_t t = 0; t < threads; ++t) {
    workers.emplace_back([&, t] {
      ThreadTimes& mine = times[t];
      mine.pinned = pin && pin_to(cores[t]);
      const SiteId site = registry.site("site " + std::to_string(same_site ? 0 : t));
      ready.arrive_and_wait();
      mine.start_ns = monotonic_ns();
      const std::int64_t cpu_start = detail::read_clock(CLOCK_THREAD_CPUTIME_ID);
      record_and_release(registry, site, pairs, window);
      mine.cpu_ns = detail::read_clock(CLOCK_THREAD_CPUTIME_ID) - cpu_start;
      mine.end_ns = monotonic_ns();
    });
  }
  for (std::thread& worker : workers) worker.join();

  PairTimes result;
  std::int64_t start = times[0].start_ns;
  std::int64_t end = times[0].end_ns;
  for (const ThreadTimes& each : times) {
    start = std::min(start, each.start_ns);
    end = std::max(end, each.end_ns);
    result.cpu_s += static_cast<double>(each.cpu_ns) * 1e-9;
    result.pinned += each.pinned ? 1 : 0;
  }
  result.wall_s = static_cast<double>(end - start) * 1e-9;
  result.totals = registry.totals();
  return result;
}

}  // namespace klg::registry

#include "klg/slots/slot_benchmark.hpp"

#include <pthread.h>
#include <sched.h>
#include <time.h>

#include <array>
#include <atomic>
#include <memory>
#include <span>
#include <thread>

#include "klg/core/error.hpp"
#include "klg/slots/slot_benchmark_peers.hpp"

namespace klg::slots {
namespace {

constexpr std::size_t kHeld = 64;

double thread_seconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

// Without pinning the scheduler lets the threads run one after the other, and contention hides.
void pin_to_core(unsigned number) {
  cpu_set_t allowed;
  if (sched_getaffinity(0, sizeof allowed, &allowed) != 0) return;
  unsigned skip = number % static_cast<unsigned>(CPU_COUNT(&allowed));
  for (int core = 0; core < CPU_SETSIZE; ++core) {
    if (!CPU_ISSET(core, &allowed) || skip-- != 0) continue;
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(core, &one);
    pthread_setaffinity_np(pthread_self(), sizeof one, &one);
    return;
  }
}

// A pair as it is timed: only what the allocator does, and that it did it.
template <class Allocator>
std::uint64_t plain_pairs(Allocator& allocator, std::span<std::uint64_t> held,
                          std::uint64_t pairs) {
  std::uint64_t bad = 0;
  for (std::uint64_t pair = 0; pair < pairs; ++pair) {
    std::uint64_t& handle = held[pair % kHeld];
    bad += !allocator.release(handle);
    handle = allocator.allocate();
    bad += handle == 0;
  }
  return bad;
}

// The same beside the other threads, with a mark in each slot that only its holder may write.
template <class Allocator>
std::uint64_t marked_pairs(Allocator& allocator, std::span<std::uint64_t> held,
                           std::uint64_t pairs) {
  std::uint64_t bad = 0;
  for (const std::uint64_t handle : held) allocator.mark(handle) = handle;
  for (std::uint64_t pair = 0; pair < pairs; ++pair) {
    std::uint64_t& handle = held[pair % kHeld];
    bad += allocator.mark(handle) != handle;
    bad += !allocator.release(handle);
    handle = allocator.allocate();
    allocator.mark(handle) = handle;
  }
  return bad;
}

template <class Allocator>
double time_pairs(unsigned threads, std::uint64_t pairs) {
  const auto allocator = std::make_unique<Allocator>();
  std::atomic<unsigned> ready{0};
  std::atomic<std::uint64_t> wrong{0};
  std::vector<double> seconds(threads);
  const auto work = [&](unsigned id) {
    pin_to_core(id);
    std::array<std::uint64_t, kHeld> held{};
    for (std::uint64_t& handle : held) handle = allocator->allocate();
    ready.fetch_add(1);
    while (ready.load() < threads) std::this_thread::yield();
    const double start = thread_seconds();
    std::uint64_t bad = plain_pairs(*allocator, held, pairs);
    seconds[id] = thread_seconds() - start;
    if (bad == 0) bad += marked_pairs(*allocator, held, pairs / 8 + 1);
    for (const std::uint64_t handle : held) bad += !allocator->release(handle);
    wrong.fetch_add(bad);
  };
  std::vector<std::thread> running;
  for (unsigned id = 0; id < threads; ++id) running.emplace_back(work, id);
  for (std::thread& thread : running) thread.join();
  if (wrong != 0) throw Error("benchmark_pairs: " + std::to_string(wrong) + " slots went wrong");
  double total = 0;
  for (const double one : seconds) total += one;
  return total / (static_cast<double>(threads) * static_cast<double>(pairs)) * 1e9;
}

struct Timed {
  const char* name;
  double (*time)(unsigned, std::uint64_t);
};

std::vector<Timed> timed_allocators() {
  std::vector<Timed> known = {{"arena", time_pairs<peers::Arena>},
                              {"treiber list", time_pairs<peers::TreiberList>},
                              {"mutex list", time_pairs<peers::MutexList>},
                              {"malloc", time_pairs<peers::Malloc>}};
#if defined(KLG_BOOST_LOCKFREE)
  known.push_back({"boost.lockfree", time_pairs<peers::BoostStack>});
#endif
  if (peers::Mimalloc::load() != nullptr) {
    known.push_back({"mimalloc", time_pairs<peers::Mimalloc>});
  }
  return known;
}

}  // namespace

std::vector<std::string> benchmark_allocators() {
  std::vector<std::string> names;
  for (const Timed& timed : timed_allocators()) names.emplace_back(timed.name);
  return names;
}

double benchmark_pairs(const std::string& allocator, unsigned threads, std::uint64_t pairs) {
  if (threads == 0 || threads > 256 || pairs == 0) {
    throw Error("benchmark_pairs: expected 1..256 threads and at least one pair");
  }
  for (const Timed& timed : timed_allocators()) {
    if (allocator == timed.name) return timed.time(threads, pairs);
  }
  throw Error("benchmark_pairs: no allocator '" + allocator + "'");
}

}  // namespace klg::slots

#include "klg/similarity/worker_team.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <exception>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

namespace klg::similarity {
namespace {

constexpr std::chrono::milliseconds kPollInterval{20};

/// What the threads of one loop share.
class Loop {
 public:
  Loop(std::size_t count, const std::function<void(std::size_t, unsigned)>& body)
      : count_(count), body_(body) {}

  void work(unsigned worker, const std::function<void()>* poll) noexcept {
    try {
      auto last = std::chrono::steady_clock::now();
      while (!stopped_.load(std::memory_order_relaxed)) {
        const std::size_t item = next_.fetch_add(1, std::memory_order_relaxed);
        if (item >= count_) return;
        body_(item, worker);
        if (poll == nullptr) continue;
        const auto now = std::chrono::steady_clock::now();
        if (now - last >= kPollInterval) {
          (*poll)();
          last = std::chrono::steady_clock::now();
        }
      }
    } catch (...) {
      const std::scoped_lock lock(mutex_);
      if (!error_) error_ = std::current_exception();
      stopped_.store(true, std::memory_order_relaxed);
    }
  }

  void rethrow() const {
    if (error_) std::rethrow_exception(error_);
  }

 private:
  std::size_t count_;
  const std::function<void(std::size_t, unsigned)>& body_;
  std::atomic<std::size_t> next_{0};
  std::atomic<bool> stopped_{false};
  std::mutex mutex_;
  std::exception_ptr error_;
};

}  // namespace

WorkerTeam::WorkerTeam(unsigned threads, std::function<void()> poll)
    : threads_(std::max(1u, threads)), poll_(std::move(poll)) {}

void WorkerTeam::run(std::size_t count,
                     const std::function<void(std::size_t, unsigned)>& body) const {
  if (count == 0) return;
  Loop loop(count, body);
  {
    std::vector<std::jthread> others;
    const std::size_t wanted = std::min<std::size_t>(threads_, count) - 1;
    others.reserve(wanted);
    for (unsigned worker = 1; worker <= wanted; ++worker) {
      try {
        others.emplace_back([&loop, worker] { loop.work(worker, nullptr); });
      } catch (const std::system_error&) {
        break;
      }
    }
    loop.work(0, poll_ ? &poll_ : nullptr);
  }
  loop.rethrow();
}

}  // namespace klg::similarity

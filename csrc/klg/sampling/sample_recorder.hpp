#pragma once

#include <pthread.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include "klg/core/spin_lock.hpp"
#include "klg/sampling/address_filter.hpp"
#include "klg/sampling/capture_memory.hpp"
#include "klg/sampling/sampled_set.hpp"
#include "klg/sampling/stack_trie.hpp"

namespace klg::sampling {

/// Share of the time that sampling takes at no moment for long, whatever has been saved before.
inline constexpr double kBudgetLimit = 0.05;

struct RecorderSettings {
  double mean_bytes = 512.0 * 1024.0;
  double budget = 0.0;     ///< share of the elapsed time that sampling may take; 0: never widen
  double credit_ns = 0.0;  ///< what it may take on top: once of the budget, at a time of the limit
  std::uint32_t native_mode = 0;  ///< for readers: see CaptureHeader
};

/// An allocation that the countdown of its thread has picked.
struct Birth {
  const void* address;
  std::size_t size;
  double mean;           ///< of the distribution that picked it
  std::uint32_t points;  ///< that fell into it, at least 1
  double uniform;        ///< in (0, 1], independent of everything else
  std::int64_t now_ns;   ///< CLOCK_MONOTONIC
  const Frame* frames;
  std::size_t frame_count;
  bool may_look;  ///< whether this thread may read objects of the interpreter now
};

/// Writes the lives of samples into a capture.
///
/// `born`, `died` and `charge` may be called by any thread, from inside an
/// allocator: they neither allocate nor call out. Opened and closed by one thread at a time.
class SampleRecorder {
 public:
  /// A death is logged when the age is at least this share of the time since the start, or since
  /// the mean was last lowered. What dies younger can never count as old, since the limit of every
  /// verdict grows with the run.
  static constexpr std::int64_t kOldShare = 8;

  /// @param filter kept in step with the addresses of the live samples, for the hooks to ask
  explicit SampleRecorder(AddressFilter& filter) : filter_(filter) {}
  SampleRecorder(const SampleRecorder&) = delete;
  SampleRecorder& operator=(const SampleRecorder&) = delete;

  /// @throws std::bad_alloc
  void open(std::shared_ptr<CaptureMemory> memory, FrameSource& source,
            const BlockClassifier& classifier, const RecorderSettings& settings,
            std::int64_t now_ns);

  /// Ends the recording and forgets every address: while nobody listens, frees go unseen.
  void close(std::int64_t now_ns, bool unpin) noexcept;

  /// Ends the recording and keeps the samples as they are, for example when the interpreter begins
  /// to tear everything down.
  void freeze(std::int64_t now_ns) noexcept;

  void born(const Birth& birth) noexcept;
  /// Whether the address was that of a sample.
  bool died(const void* address, std::int64_t now_ns) noexcept;
  /// Books time spent on sampling.
  void charge(std::int64_t ns) noexcept;

  /// Asks for a finer mean, in bytes, because something is suspicious. It is granted, in part or
  /// never, as the budget leaves room; without a budget never, for then the mean is fixed.
  void ask_for_mean(double bytes) noexcept { wanted_mean_.store(bytes, std::memory_order_relaxed); }

  /// Tells readers what the hooks cost for an allocation that is no sample, in nanoseconds.
  void note_hook_cost(double ns) noexcept;

  /// Tells readers what the C library has handed out and what it holds free, in bytes.
  void note_c_heap(std::uint64_t used, std::uint64_t free, std::int64_t now_ns) noexcept;

  [[nodiscard]] double mean() const noexcept { return mean_.load(std::memory_order_relaxed); }
  [[nodiscard]] bool recording() const noexcept {
    return recording_.load(std::memory_order_relaxed);
  }
  [[nodiscard]] std::shared_ptr<CaptureMemory> memory() const { return memory_; }
  [[nodiscard]] const RecorderSettings& settings() const noexcept { return settings_; }

  // Around fork(): nobody else may be inside while the memory is copied. The thread that forks may:
  // handlers of other libraries allocate between its locking and its unlocking.
  void lock_for_fork() noexcept {
    lock_.lock();
    forking_.store(pthread_self(), std::memory_order_relaxed);
  }
  void unlock_in_parent() noexcept {
    forking_.store(0, std::memory_order_relaxed);
    lock_.unlock();
  }
  /// In the child: goes on with a private capture, or else forgets everything and stays silent.
  void unlock_in_child(bool go_on) noexcept;

 private:
  class Entry {
   public:
    explicit Entry(SampleRecorder& recorder) noexcept
        : recorder_(recorder),
          forking_(recorder.forking_.load(std::memory_order_relaxed) == pthread_self()) {
      if (!forking_) recorder_.lock_.lock();
    }
    Entry(const Entry&) = delete;
    Entry& operator=(const Entry&) = delete;
    ~Entry() {
      if (!forking_) recorder_.lock_.unlock();
    }

   private:
    SampleRecorder& recorder_;
    bool forking_;
  };

  void count_allocated(std::uint32_t node, const Birth& birth) noexcept;
  void log_death(const Sample& sample, std::int64_t now) noexcept;
  void control(std::int64_t now_ns) noexcept;
  void widen_for_cost(double share, double allowed) noexcept;
  bool widen(double factor) noexcept;
  void narrow_if_asked(std::int64_t now_ns) noexcept;

  SpinLock lock_;
  std::atomic<pthread_t> forking_{0};  ///< the thread that holds the lock across its fork, or 0
  AddressFilter& filter_;
  std::atomic<bool> recording_{false};
  std::atomic<double> mean_{0.0};
  std::shared_ptr<CaptureMemory> memory_;
  std::optional<SampledSet> set_;
  std::optional<StackTrie> stacks_;
  const BlockClassifier* classifier_ = nullptr;
  RecorderSettings settings_;
  std::int64_t start_ns_ = 0;
  std::int64_t checked_ns_ = 0;
  std::uint64_t checked_self_ns_ = 0;
  std::int64_t narrowed_ns_ = 0;  ///< when the mean was last lowered, or the start
  double usual_share_ = 0.0;      ///< of the time, lately
  double floor_mean_ = 0.0;       ///< what the guard has had to widen to
  std::atomic<double> wanted_mean_{0.0};
  double debt_ns_ = 0.0;  ///< what sampling has taken beyond the limit and not made up for yet
};

}  // namespace klg::sampling

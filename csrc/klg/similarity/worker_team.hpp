#pragma once

#include <cstddef>
#include <functional>

namespace klg::similarity {

/// Runs loops on several threads that live as long as the loop.
///
/// No thread outlives a call, so a fork, an interpreter's end or an exception finds none of ours.
/// The caller works too; `poll`, where given, runs on the caller alone, every few milliseconds
/// between items, and stops the loop by throwing.
class WorkerTeam {
 public:
  explicit WorkerTeam(unsigned threads, std::function<void()> poll = {});

  [[nodiscard]] unsigned size() const noexcept { return threads_; }

  /// Calls body(item, worker) for every item below `count`, each once, worker below size().
  ///
  /// The first exception stops the loop and comes out here, after every thread has ended. Where the
  /// system refuses a thread, the others do its work.
  void run(std::size_t count, const std::function<void(std::size_t, unsigned)>& body) const;

 private:
  unsigned threads_;
  std::function<void()> poll_;
};

}  // namespace klg::similarity

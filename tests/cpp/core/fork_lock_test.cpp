#include "klg/core/fork_lock.hpp"

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <mutex>
#include <thread>

#include "klg/core/spin_lock.hpp"

namespace klg {
namespace {

// A pair that a correct holder of the lock always leaves equal.
class GuardedPair final : private ForkLock {
 public:
  GuardedPair() { guard_forks(); }
  ~GuardedPair() { ignore_forks(); }

  void bump() {
    const std::lock_guard guard(lock_);
    first_ = first_ + 1;
    second_ = second_ + 1;
  }
  bool equal() {
    const std::lock_guard guard(lock_);
    return first_ == second_;
  }

 private:
  void lock_for_fork() noexcept override { lock_.lock(); }
  void unlock_after_fork() noexcept override { lock_.unlock(); }

  SpinLock lock_;
  volatile int first_ = 0;
  volatile int second_ = 0;
};

TEST(ForkLock, ChildIsBornWithTheLockFreeAndTheDataWhole) {
  GuardedPair pair;
  std::atomic<bool> stop{false};
  std::thread writer([&] {
    while (!stop) pair.bump();
  });
  for (int k = 0; k < 50; ++k) {
    const pid_t child = fork();
    ASSERT_GE(child, 0);
    if (child == 0) {
      alarm(20);  // a lock that is held by nobody ends the child by signal
      _exit(pair.equal() ? 0 : 1);
    }
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << "status " << status;
  }
  stop = true;
  writer.join();
}

TEST(ForkLock, ForgetsWhatIsGone) {
  {
    const GuardedPair gone;
  }
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child == 0) _exit(0);
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

}  // namespace
}  // namespace klg

#include "klg/core/fork_lock.hpp"

#include <pthread.h>

#include <mutex>

namespace klg {
namespace {

// Held from before a fork until after it; guards the list.
std::mutex list_mutex;
ForkLock* first = nullptr;

}  // namespace

void ForkLock::before() {
  list_mutex.lock();
  for (ForkLock* lock = first; lock != nullptr; lock = lock->next_) lock->lock_for_fork();
}

void ForkLock::after() {
  for (ForkLock* lock = first; lock != nullptr; lock = lock->next_) lock->unlock_after_fork();
  list_mutex.unlock();
}

void ForkLock::guard_forks() {
  static std::once_flag once;
  std::call_once(once, [] { pthread_atfork(before, after, after); });
  const std::lock_guard guard(list_mutex);
  next_ = first;
  first = this;
}

void ForkLock::ignore_forks() noexcept {
  const std::lock_guard guard(list_mutex);
  for (ForkLock** at = &first; *at != nullptr; at = &(*at)->next_) {
    if (*at == this) {
      *at = next_;
      return;
    }
  }
}

}  // namespace klg

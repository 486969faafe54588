#pragma once

namespace klg {

/// Something whose locks are taken before `fork()` and released after it on both sides.
///
/// Without it a child could be born with a lock held by a thread that does not exist there, or with
/// a record that is half written. Derive from it last and call `guard_forks` when constructed.
class ForkLock {
 public:
  ForkLock() = default;
  ForkLock(const ForkLock&) = delete;
  ForkLock& operator=(const ForkLock&) = delete;

 protected:
  /// Must have called `ignore_forks` in the destructor of the deriving class.
  ~ForkLock() = default;

  void guard_forks();
  void ignore_forks() noexcept;

  virtual void lock_for_fork() noexcept = 0;
  virtual void unlock_after_fork() noexcept = 0;

 private:
  static void before();
  static void after();

  ForkLock* next_ = nullptr;
};

}  // namespace klg

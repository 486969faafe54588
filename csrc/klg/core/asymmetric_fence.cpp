#include "klg/core/asymmetric_fence.hpp"

#include <linux/membarrier.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace klg {
namespace {

bool membarrier(int command) noexcept { return syscall(SYS_membarrier, command, 0) == 0; }

bool enrol() noexcept { return membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED); }

}  // namespace

bool can_fence_all_threads() noexcept {
  static const bool can = enrol() && membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED);
  return can;
}

void fence_all_threads() noexcept {
  // A process may lose its enrolment, by a checkpoint for one.
  if (!membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED) && enrol()) {
    membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED);
  }
}

}  // namespace klg

#include "klg/slots/stripe.hpp"

#include <atomic>
#include <bit>

namespace klg::slots::detail {
namespace {

std::atomic<std::uint64_t> vacant{~(std::uint64_t{1} << kSharedStripe)};

// Gives the stripe back when its thread ends; what runs later in that thread shares the last one.
struct Tenancy {
  ~Tenancy() {
    const std::uint32_t mine = stripe;
    stripe = kSharedStripe;
    if (mine < kSharedStripe) vacant.fetch_or(std::uint64_t{1} << mine, std::memory_order_release);
  }
};

}  // namespace

std::uint32_t assign_stripe() noexcept {
  static thread_local const Tenancy tenancy;
  (void)tenancy;
  std::uint64_t seen = vacant.load(std::memory_order_relaxed);
  while (seen != 0) {
    if (vacant.compare_exchange_weak(seen, seen & (seen - 1), std::memory_order_acquire,
                                     std::memory_order_relaxed)) {
      return stripe = static_cast<std::uint32_t>(std::countr_zero(seen));
    }
  }
  return stripe = kSharedStripe;
}

}  // namespace klg::slots::detail

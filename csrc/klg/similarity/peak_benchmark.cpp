#include "klg/similarity/peak_benchmark.hpp"

#include <algorithm>
#include <cstddef>
#include <ctime>
#include <string>

#include "klg/core/error.hpp"
#include "klg/similarity/filter_choice.hpp"

namespace klg::similarity {
namespace {

constexpr std::size_t kRounds = std::size_t{1} << 20;
constexpr int kRepeats = 9;

double thread_seconds() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

#if defined(__x86_64__)
// Twelve sums that depend on themselves only: more than latency times throughput of any processor.
// clang-format off
#define KLG_TWELVE(operation, width) \
  operation " %%" width "14, %%" width "15, %%" width "0\n\t" \
  operation " %%" width "14, %%" width "15, %%" width "1\n\t" \
  operation " %%" width "14, %%" width "15, %%" width "2\n\t" \
  operation " %%" width "14, %%" width "15, %%" width "3\n\t" \
  operation " %%" width "14, %%" width "15, %%" width "4\n\t" \
  operation " %%" width "14, %%" width "15, %%" width "5\n\t" \
  operation " %%" width "14, %%" width "15, %%" width "6\n\t" \
  operation " %%" width "14, %%" width "15, %%" width "7\n\t" \
  operation " %%" width "14, %%" width "15, %%" width "8\n\t" \
  operation " %%" width "14, %%" width "15, %%" width "9\n\t" \
  operation " %%" width "14, %%" width "15, %%" width "10\n\t" \
  operation " %%" width "14, %%" width "15, %%" width "11\n\t"
#define KLG_CLEAR(number) "vxorps %%xmm" number ", %%xmm" number ", %%xmm" number "\n\t"
#define KLG_PEAK(name, operation, width) \
  void name(std::size_t rounds) { \
    __asm__ volatile( \
        KLG_CLEAR("0") KLG_CLEAR("1") KLG_CLEAR("2") KLG_CLEAR("3") KLG_CLEAR("4") KLG_CLEAR("5") \
        KLG_CLEAR("6") KLG_CLEAR("7") KLG_CLEAR("8") KLG_CLEAR("9") KLG_CLEAR("10") \
        KLG_CLEAR("11") KLG_CLEAR("14") KLG_CLEAR("15") \
        ".p2align 6\n" "1:\n\t" KLG_TWELVE(operation, width) \
        "dec %[rounds]\n\t" "jnz 1b\n\t" "vzeroupper\n\t" \
        : [rounds] "+r"(rounds) : : "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", \
          "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm14", "xmm15"); \
  }
// clang-format on
KLG_PEAK(narrow_floats, "vfmadd231ps", "ymm")
KLG_PEAK(wide_floats, "vfmadd231ps", "zmm")
KLG_PEAK(wide_halves, "vdpbf16ps", "zmm")
KLG_PEAK(wide_codes, "vpdpbusd", "zmm")
#endif

struct Loop {
  void (*run)(std::size_t);
  double operations;  // of one instruction
};

Loop loop_of([[maybe_unused]] const Kernels& kernels, [[maybe_unused]] Filter filter) {
#if defined(__x86_64__)
  const std::string name = kernels.name;
  if (name == "avx2" && filter == Filter::floats) return {narrow_floats, 16.0};
  if (name.starts_with("avx512") && kernels.path(filter).scan != nullptr) {
    if (filter == Filter::floats) return {wide_floats, 32.0};
    if (filter == Filter::halves) return {wide_halves, 64.0};
    return {wide_codes, 128.0};
  }
#endif
  return {nullptr, 0.0};
}

}  // namespace

double measure_peak(const Kernels& kernels, Filter filter) {
  const Loop loop = loop_of(kernels, filter);
  if (loop.run == nullptr) {
    throw Error(std::string("no peak is defined for filter=") + filter_name(filter) +
                " in the instruction set " + kernels.name);
  }
  double least = 1e9;
  for (int repeat = 0; repeat < kRepeats; ++repeat) {
    const double start = thread_seconds();
    loop.run(kRounds);
    least = std::min(least, thread_seconds() - start);
  }
  return 12.0 * loop.operations * static_cast<double>(kRounds) / least;
}

}  // namespace klg::similarity

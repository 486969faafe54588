#include "klg/similarity/dispatch.hpp"

#include <cstdlib>
#include <string>

#include "klg/core/error.hpp"
#include "klg/similarity/canonical_dot.hpp"
#include "klg/similarity/kernels_avx2.hpp"

namespace klg::similarity {
namespace {

constexpr Kernels kBaseline{"baseline",     baseline::scan_floats, nullptr,
                            &canonical_dot, baseline::float_dot,   baseline::quantise};

#if defined(__x86_64__)
constexpr Kernels kAvx2{"avx2",          avx2::scan_floats, avx2::scan_codes, avx2::canonical_dot,
                        avx2::float_dot, avx2::quantise};

bool has_avx2() {
  __builtin_cpu_init();
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
}
#endif

}  // namespace

const Kernels& kernels(std::string_view name) {
  if (name == "baseline") return kBaseline;
#if defined(__x86_64__)
  if (name == "avx2") {
    if (!has_avx2()) throw Error("KLG_ISA=avx2: this processor has no AVX2 with FMA");
    return kAvx2;
  }
  if (name.empty()) return has_avx2() ? kAvx2 : kBaseline;
#else
  if (name.empty()) return kBaseline;
#endif
  throw Error("KLG_ISA=" + std::string(name) +
              ": this build has no such kernels; expected baseline or avx2");
}

const Kernels& kernels_from_environment() {
  const char* name = std::getenv("KLG_ISA");
  return kernels(name == nullptr ? "" : name);
}

}  // namespace klg::similarity

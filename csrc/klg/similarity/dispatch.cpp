#include "klg/similarity/dispatch.hpp"

#include <cstdlib>
#include <string>

#include "klg/core/error.hpp"
#include "klg/similarity/canonical_dot.hpp"
#include "klg/similarity/kernels_avx2.hpp"
#include "klg/similarity/kernels_avx512.hpp"

namespace klg::similarity {
namespace {

constexpr Kernels kBaseline{"baseline",
                            {baseline::scan_floats, baseline::kLeftRows, 0, 0, 0.5},
                            {},
                            {},
                            &canonical_dot,
                            baseline::float_dot,
                            baseline::normalise,
                            baseline::round_halves,
                            baseline::quantise,
                            baseline::interleave};

#if defined(__x86_64__)
constexpr Kernels kAvx2{
    "avx2",
    {avx2::scan_floats, avx2::kFloatLeftRows, 0, 0, 1.0 / 15.0},
    {},
    {avx2::scan_codes, avx2::kCodeLeftRows, avx2::kCodeMax, avx2::kCodeBias, 1.0 / 34.0},
    avx2::canonical_dot,
    avx2::float_dot,
    baseline::normalise,
    baseline::round_halves,
    avx2::quantise,
    baseline::interleave};

constexpr FilterPath kWideFloats{avx512::scan_floats, avx512::kLeftRows, 0, 0, 1.0 / 29.0};
constexpr FilterPath kWideHalves{avx512::scan_halves, avx512::kLeftRows, 0, 0, 1.0 / 57.0};
constexpr FilterPath kWideCodes{avx512::scan_codes, avx512::kLeftRows, avx512::kCodeMax,
                                avx512::kCodeBias, 1.0 / 112.0};

constexpr Kernels wide(const char* name, FilterPath halves, FilterPath codes) {
  return {name,
          kWideFloats,
          halves,
          codes,
          avx512::canonical_dot,
          avx512::float_dot,
          avx512::normalise,
          avx512::round_halves,
          avx512::quantise,
          avx512::interleave};
}
// What Skylake-X, Ice Lake, and Cooper Lake, Sapphire Rapids or Zen 4 brought.
constexpr Kernels kAvx512 = wide("avx512", {}, {});
constexpr Kernels kAvx512Vnni = wide("avx512_vnni", {}, kWideCodes);
constexpr Kernels kAvx512Bf16 = wide("avx512_bf16", kWideHalves, kWideCodes);

bool has_avx2() { return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"); }
bool has_avx512() {
  return has_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
}
bool has_vnni() { return has_avx512() && __builtin_cpu_supports("avx512vnni"); }
bool has_bf16() { return has_vnni() && __builtin_cpu_supports("avx512bf16"); }
#endif

bool always() { return true; }

struct InstructionSet {
  const Kernels* kernels;
  bool (*usable)();
};

constexpr InstructionSet kInstructionSets[] = {
    {&kBaseline, always},
#if defined(__x86_64__)
    {&kAvx2, has_avx2},       {&kAvx512, has_avx512},
    {&kAvx512Vnni, has_vnni}, {&kAvx512Bf16, has_bf16},
#endif
};

}  // namespace

bool Kernels::can(Filter filter, std::size_t columns) const noexcept {
  const FilterPath& with = path(filter);
  if (with.scan == nullptr) return false;
  return filter != Filter::codes || columns <= code_max_length(with.code_max, with.code_bias);
}

std::vector<const char*> instruction_sets() {
  std::vector<const char*> names;
  for (const InstructionSet& set : kInstructionSets) names.push_back(set.kernels->name);
  return names;
}

const Kernels& kernels(std::string_view name) {
#if defined(__x86_64__)
  __builtin_cpu_init();
#endif
  if (name.empty()) {
    const Kernels* best = &kBaseline;
    for (const InstructionSet& set : kInstructionSets) {
      if (set.usable()) best = set.kernels;
    }
    return *best;
  }
  std::string known;
  for (const InstructionSet& set : kInstructionSets) {
    if (name == set.kernels->name) {
      if (set.usable()) return *set.kernels;
      throw Error("KLG_ISA=" + std::string(name) + ": this processor lacks these instructions");
    }
    known += (known.empty() ? "" : ", ") + std::string(set.kernels->name);
  }
  throw Error("KLG_ISA=" + std::string(name) +
              ": this build has no such kernels; expected one of " + known);
}

const Kernels& kernels_from_environment() {
  const char* name = std::getenv("KLG_ISA");
  return kernels(name == nullptr ? "" : name);
}

}  // namespace klg::similarity

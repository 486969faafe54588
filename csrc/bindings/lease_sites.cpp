#include "lease_sites.hpp"

#include <time.h>

#include <algorithm>
#include <map>
#include <new>
#include <tuple>

#include "klg/core/clock.hpp"
#include "pymem/stack_capture.hpp"

namespace klg::bindings {
namespace {

pymem::CodeSource source;

// To a few milliseconds, at a fraction of the exact clock's cost.
std::int64_t coarse_ns() noexcept { return detail::read_clock(CLOCK_MONOTONIC_COARSE); }

std::string text(std::size_t (pymem::CodeSource::*read)(const void*, char*, std::size_t) noexcept,
                 const void* code) {
  char out[4096];
  return {out, (source.*read)(code, out, sizeof out)};
}

// The parts of this package that take slots, and contextlib, through which scopes are entered.
bool leases_for_others(const std::string& file) {
  return file.find("/kimera_leakguard_native/gpu/") != std::string::npos ||
         file.find("/kimera_leakguard_native/engines/") != std::string::npos ||
         file.ends_with("/contextlib.py");
}

}  // namespace

LeaseSites::LeaseSites(std::uint32_t capacity)
    : memory_(std::size_t{capacity} * sizeof(Lease)), start_ns_(coarse_ns()) {
  sites_.push_back({{nullptr, 0}, false});
}

LeaseSites::~LeaseSites() {
  for (const Site& site : sites_) {
    if (site.frame.code != nullptr) source.unpin(site.frame.code);
  }
}

std::uint32_t LeaseSites::seconds() const noexcept {
  return static_cast<std::uint32_t>((coarse_ns() - start_ns_) / 1'000'000'000);
}

std::uint32_t LeaseSites::running_site() noexcept {
  sampling::Frame frame;
  bool attached = false;
  if (pymem::capture_stack(&frame, 1, attached) == 0 || !attached) return kOtherSites;
  const std::uint32_t site = site_of(frame);
  return sites_[site].ours ? outer_site() : site;
}

std::uint32_t LeaseSites::outer_site() noexcept {
  constexpr std::size_t kDepth = 16;
  sampling::Frame frames[kDepth];
  bool attached = false;
  const std::size_t depth = pymem::capture_stack(frames, kDepth, attached);
  for (std::size_t k = 1; k < depth; ++k) {
    const std::uint32_t site = site_of(frames[k]);
    if (!sites_[site].ours) return site;
  }
  return kOtherSites;
}

std::uint32_t LeaseSites::site_of(const sampling::Frame& frame) noexcept {
  Cached& cached = cache_[mix(frame) >> 58];
  if (!SameFrame()(cached.frame, frame)) [[unlikely]]
    cached = {frame, add_site(frame)};
  return cached.site;
}

std::uint32_t LeaseSites::add_site(const sampling::Frame& frame) noexcept {
  try {
    const auto found = known_.find(frame);
    if (found != known_.end()) return found->second;
    if (sites_.size() >= kMostSites) return kOtherSites;
    const auto site = static_cast<std::uint32_t>(sites_.size());
    const bool ours = leases_for_others(text(&pymem::CodeSource::file, frame.code));
    if (sites_.size() == sites_.capacity()) sites_.reserve(2 * sites_.size());
    known_.emplace(frame, site);
    sites_.push_back({frame, ours});
    // Kept alive, so that its address does not become another function's.
    source.pin(frame.code);
    return site;
  } catch (const std::bad_alloc&) {
    return kOtherSites;
  }
}

void LeaseSites::note(const slots::SlotArena& arena, const slots::Handle* handles,
                      std::size_t n) noexcept {
  const Lease lease{running_site(), seconds()};
  for (std::size_t k = 0; k < n; ++k) leases()[arena.index(handles[k])] = lease;
}

std::vector<LineLeases> LeaseSites::holders(const slots::SlotArena& arena) const {
  std::map<std::uint32_t, std::pair<std::uint64_t, std::uint32_t>> by_site;  // count, oldest
  const std::uint32_t rows = arena.committed_rows();
  for (std::uint32_t slot = 0; slot < rows; ++slot) {
    if (arena.live_handle(slot) == 0) continue;
    const Lease lease = leases()[slot];
    auto& [count, oldest] =
        by_site.try_emplace(lease.site, std::uint64_t{0}, lease.born_s).first->second;
    ++count;
    oldest = std::min(oldest, lease.born_s);
  }
  // Places of one line are one.
  std::map<std::tuple<std::string, int, std::string>, LineLeases> lines;
  const double now = static_cast<double>(coarse_ns() - start_ns_) * 1e-9;
  for (const auto& [site, lease] : by_site) {
    LineLeases line;
    const sampling::Frame& frame = sites_[site].frame;
    if (frame.code != nullptr) {
      line.file = text(&pymem::CodeSource::file, frame.code);
      line.function = text(&pymem::CodeSource::function, frame.code);
      line.line = source.line(frame);
    }
    LineLeases& sum = lines.try_emplace({line.file, line.line, line.function}, line).first->second;
    sum.count += lease.first;
    sum.oldest_s = std::max(sum.oldest_s, now - lease.second);
  }
  std::vector<LineLeases> out;
  out.reserve(lines.size());
  for (auto& [key, line] : lines) out.push_back(std::move(line));
  std::stable_sort(out.begin(), out.end(),
                   [](const LineLeases& a, const LineLeases& b) { return a.count > b.count; });
  return out;
}

}  // namespace klg::bindings

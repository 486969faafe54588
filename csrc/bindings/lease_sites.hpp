#pragma once

#include <Python.h>

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "klg/core/page_memory.hpp"
#include "klg/sampling/frame_source.hpp"
#include "klg/slots/slot_arena.hpp"

namespace klg::bindings {

/// The slots that one line holds.
struct LineLeases {
  std::string file;
  std::string function;
  int line = 0;
  std::uint64_t count = 0;
  double oldest_s = 0;  ///< Age of the oldest.
};

/// Which line took each live slot, and when: eight bytes a slot beside the pool.
///
/// The innermost Python call is read without making a frame object, and looked up in a small cache,
/// so that an allocation pays a few nanoseconds for it. Where that call is this package's, a lease
/// on behalf of somebody, the nearest that is not is what counts. Guarded by the GIL.
class LeaseSites {
 public:
  explicit LeaseSites(std::uint32_t capacity);
  LeaseSites(const LeaseSites&) = delete;
  LeaseSites& operator=(const LeaseSites&) = delete;
  ~LeaseSites();

  /// Notes the line that is running as that of a slot; of several, with one look at it.
  void note(std::uint32_t slot) noexcept { leases()[slot] = {running_site(), seconds()}; }
  void note(const slots::SlotArena& arena, const slots::Handle* handles, std::size_t n) noexcept;

  /// Lines that hold live slots, most slots first.
  [[nodiscard]] std::vector<LineLeases> holders(const slots::SlotArena& arena) const;

 private:
  struct Lease {
    std::uint32_t site;
    std::uint32_t born_s;  // since the pool was made
  };
  struct FrameHash {
    std::size_t operator()(const sampling::Frame& frame) const noexcept { return mix(frame); }
  };
  struct SameFrame {
    bool operator()(const sampling::Frame& a, const sampling::Frame& b) const noexcept {
      return a.code == b.code && a.offset == b.offset;
    }
  };
  struct Site {
    sampling::Frame frame;
    bool ours;  // a line of this package
  };
  struct Cached {
    sampling::Frame frame;
    std::uint32_t site;
  };
  static constexpr std::size_t kCached = 64;
  static constexpr std::uint32_t kOtherSites = 0;
  static constexpr std::size_t kMostSites = 1U << 14;

  [[nodiscard]] static std::size_t mix(const sampling::Frame& frame) noexcept {
    return (reinterpret_cast<std::uintptr_t>(frame.code) >> 4) * 0x9E37'79B9'7F4A'7C15 +
           static_cast<std::size_t>(frame.offset) * 0xBF58'476D'1CE4'E5B9;
  }
  [[nodiscard]] Lease* leases() const noexcept { return memory_.as<Lease>(); }
  [[nodiscard]] std::uint32_t running_site() noexcept;
  [[nodiscard]] std::uint32_t outer_site() noexcept;
  [[nodiscard]] std::uint32_t site_of(const sampling::Frame& frame) noexcept;
  [[nodiscard]] std::uint32_t add_site(const sampling::Frame& frame) noexcept;
  [[nodiscard]] std::uint32_t seconds() const noexcept;

  PageMemory memory_;
  std::int64_t start_ns_;
  Cached cache_[kCached] = {};
  std::vector<Site> sites_;  // the first stands for all others
  std::unordered_map<sampling::Frame, std::uint32_t, FrameHash, SameFrame> known_;
};

}  // namespace klg::bindings

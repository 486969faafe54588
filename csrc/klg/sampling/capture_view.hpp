#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "klg/sampling/capture_memory.hpp"

namespace klg::sampling {

/// One life: of a live sample, or of one that died old.
struct Life {
  std::int64_t birth_ns;
  std::int64_t death_ns;  ///< -1 while alive
  std::uint64_t size;
  std::uint32_t node;
  float mean;  ///< under which it was taken, or to which it has been thinned
  float reach;
  BlockKind kind;
};

struct CaptureTotals {
  bool running;
  double seconds;  ///< from the start to the end, or until now
  double mean_bytes;
  double allocated_bytes;
  double allocated_standard_error;
  double expected_points;
  std::uint64_t samples, points, live, freed, thinned, replaced, dropped, dropped_stacks;
  std::uint64_t self_ns;
  std::uint32_t process;
  std::uint32_t native_mode;
  double allocations;
  double hook_ns;
  double first_mean_bytes;
  double budget;
  std::uint32_t cost_widened, room_widened;
  std::uint64_t c_heap_used, c_heap_free;
  double c_heap_seconds;  ///< from the start to when these two were read; -1 for never
  std::uint32_t narrowed;
  double narrowed_seconds;  ///< when the mean was last lowered, since the start; 0 for never
  double coarsest_mean_bytes;
};

/// Reads a capture while it is written, or after its writer has died; takes no lock and blocks
/// nobody. Not for concurrent use: it remembers how far it has read.
class CaptureView {
 public:
  explicit CaptureView(std::shared_ptr<CaptureMemory> memory) : memory_(std::move(memory)) {}

  /// False until a sampler has begun to write.
  [[nodiscard]] bool begun() const noexcept;
  [[nodiscard]] CaptureTotals totals(std::int64_t now_ns) const noexcept;

  /// Live samples, in no order.
  [[nodiscard]] std::vector<Life> live() const;

  /// What one stack holds.
  struct Held {
    std::uint32_t node;
    std::uint64_t samples;
    double bytes;               ///< estimated
    std::uint64_t large_bytes;  ///< of the large samples themselves
    std::uint64_t largest;      ///< of these the largest; 0 for none
  };
  /// Live samples summed up by stack.
  /// @param large  bytes from which on a sample is large
  [[nodiscard]] std::vector<Held> held(std::uint64_t large) const;

  /// Deaths logged since the last call, oldest first. `lost` counts those that were overwritten
  /// before they could be read.
  [[nodiscard]] std::vector<Life> new_deaths(std::uint64_t& lost);

  /// Stack nodes published since the last call; their numbers go on from those seen before.
  [[nodiscard]] std::vector<StackNode> new_nodes();

  struct Allocated {
    double allocations;
    double bytes;
  };
  /// What each stack node has allocated so far, by number; a node may be published after this.
  [[nodiscard]] std::vector<Allocated> allocated() const;

  struct Name {
    std::string file;
    std::string function;
  };
  /// Code objects published since the last call.
  [[nodiscard]] std::vector<Name> new_codes();

 private:
  std::shared_ptr<CaptureMemory> memory_;
  std::uint64_t deaths_read_ = 0;
  std::uint32_t nodes_read_ = 0;
  std::uint32_t codes_read_ = 0;
};

}  // namespace klg::sampling

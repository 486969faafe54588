#pragma once

#include <cstddef>
#include <cstdint>

namespace klg::sampling {

/// What lies in a sampled block.
enum class BlockKind : std::uint32_t {
  kUnknown = 0,
  /// An object of a type that the interpreter keeps free lists of: its block passes from one object
  /// to the next, made at another line, without a free and an allocation that we could see. Or a
  /// name that the interpreter's cache of type lookups may keep for a long time.
  kRecycled = 1,
};

/// Looks into sampled blocks. Called under the recorder's lock by a thread that may read objects:
/// must neither allocate nor call back.
class BlockClassifier {
 public:
  /// Whether a block of this size can be a recycled one at all; must not read the block.
  [[nodiscard]] virtual bool plausible(std::size_t size) const noexcept = 0;
  /// The kind of a live block. It may not be filled yet, and hold anything.
  [[nodiscard]] virtual BlockKind classify(const void* block, std::size_t size) const noexcept = 0;

 protected:
  ~BlockClassifier() = default;
};

}  // namespace klg::sampling

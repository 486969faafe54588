#pragma once

#include <cstdint>

namespace klg::registry {

/// Names one record for ever: which slot, and which use of that slot.
///
/// 64 bits: generation (36) | index (28). The generation of a slot is odd while it is live and
/// moves on when it is released, so a second release, or a look at a recycled slot, is told apart
/// from the real thing. A slot whose generations are used up is retired, not wrapped around.
class Handle {
 public:
  static constexpr unsigned kIndexBits = 28;
  static constexpr std::uint64_t kMaxGeneration = (std::uint64_t{1} << (64 - kIndexBits)) - 1;
  static constexpr std::uint32_t kMaxIndex = (std::uint32_t{1} << kIndexBits) - 1;

  /// The handle of a record that was dropped: releasing it does nothing.
  constexpr Handle() = default;
  constexpr explicit Handle(std::uint64_t bits) : bits_(bits) {}
  constexpr Handle(std::uint32_t index, std::uint64_t generation)
      : bits_(generation << kIndexBits | index) {}

  [[nodiscard]] constexpr std::uint64_t bits() const noexcept { return bits_; }
  [[nodiscard]] constexpr bool dropped() const noexcept { return bits_ == 0; }
  [[nodiscard]] constexpr std::uint32_t index() const noexcept {
    return static_cast<std::uint32_t>(bits_) & kMaxIndex;
  }
  [[nodiscard]] constexpr std::uint64_t generation() const noexcept { return bits_ >> kIndexBits; }

  friend constexpr bool operator==(Handle, Handle) = default;

 private:
  std::uint64_t bits_ = 0;
};

}  // namespace klg::registry

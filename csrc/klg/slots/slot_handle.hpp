#pragma once

#include <bit>
#include <cstdint>

namespace klg::slots {

/// A slot and the life of it that somebody holds: `generation << 32 | tag << index_bits | index`.
///
/// Positive as an int64, so that handles fit numpy's default integer. Never 0.
using Handle = std::uint64_t;

/// Odd while the slot is live. 31 bits: a stale handle is told for certain until its slot has been
/// handed out 2^30 times more.
inline constexpr std::uint64_t kGenerationOne = std::uint64_t{1} << 32;
inline constexpr std::uint64_t kGenerationMask = 0x7fff'ffff'0000'0000;

/// Splits the low half between the index and a tag that tells pools apart.
///
/// The serial number is reversed into the high bits, so that two pools whose serials differ modulo
/// 2^k are told apart for certain if both have k bits to spare, whatever their capacities.
class HandleCodec {
 public:
  /// Needs 1 <= capacity <= 2^28: at least four bits stay for the tag.
  HandleCodec(std::uint32_t capacity, std::uint32_t serial) noexcept
      : index_bits_(static_cast<std::uint32_t>(std::bit_width((capacity - 1) | 1U))),
        tag_(reversed(serial) >> index_bits_ << index_bits_) {}

  [[nodiscard]] Handle encode(std::uint64_t generation, std::uint32_t index) const noexcept {
    return (generation & kGenerationMask) | tag_ | index;
  }
  [[nodiscard]] bool ours(Handle handle) const noexcept {
    return ((static_cast<std::uint32_t>(handle) ^ tag_) >> index_bits_) == 0;
  }
  [[nodiscard]] std::uint32_t index(Handle handle) const noexcept {
    return static_cast<std::uint32_t>(handle) ^ tag_;
  }

 private:
  static constexpr std::uint32_t reversed(std::uint32_t value) noexcept {
    std::uint32_t out = 0;
    for (int bit = 0; bit < 32; ++bit) out |= (value >> bit & 1U) << (31 - bit);
    return out;
  }

  std::uint32_t index_bits_;
  std::uint32_t tag_;
};

}  // namespace klg::slots

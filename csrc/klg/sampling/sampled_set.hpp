#pragma once

#include <cstddef>
#include <cstdint>

#include "klg/core/page_memory.hpp"
#include "klg/sampling/address_filter.hpp"
#include "klg/sampling/capture_layout.hpp"

namespace klg::sampling {

/// What is known of a sample.
struct Sample {
  std::uint64_t address = 0;
  std::uint64_t size = 0;
  std::int64_t birth_ns = 0;
  std::uint32_t node = 0;
  float mean = 0.0f;
  float reach = 0.0f;
  BlockKind kind = BlockKind::kUnknown;
};

/// The live samples by address: answers whether a freed pointer was a sampled one.
///
/// One writer at a time, except `possible`, which any thread may ask. The samples themselves lie in
/// the capture, in slots that never move while they live.
class SampledSet {
 public:
  /// @throws std::bad_alloc
  SampledSet(Capture& capture, AddressFilter& filter);
  SampledSet(const SampledSet&) = delete;
  SampledSet& operator=(const SampledSet&) = delete;

  /// False where the set is full. The address must not be in the set.
  bool insert(const Sample& sample) noexcept;

  /// Whether the address was in the set; then `gone` is what was known of it.
  bool erase(const void* address, Sample& gone) noexcept;

  /// Erases every sample that would not be one at a coarser mean, and says how many; the others
  /// are samples of that mean from then on.
  std::size_t thin(float mean) noexcept;

  /// Looks into the blocks of a few samples whose kind is not known, going round all slots.
  void classify_some(const BlockClassifier& classifier) noexcept;

  [[nodiscard]] std::size_t size() const noexcept { return size_; }

 private:
  static constexpr std::size_t kSlots = std::size_t{2} * kMaxSamples;

  [[nodiscard]] std::size_t find(std::uint64_t address) const noexcept;
  void close_gap(std::size_t at) noexcept;
  void erase_at(std::size_t at, Sample& gone) noexcept;

  Capture* capture_;
  AddressFilter* filter_;
  PageMemory table_;  ///< slot number + 1 by hashed address, 0 for empty
  PageMemory free_;   ///< stack of slots that were used and are free
  std::size_t free_count_ = 0;
  std::size_t size_ = 0;
  std::uint32_t next_look_ = 0;
};

}  // namespace klg::sampling

#include "klg/sampling/sampled_set.hpp"

namespace klg::sampling {
namespace {

std::size_t home(std::uint64_t address, std::size_t slots) noexcept {
  return static_cast<std::size_t>(((address >> 4) * 0x9E3779B97F4A7C15u) >> 32) % slots;
}

// A reader sees an odd version, or the same even one before and after: see capture_view.cpp.
void write(SampleSlot& slot, const Sample& sample) noexcept {
  const std::uint32_t version = slot.version.load(std::memory_order_relaxed);
  slot.version.store(version + 1, std::memory_order_relaxed);
  slot.node.store(sample.node, std::memory_order_release);
  slot.address.store(sample.address, std::memory_order_release);
  slot.birth_ns.store(sample.birth_ns, std::memory_order_release);
  slot.size.store(sample.size, std::memory_order_release);
  slot.mean.store(sample.mean, std::memory_order_release);
  slot.reach.store(sample.reach, std::memory_order_release);
  slot.kind.store(sample.kind, std::memory_order_release);
  slot.version.store(version + 2, std::memory_order_release);
}

Sample read(const SampleSlot& slot) noexcept {
  return {slot.address.load(std::memory_order_relaxed),  slot.size.load(std::memory_order_relaxed),
          slot.birth_ns.load(std::memory_order_relaxed), slot.node.load(std::memory_order_relaxed),
          slot.mean.load(std::memory_order_relaxed),     slot.reach.load(std::memory_order_relaxed),
          slot.kind.load(std::memory_order_relaxed)};
}

}  // namespace

SampledSet::SampledSet(Capture& capture, AddressFilter& filter)
    : capture_(&capture),
      filter_(&filter),
      table_(kSlots * sizeof(std::uint32_t)),
      free_(kMaxSamples * sizeof(std::uint32_t)) {
  table_.populate();
}

bool SampledSet::insert(const Sample& sample) noexcept {
  auto* free = free_.as<std::uint32_t>();
  std::uint32_t number;
  if (free_count_ > 0) {
    number = free[--free_count_];
  } else {
    number = capture_->header.slots.load(std::memory_order_relaxed);
    if (number == kMaxSamples) return false;
    capture_->header.slots.store(number + 1, std::memory_order_release);
  }
  write(capture_->samples[number], sample);
  auto* table = table_.as<std::uint32_t>();
  std::size_t at = home(sample.address, kSlots);
  while (table[at] != 0) at = (at + 1) % kSlots;
  table[at] = number + 1;
  filter_->add(reinterpret_cast<const void*>(sample.address));
  ++size_;
  return true;
}

bool SampledSet::erase(const void* address, Sample& gone) noexcept {
  const std::size_t at = find(reinterpret_cast<std::uintptr_t>(address));
  if (at == kSlots) return false;
  erase_at(at, gone);
  return true;
}

std::size_t SampledSet::thin(float mean) noexcept {
  std::size_t erased = 0;
  const std::uint32_t used = capture_->header.slots.load(std::memory_order_relaxed);
  for (std::uint32_t number = 0; number < used; ++number) {
    const Sample sample = read(capture_->samples[number]);
    if (sample.address == 0) continue;
    if (sample.reach >= mean) {
      if (sample.mean < mean) capture_->samples[number].mean.store(mean, std::memory_order_release);
      continue;
    }
    Sample gone;
    erase_at(find(sample.address), gone);
    ++erased;
  }
  return erased;
}

void SampledSet::classify_some(const BlockClassifier& classifier) noexcept {
  constexpr int kSlotsLooked = 8;  // their sizes lie side by side; few are plausible
  constexpr int kBlocksLooked = 2;
  const std::uint32_t used = capture_->header.slots.load(std::memory_order_relaxed);
  for (int slots = 0, blocks = 0; slots < kSlotsLooked && blocks < kBlocksLooked; ++slots) {
    if (next_look_ >= used) next_look_ = 0;
    SampleSlot& slot = capture_->samples[next_look_++];
    const std::uint64_t address = slot.address.load(std::memory_order_relaxed);
    const auto size = static_cast<std::size_t>(slot.size.load(std::memory_order_relaxed));
    if (address == 0 || slot.kind.load(std::memory_order_relaxed) != BlockKind::kUnknown ||
        !classifier.plausible(size)) {
      continue;
    }
    ++blocks;
    slot.kind.store(classifier.classify(reinterpret_cast<const void*>(address), size),
                    std::memory_order_relaxed);
  }
}

std::size_t SampledSet::find(std::uint64_t address) const noexcept {
  const auto* table = table_.as<std::uint32_t>();
  for (std::size_t at = home(address, kSlots); table[at] != 0; at = (at + 1) % kSlots) {
    if (capture_->samples[table[at] - 1].address.load(std::memory_order_relaxed) == address) {
      return at;
    }
  }
  return kSlots;
}

void SampledSet::erase_at(std::size_t at, Sample& gone) noexcept {
  const std::uint32_t number = table_.as<std::uint32_t>()[at] - 1;
  gone = read(capture_->samples[number]);
  close_gap(at);
  write(capture_->samples[number], Sample{});
  free_.as<std::uint32_t>()[free_count_++] = number;
  filter_->remove(reinterpret_cast<const void*>(gone.address));
  --size_;
}

// Linear probing without tombstones: pull back whatever would no longer be reached.
void SampledSet::close_gap(std::size_t at) noexcept {
  auto* table = table_.as<std::uint32_t>();
  for (std::size_t next = (at + 1) % kSlots; table[next] != 0; next = (next + 1) % kSlots) {
    const std::size_t wanted =
        home(capture_->samples[table[next] - 1].address.load(std::memory_order_relaxed), kSlots);
    const bool reachable =
        at < next ? (wanted > at && wanted <= next) : (wanted > at || wanted <= next);
    if (reachable) continue;
    table[at] = table[next];
    at = next;
  }
  table[at] = 0;
}

}  // namespace klg::sampling

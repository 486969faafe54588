#include "klg/slots/slot_fuzz.hpp"

#include <memory>
#include <vector>

#include "klg/slots/slot_arena.hpp"

namespace klg::slots {

FuzzCounts fuzz(std::uint64_t operations, std::uint64_t seed) {
  constexpr std::uint32_t kSlots = 4096;
  const auto arena = SlotArena::on_host({.row_bytes = 64, .capacity = kSlots});
  std::vector<Handle> life(kSlots, 0);  // the latest of each slot
  std::vector<bool> living(kSlots, false);
  std::vector<Handle> live;
  std::vector<Handle> dead(1U << 14, 0);
  std::uint64_t buried = 0;
  std::uint64_t state = seed * 2 + 1;
  FuzzCounts counts;
  for (std::uint64_t operation = 0; operation < operations; ++operation) {
    // splitmix64
    std::uint64_t dice = state += 0x9E37'79B9'7F4A'7C15;
    dice = (dice ^ dice >> 30) * 0xBF58'476D'1CE4'E5B9;
    dice = (dice ^ dice >> 27) * 0x94D0'49BB'1331'11EB;
    dice ^= dice >> 31;
    const std::uint64_t pick = dice >> 16;
    const std::uint64_t kind = dice & 0xffff;
    if (kind < 26'000) {
      const Handle handle = arena->allocate();
      if (handle == 0) {
        counts.errors += live.size() != kSlots;
        continue;
      }
      const std::uint32_t slot = arena->index(handle);
      counts.errors += living[slot];
      living[slot] = true;
      life[slot] = handle;
      live.push_back(handle);
    } else if (kind < 52'000) {
      if (live.empty()) continue;
      Handle& chosen = live[pick % live.size()];
      const Handle handle = chosen;
      chosen = live.back();
      live.pop_back();
      counts.errors += arena->release(handle) != SlotStatus::kLive;
      living[arena->index(handle)] = false;
      dead[buried++ % dead.size()] = handle;
    } else if (kind < 65'530) {
      const Handle handle = dead[pick % dead.size()];
      if (handle == 0) continue;
      ++counts.misuses;
      const SlotStatus expected =
          life[arena->index(handle)] == handle ? SlotStatus::kFreed : SlotStatus::kRecycled;
      counts.caught += (kind % 2 == 0 ? arena->release(handle) : arena->pin(handle)) == expected;
    } else if (kind == 65'535) {
      arena->shrink();
      counts.errors += arena->live() != live.size();
    }
  }
  return counts;
}

}  // namespace klg::slots

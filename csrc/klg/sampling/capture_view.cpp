#include "klg/sampling/capture_view.hpp"

#include <algorithm>
#include <cmath>

#include "klg/sampling/poisson_sampler.hpp"

namespace klg::sampling {
namespace {

// A writer that died inside a record leaves its version odd for ever: give up after a few looks.
constexpr int kLooks = 64;

bool read(const SampleSlot& slot, Life& life) noexcept {
  for (int look = 0; look < kLooks; ++look) {
    const std::uint32_t version = slot.version.load(std::memory_order_acquire);
    if (version % 2 != 0) continue;
    const std::uint64_t address = slot.address.load(std::memory_order_acquire);
    life = {
        slot.birth_ns.load(std::memory_order_acquire), -1,
        slot.size.load(std::memory_order_acquire),     slot.node.load(std::memory_order_acquire),
        slot.mean.load(std::memory_order_acquire),     slot.reach.load(std::memory_order_acquire),
        slot.kind.load(std::memory_order_acquire)};
    if (slot.version.load(std::memory_order_relaxed) == version) return address != 0;
  }
  return false;
}

}  // namespace

bool CaptureView::begun() const noexcept {
  return (*memory_)->header.magic.load(std::memory_order_acquire) == kCaptureMagic;
}

CaptureTotals CaptureView::totals(std::int64_t now_ns) const noexcept {
  constexpr auto kRelaxed = std::memory_order_relaxed;
  const CaptureHeader& h = (*memory_)->header;
  if (!begun()) return {};
  const bool running = h.state.load(std::memory_order_acquire) == CaptureState::kRunning;
  const std::int64_t read = h.c_heap_ns.load(kRelaxed);
  const std::int64_t end = running ? now_ns : h.end_ns.load(kRelaxed);
  return {running,
          static_cast<double>(end - h.start_ns.load(kRelaxed)) * 1e-9,
          h.mean_bytes.load(kRelaxed),
          h.allocated_bytes.load(kRelaxed),
          std::sqrt(h.allocated_variance.load(kRelaxed)),
          h.expected_points.load(kRelaxed),
          h.samples.load(kRelaxed),
          h.points.load(kRelaxed),
          h.live.load(kRelaxed),
          h.freed.load(kRelaxed),
          h.thinned.load(kRelaxed),
          h.replaced.load(kRelaxed),
          h.dropped.load(kRelaxed),
          h.dropped_stacks.load(kRelaxed),
          h.self_ns.load(kRelaxed),
          h.process.load(kRelaxed),
          h.native_mode.load(kRelaxed),
          h.allocations.load(kRelaxed),
          h.hook_ns.load(kRelaxed),
          h.first_mean_bytes.load(kRelaxed),
          h.budget.load(kRelaxed),
          h.cost_widened.load(kRelaxed),
          h.room_widened.load(kRelaxed),
          h.c_heap_used.load(kRelaxed),
          h.c_heap_free.load(kRelaxed),
          read == 0 ? -1.0 : static_cast<double>(read - h.start_ns.load(kRelaxed)) * 1e-9,
          h.narrowed.load(kRelaxed),
          static_cast<double>(h.narrowed_ns.load(kRelaxed)) * 1e-9,
          h.coarsest_mean_bytes.load(kRelaxed)};
}

std::vector<Life> CaptureView::live() const {
  std::vector<Life> lives;
  const Capture& capture = **memory_;
  const std::uint32_t slots =
      std::min(capture.header.slots.load(std::memory_order_acquire), kMaxSamples);
  lives.reserve(capture.header.live.load(std::memory_order_relaxed));
  for (std::uint32_t k = 0; k < slots; ++k) {
    Life life;
    if (read(capture.samples[k], life)) lives.push_back(life);
  }
  return lives;
}

std::vector<CaptureView::Held> CaptureView::held(std::uint64_t large) const {
  const std::vector<Life> lives = live();
  // The mean may be widened while samples are read: one that holds for all is taken after.
  const double present = (*memory_)->header.mean_bytes.load(std::memory_order_acquire);
  std::vector<Held> stacks;
  std::vector<std::uint32_t> places(kMaxNodes, 0);  // by node, plus one
  for (const Life& life : lives) {
    if (life.reach < present) continue;
    std::uint32_t& place = places[life.node];
    if (place == 0) {
      stacks.push_back({life.node, 0, 0.0, 0, 0});
      place = static_cast<std::uint32_t>(stacks.size());
    }
    Held& stack = stacks[place - 1];
    const double mean = std::max(static_cast<double>(life.mean), present);
    ++stack.samples;
    stack.bytes += weight(static_cast<std::size_t>(life.size), mean);
    if (life.size < large) continue;
    stack.large_bytes += life.size;
    stack.largest = std::max(stack.largest, life.size);
  }
  return stacks;
}

std::vector<Life> CaptureView::new_deaths(std::uint64_t& lost) {
  std::vector<Life> lives;
  const Capture& capture = **memory_;
  const std::uint64_t head = capture.header.deaths.load(std::memory_order_acquire);
  const std::uint64_t kept = head > kMaxDeaths ? head - kMaxDeaths : 0;
  const std::uint64_t first = std::max(deaths_read_, kept);
  for (std::uint64_t k = first; k < head; ++k) {
    const DeathRecord& record = capture.deaths[k % kMaxDeaths];
    lives.push_back(
        {record.birth_ns.load(std::memory_order_acquire),
         record.death_ns.load(std::memory_order_acquire),
         record.size.load(std::memory_order_acquire), record.node.load(std::memory_order_acquire),
         record.mean.load(std::memory_order_acquire), record.reach.load(std::memory_order_acquire),
         record.kind.load(std::memory_order_acquire)});
  }
  // What the writer has come round to meanwhile may be torn. It fills the record of number `now`
  // before it publishes it, so that one counts too.
  const std::uint64_t now = capture.header.deaths.load(std::memory_order_acquire);
  const std::uint64_t safe = now >= kMaxDeaths ? now - kMaxDeaths + 1 : 0;
  const std::uint64_t torn = std::min<std::uint64_t>(safe > first ? safe - first : 0, lives.size());
  lives.erase(lives.begin(), lives.begin() + static_cast<std::ptrdiff_t>(torn));
  lost = first - deaths_read_ + torn;
  deaths_read_ = head;
  return lives;
}

std::vector<CaptureView::Allocated> CaptureView::allocated() const {
  const Capture& capture = **memory_;
  const std::uint32_t count =
      std::min(capture.header.nodes.load(std::memory_order_acquire), kMaxNodes);
  std::vector<Allocated> found;
  found.reserve(count);
  for (std::uint32_t k = 0; k < count; ++k) {
    const StackTotal& total = capture.totals[k];
    found.push_back({total.allocations.load(std::memory_order_relaxed),
                     total.bytes.load(std::memory_order_relaxed)});
  }
  return found;
}

std::vector<StackNode> CaptureView::new_nodes() {
  const Capture& capture = **memory_;
  const std::uint32_t count =
      std::min(capture.header.nodes.load(std::memory_order_acquire), kMaxNodes);
  std::vector<StackNode> nodes(capture.nodes + nodes_read_, capture.nodes + count);
  nodes_read_ = count;
  return nodes;
}

std::vector<CaptureView::Name> CaptureView::new_codes() {
  const Capture& capture = **memory_;
  const std::uint32_t count =
      std::min(capture.header.codes.load(std::memory_order_acquire), kMaxCodes);
  std::vector<Name> names;
  for (; codes_read_ < count; ++codes_read_) {
    const CodeName& code = capture.codes[codes_read_];
    names.push_back({std::string(capture.text + code.file, code.file_length),
                     std::string(capture.text + code.function, code.function_length)});
  }
  return names;
}

}  // namespace klg::sampling

#include "klg/sampling/sample_recorder.hpp"

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "klg/sampling/poisson_sampler.hpp"

namespace klg::sampling {
namespace {

constexpr std::int64_t kCheckEvery = 50'000'000;
constexpr double kWidestMean = 64.0 * 1024 * 1024;
// The share of the time that samples take is averaged over about so long.
constexpr double kUsual = 10e9;
// A finer mean may use so much of the budget, by what it is expected to cost.
constexpr double kShareForSuspicion = 0.5;
// Widened before the table is full: a table that refuses samples would favour the old ones.
constexpr std::size_t kCrowded = std::size_t{kMaxSamples} / 4 * 3;

template <class T>
void add(std::atomic<T>& total, T value) noexcept {
  // Only ever called under the lock: an ordinary sum that readers may look at.
  total.store(total.load(std::memory_order_relaxed) + value, std::memory_order_relaxed);
}

}  // namespace

void SampleRecorder::open(std::shared_ptr<CaptureMemory> memory, FrameSource& source,
                          const BlockClassifier& classifier, const RecorderSettings& settings,
                          std::int64_t now_ns) {
  Capture& capture = **memory;
  const Entry entry(*this);
  set_.emplace(capture, filter_);
  stacks_.emplace(capture, source);
  // The old one goes with the caller's variable, outside of the lock: freeing may come back to us.
  memory_.swap(memory);
  classifier_ = &classifier;
  settings_ = settings;
  start_ns_ = checked_ns_ = now_ns;
  checked_self_ns_ = 0;
  debt_ns_ = 0.0;
  narrowed_ns_ = now_ns;
  usual_share_ = floor_mean_ = 0.0;
  wanted_mean_.store(0.0, std::memory_order_relaxed);
  filter_.clear();
  mean_.store(settings.mean_bytes, std::memory_order_relaxed);
  capture.header.mean_bytes.store(settings.mean_bytes, std::memory_order_relaxed);
  capture.header.first_mean_bytes.store(settings.mean_bytes, std::memory_order_relaxed);
  capture.header.coarsest_mean_bytes.store(settings.mean_bytes, std::memory_order_relaxed);
  capture.header.budget.store(settings.budget, std::memory_order_relaxed);
  capture.header.start_ns.store(now_ns, std::memory_order_relaxed);
  capture.header.process.store(static_cast<std::uint32_t>(getpid()), std::memory_order_relaxed);
  capture.header.native_mode.store(settings.native_mode, std::memory_order_relaxed);
  capture.header.state.store(CaptureState::kRunning, std::memory_order_release);
  capture.header.magic.store(kCaptureMagic, std::memory_order_release);
  recording_.store(true, std::memory_order_relaxed);
}

void SampleRecorder::freeze(std::int64_t now_ns) noexcept {
  const Entry entry(*this);
  if (!recording()) return;
  recording_.store(false, std::memory_order_relaxed);
  filter_.clear();
  (*memory_)->header.end_ns.store(now_ns, std::memory_order_relaxed);
  (*memory_)->header.state.store(CaptureState::kEnded, std::memory_order_release);
}

void SampleRecorder::close(std::int64_t now_ns, bool unpin) noexcept {
  freeze(now_ns);
  if (!stacks_) return;
  if (unpin) stacks_->unpin_all();
  stacks_.reset();
  set_.reset();
}

void SampleRecorder::unlock_in_child(bool go_on) noexcept {
  if (!go_on) {
    recording_.store(false, std::memory_order_relaxed);
    filter_.clear();
  }
  forking_.store(0, std::memory_order_relaxed);
  lock_.unlock();
}

void SampleRecorder::born(const Birth& birth) noexcept {
  const Entry entry(*this);
  if (!recording()) return;
  CaptureHeader& header = (*memory_)->header;
  const double chance = inclusion_probability(birth.size, birth.mean);
  const double bytes = weight(birth.size, birth.mean);
  add<std::uint64_t>(header.samples, 1);
  add<std::uint64_t>(header.points, birth.points);
  add(header.allocated_bytes, bytes);
  add(header.allocated_variance, bytes * bytes * (1.0 - chance));
  add(header.expected_points, bytes / birth.mean);
  if (chance > 0.0) add(header.allocations, 1.0 / chance);

  // Picked by a point of density 1/mean, this allocation would be picked by the thinner process of
  // any coarser mean for which the same uniform draw still falls below its chance.
  const double reach = -static_cast<double>(birth.size) / std::log1p(-birth.uniform * chance);
  if (reach < mean()) {
    add<std::uint64_t>(header.thinned, 1);
    return;
  }
  Sample ghost;
  if (set_->erase(birth.address, ghost)) {
    add<std::uint64_t>(header.replaced, 1);
    add<std::uint64_t>(header.live, static_cast<std::uint64_t>(-1));
  }
  const std::uint32_t node = stacks_->intern(birth.frames, birth.frame_count, birth.may_look);
  if (node == 0 && birth.frame_count > 0) add<std::uint64_t>(header.dropped_stacks, 1);
  count_allocated(node, birth);
  const Sample sample{reinterpret_cast<std::uintptr_t>(birth.address),
                      birth.size,
                      birth.now_ns - start_ns_,
                      node,
                      static_cast<float>(std::max(birth.mean, mean())),
                      static_cast<float>(std::min(reach, 1e30)),
                      BlockKind::kUnknown};
  if (set_->insert(sample)) {
    add<std::uint64_t>(header.live, 1);
  } else {
    add<std::uint64_t>(header.dropped, 1);
  }
  if (birth.may_look) set_->classify_some(*classifier_);
  control(birth.now_ns);
}

bool SampleRecorder::died(const void* address, std::int64_t now_ns) noexcept {
  const Entry entry(*this);
  Sample gone;
  if (!recording() || !set_->erase(address, gone)) return false;
  CaptureHeader& header = (*memory_)->header;
  add<std::uint64_t>(header.freed, 1);
  add<std::uint64_t>(header.live, static_cast<std::uint64_t>(-1));
  const std::int64_t now = now_ns - start_ns_;
  if ((now - gone.birth_ns) * kOldShare >= now_ns - narrowed_ns_) log_death(gone, now);
  return true;
}

void SampleRecorder::count_allocated(std::uint32_t node, const Birth& birth) noexcept {
  // What the coarser of the two means lets through stands for what that one leaves out.
  const double mean_bytes = std::max(birth.mean, mean());
  const double chance = inclusion_probability(birth.size, mean_bytes);
  StackTotal& total = (*memory_)->totals[node];
  add(total.bytes, weight(birth.size, mean_bytes));
  if (chance > 0.0) add(total.allocations, 1.0 / chance);
}

void SampleRecorder::charge(std::int64_t ns) noexcept {
  // A descheduled thread would book the time of others.
  constexpr std::int64_t kLongest = 20'000;
  const Entry entry(*this);
  if (!recording()) return;
  add((*memory_)->header.self_ns,
      static_cast<std::uint64_t>(std::clamp<std::int64_t>(ns, 0, kLongest)));
}

void SampleRecorder::note_hook_cost(double ns) noexcept {
  const Entry entry(*this);
  if (recording()) (*memory_)->header.hook_ns.store(ns, std::memory_order_relaxed);
}

void SampleRecorder::note_c_heap(std::uint64_t used, std::uint64_t free,
                                 std::int64_t now_ns) noexcept {
  const Entry entry(*this);
  if (!recording()) return;
  CaptureHeader& header = (*memory_)->header;
  header.c_heap_used.store(used, std::memory_order_relaxed);
  header.c_heap_free.store(free, std::memory_order_relaxed);
  header.c_heap_ns.store(now_ns, std::memory_order_relaxed);
}

void SampleRecorder::log_death(const Sample& sample, std::int64_t now) noexcept {
  CaptureHeader& header = (*memory_)->header;
  const std::uint64_t head = header.deaths.load(std::memory_order_relaxed);
  DeathRecord& record = (*memory_)->deaths[head % kMaxDeaths];
  record.birth_ns.store(sample.birth_ns, std::memory_order_release);
  record.death_ns.store(now, std::memory_order_release);
  record.size.store(sample.size, std::memory_order_release);
  record.node.store(sample.node, std::memory_order_release);
  record.mean.store(sample.mean, std::memory_order_release);
  record.reach.store(sample.reach, std::memory_order_release);
  record.kind.store(sample.kind, std::memory_order_release);
  header.deaths.store(head + 1, std::memory_order_release);
}

// One control for the mean: what the budget has widened, no suspicion narrows again.
void SampleRecorder::control(std::int64_t now_ns) noexcept {
  if (settings_.budget <= 0.0) return;
  if (set_->size() >= kCrowded) {
    if (widen(2.0)) add((*memory_)->header.room_widened, 1u);
    return;
  }
  const std::int64_t elapsed = now_ns - checked_ns_;
  if (elapsed < kCheckEvery) return;
  const std::uint64_t self = (*memory_)->header.self_ns.load(std::memory_order_relaxed);
  const double spent = static_cast<double>(self - checked_self_ns_);
  const double share = spent / static_cast<double>(elapsed);
  checked_ns_ = now_ns;
  checked_self_ns_ = self;
  const double past = std::min(static_cast<double>(now_ns - start_ns_), kUsual);
  const double news = std::min(1.0, static_cast<double>(elapsed) / past);
  usual_share_ += news * (share - usual_share_);
  const double allowed =
      settings_.credit_ns + settings_.budget * static_cast<double>(now_ns - start_ns_);
  debt_ns_ = std::max(0.0, debt_ns_ + spent - kBudgetLimit * static_cast<double>(elapsed));
  if (static_cast<double>(self) > allowed && share > settings_.budget) {
    widen_for_cost(share, settings_.budget);
  } else if (debt_ns_ > settings_.credit_ns && share > kBudgetLimit) {
    // On average it is within the budget: a quiet past has saved enough for a long loud phase.
    widen_for_cost(share, kBudgetLimit);
  } else {
    narrow_if_asked(now_ns);
  }
}

void SampleRecorder::widen_for_cost(double share, double allowed) noexcept {
  if (!widen(std::exp2(std::ceil(std::log2(share / allowed))))) return;
  debt_ns_ = 0.0;
  add((*memory_)->header.cost_widened, 1u);
}

bool SampleRecorder::widen(double factor) noexcept {
  const double mean_bytes = std::min(mean() * factor, kWidestMean);
  if (mean_bytes <= mean()) return false;
  CaptureHeader& header = (*memory_)->header;
  // Readers thin by the header's mean, so it must be the new one before any sample goes missing.
  header.mean_bytes.store(mean_bytes, std::memory_order_release);
  header.coarsest_mean_bytes.store(
      std::max(mean_bytes, header.coarsest_mean_bytes.load(std::memory_order_relaxed)),
      std::memory_order_release);
  usual_share_ *= mean() / mean_bytes;
  floor_mean_ = mean_bytes;
  mean_.store(mean_bytes, std::memory_order_relaxed);
  const std::size_t gone = set_->thin(static_cast<float>(mean_bytes));
  add<std::uint64_t>(header.thinned, gone);
  add<std::uint64_t>(header.live, std::uint64_t{0} - gone);
  return true;
}

// Gaps that are running go on: each sample knows the mean that its gap was drawn from.
void SampleRecorder::narrow_if_asked(std::int64_t now_ns) noexcept {
  const double wanted = std::max(wanted_mean_.load(std::memory_order_relaxed), floor_mean_);
  double factor = 1.0;
  while (mean() / (2.0 * factor) >= wanted && wanted > 0.0 &&
         2.0 * factor * usual_share_ <= kShareForSuspicion * settings_.budget) {
    factor *= 2.0;
  }
  if (factor == 1.0 || set_->size() >= kCrowded / 2) return;
  CaptureHeader& header = (*memory_)->header;
  usual_share_ *= factor;
  narrowed_ns_ = now_ns;
  header.narrowed_ns.store(now_ns - start_ns_, std::memory_order_relaxed);
  add(header.narrowed, 1u);
  // What is alive keeps the mean that it was taken under.
  header.mean_bytes.store(mean() / factor, std::memory_order_release);
  mean_.store(mean() / factor, std::memory_order_relaxed);
}

}  // namespace klg::sampling

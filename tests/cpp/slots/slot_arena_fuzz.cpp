// Random operations on an arena beside the simplest model that could be right.
#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>
#include <random>
#include <unordered_map>
#include <vector>

#include "klg/slots/slot_arena.hpp"

namespace klg::slots {
namespace {

class Model {
 public:
  Model(std::uint32_t capacity, std::size_t row_bytes, bool poison)
      : arena_(
            SlotArena::on_host({.row_bytes = row_bytes, .capacity = capacity, .poison = poison})),
        owner_(capacity, 0),
        last_life_(capacity, 0) {}

  void step(std::uint64_t dice) {
    const std::uint64_t kind = dice % 1000;
    const std::uint64_t pick = dice / 1000;
    if (kind < filling_) {
      allocate();
    } else if (kind < 900) {
      release(pick);
    } else if (kind < 980) {
      misuse(pick);
    } else if (kind < 998) {
      pin_or_unpin(pick);
    } else if (pick % 512 == 0) {
      shrink();
    } else if (pick % 64 == 1) {
      filling_ = 350 + pick / 64 % 200;  // the pool fills, drains, fills
    }
  }

  void finish() {
    while (!pinned_.empty()) pin_or_unpin(0);
    while (!live_.empty()) release(0);
    const SlotStatistics s = arena_->statistics();
    EXPECT_EQ(s.live, 0U);
    EXPECT_EQ(s.deferred, 0U);
    EXPECT_EQ(s.allocations, s.releases);
    EXPECT_EQ(s.poison_violations, 0U);
    arena_->shrink();
    EXPECT_EQ(arena_->statistics().committed_bytes, 0U);
    EXPECT_EQ(caught_, misuses_);
    EXPECT_GT(caught_, 0U);
  }

 private:
  void allocate() {
    const Handle handle = arena_->allocate();
    if (handle == 0) {
      ASSERT_EQ(live_.size() + deferred_, owner_.size());
      return;
    }
    const std::uint32_t slot = arena_->index(handle);
    ASSERT_EQ(owner_[slot], 0U) << "slot handed out twice";
    owner_[slot] = handle;
    last_life_[slot] = handle;
    std::memcpy(arena_->row(slot), &handle, sizeof handle);
    live_.push_back(handle);
  }

  void release(std::uint64_t pick) {
    if (live_.empty()) return;
    const std::size_t at = pick % live_.size();
    const Handle handle = live_[at];
    const std::uint32_t slot = arena_->index(handle);
    Handle stored = 0;
    std::memcpy(&stored, arena_->row(slot), sizeof stored);
    ASSERT_EQ(stored, handle) << "row overwritten";
    ASSERT_EQ(arena_->release(handle), SlotStatus::kLive);
    if (pins_.contains(slot)) {
      ++deferred_;
    } else {
      owner_[slot] = 0;
    }
    live_[at] = live_.back();
    live_.pop_back();
    dead_[dead_at_++ % dead_.size()] = handle;
  }

  void misuse(std::uint64_t pick) {
    const Handle handle = dead_[pick % dead_.size()];
    if (handle == 0) return;
    ++misuses_;
    const SlotStatus status = pick % 2 != 0 ? arena_->release(handle) : arena_->pin(handle);
    const bool recycled = last_life_[arena_->index(handle)] != handle;
    ASSERT_EQ(status, recycled ? SlotStatus::kRecycled : SlotStatus::kFreed);
    ++caught_;
  }

  void pin_or_unpin(std::uint64_t pick) {
    if (live_.empty() || pinned_.size() > 20 || pick % 2 == 0) {
      if (pinned_.empty()) return;
      const std::uint32_t slot = pinned_.back();
      pinned_.pop_back();
      arena_->unpin(slot);
      if (--pins_[slot] == 0) {
        pins_.erase(slot);
        if (arena_->live_handle(slot) != owner_[slot]) {
          owner_[slot] = 0;
          --deferred_;
        }
      }
      return;
    }
    const Handle handle = live_[pick % live_.size()];
    ASSERT_EQ(arena_->pin(handle), SlotStatus::kLive);
    pinned_.push_back(arena_->index(handle));
    ++pins_[arena_->index(handle)];
  }

  void shrink() {
    arena_->shrink();
    ASSERT_EQ(arena_->live(), live_.size());
    ASSERT_EQ(arena_->statistics().deferred, deferred_);
    for (const Handle handle : live_) {
      Handle stored = 0;
      std::memcpy(&stored, arena_->row(arena_->index(handle)), sizeof stored);
      ASSERT_EQ(stored, handle) << "shrink lost a row";
    }
  }

  std::unique_ptr<SlotArena> arena_;
  std::vector<Handle> owner_;      // by slot; 0 where it may be handed out
  std::vector<Handle> last_life_;  // by slot
  std::vector<Handle> live_;
  std::vector<Handle> dead_ = std::vector<Handle>(4096);
  std::size_t dead_at_ = 0;
  std::vector<std::uint32_t> pinned_;
  std::unordered_map<std::uint32_t, int> pins_;
  std::uint64_t filling_ = 450;
  std::uint64_t deferred_ = 0;
  std::uint64_t misuses_ = 0;
  std::uint64_t caught_ = 0;
};

struct Shape {
  std::uint32_t capacity;
  std::size_t row_bytes;
  bool poison;
};

class SlotArenaFuzz : public testing::TestWithParam<Shape> {};

TEST_P(SlotArenaFuzz, AgreesWithTheModel) {
  const Shape shape = GetParam();
  Model model(shape.capacity, shape.row_bytes, shape.poison);
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  constexpr int kSteps = 300'000;
#else
  constexpr int kSteps = 2'500'000;
#endif
  std::mt19937_64 random(shape.capacity);
  for (int step = 0; step < kSteps && !testing::Test::HasFatalFailure(); ++step) {
    model.step(random());
  }
  model.finish();
}

// Rows larger and smaller than a page, that divide it and that straddle it.
INSTANTIATE_TEST_SUITE_P(Shapes, SlotArenaFuzz,
                         testing::Values(Shape{1000, 3072, false}, Shape{70, 20'000, false},
                                         Shape{5000, 8, true}, Shape{3001, 1000, true}));

}  // namespace
}  // namespace klg::slots

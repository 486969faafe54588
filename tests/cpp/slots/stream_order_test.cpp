#include "klg/slots/stream_order.hpp"

#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>

#include "klg/core/error.hpp"

namespace klg::slots {
namespace {

// Streams whose work is done when the test says so.
class ManualEvents final : public StreamEvents {
 public:
  Event record(Stream stream) override {
    if (failing) throw Error("injected");
    live[++last] = {stream, finished[stream]};
    return last;
  }
  bool done(Event event) override { return passed(event); }
  void wait(Event event) override { finished[live.at(event).first] = live.at(event).second + 1; }
  void destroy(Event event) noexcept override { live.erase(event); }

  void finish(Stream stream) { ++finished[stream]; }
  [[nodiscard]] bool passed(Event event) {
    return finished[live.at(event).first] > live.at(event).second;
  }

  bool failing = false;
  Event last = 0;
  std::map<Event, std::pair<Stream, int>> live;  // and what the stream had finished then
  std::map<Stream, int> finished;
};

struct StreamOrderTest : testing::Test {
  std::unique_ptr<SlotArena> arena = SlotArena::on_host({.row_bytes = 64, .capacity = 64});
  ManualEvents events;
  StreamOrder order{*arena, events, 4};

  std::vector<Handle> take(std::size_t n, Stream stream = 0) {
    std::vector<Handle> handles(n);
    for (Handle& handle : handles) handle = order.allocate(stream);
    return handles;
  }
};

TEST_F(StreamOrderTest, TheSameStreamHasAFreedSlotAtOnceAndOthersDoNot) {
  const Handle first = order.allocate(1);
  EXPECT_EQ(order.release(first, 1), SlotStatus::kLive);
  EXPECT_EQ(arena->status(first), SlotStatus::kFreed);
  EXPECT_NE(arena->index(order.allocate(2)), arena->index(first));
  const Handle again = order.allocate(1);
  EXPECT_EQ(arena->index(again), arena->index(first));
  EXPECT_EQ(order.statistics().reused, 1U);
  EXPECT_EQ(events.last, 0U);
}

TEST_F(StreamOrderTest, OnNoStreamAFreedSlotIsHadOnceItsStreamIsDone) {
  const std::vector<Handle> handles = take(64);
  for (std::size_t k = 0; k < 4; ++k) order.release(handles[k], 1);  // one batch
  events.finish(1);
  EXPECT_LT(arena->index(order.allocate()), 4U);
  EXPECT_EQ(order.statistics().waits, 0U);
  for (std::size_t k = 4; k < 8; ++k) order.release(handles[k], 1 + k % 2);
  std::vector<Handle> out(8);
  EXPECT_FALSE(order.allocate_many(out));  // seven are free, all of which it has waited for
  EXPECT_EQ(order.statistics().waits, 2U);
  out.resize(7);
  EXPECT_TRUE(order.allocate_many(out));
  EXPECT_EQ(order.allocate(), 0U);
}

TEST_F(StreamOrderTest, MisuseIsCaughtBeforeTheDeviceIsDone) {
  const Handle handle = order.allocate(1);
  EXPECT_EQ(order.release(handle, 1), SlotStatus::kLive);
  EXPECT_EQ(order.release(handle, 1), SlotStatus::kFreed);
  EXPECT_EQ(order.release(handle, 2), SlotStatus::kFreed);
  EXPECT_EQ(arena->release(handle), SlotStatus::kFreed);
  EXPECT_EQ(arena->pin(handle), SlotStatus::kFreed);
  EXPECT_EQ(order.release(12345, 1), SlotStatus::kForeign);
  EXPECT_EQ(order.statistics().waiting, 1U);
}

TEST_F(StreamOrderTest, OneEventStandsForABatch) {
  const auto handles = take(12);
  for (const Handle handle : handles) EXPECT_EQ(order.release(handle, 7), SlotStatus::kLive);
  EXPECT_EQ(order.statistics().events, 3U);
  EXPECT_EQ(order.poll(), 0U);
  EXPECT_EQ(arena->statistics().deferred, 12U);
  events.finish(7);
  EXPECT_EQ(order.poll(), 12U);
  EXPECT_EQ(arena->statistics().deferred, 0U);
  EXPECT_TRUE(events.live.empty());
}

TEST_F(StreamOrderTest, AnAllocationWaitsOnlyWhereThereIsNoOtherSlot) {
  const auto handles = take(64);
  order.release(handles[0], 1);
  order.release(handles[1], 2);
  EXPECT_NE(order.allocate(3), 0U);
  EXPECT_EQ(order.statistics().waits, 1U);
  EXPECT_NE(order.allocate(3), 0U);
  EXPECT_EQ(order.statistics().waits, 2U);
  EXPECT_EQ(order.allocate(3), 0U);
  EXPECT_TRUE(events.live.empty());
}

TEST_F(StreamOrderTest, AnEventThatCannotBeRecordedLosesNoSlot) {
  const auto handles = take(64);
  events.failing = true;
  for (int k = 0; k < 3; ++k) order.release(handles[static_cast<std::size_t>(k)], 1);
  EXPECT_THROW(order.release(handles[3], 1), Error);
  EXPECT_EQ(arena->status(handles[3]), SlotStatus::kFreed);
  EXPECT_THROW(static_cast<void>(order.allocate(2)), Error);
  events.failing = false;
  order.synchronize();
  EXPECT_EQ(order.statistics().waiting, 0U);
  EXPECT_EQ(arena->statistics().deferred, 0U);
  EXPECT_EQ(arena->live(), 60U);
}

TEST_F(StreamOrderTest, ASlotThatIsLookedAtIsNotReused) {
  const auto handles = take(64);
  EXPECT_EQ(arena->pin(handles[9]), SlotStatus::kLive);
  order.release(handles[9], 1);
  EXPECT_EQ(order.allocate(1), 0U);
  arena->unpin(arena->index(handles[9]));
  EXPECT_EQ(arena->index(order.allocate(1)), arena->index(handles[9]));
}

// No stream is ever given a slot that another one, which is not done, freed.
TEST_F(StreamOrderTest, RandomStreamsNeverShareASlot) {
  std::mt19937 random(11);
  std::map<Handle, Stream> live;
  std::map<std::uint32_t, std::pair<Stream, int>> dirty;  // slot: who freed it, finished by then
  for (int step = 0; step < 200'000; ++step) {
    const Stream stream = random() % 5;
    if (random() % 2 == 0) {
      const bool had_room = live.size() < 64;
      const Handle handle = order.allocate(stream);
      ASSERT_EQ(handle != 0, had_room);
      if (handle == 0) continue;
      const auto last = dirty.find(arena->index(handle));
      if (last != dirty.end() && last->second.first != stream) {
        ASSERT_GT(events.finished[last->second.first], last->second.second) << "still in use";
      }
      live[handle] = stream;
    } else if (!live.empty()) {
      auto chosen = live.begin();
      std::advance(chosen, static_cast<long>(random() % live.size()));
      dirty[arena->index(chosen->first)] = {stream, events.finished[stream]};
      ASSERT_EQ(order.release(chosen->first, stream), SlotStatus::kLive);
      live.erase(chosen);
    }
    if (random() % 50 == 0) events.finish(random() % 5);
    if (random() % 20 == 0) order.poll();
  }
  order.synchronize();
  EXPECT_EQ(arena->live(), live.size());
  EXPECT_EQ(arena->statistics().deferred, 0U);
  EXPECT_TRUE(events.live.empty());
}

}  // namespace
}  // namespace klg::slots

// Device memory against a fake driver on the host: this says nothing about a real device.
#include "klg/cuda/device_reservation.hpp"

#include <gtest/gtest.h>

#include "fake_driver.hpp"
#include "klg/core/error.hpp"
#include "klg/core/host_reservation.hpp"
#include "klg/cuda/device_events.hpp"
#include "klg/slots/slot_arena.hpp"

namespace klg::cuda {
namespace {

using slots::Handle;
using slots::SlotArena;
using slots::SlotStatus;
constexpr std::size_t kPage = FakeDriver::kGranule;

TEST(DeviceReservation, MapsGranulesAndGivesEachBack) {
  const auto driver = std::make_shared<FakeDriver>();
  {
    DeviceReservation memory(driver, 10 * kPage - 5);
    EXPECT_EQ(memory.size(), 10 * kPage);
    EXPECT_EQ(driver->used, 0U);
    memory.commit(2 * kPage, 3 * kPage);
    memory.commit(0, 4 * kPage);
    EXPECT_EQ(driver->used, 5 * kPage);
    memory.fill(kPage, kPage, std::byte{3});
    EXPECT_TRUE(memory.holds(kPage, kPage, std::byte{3}));
    EXPECT_EQ(memory.decommit(2 * kPage, 8 * kPage), 8 * kPage);
    EXPECT_EQ(driver->used, 2 * kPage);
    EXPECT_TRUE(memory.holds(kPage, kPage, std::byte{3}));
    EXPECT_THROW(memory.fill(2 * kPage, 1, std::byte{1}), Error);
    const std::uint64_t number = 0x0123456789abcdef;
    std::uint64_t copy = 0;
    memory.write(kPage + 24, sizeof number, &number);
    memory.read(kPage + 24, sizeof copy, &copy);
    EXPECT_EQ(copy, number);
    EXPECT_THROW(memory.write(2 * kPage, sizeof number, &number), Error);
    EXPECT_THROW(memory.read(2 * kPage, sizeof copy, &copy), Error);
  }
  EXPECT_TRUE(driver->clean());
}

TEST(DeviceReservation, AFailureOfAnyCallLeavesNothingBehind) {
  for (int at = 1; at <= 9; ++at) {
    const auto driver = std::make_shared<FakeDriver>();
    DeviceReservation memory(driver, 3 * kPage);
    driver->fail_in = at;
    EXPECT_THROW(memory.commit(0, 3 * kPage), Error) << at;
    driver->fail_in = 0;
    EXPECT_EQ(driver->used, static_cast<std::size_t>((at - 1) / 3) * kPage) << at;
    memory.commit(0, 3 * kPage);
    EXPECT_EQ(driver->used, 3 * kPage);
    memory.fill(0, 3 * kPage, std::byte{9});
    EXPECT_EQ(driver->errors, 0);
  }
  const auto driver = std::make_shared<FakeDriver>();
  driver->fail_in = 1;
  EXPECT_THROW(DeviceReservation(driver, kPage), OutOfMemory);
  EXPECT_TRUE(driver->clean());
}

TEST(DeviceReservation, WhatCannotBeUnmappedIsNotCounted) {
  const auto driver = std::make_shared<FakeDriver>();
  {
    DeviceReservation memory(driver, 4 * kPage);
    memory.commit(0, 4 * kPage);
    driver->fail_in = 3;
    EXPECT_EQ(memory.decommit(0, 4 * kPage), 2 * kPage);
    EXPECT_EQ(driver->used, 2 * kPage);
    memory.commit(0, 4 * kPage);
    EXPECT_EQ(driver->used, 4 * kPage);
  }
  EXPECT_EQ(driver->used, 0U);
}

struct DeviceArena : testing::Test {
  std::shared_ptr<FakeDriver> driver = std::make_shared<FakeDriver>(40 * kPage);
  slots::SlotArenaOptions options{.row_bytes = kPage, .capacity = 4096};

  std::unique_ptr<SlotArena> make() {
    return std::make_unique<SlotArena>(
        options, reserve_on_device(driver, SlotArena::row_area(options)),
        std::make_unique<HostReservation>(SlotArena::metadata_area(options)));
  }
};

// 64 rows at once do not fit the device.
TEST_F(DeviceArena, TellsAnOutOfMemoryDevice) {
  {
    const auto arena = make();
    EXPECT_THROW(static_cast<void>(arena->allocate()), OutOfMemory);
    EXPECT_EQ(arena->live(), 0U);
  }
  EXPECT_TRUE(driver->clean());
}

TEST_F(DeviceArena, GrowsShrinksAndNeverMoves) {
  options.row_bytes = 512;
  {
    const auto arena = make();
    std::vector<Handle> handles(256);
    ASSERT_TRUE(arena->allocate_many(handles));
    const std::byte* row = arena->row(arena->index(handles[200]));
    for (std::size_t k = 0; k < 128; ++k) arena->release(handles[k]);
    arena->hold();
    EXPECT_EQ(arena->shrink(), 0U);  // a view would fault
    arena->end_hold();
    EXPECT_EQ(arena->shrink(), 128U * 512);
    EXPECT_EQ(arena->row(arena->index(handles[200])), row);
    EXPECT_EQ(arena->index(arena->allocate()), 0U);
  }
  EXPECT_TRUE(driver->clean());
}

TEST_F(DeviceArena, WithoutVirtualMemoryOneBlockStandsIn) {
  driver->mappable = false;
  options = {.row_bytes = 512, .capacity = 300, .poison = true};
  {
    const auto arena = make();
    EXPECT_EQ(driver->used, 300U * 512);
    std::vector<Handle> handles(300);
    ASSERT_TRUE(arena->allocate_many(handles));
    EXPECT_EQ(arena->allocate(), 0U);
    for (const Handle handle : handles) EXPECT_EQ(arena->release(handle), SlotStatus::kLive);
    EXPECT_EQ(arena->shrink(), 0U);
    EXPECT_NE(arena->allocate(), 0U);
    EXPECT_EQ(arena->statistics().poison_violations, 0U);
  }
  EXPECT_TRUE(driver->clean());
  options.capacity = 4096;
  EXPECT_THROW(make(), OutOfMemory);
  EXPECT_TRUE(driver->clean());
}

TEST_F(DeviceArena, FreesInStreamOrder) {
  options = {.row_bytes = 512, .capacity = 64};
  {
    const auto arena = make();
    DeviceEvents events(driver);
    slots::StreamOrder order(*arena, events, 2);
    const Handle first = order.allocate(1);
    const Handle second = order.allocate(1);
    order.release(first, 1);
    order.release(second, 1);
    EXPECT_EQ(order.poll(), 0U);
    driver->finished = true;
    EXPECT_EQ(order.poll(), 2U);
  }
  EXPECT_TRUE(driver->clean());
}

TEST(DeviceEvents, OneStreamFollowsAnotherAndNoEventIsLeft) {
  const auto driver = std::make_shared<FakeDriver>();
  {
    DeviceEvents events(driver);
    events.follow(7, 5);
    EXPECT_EQ(driver->held_back, std::vector<std::uintptr_t>{7});
    driver->fail_in = 1;
    EXPECT_THROW(events.follow(8, 5), Error);
  }
  EXPECT_TRUE(driver->clean());
}

}  // namespace
}  // namespace klg::cuda

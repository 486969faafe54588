#include "klg/core/host_reservation.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <limits>

#include "klg/core/error.hpp"

namespace klg {
namespace {

#if defined(__SANITIZE_THREAD__)
constexpr std::size_t kFar = std::size_t{1} << 38;  // 4 TiB do not fit beside its shadow
#else
constexpr std::size_t kFar = std::size_t{1} << 42;
#endif

TEST(HostReservation, ReservesFarMoreThanTheMachineHas) {
  HostReservation memory(kFar);
  EXPECT_EQ(memory.size(), kFar);
  const std::size_t far = memory.size() - memory.granularity();
  memory.commit(far, memory.granularity());
  memory.base()[memory.size() - 1] = std::byte{7};
  EXPECT_EQ(memory.base()[memory.size() - 1], std::byte{7});
}

TEST(HostReservation, CommittingAgainKeepsTheContents) {
  HostReservation memory(1);
  const std::size_t page = memory.granularity();
  EXPECT_EQ(memory.size(), page);
  memory.commit(0, page);
  memory.fill(0, page, std::byte{3});
  memory.commit(0, page);
  EXPECT_TRUE(memory.holds(0, page, std::byte{3}));
}

TEST(HostReservation, WhatWasGivenBackReadsAsZeros) {
  HostReservation memory(std::size_t{1} << 16);
  const std::size_t page = memory.granularity();
  memory.commit(0, 2 * page);
  memory.fill(0, 2 * page, std::byte{3});
  EXPECT_EQ(memory.decommit(page, page), page);
  EXPECT_TRUE(memory.holds(0, page, std::byte{3}));
  EXPECT_TRUE(memory.holds(page, page, std::byte{0}));
}

TEST(HostReservation, RefusesWhatCannotBeAddressed) {
  EXPECT_THROW(HostReservation(std::numeric_limits<std::size_t>::max()), OutOfMemory);
  EXPECT_THROW(HostReservation(std::size_t{1} << 60), OutOfMemory);
}

TEST(HostReservation, ACommitThatTheSystemRefusesIsAnError) {
  HostReservation memory(1);
  EXPECT_THROW(memory.commit(1, memory.granularity()), OutOfMemory);  // not at a page
}

}  // namespace
}  // namespace klg

// dropped_sources_test.cpp — whose packets were dropped, on a board that no flood can make useless or larger.
#include "dataplane/worker/dropped_sources.h"

#include <gtest/gtest.h>

#include <atomic>
#include <memory>
#include <thread>

namespace sallyport::dataplane {
namespace {

constexpr Timestamp kNow{1h};

PacketMeta from(const IpAddress& source, PortIndex port = PortIndex{0}) {
  PacketMeta meta;
  meta.source = source;
  meta.port = port;
  return meta;
}
PacketMeta from(std::uint32_t number, PortIndex port = PortIndex{0}) {
  return from(IpAddress::v4(0x0a000000 + number), port);
}

class DroppedSourcesTest : public ::testing::Test {
 protected:
  [[nodiscard]] std::vector<DroppedSource> seen(const PacketMeta& meta) const {
    std::vector<DroppedSource> found;
    board_->look_up(meta.source, found);
    return found;
  }
  std::unique_ptr<DroppedSources> board_ = std::make_unique<DroppedSources>(HashKey{1, 2});
};

TEST_F(DroppedSourcesTest, TellsHowManySinceWhenAndWhyLast) {
  const PacketMeta source = from(*IpAddress::parse("2001:db8::7"));
  EXPECT_TRUE(seen(source).empty());
  board_->note(kNow, source, DropReason::SourceRate);
  board_->note(kNow + 5s, source, DropReason::SourceRate);
  board_->note(kNow + 7s, source, DropReason::Blocked);
  const std::vector<DroppedSource> expected{
      {.port = PortIndex{0}, .reason = DropReason::Blocked, .packets = 3, .since = kNow, .last = kNow + 7s}};
  EXPECT_EQ(seen(source), expected);
  EXPECT_TRUE(seen(from(7)).empty());
}

TEST_F(DroppedSourcesTest, KeepsTheSameAddressOnTwoPortsApart) {
  board_->note(kNow, from(1, PortIndex{0}), DropReason::SourceRate);
  board_->note(kNow, from(1, PortIndex{1}), DropReason::Denied);
  board_->note(kNow, from(1, PortIndex{1}), DropReason::Denied);
  auto found = seen(from(1));
  ASSERT_EQ(found.size(), 2U);
  if (found[0].port != PortIndex{0}) std::swap(found[0], found[1]);
  EXPECT_EQ(found[0].packets, 1U);
  EXPECT_EQ(found[1].packets, 2U);
}

TEST_F(DroppedSourcesTest, AMillionSourcesDoNotPushOutTheOneThatFloods) {
  for (std::uint32_t i = 0; i < 1'000'000; ++i) {
    const Timestamp now = kNow + std::chrono::microseconds(i);
    board_->note(now, from(i + 1), DropReason::UnknownRate);
    if (i % 64 == 0) board_->note(now, from(0), DropReason::SourceRate);
  }
  const auto found = seen(from(0));
  ASSERT_EQ(found.size(), 1U);
  EXPECT_GT(found[0].packets, 15'000U);
}

TEST_F(DroppedSourcesTest, ManyAtOnceCountAsOneAfterTheOther) {
  DroppedSources one_by_one(HashKey{1, 2});
  for (std::uint32_t i = 0; i < 3000; ++i) {
    const PacketMeta source = from(i % 700);
    const std::uint32_t packets = i % 7 + 1;
    board_->note(kNow, source, DropReason::SourceRate, packets);
    for (std::uint32_t k = 0; k < packets; ++k) one_by_one.note(kNow, source, DropReason::SourceRate);
  }
  for (std::uint32_t number = 0; number < 700; ++number) {
    std::vector<DroppedSource> expected;
    one_by_one.look_up(from(number).source, expected);
    EXPECT_EQ(seen(from(number)), expected) << number;
  }
}

TEST_F(DroppedSourcesTest, WhoWasQuietForAMinuteMakesRoom) {
  for (std::uint32_t i = 0; i < 5000; ++i)
    for (int times = 0; times < 100; ++times) board_->note(kNow, from(i), DropReason::SourceRate);
  board_->note(kNow + 61s, from(9999), DropReason::Denied);
  EXPECT_EQ(seen(from(9999)).size(), 1U);
}

TEST_F(DroppedSourcesTest, NobodyReadsOneAddressWithTheCountOfAnother) {
  std::atomic<bool> ends{false};
  std::thread lcore([&] {
    for (std::uint64_t i = 0; !ends.load(std::memory_order_relaxed); ++i) {
      const auto number = static_cast<std::uint32_t>(i / 3 % 1000);
      board_->note(kNow + std::chrono::seconds(i * 61), from(number),
                   number % 2 == 0 ? DropReason::Denied : DropReason::Blocked);
    }
  });
  for (int i = 0; i < 3000; ++i)
    for (const std::uint32_t number : {0U, 1U})
      for (const DroppedSource& one : seen(from(number))) EXPECT_GE(one.last, one.since);
  ends.store(true);
  lcore.join();
}

TEST(DroppedSourcesReasons, AreThoseThatDependOnTheSource) {
  EXPECT_TRUE(is_of_source(DropReason::SourceRate));
  EXPECT_TRUE(is_of_source(DropReason::StrangerShareFull));
  EXPECT_TRUE(is_of_source(DropReason::LcoreStrangerShareFull));
  EXPECT_TRUE(is_of_source(DropReason::PeerRate));
  EXPECT_FALSE(is_of_source(DropReason::NoBuffer));
  EXPECT_FALSE(is_of_source(DropReason::RuntFrame));
}

}  // namespace
}  // namespace sallyport::dataplane

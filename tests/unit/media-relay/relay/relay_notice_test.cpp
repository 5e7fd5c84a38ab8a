// relay_notice_test.cpp — reports, silence, quality: what signalling is told of a stream.
#include "tests/unit/media-relay/relay/relay_fixture.h"
#include "tests/unit/media-relay/wire/rtcp_builder.h"

namespace sallyport::media {
namespace {

using Kind = MediaNotice::Kind;

class RelayNoticeTest : public RelayTest {
 protected:
  // Voice of the caller, and of the callee too when `both`.
  void talk(Duration time, bool both = true) {
    for (const Timestamp end = now + time; now < end; now += 20ms) {
      (void)from_caller(rtp({.sequence = sequence, .timestamp = 160u * sequence}));
      if (both) (void)from_callee(rtp({.sequence = sequence, .timestamp = 160u * sequence}));
      ++sequence;
      relay.on_tick(now, notices);
    }
  }
  std::uint16_t sequence = 0;
};

TEST_F(RelayNoticeTest, ReportsEveryFiveSecondsWhileFiguresChange) {
  open();
  talk(21s);
  EXPECT_EQ(notices.count(Kind::Report), 4u);
  pass(6s);
  const std::size_t reports = notices.count(Kind::Report);
  pass(30s);
  EXPECT_EQ(notices.count(Kind::Report), reports);
  talk(6s);
  EXPECT_EQ(notices.count(Kind::Report), reports + 1);
}

TEST_F(RelayNoticeTest, ReportsWhatEachSideSent) {
  open();
  talk(4s, false);
  close();
  pass(4s);
  const MediaNotice* const last = notices.last(Kind::Final);
  ASSERT_NE(last, nullptr);
  EXPECT_EQ(last->sides[0].packets, 200u);
  EXPECT_EQ(last->sides[0].bytes, 200u * 172u);
  EXPECT_EQ(last->sides[0].lost, 0u);
  EXPECT_EQ(last->sides[0].payload_type, 0);
  EXPECT_NEAR(last->sides[0].mos_times_100, 440, 3);
  EXPECT_LE(last->sides[0].jitter_us, 200u);
  EXPECT_EQ(to_string(last->sides[0].remote), "192.0.2.10:4000");
  EXPECT_EQ(last->sides[1].packets, 0u);
  EXPECT_EQ(last->sides[1].payload_type, 0xff);
  EXPECT_EQ(last->sides[1].mos_times_100, 0);
  EXPECT_EQ(last->sides[1].remote.port, 0);
}

TEST_F(RelayNoticeTest, CountsLossAndItCostsQuality) {
  open();
  for (std::uint16_t i = 0; i < 500; ++i, now += 20ms)
    if (i % 10 != 5) (void)from_caller(rtp({.sequence = i, .timestamp = 160u * i}));
  close();
  pass(4s);
  EXPECT_EQ(notices.last(Kind::Final)->sides[0].lost, 50u);
  EXPECT_LT(notices.last(Kind::Final)->sides[0].mos_times_100, 360);
}

TEST_F(RelayNoticeTest, TonesAreNotVoice) {
  open();
  talk(1s);
  for (std::uint16_t i = 0; i < 20; ++i, now += 20ms)
    (void)from_caller(rtp({.payload_type = 101, .sequence = sequence++, .timestamp = 8000, .voice = 4}));
  close();
  pass(4s);
  EXPECT_EQ(notices.last(Kind::Final)->sides[0].payload_type, 0);
  EXPECT_LE(notices.last(Kind::Final)->sides[0].jitter_max_us, 200u);
  EXPECT_EQ(notices.last(Kind::Final)->sides[0].lost, 0u);
  EXPECT_EQ(notices.last(Kind::Final)->sides[0].packets, 70u);
}

TEST_F(RelayNoticeTest, TellsOfSilenceOnceUntilTheSideSendsAgain) {
  command.sides[0].inactivity = 10s;
  command.sides[1].inactivity = 0s;
  open();
  talk(5s);
  pass(9s);
  EXPECT_EQ(notices.count(Kind::Silent), 0u);
  pass(1200ms);
  ASSERT_EQ(notices.count(Kind::Silent), 1u);
  EXPECT_EQ(notices.last(Kind::Silent)->side, StreamSide::Caller);
  pass(60s);
  EXPECT_EQ(notices.count(Kind::Silent), 1u);
  talk(1s);
  pass(11s);
  EXPECT_EQ(notices.count(Kind::Silent), 2u);
}

TEST_F(RelayNoticeTest, TellsOfASideThatNeverSent) {
  command.sides[0].inactivity = 10s;
  command.sides[1].inactivity = 10s;
  open();
  pass(10200ms);
  EXPECT_EQ(notices.count(Kind::Silent), 2u);
}

TEST_F(RelayNoticeTest, SilenceOnHoldIsExpectedAndCountsFromItsEnd) {
  command.sides[0].inactivity = 10s;
  command.sides[1].inactivity = 0s;
  command.sides[0].expects_packets = false;
  open();
  pass(60s);
  EXPECT_EQ(notices.count(Kind::Silent), 0u);
  command.sides[0].expects_packets = true;
  update();
  pass(9900ms);
  EXPECT_EQ(notices.count(Kind::Silent), 0u);
  pass(400ms);
  EXPECT_EQ(notices.count(Kind::Silent), 1u);
}

TEST_F(RelayNoticeTest, ReportsAndWhatIsNotRelayedAreSignsOfLife) {
  command.sides[0].inactivity = 10s;
  command.sides[1].inactivity = 10s;
  command.sides[0].may_send = false;
  open();
  for (int i = 0; i < 10; ++i) {
    (void)from_caller(rtp());
    (void)packet_to(kInsideAddress, 20129, "10.0.0.20:5001", RtcpBuilder().receiver_report(1).packet);
    pass(5s);
  }
  EXPECT_EQ(notices.count(Kind::Silent), 0u);
}

TEST_F(RelayNoticeTest, AStrangerIsNoSignOfLife) {
  command.sides[0].inactivity = 10s;
  command.sides[1].inactivity = 0s;
  open();
  for (int i = 0; i < 11; ++i) {
    (void)from_caller(rtp(), "203.0.113.5:1");
    pass(1s);
  }
  EXPECT_EQ(notices.count(Kind::Silent), 1u);
}

TEST_F(RelayNoticeTest, DroppedPacketsAreCountedInTheReport) {
  open();
  (void)from_caller(rtp());
  (void)from_caller(rtp({.payload_type = 8}));
  (void)from_caller(rtp(), "203.0.113.5:1");
  close();
  pass(4s);
  EXPECT_EQ(notices.last(Kind::Final)->sides[0].dropped, 2u);
}

class ManyStreamsTest : public RelayTest {
 protected:
  Relay many{setup(20'000)};
};

TEST_F(ManyStreamsTest, EachIsServedInTime) {
  constexpr std::uint32_t kStreams = 10'000;
  for (std::uint32_t i = 0; i < kStreams; ++i) {
    command = open_command();
    command.key = {i, 0};
    for (MediaSideSettings& side : command.sides) {
      side.local.port = static_cast<std::uint16_t>(20'000 + i * 4);
      side.inactivity = 10s;
    }
    many.apply(now, command);
  }
  EXPECT_EQ(many.counters().commands_refused.value(), 0u);
  for (int i = 0; i < 9900; ++i) many.on_tick(now += 1ms, notices);
  EXPECT_EQ(notices.count(Kind::Silent), 0u);
  for (int i = 0; i < 600; ++i) many.on_tick(now += 1ms, notices);
  EXPECT_EQ(notices.count(Kind::Silent), 2u * kStreams);
}

// Threats, section 6: whoever judges a BYE wants to know now who is still sending.
TEST_F(RelayNoticeTest, TellsItsFiguresAtOnceWhenAsked) {
  open();
  talk(1s);
  EXPECT_EQ(notices.count(Kind::Report), 0u);
  send(MediaCommand::Kind::Ask);
  relay.on_tick(now, notices);
  ASSERT_EQ(notices.count(Kind::Report), 1u);
  const MediaNotice first = *notices.last(Kind::Report);
  EXPECT_EQ(first.key, command.key);
  EXPECT_EQ(first.shard, command.shard);
  EXPECT_EQ(first.sides[0].packets, 50u);
  EXPECT_EQ(first.sides[1].packets, 50u);
  now += 1ms;
  relay.on_tick(now, notices);
  EXPECT_EQ(notices.count(Kind::Report), 1u) << "once";
  talk(100ms, false);
  send(MediaCommand::Kind::Ask);
  relay.on_tick(now, notices);
  EXPECT_EQ(notices.last(Kind::Report)->sides[0].packets, 55u);
  EXPECT_EQ(notices.last(Kind::Report)->sides[1].packets, 50u);
}

TEST_F(RelayNoticeTest, TellsWhenAskedThoughNothingHasChanged) {
  open();
  pass(100ms);
  send(MediaCommand::Kind::Ask);
  pass(10ms);
  EXPECT_EQ(notices.count(Kind::Report), 1u) << "nothing at all came";
  send(MediaCommand::Kind::Ask);
  pass(10ms);
  EXPECT_EQ(notices.count(Kind::Report), 2u);
}

TEST_F(RelayNoticeTest, AsksOnceMoreWhenTheSinkWasFull) {
  open();
  talk(100ms);
  notices.room = 0;
  send(MediaCommand::Kind::Ask);
  pass(10ms);
  EXPECT_EQ(notices.count(Kind::Report), 0u);
  notices.room = 100;
  pass(10ms);
  EXPECT_EQ(notices.count(Kind::Report), 1u);
}

TEST_F(RelayNoticeTest, TellsNothingOfAStreamThatIsUnknownOrClosed) {
  send(MediaCommand::Kind::Ask);
  pass(10ms);
  EXPECT_EQ(notices.count(Kind::Report), 0u);
  EXPECT_EQ(relay.counters().commands_refused.value(), 1u);
  command.kind = MediaCommand::Kind::Open;
  open();
  send(MediaCommand::Kind::Ask);
  close();
  send(MediaCommand::Kind::Ask);
  pass(1s);
  EXPECT_EQ(notices.count(Kind::Report), 0u) << "its Final is the next that is told";
  pass(4s);
  EXPECT_EQ(notices.count(Kind::Final), 1u);
  EXPECT_EQ(relay.counters().commands_refused.value(), 2u);
}

}  // namespace
}  // namespace sallyport::media

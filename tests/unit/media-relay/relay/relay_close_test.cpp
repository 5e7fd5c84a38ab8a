// relay_close_test.cpp — the end of a stream: what still comes, the last figures, ports in quarantine;
// commands that cannot be (threats D9, M9).
#include "policy/model/sbc_config.h"
#include "tests/unit/media-relay/relay/relay_fixture.h"

namespace sallyport::media {
namespace {

TEST_F(RelayTest, StopsBothWaysAtClose) {
  open();
  (void)from_caller(rtp());
  (void)from_callee(rtp());
  close();
  EXPECT_EQ(fate(from_caller(rtp())), "closed");
  EXPECT_EQ(fate(from_callee(rtp())), "closed");
}

TEST_F(RelayTest, CountsWhatAPartySendsAfterCloseButNoStranger) {
  open();
  (void)from_caller(rtp(), "192.0.2.10:4000");
  close();
  for (int i = 0; i < 7; ++i) (void)from_caller(rtp());
  for (int i = 0; i < 9; ++i) EXPECT_EQ(fate(from_caller(rtp(), "203.0.113.5:4000")), "foreign_source");
  EXPECT_EQ(fate(packet_to(kOutsideAddress, 20001, "192.0.2.10:4001", rtp({.payload_type = 201}))), "closed");
  pass(kFinalAfter + 1s);
  const MediaNotice* const last = notices.last(MediaNotice::Kind::Final);
  ASSERT_NE(last, nullptr);
  EXPECT_EQ(last->sides[0].after_close_packets, 7u);
  EXPECT_EQ(last->sides[0].packets, 1u);
  EXPECT_EQ(last->sides[0].dropped, 0u);
  EXPECT_EQ(last->sides[1].after_close_packets, 0u);
}

TEST_F(RelayTest, TellsTheLastFiguresThreeSecondsAfterCloseAndNothingBehindThem) {
  open();
  (void)from_caller(rtp());
  close();
  pass(kFinalAfter - 10ms);
  EXPECT_EQ(notices.count(MediaNotice::Kind::Final), 0u);
  pass(200ms);
  ASSERT_EQ(notices.count(MediaNotice::Kind::Final), 1u);
  EXPECT_EQ(notices.all.back().kind, MediaNotice::Kind::Final);
  EXPECT_EQ(notices.all.back().shard, 9);
  EXPECT_EQ(notices.all.back().key, command.key);
  pass(60s);
  EXPECT_EQ(notices.count(MediaNotice::Kind::Final), 1u);
  EXPECT_EQ(notices.all.back().kind, MediaNotice::Kind::Final);
}

TEST_F(RelayTest, KeepsThePortsInQuarantineThenForgetsThem) {
  command.quarantine = 10s;
  open();
  close();
  pass(9990ms);
  EXPECT_EQ(fate(from_caller(rtp())), "closed");
  EXPECT_EQ(relay.counters().streams_closed.value(), 1u);
  pass(200ms);
  EXPECT_FALSE(relay.find(kOutsideAddress, 20000).is_flow());
  EXPECT_FALSE(relay.find(kOutsideAddress, 20001).is_flow());
  EXPECT_FALSE(relay.find(kInsideAddress, 20128).is_flow());
  EXPECT_FALSE(relay.find(kInsideAddress, 20129).is_flow());
  EXPECT_EQ(relay.counters().streams_closed.value(), 0u);
  EXPECT_EQ(relay.counters().streams_open.value(), 0u);
}

TEST_F(RelayTest, WaitsForTheLastFiguresWhenQuarantineIsShorter) {
  command.quarantine = 1s;
  open();
  close();
  pass(2900ms);
  EXPECT_TRUE(relay.find(kOutsideAddress, 20000).is_flow());
  pass(300ms);
  EXPECT_EQ(notices.count(MediaNotice::Kind::Final), 1u);
  EXPECT_FALSE(relay.find(kOutsideAddress, 20000).is_flow());
}

TEST_F(RelayTest, LosesNoNoticeWhenThereIsNoRoomForIt) {
  command.sides[0].remote = endpoint("192.168.1.5:7000");
  notices.room = 0;
  open();
  for (std::uint16_t i = 0; i < 10; ++i) (void)from_caller(rtp({.sequence = i}));
  pass(10s);
  close();
  pass(20s);
  EXPECT_TRUE(relay.find(kOutsideAddress, 20000).is_flow());
  notices.room = 100;
  pass(1s);
  ASSERT_EQ(notices.count(MediaNotice::Kind::Final), 1u);
  EXPECT_EQ(notices.last(MediaNotice::Kind::Final)->sides[0].packets, 10u);
  EXPECT_EQ(notices.all.back().kind, MediaNotice::Kind::Final);
  pass(1s);
  EXPECT_FALSE(relay.find(kOutsideAddress, 20000).is_flow());
}

// M9: no packet of one call reaches the next one on the same ports.
TEST_F(RelayTest, NextCallOnTheSamePortsStartsFromNothing) {
  open();
  for (std::uint16_t i = 0; i < 10; ++i) (void)from_caller(rtp({.sequence = i}));
  close();
  pass(11s);
  command = open_command();
  command.key = {78, 0};
  command.sides[0].remote = endpoint("192.0.2.99:4000");
  command.sides[0].signalled = parse_address("192.0.2.99");
  open();
  EXPECT_EQ(fate(from_caller(rtp(), "192.0.2.10:4000")), "foreign_source");
  EXPECT_EQ(fate(from_caller(rtp(), "192.0.2.99:4000")), "relayed");
  close();
  pass(5s);
  EXPECT_EQ(notices.last(MediaNotice::Kind::Final)->key, command.key);
  EXPECT_EQ(notices.last(MediaNotice::Kind::Final)->sides[0].packets, 1u);
  EXPECT_EQ(notices.last(MediaNotice::Kind::Final)->sides[0].dropped, 1u);
}

TEST_F(RelayTest, OpensAsManyStreamsAsItWasToldAndRefusesTheNext) {
  for (std::uint16_t i = 0; i < 9; ++i) {
    command = open_command();
    command.key = {100u + i, 0};
    for (MediaSideSettings& side : command.sides)
      side.local.port = static_cast<std::uint16_t>(side.local.port + 2 * i);
    open();
  }
  EXPECT_EQ(relay.counters().streams_open.value(), 8u);
  EXPECT_EQ(relay.counters().commands_refused.value(), 1u);
  EXPECT_FALSE(relay.find(kOutsideAddress, 20016).is_flow());
}

TEST_F(RelayTest, UsesTheRoomOfClosedStreamsAgain) {
  for (std::uint32_t i = 0; i < 100; ++i) {
    command = open_command();
    command.key = {i, 0};
    command.quarantine = 0s;
    open();
    close();
    pass(4s);
  }
  EXPECT_EQ(relay.counters().commands_refused.value(), 0u);
  EXPECT_EQ(notices.count(MediaNotice::Kind::Final), 100u);
}

TEST_F(RelayTest, RefusesCommandsThatCannotBe) {
  std::uint64_t refused = 0;
  const auto refuses = [&](const char* what, auto spoil) {
    MediaCommand bad = open_command();
    spoil(bad);
    relay.apply(now, bad);
    EXPECT_EQ(relay.counters().commands_refused.value(), ++refused) << what;
  };
  refuses("no such stream", [](MediaCommand& c) { c.kind = MediaCommand::Kind::Update; });
  refuses("no such stream", [](MediaCommand& c) { c.kind = MediaCommand::Kind::Close; });
  refuses("no such realm", [](MediaCommand& c) { c.sides[0].realm = RealmIndex{7}; });
  refuses("no realm", [](MediaCommand& c) { c.sides[1].realm = RealmIndex::kNone; });
  refuses("not our address", [](MediaCommand& c) { c.sides[0].local.address = parse_address("192.0.2.1"); });
  refuses("another realm's address",
          [](MediaCommand& c) { c.sides[0].local.address = parse_address("10.0.0.1"); });
  refuses("odd port", [](MediaCommand& c) { c.sides[0].local.port = 20001; });
  refuses("no port", [](MediaCommand& c) { c.sides[0].local.port = 0; });
  refuses("too many payload types", [](MediaCommand& c) { c.sides[0].payload_count = kPayloadsMax + 1; });
  refuses("the same port twice", [](MediaCommand& c) { c.sides[0] = c.sides[1]; });
  open();
  refuses("ports in use", [](MediaCommand& c) { c.key = {5, 5}; });
  refuses("another stream's ports", [](MediaCommand& c) {
    c.kind = MediaCommand::Kind::Close;
    c.key = {5, 5};
  });
  refuses("sides exchanged", [](MediaCommand& c) {
    c.kind = MediaCommand::Kind::Close;
    std::swap(c.sides[0], c.sides[1]);
  });
  EXPECT_EQ(fate(from_caller(rtp())), "relayed");
  close();
  refuses("closed already", [](MediaCommand& c) { c.kind = MediaCommand::Kind::Close; });
  refuses("closed already", [](MediaCommand& c) { c.kind = MediaCommand::Kind::Update; });
}

// Both calls come from one host, as all calls of a trunk do.
TEST_F(RelayTest, WordsOfTheCallBeforeNeverReachTheNextAtItsPort) {
  command.quarantine = 4s;
  open();
  const RtpShape before{.ssrc = 0xaaaa};
  (void)from_caller(rtp(before));
  close();
  for (int i = 0; i < 40; ++i) {  // and goes on talking until the ports are given back
    (void)from_caller(rtp(before));
    pass(100ms);
  }
  pass(200ms);
  ASSERT_FALSE(relay.find(kOutsideAddress, 20000).is_flow());
  command = open_command();
  command.key = {78, 1};
  command.sides[0].remote = endpoint("192.0.2.10:4400");
  command.sides[0].remote_rtcp = endpoint("192.0.2.10:4401");
  open();
  for (int i = 0; i < 20; ++i) EXPECT_EQ(fate(from_caller(rtp(before))), "foreign_source");
  EXPECT_EQ(fate(from_caller(rtp({.ssrc = 0xbbbb}), "192.0.2.10:4400")), "relayed");
}

TEST_F(RelayTest, APhoneThatTalksInTheNextCallTooIsHeard) {
  command.quarantine = 4s;
  open();
  (void)from_caller(rtp({.ssrc = 0xaaaa}));
  close();
  for (int i = 0; i < 40; ++i) {
    (void)from_caller(rtp({.ssrc = 0xaaaa}));
    pass(100ms);
  }
  pass(200ms);
  command = open_command();
  command.key = {78, 1};
  command.sides[0].remote = endpoint("10.1.1.1:4000");  // behind a NAT: rank by the signalling's host
  open();
  EXPECT_EQ(fate(from_caller(rtp({.ssrc = 0xaaaa}))), "foreign_source");
  EXPECT_EQ(fate(from_caller(rtp({.ssrc = 0xbbbb}))), "relayed");
}

TEST_F(RelayTest, GivesPortsBackToThePoolWhenTheyLeadNowhere) {
  SbcConfig config;
  config.realms.resize(2);
  config.realms[0].media.addresses = {parse_address("198.51.100.1")};
  config.realms[1].media.addresses = {parse_address("10.0.0.1")};
  PortPool pool(config, HashKey{3, 4});
  RelaySetup made = setup();
  made.ports = &pool;
  Relay with_pool(made);
  const auto ports =
      pool.take(kOutside, command.sides[0].local.address, kInside, command.sides[1].local.address);
  ASSERT_TRUE(ports);
  command.sides[0].local = ports->caller;
  command.sides[1].local = ports->callee;
  with_pool.apply(now, command);
  command.kind = MediaCommand::Kind::Close;
  with_pool.apply(now, command);
  for (int i = 0; i < 98; ++i) with_pool.on_tick(now += 100ms, notices);
  EXPECT_EQ(pool.use(kOutside).taken, 1u);
  EXPECT_EQ(pool.use(kInside).taken, 1u);
  for (int i = 0; i < 10; ++i) with_pool.on_tick(now += 100ms, notices);
  EXPECT_EQ(pool.use(kOutside).taken, 0u);
  EXPECT_EQ(pool.use(kInside).taken, 0u);
  EXPECT_FALSE(with_pool.find(kOutsideAddress, ports->caller.port).is_flow());
}

}  // namespace
}  // namespace sallyport::media

// relay_srtp_keys_test.cpp — keys that come, change and go while a call lasts, and what outlives a restart:
// RFC 3711 §3.3.1, §8, §9, RFC 4568 §7.1.4.
#include <utility>

#include "tests/unit/media-relay/relay/srtp_phone.h"

namespace sallyport::media {
namespace {

SrtpProgress::Source only_source(const SrtpProgress& progress) {
  EXPECT_EQ(progress.sources.size(), 1u);
  return progress.sources[0];
}

TEST_F(RelaySrtpTest, PassesNothingBeforeBothKeysAreKnown) {
  command.keys[0].theirs_number = 0;
  open();
  EXPECT_EQ(relay.counters().commands_refused.value(), 0u);
  EXPECT_EQ(voice_of_caller(1), "srtp_no_key");
  EXPECT_FALSE(voice_to_caller(1).empty());
  command.keys[0].theirs_number = 1;
  command.keys[0].ours_number = 0;
  update();
  EXPECT_EQ(voice_of_caller(2), "relayed");
  EXPECT_EQ(fate(from_callee(rtp({.sequence = 2, .ssrc = 0x22222222}))), "srtp_no_key");
}

TEST_F(RelaySrtpTest, WithoutAnEngineNothingPassesInTheClear) {
  RelaySetup made = setup();
  made.srtp.reset();
  Relay without(made);
  without.apply(now, command);
  EXPECT_EQ(without.counters().commands_refused.value(), 1u);
  EXPECT_EQ(without.counters().streams_open.value(), 1u);
  Octets packet = rtp();
  packet.resize(300);
  EXPECT_EQ(fate(without.on_packet(now, without.find(kOutsideAddress, 20000), endpoint("192.0.2.10:4000"),
                                   std::span(packet).first(172), packet.size())),
            "srtp_no_key");
  EXPECT_EQ(fate(without.on_packet(now, without.find(kInsideAddress, 20128), endpoint("10.0.0.20:5000"),
                                   std::span(packet).first(172), packet.size())),
            "srtp_no_key");
  command.kind = MediaCommand::Kind::Close;
  without.apply(now, command);
  EXPECT_EQ(without.counters().streams_open.value(), 0u);
  EXPECT_EQ(without.counters().streams_secured.value(), 0u);
}

TEST_F(RelaySrtpTest, AKeyThatFindsNoRoomLeavesNothingInTheClear) {
  command.keys[0].ours.mki_bytes = 255;  // no engine takes it
  open();
  EXPECT_EQ(relay.counters().commands_refused.value(), 1u);
  EXPECT_EQ(fate(from_callee(rtp())), "srtp_no_key");
  EXPECT_EQ(voice_of_caller(1), "relayed");
  command.keys[0].ours.mki_bytes = 0;  // the same number: it is tried again
  update();
  EXPECT_EQ(relay.counters().commands_refused.value(), 1u);
  EXPECT_FALSE(voice_to_caller(1).empty());
}

TEST_F(RelaySrtpTest, CountsStreamsThatAreSecuredNow) {
  open();
  EXPECT_EQ(relay.counters().streams_secured.value(), 1u);
  command.keys[0].is_secured = false;
  update();
  EXPECT_EQ(relay.counters().streams_secured.value(), 0u);
  EXPECT_EQ(fate(from_caller(rtp())), "relayed");
  EXPECT_EQ(relayed, rtp());
  command.keys[1] = command.keys[0];
  command.keys[1].is_secured = true;
  update();
  EXPECT_EQ(relay.counters().streams_secured.value(), 1u);
  close();
  EXPECT_EQ(relay.counters().streams_secured.value(), 0u);
  EXPECT_EQ(fate(from_caller(rtp())), "closed");
}

TEST_F(RelaySrtpTest, ASlotIsUsedAgainWithoutTheKeysOfBefore) {
  open();
  EXPECT_EQ(voice_of_caller(1), "relayed");
  close();
  pass(11s);
  command.kind = MediaCommand::Kind::Open;
  command.key.call = 78;
  secure(0, 31);
  open();
  EXPECT_EQ(relay.counters().commands_refused.value(), 0u);
  EXPECT_EQ(voice_of_caller(1), "relayed");
  EXPECT_EQ(fate(from_caller(rtp({.sequence = 9}))), "srtp_bad_tag");
}

TEST_F(RelaySrtpTest, ManyCallsLeaveNoContextBehind) {
  for (std::uint32_t i = 0; i < 500; ++i) {
    command.kind = MediaCommand::Kind::Open;
    command.key.call = 100 + i;
    secure(0, i * 4);
    secure(1, i * 4 + 2);
    open();
    secure(0, i * 4 + 1);
    update();
    close();
    pass(11s);
  }
  EXPECT_EQ(relay.counters().commands_refused.value(), 0u);
}

// RFC 3711 §8.1, §3.3.1: packets on their way under the old key count for a moment.
TEST_F(RelaySrtpTest, ReKeysInMidStreamWithoutLosingAPacket) {
  open();
  std::uint16_t i = 65500;
  for (; i != 100; ++i) {  // through a wrap: ROC 1
    EXPECT_EQ(voice_of_caller(i), "relayed");
    EXPECT_FALSE(voice_to_caller(i).empty());
  }
  std::vector<Octets> late;
  for (; i < 105; ++i) late.push_back(caller.seal(rtp({.sequence = i})));
  const SrtpKey theirs = srtp_key(41), ours = srtp_key(42);
  command.keys[0].theirs = theirs;
  command.keys[0].ours = ours;
  ++command.keys[0].theirs_number;
  ++command.keys[0].ours_number;
  update();
  caller.go_on_with(theirs, ours);
  EXPECT_EQ(voice_of_caller(110), "relayed");
  for (const Octets& packet : late) EXPECT_EQ(fate(from_caller(packet)), "relayed");
  for (const Octets& packet : late) EXPECT_EQ(fate(from_caller(packet)), "srtp_bad_tag");  // by the new one
  for (i = 111; i < 200; ++i) {
    EXPECT_EQ(voice_of_caller(i), "relayed");
    EXPECT_FALSE(voice_to_caller(i).empty()) << to_string(caller.result);
  }
}

TEST_F(RelaySrtpTest, TheOldKeyIsWorthNothingAfterAMoment) {
  open();
  EXPECT_EQ(voice_of_caller(1), "relayed");
  std::vector<Octets> late;
  for (std::uint16_t i = 2; i < 6; ++i) late.push_back(caller.seal(rtp({.sequence = i})));
  secure(0, 41);
  update();
  EXPECT_EQ(fate(from_caller(late[0])), "relayed");
  pass(1900ms);
  EXPECT_EQ(fate(from_caller(late[1])), "relayed");
  now += 200ms;  // by the clock alone, and when it was closed
  EXPECT_EQ(fate(from_caller(late[2])), "srtp_bad_tag");
  pass(1s);
  EXPECT_EQ(fate(from_caller(late[3])), "srtp_bad_tag");
  EXPECT_EQ(voice_of_caller(7), "relayed");
}

// Many begin all anew with a new key, whatever RFC 3711 says.
TEST_F(RelaySrtpTest, HearsWhoBeginsItsCounterAnewUnderANewKey) {
  open();
  for (std::uint32_t i = 65000; i < 66000; ++i)
    EXPECT_EQ(voice_of_caller(static_cast<std::uint16_t>(i)), "relayed");
  secure(0, 41);  // ROC 0 again
  update();
  EXPECT_EQ(voice_of_caller(464), "relayed");
  EXPECT_EQ(voice_of_caller(465), "relayed");
  secure(0, 51);  // and with numbers that were before
  update();
  now += 1s;
  EXPECT_EQ(voice_of_caller(300), "relayed");
  EXPECT_EQ(voice_of_caller(301), "relayed");
}

TEST_F(RelaySrtpTest, AKeyThatComesAgainBeginsNothingAnew) {
  open();
  const Octets first = caller.seal(rtp({.sequence = 1}));
  EXPECT_EQ(fate(from_caller(first)), "relayed");
  const MediaKeys kept = command.keys[0];
  ++command.keys[0].theirs_number;  // the same key under another number
  ++command.keys[0].ours_number;
  update();
  EXPECT_EQ(fate(from_caller(first)), "srtp_replayed");
  EXPECT_EQ(voice_of_caller(2), "relayed");
  SrtpPhone old = std::exchange(caller, SrtpPhone());
  secure(0, 41);
  update();
  EXPECT_EQ(voice_of_caller(3), "relayed");
  pass(3s);
  command.keys[0].theirs = kept.theirs;  // back to the first: what was recorded then is no news
  command.keys[0].ours = kept.ours;
  command.keys[0].theirs_number += 7;
  command.keys[0].ours_number += 7;
  update();
  EXPECT_EQ(fate(from_caller(first)), "srtp_replayed");
  now += 1s;
  EXPECT_EQ(fate(from_caller(first)), "srtp_replayed");
  EXPECT_EQ(fate(from_caller(old.seal(rtp({.sequence = 4})))), "relayed");
}

TEST_F(RelaySrtpTest, OurKeyStreamIsNeverUsedTwiceWhicheverKeysFollowEachOther) {
  open();
  EXPECT_FALSE(voice_to_caller(10).empty());
  const MediaKeys kept = command.keys[0];
  command.keys[0].ours = srtp_key(42);
  ++command.keys[0].ours_number;
  update();
  EXPECT_EQ(fate(from_callee(rtp({.sequence = 11, .ssrc = 0x22222222}))), "relayed");
  command.keys[0].ours = kept.ours;
  ++command.keys[0].ours_number;
  update();
  EXPECT_EQ(fate(from_callee(rtp({.sequence = 10, .ssrc = 0x22222222}))), "srtp_replayed");
  command.keys[0].is_secured = false;  // in the clear for a while
  update();
  EXPECT_EQ(fate(from_callee(rtp({.sequence = 12, .ssrc = 0x22222222}))), "relayed");
  command.keys[0].is_secured = true;
  update();
  EXPECT_EQ(fate(from_callee(rtp({.sequence = 10, .ssrc = 0x22222222}))), "srtp_replayed");
  EXPECT_EQ(voice_to_caller(13), rtp({.sequence = 13, .ssrc = 0x22222222}));
}

// RFC 3711 §9.1: under one key no number twice.
TEST_F(RelaySrtpTest, ASenderThatBeginsItsNumbersAnewIsNumberedOn) {
  open();
  for (std::uint16_t i = 20000; i < 20100; ++i) EXPECT_FALSE(voice_to_caller(i).empty());
  std::size_t lost = 0;
  std::uint16_t last = 20099;
  for (std::uint16_t i = 500; i < 600; ++i) {
    const Octets heard = voice_to_caller(i);
    if (heard.empty()) {
      ++lost;
      continue;
    }
    EXPECT_EQ(read_u16(heard.data() + 2), last + 1);
    last = read_u16(heard.data() + 2);
    EXPECT_EQ(Octets(heard.begin() + 4, heard.end()), [] {
      const Octets all = rtp({.ssrc = 0x22222222});
      return Octets(all.begin() + 4, all.end());
    }());
  }
  EXPECT_EQ(lost, kRefusedInARow - 1u);
  // And once more, below that.
  for (std::uint16_t i = 100; i < 200; ++i) lost += voice_to_caller(i).empty() ? 1 : 0;
  EXPECT_EQ(lost, 2 * (kRefusedInARow - 1u));
}

TEST_F(RelaySrtpTest, PacketsThatComeLateOrTwiceChangeNoNumbers) {
  open();
  for (std::uint16_t i = 1000; i < 1200; ++i) {
    EXPECT_FALSE(voice_to_caller(i).empty());
    (void)from_callee(rtp({.sequence = i, .ssrc = 0x22222222}));
    (void)from_callee(rtp({.sequence = static_cast<std::uint16_t>(i - 200), .ssrc = 0x22222222}));
  }
  EXPECT_EQ(voice_to_caller(1200), rtp({.sequence = 1200, .ssrc = 0x22222222}));
}

TEST_F(RelaySrtpTest, GoesOnThroughHoldChangeOfSourceAndReturn) {
  open();
  for (std::uint32_t i = 65530; i < 65550; ++i)
    EXPECT_EQ(voice_of_caller(static_cast<std::uint16_t>(i)), "relayed");
  command.sides[0].may_send = false;
  update();
  for (std::uint16_t i = 14; i < 40; ++i) EXPECT_EQ(voice_of_caller(i), "wrong_direction");
  command.sides[0].may_send = true;
  update();
  EXPECT_EQ(voice_of_caller(40), "relayed");
  for (std::uint16_t i = 9000; i < 9010; ++i) EXPECT_EQ(voice_of_caller(i, 0xabcd), "relayed");
  EXPECT_EQ(voice_of_caller(41), "relayed");  // ROC 1 is not forgotten
  for (std::uint32_t ssrc = 10; ssrc < 20; ++ssrc) EXPECT_EQ(voice_of_caller(1, ssrc), "relayed");
  EXPECT_EQ(voice_of_caller(42), "relayed");  // nor after it was put away
}

TEST_F(RelaySrtpTest, WrapsTwiceBothWays) {
  open();
  for (std::uint32_t i = 1; i < 150000; i += 97) {
    const auto number = static_cast<std::uint16_t>(i);
    ASSERT_EQ(voice_of_caller(number), "relayed") << i;
    ASSERT_FALSE(voice_to_caller(number).empty()) << i;
  }
}

TEST_F(RelaySrtpTest, GoesOnAfterARestart) {
  open();
  for (std::uint32_t i = 65000; i < 66000; ++i) {
    EXPECT_EQ(voice_of_caller(static_cast<std::uint16_t>(i)), "relayed");
    EXPECT_FALSE(voice_to_caller(static_cast<std::uint16_t>(i)).empty());
  }
  const Octets report = RtcpBuilder().sender_report(0x11111111, 1, {Block{}}).packet;
  const Octets answer = RtcpBuilder().receiver_report(0x22222222, {Block{.ssrc = 0x11111111}}).packet;
  for (int i = 0; i < 3; ++i) {
    const Octets sealed = caller.seal(report, true);
    EXPECT_EQ(fate(packet_to(kOutsideAddress, 20001, "192.0.2.10:4001", sealed)), "relayed");
    EXPECT_EQ(fate(packet_to(kInsideAddress, 20129, "10.0.0.20:5001", answer)), "relayed");
    EXPECT_EQ(caller.open(relayed, true), answer);
  }
  const Octets recorded = caller.seal(rtp({.sequence = 464}));
  EXPECT_EQ(fate(from_caller(recorded)), "relayed");
  pass(6s);
  const MediaNotice& told = *notices.last(MediaNotice::Kind::Report);
  EXPECT_EQ(only_source(told.srtp_theirs[0]), (SrtpProgress::Source{0x11111111, 1, 3, 464, true}));
  EXPECT_EQ(only_source(told.srtp_ours[0]), (SrtpProgress::Source{0x22222222, 1, 3, 463, true}));
  EXPECT_TRUE(told.srtp_theirs[1].sources.empty());
  for (std::uint16_t i = 465; i < 700; ++i) {  // untold
    EXPECT_EQ(voice_of_caller(i), "relayed");
    EXPECT_FALSE(voice_to_caller(i).empty());
  }

  Relay again(setup());
  MediaCommand open_again = command;
  open_again.kind = MediaCommand::Kind::Open;
  open_again.keys[0].theirs_before = told.srtp_theirs[0];
  open_again.keys[0].ours_before = told.srtp_ours[0];
  open_again.sides[0].latched = endpoint("192.0.2.10:4000");
  again.apply(now, open_again);
  const auto send = [&](std::uint16_t own, std::uint16_t port, const std::string& source, Octets packet) {
    const std::size_t size = packet.size();
    packet.resize(size + 64);
    const RelayResult result = again.on_packet(now, again.find(own, port), endpoint(source),
                                               std::span(packet).first(size), packet.size());
    packet.resize(result.length);
    relayed = packet;
    return fate(result);
  };
  EXPECT_EQ(send(kOutsideAddress, 20000, "192.0.2.10:4000", recorded), "srtp_replayed");
  EXPECT_EQ(send(kOutsideAddress, 20000, "192.0.2.10:4000", caller.seal(rtp({.sequence = 700}))), "relayed");
  EXPECT_EQ(relayed, rtp({.sequence = 700}));
  EXPECT_EQ(send(kInsideAddress, 20128, "10.0.0.20:5000", rtp({.sequence = 700, .ssrc = 0x22222222})),
            "relayed");
  EXPECT_EQ(caller.open(relayed), rtp({.sequence = 700, .ssrc = 0x22222222}));
  EXPECT_EQ(send(kOutsideAddress, 20001, "192.0.2.10:4001", caller.seal(report, true)), "relayed");
  EXPECT_EQ(send(kInsideAddress, 20129, "10.0.0.20:5001", answer), "relayed");
  EXPECT_EQ(caller.open(relayed, true), answer);  // under an index that was never used
}

TEST_F(RelaySrtpTest, LearnedTellsHowFarItCame) {
  open();
  EXPECT_EQ(voice_of_caller(7), "relayed");
  pass(20ms);
  const MediaNotice* const told = notices.last(MediaNotice::Kind::Learned);
  ASSERT_NE(told, nullptr);
  EXPECT_EQ(told->srtp_theirs[0].sources[0], (SrtpProgress::Source{0x11111111, 0, 0, 7, true}));
}

// A restart within the seconds to the next report: who hears us would not read a counter that begins anew,
// and what was recorded in them could be played again.
TEST_F(RelaySrtpTest, ASourceThatIsNewIsToldAtOnce) {
  secure(1, 21);
  open();
  EXPECT_EQ(voice_of_caller(7), "relayed");
  pass(20ms);
  notices.all.clear();
  EXPECT_EQ(voice_of_caller(65530, 0x33333333), "relayed");
  EXPECT_FALSE(callee.open(relayed).empty());
  pass(20ms);
  ASSERT_EQ(notices.all.size(), 1u);
  const MediaNotice& told = notices.all.front();
  EXPECT_EQ(told.srtp_theirs[0].sources[0], (SrtpProgress::Source{0x33333333, 0, 0, 65530, true}));
  EXPECT_EQ(told.srtp_ours[1].sources[0], (SrtpProgress::Source{0x33333333, 0, 0, 65530, true}));
  for (std::uint32_t i = 65531; i < 65536 + 100; ++i) {  // the counter rolls over, and nobody is told of it
    EXPECT_EQ(voice_of_caller(static_cast<std::uint16_t>(i), 0x33333333), "relayed");
    EXPECT_FALSE(callee.open(relayed).empty());
  }

  Relay again(setup());
  MediaCommand open_again = command;
  open_again.kind = MediaCommand::Kind::Open;
  for (std::size_t side = 0; side < 2; ++side) {
    open_again.keys[side].theirs_before = told.srtp_theirs[side];
    open_again.keys[side].ours_before = told.srtp_ours[side];
  }
  again.apply(now, open_again);
  Octets packet = caller.seal(rtp({.sequence = 100, .ssrc = 0x33333333}));
  const std::size_t size = packet.size();
  packet.resize(size + 64);
  const RelayResult result =
      again.on_packet(now, again.find(kOutsideAddress, 20000), endpoint("192.0.2.10:4000"),
                      std::span(packet).first(size), packet.size());
  EXPECT_EQ(fate(result), "relayed");
  packet.resize(result.length);
  EXPECT_EQ(callee.open(packet), rtp({.sequence = 100, .ssrc = 0x33333333}));  // under ROC 1
}

TEST_F(RelaySrtpTest, ASourceOfAPlainSideIsToldAtOnceToo) {
  open();
  EXPECT_FALSE(voice_to_caller(7).empty());
  pass(20ms);
  notices.all.clear();
  EXPECT_FALSE(voice_to_caller(100, 0x44444444).empty());
  pass(20ms);
  ASSERT_EQ(notices.all.size(), 1u);
  EXPECT_EQ(notices.all.front().srtp_ours[0].sources[0], (SrtpProgress::Source{0x44444444, 0, 0, 100, true}));
}

TEST_F(RelaySrtpTest, SourcesWithoutEndAreNotToldOneByOne) {
  open();
  for (std::uint32_t i = 0; i < 100; ++i) {
    (void)from_callee(rtp({.sequence = 1, .ssrc = 0x50000000 + i}));
    pass(10ms);
  }
  EXPECT_LE(notices.all.size(), 9u);  // eight, and whom we learned
}

// Each source counts its reports for itself (RFC 3711 §3.4): what one of them has come to says nothing of
// another.
TEST_F(RelaySrtpTest, ReportsOfASecondSourceGoOnAfterARestart) {
  open();
  const auto report_of = [](std::uint32_t ssrc) {
    return RtcpBuilder().sender_report(ssrc, 1, {Block{}}).packet;
  };
  EXPECT_EQ(voice_of_caller(1), "relayed");
  for (int i = 0; i < 9; ++i)
    EXPECT_EQ(
        fate(packet_to(kOutsideAddress, 20001, "192.0.2.10:4001", caller.seal(report_of(0x11111111), true))),
        "relayed");
  EXPECT_EQ(voice_of_caller(1, 0x33333333), "relayed");
  pass(6s);
  const MediaNotice told = *notices.last(MediaNotice::Kind::Report);
  close();
  pass(20s);
  command.kind = MediaCommand::Kind::Open;
  command.keys[0].theirs_before = told.srtp_theirs[0];
  open();
  EXPECT_EQ(voice_of_caller(2), "relayed");
  EXPECT_EQ(voice_of_caller(2, 0x33333333), "relayed");
  for (const std::uint32_t ssrc : {0x33333333u, 0x11111111u})
    EXPECT_EQ(fate(packet_to(kOutsideAddress, 20001, "192.0.2.10:4001", caller.seal(report_of(ssrc), true))),
              "relayed");
}

// Plain calls have nothing to tell.
TEST_F(RelayTest, ASourceThatIsNewIsNotToldWithoutKeys) {
  open();
  EXPECT_EQ(fate(from_caller(rtp())), "relayed");
  pass(20ms);
  notices.all.clear();
  EXPECT_EQ(fate(from_caller(rtp({.ssrc = 0x33333333}))), "relayed");
  pass(20ms);
  EXPECT_TRUE(notices.all.empty());
}

}  // namespace
}  // namespace sallyport::media

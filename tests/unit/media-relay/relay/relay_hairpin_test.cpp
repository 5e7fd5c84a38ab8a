// relay_hairpin_test.cpp — from one of our streams into another: only where both name each other, and not
// round in circles. Threats M1, M9, M11.
#include "tests/unit/media-relay/relay/relay_fixture.h"
#include "tests/unit/media-relay/wire/rtcp_builder.h"

namespace sallyport::media {
namespace {

constexpr const char *kPhoneA = "192.0.2.10:4000", *kPhoneB = "192.0.2.30:6000";

Octets report() {
  RtcpBuilder builder;
  builder.sender_report(0x11111111, 1, {Block{}});
  return builder.packet;
}

// A call of phone A leads inside, where a proxy leads it back to us: a second call to phone B. Ours inside:
// 10.0.0.1:20128 of the first, 10.0.0.1:20256 of the second, which is the caller's side there.
class HairpinTest : public RelayTest {
 protected:
  HairpinTest() {
    name(command.sides[1], "10.0.0.1:20256", "10.0.0.1:20257");
    second.key = {78, 1};
    std::swap(second.sides[0], second.sides[1]);
    second.sides[0].local = endpoint("10.0.0.1:20256");
    name(second.sides[0], "10.0.0.1:20128", "10.0.0.1:20129");
    second.sides[1].local = endpoint("198.51.100.1:20384");
    name(second.sides[1], kPhoneB, "192.0.2.30:6001");
  }
  static void name(MediaSideSettings& side, const std::string& rtp, const std::string& rtcp) {
    side.remote = endpoint(rtp);
    side.remote_rtcp = endpoint(rtcp);
  }
  void open_both() {
    open();
    relay.apply(now, second);
  }
  // What became of a packet that came to us, in the end: "B" or where it left to; how often it came in again.
  std::string journey(RelayResult result) {
    hairpins = 0;
    while (result.kind == RelayResult::Kind::Forward) {
      const Outgoing by = relay.outgoing(result.out);
      if (!by.is_own) return to_string(by.destination);
      std::vector<std::uint8_t> payload = relayed;
      const std::size_t size = payload.size();
      payload.resize(size + 64);
      result = relay.on_own_packet(now, by, ++hairpins, std::span(payload).first(size), payload.size());
      payload.resize(result.kind == RelayResult::Kind::Forward ? result.length : size);
      relayed = payload;
      if (hairpins > 100) return "round and round";
    }
    return fate(result);
  }
  std::string from_phone_a(const std::vector<std::uint8_t>& packet, std::uint16_t port = 20000) {
    const char* const source = port % 2 == 0 ? kPhoneA : "192.0.2.10:4001";
    return journey(packet_to(kOutsideAddress, port, source, packet));
  }
  std::string from_phone_b(const std::vector<std::uint8_t>& packet, std::uint16_t port = 20384) {
    const char* const source = port % 2 == 0 ? kPhoneB : "192.0.2.30:6001";
    return journey(packet_to(kOutsideAddress, port, source, packet));
  }
  MediaCommand second = open_command();
  unsigned hairpins = 0;
};

TEST_F(HairpinTest, VoiceGoesThroughBothStreams) {
  open_both();
  for (std::uint16_t i = 0; i < 10; ++i) {
    EXPECT_EQ(from_phone_a(rtp({.sequence = i})), kPhoneB);
    EXPECT_EQ(hairpins, 1u);
    EXPECT_EQ(relayed, rtp({.sequence = i}));
    EXPECT_EQ(from_phone_b(rtp({.sequence = i, .ssrc = 0x2222})), kPhoneA);
  }
  pass(10s);
  for (const MediaNotice& notice : notices.all) {
    if (notice.kind != MediaNotice::Kind::Report) continue;
    EXPECT_EQ(notice.sides[0].packets, 10u);
    EXPECT_EQ(notice.sides[1].packets, 10u);
    EXPECT_EQ(notice.sides[0].dropped + notice.sides[1].dropped, 0u);
  }
}

TEST_F(HairpinTest, OnlyAnOwnAddressOfTheSameRealmIsOneOfOurs) {
  open_both();
  EXPECT_TRUE(relay.outgoing(from_caller(rtp()).out).is_own);
  command.sides[1].remote = endpoint("198.51.100.1:20384");  // ours, in the other realm
  update();
  const RelayResult other_realm = from_caller(rtp());
  EXPECT_EQ(fate(other_realm), "relayed");
  EXPECT_FALSE(relay.outgoing(other_realm.out).is_own);
}

TEST_F(HairpinTest, ReportsGoThroughBothStreamsOnTheirPortsOrOnOne) {
  open_both();
  (void)from_phone_a(rtp());
  EXPECT_EQ(from_phone_a(report(), 20001), "192.0.2.30:6001");
  for (MediaCommand* one : {&command, &second})
    for (MediaSideSettings& side : one->sides) {
      side.rtcp_mux = true;
      side.remote_rtcp = side.remote;
    }
  second.kind = MediaCommand::Kind::Update;
  update();
  relay.apply(now, second);
  EXPECT_EQ(from_phone_a(report(), 20000), kPhoneB);
}

TEST_F(HairpinTest, OwnReportsAreHeardByTheOtherStream) {
  command.sides[1].rtcp = RtcpMode::Terminate;
  open_both();
  (void)from_phone_a(rtp());
  (void)from_phone_b(rtp());
  std::vector<std::string> fates;
  std::array<std::uint8_t, kOwnPacketBytesMax> buffer;
  for (int i = 0; i < 20; ++i) {
    pass(1s);
    (void)from_phone_a(rtp());
    while (const auto report = relay.next_own_packet(now, buffer)) {
      relayed.assign(buffer.begin(), buffer.begin() + report->length);
      fates.push_back(journey(*report));
    }
  }
  EXPECT_EQ(std::ranges::count(fates, "192.0.2.30:6001") + std::ranges::count(fates, "192.0.2.10:4001"),
            static_cast<std::ptrdiff_t>(fates.size()));
  EXPECT_GT(std::ranges::count(fates, "192.0.2.30:6001"), 1);
}

TEST_F(HairpinTest, AFaxGoesThrough) {
  command.media = second.media = MediaKind::Udptl;
  open_both();
  EXPECT_EQ(from_phone_a({0, 1, 2, 0xaa, 0xbb, 0, 0}), kPhoneB);
}

TEST_F(HairpinTest, InIpVersion6TheSame) {
  command.sides[1].local = endpoint("[fd00::1]:20128");
  name(command.sides[1], "[fd00::1]:20256", "[fd00::1]:20257");
  second.sides[0].local = endpoint("[fd00::1]:20256");
  name(second.sides[0], "[fd00::1]:20128", "[fd00::1]:20129");
  open_both();
  EXPECT_EQ(from_phone_a(rtp()), kPhoneB);
}

// Whoever learned of a port of somebody else's call and names it as the place for its media.
TEST_F(HairpinTest, WhoNamesAPortOfAnothersCallReachesNobody) {
  name(second.sides[0], "10.0.0.20:5000", "10.0.0.20:5001");  // a call like any other
  open_both();
  second.kind = MediaCommand::Kind::Update;
  for (const LatchMode mode : {LatchMode::Sdp, LatchMode::Signalled, LatchMode::Any}) {
    SCOPED_TRACE(static_cast<int>(mode));
    second.sides[0].latch = mode;
    relay.apply(now, second);
    for (std::uint16_t i = 0; i < 20; ++i) EXPECT_EQ(from_phone_a(rtp({.sequence = i})), "foreign_source");
    EXPECT_EQ(from_phone_a(report(), 20001), "foreign_source");
    EXPECT_EQ(from_phone_b(rtp()), "10.0.0.20:5000") << "and its own voice still goes where it should";
  }
}

// The victim's call is itself led through us, so that our address is the host of its description.
TEST_F(HairpinTest, TheHostAloneIsNoReasonToBelieve) {
  MediaCommand third = open_command();
  third.key = {79, 1};
  third.sides[0].local = endpoint("198.51.100.1:20512");
  third.sides[1].local = endpoint("10.0.0.1:20640");
  name(third.sides[1], "10.0.0.1:20256", "10.0.0.1:20257");
  second.sides[0].latch = LatchMode::Any;
  open_both();
  relay.apply(now, third);
  for (std::uint16_t i = 0; i < 20; ++i)
    EXPECT_EQ(journey(packet_to(kOutsideAddress, 20512, kPhoneA, rtp({.sequence = i}))), "foreign_source");
  EXPECT_EQ(from_phone_a(rtp()), kPhoneB);
  EXPECT_EQ(from_phone_b(rtp()), kPhoneA);
  EXPECT_EQ(relay.counters(kInside).dropped.value(MediaDropReason::ForeignSource), 20u);
}

TEST_F(HairpinTest, TheRealmMustBeTheSame) {
  open_both();
  Outgoing by = relay.outgoing(from_caller(rtp()).out);
  std::vector<std::uint8_t> packet = rtp();
  by.realm = kOutside;
  EXPECT_EQ(fate(relay.on_own_packet(now, by, 1, packet, packet.size())), "closed");
}

TEST_F(HairpinTest, WhatIsClosedOrWasNeverOpenLeadsNowhere) {
  open();
  EXPECT_EQ(from_phone_a(rtp()), "closed") << "the second call is not there yet";
  EXPECT_EQ(relay.counters(kInside).dropped.value(MediaDropReason::Closed), 1u);
  relay.apply(now, second);
  EXPECT_EQ(from_phone_a(rtp()), kPhoneB);
  second.kind = MediaCommand::Kind::Close;
  relay.apply(now, second);
  EXPECT_EQ(from_phone_a(rtp()), "closed");
  EXPECT_EQ(from_phone_b(rtp()), "closed");
  pass(20s);
  EXPECT_EQ(from_phone_a(rtp()), "closed") << "given back";
}

TEST_F(HairpinTest, TheSourceFromAStreamOfOursTakesOverFromAWeakerOne) {
  second.sides[0].signalled = parse_address("10.0.0.99");
  open_both();
  for (std::uint16_t i = 0; i < 6; ++i)
    (void)packet_to(kInsideAddress, 20256, "10.0.0.99:7000", rtp({.sequence = i}));
  EXPECT_EQ(from_phone_b(rtp()), "10.0.0.99:7000") << "learned: the host of the signalling";
  EXPECT_EQ(from_phone_a(rtp()), kPhoneB);
  EXPECT_EQ(from_phone_b(rtp()), kPhoneA);
}

// Two calls whose both sides name each other: what one stranger sends in would run for ever.
TEST_F(HairpinTest, WhatGoesRoundIsDroppedAndCounted) {
  command.sides[0].latch = LatchMode::Any;
  name(command.sides[0], "198.51.100.1:20384", "198.51.100.1:20385");
  name(second.sides[1], "198.51.100.1:20000", "198.51.100.1:20001");
  open_both();
  EXPECT_EQ(from_phone_a(rtp()), "loop");
  EXPECT_EQ(hairpins, kHairpinsMax + 1);
  const auto loops = [&](RealmIndex realm) {
    return relay.counters(realm).dropped.value(MediaDropReason::Loop);
  };
  EXPECT_EQ(loops(kInside) + loops(kOutside), 1u);
}

TEST_F(HairpinTest, ACallThatIsLedBackTwiceIsNoLoop) {
  MediaCommand third = open_command();
  third.key = {79, 1};
  third.sides[0].local = endpoint("198.51.100.1:20512");
  third.sides[1].local = endpoint("10.0.0.1:20640");
  name(third.sides[0], "198.51.100.1:20384", "198.51.100.1:20385");
  name(third.sides[1], "10.0.0.50:5000", "10.0.0.50:5001");
  name(second.sides[1], "198.51.100.1:20512", "198.51.100.1:20513");
  open_both();
  relay.apply(now, third);
  EXPECT_EQ(from_phone_a(rtp()), "10.0.0.50:5000");
  EXPECT_EQ(hairpins, 2u);
  EXPECT_EQ(journey(packet_to(kInsideAddress, 20640, "10.0.0.50:5000", rtp())), kPhoneA);
}

}  // namespace
}  // namespace sallyport::media

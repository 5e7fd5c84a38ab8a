// relay_srtp_test.cpp — streams with SRTP on one side or both: RFC 3711, RFC 5761; threats M2, M3.
#include "tests/unit/media-relay/relay/srtp_phone.h"

namespace sallyport::media {
namespace {

TEST_F(RelaySrtpTest, RelaysBetweenSrtpAndRtp) {
  open();
  EXPECT_EQ(relay.counters().commands_refused.value(), 0u);
  for (std::uint16_t i = 1; i < 50; ++i) {
    EXPECT_EQ(voice_of_caller(i), "relayed");
    EXPECT_EQ(relayed, rtp({.sequence = i}));
    EXPECT_EQ(voice_to_caller(i), rtp({.sequence = i, .ssrc = 0x22222222}));
  }
}

TEST_F(RelaySrtpTest, RelaysBetweenAllSuites) {
  constexpr std::array kSuites{SrtpSuite::Aes256Gcm,           SrtpSuite::Aes128Gcm,
                               SrtpSuite::AesCm128HmacSha1_80, SrtpSuite::AesCm128HmacSha1_32,
                               SrtpSuite::AesCm256HmacSha1_80, SrtpSuite::AesCm256HmacSha1_32};
  std::uint16_t number = 1;
  for (const SrtpSuite one : kSuites) {
    for (const SrtpSuite two : kSuites) {
      secure(0, number * 10u, one);
      secure(1, number * 10u + 5u, two);
      number == 1 ? open() : update();
      for (int i = 0; i < 3; ++i, ++number) {
        EXPECT_EQ(voice_of_caller(number), "relayed");
        EXPECT_EQ(callee.open(relayed), rtp({.sequence = number}));
        const Octets answer = rtp({.sequence = number, .ssrc = 0x22222222});
        EXPECT_EQ(fate(from_callee(callee.seal(answer))), "relayed");
        EXPECT_EQ(caller.open(relayed), answer);
      }
    }
  }
  EXPECT_EQ(relay.counters().commands_refused.value(), 0u);
}

TEST_F(RelaySrtpTest, RelaysABurstOfManyStreamsAsOnePacketAfterTheOther) {
  std::vector<MediaCommand> commands;
  std::vector<SrtpPhone> callers(4);
  for (std::uint16_t i = 0; i < 4; ++i) {
    MediaCommand one = command;
    one.key.call = 100u + i;
    one.sides[0].local.port = static_cast<std::uint16_t>(20000 + 256 * i);
    one.sides[1].local.port = static_cast<std::uint16_t>(20128 + 256 * i);
    one.keys[0].is_secured = i != 3;  // one is in the clear
    one.keys[0].theirs = srtp_key(100u + i, i == 1 ? SrtpSuite::Aes256Gcm : SrtpSuite::AesCm128HmacSha1_80);
    one.keys[0].ours = srtp_key(200u + i);
    callers[i].use(one.keys[0].theirs, one.keys[0].ours);
    relay.apply(now, one);
    commands.push_back(one);
  }
  EXPECT_EQ(relay.counters().streams_secured.value(), 3u);
  std::vector<Octets> buffers;
  std::vector<RelayPacket> packets;
  constexpr std::size_t kCount = 150;  // more than one round of the relay
  for (std::size_t i = 0; i < kCount; ++i) {
    const auto sequence = static_cast<std::uint16_t>(i / 8 + 1);
    const std::size_t stream = i % 4;
    const bool is_caller = i % 8 < 4;
    Octets packet = rtp({.sequence = sequence, .ssrc = is_caller ? 1u : 2u});
    if (is_caller && stream != 3) packet = callers[stream].seal(packet);
    if (i % 16 == 0) packet.back() ^= 1;  // forged
    buffers.push_back(packet);
    buffers.back().resize(packet.size() + 32);
    const MediaSideSettings& side = commands[stream].sides[is_caller ? 0 : 1];
    packets.push_back({.flow = relay.find(is_caller ? kOutsideAddress : kInsideAddress, side.local.port),
                       .source = side.remote,
                       .payload = std::span(buffers.back()).first(packet.size()),
                       .capacity = packet.size() + 32,
                       .result = {}});
  }
  for (std::size_t i = 0; i < kCount; ++i)
    packets[i].payload = {buffers[i].data(), packets[i].payload.size()};
  relay.on_burst(now, packets);
  for (std::size_t i = 0; i < kCount; ++i) {
    const auto sequence = static_cast<std::uint16_t>(i / 8 + 1);
    const bool is_caller = i % 8 < 4;
    if (i % 16 == 0) {
      EXPECT_EQ(fate(packets[i].result), "srtp_bad_tag");
      continue;
    }
    ASSERT_EQ(fate(packets[i].result), "relayed") << i;
    Octets left(buffers[i].begin(), buffers[i].begin() + packets[i].result.length);
    if (!is_caller && i % 4 != 3) left = callers[i % 4].open(left);
    EXPECT_EQ(left, rtp({.sequence = sequence, .ssrc = is_caller ? 1u : 2u})) << i;
  }
}

TEST_F(RelaySrtpTest, DropsWhatIsInTheClearFromASecuredSide) {
  open();
  EXPECT_EQ(fate(from_caller(rtp())), "srtp_bad_tag");
  EXPECT_EQ(fate(from_caller(rtp({.voice = 2}))), "srtp_malformed");
  EXPECT_EQ(fate(packet_to(kOutsideAddress, 20001, "192.0.2.10:4001",
                           RtcpBuilder().sender_report(0x11111111).packet)),
            "srtp_malformed");  // the octets where the word is say that it is not encrypted
  EXPECT_EQ(dropped(MediaDropReason::SrtpBadTag), 1u);
  EXPECT_EQ(relay.counters().latches.value(), 0u);
}

TEST_F(RelaySrtpTest, NamesWhatIsNoRtpAsElsewhere) {
  open();
  EXPECT_EQ(fate(from_caller(Octets(20, 0))), "stun");
  EXPECT_EQ(fate(from_caller(Octets(20, 22))), "dtls");
  EXPECT_EQ(fate(from_caller(Octets(20, 0x40))), "bad_version");
  EXPECT_EQ(fate(from_caller({})), "srtp_malformed");
  EXPECT_EQ(fate(from_caller(caller.seal(rtp({.payload_type = 33})))), "payload_type");
}

TEST_F(RelaySrtpTest, ReplayedPacketsAreDropped) {
  open();
  const Octets first = caller.seal(rtp({.sequence = 1}));
  EXPECT_EQ(fate(from_caller(first)), "relayed");
  EXPECT_EQ(fate(from_caller(first)), "srtp_replayed");
  for (std::uint16_t i = 2; i < 200; ++i) EXPECT_EQ(voice_of_caller(i), "relayed");
  EXPECT_EQ(fate(from_caller(first)), "srtp_replayed");
  EXPECT_EQ(dropped(MediaDropReason::SrtpReplayed), 2u);
  pass(6s);
  EXPECT_EQ(notices.last(MediaNotice::Kind::Report)->sides[0].packets, 199u);
  EXPECT_EQ(notices.last(MediaNotice::Kind::Report)->sides[0].dropped, 2u);
}

// Threats M2: before the fix of such a gateway, whoever sent anything to the port was learned and heard.
TEST_F(RelaySrtpTest, WrongTagsAreNeverLearned) {
  command.sides[0].latch = LatchMode::Any;
  open();
  SrtpPhone stranger;
  stranger.use(srtp_key(77), srtp_key(78));
  for (std::uint16_t i = 1; i < 20; ++i) {
    EXPECT_EQ(fate(from_caller(stranger.seal(rtp({.sequence = i})), "203.0.113.5:9000")), "srtp_bad_tag");
    EXPECT_EQ(fate(from_caller(stranger.seal(rtp({.sequence = static_cast<std::uint16_t>(100 + i)})))),
              "srtp_bad_tag");  // from where the SDP says
  }
  EXPECT_EQ(relay.counters().latches.value(), 0u);
  EXPECT_EQ(relay.counters(kOutside).packets_in.value(), 0u);
  EXPECT_EQ(fate(from_caller(caller.seal(rtp({.sequence = 1})), "203.0.113.9:777")), "relayed");
  for (std::uint16_t i = 2; i < 6; ++i)
    (void)from_caller(caller.seal(rtp({.sequence = i})), "203.0.113.9:777");
  EXPECT_EQ(relay.counters().latches.value(), 1u);
  EXPECT_EQ(destination(from_callee(rtp())), "203.0.113.9:777");
}

TEST_F(RelaySrtpTest, AHundredThousandBadPacketsChangeNothing) {
  open();
  for (std::uint16_t i = 1; i < 10; ++i) EXPECT_EQ(voice_of_caller(i), "relayed");
  SrtpPhone stranger;
  stranger.use(srtp_key(77), srtp_key(78));
  Octets forged;
  for (std::uint32_t i = 0; i < 100000; ++i) {
    if (i % 1000 == 0) forged = stranger.seal(rtp({.sequence = static_cast<std::uint16_t>(i / 1000 + 10)}));
    EXPECT_EQ(fate(from_caller(forged)), "srtp_bad_tag");
    now += 10us;
  }
  EXPECT_EQ(voice_of_caller(10), "relayed");
  EXPECT_EQ(voice_to_caller(10), rtp({.sequence = 10, .ssrc = 0x22222222}));
  EXPECT_EQ(dropped(MediaDropReason::SrtpBadTag), 100000u);
  EXPECT_EQ(relay.counters().streams_open.value(), 1u);
  EXPECT_EQ(relay.counters().latches.value(), 2u);
  pass(6s);
  EXPECT_EQ(notices.last(MediaNotice::Kind::Report)->sides[0].lost, 0u);
}

TEST_F(RelaySrtpTest, StrangersCostNoTagOnceTheSourceIsKnown) {
  open();
  EXPECT_EQ(voice_of_caller(1), "relayed");
  const Octets good = caller.seal(rtp({.sequence = 2}));
  for (int i = 0; i < 5000; ++i) EXPECT_EQ(fate(from_caller(good, "203.0.113.5:9000")), "foreign_source");
  EXPECT_EQ(voice_of_caller(3), "relayed");
}

TEST_F(RelaySrtpTest, LooksIntoSoManyPacketsOfStrangersAndNoMore) {
  command.sides[0].latch = LatchMode::Any;
  open();
  std::size_t looked_into = 0;
  for (int i = 0; i < 20000; ++i) {
    const std::string what = fate(from_caller(rtp(), "203.0.113.5:9000"));
    looked_into += what == "srtp_bad_tag" ? 1 : 0;
    EXPECT_TRUE(what == "srtp_bad_tag" || what == "learning");
    now += 50us;  // a second in all
  }
  EXPECT_GE(looked_into, 1000u);
  EXPECT_LE(looked_into, 1300u);
  EXPECT_EQ(voice_of_caller(1), "relayed");  // from where the SDP says: known without that
}

TEST_F(RelaySrtpTest, LooksIntoNoMoreOfTheSourceThanSomeTimesWhatItMaySend) {
  command.sides[0].packets_per_second = 50;
  open();
  std::size_t looked_into = 0;
  for (int i = 0; i < 20000; ++i) {
    looked_into += fate(from_caller(rtp())) == "srtp_bad_tag" ? 1 : 0;
    now += 50us;
  }
  EXPECT_GE(looked_into, 200u);
  EXPECT_LE(looked_into, 260u);
  EXPECT_GT(dropped(MediaDropReason::PolicedFlow), 19000u);
  now += 1s;
  EXPECT_EQ(voice_of_caller(1), "relayed");
}

TEST_F(RelaySrtpTest, RelaysRtcpBothWaysUnderKeysOfItsOwn) {
  open();
  (void)voice_of_caller(1);
  const Octets report = RtcpBuilder().sender_report(0x11111111, 1, {Block{}}).packet;
  EXPECT_EQ(fate(packet_to(kOutsideAddress, 20001, "192.0.2.10:4001", caller.seal(report, true))), "relayed");
  EXPECT_EQ(relayed, report);
  const Octets answer = RtcpBuilder().receiver_report(0x22222222, {Block{.ssrc = 0x11111111}}).packet;
  EXPECT_EQ(fate(packet_to(kInsideAddress, 20129, "10.0.0.20:5001", answer)), "relayed");
  EXPECT_EQ(caller.open(relayed, true), answer);
  // Twice, and forged.
  const Octets again = caller.seal(report, true);
  EXPECT_EQ(fate(packet_to(kOutsideAddress, 20001, "192.0.2.10:4001", again)), "relayed");
  EXPECT_EQ(fate(packet_to(kOutsideAddress, 20001, "192.0.2.10:4001", again)), "srtp_replayed");
  Octets forged = caller.seal(report, true);
  forged[20] ^= 1;
  EXPECT_EQ(fate(packet_to(kOutsideAddress, 20001, "192.0.2.10:4001", forged)), "srtp_bad_tag");
  EXPECT_EQ(fate(packet_to(kOutsideAddress, 20001, "203.0.113.5:9000", caller.seal(report, true))),
            "foreign_source");
}

TEST_F(RelaySrtpTest, TakesRtcpOnTheRtpPortWhereBothShareIt) {
  command.sides[0].rtcp_mux = true;
  command.sides[0].remote_rtcp = command.sides[0].remote;
  open();
  EXPECT_EQ(voice_of_caller(1), "relayed");
  const Octets report = RtcpBuilder().sender_report(0x11111111, 1, {Block{}}).packet;
  EXPECT_EQ(fate(from_caller(caller.seal(report, true))), "relayed");
  EXPECT_EQ(relayed, report);
  EXPECT_EQ(fate(packet_to(kOutsideAddress, 20001, "192.0.2.10:4000", caller.seal(report, true))),
            "rtcp_not_used");
  const Octets answer = RtcpBuilder().receiver_report(0x22222222, {Block{.ssrc = 0x11111111}}).packet;
  const RelayResult result = packet_to(kInsideAddress, 20129, "10.0.0.20:5001", answer);
  EXPECT_EQ(destination(result), "192.0.2.10:4000");
  EXPECT_EQ(caller.open(relayed, true), answer);
}

TEST_F(RelaySrtpTest, ReportsOfItsOwnAreProtected) {
  secure(1, 5, SrtpSuite::Aes128Gcm);
  command.sides[0].rtcp = RtcpMode::Terminate;
  open();
  std::size_t heard = 0;
  for (std::uint16_t i = 1; i < 1000; ++i) {
    (void)voice_of_caller(i);
    EXPECT_EQ(callee.open(relayed), rtp({.sequence = i}));
    pass(20ms);
    std::array<std::uint8_t, kOwnPacketBytesMax> buffer;
    while (const auto report = relay.next_own_packet(now, buffer)) {
      const Octets packet(buffer.begin(), buffer.begin() + report->length);
      const bool is_to_caller = destination(*report) == "192.0.2.10:4001";
      const Octets clear = (is_to_caller ? caller : callee).open(packet, true);
      ASSERT_FALSE(clear.empty());
      EXPECT_TRUE(is_rtcp(clear));
      ++heard;
    }
  }
  EXPECT_GE(heard, 4u);
}

TEST_F(RelaySrtpTest, DigitsAreProtectedInOneRowWithVoice) {
  command.sides[0].payload_count = command.sides[1].payload_count = 1;
  ASSERT_TRUE(command.sides[0].events_heard.push_back({101, 8000}));
  ASSERT_TRUE(command.sides[0].events_taken.push_back({101, 8000}));
  open();
  command.digit_to = StreamSide::Caller;
  command.digit = {5, 200};
  std::size_t events = 0;
  std::uint16_t last = 0;
  const auto hear = [&](const Octets& packet) {
    const Octets clear = caller.open(packet);
    ASSERT_FALSE(clear.empty()) << to_string(caller.result);
    if (last != 0) {
      EXPECT_EQ(read_u16(clear.data() + 2), last + 1);
    }
    last = read_u16(clear.data() + 2);
    events += payload_type(clear.data()) == 101 ? 1 : 0;
  };
  for (std::uint16_t i = 1; i < 200; ++i) {
    if (i % 50 == 20) send(MediaCommand::Kind::SendDigit);
    const RelayResult result = from_callee(rtp({.sequence = i, .timestamp = i * 160u, .ssrc = 0x22222222}));
    if (result.kind == RelayResult::Kind::Forward) hear(relayed);
    pass(20ms);
    std::array<std::uint8_t, kOwnPacketBytesMax> buffer;
    while (const auto event = relay.next_own_packet(now, buffer))
      hear(Octets(buffer.begin(), buffer.begin() + event->length));
  }
  EXPECT_GE(events, 30u);
  EXPECT_EQ(relay.counters(kInside).dropped.value(MediaDropReason::SrtpReplayed), 0u);
}

TEST_F(RelaySrtpTest, HearsDigitsOfASecuredSide) {
  ASSERT_TRUE(command.sides[0].events_heard.push_back({101, 8000}));
  open();
  Octets event = rtp({.payload_type = 101, .voice = 4});
  event[12] = 7;
  event[13] = 0x80;  // its end
  write_u16(event.data() + 14, 800);
  EXPECT_EQ(fate(from_caller(event)), "srtp_malformed");  // too short for a tag
  EXPECT_EQ(fate(from_caller(caller.seal(event))), "consumed");
  pass(1s);
  ASSERT_EQ(notices.count(MediaNotice::Kind::Digit), 1u);
  EXPECT_EQ(notices.last(MediaNotice::Kind::Digit)->digit.event, 7);
}

// Two calls of one PBX that is secured, from one of our streams into the other.
TEST_F(RelaySrtpTest, GoesFromStreamToStreamUnderTheKeysOfBoth) {
  MediaCommand second = command;
  command.sides[1].remote = endpoint("10.0.0.1:20256");
  secure(1, 5, SrtpSuite::Aes256Gcm);
  second.key = {78, 1};
  second.sides[0] = command.sides[1];
  second.sides[0].local = endpoint("10.0.0.1:20256");
  second.sides[0].remote = endpoint("10.0.0.1:20128");
  second.keys[0].is_secured = true;
  second.keys[0].theirs = command.keys[1].ours;  // the PBX has let the SDP pass as it was
  second.keys[0].ours = command.keys[1].theirs;
  second.sides[1] = command.sides[0];
  second.sides[1].local = endpoint("198.51.100.1:20384");
  second.sides[1].remote = endpoint("192.0.2.30:6000");
  second.keys[1] = {.is_secured = true,
                    .theirs_number = 1,
                    .ours_number = 1,
                    .theirs = srtp_key(21),
                    .ours = srtp_key(22),
                    .theirs_before = {},
                    .ours_before = {}};
  open();
  relay.apply(now, second);
  SrtpPhone far;
  far.use(srtp_key(21), srtp_key(22));
  for (std::uint16_t i = 1; i < 20; ++i) {
    const RelayResult first = from_caller(caller.seal(rtp({.sequence = i})));
    ASSERT_EQ(fate(first), "relayed");
    const Outgoing by = relay.outgoing(first.out);
    ASSERT_TRUE(by.is_own);
    const std::size_t size = relayed.size();
    relayed.resize(size + 64);
    const RelayResult last = relay.on_own_packet(now, by, 1, std::span(relayed).first(size), relayed.size());
    ASSERT_EQ(fate(last), "relayed");
    EXPECT_EQ(far.open(Octets(relayed.begin(), relayed.begin() + last.length)), rtp({.sequence = i}));
    // And in the clear nothing passes there.
    Octets plain = rtp({.sequence = static_cast<std::uint16_t>(i + 1)});
    EXPECT_EQ(fate(relay.on_own_packet(now, by, 1, plain, plain.size())), "srtp_bad_tag");
  }
}

TEST_F(RelaySrtpTest, CountsTheClearPayloadAndWhatLeft) {
  open();
  for (std::uint16_t i = 1; i < 11; ++i) {
    (void)voice_of_caller(i);
    (void)voice_to_caller(i);
    EXPECT_EQ(fate(from_callee(rtp({.sequence = i, .ssrc = 0x22222222}))), "srtp_replayed");  // came twice
  }
  pass(6s);
  const MediaNotice& report = *notices.last(MediaNotice::Kind::Report);
  EXPECT_EQ(report.sides[0].bytes, 1720u);
  EXPECT_EQ(report.sides[1].packets, 10u);
  EXPECT_EQ(report.sides[1].dropped, 10u);
  EXPECT_EQ(relay.counters(kOutside).bytes_out.value(), 10u * (28 + 172 + 10));
  EXPECT_EQ(relay.counters(kInside).packets_in.value(), 10u);
}

TEST_F(RelaySrtpTest, DropsWhatHasNoRoomForItsTag) {
  open();
  Octets packet = rtp();
  const FlowRef flow = relay.find(kInsideAddress, 20128);
  EXPECT_TRUE(relay.must_be_whole(flow));
  EXPECT_EQ(fate(relay.on_packet(now, flow, endpoint("10.0.0.20:5000"), packet, packet.size())),
            "srtp_no_room");
  EXPECT_EQ(relay.counters(kInside).packets_in.value(), 0u);
}

TEST_F(RelaySrtpTest, OneSourceTooManyIsDropped) {
  open();
  for (std::uint32_t ssrc = 1; ssrc <= kSrtpSourcesMax; ++ssrc)
    EXPECT_EQ(voice_of_caller(1, ssrc), "relayed");
  SrtpPhone same;  // its own table is as full
  same.use(command.keys[0].theirs, command.keys[0].ours);
  EXPECT_EQ(fate(from_caller(same.seal(rtp({.ssrc = 99})))), "srtp_sources");
  EXPECT_EQ(voice_of_caller(2, 3), "relayed");
}

TEST_F(RelaySrtpTest, AKeyThatIsSpentPassesNothingMore) {
  command.keys[0].theirs.packets_max = command.keys[0].ours.packets_max = 5;
  open();
  for (std::uint16_t i = 1; i < 6; ++i) EXPECT_EQ(voice_of_caller(i), "relayed");
  EXPECT_EQ(voice_of_caller(6), "srtp_key_expired");
  for (std::uint16_t i = 1; i < 6; ++i) EXPECT_FALSE(voice_to_caller(i).empty());
  EXPECT_EQ(fate(from_callee(rtp({.sequence = 6, .ssrc = 0x22222222}))), "srtp_key_expired");
}

}  // namespace
}  // namespace sallyport::media

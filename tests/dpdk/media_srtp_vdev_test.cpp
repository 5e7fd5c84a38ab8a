// media_srtp_vdev_test.cpp — SRTP through the lcore: bursts, both families, damaged packets, packets in
// pieces and packets that grow beyond what a path takes. RFC 3711, RFC 768; threats M2.
#include <gtest/gtest.h>

#include <memory>

#include "dataplane/packet/wire.h"
#include "media-relay/srtp/srtp_engine.h"
#include "tests/dpdk/media_rig.h"

namespace sallyport::dataplane {
namespace {

using media::MediaDropReason;
using media::SrtpDirection;
using media::StreamSide;

media::SrtpKey key_of(std::uint8_t number, SrtpSuite suite) {
  media::SrtpKey key;
  key.suite = suite;
  key.key.fill(number);
  key.salt.fill(static_cast<std::uint8_t>(number + 1));
  return key;
}

// The caller: what it sends and hears is SRTP.
class SrtpCaller {
 public:
  explicit SrtpCaller(const media::MediaKeys& keys)
      : sends_(engine_->open(keys.theirs, SrtpDirection::Protect)),
        hears_(engine_->open(keys.ours, SrtpDirection::Unprotect)) {}
  [[nodiscard]] std::string seal(std::string packet) {
    return run(std::move(packet), SrtpDirection::Protect);
  }
  [[nodiscard]] std::string open(std::string packet) {
    return run(std::move(packet), SrtpDirection::Unprotect);
  }

 private:
  std::string run(std::string packet, SrtpDirection direction) {
    const std::size_t length = packet.size();
    packet.resize(length + media::kSrtpGrowthMax);
    media::SrtpJob job{.context = direction == SrtpDirection::Protect ? sends_ : hears_,
                       .packet = reinterpret_cast<std::uint8_t*>(packet.data()),
                       .length = static_cast<std::uint32_t>(length),
                       .capacity = static_cast<std::uint32_t>(packet.size()),
                       .is_rtcp = false};
    direction == SrtpDirection::Protect ? engine_->protect({&job, 1}) : engine_->unprotect({&job, 1});
    EXPECT_EQ(job.result, media::SrtpResult::Ok);
    packet.resize(job.length);
    return packet;
  }
  std::unique_ptr<media::SrtpEngine> engine_ = media::make_srtp_engine(media::SrtpEngineKind::Libsrtp2, 4);
  media::SrtpContextId sends_, hears_;
};

media::MediaKeys keys_of(SrtpSuite suite) {
  media::MediaKeys keys;
  keys.is_secured = true;
  keys.theirs_number = keys.ours_number = 1;
  keys.theirs = key_of(1, suite);
  keys.ours = key_of(11, suite);
  return keys;
}

RigSettings with_engine(SrtpEngineChoice choice) {
  RigSettings settings;
  settings.config.dataplane.srtp_engine = choice;
  return settings;
}

// Engine, suite, families of caller and callee.
class MediaSrtp
    : public testing::TestWithParam<std::tuple<SrtpEngineChoice, SrtpSuite, std::pair<bool, bool>>> {
 protected:
  MediaSrtp() {
    stream_ = open_stream(
        rig_, {.caller_v4 = std::get<2>(GetParam()).first, .callee_v4 = std::get<2>(GetParam()).second});
    stream_.command.kind = media::MediaCommand::Kind::Update;
    stream_.command.keys[0] = keys_of(std::get<1>(GetParam()));
    order(rig_, stream_.command);
  }
  LcoreRig rig_{with_engine(std::get<0>(GetParam()))};
  TestStream stream_;
  SrtpCaller caller_{keys_of(std::get<1>(GetParam()))};
};

TEST_P(MediaSrtp, VoiceFlowsBothWaysInBursts) {
  for (std::uint16_t i = 2; i < 300; i = static_cast<std::uint16_t>(i + 9)) {
    for (std::uint16_t k = i; k < i + 9; ++k) {
      rig_.arrive(kOutside, udp_frame(stream_.from_caller, caller_.seal(rtp(k, 20U + k))));
      rig_.arrive(kInside, udp_frame(stream_.from_callee, rtp(k, 21U + k, 0x7777)));
    }
    for (int turn = 0; turn < 3; ++turn) rig_.turn_lcore();
    const auto inside = rig_.sent(kInside), outside = rig_.sent(kOutside);
    ASSERT_EQ(inside.size(), 9U);
    ASSERT_EQ(outside.size(), 9U);
    for (std::uint16_t k = 0; k < 9; ++k) {
      EXPECT_EQ(datagram_of({inside[k]}).payload, rtp(static_cast<std::uint16_t>(i + k), 20U + i + k));
      const Arrived heard = datagram_of({outside[k]});  // looks at both checksums
      EXPECT_NE(checksum_of(outside[k]), 0);
      EXPECT_EQ(to_string(heard.destination), to_string(stream_.side(StreamSide::Caller).remote));
      EXPECT_EQ(caller_.open(heard.payload), rtp(static_cast<std::uint16_t>(i + k), 21U + i + k, 0x7777));
    }
  }
}

TEST_P(MediaSrtp, NothingInTheClearGoesThrough) {
  EXPECT_TRUE(relayed(rig_, kOutside, udp_frame(stream_.from_caller, rtp(2))).empty());
  EXPECT_EQ(refused(rig_, kOutside, MediaDropReason::SrtpBadTag), 1U);
  EXPECT_EQ(rig_.dropped(kOutside, DropReason::MediaRefused), 1U);
}

// What was damaged before it came to us would be authentic behind us.
TEST_P(MediaSrtp, ADamagedPacketIsNotProtected) {
  Bytes frame = udp_frame(stream_.from_callee, rtp(2));
  frame.back() ^= 1;
  EXPECT_TRUE(relayed(rig_, kInside, frame).empty());
  EXPECT_EQ(rig_.dropped(kInside, DropReason::BadL4Checksum), 1U);
  frame.back() ^= 1;
  const auto good = relayed(rig_, kInside, frame);
  ASSERT_EQ(good.size(), 1U);
  EXPECT_EQ(caller_.open(datagram_of(good).payload), rtp(2));
}

TEST_P(MediaSrtp, PacketsInPiecesAreMadeWhole) {
  rig_.arrive(kOutside, udp_frame(stream_.from_caller, caller_.seal(rtp(2, 700))), 100);
  rig_.arrive(kOutside, udp_frame(stream_.from_caller, caller_.seal(rtp(3, 700))));
  rig_.arrive(kInside, udp_frame(stream_.from_callee, rtp(2, 600)), 90);
  rig_.turn();
  const auto inside = rig_.sent(kInside), outside = rig_.sent(kOutside);
  ASSERT_EQ(inside.size(), 2U);
  ASSERT_EQ(outside.size(), 1U);
  EXPECT_EQ(caller_.open(datagram_of(outside).payload), rtp(2, 600));
}

TEST_P(MediaSrtp, WhatGrowsBeyondThePathIsSentInFragments) {
  const bool is_v4 = std::get<2>(GetParam()).first;
  const std::string voice = rtp(2, 1500 - (is_v4 ? 28U : 48U) - 12 - 4);
  const auto frames = relayed(rig_, kInside, udp_frame(stream_.from_callee, voice));
  ASSERT_EQ(frames.size(), 2U);
  EXPECT_EQ(caller_.open(datagram_of(frames).payload), voice);
}

INSTANTIATE_TEST_SUITE_P(
    All, MediaSrtp,
    testing::Combine(testing::Values(SrtpEngineChoice::Auto, SrtpEngineChoice::Libsrtp2),
                     testing::Values(SrtpSuite::AesCm128HmacSha1_80, SrtpSuite::Aes256Gcm),
                     testing::Values(std::pair{true, true}, std::pair{false, true}, std::pair{true, false})));

// A phone with SRTP whose call is led back to us inside, to one that has none.
TEST(MediaSrtpHairpin, GoesFromOneStreamIntoTheOther) {
  LcoreRig rig;
  TestStream first = make_stream(rig, {.call = 1}), second = make_stream(rig, {.call = 2});
  const auto lead = [](TestStream& one, const TestStream& two) {
    one.command.sides[1].remote = one.command.sides[1].remote_rtcp = two.command.sides[1].local;
    ++one.command.sides[1].remote_rtcp.port;
  };
  lead(first, second);
  lead(second, first);
  second.command.sides[0].remote.port = 41000;
  first.command.keys[0] = keys_of(SrtpSuite::AesCm128HmacSha1_80);
  // The PBX lets our own offer pass: what we protect with there, the other stream unprotects with.
  first.command.keys[1] = keys_of(SrtpSuite::Aes128Gcm);
  second.command.keys[1] = first.command.keys[1];
  std::swap(second.command.keys[1].theirs, second.command.keys[1].ours);
  order(rig, first.command);
  order(rig, second.command);
  SrtpCaller caller(first.command.keys[0]);
  for (std::uint16_t i = 1; i < 10; ++i) {
    rig.arrive(kOutside, udp_frame(first.from_caller, caller.seal(rtp(i))));
    for (int turn = 0; turn < 3; ++turn) {
      rig.turn_lcore();
      rig.turn_stream();
    }
    const auto frames = rig.sent(kOutside);
    ASSERT_EQ(frames.size(), 1U) << i;
    EXPECT_EQ(datagram_of(frames).payload, rtp(i));
    EXPECT_EQ(datagram_of(frames).destination.port, 41000);
  }
  EXPECT_TRUE(rig.sent(kInside).empty());
}

TEST(MediaSrtpKeys, AreGoneFromAnOrderThatIsWiped) {
  MediaOrder order{1, {}};
  order.command.keys[0] = keys_of(SrtpSuite::Aes256Gcm);
  order.wipe_keys();
  EXPECT_EQ(order.command.keys[0].theirs.key, media::SrtpKey{}.key);
  EXPECT_EQ(order.command.keys[0].ours.salt, media::SrtpKey{}.salt);
}

}  // namespace
}  // namespace sallyport::dataplane

// capture_sessions_test.cpp — who can be captured, what comes of it, and how a capture ends.
#include "mgmt/capture/capture_sessions.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "mgmt/capture/base64.h"
#include "tests/unit/mgmt/calls/fake_engines.h"

namespace sallyport::mgmt {
namespace {

constexpr std::uint64_t kCall = 0x6740'8c3e'0000'0001;

SbcConfig two_realms() {
  SbcConfig config;
  for (const char* const name : {"outside", "inside"}) config.realms.emplace_back().name = name;
  for (const char* const name : {"carrier", "pbx"}) config.peers.emplace_back().name = name;
  return config;
}

sip::RingMessage message(std::string_view bytes, std::uint64_t call = kCall, std::uint16_t peer = 0) {
  sip::RingMessage out;
  out.at = moment(10'000);
  out.path = {RealmIndex(peer),
              *parse_endpoint("198.18.1.1:5061", 0),
              *parse_endpoint("198.18.1.2:5061", 0),
              Transport::Tls,
              PeerIndex(peer),
              1};
  out.call = call;
  out.bytes = bytes;
  return out;
}

struct Rig {
  Rig() {
    engines.desk(1).calls_ = {answered_call(kCall)};
    engines.desk(1).ring_.add(message("INVITE before"));
  }
  struct Next {
    std::string blocks;
    bool ended = false;
    std::uint64_t packets = 0, dropped = 0;
  };
  [[nodiscard]] ControlResult ask(const std::string& request) {
    ControlCommands commands;
    add_capture_commands(commands, sessions);
    return parse_answer(commands.answer(request));
  }
  [[nodiscard]] Next next(const std::string& capture, bool stop = false) {
    const auto text =
        ask(command_request("capture_next", {{"capture", capture}, {"stop", stop ? "true" : "false"}}));
    if (!text) return {"", true, 0, 0};
    const auto json = nlohmann::json::parse(*text);
    return {from_base64(json["blocks"].get<std::string>()).value_or(""), json["ended"].get<bool>(),
            json["packets"].get<std::uint64_t>(), json["dropped"].get<std::uint64_t>()};
  }
  void see(const sip::RingMessage& one, std::size_t engine = 1) {
    if (engines.desk(engine).tee_->is_wanted()) engines.desk(engine).tee_->on_message(one);
  }
  void later(Duration time) { engines.now_ += time; }

  SharedSlot<SbcConfig> config{make_value<SbcConfig>(two_realms())};
  FakeEngines engines{2};
  CallDesk desk{engines, fake_wall_time};
  dataplane::MediaTap tap{1};
  CaptureHub hub{engines, {.messages = 64, .bytes = 100'000'000}};
  CaptureSessions sessions{
      CapturePlaces{hub, desk, config, [this] { return engines.now_; }, fake_wall_time, {}, &tap}};
};

TEST(CaptureSessions, ACallIsFoundByAnyOfItsNamesAndItsPastComesFirst) {
  for (const char* const name : {"67408c3e-00000001", "abc@198.18.1.2"}) {
    Rig rig;
    EXPECT_EQ(rig.ask(command_request("capture", {{"call", name}})), "{\"capture\":1}");
    rig.see(message("BYE after"));
    rig.see(message("of another", kCall + 1));
    const auto got = rig.next("1");
    EXPECT_EQ(got.packets, 2u);
    EXPECT_LT(got.blocks.find("INVITE before"), got.blocks.find("BYE after"));
    EXPECT_EQ(got.blocks.find("of another"), std::string::npos);
    EXPECT_NE(
        got.blocks.find(
            "call 67408c3e-00000001, received in realm outside from peer carrier, over tls, shown as udp"),
        std::string::npos);
    EXPECT_FALSE(got.ended);
    EXPECT_EQ(rig.next("1").blocks, "");
  }
}

TEST(CaptureSessions, APeerOrAnAddressIsCapturedWithOrWithoutCall) {
  Rig rig;
  ASSERT_TRUE(rig.sessions.begin({{"peer", "pbx"}}));
  ASSERT_TRUE(rig.sessions.begin({{"address", "198.18.1.2"}}));
  rig.see(message("OPTIONS of carrier", 0, 0), 0);
  rig.see(message("OPTIONS of pbx", 0, 1), 1);
  EXPECT_EQ(rig.next("1").packets, 1u);
  EXPECT_EQ(rig.next("2").packets, 2u);
}

TEST(CaptureSessions, OfAPeerItEndsWhenAReloadGivesItsPlaceToAnother) {
  Rig rig;
  ASSERT_TRUE(rig.sessions.begin({{"peer", "pbx"}}));
  SbcConfig next = two_realms();
  next.peers[1].is_retired = true;
  rig.config.put(make_value<SbcConfig>(next));
  rig.see(message("BYE of pbx", kCall, 1));
  const auto of_pbx = rig.next("1");
  EXPECT_EQ(of_pbx.packets, 1u);
  EXPECT_FALSE(of_pbx.ended) << "its calls go on";
  next.peers[1] = {};
  next.peers[1].name = "other";
  rig.config.put(make_value<SbcConfig>(next));
  rig.see(message("INVITE of other", kCall, 1));
  const auto last = rig.next("1");
  EXPECT_EQ(last.packets, 1u);
  EXPECT_TRUE(last.ended);
}

TEST(CaptureSessions, WhatIsNotThereIsRefused) {
  Rig rig;
  EXPECT_EQ(rig.sessions.begin({{"call", "nobody"}}).error().status, kExitNoSuchThing);
  EXPECT_EQ(rig.sessions.begin({{"peer", "nobody"}}).error().status, kExitNoSuchThing);
  EXPECT_EQ(rig.sessions.begin({{"address", "nowhere"}}).error().status, kExitUsage);
  EXPECT_EQ(rig.sessions.begin({}).error().status, kExitUsage);
  EXPECT_EQ(rig.sessions.begin({{"peer", "pbx"}, {"call", "x"}}).error().status, kExitUsage);
  EXPECT_EQ(rig.sessions.next(7, false).error().status, kExitNoSuchThing);
  rig.engines.stuck_ = 0;
  EXPECT_EQ(rig.sessions.begin({{"peer", "pbx"}}).error().status, kExitNoDaemon);
}

TEST(CaptureSessions, EndsAMomentAfterTheCallAndLooksNoMore) {
  Rig rig;
  ASSERT_TRUE(rig.sessions.begin({{"call", "67408c3e-00000001"}}));
  EXPECT_FALSE(rig.next("1").ended);
  rig.engines.desk(1).calls_[0].is_over = true;
  rig.later(1100ms);
  EXPECT_FALSE(rig.next("1").ended);
  rig.see(message("200 to BYE"));
  rig.later(1100ms);
  const auto last = rig.next("1");
  EXPECT_TRUE(last.ended);
  EXPECT_NE(last.blocks.find("200 to BYE"), std::string::npos);
  EXPECT_FALSE(rig.engines.desk(0).tee_->is_wanted());
  EXPECT_FALSE(rig.sessions.next(1, false));
}

TEST(CaptureSessions, EndsWhenItsTimeIsOverWhenToldToOrWhenForgotten) {
  Rig rig;
  ASSERT_TRUE(rig.sessions.begin({{"peer", "pbx"}, {"for_ms", "5000"}}));
  ASSERT_TRUE(rig.sessions.begin({{"peer", "pbx"}}));
  ASSERT_TRUE(rig.sessions.begin({{"peer", "pbx"}}));
  EXPECT_TRUE(rig.next("2", true).ended);
  rig.later(6s);
  EXPECT_TRUE(rig.next("1").ended);
  EXPECT_TRUE(rig.engines.desk(0).tee_->is_wanted());
  rig.later(10s);
  rig.sessions.tick();
  EXPECT_FALSE(rig.engines.desk(0).tee_->is_wanted());
}

TEST(CaptureSessions, OnlySoManyRunAtOnceAndEachHoldsOnlySoMuch) {
  Rig rig;
  for (std::size_t i = 0; i < CaptureSessions::kSessionsMax; ++i)
    ASSERT_TRUE(rig.sessions.begin({{"peer", "carrier"}}));
  EXPECT_EQ(rig.sessions.begin({{"peer", "carrier"}}).error().status, kExitNoDaemon);
  const std::string long_one(60'000, 'a');
  for (int i = 0; i < 200; ++i) {
    rig.see(message(long_one));
    rig.sessions.tick();
  }
  const auto got = rig.next("1");
  EXPECT_LE(got.blocks.size(), CaptureSessions::kHeldBytesMax + 1000);
  EXPECT_EQ(got.packets + got.dropped, 200u);
  EXPECT_GT(got.dropped, 0u);
}

dataplane::MediaHead head_from(const char* remote, const char* local) {
  dataplane::MediaHead head;
  head.at = moment(9'000);  // before the message that the rig has
  head.remote = *parse_endpoint(remote, 0);
  head.local = *parse_endpoint(local, 0);
  return head;
}

TEST(CaptureSessions, OfACallTheHeadsOfItsMediaAreThereInTheOrderOfTimeAndNothingThatWasSaid) {
  Rig rig;
  ASSERT_TRUE(rig.sessions.begin({{"call", "67408c3e-00000001"}}));
  for (std::uint16_t port = 20000; port < 20004; ++port) EXPECT_TRUE(rig.tap.wants(port));
  EXPECT_FALSE(rig.tap.wants(20004));
  std::vector<std::uint8_t> rtp(172, 'S');
  std::fill_n(rtp.begin(), 12, std::uint8_t{0x80});
  rig.tap.add(0, head_from("198.18.1.2:4000", "198.18.1.1:20000"), rtp);
  rig.tap.add(0, head_from("198.18.1.2:4000", "198.18.9.9:20000"), rtp);  // the same port of another address
  const auto got = rig.next("1");
  EXPECT_EQ(got.packets, 2u);
  EXPECT_EQ(got.blocks.find("SSS"), std::string::npos);
  EXPECT_LT(got.blocks.find("media as it came"), got.blocks.find("INVITE before"));
  EXPECT_TRUE(rig.next("1", true).ended);
  EXPECT_FALSE(rig.tap.is_wanted());
}

TEST(CaptureSessions, MediaIsLeftOutWhenItIsNotWanted) {
  Rig rig;
  ASSERT_TRUE(rig.sessions.begin({{"call", "67408c3e-00000001"}, {"media", "none"}}));
  ASSERT_TRUE(rig.sessions.begin({{"peer", "pbx"}}));
  EXPECT_FALSE(rig.tap.is_wanted());
}

TEST(CaptureSessions, MediaKeysAreHidden) {
  Rig rig;
  ASSERT_TRUE(rig.sessions.begin({{"peer", "carrier"}}));
  rig.see(message("a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:c2VjcmV0\r\n"));
  EXPECT_EQ(rig.next("1").blocks.find("c2VjcmV0"), std::string::npos);
}

}  // namespace
}  // namespace sallyport::mgmt

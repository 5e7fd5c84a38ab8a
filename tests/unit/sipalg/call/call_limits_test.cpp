// call_limits_test.cpp — which calls may begin: limits of peers, realms and directions, full tables,
// draining, and emergencies past all of them. RFC 3261 §21.5.4, RFC 5031.
#include <gtest/gtest.h>

#include <utility>

#include "tests/support/call_fixture.h"

namespace sallyport::sip {
namespace {

using tests::holds;
using tests::only;
using tests::SentMessage;

class CallLimitsTest : public ::testing::Test, public tests::CallFixture {
 protected:
  std::string call_to(std::string_view number) {
    const std::string n = std::to_string(++calls_made_);
    return invite()
        .uri("sip:" + std::string(number) + "@198.18.1.1")
        .call_id("limit-" + n)
        .via("SIP/2.0/UDP 198.18.1.2:5060;branch=z9hG4bKlimit" + n + ";rport")
        .build();
  }
  std::vector<SentMessage> call() { return from_carrier(call_to("+15551234567")); }
  std::vector<SentMessage> emergency() { return from_carrier(call_to("112")); }
  // As many as can be kept of them are.
  void ping(int times) {
    for (int i = 0; i < times; ++i)
      (void)from_carrier(tests::MessageBuilder("OPTIONS")
                             .uri("sip:198.18.1.1")
                             .call_id("ping" + std::to_string(i))
                             .via("SIP/2.0/UDP 198.18.1.2:5060;branch=z9hG4bKping" + std::to_string(i))
                             .build());
  }
  void send_emergencies_to_the_pbx() { config.emergency.to = {RouteToPeer{"pbx"}}; }

 private:
  unsigned calls_made_ = 0;
};

constexpr std::string_view kContact = "Contact: <sip:desk-contact@198.18.2.2:5060>\r\n";

TEST_F(CallLimitsTest, PeerHasALimitForTheCallsThatItMakes) {
  config.peers[0].limits_in = CallLimits{.calls = 2, .rate = {500, 1s}};
  EXPECT_TRUE(holds(call(), "INVITE"));
  EXPECT_TRUE(holds(call(), "INVITE"));
  const auto refused = call();
  EXPECT_FALSE(holds(refused, "INVITE"));
  EXPECT_NE(only(refused, "503").header("Retry-After"), "");
}

TEST_F(CallLimitsTest, PeerHasALimitForTheCallsThatItGets) {
  config.peers[1].limits_out = CallLimits{.calls = 1, .rate = {500, 1s}};
  const SentMessage out = only(call(), "INVITE");
  const auto refused = call();
  EXPECT_FALSE(holds(refused, "INVITE"));
  EXPECT_TRUE(holds(refused, "503"));
  (void)from_pbx(answer(out, 486, "x"));
  EXPECT_TRUE(holds(call(), "INVITE")) << "a call that is over gives its place back";
}

TEST_F(CallLimitsTest, RealmHasALimitForEachDirection) {
  config.realms[0].limits.calls = 1;
  EXPECT_TRUE(holds(call(), "INVITE"));
  EXPECT_TRUE(holds(call(), "503"));
  config.realms[0].limits.calls = 10000;
}

TEST_F(CallLimitsTest, RateIsLimitedToo) {
  config.peers[0].limits_in = CallLimits{.calls = 100, .rate = {2, 1s}};
  unsigned passed = 0;
  for (int i = 0; i < 10; ++i) passed += holds(call(), "INVITE") ? 1u : 0u;
  EXPECT_GE(passed, 1u);
  EXPECT_LE(passed, 3u);
  (void)wait(2s);
  EXPECT_TRUE(holds(call(), "INVITE"));
}

TEST_F(CallLimitsTest, EmergencyPassesEveryLimitAndAFullTable) {
  send_emergencies_to_the_pbx();
  settings.calls_max = 2;
  config.peers[0].limits_in = CallLimits{.calls = 1, .rate = {1, 1s}};
  config.peers[1].limits_out = CallLimits{.calls = 1, .rate = {1, 1s}};
  config.realms[0].limits = config.realms[1].limits = CallLimits{.calls = 1, .rate = {1, 1s}};
  EXPECT_TRUE(holds(call(), "INVITE"));
  EXPECT_TRUE(holds(call(), "503"));
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(holds(emergency(), "INVITE")) << i;
  EXPECT_TRUE(holds(call(), "503"));
}

TEST_F(CallLimitsTest, EmergencyByUrnGoesWhereEmergenciesGo) {
  send_emergencies_to_the_pbx();
  settings.calls_max = 1;
  EXPECT_TRUE(holds(call(), "INVITE"));
  const auto sent = from_carrier(invite()
                                     .uri("urn:service:sos.fire")
                                     .to("<urn:service:sos>")
                                     .call_id("urn-1")
                                     .via("SIP/2.0/UDP 198.18.1.2:5060;branch=z9hG4bKurn;rport")
                                     .build());
  const SentMessage out = only(sent, "INVITE");
  EXPECT_EQ(out.path.remote, pbx);
  EXPECT_EQ(out.uri(), "urn:service:sos.fire");
}

TEST_F(CallLimitsTest, DrainingRefusesNewCallsButEmergenciesAndEndsNothing) {
  send_emergencies_to_the_pbx();
  set_up_call();
  engine().desk().drain();
  const auto refused = call();
  EXPECT_NE(only(refused, "503").header("Retry-After"), "");
  EXPECT_TRUE(holds(emergency(), "INVITE"));
  EXPECT_TRUE(holds(from_carrier(in_dialog("INFO", 2, ok_out)), "INFO"));
  EXPECT_TRUE(holds(from_carrier(in_dialog("BYE", 3, ok_out)), "BYE"));
}

// Full: 503, established work lives on, and its end still reaches both sides.
TEST_F(CallLimitsTest, FullTransactionTableRefusesNewCallsAndStillEndsThoseThatAreUp) {
  settings.transactions_max = 16;
  set_up_call();
  std::size_t ringing = 0;
  while (holds(call(), "INVITE")) ++ringing;
  EXPECT_LT(ringing, 16u);
  EXPECT_TRUE(holds(call(), "503"));
  const auto sent = from_carrier(in_dialog("BYE", 2, ok_out));
  EXPECT_EQ(only(sent, "BYE").path.remote, pbx);
  EXPECT_TRUE(holds(journal(), "200"));
  (void)from_pbx(answer(only(sent, "BYE"), 200, ""));
  EXPECT_EQ(calls(), ringing);
  EXPECT_EQ(records(CallRecordType::End).size(), 1u);
  (void)wait(5min);
  EXPECT_TRUE(holds(call(), "INVITE"));
}

TEST_F(CallLimitsTest, WhatIsAnsweredAtOnceLeavesRoomForCalls) {
  settings.transactions_max = 16;
  ping(40);
  EXPECT_TRUE(holds(call(), "INVITE"));
}

// What was refused of it was a call each, and those filled the table. Threats R5, I8.
TEST_F(CallLimitsTest, AnAttackOnOneNumberLeavesRoomForCallsToOthers) {
  may_be_detected = true;
  config.security.detectors.tdos_calls_per_callee = {1, 1s};
  settings.transactions_max = 400;
  settings.calls_max = 1000;
  std::size_t refused = 0;
  for (int i = 0; i < 380; ++i) refused += holds(call(), "480") ? 1 : 0;
  EXPECT_GT(refused, 250u);
  EXPECT_TRUE(holds(from_carrier(call_to("+15557654321")), "INVITE"));
}

// Each refusal was kept as a call's until half of the table was theirs, and whoever floods in a peer's name
// acknowledges nothing: the peer heard each of them ten times. Threats R4, R5, I8.
TEST_F(CallLimitsTest, WhatDetectorsRefuseInAPeersNameHoldsASixteenthOfTheTable) {
  use(Transport::Udp, Transport::Udp);
  may_be_detected = true;
  config.security.detectors.tdos_calls_per_callee = {1, 1s};
  constexpr std::size_t kShare = 100;
  settings.transactions_max = 16 * kShare;
  settings.calls_max = 10000;
  std::vector<std::pair<std::string, SentMessage>> refused;
  const auto flood = [&] {
    const std::string invite = call_to("+15551234567");
    const auto sent = from_carrier(invite);
    if (holds(sent, "480")) refused.emplace_back(invite, only(sent, "480"));
    return holds(sent, "480") || holds(sent, "INVITE");
  };
  const auto kept = [this] { return records(CallRecordType::End).size(); };
  for (int i = 0; i < 1000; ++i) EXPECT_TRUE(flood()) << i;
  EXPECT_GT(refused.size(), 800u);
  EXPECT_EQ(kept(), kShare);
  // One that is acknowledged leaves its place to the next one.
  EXPECT_TRUE(from_carrier(ack_of(refused[0].first, refused[0].second)).empty());
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(flood());
  EXPECT_EQ(kept(), kShare + 1);
  std::size_t repeated = 0;
  for (const SentMessage& sent : wait(600ms)) repeated += sent.status() == 480 ? 1 : 0;
  EXPECT_EQ(repeated, kShare);
}

// The answer found no room to be kept, and was lost. RFC 3261 §12.2.2, §15.1.2
TEST_F(CallLimitsTest, ByeThatComesAgainToAFullTableIsAnsweredAgain) {
  settings.transactions_max = 16;
  set_up_call();
  ping(40);
  const std::string bye = in_dialog("BYE", 2, ok_out);
  EXPECT_TRUE(holds(from_carrier(bye), "BYE"));
  EXPECT_TRUE(holds(journal(), "200"));
  EXPECT_TRUE(holds(from_carrier(bye), "200"));
}

// It acknowledged what waits no longer, and was refused when it came again. RFC 3261 §17.2.2, RFC 3262 §3
TEST_F(CallLimitsTest, PrackThatComesAgainIsAnsweredAgainHoweverMuchIsAnsweredAtOnce) {
  settings.transactions_max = 24;
  const SentMessage out = only(from_carrier(invite().line("Require: 100rel").build()), "INVITE");
  const SentMessage ringing = only(from_pbx(answer(out, 180, "pbxtag", kContact)), "180");
  ping(40);
  const std::string prack =
      in_dialog("PRACK", 2, ringing, "RAck: " + ringing.header("RSeq") + " 1 INVITE\r\n");
  EXPECT_TRUE(holds(from_carrier(prack), "200"));
  EXPECT_TRUE(holds(from_carrier(prack), "200"));
}

TEST_F(CallLimitsTest, NewCallsLeaveRoomForWhatCallsThatAreUpStillNeed) {
  may_be_detected = true;  // all of them call one number
  settings.transactions_max = 32;
  settings.calls_max = 1000;
  std::vector<SentMessage> invites;
  for (int i = 0; i < 60; ++i) {
    const auto sent = call();
    if (holds(sent, "INVITE")) invites.push_back(only(sent, "INVITE"));
  }
  EXPECT_LT(invites.size(), 32u);
  EXPECT_GT(invites.size(), 8u);
  (void)from_pbx(answer(invites[0], 200, "pbxtag", kContact, kSdp));
  ok_out = only(journal(), "200");
  EXPECT_TRUE(holds(from_carrier(in_dialog("ACK", 1, ok_out)), "ACK"));
  const auto sent = from_carrier(in_dialog("BYE", 2, ok_out));
  EXPECT_TRUE(holds(sent, "BYE"));
  EXPECT_TRUE(holds(journal(), "200"));
}

// 404 to a peer, silence to a stranger, both counted.
TEST_F(CallLimitsTest, NumberWithoutARouteIs404ToAPeerAndSilenceToAStranger) {
  EXPECT_TRUE(holds(from_carrier(call_to("999")), "404"));
  EXPECT_TRUE(from(*parse_endpoint("198.18.1.99:5060", 0), call_to("+15551234567")).empty());
  EXPECT_EQ(dropped(RealmIndex{0}, SipDropReason::Stranger), 1u);
  EXPECT_EQ(calls(), 0u);
}

TEST_F(CallLimitsTest, OperatorEndsACallInAnyState) {
  // Trying
  SentMessage out = only(call(), "INVITE");
  EngineOutput output;
  EXPECT_TRUE(engine().desk().hang_up(now, 1001, output));
  EXPECT_FALSE(engine().desk().hang_up(now, 1001, output));
  EXPECT_FALSE(engine().desk().hang_up(now, 77, output));
  EXPECT_TRUE(holds(from_pbx(answer(out, 180, "x")), "CANCEL"));
  EXPECT_TRUE(holds(from_pbx(answer(out, 487, "x")), "ACK"));
  EXPECT_EQ(calls(), 0u);
  // Answered, but the answer waits for the disk
  out = only(call(), "INVITE");
  (void)from_pbx(answer(out, 200, "pbxtag", kContact, kSdp));
  output.clear();
  const auto views = engine().desk().calls(0, 10);
  ASSERT_EQ(views.size(), 1u);
  EXPECT_TRUE(engine().desk().hang_up(now, views[0].record.call, output));
  unsigned byes = 0, answers = 0, acks = 0;
  for (const SendMessage& send : output.sends()) {
    byes += send.bytes.starts_with("BYE ") ? 1u : 0u;
    acks += send.bytes.starts_with("ACK ") ? 1u : 0u;
    answers += send.bytes.starts_with("SIP/2.0 200") ? 1u : 0u;
  }
  EXPECT_EQ(byes, 1u) << "the caller's comes behind its ACK, RFC 3261 §15";
  EXPECT_EQ(acks, 1u);
  EXPECT_EQ(answers, 1u);
  EXPECT_TRUE(holds(wait(33s), "BYE")) << "no ACK came";
  (void)wait(5min);
  EXPECT_EQ(calls(), 0u);
  EXPECT_EQ(engine().counters().transactions_active.value(), 0u);
}

}  // namespace
}  // namespace sallyport::sip

// subscription_test.cpp — subscriptions through Sallyport: RFC 6665 §4.1, §4.2; RFC 5057.
#include "tests/support/exchange_fixture.h"

namespace sallyport::tests {
namespace {

class SubscriptionTest : public ExchangeFixture {
 protected:
  // Is there a subscription that a refresh would find?
  bool lives(unsigned cseq) { return holds(from_carrier(refresh(cseq, 600)), "SUBSCRIBE"); }
};

TEST_F(SubscriptionTest, SubscribeMakesADialogOnEachSide) {
  set_up_subscription();
  EXPECT_EQ(subscribe_out.header("Event"), "dialog;id=7");
  EXPECT_EQ(subscribe_out.header("Expires"), "600");
  EXPECT_EQ(subscribe_out.header("Accept"), "application/dialog-info+xml");
  EXPECT_NE(subscribe_out.header("Contact"), "");
  EXPECT_EQ(accepted_out.header("Expires"), "600");
  EXPECT_EQ(notify_out.header("Subscription-State"), "active;expires=600");
  EXPECT_EQ(notify_out.header("Event"), "dialog;id=7");
  EXPECT_EQ(notify_out.header("Call-ID"), "near-call-id-s1@198.18.1.2");
  EXPECT_EQ(notify_out.uri(), "sip:alice-contact@198.18.1.2:5060");
  EXPECT_EQ(notify_out.header("From"), accepted_out.header("To"));
  EXPECT_EQ(notify_out.header("To"), "\"Alice\" <sip:alice-near@198.18.1.2>;tag=callertags1");
}

TEST_F(SubscriptionTest, NothingOfOneSideIsSeenOnTheOther) {
  set_up_subscription();
  for (const char* const near : {"198.18.1.", "callertag", "alice-contact", "z9hG4bKs1"})
    EXPECT_EQ(subscribe_out.bytes.find(near), std::string::npos) << near;
  EXPECT_EQ(subscribe_out.bytes.find("near-agent"), std::string::npos);
  EXPECT_EQ(subscribe_out.bytes.find("near-secret"), std::string::npos);
  for (const SentMessage& sent : {accepted_out, notify_out})
    for (const char* const far : {"198.18.2.", "desk-contact", "pbxtag", "far-agent", "Far words"})
      EXPECT_EQ(sent.bytes.find(far), std::string::npos) << far;
}

// RFC 6665 §4.1.2.4
TEST_F(SubscriptionTest, NotifyMayComeBeforeTheAnswer) {
  subscribe_out = only(from_carrier(subscribe().build()), "SUBSCRIBE");
  notify_out = only(from_pbx(notify(subscribe_out, 1, "pending;expires=600")), "NOTIFY");
  EXPECT_TRUE(holds(from_carrier(answer(notify_out, 200, {})), "200"));
  accepted_out = only(from_pbx(accepted(subscribe_out, 600)), "200");
  EXPECT_EQ(notify_out.header("From"), accepted_out.header("To"));
  EXPECT_TRUE(lives(2));
}

TEST_F(SubscriptionTest, AnotherForkHasNoDialog) {
  set_up_subscription();
  callee_tag = "othertag";
  EXPECT_TRUE(holds(from_pbx(notify(subscribe_out, 1, "active")), "481"));
  callee_tag = "pbxtag";
  EXPECT_TRUE(holds(from_pbx(notify(subscribe_out, 2, "active")), "NOTIFY"));
}

TEST_F(SubscriptionTest, AnswerOfAnotherForkThanTheNotifierChangesNothing) {
  subscribe_out = only(from_carrier(subscribe().build()), "SUBSCRIBE");
  (void)from_pbx(notify(subscribe_out, 1, "active;expires=600"));
  accepted_out = only(from_pbx(accepted(subscribe_out, 600, "othertag")), "200");
  EXPECT_TRUE(holds(from_pbx(notify(subscribe_out, 2, "active")), "NOTIFY"));
  callee_tag = "othertag";
  EXPECT_TRUE(holds(from_pbx(notify(subscribe_out, 1, "active")), "481"));
}

TEST_F(SubscriptionTest, RefreshGoesThroughAndMakesItLast) {
  set_up_subscription();
  (void)wait(500s);
  const auto sent = only(from_carrier(refresh(2, 600)), "SUBSCRIBE");
  EXPECT_EQ(sent.header("CSeq"), "2 SUBSCRIBE");
  EXPECT_EQ(sent.header("Call-ID"), subscribe_out.header("Call-ID"));
  EXPECT_EQ(sent.uri(), "sip:desk-contact@198.18.2.2:5060");
  EXPECT_TRUE(sent.header("To").ends_with(";tag=pbxtag"));
  const auto back = only(from_pbx(accepted(sent, 600)), "200");
  EXPECT_NE(back.header("Contact"), "");
  (void)wait(500s);
  EXPECT_TRUE(lives(3));
}

TEST_F(SubscriptionTest, ItEndsSomeTimeAfterItExpired) {
  set_up_subscription();
  (void)wait(610s);
  EXPECT_TRUE(holds(from_pbx(notify(subscribe_out, 2, "active")), "NOTIFY"));
  (void)wait(60s);
  EXPECT_TRUE(holds(from_pbx(notify(subscribe_out, 3, "terminated;reason=timeout")), "481"));
  EXPECT_FALSE(lives(2));
}

TEST_F(SubscriptionTest, UnsubscribingEndsWithTheLastNotify) {
  set_up_subscription();
  const auto sent = only(from_carrier(refresh(2, 0)), "SUBSCRIBE");
  EXPECT_EQ(sent.header("Expires"), "0");
  EXPECT_TRUE(holds(from_pbx(accepted(sent, 0)), "200"));
  const auto last = only(from_pbx(notify(subscribe_out, 2, "terminated;reason=timeout")), "NOTIFY");
  EXPECT_EQ(last.header("Subscription-State"), "terminated;reason=timeout");
  EXPECT_TRUE(holds(from_carrier(answer(last, 200, {})), "200"));
  EXPECT_FALSE(lives(3));
}

// RFC 6665 §4.4.3
TEST_F(SubscriptionTest, FetchIsOneNotify) {
  std::string bytes = subscribe().build();
  bytes.replace(bytes.find("Expires: 600"), 12, "Expires: 0");
  subscribe_out = only(from_carrier(bytes), "SUBSCRIBE");
  EXPECT_EQ(subscribe_out.header("Expires"), "0");
  accepted_out = only(from_pbx(accepted(subscribe_out, 0)), "200");
  const auto sent = only(from_pbx(notify(subscribe_out, 1, "terminated;reason=timeout")), "NOTIFY");
  EXPECT_TRUE(holds(from_carrier(answer(sent, 200, {})), "200"));
  EXPECT_FALSE(lives(2));
}

// RFC 6665 §4.1.2.4: timer N
TEST_F(SubscriptionTest, WithoutAnyNotifyItIsOverSoon) {
  subscribe_out = only(from_carrier(subscribe().build()), "SUBSCRIBE");
  accepted_out = only(from_pbx(accepted(subscribe_out, 600)), "200");
  (void)wait(40s);
  EXPECT_TRUE(holds(from_pbx(notify(subscribe_out, 1, "active")), "481"));
  EXPECT_FALSE(lives(2));
}

TEST_F(SubscriptionTest, RefusalOfTheFarSideIsPassedOnAndLeavesNothing) {
  subscribe_out = only(from_carrier(subscribe().build()), "SUBSCRIBE");
  const auto back = only(from_pbx(answer(subscribe_out, 423, "t", "Min-Expires: 3600\r\n")), "423");
  EXPECT_EQ(back.header("Min-Expires"), "3600");
  EXPECT_TRUE(holds(from_pbx(notify(subscribe_out, 1, "active")), "481"));
}

TEST_F(SubscriptionTest, PackagesOfTheSenderAreNamedWhenTheFarSideRefusesItsOwn) {
  subscribe_out = only(from_carrier(subscribe().build()), "SUBSCRIBE");
  const auto back = only(from_pbx(answer(subscribe_out, 489, "t", "Allow-Events: far-only\r\n")), "489");
  EXPECT_EQ(back.header("Allow-Events"), "dialog, presence, message-summary, reg, ua-profile, refer");
}

// RFC 5057 §5.1
TEST_F(SubscriptionTest, LostDialogOfOneSideEndsBoth) {
  set_up_subscription();
  const auto sent = only(from_pbx(notify(subscribe_out, 2, "active")), "NOTIFY");
  EXPECT_TRUE(holds(from_carrier(answer(sent, 481, {})), "481"));
  EXPECT_TRUE(holds(from_pbx(notify(subscribe_out, 3, "active")), "481"));
  EXPECT_FALSE(lives(2));
}

TEST_F(SubscriptionTest, FailureThatIsNotItsEndLeavesItAlone) {
  set_up_subscription();
  const auto sent = only(from_pbx(notify(subscribe_out, 2, "active")), "NOTIFY");
  EXPECT_TRUE(holds(from_carrier(answer(sent, 500, {})), "500"));
  EXPECT_TRUE(lives(2));
}

TEST_F(SubscriptionTest, SilentSubscriberEndsIt) {
  set_up_subscription();
  (void)only(from_pbx(notify(subscribe_out, 2, "active")), "NOTIFY");
  (void)wait(40s);
  EXPECT_TRUE(holds(from_pbx(notify(subscribe_out, 3, "active")), "481"));
}

TEST_F(SubscriptionTest, NumbersInOrderOnly) {
  set_up_subscription();
  EXPECT_TRUE(holds(from_pbx(notify(subscribe_out, 1, "active")), "500"));
  EXPECT_TRUE(holds(from_pbx(notify(subscribe_out, 5, "active")), "NOTIFY"));
  EXPECT_TRUE(holds(from_pbx(notify(subscribe_out, 4, "terminated")), "500"));
  EXPECT_TRUE(lives(2));
}

TEST_F(SubscriptionTest, RetransmittedNotifyIsPassedOnOnce) {
  set_up_subscription();
  const std::string bytes = notify(subscribe_out, 2, "active");
  const auto sent = only(from_pbx(bytes), "NOTIFY");
  EXPECT_TRUE(from_pbx(bytes).empty());
  (void)from_carrier(answer(sent, 200, {}));
  EXPECT_TRUE(from_pbx(bytes).front().is_again);
}

TEST_F(SubscriptionTest, BodyOfANotifyPassesUntouched) {
  set_up_subscription();
  const std::string xml = "<?xml version=\"1.0\"?><dialog-info entity=\"sip:desk@198.18.2.2\"/>";
  std::string bytes = notify(subscribe_out, 2, "active", "Content-Type: application/dialog-info+xml\r\n");
  bytes.replace(bytes.find("Content-Length: 0"), 17, "Content-Length: " + std::to_string(xml.size()));
  const auto sent = only(from_pbx(bytes + xml), "NOTIFY");
  EXPECT_EQ(sent.header("Content-Type"), "application/dialog-info+xml");
  EXPECT_EQ(sent.body(), xml);
}

TEST_F(SubscriptionTest, RouteSetsAreThoseOfEachSide) {
  subscribe_out =
      only(from_carrier(subscribe().line("Record-Route: <sip:198.18.1.7;lr>, <sip:198.18.1.8;lr>").build()),
           "SUBSCRIBE");
  EXPECT_EQ(subscribe_out.header("Record-Route"), "");
  const auto back = only(from_pbx(answer(subscribe_out, 200, "pbxtag",
                                         "Contact: <sip:desk-contact@198.18.2.2:5060>\r\nExpires: 600\r\n"
                                         "Record-Route: <sip:198.18.2.9;lr>\r\n")),
                         "200");
  EXPECT_NE(back.bytes.find("198.18.1.7"), std::string::npos);
  EXPECT_EQ(back.bytes.find("198.18.2.9"), std::string::npos);
  const auto sent = only(from_pbx(notify(subscribe_out, 1, "active")), "NOTIFY");
  EXPECT_NE(sent.bytes.find("Route: <sip:198.18.1.7;lr>\r\nRoute: <sip:198.18.1.8;lr>"), std::string::npos);
  accepted_out = back;
  const auto again = only(from_carrier(refresh(2, 600)), "SUBSCRIBE");
  EXPECT_EQ(again.header("Route"), "<sip:198.18.2.9;lr>");
}

TEST_F(SubscriptionTest, NextTargetIsAnotherDialog) {
  const auto first = only(from_carrier(subscribe().build()), "SUBSCRIBE");
  subscribe_out = only(from_pbx(answer(first, 503, "t")), "SUBSCRIBE");
  EXPECT_EQ(subscribe_out.path.remote, second_pbx);
  EXPECT_NE(first.header("Call-ID"), subscribe_out.header("Call-ID"));
  // What the first one says late means nothing any more.
  EXPECT_TRUE(holds(from_pbx(notify(first, 1, "active")), "481"));
  callee_host = "198.18.2.3";
  EXPECT_TRUE(holds(from(second_pbx, notify(subscribe_out, 1, "active")), "NOTIFY"));
  EXPECT_TRUE(holds(from(second_pbx, accepted(subscribe_out, 600)), "200"));
}

TEST_F(SubscriptionTest, WhatWasBegunKeepsItsRulesThroughAReload) {
  set_up_subscription();
  SbcConfig next = config;
  next.peers[0].profile.events = {};
  next.routes.clear();
  (void)adopt(next);
  EXPECT_TRUE(holds(from_pbx(notify(subscribe_out, 2, "active")), "NOTIFY"));
  EXPECT_TRUE(lives(2));
  EXPECT_TRUE(holds(from_carrier(subscribe("s2").build()), "489"));
}

TEST_F(SubscriptionTest, DrainLeavesItAlone) {
  set_up_subscription();
  engine().desk().drain();
  EXPECT_TRUE(lives(2));
  EXPECT_TRUE(holds(from_carrier(subscribe("s2").build()), "503"));
}

TEST_F(SubscriptionTest, StreamsCarryItToo) {
  use(Transport::Tcp, Transport::Tcp);
  set_up_subscription();
  EXPECT_EQ(notify_out.path.connection, connection_of(carrier));
  EXPECT_NE(accepted_out.header("Contact").find(";transport=tcp"), std::string::npos);
  EXPECT_TRUE(lives(2));
}

TEST_F(SubscriptionTest, IPv6CrossesToIPv4) {
  carrier = *parse_endpoint("[fd18:1::2]:5060", 0);
  caller_host = "[fd18:1::2]";
  config.peers[0].targets = {{.address = carrier, .domain = {}}};
  std::string bytes = subscribe()
                          .uri("sip:+15551234567@[fd18:1::1]")
                          .via("SIP/2.0/UDP [fd18:1::2]:5060;branch=z9hG4bKsix;rport")
                          .contact("<sip:alice-contact@[fd18:1::2]:5060>")
                          .build();
  subscribe_out = only(from_carrier(bytes), "SUBSCRIBE");
  accepted_out = only(from_pbx(accepted(subscribe_out, 600)), "200");
  EXPECT_NE(accepted_out.header("Contact").find("@[fd18:1::1]"), std::string::npos);
  notify_out = only(from_pbx(notify(subscribe_out, 1, "active;expires=600")), "NOTIFY");
  EXPECT_EQ(notify_out.path.remote, carrier);
  EXPECT_TRUE(lives(2));
}

TEST_F(SubscriptionTest, WhoHasNotifiedIsNotLeftForAnotherTarget) {
  subscribe_out = only(from_carrier(subscribe().build()), "SUBSCRIBE");
  (void)from_pbx(notify(subscribe_out, 1, "active"));
  const auto waited = wait(6s);
  for (const SentMessage& one : waited) EXPECT_NE(one.path.remote, second_pbx);
  EXPECT_TRUE(holds(from_pbx(answer(subscribe_out, 503, "pbxtag")), "503"));
}

TEST_F(SubscriptionTest, SilentTargetIsLeftForTheNextOne) {
  (void)only(from_carrier(subscribe().build()), "SUBSCRIBE");
  std::vector<SentMessage> second;
  for (const SentMessage& one : wait(6s))
    if (one.path.remote == second_pbx) second.push_back(one);
  ASSERT_FALSE(second.empty());
  EXPECT_TRUE(holds(from(second_pbx, accepted(second[0], 600)), "200"));
}

// RFC 3261 §22.1
TEST_F(SubscriptionTest, ChallengesOfThePeerAreAnsweredInAndBeforeTheDialog) {
  config.peers[1].credentials = {
      {.digest_realm = {}, .user = "edge", .password_file = {}, .password = "secret"}};
  const std::string challenge = "WWW-Authenticate: Digest realm=\"far\", nonce=\"1\"\r\n";
  const auto first = only(from_carrier(subscribe().build()), "SUBSCRIBE");
  subscribe_out = only(from_pbx(answer(first, 401, "t", challenge)), "SUBSCRIBE");
  EXPECT_EQ(subscribe_out.header("CSeq"), "2 SUBSCRIBE");
  accepted_out = only(from_pbx(accepted(subscribe_out, 600)), "200");
  EXPECT_TRUE(holds(from_pbx(notify(subscribe_out, 1, "active")), "NOTIFY"));
  const auto refreshed = only(from_carrier(refresh(2, 600)), "SUBSCRIBE");
  EXPECT_EQ(refreshed.header("CSeq"), "3 SUBSCRIBE");
  const auto again = only(from_pbx(answer(refreshed, 401, {}, challenge)), "SUBSCRIBE");
  EXPECT_EQ(again.header("CSeq"), "4 SUBSCRIBE");
  EXPECT_TRUE(holds(from_pbx(accepted(again, 600)), "200"));
}

TEST_F(SubscriptionTest, PeersOfSubscriptionsAreInUse) {
  EXPECT_FALSE(engine().desk().peers_in_use()[1]);
  set_up_subscription();
  EXPECT_TRUE(engine().desk().peers_in_use()[0]);
  EXPECT_TRUE(engine().desk().peers_in_use()[1]);
}

// A restart in the middle of it.
TEST_F(SubscriptionTest, ItIsThereAgainAfterARestart) {
  set_up_subscription();
  (void)wait(100s);
  restart();
  const auto sent = only(from_pbx(notify(subscribe_out, 2, "active")), "NOTIFY");
  EXPECT_EQ(sent.header("From"), accepted_out.header("To"));
  EXPECT_EQ(sent.header("CSeq"), "2 NOTIFY");
  EXPECT_TRUE(holds(from_carrier(answer(sent, 200, {})), "200"));
  (void)wait(700s);
  EXPECT_FALSE(lives(2));
}

TEST_F(SubscriptionTest, EveryStepSurvivesARestart) {
  set_up_subscription();
  restarts_after_each_step = true;
  (void)wait(1s);
  EXPECT_TRUE(holds(from_pbx(notify(subscribe_out, 2, "active")), "NOTIFY"));
  EXPECT_TRUE(lives(2));
  EXPECT_TRUE(holds(from_pbx(notify(subscribe_out, 3, "terminated")), "NOTIFY"));
  EXPECT_FALSE(lives(3));
}

TEST_F(SubscriptionTest, DamagedSnapshotIsRefused) {
  set_up_subscription();
  std::string bytes;
  for (const auto& saved : engine().save(now))
    if (saved.bytes.find("dialog") != std::string::npos) bytes = saved.bytes;
  ASSERT_FALSE(bytes.empty());
  for (std::size_t size = 0; size < bytes.size(); size += 7) EXPECT_FALSE(restore(bytes.substr(0, size)));
  EXPECT_FALSE(restore(bytes));  // it is there already
}

}  // namespace
}  // namespace sallyport::tests

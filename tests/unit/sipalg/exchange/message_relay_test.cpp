// message_relay_test.cpp — MESSAGE, PUBLISH and NOTIFY outside dialogs: RFC 3428, RFC 3903, RFC 4320, RFC
// 6665 §8.3.1; threats I11, I12.
#include "tests/support/exchange_fixture.h"

namespace sallyport::tests {
namespace {

using sip::Direction;

class MessageRelayTest : public ExchangeFixture {
 protected:
  std::uint64_t sent_requests(std::size_t realm, sip::Method method) {
    return engine()
        .counters(RealmIndex(realm))
        .requests[static_cast<std::size_t>(Direction::Out)][static_cast<std::size_t>(method)]
        .value();
  }
  std::uint64_t transactions() {
    (void)wait(1min);
    return engine().counters().transactions_active.value();
  }
};

// RFC 3428 §4, §7
TEST_F(MessageRelayTest, MessageIsBuiltAnewForTheFarSide) {
  const auto sent = only(from_carrier(message().build()), "MESSAGE");
  EXPECT_EQ(sent.uri(), "sip:+15551234567@198.18.2.2:5060");
  EXPECT_EQ(sent.path.remote, pbx);
  EXPECT_EQ(sent.header("Max-Forwards"), "69");
  EXPECT_EQ(sent.header("CSeq"), "1 MESSAGE");
  EXPECT_EQ(sent.header("Contact"), "");
  EXPECT_EQ(sent.header("Expires"), "30");
  EXPECT_EQ(sent.header("Content-Type"), "text/plain;charset=utf-8");
  EXPECT_EQ(sent.body(), "lunch at one?");
  EXPECT_TRUE(sent.header("From").starts_with("\"Alice\" <sip:alice-near@198.18.2.1>;tag="));
  EXPECT_EQ(sent.header("To"), "<sip:+15551234567@198.18.2.2:5060>");
  EXPECT_EQ(sent_requests(1, sip::Method::Message), 1u);
}

TEST_F(MessageRelayTest, NothingOfOneSideIsSeenOnTheOther) {
  const auto sent = only(from_carrier(message().build()), "MESSAGE");
  for (const char* const near : {"198.18.1.", "near-call-id", "neartag", "near-agent", "z9hG4bKm1"})
    EXPECT_EQ(sent.bytes.find(near), std::string::npos) << near;
  const auto back = only(from_pbx(answer(sent, 200, "fartag",
                                         "Server: far-agent\r\nWarning: 399 198.18.2.2 \"x\"\r\n"
                                         "Contact: <sip:desk@198.18.2.2>\r\n")),
                         "200");
  for (const char* const far : {"198.18.2.", "far-agent", "fartag", "desk", "Far words", "Contact"})
    EXPECT_EQ(back.bytes.find(far), std::string::npos) << far;
  EXPECT_EQ(back.header("Call-ID"), "near-call-id@198.18.1.2");
  const std::string tag = back.header("To").substr(back.header("To").find(";tag=") + 5);
  EXPECT_EQ(sent.bytes.find(tag), std::string::npos);  // no token on both sides
}

TEST_F(MessageRelayTest, AnswerGoesBackOnceAndNothingIsLeft) {
  const auto sent = only(from_carrier(message().build()), "MESSAGE");
  EXPECT_EQ(from_pbx(answer(sent, 100, {})).size(), 0u);  // RFC 4320 §4.1
  const auto back = only(from_pbx(answer(sent, 202, "fartag")), "202");
  EXPECT_EQ(back.path.remote, carrier);
  EXPECT_TRUE(from_pbx(answer(sent, 202, "fartag")).empty());
  EXPECT_EQ(transactions(), 0u);
}

// RFC 3261 §17.2.2
TEST_F(MessageRelayTest, RetransmissionIsAbsorbedBeforeAndAnsweredAfterTheAnswer) {
  const auto sent = only(from_carrier(message().build()), "MESSAGE");
  EXPECT_TRUE(from_carrier(message().build()).empty());
  (void)from_pbx(answer(sent, 200, "fartag"));
  const auto again = from_carrier(message().build());
  ASSERT_EQ(again.size(), 1u);
  EXPECT_EQ(again[0].status(), 200);
  EXPECT_TRUE(again[0].is_again);
}

TEST_F(MessageRelayTest, BodyOfAnyKindPassesOctetByOctet) {
  const std::string body("v=0\r\nc=IN IP4 198.18.1.2\r\n\0\x01\xff", 30);
  const auto sent = only(from_carrier(message().body("application/octet-stream", body).build()), "MESSAGE");
  EXPECT_EQ(sent.body(), body);
  const auto sdp = only(from_carrier(message("m2").body("application/sdp", kSdp).build()), "MESSAGE");
  EXPECT_EQ(sdp.body(), kSdp);
}

// RFC 3261 §20.15
TEST_F(MessageRelayTest, BodyWithoutTypeIsRefused) {
  std::string bytes = message().build();
  bytes.erase(bytes.find("Content-Type:"),
              bytes.find("\r\n", bytes.find("Content-Type:")) + 2 - bytes.find("Content-Type:"));
  EXPECT_TRUE(holds(from_carrier(bytes), "400"));
}

// RFC 3261 §16.7
TEST_F(MessageRelayTest, NextTargetIsTriedForCodesOfTheRoute) {
  const auto first = only(from_carrier(message().build()), "MESSAGE");
  const auto second = only(from_pbx(answer(first, 503, "t")), "MESSAGE");
  EXPECT_EQ(second.path.remote, second_pbx);
  EXPECT_NE(first.header("Call-ID"), second.header("Call-ID"));
  EXPECT_EQ(second.body(), "lunch at one?");
  EXPECT_EQ(only(from(second_pbx, answer(second, 404, "t")), "404").path.remote, carrier);
  EXPECT_EQ(transactions(), 0u);
}

TEST_F(MessageRelayTest, CodeThatTheRouteDoesNotListEndsIt) {
  const auto sent = only(from_carrier(message().build()), "MESSAGE");
  const auto back = from_pbx(answer(sent, 486, "t"));
  EXPECT_EQ(back.size(), 1u);
  EXPECT_TRUE(holds(back, "486"));
}

TEST_F(MessageRelayTest, TargetThatCannotBeReachedIsNotWaitedFor) {
  const auto first = only(from_carrier(message().build()), "MESSAGE");
  const auto second = only(unreachable(first.path), "MESSAGE");
  EXPECT_EQ(second.path.remote, second_pbx);
  EXPECT_TRUE(holds(unreachable(second.path), "503"));
}

TEST_F(MessageRelayTest, SilentTargetIsLeftForTheNextOneAfterItsSetupTime) {
  (void)only(from_carrier(message().build()), "MESSAGE");
  const auto waited = wait(6s);
  std::vector<SentMessage> second;
  for (const SentMessage& one : waited)
    if (one.path.remote == second_pbx && !one.is_again) second.push_back(one);
  ASSERT_EQ(second.size(), 1u);
  EXPECT_TRUE(holds(from(second_pbx, answer(second[0], 200, "t")), "200"));
  EXPECT_EQ(board().targets_of(PeerIndex(1))->front()->failures.load(std::memory_order_relaxed), 1u);
}

// RFC 4320 §4.2
TEST_F(MessageRelayTest, SilenceOfAllTargetsIsAnsweredWithSilence) {
  (void)only(from_carrier(message().build()), "MESSAGE");
  for (const SentMessage& one : wait(2min)) EXPECT_TRUE(one.is_request()) << one.bytes;
  EXPECT_EQ(transactions(), 0u);
}

TEST_F(MessageRelayTest, NeverA408) {
  config.routes[2].retry_on = {};
  const auto sent = only(from_carrier(message().build()), "MESSAGE");
  EXPECT_TRUE(holds(from_pbx(answer(sent, 408, "t")), "504"));
}

// Threats I3
TEST_F(MessageRelayTest, ChallengeOfTheFarSideNeverCrosses) {
  const auto sent =
      only(from_carrier(message().line("Authorization: Digest username=\"near\"").build()), "MESSAGE");
  EXPECT_EQ(sent.header("Authorization"), "");
  const auto back = only(
      from_pbx(answer(sent, 401, "t", "WWW-Authenticate: Digest realm=\"far\", nonce=\"1\"\r\n")), "403");
  EXPECT_EQ(back.bytes.find("far"), std::string::npos);
}

TEST_F(MessageRelayTest, RedirectionIsNotFollowed) {
  const auto sent = only(from_carrier(message().build()), "MESSAGE");
  const auto back = only(from_pbx(answer(sent, 302, "t", "Contact: <sip:x@198.18.2.9>\r\n")), "480");
  EXPECT_EQ(back.header("Contact"), "");
}

TEST_F(MessageRelayTest, CodesAreMappedForTheSender) {
  config.peers[0].profile.response_map = {{404, 480}};
  const auto sent = only(from_carrier(message().build()), "MESSAGE");
  EXPECT_TRUE(holds(from_pbx(answer(sent, 404, "t")), "480"));
}

TEST_F(MessageRelayTest, RoutesAndRulesAreThoseOfCalls) {
  EXPECT_TRUE(holds(from_carrier(message().uri("sip:nobody@198.18.1.1").build()), "404"));
  config.routes[2].to = {RouteReject{603}};
  // The engine is there already: a reload brings the change.
  (void)adopt(config);
  EXPECT_TRUE(holds(from_carrier(message("m2").build()), "603"));
}

TEST_F(MessageRelayTest, MethodThatTheFarSideDoesNotSpeakIs405) {
  std::erase(config.peers[1].profile.methods, "MESSAGE");
  const auto back = only(from_carrier(message().build()), "405");
  EXPECT_NE(back.header("Allow"), "");
}

TEST_F(MessageRelayTest, MethodThatTheSenderMayNotUseIs405) {
  std::erase(config.peers[0].profile.methods, "MESSAGE");
  EXPECT_TRUE(holds(from_carrier(message().build()), "405"));
}

// Threats I11
TEST_F(MessageRelayTest, StrangersHearNothing) {
  for (const char* const method : {"MESSAGE", "PUBLISH", "SUBSCRIBE", "NOTIFY"})
    EXPECT_TRUE(from(*parse_endpoint("198.18.1.99:5060", 0), MessageBuilder(method).build()).empty());
}

TEST_F(MessageRelayTest, MaxForwardsOfOneIsTheLast) {
  EXPECT_TRUE(holds(from_carrier(message().max_forwards("0").build()), "483"));
  EXPECT_EQ(only(from_carrier(message("m2").max_forwards("1").build()), "MESSAGE").header("Max-Forwards"),
            "0");
}

TEST_F(MessageRelayTest, SipsIsTakenOverTlsOnly) {
  EXPECT_TRUE(holds(from_carrier(message().uri("sips:+15551234567@198.18.1.1").build()), "416"));
}

// RFC 3903 §4, §6
TEST_F(MessageRelayTest, PublicationKeepsItsTagsAndTimes) {
  const auto published = [&](std::string_view branch) {
    return message(branch).line("Event: presence").line("SIP-If-Match: etag-1");
  };
  std::string bytes = published("p1").build();
  bytes.replace(0, 7, "PUBLISH");
  bytes.replace(bytes.find(" MESSAGE\r\n"), 8, " PUBLISH");
  const auto sent = only(from_carrier(bytes), "PUBLISH");
  EXPECT_EQ(sent.header("SIP-If-Match"), "etag-1");
  EXPECT_EQ(sent.header("Event"), "presence");
  EXPECT_EQ(sent.header("Expires"), "30");
  const auto back = only(from_pbx(answer(sent, 200, "t", "SIP-ETag: etag-2\r\nExpires: 25\r\n")), "200");
  EXPECT_EQ(back.header("SIP-ETag"), "etag-2");
  EXPECT_EQ(back.header("Expires"), "25");
}

// RFC 6665 §8.3.1
TEST_F(MessageRelayTest, PackageThatOneOfBothDoesNotListIs489) {
  const auto publish = [&](std::string_view branch, std::string_view event) {
    std::string bytes = message(branch).line("Event: " + std::string(event)).build();
    bytes.replace(0, 7, "PUBLISH");
    return bytes.replace(bytes.find(" MESSAGE\r\n"), 8, " PUBLISH");
  };
  config.peers[1].profile.events = {"presence"};
  const auto near = only(from_carrier(publish("a", "unheard-of")), "489");
  EXPECT_EQ(near.header("Allow-Events"), "dialog, presence, message-summary, reg, ua-profile, refer");
  EXPECT_TRUE(holds(from_carrier(publish("b", "dialog")), "489"));
  EXPECT_TRUE(holds(from_carrier(publish("c", "presence")), "PUBLISH"));
  EXPECT_TRUE(holds(from_carrier(publish("d", "")), "400"));
  EXPECT_TRUE(holds(from_carrier(publish("e", "presence\r\nEvent: dialog")), "400"));
  EXPECT_EQ(transactions(), 0u);
}

TEST_F(MessageRelayTest, NotifyOutsideDialogsPassesWhereTheRouteSaysSo) {
  std::string bytes = message().line("Event: message-summary").line("Subscription-State: terminated").build();
  bytes.replace(0, 7, "NOTIFY");
  bytes.replace(bytes.find(" MESSAGE\r\n"), 8, " NOTIFY");
  const auto sent = only(from_carrier(bytes), "NOTIFY");
  EXPECT_EQ(sent.header("Event"), "message-summary");
  EXPECT_NE(sent.header("Contact"), "");
  EXPECT_TRUE(holds(from_pbx(answer(sent, 200, "t")), "200"));
}

TEST_F(MessageRelayTest, IPv6CrossesToIPv4AndBack) {
  const Endpoint sixth = *parse_endpoint("[fd18:1::2]:5060", 0);
  config.peers[0].targets.push_back({.address = sixth, .domain = {}});
  const auto sent = only(from(sixth, message()
                                         .uri("sip:+15551234567@[fd18:1::1]")
                                         .via("SIP/2.0/UDP [fd18:1::2]:5060;branch=z9hG4bKsix;rport")
                                         .build()),
                         "MESSAGE");
  EXPECT_EQ(sent.path.remote, pbx);
  EXPECT_EQ(only(from_pbx(answer(sent, 200, "t")), "200").path.remote, sixth);
}

TEST_F(MessageRelayTest, IPv4CrossesToIPv6) {
  pbx = *parse_endpoint("[fd18:2::2]:5060", 0);
  config.peers[1].targets = {{.address = pbx, .domain = {}}};
  const auto sent = only(from_carrier(message().build()), "MESSAGE");
  EXPECT_EQ(sent.uri(), "sip:+15551234567@[fd18:2::2]:5060");
  EXPECT_TRUE(sent.header("From").find("@[fd18:2::1]>") != std::string::npos);
  EXPECT_TRUE(holds(from_pbx(answer(sent, 200, "t")), "200"));
}

TEST_F(MessageRelayTest, StreamsCarryItToo) {
  use(Transport::Tcp, Transport::Tls);
  const auto sent = only(from_carrier(message().build()), "MESSAGE");
  EXPECT_TRUE(sent.header("Via").starts_with("SIP/2.0/TLS 198.18.2.1:5061"));
  EXPECT_EQ(sent.path.transport, Transport::Tls);
  const auto back = only(from_pbx(answer(sent, 200, "t")), "200");
  EXPECT_EQ(back.path.connection, connection_of(carrier));
}

// RFC 3261 §18.1.1
TEST_F(MessageRelayTest, LargeRequestGoesByTcpWhereThereIsAListener) {
  ListenerConfig tcp = config.realms[1].listen[0];
  tcp.transport = Transport::Tcp;
  config.realms[1].listen.push_back(tcp);
  const std::string body(1400, 'x');
  const auto sent = only(from_carrier(message().body("text/plain", body).build()), "MESSAGE");
  EXPECT_EQ(sent.path.transport, Transport::Tcp);
  const auto second = only(unreachable(sent.path), "MESSAGE");
  EXPECT_EQ(second.path.transport, Transport::Udp);
  EXPECT_TRUE(holds(from_pbx(answer(second, 200, "t")), "200"));
  // For a while it is not tried again.
  EXPECT_EQ(only(from_carrier(message("m2").body("text/plain", body).build()), "MESSAGE").path.transport,
            Transport::Udp);
}

TEST_F(MessageRelayTest, DrainRefusesNewOnesAndFinishesOthers) {
  const auto sent = only(from_carrier(message().build()), "MESSAGE");
  engine().desk().drain();
  const auto refused = only(from_carrier(message("m2").build()), "503");
  EXPECT_NE(refused.header("Retry-After"), "");
  EXPECT_TRUE(holds(from_pbx(answer(sent, 200, "t")), "200"));
}

TEST_F(MessageRelayTest, FullTableIs503AndFreeAgainLater) {
  settings.transactions_max = 16;
  std::vector<SentMessage> sent;
  int refused = 0;
  for (int i = 0; i < 30; ++i) {
    auto out = from_carrier(message("full" + std::to_string(i)).build());
    refused += holds(out, "503");
    if (holds(out, "MESSAGE")) sent.push_back(only(out, "MESSAGE"));
  }
  EXPECT_EQ(sent.size(), 4u);  // a quarter of the transactions
  EXPECT_EQ(refused, 26);
  for (const SentMessage& one : sent) (void)from_pbx(answer(one, 200, "t"));
  EXPECT_EQ(transactions(), 0u);
  EXPECT_TRUE(holds(from_carrier(message("after").build()), "MESSAGE"));
}

// RFC 3261 §22.1
TEST_F(MessageRelayTest, ChallengeOfAPeerIsAnsweredWithItsCredentials) {
  config.peers[1].credentials = {
      {.digest_realm = {}, .user = "edge", .password_file = {}, .password = "secret"}};
  const auto first = only(from_carrier(message().build()), "MESSAGE");
  const auto again =
      only(from_pbx(answer(first, 401, "t", "WWW-Authenticate: Digest realm=\"far\", nonce=\"1\"\r\n")),
           "MESSAGE");
  EXPECT_EQ(again.header("CSeq"), "2 MESSAGE");
  EXPECT_EQ(again.header("Call-ID"), first.header("Call-ID"));
  EXPECT_NE(again.header("Authorization").find("username=\"edge\""), std::string::npos);
  EXPECT_TRUE(holds(from_pbx(answer(again, 200, "t")), "200"));
  EXPECT_EQ(transactions(), 0u);
}

// RFC 3325 §9
TEST_F(MessageRelayTest, IdentityIsThatOfTheTrustBorder) {
  config.peers[0].profile.identity_accept = IdentityAccept::Pai;
  const auto known = only(
      from_carrier(message().line("P-Asserted-Identity: <sip:+15550001@198.18.1.2>").build()), "MESSAGE");
  EXPECT_EQ(known.header("P-Asserted-Identity"), "<sip:+15550001@198.18.2.1>");
}

// RFC 3323 §4.1
TEST_F(MessageRelayTest, SenderWhoAsksForPrivacyIsNotNamedOutsideTheTrustDomain) {
  config.realms[1].trust = RealmTrust::Untrusted;
  config.peers[0].profile.identity_accept = IdentityAccept::Pai;
  const auto sent = only(
      from_carrier(
          message().line("P-Asserted-Identity: <sip:+15550001@198.18.1.2>").line("Privacy: user;id").build()),
      "MESSAGE");
  EXPECT_TRUE(sent.header("From").starts_with("\"Anonymous\" <sip:anonymous@anonymous.invalid>;tag="));
  EXPECT_EQ(sent.header("P-Asserted-Identity"), "");
  EXPECT_EQ(sent.bytes.find("alice-near"), std::string::npos);
}

TEST_F(MessageRelayTest, HeaderRulesOfSourceRouteAndTargetApply) {
  config.header_rules = {{"in", {}, {{"called", RuleAction::Replace, "^\\+1555", "+1666"}}},
                         {"out", {"MESSAGE"}, {{"header:X-Edge", RuleAction::Set, {}, "one"}}}};
  config.peers[0].profile.header_rules_in = {"in"};
  config.peers[1].profile.header_rules_out = {"out"};
  config.routes[2].match.called = {"^\\+1666"};
  const auto sent = only(from_carrier(message().build()), "MESSAGE");
  EXPECT_EQ(sent.uri(), "sip:+16661234567@198.18.2.2:5060");
  EXPECT_EQ(sent.header("X-Edge"), "one");
}

// RFC 3261 §21.5.4
TEST_F(MessageRelayTest, TargetThatAskedToBeLeftAloneIsNotTriedFirst) {
  const auto first = only(from_carrier(message().build()), "MESSAGE");
  (void)from_pbx(answer(first, 503, "t", "Retry-After: 60\r\n"));
  EXPECT_EQ(only(from_carrier(message("m2").build()), "MESSAGE").path.remote, second_pbx);
}

// A restart between the answer and its repetition.
TEST_F(MessageRelayTest, AnswerIsRepeatedAfterARestartToo) {
  const auto sent = only(from_carrier(message().build()), "MESSAGE");
  (void)from_pbx(answer(sent, 200, "t"));
  restart();
  const auto again = from_carrier(message().build());
  ASSERT_EQ(again.size(), 1u);
  EXPECT_EQ(again[0].status(), 200);
}

TEST_F(MessageRelayTest, WhatWasOnItsWayAtARestartIsNotSentTwice) {
  (void)only(from_carrier(message().build()), "MESSAGE");
  restart();
  EXPECT_TRUE(from_carrier(message().build()).empty());
  EXPECT_EQ(transactions(), 0u);
}

TEST_F(MessageRelayTest, AnswerThatCannotBeSaidAgainIs502) {
  const auto sent = only(from_carrier(message().build()), "MESSAGE");
  std::string bytes = answer(sent, 200, "t", "Content-Type: text/plain;x=\x01y\r\n", {});
  bytes.replace(bytes.find("Content-Length: 0"), 17, "Content-Length: 2");
  const auto back = from_pbx(bytes + "ab");
  for (const SentMessage& one : back) EXPECT_EQ(one.bytes.find('\x01'), std::string::npos);
}

}  // namespace
}  // namespace sallyport::tests

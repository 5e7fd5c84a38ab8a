// sip_engine_test.cpp — from datagram to answer: RFC 3261 §8.2, §11, §17.2, §18.2; RFC 3581.
#include "sipalg/engine/sip_engine.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "tests/support/engine_fixture.h"
#include "tests/support/message_builder.h"

namespace sallyport::sip {
namespace {

using tests::Answer;
using tests::header_of;
using tests::MessageBuilder;
using tests::status_of;

class SipEngineTest : public ::testing::Test, public tests::EngineFixture {
 protected:
  int status(const MessageBuilder& builder) {
    const auto answer = receive(builder.build());
    return answer ? status_of(answer->bytes) : 0;
  }
  std::uint64_t responses_out(unsigned code) {
    return engine().counters(input.realm).responses[1][code_label(code)].value();
  }
};

// RFC 3261 §11.2
TEST_F(SipEngineTest, OptionsIsAnswered200) {
  const auto answer = receive(MessageBuilder("OPTIONS").build());
  ASSERT_TRUE(answer);
  EXPECT_EQ(status_of(answer->bytes), 200);
  EXPECT_EQ(header_of(answer->bytes, "Allow"),
            "INVITE, ACK, CANCEL, BYE, OPTIONS, PRACK, UPDATE, INFO, REFER, NOTIFY, MESSAGE");
  EXPECT_EQ(header_of(answer->bytes, "Accept"), "application/sdp");
  EXPECT_NE(answer->bytes.find("\r\nSupported:"), std::string::npos);
  EXPECT_EQ(header_of(answer->bytes, "Via"),
            "SIP/2.0/UDP 198.18.1.2:5060;branch=z9hG4bKbuilder1;received=198.18.1.2;rport=5060");
  EXPECT_EQ(header_of(answer->bytes, "From"), "<sip:probe@198.18.1.2>;tag=f1");
  EXPECT_EQ(header_of(answer->bytes, "To").find("<sip:desk@edge.test>;tag="), 0u);
  EXPECT_EQ(header_of(answer->bytes, "Call-ID"), "builder-1@198.18.1.2");
  EXPECT_EQ(header_of(answer->bytes, "CSeq"), "1 OPTIONS");
  EXPECT_EQ(header_of(answer->bytes, "Content-Length"), "0");
  EXPECT_EQ(answer->bytes.find("Server"), std::string::npos);
  EXPECT_EQ(answer->to, input.remote);
  EXPECT_EQ(
      engine().counters(input.realm).requests[0][static_cast<std::size_t>(MethodLabel::Options)].value(), 1u);
  EXPECT_EQ(responses_out(200), 1u);
}

TEST_F(SipEngineTest, AllViasComeBackInOrder) {
  const auto answer = receive(MessageBuilder("OPTIONS")
                                  .line("v: SIP/2.0/TCP a.test;branch=z9hG4bKa, SIP/2.0/TLS [::1]:5061")
                                  .build());
  ASSERT_TRUE(answer);
  const std::size_t a = answer->bytes.find("Via: SIP/2.0/TCP a.test;branch=z9hG4bKa\r\n");
  const std::size_t b = answer->bytes.find("Via: SIP/2.0/TLS [::1]:5061\r\n");
  EXPECT_LT(answer->bytes.find("Via: SIP/2.0/UDP"), a);
  EXPECT_LT(a, b);
  EXPECT_NE(b, std::string::npos);
}

TEST_F(SipEngineTest, TrustedSourceWithoutPeerUsesTheProfileNamedDefault) {
  config.profiles.resize(2);
  config.profiles[0].name = "carrier";
  config.profiles[1].name = "default";
  config.profiles[1].methods = {"OPTIONS", "REFER"};
  input.peer = PeerIndex::kNone;
  input.trust = TrustClass::Trusted;
  EXPECT_EQ(status(MessageBuilder("OPTIONS")), 200);
  EXPECT_EQ(status(MessageBuilder("REFER")), 403);
  EXPECT_EQ(status(MessageBuilder("MESSAGE")), 405);
}

// Threats I9
TEST_F(SipEngineTest, StrangerGetsSilence) {
  input.trust = TrustClass::Untrusted;
  input.peer = PeerIndex::kNone;
  EXPECT_EQ(status(MessageBuilder("OPTIONS")), 0);
  EXPECT_EQ(status(MessageBuilder("OPTIONS").version("SIP/7.0")), 0);
  EXPECT_FALSE(receive("junk"));
  EXPECT_EQ(dropped(SipDropReason::Stranger), 3u);
}

TEST_F(SipEngineTest, KeepalivesAndJunkAreCounted) {
  for (const std::string_view bytes : {std::string_view(""), std::string_view("\r\n"),
                                       std::string_view("\r\n\r\n"), std::string_view("\0\0\0\0", 4)})
    EXPECT_FALSE(receive(bytes));
  EXPECT_EQ(dropped(SipDropReason::Keepalive), 4u);
  EXPECT_FALSE(receive("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
  EXPECT_FALSE(receive("hello"));
  EXPECT_EQ(dropped(SipDropReason::Malformed), 2u);
}

TEST_F(SipEngineTest, MethodsGetTheirAnswers) {
  EXPECT_EQ(status(MessageBuilder("INVITE").contact("<sip:a@198.18.1.2>")), 404);  // no route is configured
  EXPECT_EQ(status(MessageBuilder("MESSAGE").call_id("2")), 404);
  EXPECT_EQ(status(MessageBuilder("REFER").call_id("3")), 403);
  const auto answer = receive(MessageBuilder("REGISTER").build());
  ASSERT_TRUE(answer);
  EXPECT_EQ(status_of(answer->bytes), 405);
  EXPECT_NE(header_of(answer->bytes, "Allow"), "");
  EXPECT_EQ(status(MessageBuilder("options")), 405);  // RFC 3261 §7.1: with regard to case
}

// RFC 3261 §9.2, §12.2.2, §15.1.2
TEST_F(SipEngineTest, WhatBelongsToNoDialogOrTransactionGets481) {
  for (const std::string_view method : {"BYE", "CANCEL", "PRACK", "UPDATE"})
    EXPECT_EQ(status(MessageBuilder(method)), 481) << method;
  for (const std::string_view method : {"INFO", "REFER", "NOTIFY", "INVITE", "OPTIONS"})
    EXPECT_EQ(status(MessageBuilder(method)
                         .to("<sip:desk@edge.test>;tag=gone")
                         .via("SIP/2.0/UDP a.test;branch=z9hG4bKd" + std::string(method))),
              481)
        << method;
}

// RFC 3261 §17.1.1.3
TEST_F(SipEngineTest, AckIsNeverAnswered) {
  EXPECT_EQ(status(MessageBuilder("ACK")), 0);
  EXPECT_EQ(dropped(SipDropReason::StrayAck), 1u);
  EXPECT_EQ(status(MessageBuilder("ACK").cseq("1 INVITE")), 0);
  EXPECT_EQ(dropped(SipDropReason::Malformed), 1u);
}

// RFC 3261 §8.2.6.2
TEST_F(SipEngineTest, AddressThatCannotBeReadComesBackAsItWas) {
  const auto answer = receive(MessageBuilder("OPTIONS").from("Bell, A <sip:a@b.test>;tag=f1").build());
  ASSERT_TRUE(answer);
  EXPECT_EQ(status_of(answer->bytes), 400);
  EXPECT_EQ(header_of(answer->bytes, "From"), "Bell, A <sip:a@b.test>;tag=f1");
  const auto broken_to = receive(MessageBuilder("OPTIONS").to("<sip:desk@edge.test").build());
  ASSERT_TRUE(broken_to);
  EXPECT_EQ(header_of(broken_to->bytes, "To").find("<sip:desk@edge.test;tag="), 0u);
  const auto with_tag = receive(MessageBuilder("OPTIONS").to("<sip:desk@edge.test;TAG=x").build());
  ASSERT_TRUE(with_tag);
  EXPECT_EQ(header_of(with_tag->bytes, "To"), "<sip:desk@edge.test;TAG=x");
}

// Threats P3: folding and stray line ends do not survive, other controls keep the value from being repeated.
TEST_F(SipEngineTest, AddressThatCannotBeReadIsRepeatedWithoutControlOctetsOnly) {
  const auto folded = receive(MessageBuilder("OPTIONS").from("Bell,\r\n A <sip:a@b.test>").build());
  ASSERT_TRUE(folded);
  EXPECT_EQ(header_of(folded->bytes, "From"), "Bell, A <sip:a@b.test>");
  const auto bare = receive(MessageBuilder("OPTIONS").from("Bell,\rVia: x <sip:a@b.test>").build());
  ASSERT_TRUE(bare);
  EXPECT_EQ(header_of(bare->bytes, "From"), "Bell, Via: x <sip:a@b.test>");
  for (const char control : {'\x01', '\x07', '\x1b', '\x7f'}) {
    const auto answer =
        receive(MessageBuilder("OPTIONS").from(std::string("Bell, ") + control + "<sip:a@b.test>").build());
    ASSERT_TRUE(answer);
    EXPECT_EQ(status_of(answer->bytes), 400);
    EXPECT_EQ(answer->bytes.find("\r\nFrom:"), std::string::npos);
  }
}

TEST_F(SipEngineTest, LongAddressThatCannotBeReadIsLeftOut) {
  const auto answer = receive(MessageBuilder("OPTIONS").from("Bell, " + std::string(600, 'a')).build());
  ASSERT_TRUE(answer);
  EXPECT_EQ(status_of(answer->bytes), 400);
  EXPECT_EQ(answer->bytes.find("\r\nFrom:"), std::string::npos);
}

// RFC 3261 §8.2.6.2, RFC 4475 §3.3.1
TEST_F(SipEngineTest, MalformedRequestIsAnsweredWheneverItHasAViaToAnswerTo) {
  EXPECT_EQ(status(MessageBuilder("OPTIONS").call_id("")), 400);
  EXPECT_EQ(status(MessageBuilder("OPTIONS").cseq("")), 400);
  EXPECT_EQ(status(MessageBuilder("OPTIONS").cseq("x OPTIONS")), 400);
  EXPECT_EQ(status(MessageBuilder("OPTIONS").cseq("4294967296 OPTIONS")), 400);
  EXPECT_EQ(status(MessageBuilder("OPTIONS").via("SIP/2.0/UDP")), 0);
  EXPECT_EQ(dropped(SipDropReason::Malformed), 1u);
}

// Each "a," of Require takes three octets in Unsupported: the answer is longer than its request.
TEST_F(SipEngineTest, AnswerThatIsLongerThanItsRequestLeavesWhole) {
  MessageBuilder builder("OPTIONS");
  std::string tokens = "a";
  while (tokens.size() < 3900) tokens += ",a";
  for (int i = 0; i < 4; ++i) builder.line("Require: " + tokens);
  EXPECT_EQ(status(builder), 420);
}

TEST_F(SipEngineTest, AnswerThatFindsNoRoomIsDropped) {
  out.clear();
  while (out.send({RealmIndex{0}, input.local, input.remote}, "full", 0)) {
  }
  const std::size_t before = out.sends().size();
  const std::string bytes = MessageBuilder("OPTIONS").build();
  input.bytes = bytes;
  engine().on_message(now, input, out);
  EXPECT_EQ(out.sends().size(), before);
  EXPECT_EQ(dropped(SipDropReason::TooLarge), 1u);
}

TEST_F(SipEngineTest, ResponsesAreNeverAnswered) {
  const std::string good =
      "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP a.test\r\nFrom: <sip:a@b.test>;tag=1\r\nTo: <sip:a@b.test>\r\n"
      "Call-ID: 1\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n";
  EXPECT_FALSE(receive(good));
  EXPECT_EQ(dropped(SipDropReason::UnmatchedResponse), 1u);
  EXPECT_FALSE(receive("SIP/2.0 200 OK\r\n\r\n"));
  EXPECT_EQ(dropped(SipDropReason::MalformedResponse), 1u);
}

// RFC 3261 §16.3, §11.2
TEST_F(SipEngineTest, MaxForwardsZeroIsAnsweredForUsOnly) {
  EXPECT_EQ(status(MessageBuilder("OPTIONS").max_forwards("0")), 483);
  const auto branch = [](int i) { return "SIP/2.0/UDP a.test;branch=z9hG4bKm" + std::to_string(i); };
  EXPECT_EQ(
      status(MessageBuilder("OPTIONS").max_forwards("0").uri("sip:198.18.1.1").call_id("1").via(branch(1))),
      200);
  EXPECT_EQ(
      status(MessageBuilder("MESSAGE").call_id("2").max_forwards("0").uri("sip:198.18.1.1").via(branch(2))),
      483);
}

TEST_F(SipEngineTest, AdvertisedAddressAndDomainAreOurs) {
  config.realms[0].advertise.domain = "edge.test";
  config.realms[0].advertise.ipv6 = IpAddress::parse("fd18:1::99");
  const auto branch = [](int i) { return "SIP/2.0/UDP a.test;branch=z9hG4bKm" + std::to_string(i); };
  EXPECT_EQ(status(MessageBuilder("OPTIONS").max_forwards("0").via(branch(1))), 200);
  EXPECT_EQ(
      status(MessageBuilder("OPTIONS").max_forwards("0").uri("sip:[fd18:1::99]").call_id("2").via(branch(2))),
      200);
  EXPECT_EQ(
      status(MessageBuilder("OPTIONS").max_forwards("0").uri("sip:[fd18:1::98]").call_id("3").via(branch(3))),
      483);
}

// RFC 3261 §8.2.2.3
// RFC 3261 §16.4; threats I5
TEST_F(SipEngineTest, RequestThatIsRoutedPastUsIsForbidden) {
  int number = 0;
  const auto status_with = [&](const char* routes) {
    const std::string name = std::to_string(++number);
    return status(MessageBuilder("OPTIONS")
                      .call_id(name)
                      .via("SIP/2.0/UDP a.test;branch=z9hG4bKr" + name)
                      .line(routes));
  };
  for (const char* const past :
       {"Route: <sip:198.18.2.9;lr>", "Route: <sip:198.18.1.1;lr>, <sip:198.18.2.9;lr>",
        "Route: <sip:198.18.1.1;lr>\r\nRoute: <sip:inside.example;lr>"})
    EXPECT_EQ(status_with(past), 403) << past;
  for (const char* const ours : {"Route: <sip:198.18.1.1;lr>", "Route: <sip:edge.example.org;lr>"})
    EXPECT_EQ(status_with(ours), 200) << ours;
}

TEST_F(SipEngineTest, UnknownExtensionsAreListed) {
  const auto answer =
      receive(MessageBuilder("OPTIONS").line("Require: a,b").line("Proxy-Require: c").build());
  ASSERT_TRUE(answer);
  EXPECT_EQ(status_of(answer->bytes), 420);
  EXPECT_EQ(header_of(answer->bytes, "Unsupported"), "a, b, c");
  EXPECT_EQ(status(MessageBuilder("CANCEL").line("Require: a")), 481);
}

TEST_F(SipEngineTest, OldFormOfInviteIsTakenWhenLenient) {
  EXPECT_EQ(status(MessageBuilder("INVITE").contact("")), 400);
  EXPECT_EQ(status(MessageBuilder("OPTIONS").from("<sip:a@b.test>")), 400);
  config.peers[1].profile.strictness = Strictness::Lenient;
  EngineFixture lenient;
  lenient.config.peers[0].profile.strictness = Strictness::Lenient;
  const auto answer = lenient.receive(MessageBuilder("INVITE").contact("").from("<sip:a@b.test>").build());
  ASSERT_TRUE(answer);
  EXPECT_EQ(status_of(answer->bytes), 404);  // it was understood; no route is configured
}

// RFC 3261 §17.2.2
TEST_F(SipEngineTest, RequestThatComesAgainIsAnsweredFromTheTransaction) {
  const std::string bytes = MessageBuilder("OPTIONS").build();
  const auto first = receive(bytes);
  now += 500ms;
  const auto second = receive(bytes);
  ASSERT_TRUE(first && second);
  EXPECT_EQ(first->bytes, second->bytes);
  EXPECT_EQ(engine().counters().transactions_active.value(), 1u);
  EXPECT_EQ(engine().counters(input.realm).retransmissions_in.value(), 1u);
  EXPECT_EQ(engine().counters(input.realm).retransmissions_out.value(), 1u);
  // Another peer that knows the branch does not get it.
  input.peer = PeerIndex{1};
  input.remote = *parse_endpoint("198.18.1.3:5060", 0);
  const auto stolen = receive(bytes);
  ASSERT_TRUE(stolen);
  EXPECT_EQ(stolen->to.address, input.remote.address);
  EXPECT_EQ(engine().counters().transactions_active.value(), 2u);
}

TEST_F(SipEngineTest, TransactionsEndAfterTimerJ) {
  (void)receive(MessageBuilder("OPTIONS").build());
  ASSERT_TRUE(engine().next_deadline());
  for (int i = 0; i < 20 && engine().next_deadline(); ++i)
    engine().on_deadline(*engine().next_deadline(), out);
  EXPECT_EQ(engine().counters().transactions_active.value(), 0u);
  EXPECT_FALSE(engine().next_deadline());
}

// RFC 3261 §8.2.7: the same bytes with and without state.
TEST_F(SipEngineTest, FullTableAnswersTheSameBytesWithoutState) {
  settings.transactions_max = 4;  // half of them for what is answered at once
  EngineFixture roomy;
  for (int i = 0; i < 10; ++i) {
    const std::string bytes = MessageBuilder(i % 2 == 0 ? "OPTIONS" : "REGISTER")
                                  .via("SIP/2.0/UDP a.test;branch=z9hG4bKf" + std::to_string(i))
                                  .build();
    const auto tight = receive(bytes);
    const auto other = roomy.receive(bytes);
    ASSERT_TRUE(tight && other);
    EXPECT_EQ(tight->bytes, other->bytes);
  }
  EXPECT_EQ(engine().counters().transactions_active.value(), 2u);
  EXPECT_EQ(roomy.engine().counters().transactions_active.value(), 10u);
}

TEST_F(SipEngineTest, ToTagDependsOnTheRequestAndTheSecret) {
  std::set<std::string> tags;
  for (int i = 0; i < 20; ++i)
    tags.insert(header_of(receive(MessageBuilder("OPTIONS")
                                      .call_id("c" + std::to_string(i))
                                      .via("SIP/2.0/UDP a.test;branch=z9hG4bK" + std::to_string(i))
                                      .build())
                              ->bytes,
                          "To"));
  EXPECT_EQ(tags.size(), 20u);
  EngineFixture other;
  other.settings.token_key = {9, 9};
  const std::string bytes = MessageBuilder("OPTIONS").build();
  EXPECT_NE(header_of(receive(bytes)->bytes, "To"), header_of(other.receive(bytes)->bytes, "To"));
}

struct Route {
  std::string_view via;
  ResponsesTo to;
  bool nat_auto;
  std::string_view expected;
};
// RFC 3261 §18.2.2, RFC 3581 §4, threats P6: always to the address that it came from.
TEST(ResponseRouting, GoesToTheSourceAndThePortThatViaOrProfileNames) {
  const Route routes[] = {{"SIP/2.0/UDP 198.18.1.2:5070;rport", ResponsesTo::Via, true, "198.18.1.2:40000"},
                          {"SIP/2.0/UDP 198.18.1.2:5070", ResponsesTo::Via, true, "198.18.1.2:5070"},
                          {"SIP/2.0/UDP 198.18.1.2", ResponsesTo::Via, true, "198.18.1.2:5060"},
                          {"SIP/2.0/UDP [::ffff:198.18.1.2]:5070", ResponsesTo::Via, true, "198.18.1.2:5070"},
                          {"SIP/2.0/UDP 198.18.1.2:5070", ResponsesTo::Source, true, "198.18.1.2:40000"},
                          {"SIP/2.0/UDP 10.0.0.1:5070", ResponsesTo::Via, true, "198.18.1.2:40000"},
                          {"SIP/2.0/UDP 10.0.0.1:5070", ResponsesTo::Via, false, "198.18.1.2:5070"},
                          {"SIP/2.0/UDP pbx.test:5070", ResponsesTo::Via, true, "198.18.1.2:40000"},
                          {"SIP/2.0/UDP pbx.test:5070", ResponsesTo::Via, false, "198.18.1.2:5070"},
                          {"SIP/2.0/UDP 0.0.0.0:5070", ResponsesTo::Via, false, "198.18.1.2:5070"},
                          {"SIP/2.0/UDP 255.255.255.255", ResponsesTo::Via, false, "198.18.1.2:5060"},
                          {"SIP/2.0/UDP 198.18.1.2:5070;maddr=224.0.0.1;received=203.0.113.9",
                           ResponsesTo::Via, true, "198.18.1.2:5070"}};
  for (const Route& route : routes) {
    tests::EngineFixture fixture;
    fixture.config.peers[0].profile.responses_to = route.to;
    fixture.config.realms[0].nat_auto = route.nat_auto;
    fixture.input.remote = *parse_endpoint("198.18.1.2:40000", 0);
    const auto answer =
        fixture.receive(MessageBuilder("OPTIONS").via(std::string(route.via) + ";branch=z9hG4bKr").build());
    ASSERT_TRUE(answer) << route.via;
    EXPECT_EQ(to_string(answer->to), route.expected) << route.via;
  }
}

// RFC 4475 §3.3.10
TEST(ResponseRouting, NothingIsSentToForbiddenTargets) {
  for (const std::string_view source :
       {"255.255.255.255:5060", "224.0.0.1:5060", "0.0.0.0:5060", "[ff02::1]:5060"}) {
    tests::EngineFixture fixture;
    fixture.input.remote = *parse_endpoint(source, 0);
    EXPECT_FALSE(fixture.receive(MessageBuilder("OPTIONS").build())) << source;
    EXPECT_EQ(fixture.dropped(SipDropReason::ForbiddenTarget), 1u) << source;
  }
  tests::EngineFixture fixture;
  fixture.input.remote.port = 0;
  EXPECT_FALSE(fixture.receive(MessageBuilder("OPTIONS").build()));
  EXPECT_EQ(fixture.dropped(SipDropReason::ForbiddenTarget), 1u);
}

TEST(ShardOfDatagram, FollowsTheCallIdInEveryForm) {
  const HashKey key{5, 6};
  const auto shard = [&key](std::string_view line) {
    return shard_of_datagram(key, "OPTIONS sip:a@b.test SIP/2.0\r\nVia: SIP/2.0/UDP a.test\r\n" +
                                      std::string(line) + "\r\nX: y\r\n\r\n");
  };
  const auto wanted = shard("Call-ID: abc@host.test");
  for (const std::string_view line :
       {"call-id:abc@host.test", "i: abc@host.test", "I :abc@host.test", "CALL-ID  :\r\n\t abc@host.test  "})
    EXPECT_EQ(shard(line), wanted) << line;
  std::set<unsigned> shards;
  for (int i = 0; i < 4000; ++i) shards.insert(shard("Call-ID: n" + std::to_string(i)));
  EXPECT_EQ(shards.size(), 256u);
  EXPECT_EQ(shard_of_datagram(key, "junk"), shard_of_datagram(key, "junk"));
  EXPECT_EQ(shard_of_datagram(key, ""), shard_of_datagram(key, ""));
}

TEST(RealmSipCounts, SumsOverEngines) {
  RealmSipCounters first, second;
  first.requests[0][4].add(2);
  second.requests[0][4].add(3);
  second.responses[1][code_label(200)].add(7);
  first.dropped.add(SipDropReason::Stranger, 4);
  second.retransmissions_in.add(1);
  second.retransmissions_out.add(2);
  RealmSipCounts counts;
  counts.add(first);
  counts.add(second);
  EXPECT_EQ(counts.requests[0][4], 5u);
  EXPECT_EQ(counts.responses[1][code_label(200)], 7u);
  EXPECT_EQ(counts.dropped[static_cast<std::size_t>(SipDropReason::Stranger)], 4u);
  EXPECT_EQ(counts.retransmissions_in, 1u);
  EXPECT_EQ(counts.retransmissions_out, 2u);
}

}  // namespace
}  // namespace sallyport::sip

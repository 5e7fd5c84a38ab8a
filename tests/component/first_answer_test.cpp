// first_answer_test.cpp — what a stranger gets before it has shown that it hears us: nothing is kept for it,
// one answer at most, and none that is larger than what it has sent: RFC 3261 §16.3, §17.2.2; threats R1, R4,
// I9.
#include <gtest/gtest.h>
#include <malloc.h>

#include <random>

#include "sipalg/auth/digest.h"
#include "tests/support/call_fixture.h"

namespace sallyport::tests {
namespace {

class FirstAnswer : public ::testing::Test, public CallFixture {
 protected:
  FirstAnswer() {
    PeerConfig phones;
    phones.name = "desks";
    phones.realm = "outside";
    phones.registrar = 0;
    phones.profile = config.peers[0].profile;
    config.peers.push_back(phones);
    auto users = make_value<RegistrarUsers>();
    users->push_back({.user = "alice",  // whose password is alice-secret
                      .domain = "",
                      .ha1_md5 = "ae7914636bb60b37a9441871cf572389",
                      .ha1_sha256 = "1c733d942b955c362d40a0aa27c63f0d5543d51e0a655f9b1c6fab041493ee5d"});
    RegistrarConfig desks;
    desks.name = "desks";
    desks.realm = "outside";
    desks.mode = RegistrarMode::Local;
    desks.domains = {"example.com"};
    desks.users = users;
    config.registrars = {desks};
  }
  static MessageBuilder lean(std::string_view branch = "a") {
    return MessageBuilder("REGISTER")
        .uri("sip:example.com")
        .via("SIP/2.0/UDP 198.18.1.77:5060;branch=z9hG4bK" + std::string(branch))
        .from("<sip:alice@example.com>;tag=1")
        .to("<sip:alice@example.com>")
        .call_id("call" + std::string(branch) + "@198.18.1.77")
        .cseq("1 REGISTER")
        .contact("<sip:alice@198.18.1.77:5060>");
  }
  // As phones send it.
  static MessageBuilder usual(std::string_view branch = "a") {
    return lean(branch)
        .line("Expires: 3600")
        .line("User-Agent: Ordinary Phone T46 66.85.0.5")
        .line(
            "Allow: INVITE, INFO, PRACK, ACK, BYE, CANCEL, OPTIONS, NOTIFY, REGISTER, SUBSCRIBE, REFER, "
            "UPDATE")
        .line("Allow-Events: talk, hold, conference, refer, check-sync");
  }
  static MessageBuilder full(std::string_view branch = "a") {
    return usual(branch).line("X-Long: " + std::string(300, 'x'));
  }
  void expect_nothing_kept() {
    EXPECT_EQ(engine().counters().transactions_active.value(), 0u);
    EXPECT_EQ(engine().counters().registrations_active.value(), 0u);
    EXPECT_EQ(calls(), 0u);
  }
  const Endpoint stranger = *parse_endpoint("198.18.1.77:5060", 0);
};

// Threats R4: whoever writes another one's address into it gains nothing.
TEST_F(FirstAnswer, IsNeverLargerThanWhatWasSent) {
  unsigned answered = 0;
  for (unsigned extra = 0; extra < 400; ++extra) {
    const std::string name = std::to_string(1000 + extra);
    const std::string sent = lean(name).line("X: " + std::string(extra, 'x')).build();
    const auto heard = from(stranger, sent);
    ASSERT_LE(heard.size(), 1u);
    if (heard.empty()) continue;
    ++answered;
    EXPECT_LE(heard[0].bytes.size(), sent.size());
    EXPECT_EQ(heard[0].status(), 401);
  }
  EXPECT_GE(answered, 380u);
  const std::uint64_t dropped =
      engine().counters(RealmIndex{0}).dropped.value(sip::SipDropReason::LargerThanRequest);
  EXPECT_EQ(dropped, 400u - answered);
}

// The smallest that a phone sends is answered still, in its compact form.
TEST_F(FirstAnswer, ALeanPhoneIsAskedToo) {
  const std::string sent = lean().line("Expires: 60").build();
  const SentMessage challenge = only(from(stranger, sent), "401");
  EXPECT_LE(challenge.bytes.size(), sent.size());
  EXPECT_GE(only(from(stranger, full("b").build()), "401").bytes.size(), challenge.bytes.size() + 100);
}

// Without Contact and all: a question that no phone asks.
TEST_F(FirstAnswer, WhatIsSmallerThanAnyAnswerGetsNone) {
  const std::string bytes =
      "REGISTER sip:example.com SIP/2.0\r\nv:SIP/2.0/UDP 198.18.1.77;branch=z9hG4bKa\r\nMax-Forwards:70\r\n"
      "f:<sip:alice@example.com>;tag=1\r\nt:<sip:alice@example.com>\r\ni:1\r\nCSeq:1 REGISTER\r\n\r\n";
  EXPECT_TRUE(from(stranger, bytes).empty());
  EXPECT_GE(engine().counters(RealmIndex{0}).dropped.value(sip::SipDropReason::LargerThanRequest), 1u);
  expect_nothing_kept();
}

// RFC 3261 §18: who has opened a connection is there.
TEST_F(FirstAnswer, OverTcpItMayBeLarger) {
  use(Transport::Tcp, Transport::Tcp);
  MessageBuilder request = lean();
  request.via("SIP/2.0/TCP 198.18.1.77:5060;branch=z9hG4bKtcp");
  const std::string sent = request.build();
  const SentMessage challenge = only(from(stranger, sent), "401");
  EXPECT_GT(challenge.bytes.size(), sent.size());
  EXPECT_NE(challenge.bytes.find("SHA-256"), std::string::npos);
}

TEST_F(FirstAnswer, IsNotSentAgain) {
  EXPECT_EQ(from(stranger, usual().build()).size(), 1u);
  EXPECT_TRUE(wait(64s).empty());
  EXPECT_EQ(from(stranger, usual().build()).size(), 1u) << "each is answered once, by itself";
}

TEST_F(FirstAnswer, WhoComesBackWithItsNonceIsRegistered) {
  const SentMessage challenge = only(from(stranger, lean().line("User-Agent: p").build()), "401");
  sip::SipMessage parsed;
  ASSERT_EQ(sip::parse_message(challenge.bytes, {}, parsed), sip::ParseStatus::Complete);
  const sip::DigestChallenges offered = sip::challenges_of(parsed);
  ASSERT_GE(offered.size(), 1u);
  const std::string proof = sip::digest_credentials(offered[0], {"alice", "alice-secret"},
                                                    {"REGISTER", "sip:example.com"}, {"phone", 1});
  EXPECT_TRUE(
      holds(from(stranger, lean("b").cseq("2 REGISTER").line("Authorization: " + proof).build()), "200"));
  EXPECT_EQ(engine().counters().registrations_active.value(), 1u);
}

// Threats R1, R2
TEST_F(FirstAnswer, AHundredThousandForgedSourcesLeaveNothingBehind) {
  std::mt19937_64 random(8);
  std::size_t before = 0;
  for (unsigned i = 0; i < 100'000; ++i) {
    const std::uint64_t draw = random();
    const std::string host = "198.18.1." + std::to_string(100 + draw % 150);
    const Endpoint source = *parse_endpoint(host + ":" + std::to_string(1024 + (draw >> 16) % 60000), 0);
    const std::string bytes = (i % 2 == 0 ? usual(std::to_string(draw)) : full(std::to_string(draw))).build();
    const auto sent = from(source, bytes);
    ASSERT_LE(sent.size(), 1u);
    if (i % 1000 == 0) {
      events.clear();
      expect_nothing_kept();
    }
    if (i == 20'000) before = mallinfo2().uordblks;
  }
  events.clear();
  EXPECT_LT(mallinfo2().uordblks, before + 65536);
  EXPECT_TRUE(wait(64s).empty());
  expect_nothing_kept();
}

TEST_F(FirstAnswer, WhatCanNotBeReadOrIsNoRegisterGetsNone) {
  std::string broken = usual().build();
  broken.replace(broken.find("CSeq: 1"), 7, "CSeq: x");
  EXPECT_TRUE(from(stranger, broken).empty());
  for (const char* const method : {"INVITE", "OPTIONS", "SUBSCRIBE", "MESSAGE", "PUBLISH", "NOTIFY", "REFER",
                                   "BYE", "CANCEL", "ACK", "PRACK", "INFO", "UPDATE"})
    EXPECT_TRUE(
        from(stranger, MessageBuilder(method).line("X-Long: " + std::string(500, 'x')).build()).empty())
        << method;
  expect_nothing_kept();
}

TEST_F(FirstAnswer, WhereNobodyRegistersThereIsNone) {
  config.registrars.clear();
  config.peers.pop_back();
  EXPECT_TRUE(from(stranger, full().build()).empty());
  expect_nothing_kept();
}

// RFC 3261 §16.3, §18.3: refusals of a stranger's REGISTER were kept for 32 s each.
TEST_F(FirstAnswer, ARefusalMakesNoTransactionEither) {
  const auto loop = from(stranger, full().max_forwards("0").build());
  ASSERT_EQ(loop.size(), 1u);
  EXPECT_EQ(loop[0].status(), 483);
  expect_nothing_kept();
  std::string cut = full("c").build();
  cut.replace(cut.find("Content-Length: 0"), 17, "Content-Length: 9");
  const auto refused = from(stranger, cut);
  ASSERT_LE(refused.size(), 1u);
  expect_nothing_kept();
}

// RFC 3261 §16.3
TEST_F(FirstAnswer, ACallThatGoesInCirclesEnds) {
  EXPECT_TRUE(holds(from_carrier(invite().max_forwards("0").build()), "483"));
  EXPECT_EQ(only(from_carrier(invite()
                                  .call_id("circle")
                                  .max_forwards("7")
                                  .via("SIP/2.0/UDP 198.18.1.2:5060;branch=z9hG4bKcircle")
                                  .build()),
                 "INVITE")
                .header("Max-Forwards"),
            "6");
}

}  // namespace
}  // namespace sallyport::tests

// detectors_test.cpp — sources that misbehave, through whole engines: what each detector makes of their
// messages, what still passes, and what the operator is told. Threats I2, I9, R2, R3.
#include <gtest/gtest.h>

#include "sipalg/auth/digest.h"
#include "tests/support/detector_fixture.h"

namespace sallyport::sip {
namespace {

using policy::Detector;
using tests::DetectorFixture;
using tests::holds;
using tests::MessageBuilder;
using tests::only;
using tests::SentMessage;

constexpr std::string_view kBroken =
    "INVITE sip:1@198.18.2.1 SIP/2.0\r\nVia: SIP/2.0/UDP 198.18.2.50;branch=z9hG4bKbroken\r\n"
    "From: <sip:a@b>;tag=1\r\nTo: <sip:1@198.18.2.1>\r\nCall-ID: broken\r\nCSeq: none\r\n\r\n";

class Sources : public DetectorFixture, public testing::Test {
 protected:
  // That flow has earned trust, so it is punished by itself and its address is not blocked.
  void trust(const Endpoint& flow) { shared().earned.promote(RealmIndex{1}, flow, now, now + 24h); }
  // Until it is told, or so many; how many there were.
  template <class Send>
  int until_told(std::string_view detector, int most, Duration pause, Send send) {
    for (int i = 1; i <= most; ++i) {
      send(i);
      if (!told(detector).empty()) return i;
      now += pause;
    }
    return most + 1;
  }
  // From INVITE to BYE, with every message of the caller's; it must not matter who calls.
  void call_for_help(const Endpoint& caller, std::string_view host) {
    const auto rung = from(caller, calling("112", host).build());
    ASSERT_TRUE(holds(rung, "INVITE"));
    caller_host = host;
    const Up call = answer_call(only(rung, "INVITE"));
    hang_up(call);
    const std::string again = calling("112", host).build();
    EXPECT_TRUE(holds(from(caller, again), "INVITE"));
    EXPECT_TRUE(holds(from(caller, cancel_of(again)), "200")) << "its CANCEL";
  }
};

// What anybody may have sent in its name blocks nobody who is trusted. Threats I10
TEST_F(Sources, WhoSendsBrokenMessagesIsTold) {
  EXPECT_TRUE(holds(from(office, kBroken), "400"));
  const int sent = until_told("malformed", 2000, 100ms, [&](int) { (void)from(office, kBroken); });
  EXPECT_GE(sent, 25);
  ASSERT_EQ(told().size(), 1u);
  EXPECT_EQ(told()[0].action, "reject");
  EXPECT_EQ(told()[0].block_for, Duration{});
  EXPECT_EQ(told()[0].source, office);
  EXPECT_FALSE(told()[0].is_proved) << "anybody can write that source into a datagram";
  EXPECT_GE(counted(Detector::Malformed, DetectorAction::Reject), 1u);
  EXPECT_EQ(refused(from_pbx(calling("+4930123456").build())), 0) << "others are not concerned";
}

TEST_F(Sources, OverIPv6TheSame) {
  EXPECT_LT(until_told("malformed", 2000, 100ms, [&](int) { (void)from(office_v6, kBroken); }), 2000);
  EXPECT_EQ(told()[0].source, office_v6);
}

TEST_F(Sources, OverTcpItIsProvedBlockedAndNoLongerAnswered) {
  use(Transport::Tcp, Transport::Tcp);
  std::vector<SentMessage> last;
  EXPECT_LT(until_told("malformed", 2000, 100ms, [&](int) { last = from(office, kBroken); }), 2000);
  EXPECT_EQ(told()[0].action, "block");
  EXPECT_EQ(told()[0].block_for, Duration(10min));
  EXPECT_TRUE(told()[0].is_proved);
  EXPECT_TRUE(last.empty());
  EXPECT_EQ(dropped(RealmIndex{1}, SipDropReason::Detected), 1u);
}

TEST_F(Sources, FramingThatIsLostCounts) {
  use(Transport::Tcp, Transport::Tcp);
  const auto send = [&](int) {
    MessageInput input;
    input.realm = RealmIndex{1};
    input.trust = TrustClass::Trusted;
    input.local = {config.realms[1].listen[0].addresses[0], 5060};
    input.remote = office;
    input.transport = Transport::Tcp;
    input.connection = 9;
    input.is_framing_lost = true;
    input.bytes = kBroken;
    (void)put(input);
  };
  EXPECT_LT(until_told("malformed", 2000, 100ms, send), 2000);
  EXPECT_TRUE(told()[0].is_proved);
  ASSERT_FALSE(closes.empty());
  EXPECT_EQ(closes.back(), 9u) << "it is closed whatever a detector says";
}

TEST_F(Sources, KeepAlivesAndAPeersBrokenMessagesBlockNobody) {
  for (int i = 0; i < 3000; ++i) {
    (void)from(office, "\r\n\r\n");
    (void)from_pbx(kBroken);
  }
  EXPECT_TRUE(told("malformed").empty());
  EXPECT_EQ(refused(from_pbx(calling("+4930123456").build())), 0);
}

TEST_F(Sources, AReloadChangesTheRate) {
  DetectorsConfig next = config.security.detectors;
  next.malformed_rate = {100000, 1min};
  (void)engine();
  reload(next);
  for (int i = 0; i < 2000; ++i) (void)from(office, kBroken);
  EXPECT_TRUE(told().empty());
}

TEST_F(Sources, SeveralEnginesCountTogether) {
  engines = 4;
  std::size_t sent = 0;
  const auto send = [&](int i) {
    std::string broken(kBroken);
    broken.replace(broken.find("Call-ID: broken"), 15, "Call-ID: broken" + std::to_string(i));
    (void)from(office, broken);
    ++sent;
  };
  const int of_four = until_told("malformed", 2000, 100ms, send);
  EXPECT_LT(of_four, 200) << "each for itself would need four times as many";
}

// The flow is punished, not the office behind its address.
TEST_F(Sources, APunishedFlowIsDroppedUnreadAndItsNeighbourIsNot) {
  use(Transport::Tcp, Transport::Tcp);
  trust(office);
  EXPECT_LT(until_told("malformed", 2000, 100ms, [&](int) { (void)from(office, kBroken); }), 2000);
  EXPECT_EQ(told()[0].action, "block");
  EXPECT_EQ(told()[0].block_for, Duration{}) << "the address is not to be blocked";
  const std::uint64_t before = dropped(RealmIndex{1}, SipDropReason::Detected);
  EXPECT_TRUE(from(office, calling("+4930123456", "198.18.2.50").build()).empty());
  EXPECT_TRUE(from(office, MessageBuilder("OPTIONS").build()).empty());
  EXPECT_EQ(dropped(RealmIndex{1}, SipDropReason::Detected), before + 2);
  const Endpoint neighbour{office.address, 5099};
  EXPECT_TRUE(holds(from(neighbour, calling("+4930123456", "198.18.2.50").build()), "INVITE"));
  now += 11min;
  EXPECT_TRUE(holds(from(office, calling("+4930123456", "198.18.2.50").build()), "INVITE")) << "it is over";
}

TEST_F(Sources, APunishedFlowMayCallForHelp) {
  use(Transport::Tcp, Transport::Tcp);
  trust(office);
  EXPECT_LT(until_told("malformed", 2000, 100ms, [&](int) { (void)from(office, kBroken); }), 2000);
  ASSERT_TRUE(from(office, calling("+4930123456", "198.18.2.50").build()).empty());
  call_for_help(office, "198.18.2.50");
}

TEST_F(Sources, WhoFloodsWithCallsIsRefusedToldOnceInAWhileAndMayCallForHelp) {
  int answered = 0, calls = 0;
  const auto flood = [&](int i) {
    const auto sent = from(office, calling("+49301" + std::to_string(i % 50), "198.18.2.50").build());
    ++calls;
    if (refused(sent) == 0 && holds(sent, "INVITE")) (void)fail(only(sent, "INVITE"), 486), ++answered;
  };
  EXPECT_LT(until_told("invite_flood", 20000, 1ms, flood), 20000);
  const int until_then = answered;
  for (int i = 0; i < 3000; ++i) flood(i);
  EXPECT_LT(answered - until_then, 1500) << "most of a flood gets nowhere";
  EXPECT_LT(told().size(), 50u);
  EXPECT_LT(records(CallRecordType::End).size(), static_cast<std::size_t>(answered) + 50)
      << "nothing is kept of those that are refused";
  EXPECT_EQ(refused(from_pbx(calling("+4930123456").build())), 0);
  call_for_help(office, "198.18.2.50");
}

TEST_F(Sources, AFloodThatIsRefusedIsToldToComeBackLater) {
  config.security.detectors.invite_flood.action = DetectorAction::Reject;
  std::vector<SentMessage> last;
  const auto flood = [&](int i) {
    last = from(office, calling("+49301" + std::to_string(i % 50), "198.18.2.50").build());
    if (holds(last, "INVITE")) (void)fail(only(last, "INVITE"), 486);
  };
  EXPECT_LT(until_told("invite_flood", 20000, 1ms, flood), 20000);
  const SentMessage refusal = only(last, "503");
  EXPECT_FALSE(refusal.header("Retry-After").empty());  // RFC 3261 §21.5.4
}

// A configured peer has limits of its own.
TEST_F(Sources, APeerThatCallsVeryOftenIsOnlyTold) {
  for (int i = 0; i < 3000; ++i) {
    (void)wait(1ms * (i % 100 == 99 ? 40000 : 1));
    const auto sent = from_pbx(calling("+4930" + std::to_string(100000 + i)).build());
    ASSERT_TRUE(holds(sent, "INVITE")) << i;
    (void)fail(only(sent, "INVITE"), 486);
  }
  for (const DetectionEvent& event : told("invite_flood")) EXPECT_EQ(event.action, "log");
}

// Nobody registers there: strangers are not even parsed, and yet seen.
TEST_F(Sources, AStrangerWhoLooksForExtensionsIsToldAndHearsNothing) {
  const auto scan = [&](int i) {
    const auto sent = from(stranger, MessageBuilder("OPTIONS")
                                         .uri("sip:" + std::to_string(100 + i) + "@198.18.1.1")
                                         .call_id("scan-" + std::to_string(i))
                                         .build());
    EXPECT_TRUE(sent.empty());
  };
  EXPECT_LT(until_told("scanner", 5000, 5ms, scan), 5000);
  EXPECT_EQ(told()[0].source, stranger);
  EXPECT_EQ(told()[0].realm, RealmIndex{0});
  EXPECT_EQ(told()[0].block_for, Duration(1h));
  EXPECT_FALSE(told()[0].is_proved);
}

TEST_F(Sources, AStrangersFloodOfCallsIsBlockedAndUsesUpNoCallee) {
  const auto flood = [&](int i) {
    (void)from(stranger, "INVITE sip:4001@198.18.1.1 SIP/2.0\r\nCall-ID: " + std::to_string(i) + "\r\n\r\n");
  };
  EXPECT_LT(until_told("invite_flood", 1000, 5ms, flood), 1000);
  for (int i = 1000; i < 1500; ++i) {
    now += 5ms;
    flood(i);
  }
  ASSERT_FALSE(told("invite_flood").empty());
  EXPECT_EQ(told("invite_flood").back().source, stranger);
  EXPECT_EQ(told("invite_flood").back().action, "block");
  EXPECT_FALSE(told("invite_flood").back().is_proved);
  EXPECT_TRUE(told("tdos").empty());
}

TEST_F(Sources, WhatIsNoRequestIsNoScan) {
  for (int i = 0; i < 3000; ++i) {
    now += 5ms;
    (void)from(stranger,
               "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP x;branch=z9hG4bK" + std::to_string(i) + "\r\n\r\n");
    (void)from(stranger, "\x17\x03\x03" + std::to_string(i));
    (void)from(stranger, "GET /" + std::to_string(i) + " HTTP/1.1\r\n\r\n");
  }
  EXPECT_TRUE(told().empty());
}

TEST_F(Sources, WhoDialsOneMissingNumberAfterTheOtherIsAScanner) {
  std::vector<SentMessage> last;
  const auto scan = [&](int i) {
    last = from(office, calling("user" + std::to_string(i), "198.18.2.50").build());
  };
  scan(0);
  EXPECT_TRUE(holds(last, "404"));
  EXPECT_LT(until_told("scanner", 5000, 50ms, scan), 5000);
  EXPECT_EQ(told()[0].source, office);
  call_for_help(office, "198.18.2.50");
}

TEST_F(Sources, WhoDialsTheSameMissingNumberAgainAndAgainIsNoScanner) {
  for (int i = 0; i < 500; ++i) {
    now += 1s;
    EXPECT_TRUE(holds(from(office, calling("nobody", "198.18.2.50").build()), "404"));
  }
  EXPECT_TRUE(told("scanner").empty());
}

TEST_F(Sources, WhatAScannerWritesComesOutClean) {
  const auto scan = [&](int i) {
    (void)from(stranger, "OPTIONS sip:\x1b[31m%0d%0a\"<script>" + std::to_string(i) +
                             "\x7f@198.18.1.1 SIP/2.0\r\nVia: x\r\n\r\n");
  };
  EXPECT_LT(until_told("scanner", 5000, 5ms, scan), 5000);
  const std::string evidence = told().at(0).evidence;
  for (const char c : evidence) {
    EXPECT_GE(static_cast<unsigned char>(c), 0x20u) << evidence;
    EXPECT_NE(c, '\x7f');
  }
}

// Sources can be invented: each is somebody else.
TEST_F(Sources, AFloodOfInventedSourcesIsNoFloodOfEvents) {
  for (int i = 0; i < 20000; ++i) {
    Endpoint source = stranger;
    source.port = static_cast<std::uint16_t>(1024 + i % 60000);
    (void)from(source, MessageBuilder("OPTIONS").uri("sip:" + std::to_string(i) + "@198.18.1.1").build());
  }
  EXPECT_LE(told().size(), 120u);
}

// The local registrar of example.com outside: alice, bob and carol, each with "<name>-secret".
class Registered : public DetectorFixture, public testing::Test {
 protected:
  explicit Registered(RegistrarMode mode = RegistrarMode::Local) {
    auto users = make_value<RegistrarUsers>();
    users->push_back({.user = "alice",
                      .domain = "",
                      .ha1_md5 = "ae7914636bb60b37a9441871cf572389",
                      .ha1_sha256 = "1c733d942b955c362d40a0aa27c63f0d5543d51e0a655f9b1c6fab041493ee5d"});
    RegistrarConfig registrar;
    registrar.name = "phones";
    registrar.realm = "outside";
    registrar.mode = mode;
    registrar.domains = {"example.com"};
    if (mode == RegistrarMode::Local)
      registrar.users = users;
    else
      registrar.upstream = "pbx";
    config.registrars = {registrar};
    PeerConfig place;
    place.name = "phones";
    place.realm = "outside";
    place.registrar = 0;
    config.peers.push_back(place);
    RouteConfig from_phones;
    from_phones.name = "from-phones";
    from_phones.match.registrars = {"phones"};
    from_phones.to = {RouteToPeer{"pbx"}};
    config.routes.insert(config.routes.begin(), from_phones);
    callee_host = "198.18.2.2";
  }
  std::vector<SentMessage> enrol(const std::string& line = {}, std::string_view user = "alice") {
    const std::string count = std::to_string(++requests_), name(user);
    MessageBuilder message("REGISTER");
    message.uri("sip:example.com")
        .via("SIP/2.0/UDP 10.0.0.5:5060;branch=z9hG4bKreg" + count + ";rport")
        .from("<sip:" + name + "@example.com>;tag=" + name)
        .to("<sip:" + name + "@example.com>")
        .call_id("registration-of-" + name)
        .cseq(count + " REGISTER")
        .contact("<sip:" + name + "@10.0.0.5:5060>")
        .line("Expires: 60")
        .line("User-Agent: Ordinary Phone T46 66.85.0.5")
        .line(
            "Allow: INVITE, ACK, BYE, CANCEL, OPTIONS, INFO, NOTIFY, REFER, SUBSCRIBE, UPDATE, PRACK, "
            "MESSAGE");
    if (!line.empty()) message.line(line);
    return from(phone, message.build());
  }
  static std::string credentials(const SentMessage& challenge, std::string_view password,
                                 std::string_view method = "REGISTER",
                                 std::string_view uri = "sip:example.com") {
    SipMessage message;
    EXPECT_EQ(parse_message(challenge.bytes, {}, message), ParseStatus::Complete);
    const DigestChallenges offered = challenges_of(message);
    if (offered.empty()) return {};
    const std::string name = challenge.status() == 407 ? "Proxy-Authorization: " : "Authorization: ";
    return name + digest_credentials(offered[0], {"alice", password}, {method, uri}, {"phone", 1});
  }
  std::vector<SentMessage> log_in(std::string_view password) {
    const auto asked = enrol();
    if (!holds(asked, "401")) return asked;
    return enrol(credentials(only(asked, "401"), password));
  }
  MessageBuilder from_phone(unsigned number, unsigned cseq, std::string_view called = kCostly) const {
    const std::string name = std::to_string(number);
    return MessageBuilder("INVITE")
        .uri("sip:" + std::string(called) + "@example.com")
        .via("SIP/2.0/UDP 10.0.0.5:5060;branch=z9hG4bKphone" + name + "-" + std::to_string(cseq) + ";rport")
        .from("<sip:alice@example.com>;tag=phone" + name)
        .to("<sip:" + std::string(called) + "@example.com>")
        .call_id("phone-call-" + name)
        .cseq(std::to_string(cseq) + " INVITE")
        .contact("<sip:alice@10.0.0.5:5060>")
        .body("application/sdp", kSdp);
  }

  const Endpoint phone = *parse_endpoint("198.18.1.77:40001", 0);

 private:
  unsigned requests_ = 0;
};

TEST_F(Registered, WrongPasswordsAreToldAndProved) {
  int tries = 0;
  for (; tries < 50 && told("register_bruteforce").empty(); ++tries, now += 100ms) (void)log_in("wrong");
  EXPECT_GE(tries, 4);
  EXPECT_LE(tries, 7);
  ASSERT_FALSE(told().empty());
  EXPECT_EQ(told()[0].action, "block");
  EXPECT_EQ(told()[0].source, phone);
  EXPECT_TRUE(told()[0].is_proved) << "the nonce came to that very address";
  EXPECT_GE(dropped(RealmIndex{0}, SipDropReason::Detected), 1u);
}

TEST_F(Registered, AUserWhoMistypesAndThenLogsInIsNoAttack) {
  for (int day = 0; day < 20; ++day) {
    (void)log_in("wrong");
    (void)log_in("wrong");
    EXPECT_TRUE(holds(log_in("alice-secret"), "200"));
    now += 30s;
  }
  EXPECT_TRUE(told("register_bruteforce").empty());
}

TEST_F(Registered, WithoutTheRightNonceNothingCounts) {
  const SentMessage challenge = only(enrol(), "401");
  const std::string good = credentials(challenge, "wrong");
  std::string bad = good;
  const std::size_t nonce = bad.find("nonce=\"") + 7;
  bad[nonce + 20] = bad[nonce + 20] == 'a' ? 'b' : 'a';
  for (int i = 0; i < 200; ++i) (void)enrol(bad);
  EXPECT_TRUE(told().empty()) << "anybody could send that in another one's name";
}

TEST_F(Registered, ManyFailuresAreWantedBeforeAnythingHappens) {
  config.security.detectors.register_failures = 25;
  for (int i = 0; i < 20; ++i) EXPECT_TRUE(holds(log_in("wrong"), "401")) << i;
  EXPECT_TRUE(told().empty());
  for (int i = 0; i < 40 && told().empty(); ++i) (void)log_in("wrong");
  EXPECT_FALSE(told("register_bruteforce").empty());
}

TEST_F(Registered, AnEndpointThatIsChallengedProvesItselfAndItsCallGoesOn) {
  config.security.detectors.toll_fraud.action = DetectorAction::Challenge;
  config.security.detectors.toll_fraud_concurrent = 1;
  ASSERT_TRUE(holds(log_in("alice-secret"), "200"));
  ASSERT_TRUE(holds(from(phone, from_phone(1, 1).build()), "INVITE"));
  const std::string uri = "sip:" + std::string(kCostly) + "@example.com";
  const auto asked = from(phone, from_phone(2, 1).build());
  EXPECT_FALSE(holds(asked, "INVITE"));
  const SentMessage challenge = only(asked, "407");
  ASSERT_EQ(told("toll_fraud").size(), 1u);
  EXPECT_EQ(told()[0].action, "challenge");
  const std::string wrong = credentials(challenge, "wrong", "INVITE", uri);
  EXPECT_TRUE(holds(from(phone, from_phone(2, 2).line(wrong).build()), "407"));
  const std::string right = credentials(challenge, "alice-secret", "INVITE", uri);
  EXPECT_TRUE(holds(from(phone, from_phone(3, 2).line(right).build()), "407")) << "of another call";
  EXPECT_TRUE(holds(from(phone, from_phone(2, 3).line(right).build()), "407")) << "of an earlier request";
  EXPECT_TRUE(holds(from(phone, from_phone(2, 2)
                                    .line(right)
                                    .via("SIP/2.0/UDP 10.0.0.5:5060;branch=z9hG4bKq"
                                         ";rport")
                                    .build()),
                    "INVITE"));
}

TEST_F(Registered, WhoCanNotBeChallengedIsRefused) {
  config.security.detectors.toll_fraud.action = DetectorAction::Challenge;
  config.security.detectors.toll_fraud_concurrent = 1;
  caller_host = "198.18.2.2";
  (void)set_up(kCostly);
  EXPECT_EQ(refused(from_pbx(calling(kCostly).build())), 403);
}

TEST_F(Registered, AnEndpointPaysForItselfWhereverItCallsFrom) {
  config.security.detectors.toll_fraud_concurrent = 1;
  ASSERT_TRUE(holds(log_in("alice-secret"), "200"));
  ASSERT_TRUE(holds(from(phone, from_phone(1, 1).build()), "INVITE"));
  EXPECT_EQ(refused(from(phone, from_phone(2, 1).build())), 403);
  EXPECT_EQ(refused(from(office, calling(kCostly, "198.18.2.50").build())), 0);
}

// In a realm where endpoints register strangers are read, and what is not heard is seen.
TEST_F(Registered, AStrangerWhoIsNotHeardIsSeenAllTheSame) {
  for (int i = 0; i < 5000 && told("scanner").empty(); ++i, now += 5ms)
    EXPECT_TRUE(from(stranger, MessageBuilder("INVITE")
                                   .uri("sip:" + std::to_string(1000 + i) + "@198.18.1.1")
                                   .call_id("scan-" + std::to_string(i))
                                   .build())
                    .empty());
  EXPECT_FALSE(told("scanner").empty());
}

class PassedThrough : public Registered {
 protected:
  PassedThrough() : Registered(RegistrarMode::PassThrough) {}
  // What the upstream says to a REGISTER; what the phone hears.
  std::vector<SentMessage> upstream_says(const std::vector<SentMessage>& sent, int code,
                                         const std::string& lines = {}) {
    return from_pbx(answer(only(sent, "REGISTER"), code, "up", lines));
  }
  std::string challenge(std::string_view more = {}) {
    return "WWW-Authenticate: Digest realm=\"example.com\", nonce=\"n" + std::to_string(++nonces_) +
           "\", algorithm=MD5, qop=\"auth\"" + std::string(more) + "\r\n";
  }
  // Answers the last challenge; the next one.
  SentMessage guess(const SentMessage& asked, std::string_view more = {}) {
    return only(upstream_says(enrol(credentials(asked, "wrong")), 401, challenge(more)), "401");
  }

 private:
  unsigned nonces_ = 0;
};

TEST_F(PassedThrough, ARefusalOfTheUpstreamToWhoAnsweredItsChallengeIsAFailure) {
  SentMessage asked = only(upstream_says(enrol(), 401, challenge()), "401");
  EXPECT_TRUE(told().empty());
  int tries = 0;
  for (; tries < 20; ++tries, now += 100ms) {
    const auto sent = enrol(credentials(asked, "wrong"));
    const auto heard = upstream_says(sent, 401, challenge());
    if (!told("register_bruteforce").empty()) {
      EXPECT_TRUE(holds(heard, "403"));
      break;
    }
    asked = only(heard, "401");
  }
  EXPECT_LE(tries, 7);
  ASSERT_FALSE(told().empty());
  EXPECT_TRUE(told()[0].is_proved);
  EXPECT_EQ(told()[0].source, phone);
}

// Many registrars ask anew without calling the old nonce stale.
TEST_F(PassedThrough, ANonceThatIsTooOldIsNoWrongPassword) {
  for (int i = 0; i < 50; ++i) {
    const SentMessage asked = only(upstream_says(enrol(), 401, challenge()), "401");
    now += 10min;
    EXPECT_TRUE(holds(upstream_says(enrol(credentials(asked, "right")), 401, challenge()), "401"));
    now += 1s;
  }
  EXPECT_TRUE(told("register_bruteforce").empty());
}

TEST_F(PassedThrough, AnAnswerThatIsCalledStaleIsNoWrongPassword) {
  SentMessage asked = only(upstream_says(enrol(), 401, challenge()), "401");
  for (int i = 0; i < 50; ++i) asked = guess(asked, ", stale=true");
  EXPECT_TRUE(told().empty());
}

}  // namespace
}  // namespace sallyport::sip

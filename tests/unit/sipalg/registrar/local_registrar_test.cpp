// local_registrar_test.cpp — the registrar that keeps its bindings itself: RFC 3261 §10.3, RFC 3327, RFC 5626
// §6, RFC 7616, RFC 8760; threats I1, I2, R1.
#include <gtest/gtest.h>

#include <string>

#include "sipalg/auth/digest.h"
#include "tests/support/registrar_world.h"

namespace sallyport::sip {
namespace {

using tests::PhoneRegister;
using tests::RegistrarSent;
using tests::RegistrarWorld;
using tests::the;

class LocalRegistrarTest : public testing::Test {
 protected:
  LocalRegistrarTest() {
    world.use_local();
    // Its detector would refuse before anybody falls silent.
    world.config.security.detectors.register_bruteforce.action = DetectorAction::Log;
  }

  std::vector<RegistrarSent> ask(const Endpoint& remote, PhoneRegister& phone) {
    return world.from(remote, phone.build());
  }
  // Credentials for the strongest challenge of a 401.
  static std::string credentials(const RegistrarSent& challenge, std::string_view user,
                                 std::string_view password, std::uint32_t count = 1) {
    SipMessage message;
    EXPECT_EQ(parse_message(challenge.bytes, {}, message), ParseStatus::Complete);
    const DigestChallenges offered = challenges_of(message);
    if (offered.empty()) return {};
    return "Authorization: " + digest_credentials(offered[0], {user, password},
                                                  {"REGISTER", "sip:example.com"}, {"phone", count});
  }
  // Asks, is challenged, asks again; the last answer.
  RegistrarSent enrol(const Endpoint& remote, PhoneRegister& phone, std::string_view password = {}) {
    const auto refused = ask(remote, phone);
    const RegistrarSent challenge = the(refused, 401);
    const std::string secret = password.empty() ? phone.user + "-secret" : std::string(password);
    const std::vector<std::string> before = phone.lines;
    phone.lines.push_back(credentials(challenge, phone.user, secret));
    const auto answered = ask(remote, phone);
    phone.lines = before;
    return answered.empty() ? RegistrarSent{} : answered[0];
  }
  std::size_t bindings(std::string_view aor = "alice@example.com") {
    return world.board().bindings_of(PeerIndex{1}, aor)->size();
  }

  RegistrarWorld world;
  PhoneRegister alice;
};

TEST_F(LocalRegistrarTest, RegistersAPhoneThatAnswersTheChallenge) {
  const RegistrarSent answer = enrol(world.phone, alice);
  EXPECT_EQ(answer.status(), 200);
  EXPECT_EQ(answer.header("Contact"), "<sip:alice@10.0.0.5:5060>;expires=60");
  EXPECT_EQ(answer.path.remote, world.phone);
  ASSERT_EQ(bindings(), 1u);
  const auto binding = world.board().bindings_of(PeerIndex{1}, "alice@example.com")->front();
  EXPECT_EQ(binding->path.remote, world.phone) << "the flow, whatever the Contact says";
  EXPECT_EQ(binding->place, PeerIndex{1});
  ASSERT_EQ(world.events.size(), 1u);
  EXPECT_FALSE(world.events[0].bytes.empty());
}

// RFC 8760 §2.4
TEST_F(LocalRegistrarTest, OffersTheHashesThatItsUsersHave) {
  const RegistrarSent both = the(ask(world.phone, alice), 401);
  EXPECT_NE(both.bytes.find("SHA-256"), std::string::npos);
  EXPECT_LT(both.bytes.find("SHA-256"), both.bytes.find("algorithm=MD5"));
  auto users = make_value<RegistrarUsers>(*world.config.registrars[0].users);
  for (RegistrarUser& user : *users) user.ha1_sha256.clear();
  SbcConfig next = world.config;
  next.registrars[0].users = users;
  world.adopt(next);
  const RegistrarSent one = the(ask(world.phone, alice), 401);
  EXPECT_EQ(one.bytes.find("SHA-256"), std::string::npos);
  EXPECT_EQ(enrol(world.phone, alice).status(), 200);
}

TEST_F(LocalRegistrarTest, TakesUsersOfAReloadAtOnce) {
  alice.user = "dave";
  EXPECT_EQ(enrol(world.phone, alice, "alice-secret").status(), 401);
  auto users = make_value<RegistrarUsers>(*world.config.registrars[0].users);
  std::erase_if(*users, [](const RegistrarUser& user) { return user.user == "alice"; });
  SbcConfig next = world.config;
  next.registrars[0].users = users;
  world.adopt(next);
  PhoneRegister gone;
  EXPECT_EQ(enrol(world.phone, gone).status(), 401);
}

// Threats I2: the answers of unknown users are those of known ones.
TEST_F(LocalRegistrarTest, AnswersUnknownUsersLikeWrongPasswords) {
  PhoneRegister stranger;
  stranger.user = "mallory";
  const RegistrarSent unknown = enrol(world.phone, stranger, "guess"),
                      wrong = enrol(world.phone, alice, "guess");
  EXPECT_EQ(unknown.status(), 401);
  EXPECT_EQ(wrong.status(), 401);
  const auto skeleton = [](std::string text, const std::string& user) {
    for (std::size_t at; (at = text.find(user)) != std::string::npos;) text.replace(at, user.size(), "U");
    constexpr std::string_view kNonce = "nonce=\"";
    for (std::size_t at = 0; (at = text.find(kNonce, at)) != std::string::npos; at += kNonce.size())
      text.erase(at + kNonce.size(), text.find('"', at + kNonce.size()) - at - kNonce.size());
    for (char& c : text)
      if (c >= '0' && c <= '9') c = '#';
    return text;
  };
  const std::string one = skeleton(unknown.bytes, "mallory"), other = skeleton(wrong.bytes, "alice");
  EXPECT_EQ(one.substr(one.find("\r\nCS")), other.substr(other.find("\r\nCS")));
}

// Threats I1
TEST_F(LocalRegistrarTest, LetsAUserRegisterOnlyItsOwnAddress) {
  PhoneRegister thief;
  const RegistrarSent challenge = the(ask(world.phone, thief), 401);
  thief.lines = {credentials(challenge, "bob", "bob-secret")};
  const RegistrarSent answer = the(ask(world.phone, thief), 403);
  EXPECT_EQ(answer.status(), 403);
  EXPECT_NE(answer.header("Warning"), "");
  EXPECT_EQ(bindings(), 0u);
}

TEST_F(LocalRegistrarTest, RefusesAReplayedRegister) {
  const RegistrarSent challenge = the(ask(world.phone, alice), 401);
  alice.lines = {credentials(challenge, "alice", "alice-secret")};
  EXPECT_EQ(ask(world.phone, alice)[0].status(), 200);
  const RegistrarSent again = the(ask(world.phone, alice), 401);
  EXPECT_NE(again.bytes.find("stale=true"), std::string::npos);
  EXPECT_EQ(ask(world.other, alice)[0].status(), 401) << "nor from elsewhere";
}

TEST_F(LocalRegistrarTest, TakesTheNextCountOfANonceWithoutAnotherChallenge) {
  const RegistrarSent challenge = the(ask(world.phone, alice), 401);
  for (std::uint32_t count = 1; count < 4; ++count) {
    alice.lines = {credentials(challenge, "alice", "alice-secret", count)};
    EXPECT_EQ(ask(world.phone, alice)[0].status(), 200) << count;
  }
}

TEST_F(LocalRegistrarTest, SaysThatANonceIsStaleWhenItsTimeIsOver) {
  const RegistrarSent challenge = the(ask(world.phone, alice), 401);
  (void)world.wait(6min);
  alice.lines = {credentials(challenge, "alice", "alice-secret")};
  EXPECT_NE(the(ask(world.phone, alice), 401).bytes.find("stale=true"), std::string::npos);
}

// RFC 3261 §10.3 steps 1 and 5
TEST_F(LocalRegistrarTest, IsNotAskedForOtherDomains) {
  alice.domain = "example.org";
  EXPECT_TRUE(ask(world.phone, alice).empty()) << "a stranger learns nothing";  // threats I9
  world.trust = TrustClass::Trusted;
  EXPECT_EQ(ask(world.phone, alice)[0].status(), 404);
  alice.domain = "example.com";
  alice.request_uri = "sip:example.org";
  EXPECT_EQ(ask(world.phone, alice)[0].status(), 403);
  alice.request_uri = "sip:EXAMPLE.com";
  EXPECT_EQ(ask(world.phone, alice)[0].status(), 401);
  alice.request_uri = "sip:198.18.1.1";
  EXPECT_EQ(ask(world.phone, alice)[0].status(), 401) << "a phone that knows us by our address";
}

// RFC 3261 §10.3 step 2
TEST_F(LocalRegistrarTest, RefusesExtensionsThatItDoesNotKnow) {
  alice.lines = {"Require: path, teleport"};
  const RegistrarSent answer = ask(world.phone, alice)[0];
  EXPECT_EQ(answer.status(), 420);
  EXPECT_EQ(answer.header("Unsupported"), "teleport");
  alice.lines = {"Require: path, outbound, gruu"};
  EXPECT_EQ(ask(world.phone, alice)[0].status(), 401);
}

// RFC 3261 §10.3 step 6
TEST_F(LocalRegistrarTest, TakesAStarOnlyAloneAndWithExpiresZero) {
  alice.contact = "*";
  EXPECT_EQ(ask(world.phone, alice)[0].status(), 400);
  alice.expires = -1;
  EXPECT_EQ(ask(world.phone, alice)[0].status(), 400);
  alice.expires = 0;
  EXPECT_EQ(ask(world.phone, alice)[0].status(), 401);
}

TEST_F(LocalRegistrarTest, EndsEveryBindingByAStar) {
  EXPECT_EQ(enrol(world.phone, alice).status(), 200);
  PhoneRegister second = alice;
  second.contact = "<sip:alice@10.0.0.6>";
  second.call_id = "second";
  EXPECT_EQ(enrol(world.other, second).status(), 200);
  EXPECT_EQ(bindings(), 2u);
  PhoneRegister all = second;
  all.contact = "*";
  all.expires = 0;
  const RegistrarSent answer = enrol(world.other, all);
  EXPECT_EQ(answer.status(), 200);
  EXPECT_EQ(answer.header("Contact"), "");
  EXPECT_EQ(bindings(), 0u);
  EXPECT_EQ(world.engine().size(), 0u);
}

TEST_F(LocalRegistrarTest, ListsEveryBindingToWhoeverAsks) {
  alice.contact = "<sip:alice@10.0.0.5>;q=0.4, <sip:alice@10.0.0.6>;q=0.9;expires=30";
  const RegistrarSent both = enrol(world.phone, alice);
  EXPECT_EQ(both.status(), 200);
  EXPECT_NE(both.bytes.find("Contact: <sip:alice@10.0.0.6>;q=0.9;expires=30\r\n"
                            "Contact: <sip:alice@10.0.0.5>;q=0.4;expires=60\r\n"),
            std::string::npos)
      << both.bytes;
  (void)world.wait(10s);
  PhoneRegister query;
  query.contact = "";
  query.expires = -1;
  query.cseq = 20;
  const RegistrarSent list = enrol(world.phone, query);
  EXPECT_NE(list.bytes.find("Contact: <sip:alice@10.0.0.6>;q=0.9;expires=20\r\n"), std::string::npos)
      << list.bytes;
  EXPECT_EQ(bindings(), 2u);
}

// RFC 3261 §10.3 step 7
TEST_F(LocalRegistrarTest, RefusesWhatIsOlderThanTheLastOne) {
  alice.cseq = 10;
  EXPECT_EQ(enrol(world.phone, alice).status(), 200);
  PhoneRegister old = alice;
  old.cseq = 8;
  old.expires = 0;
  EXPECT_EQ(enrol(world.phone, old).status(), 500);
  EXPECT_EQ(bindings(), 1u);
  old.cseq = 1;
  old.call_id = "another";
  EXPECT_EQ(enrol(world.phone, old).status(), 200) << "under another Call-ID there is no order";
  EXPECT_EQ(bindings(), 0u);
}

TEST_F(LocalRegistrarTest, DoesAllOfARegisterOrNothing) {
  alice.cseq = 10;
  EXPECT_EQ(enrol(world.phone, alice).status(), 200);
  PhoneRegister both = alice;
  both.cseq = 2;
  both.contact = "<sip:alice@10.0.0.9>, <sip:alice@10.0.0.5:5060>";
  EXPECT_EQ(enrol(world.phone, both).status(), 500);
  EXPECT_EQ(bindings(), 1u);
}

TEST_F(LocalRegistrarTest, PrefersTheContactsLifetimeToTheHeadersToItsOwn) {
  alice.contact = "<sip:alice@10.0.0.5>;expires=20";
  EXPECT_EQ(enrol(world.phone, alice).header("Contact"), "<sip:alice@10.0.0.5>;expires=20");
  alice.contact = "<sip:alice@10.0.0.5>";
  alice.expires = 40;
  EXPECT_EQ(enrol(world.phone, alice).header("Contact"), "<sip:alice@10.0.0.5>;expires=40");
  alice.expires = -1;
  EXPECT_EQ(enrol(world.phone, alice).header("Contact"), "<sip:alice@10.0.0.5>;expires=60");
  alice.expires = 3600;
  EXPECT_EQ(enrol(world.phone, alice).header("Contact"), "<sip:alice@10.0.0.5>;expires=60")
      << "and no longer";
}

TEST_F(LocalRegistrarTest, RefusesALifetimeThatIsTooShort) {
  alice.expires = 9;
  const RegistrarSent answer = ask(world.phone, alice)[0];
  EXPECT_EQ(answer.status(), 423);
  EXPECT_EQ(answer.header("Min-Expires"), "10");
}

// Threats I1
TEST_F(LocalRegistrarTest, KeepsSoManyContactsOfOneAddressAndNoMore) {
  world.config.registrars[0].contacts_per_aor = 2;
  for (int i = 0; i < 3; ++i) {
    PhoneRegister device = alice;
    device.contact = "<sip:alice@10.0.0." + std::to_string(i + 10) + ">";
    device.call_id = std::to_string(i);
    EXPECT_EQ(enrol(world.phone, device).status(), i < 2 ? 200 : 403);
  }
  EXPECT_EQ(bindings(), 2u);
}

TEST_F(LocalRegistrarTest, SaysWhenThereIsNoRoomForAnotherAddress) {
  world.config.dataplane.capacity.registrations = 1;
  EXPECT_EQ(enrol(world.phone, alice).status(), 200);
  PhoneRegister bob;
  bob.user = "bob";
  const RegistrarSent answer = enrol(world.other, bob);
  EXPECT_EQ(answer.status(), 503);
  EXPECT_NE(answer.header("Retry-After"), "");
  EXPECT_EQ(world.engine().size(), 1u);
}

// RFC 3327 §5.3
TEST_F(LocalRegistrarTest, KeepsThePathOfAPhoneBehindAProxy) {
  alice.lines = {"Path: <sip:proxy.example.com;lr>, <sip:near@10.9.9.9;lr;ob>"};
  const RegistrarSent refused = ask(world.phone, alice)[0];
  EXPECT_EQ(refused.status(), 421);
  EXPECT_EQ(refused.header("Require"), "path");
  alice.lines.push_back("Supported: path");
  const RegistrarSent answer = enrol(world.phone, alice);
  EXPECT_EQ(answer.status(), 200);
  EXPECT_NE(answer.bytes.find("Path: <sip:proxy.example.com;lr>\r\nPath: <sip:near@10.9.9.9;lr;ob>\r\n"),
            std::string::npos);
  const auto binding = world.board().bindings_of(PeerIndex{1}, "alice@example.com")->front();
  EXPECT_EQ(binding->route_set,
            (std::vector<std::string>{"<sip:proxy.example.com;lr>", "<sip:near@10.9.9.9;lr;ob>"}));
}

// RFC 5626 §6
TEST_F(LocalRegistrarTest, PutsAFlowInPlaceOfTheOldOneOfTheSameInstance) {
  alice.lines = {"Supported: outbound, path"};
  alice.contact = "<sip:alice@10.0.0.5:5060>;reg-id=1;+sip.instance=\"<urn:uuid:1>\"";
  const RegistrarSent first = enrol(world.phone, alice);
  EXPECT_EQ(first.header("Require"), "outbound");
  EXPECT_EQ(first.header("Contact"),
            "<sip:alice@10.0.0.5:5060>;reg-id=1;+sip.instance=\"<urn:uuid:1>\";expires=60");
  alice.contact = "<sip:alice@10.0.0.7:5070>;reg-id=1;+sip.instance=\"<urn:uuid:1>\"";
  alice.call_id = "after-a-restart";
  EXPECT_EQ(enrol(world.other, alice).status(), 200);
  ASSERT_EQ(bindings(), 1u);
  EXPECT_EQ(world.board().bindings_of(PeerIndex{1}, "alice@example.com")->front()->path.remote, world.other);
  alice.contact = "<sip:alice@10.0.0.7:5070>;reg-id=2;+sip.instance=\"<urn:uuid:1>\"";
  EXPECT_EQ(enrol(world.other, alice).status(), 200);
  EXPECT_EQ(bindings(), 2u) << "another flow of the same instance";
}

// Threats I2: nobody guesses for long, learns of the right guess by its answer, or is silenced by another
// one.
TEST_F(LocalRegistrarTest, FallsSilentTowardsAFlowThatFailsTooOften) {
  world.config.security.detectors.register_bruteforce.action = DetectorAction::Reject;
  PhoneRegister guess;
  for (unsigned i = 0; i < 4; ++i) EXPECT_EQ(enrol(world.phone, guess, "guess").status(), 401);
  EXPECT_EQ(enrol(world.phone, guess, "guess").status(), 403);
  const RegistrarSent challenge = the(ask(world.phone, guess), 401);
  guess.lines = {credentials(challenge, "alice", "alice-secret")};
  EXPECT_TRUE(ask(world.phone, guess).empty()) << "the right one";
  EXPECT_EQ(world.dropped(SipDropReason::Detected), 1u);
  guess.lines = {};
  PhoneRegister neighbour = alice;
  EXPECT_EQ(enrol(world.other, neighbour).status(), 200) << "another address";
  (void)world.wait(61s);
  EXPECT_EQ(enrol(world.phone, guess).status(), 200);
}

TEST_F(LocalRegistrarTest, GoesOnAnsweringAPhoneThatIsRegisteredOverTheVeryFlow) {
  world.config.security.detectors.register_bruteforce.action = DetectorAction::Reject;
  EXPECT_EQ(enrol(world.phone, alice).status(), 200);
  PhoneRegister guess;
  for (std::uint16_t port = 50'000; port < 50'020; ++port) {  // each from another one, behind the same NAT
    const auto sent = ask({world.phone.address, port}, guess);
    guess.lines = {credentials(the(sent, 401), "alice", "guess")};
    (void)ask({world.phone.address, port}, guess);
    guess.lines = {};
  }
  EXPECT_GE(world.dropped(SipDropReason::Detected), 4u) << "fifteen of one user and address";
  EXPECT_EQ(enrol(world.phone, alice).status(), 200);
}

// Threats I2, I10: what comes under a false source can't know the nonce that the true one was given.
TEST_F(LocalRegistrarTest, CountsNoFailureWithoutProofThatTheSourceHearsUs) {
  PhoneRegister forged;
  forged.lines = {
      "Authorization: Digest username=\"alice\", realm=\"example.com\", nonce=\"made-up\", "
      "uri=\"sip:example.com\", "
      "response=\"00\", cnonce=\"c\", qop=auth, nc=00000001"};
  for (unsigned i = 0; i < 100; ++i) EXPECT_EQ(ask(world.phone, forged)[0].status(), 401);
  EXPECT_EQ(enrol(world.phone, alice).status(), 200);
}

// Threats R1
TEST_F(LocalRegistrarTest, KeepsNothingOfStrangersWhoProveNothing) {
  for (std::uint32_t i = 0; i < 100'000; ++i) {
    const Endpoint source{IpAddress::v4(0x0a000000u + i * 167u),
                          static_cast<std::uint16_t>(1024 + i % 60000)};
    PhoneRegister flood;
    flood.user = "u" + std::to_string(i);
    world.put(source, flood.build());
    ASSERT_EQ(world.out.sends().size(), 1u);
    world.out.clear();
  }
  EXPECT_EQ(world.transactions(), 0u);
  EXPECT_EQ(world.engine().size(), 0u);
  EXPECT_EQ(world.board().aors(), 0u);
}

TEST_F(LocalRegistrarTest, ForgetsABindingWhoseTimeIsOver) {
  EXPECT_EQ(enrol(world.phone, alice).status(), 200);
  (void)world.wait(59s);
  EXPECT_EQ(bindings(), 1u);
  (void)world.wait(2s);
  EXPECT_EQ(bindings(), 0u);
  ASSERT_EQ(world.events.size(), 2u);
  EXPECT_TRUE(world.events[1].bytes.empty()) << "gone from disk too";
}

TEST_F(LocalRegistrarTest, AnswersARepeatedRegisterAsBefore) {
  const RegistrarSent challenge = the(ask(world.phone, alice), 401);
  alice.lines = {credentials(challenge, "alice", "alice-secret")};
  const std::string bytes = alice.build();
  const auto first = world.from(world.phone, bytes), again = world.from(world.phone, bytes);
  ASSERT_EQ(again.size(), 1u);
  EXPECT_EQ(again[0].bytes, first[0].bytes);
}

// RFC 3261 §17.2.2: what is carried out is answered once; a 401 behind its 200 would be a second answer.
TEST_F(LocalRegistrarTest, CarriesOutNothingWhoseAnswerItCannotKeep) {
  world.settings.transactions_max = 0;
  EXPECT_EQ(the(ask(world.phone, alice), 503).header("Retry-After").empty(), false);
  EXPECT_EQ(bindings(), 0u);
  EXPECT_TRUE(world.events.empty());
}

TEST_F(LocalRegistrarTest, ServesPhonesOverIPv6AndOverStreams) {
  const Endpoint phone6 = *parse_endpoint("[fd18:1::20]:5060", 0);
  alice.contact = "<sip:alice@[fd18:1::20]:5060>";
  alice.host = "[fd18:1::20]:5060";
  EXPECT_EQ(enrol(phone6, alice).status(), 200);
  EXPECT_EQ(world.board().bindings_of(PeerIndex{1}, "alice@example.com")->front()->path.remote, phone6);
}

}  // namespace
}  // namespace sallyport::sip

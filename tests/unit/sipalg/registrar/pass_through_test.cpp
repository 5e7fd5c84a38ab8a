// pass_through_test.cpp — registrations that an upstream keeps: RFC 3261 §10.2, §10.3; RFC 3327, RFC 3608,
// RFC 5626, RFC 5627; threats I1, I3, I12, R1, R5.
#include <gtest/gtest.h>

#include <set>
#include <string>

#include "sipalg/registrar/aor.h"
#include "sipalg/registrar/upstream_errands.h"
#include "tests/support/registrar_world.h"

namespace sallyport::sip {
namespace {

using tests::PhoneRegister;
using tests::RegistrarSent;
using tests::RegistrarWorld;
using tests::the;

class PassThroughTest : public testing::Test {
 protected:
  std::vector<RegistrarSent> ask(const Endpoint& remote, PhoneRegister& phone, std::uint64_t connection = 0) {
    return world.from(remote, phone.build(), connection);
  }
  SharedValue<Bindings> bindings(std::string_view aor = "alice@example.com") {
    return world.board().bindings_of(PeerIndex{1}, aor);
  }
  static std::string uri(const RegistrarSent& request) {
    return request.bytes.substr(9, request.bytes.find(" SIP/2.0") - 9);
  }

  RegistrarWorld world;
  PhoneRegister alice;
};

TEST_F(PassThroughTest, AsksTheUpstreamInARequestOfItsOwn) {
  alice.lines = {"User-Agent: phone/1.0", "Supported: gruu"};
  alice.contact = "<sip:alice@10.0.0.5:5060>;q=0.5;+sip.instance=\"<urn:uuid:1>\";x-secret=inside";
  const auto sent = ask(world.phone, alice);
  ASSERT_EQ(sent.size(), 1u);
  const RegistrarSent& asked = sent[0];
  EXPECT_EQ(asked.path.remote, world.pbx);
  EXPECT_EQ(asked.path.realm, RealmIndex{1});
  EXPECT_EQ(uri(asked), "sip:example.com");
  EXPECT_EQ(asked.header("To"), "<sip:alice@example.com>");
  EXPECT_EQ(asked.header("From").substr(0, 29),
            "<sip:alice@example.com>;tag=" + asked.header("From").substr(28, 1));
  EXPECT_EQ(asked.header("Expires"), "3600");
  EXPECT_EQ(asked.header("Supported"), "gruu");
  const std::string contact = asked.header("Contact");
  EXPECT_EQ(contact.substr(0, 5), "<sip:");
  EXPECT_EQ(contact.substr(49), "@198.18.2.1>;q=0.5;+sip.instance=\"<urn:uuid:1>\"");
  const auto token = read_token(world.settings.token_key, TokenKind::Contact, contact.substr(5, kTokenChars));
  ASSERT_TRUE(token);
  EXPECT_EQ(token->part, kBindingPart);
  // Nothing of the other side. Threats I12
  for (const char* const outside : {"10.0.0.5", "198.18.1.", "phone/1.0", "call-of-alice", "x-secret"})
    EXPECT_EQ(asked.bytes.find(outside), std::string::npos) << outside;
}

TEST_F(PassThroughTest, AnswersThePhoneWithItsOwnContactAndAShortLifetime) {
  const RegistrarSent answer = world.register_phone(world.phone, alice);
  EXPECT_EQ(answer.status(), 200);
  EXPECT_EQ(answer.path.remote, world.phone);
  EXPECT_EQ(answer.header("Contact"), "<sip:alice@10.0.0.5:5060>;expires=60");
  EXPECT_EQ(answer.header("Call-ID"), "call-of-alice");
  ASSERT_EQ(bindings()->size(), 1u);
  const Binding& binding = *bindings()->front();
  EXPECT_EQ(binding.path.remote, world.phone);
  EXPECT_EQ(binding.inside_expires - world.now, 1h);
  EXPECT_EQ(binding.expires - world.now, 60s);
  EXPECT_EQ(world.board().numbered(binding.number), bindings()->front());
  for (const char* const inside : {"198.18.2.", "pbx", "Far words"})
    EXPECT_EQ(answer.bytes.find(inside), std::string::npos) << inside;
}

// The way of the upstream's answers back into the shard that asked.
TEST_F(PassThroughTest, AsksUnderACallIdOfTheAorsShard) {
  const RegistrarSent asked = the(ask(world.phone, alice), 0);
  const std::uint8_t shard = shard_of_aor(world.settings.token_key, "alice@example.com");
  EXPECT_EQ(shard_of_call_id(world.settings.token_key, asked.header("Call-ID")), shard);
}

// RFC 3261 §22, RFC 7616: the one who knows the password asks the one who has it.
TEST_F(PassThroughTest, CarriesTheChallengeOutAndTheCredentialsIn) {
  const RegistrarSent asked = the(ask(world.phone, alice), 0);
  const std::string challenge = "Digest realm=\"example.com\", nonce=\"abc\", algorithm=MD5, qop=\"auth\"";
  const auto refused = world.answer(
      asked, 401, "WWW-Authenticate: " + challenge + "\r\nServer: inside/1.0\r\nX-Inside: 1\r\n");
  const RegistrarSent answer = the(refused, 401);
  EXPECT_EQ(answer.header("WWW-Authenticate"), challenge);
  EXPECT_EQ(answer.bytes.find("nside"), std::string::npos);
  EXPECT_TRUE(bindings()->empty());
  const std::string credentials =
      "Digest username=\"alice\", realm=\"example.com\", nonce=\"abc\", "
      "uri=\"sip:example.com\", response=\"00\"";
  alice.lines = {"Authorization: " + credentials};
  const RegistrarSent again = the(ask(world.phone, alice), 0);
  EXPECT_EQ(again.header("Authorization"), credentials);
  EXPECT_EQ(again.header("Call-ID"), asked.header("Call-ID"));
  EXPECT_EQ(asked.header("CSeq"), "1 REGISTER");
  EXPECT_EQ(again.header("CSeq"), "2 REGISTER") << "ours, and growing";
  EXPECT_EQ(the(world.grant(again, 3600), 200).status(), 200);
  EXPECT_EQ(bindings()->size(), 1u);
}

TEST_F(PassThroughTest, CarriesTheChallengeOfAProxyToo) {
  const RegistrarSent asked = the(ask(world.phone, alice), 0);
  const auto refused = world.answer(asked, 407, "Proxy-Authenticate: Digest realm=\"r\", nonce=\"n\"\r\n");
  EXPECT_EQ(the(refused, 407).header("Proxy-Authenticate"), "Digest realm=\"r\", nonce=\"n\"");
  alice.lines = {"Proxy-Authorization: Digest username=\"alice\", realm=\"r\""};
  EXPECT_EQ(the(ask(world.phone, alice), 0).header("Proxy-Authorization"),
            "Digest username=\"alice\", realm=\"r\"");
}

TEST_F(PassThroughTest, AnswersARefreshOfTheSameFlowItself) {
  (void)world.register_phone(world.phone, alice);
  for (unsigned i = 0; i < 20; ++i) {
    (void)world.wait(50s);
    const auto answered = ask(world.phone, alice);
    ASSERT_EQ(answered.size(), 1u) << i;
    EXPECT_EQ(answered[0].status(), 200);
    EXPECT_EQ(answered[0].header("Contact"), "<sip:alice@10.0.0.5:5060>;expires=60");
  }
  EXPECT_EQ(world.events.size(), 1u) << "only the beginning is written to disk";
  EXPECT_EQ(bindings()->front()->cseq, 21u);
}

TEST_F(PassThroughTest, AsksInsideAgainWhenHalfOfTheTimeThereIsOver) {
  (void)world.register_phone(world.phone, alice);
  const std::uint64_t number = bindings()->front()->number;
  unsigned asked = 0;
  for (unsigned i = 0; i < 36; ++i) {  // half an hour
    (void)world.wait(50s);
    const auto sent = ask(world.phone, alice);
    const RegistrarSent request = the(sent, 0);
    if (!request.is_request()) continue;
    ++asked;
    EXPECT_GE(i, 35u);
    EXPECT_EQ(the(world.grant(request, 3600), 200).status(), 200);
  }
  EXPECT_EQ(asked, 1u);
  EXPECT_EQ(bindings()->front()->number, number) << "one Contact inside for all its life";
  EXPECT_EQ(world.events.size(), 2u) << "it lasts longer: written again";
}

TEST_F(PassThroughTest, AsksInsideAgainForAnythingButAPlainRefresh) {
  (void)world.register_phone(world.phone, alice);
  const auto is_asked_inside = [&](const PhoneRegister& changed, const Endpoint& remote) {
    PhoneRegister phone = changed;
    phone.cseq = ++alice.cseq;
    return the(ask(remote, phone), 0).is_request();
  };
  const auto changed = [&](auto change) {
    PhoneRegister phone = alice;
    change(phone);
    return is_asked_inside(phone, world.phone);
  };
  EXPECT_FALSE(is_asked_inside(alice, world.phone));
  EXPECT_TRUE(is_asked_inside(alice, world.other)) << "another flow";
  EXPECT_TRUE(changed([](PhoneRegister& phone) { phone.contact = "<sip:alice@10.0.0.6:5060>"; }));
  EXPECT_TRUE(changed([](PhoneRegister& phone) { phone.contact += ";q=0.3"; }));
  EXPECT_TRUE(changed([](PhoneRegister& phone) { phone.call_id = "rebooted"; }));
  EXPECT_TRUE(changed([](PhoneRegister& phone) { phone.expires = 0; }));
  EXPECT_TRUE(changed([](PhoneRegister& phone) {
    phone.lines = {"Path: <sip:near@10.9.9.9;lr>", "Supported: path"};
  })) << "another way";
  PhoneRegister old = alice;
  old.cseq = 2;
  old.host = "10.0.0.5:5061";
  EXPECT_EQ(ask(world.phone, old)[0].status(), 500) << "an old one";
}

TEST_F(PassThroughTest, FollowsAPhoneThatMoves) {
  (void)world.register_phone(world.phone, alice);
  const std::uint64_t number = bindings()->front()->number;
  (void)world.register_phone(world.other, alice);
  ASSERT_EQ(bindings()->size(), 1u);
  EXPECT_EQ(bindings()->front()->number, number);
  EXPECT_EQ(bindings()->front()->path.remote, world.other);
  EXPECT_FALSE(world.board().is_known(RealmIndex{0}, world.phone, Transport::Udp));
  EXPECT_EQ(world.events.size(), 2u);
}

TEST_F(PassThroughTest, OnAStreamTheConnectionIsPartOfTheFlow) {
  world.use_stream(Transport::Tcp);
  const auto asked = ask(world.phone, alice, 5);
  EXPECT_EQ(the(world.grant(the(asked, 0), 3600), 200).path.connection, 5u);
  EXPECT_EQ(bindings()->front()->path.connection, 5u);
  EXPECT_EQ(ask(world.phone, alice, 5)[0].status(), 200);
  EXPECT_TRUE(the(ask(world.phone, alice, 6), 0).is_request());
}

TEST_F(PassThroughTest, EndsABindingInsideWhenThePhoneEndsIt) {
  (void)world.register_phone(world.phone, alice);
  alice.expires = 0;
  const RegistrarSent asked = the(ask(world.phone, alice), 0);
  EXPECT_TRUE(asked.header("Contact").ends_with(">;expires=0")) << asked.header("Contact");
  EXPECT_EQ(bindings()->size(), 1u) << "the upstream may still refuse";
  const RegistrarSent answer = the(world.grant(asked, 0), 200);
  EXPECT_EQ(answer.header("Contact"), "");
  EXPECT_TRUE(bindings()->empty());
  EXPECT_TRUE(world.events.back().bytes.empty());
}

TEST_F(PassThroughTest, EndsAllBindingsInsideByAStar) {
  (void)world.register_phone(world.phone, alice);
  alice.contact = "*";
  alice.expires = 0;
  const RegistrarSent asked = the(ask(world.phone, alice), 0);
  EXPECT_EQ(asked.header("Contact"), "*");
  EXPECT_EQ(asked.header("Expires"), "0");
  EXPECT_EQ(the(world.grant(asked, 0), 200).status(), 200);
  EXPECT_TRUE(bindings()->empty());
}

TEST_F(PassThroughTest, ShowsTheBindingsToWhoeverTheUpstreamKnows) {
  (void)world.register_phone(world.phone, alice);
  PhoneRegister query = alice;
  query.contact = "";
  query.expires = -1;
  const RegistrarSent asked = the(ask(world.other, query), 0);
  EXPECT_EQ(asked.header("Contact"), "");
  EXPECT_EQ(asked.header("Expires"), "");
  EXPECT_EQ(the(world.grant(asked, 0), 200).header("Contact"), "<sip:alice@10.0.0.5:5060>;expires=60");
}

TEST_F(PassThroughTest, KeepsSeveralContactsOfOneAddressApart) {
  (void)world.register_phone(world.phone, alice);
  PhoneRegister desk = alice;
  desk.contact = "<sip:alice@10.0.0.9>;q=0.2";
  desk.call_id = "desk";
  const RegistrarSent answer = world.register_phone(world.other, desk);
  EXPECT_NE(answer.bytes.find("<sip:alice@10.0.0.5:5060>;expires="), std::string::npos);
  EXPECT_NE(answer.bytes.find("<sip:alice@10.0.0.9>;q=0.2;expires=60"), std::string::npos);
  ASSERT_EQ(bindings()->size(), 2u);
  EXPECT_EQ((*bindings())[0]->path.remote, world.phone) << "the preferred one first";
  EXPECT_NE((*bindings())[0]->number, (*bindings())[1]->number);
}

TEST_F(PassThroughTest, HoldsNoLongerThanTheUpstreamGrants) {
  const RegistrarSent asked = the(ask(world.phone, alice), 0);
  EXPECT_EQ(the(world.grant(asked, 30), 200).header("Contact"), "<sip:alice@10.0.0.5:5060>;expires=30");
  EXPECT_EQ(bindings()->front()->inside_expires - world.now, 30s);
}

// RFC 3261 §10.2.8
TEST_F(PassThroughTest, AsksForLongerWhenTheUpstreamWantsIt) {
  const RegistrarSent asked = the(ask(world.phone, alice), 0);
  const RegistrarSent again = the(world.answer(asked, 423, "Min-Expires: 7200\r\n"), 0);
  EXPECT_EQ(again.header("Expires"), "7200");
  EXPECT_EQ(again.header("CSeq"), "2 REGISTER");
  EXPECT_EQ(the(world.grant(again, 7200), 200).header("Contact"), "<sip:alice@10.0.0.5:5060>;expires=60");
  PhoneRegister bob;
  bob.user = "bob";
  EXPECT_EQ(the(ask(world.other, bob), 0).header("Expires"), "7200") << "it has learnt";
}

// RFC 5627 §5.3
TEST_F(PassThroughTest, GivesThePhoneTheGruusOfItsOwnDomain) {
  alice.lines = {"Supported: gruu"};
  const RegistrarSent asked = the(ask(world.phone, alice), 0);
  const RegistrarSent answer =
      the(world.grant(asked, 3600,
                      ";pub-gruu=\"sip:alice@example.com;gr=urn:uuid:1\";temp-gruu=\"sip:x@198.18.2.2;gr\""),
          200);
  EXPECT_EQ(answer.header("Contact"),
            "<sip:alice@10.0.0.5:5060>;pub-gruu=\"sip:alice@example.com;gr=urn:uuid:1\";expires=60");
  EXPECT_EQ(ask(world.phone, alice)[0].header("Contact"), answer.header("Contact")) << "in refreshes too";
}

// RFC 3608: our own service is here, theirs is behind us.
TEST_F(PassThroughTest, KeepsTheServiceRouteOfTheUpstreamToItself) {
  const RegistrarSent asked = the(ask(world.phone, alice), 0);
  const auto answered = world.answer(asked, 200, "Service-Route: <sip:198.18.2.2;lr>\r\n");
  EXPECT_EQ(the(answered, 200).header("Service-Route"), "");
  EXPECT_EQ(the(answered, 200).header("Contact"), "<sip:alice@10.0.0.5:5060>;expires=60");
}

TEST_F(PassThroughTest, KeepsThePathOfAPhoneBehindAProxyToItself) {
  alice.lines = {"Path: <sip:near@10.9.9.9;lr>", "Supported: path"};
  const RegistrarSent asked = the(ask(world.phone, alice), 0);
  EXPECT_EQ(asked.header("Path"), "");
  EXPECT_EQ(the(world.grant(asked, 3600), 200).header("Path"), "<sip:near@10.9.9.9;lr>");
  EXPECT_EQ(bindings()->front()->route_set, std::vector<std::string>{"<sip:near@10.9.9.9;lr>"});
}

TEST_F(PassThroughTest, PassesARefusalOnByItsCode) {
  for (const int code : {403, 404, 480, 603}) {
    const RegistrarSent asked = the(ask(world.phone, alice), 0);
    const auto answered = world.answer(asked, code, "Warning: 399 inside \"no\"\r\n");
    ASSERT_EQ(answered.size(), 1u);
    EXPECT_EQ(answered[0].status(), code);
    EXPECT_EQ(answered[0].bytes.find("inside"), std::string::npos);
  }
}

// RFC 3263 §4.3
TEST_F(PassThroughTest, AsksTheNextTargetWhenOneFailsOrIsSilent) {
  const RegistrarSent first = the(ask(world.phone, alice), 0);
  EXPECT_EQ(first.path.remote, world.pbx);
  const RegistrarSent second = the(world.answer(first, 503), 0);
  EXPECT_EQ(second.path.remote, world.second_pbx);
  EXPECT_EQ(the(world.grant(second, 3600), 200).status(), 200);
  PhoneRegister bob;
  bob.user = "bob";
  EXPECT_EQ(the(ask(world.other, bob), 0).path.remote, world.pbx);
  const auto later = world.wait(5s);
  EXPECT_EQ(the(later, 0).path.remote, world.second_pbx);
}

TEST_F(PassThroughTest, AsksTargetsThatAreUpBeforeThoseThatAreDown) {
  (*world.targets().targets_of(PeerIndex{0}))[0]->is_up.store(false, std::memory_order_relaxed);
  EXPECT_EQ(the(ask(world.phone, alice), 0).path.remote, world.second_pbx);
}

// A nonce of one target is of no use to another.
TEST_F(PassThroughTest, AsksTheSameTargetForOneAddressWhateverTheBalance) {
  world.config.peers[0].balance = Balance::Weighted;
  std::set<std::string> first, all;
  for (unsigned i = 0; i < 8; ++i) {
    alice.cseq = 10 * i + 1;
    const RegistrarSent asked = the(ask(world.phone, alice), 0);
    first.insert(to_string(asked.path.remote));
    (void)world.answer(asked, 403);
  }
  EXPECT_EQ(first.size(), 1u);
  for (unsigned i = 0; i < 20; ++i) {
    PhoneRegister other;
    other.user = "user" + std::to_string(i);
    const RegistrarSent asked = the(ask(world.other, other), 0);
    all.insert(to_string(asked.path.remote));
    (void)world.answer(asked, 403);
  }
  EXPECT_EQ(all.size(), 2u);
}

TEST_F(PassThroughTest, TellsThePhoneWhenToComeAgainWhenNobodyAnswers) {
  (void)ask(world.phone, alice);
  const RegistrarSent answer = the(world.wait(31s), 503);
  EXPECT_EQ(answer.status(), 503);
  const int seconds = std::stoi(answer.header("Retry-After"));
  EXPECT_GE(seconds, 5);
  EXPECT_LE(seconds, 30);
  EXPECT_EQ((*world.targets().targets_of(PeerIndex{0}))[0]->failures.load(std::memory_order_relaxed), 1u);
}

TEST_F(PassThroughTest, LetsABindingLiveOnThroughAnOutageInside) {
  (void)world.register_phone(world.phone, alice);
  for (unsigned i = 0; i < 36; ++i) {
    (void)world.wait(50s);
    (void)ask(world.phone, alice);
  }
  (void)world.wait(50s);
  const auto asked = ask(world.phone, alice);
  EXPECT_TRUE(the(asked, 0).is_request()) << "more than half of the time inside is over";
  const auto answered = world.wait(25s);
  EXPECT_EQ(the(answered, 200).header("Contact"), "<sip:alice@10.0.0.5:5060>;expires=60");
  EXPECT_EQ(bindings()->size(), 1u);
  PhoneRegister fresh = alice;
  fresh.contact = "<sip:alice@10.0.0.77>";
  (void)ask(world.phone, fresh);
  EXPECT_EQ(the(world.wait(25s), 503).status(), 503) << "what is new can't be had";
}

// Threats R1, R5
TEST_F(PassThroughTest, CarriesOnlySoManyRequestsOfOneSourceAtATime) {
  for (std::uint32_t i = 0; i < UpstreamErrands::kMostOfSource + 2; ++i) {
    PhoneRegister phone;
    phone.user = "user" + std::to_string(i);
    const auto sent = ask(world.phone, phone);
    const bool is_carried = i < UpstreamErrands::kMostOfSource;
    EXPECT_EQ(the(sent, 0).is_request(), is_carried) << i;
    EXPECT_EQ(the(sent, 503).status(), is_carried ? 0 : 503);
  }
  PhoneRegister other;
  other.user = "other";
  EXPECT_TRUE(the(ask(world.other, other), 0).is_request()) << "another source";
}

TEST_F(PassThroughTest, CarriesOnlySoManyStrangersASecond) {
  unsigned carried = 0, refused = 0;
  for (std::uint32_t i = 0; i < 1000; ++i) {
    PhoneRegister phone;
    phone.user = "user" + std::to_string(i);
    const Endpoint source{IpAddress::v4(0xc6120200u + 0x10000u + i), 5060};
    const auto sent = ask(source, phone);
    the(sent, 0).is_request() ? ++carried : ++refused;
  }
  EXPECT_EQ(carried, 200u);
  EXPECT_EQ(refused, 800u);
  EXPECT_LE(world.transactions(), 400u);
  (void)world.wait(1s);
  PhoneRegister late;
  late.user = "late";
  EXPECT_TRUE(the(ask(world.other, late), 0).is_request());
}

TEST_F(PassThroughTest, CarriesOnlySoManyRequestsInAll) {
  world.trust = TrustClass::Known;
  unsigned carried = 0;
  std::set<std::string> after;
  for (std::uint32_t i = 0; i < 1000; ++i) {
    PhoneRegister phone;
    phone.user = "user" + std::to_string(i);
    const Endpoint source{IpAddress::v4(0xc6130000u + i), 5060};
    const auto sent = ask(source, phone);
    if (the(sent, 0).is_request())
      ++carried;
    else
      after.insert(the(sent, 503).header("Retry-After"));
  }
  EXPECT_EQ(carried, UpstreamErrands::kMost);
  EXPECT_GT(after.size(), 20u) << "they don't all come back at once";
  (void)world.wait(60s);
  EXPECT_EQ(world.engine().size(), 0u);
}

TEST_F(PassThroughTest, TellsTheUpstreamThatABindingHasEnded) {
  (void)world.register_phone(world.phone, alice);
  const auto sent = world.wait(61s);
  const RegistrarSent ended = the(sent, 0);
  EXPECT_TRUE(ended.header("Contact").ends_with(">;expires=0"));
  EXPECT_EQ(ended.header("Expires"), "0");
  EXPECT_EQ(ended.header("Authorization"), "");
  EXPECT_TRUE(bindings()->empty());
  EXPECT_TRUE(world.answer(ended, 401, "WWW-Authenticate: Digest realm=\"r\", nonce=\"n\"\r\n").empty());
  EXPECT_TRUE(world.events.back().bytes.empty());
}

// Threats I1: anybody can send an ICMP error.
TEST_F(PassThroughTest, KeepsTheBindingsOfAUdpFlowThatIsSaidToBeDead) {
  (void)world.register_phone(world.phone, alice);
  EXPECT_TRUE(world.unreachable(bindings()->front()->path).empty());
  EXPECT_EQ(bindings()->size(), 1u);
}

// RFC 3261 §18.4
TEST_F(PassThroughTest, EndsTheBindingsOfAFlowThatIsDead) {
  world.use_stream(Transport::Tcp);
  (void)world.register_phone(world.phone, alice);
  PhoneRegister bob;
  bob.user = "bob";
  (void)world.register_phone(world.phone, bob);
  const auto sent = world.unreachable(bindings()->front()->path);
  EXPECT_EQ(sent.size(), 2u);
  EXPECT_TRUE(sent[0].header("Contact").ends_with(">;expires=0"));
  EXPECT_TRUE(bindings()->empty());
  EXPECT_TRUE(bindings("bob@example.com")->empty());
  EXPECT_EQ(world.engine().size(), 0u);
}

TEST_F(PassThroughTest, AConnectionThatBreaksEndsOnlyWhatCameOverIt) {
  world.use_stream(Transport::Tls);
  (void)world.grant(the(ask(world.phone, alice, 5), 0), 3600);
  Path broken = bindings()->front()->path;
  broken.connection = 4;
  EXPECT_TRUE(world.unreachable(broken).empty());
  EXPECT_EQ(bindings()->size(), 1u);
  broken.connection = 5;
  EXPECT_EQ(world.unreachable(broken).size(), 1u);
  EXPECT_TRUE(bindings()->empty());
}

TEST_F(PassThroughTest, AnswersARepeatedRegisterOnce) {
  const std::string bytes = alice.build();
  const RegistrarSent asked = the(world.from(world.phone, bytes), 0);
  EXPECT_TRUE(world.from(world.phone, bytes).empty()) << "it is on its way";
  const RegistrarSent answer = the(world.grant(asked, 3600), 200);
  EXPECT_EQ(world.from(world.phone, bytes)[0].bytes, answer.bytes);
}

TEST_F(PassThroughTest, HearsNothingOfAnUpstreamThatIsNotAsked) {
  const RegistrarSent asked = the(ask(world.phone, alice), 0);
  (void)world.grant(asked, 3600);
  EXPECT_TRUE(world.grant(asked, 3600).empty());
  EXPECT_EQ(bindings()->size(), 1u);
}

TEST_F(PassThroughTest, TakesNoOlderAnswerForTheYoungerOne) {
  const RegistrarSent first = the(ask(world.phone, alice), 0);
  alice.contact = "<sip:alice@10.0.0.5:5060>;q=0.7";
  const RegistrarSent second = the(ask(world.phone, alice), 0);
  (void)world.grant(second, 3600);
  (void)world.grant(first, 3600);
  ASSERT_EQ(bindings()->size(), 1u);
  EXPECT_EQ(bindings()->front()->q, 700u);
}

TEST_F(PassThroughTest, AReloadThatTakesTheRegistrarOutEndsWhatIsUnderWay) {
  (void)world.register_phone(world.phone, alice);
  PhoneRegister bob;
  bob.user = "bob";
  const RegistrarSent asked = the(ask(world.other, bob), 0);
  SbcConfig next = world.config;
  next.registrars.clear();
  next.peers[1].registrar = kNoRegistrar;
  next.peers[1].is_retired = true;
  world.adopt(next);
  EXPECT_FALSE(world.engine().serves(RealmIndex{0}));
  EXPECT_EQ(the(world.answer(asked, 503), 503).status(), 503);
  for (const RegistrarSent& sent : world.wait(2min)) EXPECT_FALSE(sent.is_request());
  EXPECT_EQ(world.engine().size(), 0u);
}

TEST_F(PassThroughTest, FollowsItsTermsThroughAReload) {
  (void)world.register_phone(world.phone, alice);
  SbcConfig next = world.config;
  next.registrars[0].refresh_outside = 30s;
  next.registrars[0].refresh_inside = 2h;
  world.adopt(next);
  EXPECT_EQ(ask(world.phone, alice)[0].header("Contact"), "<sip:alice@10.0.0.5:5060>;expires=30");
  PhoneRegister bob;
  bob.user = "bob";
  EXPECT_EQ(the(ask(world.other, bob), 0).header("Expires"), "7200");
}

TEST_F(PassThroughTest, ShowsItsEndpointsToTheOperator) {
  alice.lines = {"User-Agent: Desk Phone 7"};
  (void)world.register_phone(world.phone, alice);
  PhoneRegister bob;
  bob.user = "bob";
  bob.contact = "<sip:bob@198.18.1.21:41000>";
  (void)world.register_phone(world.other, bob);
  const auto all = world.engine().view("", 10);
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0].aor, "alice@example.com");
  EXPECT_EQ(all[0].registrar, "phones");
  EXPECT_EQ(all[0].contact, "sip:alice@10.0.0.5:5060");
  EXPECT_EQ(all[0].remote, world.phone);
  EXPECT_TRUE(all[0].is_behind_nat);
  EXPECT_EQ(all[0].user_agent, "Desk Phone 7");
  EXPECT_FALSE(all[1].is_behind_nat);
  EXPECT_EQ(all[1].since, world.now);
  EXPECT_EQ(all[1].expires - world.now, 60s);
  EXPECT_EQ(all[1].inside_expires - world.now, 1h);
  const auto rest = world.engine().view("alice@example.com", 10);
  ASSERT_EQ(rest.size(), 1u);
  EXPECT_EQ(rest[0].aor, "bob@example.com");
  EXPECT_EQ(world.engine().view("", 1).size(), 1u);
}

}  // namespace
}  // namespace sallyport::sip

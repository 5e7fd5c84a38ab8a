// promotion_test.cpp — which flows earn trust by what they do, for how long, and what takes it from them:
// `security.promotion`; threats R1, I10.
#include <gtest/gtest.h>

#include <string>

#include "sipalg/auth/digest.h"
#include "tests/support/call_fixture.h"
#include "tests/support/registrar_world.h"

namespace sallyport::sip {
namespace {

using tests::CallFixture;
using tests::holds;
using tests::MessageBuilder;
using tests::only;
using tests::PhoneRegister;
using tests::RegistrarSent;
using tests::RegistrarWorld;
using tests::SentMessage;
using tests::the;

constexpr RealmIndex kOutside{0};

// Phones register for 60 s each time; trust lasts ten minutes more.
class Promotion : public testing::Test {
 protected:
  Promotion() { world.config.security.promotion_lasts = 10min; }
  [[nodiscard]] bool holds(const Endpoint& flow) {
    policy::EarnedTrust& earned = world.earned();
    return earned.holds(earned.name_of(kOutside, flow), world.now);
  }
  // Asks, is challenged, and answers with that password; the status.
  int enrol(const Endpoint& remote, PhoneRegister& phone, std::string_view password = "alice-secret") {
    SipMessage message;
    const RegistrarSent challenge = the(world.from(remote, phone.build()), 401);
    EXPECT_EQ(parse_message(challenge.bytes, {}, message), ParseStatus::Complete);
    const DigestChallenges offered = challenges_of(message);
    if (offered.empty()) return 0;
    phone.lines = {"Authorization: " + digest_credentials(offered[0], {phone.user, std::string(password)},
                                                          {"REGISTER", "sip:example.com"}, {"phone", 1})};
    const auto answered = world.from(remote, phone.build());
    phone.lines.clear();
    return answered.empty() ? 0 : answered[0].status();
  }

  RegistrarWorld world;
  PhoneRegister alice;
};

TEST_F(Promotion, ARightPasswordEarnsTrustForTheFlowAndAWrongOneNothing) {
  world.use_local();
  EXPECT_EQ(enrol(world.phone, alice, "guess"), 401);
  EXPECT_FALSE(holds(world.phone));
  EXPECT_EQ(enrol(world.phone, alice), 200);
  EXPECT_TRUE(holds(world.phone));
  EXPECT_FALSE(holds({world.phone.address, 40001}));
  EXPECT_FALSE(holds(world.other));
}

TEST_F(Promotion, LastsAsLongAsTheRegistrationAndTheConfiguredTimeMore) {
  world.use_local();
  EXPECT_EQ(enrol(world.phone, alice), 200);
  (void)world.wait(10min + 59s);
  EXPECT_TRUE(holds(world.phone)) << "the binding has ended, its trust has not";
  (void)world.wait(2s);
  EXPECT_FALSE(holds(world.phone));
}

TEST_F(Promotion, ARefreshProlongsIt) {
  world.use_local();
  for (int i = 0; i < 20; ++i) {
    EXPECT_EQ(enrol(world.phone, alice), 200);
    (void)world.wait(50s);
  }
  EXPECT_TRUE(holds(world.phone));
}

TEST_F(Promotion, WhoUnregistersIsAStrangerAgain) {
  world.use_local();
  EXPECT_EQ(enrol(world.phone, alice), 200);
  alice.expires = 0;
  EXPECT_EQ(enrol(world.phone, alice), 200);
  EXPECT_FALSE(holds(world.phone));
}

// One user must not fill the board by moving from port to port.
TEST_F(Promotion, WhoMovesToAnotherFlowLeavesTheOldOne) {
  world.use_local();
  EXPECT_EQ(enrol(world.phone, alice), 200);
  for (std::uint16_t port = 20000; port < 20050; ++port)
    EXPECT_EQ(enrol({world.phone.address, port}, alice), 200);
  EXPECT_FALSE(holds(world.phone));
  for (std::uint16_t port = 20000; port < 20049; ++port)
    EXPECT_FALSE(holds({world.phone.address, port})) << port;
  EXPECT_TRUE(holds({world.phone.address, 20049}));
}

TEST_F(Promotion, AFlowKeepsItsTrustWhileAnotherLineIsRegisteredOverIt) {
  world.use_local();
  PhoneRegister carol;
  carol.user = "carol";
  carol.contact = "<sip:carol@10.0.0.5:5060>";
  EXPECT_EQ(enrol(world.phone, alice), 200);
  EXPECT_EQ(enrol(world.phone, carol, "carol-secret"), 200);
  alice.expires = 0;
  EXPECT_EQ(enrol(world.phone, alice), 200);
  EXPECT_TRUE(holds(world.phone));
}

TEST_F(Promotion, WhatTheUpstreamGrantsEarnsIt) {
  const auto asked = world.from(world.phone, alice.build());
  EXPECT_FALSE(holds(world.phone));
  (void)world.answer(the(asked, 0), 403);
  EXPECT_FALSE(holds(world.phone));
  (void)world.register_phone(world.phone, alice);
  EXPECT_TRUE(holds(world.phone));
  for (int i = 0; i < 20; ++i) {  // answered here, the upstream hears nothing of it
    (void)world.wait(50s);
    EXPECT_EQ(the(world.from(world.phone, alice.build()), 200).path.remote, world.phone);
  }
  EXPECT_TRUE(holds(world.phone));
}

TEST_F(Promotion, WhoIsRegisteredAfterARestartHasItAgain) {
  (void)world.register_phone(world.phone, alice);
  ASSERT_TRUE(world.restart(world.save(), 5min));
  EXPECT_TRUE(holds(world.phone));
}

TEST_F(Promotion, NothingIsEarnedWhereTheConfigurationDoesNotSayBy) {
  world.config.security.promote_by_registration = false;
  (void)world.register_phone(world.phone, alice);
  EXPECT_FALSE(holds(world.phone));
}

TEST_F(Promotion, AConnectionEarnsNothingOverUdp) {
  world.use_stream(Transport::Tcp);
  alice.contact = "<sip:alice@198.18.1.20:40000;transport=tcp>";
  (void)world.grant(the(world.from(world.phone, alice.build(), 9), 0), 3600);
  EXPECT_EQ(world.board().size(), 1u);
  EXPECT_FALSE(holds(world.phone));
}

// A phone that is registered outside calls the PBX, or is called by the carrier.
class PromotionByCall : public CallFixture, public testing::Test {
 protected:
  PromotionByCall() {
    RegistrarConfig registrar;
    registrar.name = "phones";
    registrar.realm = "outside";
    registrar.upstream = "pbx";
    registrar.domains = {"example.com"};
    config.registrars = {registrar};
    PeerConfig place;
    place.name = "phones";
    place.realm = "outside";
    place.registrar = 0;
    config.peers.push_back(place);
    RouteConfig to_phones, from_phones;
    to_phones.name = "to-phones";
    to_phones.match.peers = {"carrier"};
    to_phones.match.called = {"^10[0-9]{2}$"};
    to_phones.to = {RouteToRegistrar{"phones"}};
    from_phones.name = "from-phones";
    from_phones.match.registrars = {"phones"};
    from_phones.to = {RouteToPeer{"pbx"}};
    config.routes.insert(config.routes.begin(), {to_phones, from_phones});
  }
  void register_phone() {
    const ListenerConfig& listener = config.realms[0].listen[0];
    Binding binding;
    binding.number = 77;
    binding.place = PeerIndex{2};
    binding.aor = "1001@example.com";
    binding.contact = "sip:1001@10.9.1.2:5062";
    binding.path = {kOutside,
                    {listener.addresses[0], listener.port},
                    phone,
                    listener.transport,
                    PeerIndex::kNone,
                    connection_of(phone)};
    binding.expires = binding.inside_expires = now + std::chrono::hours(1);
    ASSERT_TRUE(bindings_board().put(PeerIndex{2}, binding.aor, {make_value<Binding>(binding)}));
  }
  [[nodiscard]] bool is_proved(const Endpoint& flow) {
    return earned().holds(earned().name_of(kOutside, flow), now);
  }
  [[nodiscard]] bool is_udp() const { return config.realms[0].listen[0].transport == Transport::Udp; }

  const Endpoint phone = *parse_endpoint("198.18.1.77:40001", 0);
};

TEST_F(PromotionByCall, TheCallersAckOfA2xxEarnsIt) {
  register_phone();
  const std::string invite = MessageBuilder("INVITE")
                                 .uri("sip:2000@example.com")
                                 .via("SIP/2.0/UDP 10.9.1.2:5062;branch=z9hG4bKphone;rport")
                                 .from("<sip:1001@example.com>;tag=phonetag")
                                 .to("<sip:2000@example.com>")
                                 .call_id("phone-call")
                                 .contact("<sip:1001@10.9.1.2:5062>")
                                 .body("application/sdp", kSdp)
                                 .build();
  invite_out = only(from(phone, invite), "INVITE");
  (void)from_pbx(answer(invite_out, 200, "pbxtag", "Contact: <sip:desk@198.18.2.2>\r\n", kSdp));
  ok_out = only(journal(), "200");
  EXPECT_FALSE(is_proved(phone)) << "who sent the INVITE need not hear what we answer";
  ASSERT_TRUE(holds(from(phone, in_dialog("ACK", 1, ok_out)), "ACK"));
  EXPECT_EQ(is_proved(phone), is_udp());
  (void)wait(59min);
  EXPECT_EQ(is_proved(phone), is_udp());
  (void)wait(2min);
  EXPECT_FALSE(is_proved(phone));
}

TEST_F(PromotionByCall, APhoneThatAnswersEarnsItAndAPeerNeedsNone) {
  register_phone();
  const SentMessage out =
      only(from_carrier(invite().uri("sip:1001@198.18.1.1").to("<sip:1001@198.18.1.1>").build()), "INVITE");
  (void)from(phone, answer(out, 180, "phonetag", "Contact: <sip:1001@10.9.1.2:5062>\r\n"));
  EXPECT_FALSE(is_proved(phone));
  (void)from(phone, answer(out, 200, "phonetag", "Contact: <sip:1001@10.9.1.2:5062>\r\n", kSdp));
  EXPECT_EQ(is_proved(phone), is_udp());
  EXPECT_TRUE(holds(from_carrier(in_dialog("ACK", 1, only(journal(), "200"))), "ACK"));
  EXPECT_FALSE(is_proved(carrier));
}

TEST_F(PromotionByCall, NothingIsEarnedWhereTheConfigurationDoesNotSayBy) {
  config.security.promote_by_call = false;
  register_phone();
  const SentMessage out =
      only(from_carrier(invite().uri("sip:1001@198.18.1.1").to("<sip:1001@198.18.1.1>").build()), "INVITE");
  (void)from(phone, answer(out, 200, "phonetag", "Contact: <sip:1001@10.9.1.2:5062>\r\n", kSdp));
  EXPECT_FALSE(is_proved(phone));
}

}  // namespace
}  // namespace sallyport::sip

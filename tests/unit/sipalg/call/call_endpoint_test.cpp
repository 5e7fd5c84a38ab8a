// call_endpoint_test.cpp — calls from and to endpoints that register here: RFC 3261 §10, §16.5, §22; threats
// I1, I3, I4, I9.
#include <gtest/gtest.h>

#include <string>
#include <utility>
#include <vector>

#include "sipalg/registrar/binding_board.h"
#include "sipalg/token/token.h"
#include "tests/support/call_fixture.h"

namespace sallyport::sip {
namespace {

using tests::CallFixture;
using tests::holds;
using tests::MessageBuilder;
using tests::only;
using tests::SentMessage;

constexpr PeerIndex kPbx{1}, kPhones{2};
constexpr std::uint64_t kBindingNumber = 77;

// Endpoints of example.com register outside; the PBX is their upstream.
class Endpoints : public CallFixture, public ::testing::Test {
 protected:
  Endpoints() {
    RegistrarConfig registrar;
    registrar.name = "phones";
    registrar.realm = "outside";
    registrar.mode = RegistrarMode::PassThrough;
    registrar.upstream = "pbx";
    registrar.domains = {"example.com"};
    config.registrars = {registrar};
    PeerConfig place;
    place.name = "phones";
    place.realm = "outside";
    place.registrar = 0;
    config.peers.push_back(place);
    RouteConfig to_phones;
    to_phones.name = "to-phones";
    to_phones.match.peers = {"carrier"};
    to_phones.match.called = {"^10[0-9]{2}$"};
    to_phones.to = {RouteToRegistrar{"phones"}};
    RouteConfig from_phones;
    from_phones.name = "from-phones";
    from_phones.match.registrars = {"phones"};
    from_phones.to = {RouteToPeer{"pbx"}};
    config.routes.insert(config.routes.begin(), {to_phones, from_phones});
  }

  // The phone's packets come from there; what it calls itself lies behind its router.
  Binding binding_at(const Endpoint& remote, std::uint64_t number = kBindingNumber) {
    Binding binding;
    binding.number = number;
    binding.place = kPhones;
    binding.aor = "1001@example.com";
    binding.contact = "sip:1001-" + std::to_string(number) + "@10.9.1.2:5062";
    const ListenerConfig& listener = config.realms[0].listen[0];
    binding.path = {RealmIndex{0},    {listener.addresses[0], listener.port},
                    remote,           listener.transport,
                    PeerIndex::kNone, connection_of(remote)};
    binding.expires = binding.inside_expires = now + std::chrono::hours(1);
    return binding;
  }
  void register_at(const std::vector<Endpoint>& remotes) {
    Bindings bindings;
    std::uint64_t number = kBindingNumber;
    for (const Endpoint& remote : remotes)
      bindings.push_back(make_value<Binding>(binding_at(remote, number++)));
    ASSERT_TRUE(bindings_board().put(kPhones, "1001@example.com", std::move(bindings)));
  }
  MessageBuilder to_phone() const { return invite().uri("sip:1001@198.18.1.1").to("<sip:1001@198.18.1.1>"); }
  MessageBuilder from_phone(std::string_view from = "sip:1001@example.com") const {
    return MessageBuilder("INVITE")
        .uri("sip:2000@example.com")
        .via("SIP/2.0/UDP 10.9.1.2:5062;branch=z9hG4bKphone;rport")
        .from("<" + std::string(from) + ">;tag=phonetag")
        .to("<sip:2000@example.com>")
        .call_id("phone-call")
        .contact("<sip:1001@10.9.1.2:5062>")
        .body("application/sdp", kSdp);
  }
  std::string contact_token(std::uint64_t number) {
    return std::string(view(write_token(settings.token_key, TokenKind::Contact,
                                        {.shard = 9, .part = kBindingPart, .number = number})));
  }
  // The phone answers, and the carrier has heard it.
  void take_call(const SentMessage& out) {
    callee_tag = "phonetag";
    (void)from(phone, answer(out, 200, callee_tag, "Contact: <sip:1001@10.9.1.2:5062>\r\n", kSdp));
    const SentMessage ok = only(journal(), "200");
    EXPECT_TRUE(holds(from_carrier(in_dialog("ACK", 1, ok)), "ACK"));
  }
  MessageBuilder from_upstream(std::uint64_t number) {
    return invite().uri("sip:" + contact_token(number) + "@198.18.2.1").to("<sip:1001@198.18.2.2>");
  }

  const Endpoint phone = *parse_endpoint("198.18.1.77:40001", 0),
                 other = *parse_endpoint("198.18.1.88:40002", 0);
};

TEST_F(Endpoints, ACallReachesAPhoneOverItsFlowByItsOwnContact) {
  register_at({phone});
  const SentMessage out = only(from_carrier(to_phone().build()), "INVITE");
  EXPECT_EQ(out.path.remote, phone);
  EXPECT_EQ(out.path.connection, connection_of(phone));
  EXPECT_EQ(out.uri(), "sip:1001-77@10.9.1.2:5062");
  EXPECT_EQ(out.header("To"), "<sip:1001@example.com>");
  const auto up = from(phone, answer(out, 200, "phonetag", "Contact: <sip:1001@10.9.1.2:5062>\r\n", kSdp));
  EXPECT_TRUE(holds(up, "ACK") || holds(journal(), "200"));
}

// The CANCEL of a phone whose registration ended while it rang was taken for a stranger's, and nobody heard
// it.
TEST_F(Endpoints, WhoIsNotRegisteredAnyMoreMayStillCancelItsCall) {
  register_at({phone});
  const std::string asked = from_phone().build();
  const SentMessage out = only(from(phone, asked), "INVITE");
  EXPECT_TRUE(holds(from_pbx(answer(out, 180, "t", "Contact: <sip:2000@198.18.2.2:5060>\r\n")), "180"));
  ASSERT_TRUE(bindings_board().put(kPhones, "1001@example.com", {}));
  EXPECT_TRUE(from(other, cancel_of(asked)).empty()) << "a stranger's";
  const auto sent = from(phone, cancel_of(asked));
  EXPECT_TRUE(holds(sent, "200"));
  EXPECT_TRUE(holds(sent, "CANCEL"));
}

TEST_F(Endpoints, NobodyRegisteredIsTemporarilyUnavailable) {
  EXPECT_TRUE(holds(from_carrier(to_phone().build()), "480"));
}

TEST_F(Endpoints, AContactThatFailsIsFollowedByTheNextOne) {
  register_at({phone, other});
  const SentMessage first = only(from_carrier(to_phone().build()), "INVITE");
  EXPECT_EQ(first.path.remote, phone);
  const SentMessage second = only(from(phone, answer(first, 503, "x")), "INVITE");
  EXPECT_EQ(second.path.remote, other);
  EXPECT_EQ(second.uri(), "sip:1001-78@10.9.1.2:5062");
}

TEST_F(Endpoints, APhoneWhoseFlowIsDeadIsTemporarilyUnavailable) {
  register_at({phone});
  const SentMessage out = only(from_carrier(to_phone().build()), "INVITE");
  EXPECT_TRUE(holds(unreachable(out.path), "480"));
}

TEST_F(Endpoints, ABindingThatIsOverIsNotCalled) {
  register_at({phone});
  (void)wait(std::chrono::hours(2));
  EXPECT_TRUE(holds(from_carrier(to_phone().build()), "480"));
}

TEST_F(Endpoints, ThePathOfItsRegisterIsTheRouteToIt) {
  Binding binding = binding_at(phone);
  binding.route_set = {"<sip:198.18.1.77:40001;lr>"};
  ASSERT_TRUE(bindings_board().put(kPhones, binding.aor, {make_value<Binding>(binding)}));
  const SentMessage out = only(from_carrier(to_phone().build()), "INVITE");
  EXPECT_EQ(out.header("Route"), "<sip:198.18.1.77:40001;lr>");  // RFC 3327 §5.3
}

TEST_F(Endpoints, TheUpstreamReachesThePhoneByTheContactThatWeRegistered) {
  register_at({other, phone});
  const SentMessage out = only(from_pbx(from_upstream(kBindingNumber + 1).build()), "INVITE");
  EXPECT_EQ(out.path.remote, phone) << "that very contact, not the first of the AOR";
  EXPECT_EQ(out.header("To"), "<sip:1001@example.com>");
}

TEST_F(Endpoints, AContactOfOursIsForItsUpstreamAlone) {
  register_at({phone});
  EXPECT_TRUE(holds(
      from_carrier(
          from_upstream(kBindingNumber).uri("sip:" + contact_token(kBindingNumber) + "@198.18.1.1").build()),
      "404"));
  EXPECT_TRUE(holds(from_pbx(from_upstream(5).call_id("b").build()), "404")) << "no such binding";
}

TEST_F(Endpoints, APhoneCallsByTheRouteOfItsRegistrarUnderItsDomain) {
  register_at({phone});
  const SentMessage out = only(from(phone, from_phone().build()), "INVITE");
  EXPECT_EQ(out.path.remote, pbx);
  EXPECT_EQ(out.uri(), "sip:2000@example.com");
  EXPECT_TRUE(out.header("From").starts_with("<sip:1001@example.com>;tag="));
  EXPECT_EQ(out.header("To"), "<sip:2000@example.com>");
  EXPECT_EQ(out.bytes.find("10.9.1.2"), std::string::npos);
}

// Threats I4
TEST_F(Endpoints, APhoneCallsAsItselfOnly) {
  register_at({phone});
  EXPECT_TRUE(holds(from(phone, from_phone("sip:1002@example.com").build()), "403"));
  EXPECT_TRUE(holds(from(phone, from_phone("sip:anonymous@anonymous.invalid")
                                    .via("SIP/2.0/UDP 10.9.1.2:5062;branch=z9hG4bKsecond;rport")
                                    .call_id("b")
                                    .build()),
                    "INVITE"));
}

// Threats I9: they may be endpoints, but they have not said so.
TEST_F(Endpoints, StrangersAreNotAnsweredWhereEndpointsRegister) {
  register_at({phone});
  for (const char* const method : {"INVITE", "OPTIONS", "MESSAGE", "SUBSCRIBE"}) {
    const std::string bytes = MessageBuilder(method)
                                  .uri("sip:2000@example.com")
                                  .via("SIP/2.0/UDP 198.18.1.99:5060;branch=z9hG4bKstranger")
                                  .from("<sip:1001@example.com>;tag=s")
                                  .to("<sip:2000@example.com>")
                                  .call_id(std::string("stranger-") + method)
                                  .build();
    EXPECT_TRUE(from(*parse_endpoint("198.18.1.99:5060", 0), bytes).empty()) << method;
  }
  EXPECT_TRUE(from(*parse_endpoint("198.18.1.99:5060", 0), "REGISTER garbage\r\n\r\n").empty());
  EXPECT_EQ(dropped(RealmIndex{0}, SipDropReason::Stranger), 5u);
}

TEST_F(Endpoints, APhoneThatIsNotRegisteredAnyMoreStillEndsItsCall) {
  register_at({phone});
  const SentMessage out = only(from_carrier(to_phone().build()), "INVITE");
  take_call(out);
  ASSERT_TRUE(bindings_board().put(kPhones, "1001@example.com", {}));
  const auto sent = from(phone, in_dialog("BYE", 2, out));
  EXPECT_TRUE(holds(sent, "BYE")) << "passed on to the carrier";
}

// One registrar's phones have a place among the peers in common, and nothing else. Threats D1
TEST_F(Endpoints, AnotherPhoneEndsNobodysCall) {
  register_at({phone, other});
  const SentMessage out = only(from_carrier(to_phone().build()), "INVITE");
  take_call(out);
  const SentMessage options = only(from(other, in_dialog("BYE", 2, out)), "OPTIONS");
  EXPECT_EQ(options.path.remote, phone) << "whose call it is; nobody else hears a word";
  EXPECT_TRUE(from(phone, answer(options, 200, "")).empty());
  EXPECT_EQ(dropped(RealmIndex{0}, SipDropReason::ForgedRequest), 1u);
  EXPECT_TRUE(wait(5s).empty());
  EXPECT_EQ(calls(), 1u);
}

constexpr std::string_view kChallenge =
    "Proxy-Authenticate: Digest realm=\"example.com\", nonce=\"abc\", qop=\"auth\"\r\n";
constexpr std::string_view kCredentials =
    "Digest username=\"1001\", realm=\"example.com\", nonce=\"abc\", uri=\"sip:2000@example.com\", "
    "response=\"00\"";

// RFC 3261 §22.3
TEST_F(Endpoints, TheUpstreamsChallengeCrossesToThePhoneAndItsCredentialsCrossBack) {
  register_at({phone});
  const SentMessage out = only(from(phone, from_phone().build()), "INVITE");
  const SentMessage challenge = only(from_pbx(answer(out, 407, "x", kChallenge)), "407");
  EXPECT_EQ(challenge.path.remote, phone);
  EXPECT_EQ(challenge.header("Proxy-Authenticate"),
            "Digest realm=\"example.com\", nonce=\"abc\", qop=\"auth\"");
  const SentMessage again = only(from(phone, from_phone()
                                                 .via("SIP/2.0/UDP 10.9.1.2:5062;branch=z9hG4bKagain;rport")
                                                 .line("Proxy-Authorization: " + std::string(kCredentials))
                                                 .call_id("phone-call-2")
                                                 .build()),
                                 "INVITE");
  EXPECT_EQ(again.header("Proxy-Authorization"), kCredentials);
  EXPECT_TRUE(records(CallRecordType::End).empty()) << "to be asked who one is, is no call";
  EXPECT_TRUE(holds(from_pbx(answer(again, 486, "x")), "486"));
  EXPECT_EQ(records(CallRecordType::End).size(), 1u);
}

// Threats I3
TEST_F(Endpoints, NoOtherChallengeAndNoOtherCredentialsCross) {
  config.routes[1].to = {RouteToPeer{"carrier"}};
  register_at({phone});
  const SentMessage out = only(
      from(phone, from_phone().line("Proxy-Authorization: " + std::string(kCredentials)).build()), "INVITE");
  EXPECT_EQ(out.path.remote, carrier);
  EXPECT_EQ(out.header("Proxy-Authorization"), "");
  const SentMessage refused = only(from_carrier(answer(out, 407, "x", kChallenge)), "403");
  EXPECT_EQ(refused.header("Proxy-Authenticate"), "");
}

TEST_F(Endpoints, CallsOfPhonesLiveThroughARestart) {
  register_at({phone});
  const SentMessage out = only(from_carrier(to_phone().build()), "INVITE");
  take_call(out);
  restart();
  EXPECT_TRUE(holds(from(phone, in_dialog("BYE", 2, out)), "BYE"));
}

// Causes of the telephone network: RFC 3326, RFC 3398 §8.2.6.1
TEST_F(Endpoints, ACauseOfThePeerCountsAsTheStatusThatTheConfigurationNames) {
  config.peers[1].profile.cause_map = {{.cause = 34, .code = 503}};
  const SentMessage out = only(from_carrier(invite().build()), "INVITE");
  const auto sent = from_pbx(answer(out, 486, "x", "Reason: Q.850;cause=34\r\n"));
  EXPECT_EQ(only(sent, "INVITE").path.remote, second_pbx) << "503 goes to the next target, 486 would not";
}

TEST_F(Endpoints, ACauseGoesWithTheFailureWhereThePeerWantsOne) {
  config.peers[0].profile.send_cause = true;
  const SentMessage out = only(from_carrier(invite().build()), "INVITE");
  EXPECT_EQ(only(from_pbx(answer(out, 486, "x")), "486").header("Reason"), "Q.850;cause=17");
  const SentMessage second = only(
      from_carrier(invite().call_id("b").via("SIP/2.0/UDP 198.18.1.2;branch=z9hG4bKb").build()), "INVITE");
  EXPECT_EQ(only(from_pbx(answer(second, 486, "x", "Reason: Q.850;cause=21\r\n")), "486").header("Reason"),
            "Q.850;cause=21")
      << "the one that came stays";
}

TEST_F(Endpoints, AFailureTellsThePeerTheCauseThatItsOwnMapHasForIt) {
  config.peers[0].profile.send_cause = true;
  config.peers[0].profile.cause_map = {{.cause = 34, .code = 486}};
  const SentMessage out = only(from_carrier(invite().build()), "INVITE");
  EXPECT_EQ(only(from_pbx(answer(out, 486, "x")), "486").header("Reason"), "Q.850;cause=34");
}

}  // namespace
}  // namespace sallyport::sip

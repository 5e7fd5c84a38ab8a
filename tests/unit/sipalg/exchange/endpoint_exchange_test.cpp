// endpoint_exchange_test.cpp — phones that register here, as senders and targets of what is no call: RFC 5626
// §5.3, RFC 3261 §22.3; threats I3, I4.
#include "tests/support/exchange_fixture.h"

namespace sallyport::tests {
namespace {

class EndpointExchangeTest : public ExchangeFixture {
 protected:
  EndpointExchangeTest() {
    // Between phones without a PBX, for numbers that begin with 2.
    RouteConfig local;
    local.name = "local";
    local.match.registrars = {"phones"};
    local.match.called = {"^2"};
    local.to = {RouteToRegistrar{"phones"}};
    config.routes.insert(config.routes.begin(), local);
  }
  std::string from_upstream(std::string_view method, std::string_view user, std::string_view branch = "u1") {
    std::string extra = method == "MESSAGE" ? "" : "Event: message-summary\r\nSubscription-State: active\r\n";
    return MessageBuilder(method)
        .uri("sip:" + std::string(user))
        .via("SIP/2.0/UDP 198.18.2.2:5060;branch=z9hG4bK" + std::string(branch) + ";rport")
        .from("<sip:desk@198.18.2.2>;tag=pbx" + std::string(branch))
        .to("<sip:" + std::string(user) + ">")
        .call_id("pbx-" + std::string(branch))
        .contact(method == "MESSAGE" ? "" : "<sip:desk@198.18.2.2>")
        .line(method == "MESSAGE" ? "Subject: x" : "Event: message-summary")
        .line(method == "MESSAGE" ? "Priority: normal" : "Subscription-State: active")
        .build();
  }
};

TEST_F(EndpointExchangeTest, MessageFindsTheFlowThatTheEndpointRegisteredOver) {
  register_phone("200", phone, 77);
  const auto sent = only(from_pbx(from_upstream("MESSAGE", "200@example.test")), "MESSAGE");
  EXPECT_EQ(sent.path.remote, phone);
  EXPECT_EQ(sent.uri(), "sip:200@192.168.0.10:5060;line=1");
  EXPECT_EQ(sent.header("To"), "<sip:200@example.test>");
  EXPECT_EQ(sent.bytes.find("198.18.2."), std::string::npos);
  EXPECT_TRUE(holds(from(phone, answer(sent, 200, "t")), "200"));
}

TEST_F(EndpointExchangeTest, ContactThatWeRegisteredUpstreamIsForTheUpstreamAlone) {
  register_phone("200", phone, 77);
  const std::string contact = contact_token(77) + "@198.18.2.1";
  EXPECT_EQ(only(from_pbx(from_upstream("NOTIFY", contact)), "NOTIFY").path.remote, phone);
  EXPECT_TRUE(holds(from_carrier(message().uri("sip:" + contact).build()), "404"));
  EXPECT_TRUE(holds(from_pbx(from_upstream("MESSAGE", contact_token(78) + "@198.18.2.1", "u2")), "404"));
}

TEST_F(EndpointExchangeTest, NobodyRegisteredIs480WhoeverItIs) {
  EXPECT_TRUE(holds(from_pbx(from_upstream("MESSAGE", "200@example.test")), "480"));
  register_phone("200", phone, 77);
  (void)wait(std::chrono::hours(2));
  EXPECT_TRUE(holds(from_pbx(from_upstream("MESSAGE", "200@example.test", "u2")), "480"));
}

// Threats I4
TEST_F(EndpointExchangeTest, EndpointSpeaksUnderItsOwnNameOnly) {
  register_phone("200", phone, 77);
  EXPECT_TRUE(holds(from(phone, of_phone("MESSAGE", "201", "desk").build()), "403"));
  EXPECT_TRUE(holds(from(phone, of_phone("MESSAGE", "200", "desk").build()), "MESSAGE"));
  EXPECT_TRUE(from(neighbour_phone, of_phone("MESSAGE", "200", "desk", "p2").build()).empty());  // a stranger
}

// RFC 3261 §22.3; threats I3
TEST_F(EndpointExchangeTest, ChallengeAndCredentialsPassBetweenEndpointAndItsUpstreamAlone) {
  register_phone("200", phone, 77);
  const std::string credentials =
      "Digest username=\"200\", realm=\"pbx\", nonce=\"1\", uri=\"sip:x\", response=\"0\"";
  const auto publish = [&](std::string_view branch) {
    return of_phone("PUBLISH", "200", "200x", branch)
        .line("Event: presence")
        .line("Authorization: " + credentials);
  };
  std::string bytes = publish("p1").build();
  bytes.replace(bytes.find("sip:200x@"), 9, "sip:300@");
  const auto sent = only(from(phone, bytes), "PUBLISH");
  EXPECT_EQ(sent.path.remote, pbx);
  EXPECT_EQ(sent.header("Authorization"), credentials);
  EXPECT_NE(sent.header("From").find("<sip:200@example.test>"), std::string::npos);
  const std::string challenge = "Digest realm=\"pbx\", nonce=\"2\", algorithm=MD5";
  const auto back = only(from_pbx(answer(sent, 401, "t", "WWW-Authenticate: " + challenge + "\r\n")), "401");
  EXPECT_EQ(back.header("WWW-Authenticate"), challenge);
  EXPECT_EQ(back.path.remote, phone);
}

TEST_F(EndpointExchangeTest, CredentialsGoToNobodyElse) {
  register_phone("200", phone, 77);
  register_phone("201", far_phone, 78);
  const auto sent = only(
      from(phone, of_phone("MESSAGE", "200", "201").line("Authorization: Digest username=\"200\"").build()),
      "MESSAGE");
  EXPECT_EQ(sent.path.remote, far_phone);
  EXPECT_EQ(sent.header("Authorization"), "");
  EXPECT_TRUE(
      holds(from(far_phone, answer(sent, 401, "t", "WWW-Authenticate: Digest realm=\"x\", nonce=\"1\"\r\n")),
            "403"));
}

// The lamp of another phone.
TEST_F(EndpointExchangeTest, OnePhoneWatchesAnother) {
  register_phone("200", phone, 77);
  register_phone("201", far_phone, 78);
  callee_host = "192.168.0.11";
  caller_host = "192.168.0.10";
  subscribe_out =
      only(from(phone,
                of_phone("SUBSCRIBE", "200", "201").line("Event: dialog;id=7").line("Expires: 600").build()),
           "SUBSCRIBE");
  EXPECT_EQ(subscribe_out.path.remote, far_phone);
  EXPECT_EQ(subscribe_out.bytes.find("192.168.0.10:5060>"), std::string::npos);
  accepted_out = only(from(far_phone, answer(subscribe_out, 200, "pbxtag",
                                             "Contact: <sip:201@192.168.0.11:5060>\r\nExpires: 600\r\n")),
                      "200");
  EXPECT_EQ(accepted_out.path.remote, phone);
  notify_out = only(from(far_phone, notify(subscribe_out, 1, "active;expires=600")), "NOTIFY");
  EXPECT_EQ(notify_out.path.remote, phone);
  EXPECT_TRUE(holds(from(phone, answer(notify_out, 200, {})), "200"));
  const auto again = only(from(phone, refresh(2, 600)), "SUBSCRIBE");
  EXPECT_EQ(again.path.remote, far_phone);
}

// A phone whose registration had ended got 405 when it wanted to end its subscription, as strangers may not
// subscribe, and the NOTIFY that came for it in the end got 481. RFC 6665 §4.1.2.3
TEST_F(EndpointExchangeTest, WhoIsNotRegisteredAnyMoreMayStillEndItsSubscription) {
  register_phone("200", phone, 77);
  subscribe_out =
      only(from(phone,
                of_phone("SUBSCRIBE", "200", "desk").line("Event: dialog;id=7").line("Expires: 600").build()),
           "SUBSCRIBE");
  accepted_out = only(from_pbx(accepted(subscribe_out, 600)), "200");
  (void)from_pbx(notify(subscribe_out, 1, "active"));
  EXPECT_TRUE(bindings().put(PeerIndex{2}, "200@example.test", {}));
  EXPECT_TRUE(holds(from(phone, refresh(2, 0)), "SUBSCRIBE"));
}

TEST_F(EndpointExchangeTest, AnotherPhoneOfTheSameRegistrarCannotActInIt) {
  register_phone("200", phone, 77);
  register_phone("201", far_phone, 78);
  subscribe_out =
      only(from(phone,
                of_phone("SUBSCRIBE", "200", "desk").line("Event: dialog;id=7").line("Expires: 600").build()),
           "SUBSCRIBE");
  accepted_out = only(from_pbx(accepted(subscribe_out, 600)), "200");
  (void)from_pbx(notify(subscribe_out, 1, "active"));
  EXPECT_TRUE(holds(from(far_phone, refresh(2, 0)), "481"));
  EXPECT_EQ(dropped(RealmIndex(0), sip::SipDropReason::ForgedRequest), 1u);
  EXPECT_TRUE(holds(from(phone, refresh(2, 600)), "SUBSCRIBE"));
}

// RFC 5626 §5.3
TEST_F(EndpointExchangeTest, EndpointThatRegisteredFromElsewhereIsReachedThere) {
  register_phone("200", phone, 77);
  subscribe_out =
      only(from(phone,
                of_phone("SUBSCRIBE", "200", "desk").line("Event: dialog;id=7").line("Expires: 600").build()),
           "SUBSCRIBE");
  accepted_out = only(from_pbx(accepted(subscribe_out, 600)), "200");
  const Endpoint moved = *parse_endpoint("198.18.1.90:50001", 0);
  register_phone("200", moved, 77);
  EXPECT_EQ(only(from_pbx(notify(subscribe_out, 1, "active")), "NOTIFY").path.remote, moved);
  EXPECT_TRUE(holds(from(moved, refresh(2, 600)), "SUBSCRIBE"));
}

TEST_F(EndpointExchangeTest, NextBindingIsTriedWhenTheFirstSaysNothing) {
  register_phone("200", phone, 77);
  const auto first = bindings().bindings_of(PeerIndex(2), "200@example.test")->front();
  sip::Binding second = *first;
  second.number = 79;
  second.path.remote = far_phone;
  ASSERT_TRUE(
      bindings().put(PeerIndex(2), "200@example.test", {first, make_value<sip::Binding>(std::move(second))}));
  EXPECT_EQ(only(from_pbx(from_upstream("MESSAGE", "200@example.test")), "MESSAGE").path.remote, phone);
  std::vector<Endpoint> to;
  for (const SentMessage& sent : wait(6s))
    if (!sent.is_again) to.push_back(sent.path.remote);
  EXPECT_EQ(to, std::vector<Endpoint>{far_phone});
}

// RFC 3327 §5.3
TEST_F(EndpointExchangeTest, PathOfTheEndpointIsItsRoute) {
  register_phone("200", phone, 77);
  sip::Binding behind = *bindings().bindings_of(PeerIndex(2), "200@example.test")->front();
  behind.route_set = {"<sip:198.18.1.70;lr>"};
  ASSERT_TRUE(
      bindings().put(PeerIndex(2), "200@example.test", {make_value<sip::Binding>(std::move(behind))}));
  const auto sent = only(from_pbx(from_upstream("MESSAGE", "200@example.test")), "MESSAGE");
  EXPECT_EQ(sent.header("Route"), "<sip:198.18.1.70;lr>");
  EXPECT_EQ(sent.path.remote, phone);
}

// Both behind one router, on one address.
TEST_F(EndpointExchangeTest, PhonesBehindOneRouterAreToldApart) {
  register_phone("200", phone, 77);
  register_phone("201", neighbour_phone, 78);
  const auto sent = only(from(phone, of_phone("MESSAGE", "200", "201").build()), "MESSAGE");
  EXPECT_EQ(sent.path.remote, neighbour_phone);
  EXPECT_EQ(only(from(neighbour_phone, answer(sent, 200, "t")), "200").path.remote, phone);
  EXPECT_TRUE(holds(from(neighbour_phone, of_phone("MESSAGE", "200", "201", "p2").build()), "403"));
}

TEST_F(EndpointExchangeTest, SecureRequestGoesToSecureEndpointsOnly) {
  use(Transport::Udp, Transport::Tls);
  register_phone("200", phone, 77);
  EXPECT_TRUE(holds(from_pbx(from_upstream("MESSAGE", "200@example.test").replace(8, 4, "sips:")), "480"));
}

TEST_F(EndpointExchangeTest, SubscriptionOfAPhoneIsThereAgainAfterARestart) {
  register_phone("200", phone, 77);
  subscribe_out =
      only(from(phone,
                of_phone("SUBSCRIBE", "200", "desk").line("Event: dialog;id=7").line("Expires: 600").build()),
           "SUBSCRIBE");
  accepted_out = only(from_pbx(accepted(subscribe_out, 600)), "200");
  (void)from_pbx(notify(subscribe_out, 1, "active"));
  restart();
  register_phone("200", phone, 77);
  EXPECT_EQ(only(from_pbx(notify(subscribe_out, 2, "active")), "NOTIFY").path.remote, phone);
  EXPECT_TRUE(holds(from(phone, refresh(2, 600)), "SUBSCRIBE"));
}

TEST_F(EndpointExchangeTest, EndpointsOverStreamsToo) {
  use(Transport::Tcp, Transport::Udp);
  register_phone("200", phone, 77, Transport::Tcp);
  const auto sent = only(from_pbx(from_upstream("MESSAGE", "200@example.test")), "MESSAGE");
  EXPECT_EQ(sent.path.transport, Transport::Tcp);
  EXPECT_EQ(sent.path.connection, connection_of(phone));
  EXPECT_TRUE(holds(from(phone, answer(sent, 200, "t")), "200"));
}

}  // namespace
}  // namespace sallyport::tests

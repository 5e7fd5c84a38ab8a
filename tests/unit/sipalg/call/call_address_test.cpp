// call_address_test.cpp — where messages of a call go and under which names: RFC 3261 §12.2.1.1, §18.2.2; RFC
// 3581 §4; IPv4 and IPv6; advertised addresses.
#include <gtest/gtest.h>

#include "tests/support/call_fixture.h"

namespace sallyport::sip {
namespace {

using tests::holds;
using tests::only;
using tests::SentMessage;

class CallAddressTest : public ::testing::Test, public tests::CallFixture {
 protected:
  SentMessage answer_to(std::string_view via) { return only(from_carrier(invite().via(via).build()), "100"); }
};

constexpr std::string_view kContact = "Contact: <sip:desk-contact@198.18.2.2:5060>\r\n";

Endpoint at(std::string_view text) { return *parse_endpoint(text, 5060); }

TEST_F(CallAddressTest, AnswerGoesToTheSourcePortWithRport) {
  const auto sent =
      from(at("198.18.1.2:7777"), invite().via("SIP/2.0/UDP 198.18.1.2:5060;branch=z9hG4bKa;rport").build());
  const SentMessage trying = only(sent, "100");
  EXPECT_EQ(trying.path.remote, at("198.18.1.2:7777"));
  EXPECT_NE(trying.header("Via").find("rport=7777"), std::string::npos);
  EXPECT_NE(trying.header("Via").find("received=198.18.1.2"), std::string::npos);
}

TEST_F(CallAddressTest, AnswerGoesToTheSentByPortWithoutRport) {
  EXPECT_EQ(answer_to("SIP/2.0/UDP 198.18.1.2:5099;branch=z9hG4bKa").path.remote, at("198.18.1.2:5099"));
}

TEST_F(CallAddressTest, AnswerGoesToTheSourceWhenTheSentByIsNotTheSource) {
  EXPECT_EQ(answer_to("SIP/2.0/UDP 10.9.8.7:5099;branch=z9hG4bKa").path.remote, carrier);
}

TEST_F(CallAddressTest, AnswerGoesToTheSentByPortWithoutNatAuto) {
  config.realms[0].nat_auto = false;
  EXPECT_EQ(answer_to("SIP/2.0/UDP 10.9.8.7:5099;branch=z9hG4bKa").path.remote, at("198.18.1.2:5099"));
}

TEST_F(CallAddressTest, AnswerGoesToTheSourceWhenTheProfileSaysSo) {
  config.peers[0].profile.responses_to = ResponsesTo::Source;
  EXPECT_EQ(answer_to("SIP/2.0/UDP 198.18.1.2:5099;branch=z9hG4bKa").path.remote, carrier);
}

constexpr std::string_view kSdpSix =
    "v=0\r\no=six 1 1 IN IP6 fd18:1::2\r\ns=-\r\nc=IN IP6 fd18:1::2\r\nt=0 0\r\nm=audio 49170 RTP/AVP 0\r\n";

TEST_F(CallAddressTest, CallCrossesBetweenIpv6AndIpv4) {
  const Endpoint six = at("[fd18:1::2]:5060");
  config.peers[0].targets.push_back({.address = six, .domain = {}});
  const auto sent = from(six, invite()
                                  .uri("sip:+15551234567@[fd18:1::1]")
                                  .via("SIP/2.0/UDP [fd18:1::2]:5060;branch=z9hG4bKsix;rport")
                                  .from("<sip:+1777@[fd18:1::2]>;tag=six")
                                  .to("<sip:+15551234567@[fd18:1::1]>")
                                  .contact("<sip:six@[fd18:1::2]:5060>")
                                  .body("application/sdp", kSdpSix)
                                  .build());
  EXPECT_EQ(only(sent, "100").path.remote, six);
  const SentMessage out = only(sent, "INVITE");
  EXPECT_EQ(out.path.remote, pbx);
  EXPECT_EQ(out.bytes.find("fd18"), std::string::npos);
  (void)from_pbx(answer(out, 200, "pbxtag", kContact, kSdp));
  const SentMessage ok = only(journal(), "200");
  EXPECT_EQ(ok.path.local, at("[fd18:1::1]:5060"));
  EXPECT_NE(ok.header("Contact").find("@[fd18:1::1]"), std::string::npos);
  EXPECT_NE(ok.body().find("IN IP6 fd18:1::1"), std::string::npos) << ok.body();
  EXPECT_TRUE(holds(from(six, in_dialog("ACK", 1, ok)), "ACK"));
  EXPECT_EQ(only(from_pbx(in_dialog("BYE", 1, out)), "BYE").path.remote, six);
}

TEST_F(CallAddressTest, CallCrossesFromIpv4ToIpv6) {
  const Endpoint six = at("[fd18:2::2]:5062");
  config.peers[1].targets = {{.address = six, .domain = {}}};
  const SentMessage out = only(from_carrier(invite().build()), "INVITE");
  EXPECT_EQ(out.path.remote, six);
  EXPECT_EQ(out.path.local, at("[fd18:2::1]:5060"));
  EXPECT_EQ(out.uri(), "sip:+15551234567@[fd18:2::2]:5062");
  EXPECT_EQ(out.header("Via").find("SIP/2.0/UDP [fd18:2::1]:5060;branch="), 0u);
  EXPECT_NE(out.header("Contact").find("@[fd18:2::1]"), std::string::npos);
}

TEST_F(CallAddressTest, AdvertisedAddressStandsInEveryHeader) {
  config.realms[0].advertise.ipv4 = *IpAddress::parse("203.0.113.9");
  config.realms[1].advertise.ipv4 = *IpAddress::parse("203.0.113.10");
  set_up_call();
  for (const SentMessage& message : {invite_out, ok_out}) {
    EXPECT_EQ(message.bytes.find("198.18.2.1"), std::string::npos) << message.bytes;
  }
  EXPECT_EQ(invite_out.header("Via").find("SIP/2.0/UDP 203.0.113.10:5060"), 0u);
  EXPECT_NE(invite_out.header("Contact").find("@203.0.113.10"), std::string::npos);
  EXPECT_NE(invite_out.header("From").find("@203.0.113.10"), std::string::npos);
  EXPECT_NE(ok_out.header("Contact").find("@203.0.113.9"), std::string::npos);
  EXPECT_EQ(ok_out.header("Contact").find("198.18.1.1"), std::string::npos);
  EXPECT_TRUE(holds(from_carrier(in_dialog("BYE", 2, ok_out)), "BYE"));
}

TEST_F(CallAddressTest, AdvertisedDomainStandsInFromAndContact) {
  config.realms[1].advertise.domain = "edge.example";
  const SentMessage out = only(from_carrier(invite().build()), "INVITE");
  EXPECT_NE(out.header("From").find("@edge.example>"), std::string::npos);
  EXPECT_NE(out.header("Contact").find("@edge.example"), std::string::npos);
  EXPECT_EQ(out.header("Via").find("SIP/2.0/UDP 198.18.2.1:5060"), 0u);
}

// RFC 3261 §12.1.1, §12.1.2, §12.2.1.1
TEST_F(CallAddressTest, RouteSetsOfBothSidesAreKeptAndEachGoesToItsOwn) {
  const std::string bytes =
      invite().line("Record-Route: <sip:198.18.1.2;lr>, <sip:inner.carrier.test;lr>").build();
  const SentMessage out = only(from_carrier(bytes), "INVITE");
  EXPECT_EQ(out.header("Record-Route"), "");
  EXPECT_EQ(out.header("Route"), "");
  (void)from_pbx(answer(out, 200, "pbxtag",
                        "Contact: <sip:desk@198.18.2.50>\r\n"
                        "Record-Route: <sip:second.pbx.test;lr>, <sip:198.18.2.2;lr>\r\n",
                        kSdp));
  const SentMessage ok = only(journal(), "200");
  EXPECT_EQ(ok.header("Record-Route").find("<sip:198.18.1.2;lr>"), 0u);
  EXPECT_EQ(ok.bytes.find("pbx.test"), std::string::npos);
  const SentMessage ack = only(from_carrier(in_dialog("ACK", 1, ok)), "ACK");
  EXPECT_EQ(ack.uri(), "sip:desk@198.18.2.50");
  EXPECT_EQ(ack.header("Route").find("<sip:198.18.2.2;lr>"), 0u);
  EXPECT_LT(ack.bytes.find("198.18.2.2;lr"), ack.bytes.find("second.pbx.test"));
  EXPECT_EQ(ack.path.remote, pbx);
  const SentMessage bye = only(from_pbx(in_dialog("BYE", 1, out)), "BYE");
  EXPECT_EQ(bye.path.remote, carrier);
  EXPECT_LT(bye.bytes.find("198.18.1.2;lr"), bye.bytes.find("inner.carrier.test"));
}

TEST_F(CallAddressTest, StrictRouterFindsItselfInTheRequestUri) {
  const SentMessage out = only(from_carrier(invite().build()), "INVITE");
  (void)from_pbx(answer(out, 200, "pbxtag",
                        "Contact: <sip:desk@198.18.2.50>\r\nRecord-Route: <sip:198.18.2.2>\r\n", kSdp));
  const SentMessage ok = only(journal(), "200");
  const SentMessage ack = only(from_carrier(in_dialog("ACK", 1, ok)), "ACK");
  EXPECT_EQ(ack.uri(), "sip:198.18.2.2");
  EXPECT_EQ(ack.header("Route"), "<sip:desk@198.18.2.50>");
  EXPECT_EQ(ack.path.remote, pbx);
}

// Threats, section 7: neither Route nor Contact sends anything to a third host.
TEST_F(CallAddressTest, RouteHeaderOrContactOfARequestNamesNoThirdHost) {
  set_up_call();
  const auto routed = from_carrier(in_dialog("INFO", 2, ok_out, "Route: <sip:203.0.113.66;lr>\r\n"));
  const SentMessage info = only(routed, "INFO");
  EXPECT_EQ(info.path.remote, pbx);
  EXPECT_EQ(info.bytes.find("203.0.113.66"), std::string::npos);
  (void)from_pbx(answer(info, 200, ""));
  std::string moved = in_dialog("INVITE", 3, ok_out, {}, kSdp);
  moved.replace(moved.find("<sip:moved@198.18.1.2:5060>"), 27, "<sip:moved@203.0.113.66:80>");
  const SentMessage out = only(from_carrier(moved), "INVITE");
  (void)from_pbx(answer(out, 200, "", kContact, kSdp));
  EXPECT_TRUE(holds(from_carrier(in_dialog("ACK", 3, ok_out)), "ACK"));
  EXPECT_EQ(only(from_pbx(in_dialog("BYE", 1, invite_out)), "BYE").path.remote, carrier);
}

TEST_F(CallAddressTest, ToWithoutBracketsAndWithParametersComesBackRight) {
  const SentMessage out =
      only(from_carrier(invite().to("sip:+15551234567@198.18.1.1;x-param=1").build()), "INVITE");
  (void)from_pbx(answer(out, 200, "pbxtag", kContact, kSdp));
  const SentMessage ok = only(journal(), "200");
  (void)from_carrier(in_dialog("ACK", 1, ok));
  const SentMessage bye = only(from_pbx(in_dialog("BYE", 1, out)), "BYE");
  EXPECT_EQ(bye.header("From"), ok.header("To"));
  EXPECT_EQ(bye.header("To"), "\"Alice\" <sip:alice-near@198.18.1.2>;tag=callertag");
}

}  // namespace
}  // namespace sallyport::sip

// call_transport_test.cpp — each leg its own transport: Via, Contact, connections, timers, sizes and SIPS:
// RFC 3261 §17, §18.1, §18.2.2, §26.2.2; RFC 5630; RFC 5922.
#include <gtest/gtest.h>

#include <tuple>

#include "tests/support/call_fixture.h"

namespace sallyport::sip {
namespace {

using tests::CallFixture;
using tests::holds;
using tests::only;
using tests::SentMessage;

constexpr std::string_view kDesk = "Contact: <sip:desk-contact@198.18.2.2:5060>\r\n";

class CallTransportTest : public ::testing::Test, public CallFixture {};

std::string via_token(Transport transport) {
  return transport == Transport::Tls ? "TLS" : transport == Transport::Tcp ? "TCP" : "UDP";
}
std::string contact_end(Transport transport) {
  return is_stream(transport) ? ";transport=" + std::string(to_string(transport)) + ">" : ">";
}
std::string sent_by(const char* address, Transport transport) {
  return std::string(address) + ":" + std::to_string(default_port(transport));
}

class EveryPairing : public CallTransportTest,
                     public ::testing::WithParamInterface<std::tuple<Transport, Transport>> {
 protected:
  EveryPairing() { use(outside, inside); }
  const Transport outside = std::get<0>(GetParam()), inside = std::get<1>(GetParam());
};

TEST_P(EveryPairing, CallIsSetUpHeldAndEnded) {
  set_up_call();
  EXPECT_TRUE(invite_out.header("Via").starts_with("SIP/2.0/" + via_token(inside) + " " +
                                                   sent_by("198.18.2.1", inside) + ";branch="));
  EXPECT_TRUE(invite_out.header("Contact").ends_with(contact_end(inside))) << invite_out.header("Contact");
  EXPECT_TRUE(ok_out.header("Contact").ends_with(contact_end(outside))) << ok_out.header("Contact");
  // The default port of each transport is left out.
  EXPECT_NE(ok_out.header("Contact").find("@198.18.1.1" + contact_end(outside)), std::string::npos);
  EXPECT_EQ(invite_out.path.transport, inside);
  EXPECT_EQ(invite_out.path.peer, PeerIndex{1});
  EXPECT_EQ(invite_out.path.connection, 0u);
  EXPECT_EQ(ok_out.path.transport, outside);
  EXPECT_EQ(ok_out.path.connection, connection_of(carrier));
  EXPECT_EQ(ok_out.path.remote, (Endpoint{carrier.address, 5060}));

  const SentMessage held = only(from_carrier(in_dialog("INVITE", 2, ok_out, {}, kSdp)), "INVITE");
  EXPECT_EQ(held.path.connection, connection_of(pbx));  // that of the dialog
  const SentMessage agreed = only(from_pbx(answer(held, 200, {}, kDesk, kSdp)), "200");
  (void)from_carrier(in_dialog("ACK", 2, agreed));
  const SentMessage bye = only(from_pbx(in_dialog("BYE", 1, invite_out)), "BYE");
  EXPECT_EQ(bye.path.transport, outside);
  EXPECT_EQ(bye.path.connection, connection_of(carrier));
  EXPECT_TRUE(holds(journal(), "200"));
  (void)from_carrier(answer(bye, 200, {}));
  EXPECT_EQ(calls(), 0u);
  const auto ends = records(CallRecordType::End);
  ASSERT_EQ(ends.size(), 1u);
  EXPECT_EQ(ends[0].legs[0].transport, to_string(outside));
  EXPECT_EQ(ends[0].legs[1].transport, to_string(inside));
}

// RFC 3261 §17.1.1.2, §17.1.2.2: a stream repeats what is lost, we don't.
TEST_P(EveryPairing, RequestsAreSentAgainOverUdpOnly) {
  (void)from_carrier(invite().build());
  EXPECT_EQ(holds(wait(std::chrono::seconds(3)), "INVITE"), !is_stream(inside));
}

// RFC 3261 §17.2.1: timer G.
TEST_P(EveryPairing, FailuresAreSentAgainOverUdpOnly) {
  const SentMessage out = only(from_carrier(invite().build()), "INVITE");
  (void)from_pbx(answer(out, 486, "t"));
  EXPECT_EQ(holds(wait(std::chrono::seconds(3)), "486"), !is_stream(outside));
}

TEST_P(EveryPairing, LivesThroughARestart) {
  set_up_call();
  restart();
  const SentMessage bye = only(from_carrier(in_dialog("BYE", 2, ok_out)), "BYE");
  EXPECT_EQ(bye.path.transport, inside);
  EXPECT_EQ(bye.path.connection, 0u);  // none outlives the process; the rim opens one to `remote`
  EXPECT_EQ(bye.path.peer, PeerIndex{1});
  EXPECT_EQ(bye.path.remote, pbx);
}

INSTANTIATE_TEST_SUITE_P(Udp_Tcp_Tls, EveryPairing,
                         ::testing::Combine(::testing::Values(Transport::Udp, Transport::Tcp, Transport::Tls),
                                            ::testing::Values(Transport::Udp, Transport::Tcp,
                                                              Transport::Tls)));

// RFC 3261 §18.2.2: a new connection goes to the source's address and the port in sent-by.
TEST_F(CallTransportTest, AnswerNamesWhereANewConnectionWouldGo) {
  use(Transport::Tcp, Transport::Udp);
  const Endpoint source{carrier.address, 40001};
  const auto sent = from(source, invite().via("SIP/2.0/TCP 198.18.1.2:5070;branch=z9hG4bKa").build());
  const SentMessage trying = only(sent, "100");
  EXPECT_EQ(trying.path.connection, connection_of(source));
  EXPECT_EQ(trying.path.remote, (Endpoint{carrier.address, 5070}));
}

TEST_F(CallTransportTest, AnswerOverTlsGoesToItsDefaultPort) {
  use(Transport::Tls, Transport::Udp);
  const auto sent =
      from({carrier.address, 40001}, invite().via("SIP/2.0/TLS 198.18.1.2;branch=z9hG4bKa").build());
  EXPECT_EQ(only(sent, "100").path.remote, (Endpoint{carrier.address, 5061}));
}

TEST_F(CallTransportTest, RealmWithoutSuchAListenerMakesTheTargetUnusable) {
  use(Transport::Udp, Transport::Tcp);
  config.peers[1].transport = Transport::Tls;
  const auto sent = from_carrier(invite().build());
  EXPECT_FALSE(holds(sent, "INVITE"));
  EXPECT_TRUE(holds(sent, "503"));
}

// RFC 3261 §18.2.2: the other side lost the connection and has opened another one.
TEST_F(CallTransportTest, ResponseMayComeOverAnotherConnectionOfTheSameAddress) {
  use(Transport::Udp, Transport::Tcp);
  const SentMessage out = only(from_carrier(invite().build()), "INVITE");
  EXPECT_TRUE(holds(from({pbx.address, 40002}, answer(out, 180, "t", kDesk)), "180"));
  EXPECT_FALSE(holds(from(second_pbx, answer(out, 180, "u", kDesk)), "180"));
  EXPECT_EQ(dropped(RealmIndex{1}, SipDropReason::ForgedResponse), 1u);
}

TEST_F(CallTransportTest, ResponseOverTlsMustBeOfTheSamePeer) {
  use(Transport::Udp, Transport::Tls);
  const SentMessage out = only(from_carrier(invite().build()), "INVITE");
  MessageInput input = last_input;
  input.realm = RealmIndex{1};
  input.peer = PeerIndex::kNone;
  input.trust = TrustClass::Trusted;
  input.local = out.path.local;
  input.remote = pbx;
  input.transport = Transport::Tls;
  input.connection = 77;
  const std::string ringing = answer(out, 180, "t", kDesk);
  input.bytes = ringing;
  EXPECT_FALSE(holds(put(input), "180"));
  input.peer = PeerIndex{1};
  EXPECT_TRUE(holds(put(input), "180"));
}

TEST_F(CallTransportTest, RequestInATlsDialogIsForgedWhenItComesByAnotherWay) {
  use(Transport::Tls, Transport::Udp);
  set_up_call();
  const std::string bye = in_dialog("BYE", 2, ok_out);
  MessageInput input = last_input;
  input.realm = RealmIndex{0};
  input.peer = PeerIndex{0};
  input.remote = carrier;
  input.transport = Transport::Udp;
  input.connection = 0;
  input.bytes = bye;
  EXPECT_TRUE(put(input).empty());
  EXPECT_EQ(calls(), 1u);
  EXPECT_EQ(dropped(RealmIndex{0}, SipDropReason::ForgedRequest), 1u);
}

// RFC 3261 §17.1.4, §18.4: before any answer the next target has its turn.
TEST_F(CallTransportTest, NoConnectionIsTheNextTarget) {
  use(Transport::Udp, Transport::Tcp);
  const SentMessage out = only(from_carrier(invite().build()), "INVITE");
  const auto next = unreachable(out.path);
  EXPECT_EQ(only(next, "INVITE").path.remote, second_pbx);
}

// What has arrived is not undone by a connection that breaks later.
TEST_F(CallTransportTest, BrokenConnectionDoesNotEndWhatRings) {
  use(Transport::Udp, Transport::Tcp);
  const SentMessage out = only(from_carrier(invite().build()), "INVITE");
  (void)from_pbx(answer(out, 180, "t", kDesk));
  EXPECT_TRUE(unreachable(out.path).empty());
  EXPECT_TRUE(
      holds((void(from({pbx.address, 40002}, answer(out, 200, "t", kDesk, kSdp))), journal()), "200"));
}

class CallSizeTest : public CallTransportTest {
 protected:
  CallSizeTest() {
    ListenerConfig tcp = config.realms[1].listen[0];
    tcp.transport = Transport::Tcp;
    config.realms[1].listen.push_back(tcp);
  }
  [[nodiscard]] std::string large_invite() const {
    std::string sdp(kSdp);
    for (int i = 97; i < 127; ++i) sdp += "a=rtpmap:" + std::to_string(i) + " telephone-event/8000\r\n";
    sdp.replace(sdp.find("RTP/AVP 0"), 9, [] {
      std::string formats = "RTP/AVP 0";
      for (int i = 97; i < 127; ++i) formats += " " + std::to_string(i);
      return formats;
    }());
    return invite().body("application/sdp", sdp).build();
  }
};

TEST_F(CallSizeTest, SmallRequestGoesByUdp) {
  EXPECT_EQ(only(from_carrier(invite().build()), "INVITE").path.transport, Transport::Udp);
}

// RFC 3261 §18.1.1
TEST_F(CallSizeTest, LargeRequestGoesByTcpAndItsDialogStaysOnUdp) {
  invite_out = only(from_carrier(large_invite()), "INVITE");
  ASSERT_GT(invite_out.bytes.size(), 1300u);
  EXPECT_EQ(invite_out.path.transport, Transport::Tcp);
  EXPECT_TRUE(invite_out.header("Via").starts_with("SIP/2.0/TCP 198.18.2.1:5060;"));
  EXPECT_EQ(invite_out.header("Contact").find("transport="), std::string::npos);
  const std::string ok = answer(invite_out, 200, "pbxtag", kDesk, kSdp);
  MessageInput input = last_input;
  input.realm = RealmIndex{1};
  input.peer = PeerIndex{1};
  input.local = invite_out.path.local;
  input.remote = pbx;
  input.transport = Transport::Tcp;
  input.connection = 5;
  input.bytes = ok;
  (void)put(input);
  ok_out = only(journal(), "200");
  const SentMessage ack = only(from_carrier(in_dialog("ACK", 1, ok_out)), "ACK");
  EXPECT_EQ(ack.path.transport, Transport::Udp);
}

TEST_F(CallSizeTest, WithoutAConnectionItGoesByUdpAfterAll) {
  const SentMessage out = only(from_carrier(large_invite()), "INVITE");
  const SentMessage again = only(unreachable(out.path), "INVITE");
  EXPECT_EQ(again.path.transport, Transport::Udp);
  EXPECT_EQ(again.path.remote, pbx);
  EXPECT_TRUE(again.header("Via").starts_with("SIP/2.0/UDP 198.18.2.1:5060;branch="));
  EXPECT_EQ(again.body(), out.body());
  EXPECT_TRUE(holds(from_pbx(answer(again, 180, "t", kDesk)), "180"));
}

TEST_F(CallSizeTest, SecondWayIsTakenOnceAndRemembered) {
  const SentMessage out = only(from_carrier(large_invite()), "INVITE");
  const SentMessage again = only(unreachable(out.path), "INVITE");
  EXPECT_TRUE(holds(wait(std::chrono::seconds(1)), "INVITE"));  // timer A runs now
  const SentMessage next = only(unreachable(again.path), "INVITE");
  EXPECT_EQ(next.path.remote, second_pbx);
  EXPECT_EQ(next.path.transport, Transport::Udp);  // the peer takes no TCP, as it seems
}

TEST_F(CallSizeTest, SecondWayLivesThroughARestart) {
  const SentMessage out = only(from_carrier(large_invite()), "INVITE");
  restart();
  EXPECT_EQ(only(unreachable(out.path), "INVITE").path.transport, Transport::Udp);
}

class SipsTest : public CallTransportTest {
 protected:
  [[nodiscard]] tests::MessageBuilder sips_invite() const {
    return invite().uri("sips:+15551234567@198.18.1.1").contact("<sips:alice-contact@198.18.1.2>");
  }
};

TEST_F(SipsTest, IsRefusedUnlessItCameOverTls) {
  for (const Transport transport : {Transport::Udp, Transport::Tcp}) {
    CallFixture fixture;
    fixture.use(transport, Transport::Tls);
    EXPECT_TRUE(holds(fixture.from_carrier(sips_invite().build()), "416"));
    const std::string by_contact = invite()
                                       .via("SIP/2.0/TCP 198.18.1.2;branch=z9hG4bKb")
                                       .call_id("b")
                                       .contact("<sips:alice-contact@198.18.1.2>")
                                       .build();
    EXPECT_TRUE(holds(fixture.from_carrier(by_contact), "400"));
  }
}

TEST_F(SipsTest, GoesOnOverTlsAsSips) {
  use(Transport::Tls, Transport::Tls);
  const SentMessage out = only(from_carrier(sips_invite().build()), "INVITE");
  EXPECT_TRUE(out.uri().starts_with("sips:+15551234567@"));
  EXPECT_TRUE(out.header("To").find("<sips:") != std::string::npos);
  EXPECT_TRUE(out.header("Contact").starts_with("<sips:"));
  EXPECT_EQ(out.header("Contact").find("transport="), std::string::npos);
  EXPECT_EQ(out.path.transport, Transport::Tls);
  (void)from_pbx(answer(out, 200, "t", "Contact: <sips:desk@198.18.2.2>\r\n", kSdp));
  ok_out = only(journal(), "200");
  EXPECT_TRUE(ok_out.header("Contact").starts_with("<sips:"));
  const SentMessage ack = only(from_carrier(in_dialog("ACK", 1, ok_out)), "ACK");
  EXPECT_EQ(ack.uri(), "sips:desk@198.18.2.2");
  EXPECT_EQ(ack.path.transport, Transport::Tls);
  EXPECT_EQ(ack.path.remote, (Endpoint{pbx.address, 5061}));
}

// RFC 3261 §26.2.2, RFC 5630 §5.3
TEST_F(SipsTest, NeverLeavesUnencrypted) {
  for (const Transport transport : {Transport::Udp, Transport::Tcp}) {
    CallFixture fixture;
    fixture.use(Transport::Tls, transport);
    const auto sent = fixture.from_carrier(sips_invite().build());
    EXPECT_FALSE(holds(sent, "INVITE"));
    EXPECT_TRUE(holds(sent, "480"));
  }
}

TEST_F(SipsTest, ContactOfACalleeThatIsNotReachedOverTlsIsNoAnswer) {
  use(Transport::Udp, Transport::Tcp);
  const SentMessage out = only(from_carrier(invite().build()), "INVITE");
  const auto sent = from_pbx(answer(out, 200, "t", "Contact: <sips:desk@198.18.2.2>\r\n", kSdp));
  EXPECT_TRUE(holds(sent, "502"));
  for (const SentMessage& message : sent)
    if (message.is_request()) {
      EXPECT_EQ(message.uri().find("sips:"), std::string::npos) << message.uri();
    }
}

TEST_F(SipsTest, TargetRefreshToSipsOverTcpIsNotFollowed) {
  use(Transport::Tcp, Transport::Udp);
  set_up_call();
  std::string refresh = in_dialog("INVITE", 2, ok_out, {}, kSdp);
  refresh.replace(refresh.find("<sip:moved"), 5, "<sips:");
  const SentMessage out = only(from_carrier(refresh), "INVITE");
  const SentMessage agreed = only(from_pbx(answer(out, 200, {}, kDesk, kSdp)), "200");
  (void)from_carrier(in_dialog("ACK", 2, agreed));
  const SentMessage bye = only(from_pbx(in_dialog("BYE", 1, invite_out)), "BYE");
  EXPECT_TRUE(bye.uri().starts_with("sip:alice-contact@"));
}

}  // namespace
}  // namespace sallyport::sip

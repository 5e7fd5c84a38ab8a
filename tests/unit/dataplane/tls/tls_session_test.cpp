// tls_session_test.cpp — handshakes and records between two sessions over a wire in memory. RFC 8446, RFC
// 5246.
#include "dataplane/tls/tls_session.h"

#include <gtest/gtest.h>
#include <openssl/err.h>

#include "tests/unit/dataplane/tls/raw_peer.h"
#include "tests/unit/dataplane/tls/tls_rig.h"

namespace sallyport::dataplane::test {
namespace {

TEST(TlsSession, CarriesPlainTextBothWays) {
  TlsRig rig;
  ASSERT_EQ(rig.load(), "");
  Wire wire = rig.shake_hands();
  ASSERT_TRUE(wire.both_open()) << wire.client->why() << wire.server->why();
  ASSERT_TRUE(wire.client->send("OPTIONS sip:a SIP/2.0\r\n"));
  ASSERT_TRUE(wire.server->send("SIP/2.0 200 OK\r\n"));
  wire.run();
  EXPECT_EQ(wire.at_server, "OPTIONS sip:a SIP/2.0\r\n");
  EXPECT_EQ(wire.at_client, "SIP/2.0 200 OK\r\n");
  EXPECT_EQ(wire.client->failure(), TlsResult::Ok);
}

TEST(TlsSession, TakesTheWireOctetByOctet) {
  TlsRig rig;
  ASSERT_EQ(rig.load(), "");
  Wire wire = rig.connect();
  wire.run(1);
  ASSERT_TRUE(wire.both_open());
  const std::string text(100'000, 'x');
  ASSERT_TRUE(wire.client->send(text));
  wire.run(1000);
  EXPECT_EQ(wire.at_server, text);
}

TEST(TlsSession, GivesNoMorePlainTextThanAskedFor) {
  TlsRig rig;
  ASSERT_EQ(rig.load(), "");
  Wire wire = rig.shake_hands();
  ASSERT_TRUE(wire.client->send("0123456789"));
  Wire::carry(*wire.client, *wire.server, 1 << 20);
  std::string plain = "kept ";
  EXPECT_EQ(wire.server->advance(plain, 4), TlsState::Open);
  EXPECT_EQ(plain, "kept 0123");
  EXPECT_EQ(wire.server->advance(plain, 100), TlsState::Open);
  EXPECT_EQ(plain, "kept 0123456789");
}

TEST(TlsSession, IdleSessionHoldsNoBuffer) {
  TlsRig rig;
  ASSERT_EQ(rig.load(), "");
  Wire wire = rig.shake_hands();
  ASSERT_TRUE(wire.client->send(std::string(50'000, 'x')));
  wire.run();
  EXPECT_EQ(wire.client->memory(), 0u);
  EXPECT_EQ(wire.server->memory(), 0u);
}

TEST(TlsSession, CloseNotifyEndsBothSides) {
  TlsRig rig;
  ASSERT_EQ(rig.load(), "");
  Wire wire = rig.shake_hands();
  wire.client->close();
  wire.run();
  EXPECT_EQ(wire.server_state, TlsState::Closed);
  EXPECT_EQ(wire.client_state, TlsState::Closed);  // it was answered. RFC 8446 §6.1
  EXPECT_FALSE(wire.server->send("x"));
}

TEST(TlsSession, OctetsThatAreNoTlsFailAndLeaveNoErrorBehind) {
  TlsRig rig;
  ASSERT_EQ(rig.load(), "");
  for (const std::string text : {"GET / HTTP/1.1\r\nHost: a\r\n\r\n", "OPTIONS sip:a SIP/2.0\r\n\r\n"}) {
    const auto server = rig.contexts->accept_on(ListenerIndex{0});
    server->take({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
    std::string plain;
    EXPECT_EQ(server->advance(plain, 100), TlsState::Failed);
    EXPECT_EQ(server->failure(), TlsResult::Protocol);
    EXPECT_FALSE(server->why().empty());
    EXPECT_EQ(ERR_peek_error(), 0u);
  }
}

TEST(TlsSession, BrokenRecordEndsOneSessionAndNoOther) {
  TlsRig rig;
  ASSERT_EQ(rig.load(), "");
  Wire good = rig.shake_hands(), bad = rig.shake_hands();
  const std::array<std::uint8_t, 30> broken{23, 3, 3, 0, 25, 1, 2, 3};
  bad.server->take(broken);
  bad.run();
  EXPECT_EQ(bad.server_state, TlsState::Failed);
  EXPECT_EQ(bad.server->failure(), TlsResult::Protocol);
  EXPECT_EQ(bad.client->failure(), TlsResult::Refused);
  ASSERT_TRUE(good.client->send("still here"));
  good.run();
  EXPECT_EQ(good.at_server, "still here");
}

// Threat R9: a handshake that never ends, of messages that never end.
TEST(TlsSession, EndlessHandshakeFails) {
  TlsRig rig;
  ASSERT_EQ(rig.load(), "");
  const auto client = rig.contexts->connect_to(PeerIndex{0}, "sip.example.net");
  std::string plain;
  std::vector<std::uint8_t> record(5 + 16000, 0);
  record[0] = 22, record[1] = 3, record[2] = 3, record[3] = 16000 >> 8, record[4] = 16000 & 0xff;
  record[5] = 2, record[6] = 0xff;  // a ServerHello of 16 MB
  TlsState state = client->advance(plain, 100);
  for (int i = 0; i < 20 && state == TlsState::Handshaking; ++i) {
    client->take(record);
    state = client->advance(plain, 100);
    EXPECT_LE(client->memory(), 64u * 1024);
  }
  EXPECT_EQ(state, TlsState::Failed);
}

TEST(TlsSession, HugeChainFails) {
  TlsRig rig;
  std::vector<std::string> many;
  for (int i = 0; i < 2000; ++i) many.push_back("name-number-" + std::to_string(i) + ".example.net");
  rig.put_pair("server", TestCertificate::make({.dns_octets = many}, &rig.authority));
  ASSERT_EQ(rig.load(), "");
  const Wire wire = rig.shake_hands();
  EXPECT_EQ(wire.client->failure(), TlsResult::Protocol) << wire.client->why();
}

TEST(TlsSession, PeerThatTakesNothingFailsBeforeMemoryIsGone) {
  TlsRig rig;
  ASSERT_EQ(rig.load(), "");
  Wire wire = rig.shake_hands();
  const std::string text(64 * 1024, 'x');
  int sent = 0;
  while (sent < 100 && wire.server->send(text)) ++sent;
  EXPECT_LT(sent, 20);
  EXPECT_EQ(wire.server->failure(), TlsResult::Protocol);
}

// Threat R9.
TEST(TlsSession, RenegotiationEndsTheSession) {
  TlsRig rig;
  ASSERT_EQ(rig.load(), "");
  RawClient client;
  SSL_CTX_set_max_proto_version(client.context(), TLS1_2_VERSION);
  client.begin();
  const auto server = rig.contexts->accept_on(ListenerIndex{0});
  std::string plain;
  ASSERT_EQ(client.run(*server, plain), TlsState::Open);
  ASSERT_EQ(SSL_renegotiate(client.ssl()), 1);
  EXPECT_EQ(client.run(*server, plain), TlsState::Failed);
  EXPECT_EQ(server->failure(), TlsResult::Protocol);
}

TEST(TlsSession, OldVersionsAndWeakCiphersAreRefused) {
  TlsRig rig;
  ASSERT_EQ(rig.load(), "");
  for (const char* wish : {"tls11", "cbc", "tls12"}) {
    RawClient client;
    SSL_CTX_set_security_level(client.context(), 0);
    const std::string_view kind = wish;
    SSL_CTX_set_max_proto_version(client.context(), kind == "tls11" ? TLS1_1_VERSION : TLS1_2_VERSION);
    if (kind == "cbc") SSL_CTX_set_cipher_list(client.context(), "ECDHE-ECDSA-AES128-SHA:AES128-SHA");
    client.begin();
    const auto server = rig.contexts->accept_on(ListenerIndex{0});
    std::string plain;
    EXPECT_EQ(client.run(*server, plain), kind == "tls12" ? TlsState::Open : TlsState::Failed) << wish;
  }
}

TEST(TlsSession, MinimumVersionOfTheConfigurationHolds) {
  TlsRig rig;
  rig.config.tls.minimum_version = TlsVersion::Tls13;
  ASSERT_EQ(rig.load(), "");
  RawClient client;
  SSL_CTX_set_max_proto_version(client.context(), TLS1_2_VERSION);
  client.begin();
  const auto server = rig.contexts->accept_on(ListenerIndex{0});
  std::string plain;
  EXPECT_EQ(client.run(*server, plain), TlsState::Failed);
  EXPECT_TRUE(rig.shake_hands().both_open());
}

// RFC 7301
TEST(TlsSession, SipIsChosenAmongTheProtocolsOfferedAndNoneIsNoError) {
  TlsRig rig;
  ASSERT_EQ(rig.load(), "");
  const auto chosen = [&rig](const std::string& offer) {
    RawClient client;
    SSL_CTX_set_alpn_protos(client.context(), reinterpret_cast<const unsigned char*>(offer.data()),
                            static_cast<unsigned>(offer.size()));
    client.begin();
    const auto server = rig.contexts->accept_on(ListenerIndex{0});
    std::string plain;
    EXPECT_EQ(client.run(*server, plain), TlsState::Open);
    const unsigned char* name = nullptr;
    unsigned size = 0;
    SSL_get0_alpn_selected(client.ssl(), &name, &size);
    return std::string(reinterpret_cast<const char*>(name), size);
  };
  EXPECT_EQ(chosen("\x02h2\x05sip/2"), "sip/2");
  EXPECT_EQ(chosen("\x02h2"), "");
}

TEST(TlsSession, EarlyTextOfZeroRoundTripsIsNeverOffered) {
  TlsRig rig;
  ASSERT_EQ(rig.load(), "");
  RawClient client;
  client.begin();
  const auto server = rig.contexts->accept_on(ListenerIndex{0});
  std::string plain;
  ASSERT_EQ(client.run(*server, plain), TlsState::Open);
  EXPECT_EQ(SSL_SESSION_get_max_early_data(SSL_get_session(client.ssl())), 0u);
}

}  // namespace
}  // namespace sallyport::dataplane::test

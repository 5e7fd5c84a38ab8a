// tls_contexts_test.cpp — files, places and contexts: choice by name, resumption, files that change.
#include "dataplane/tls/tls_contexts.h"

#include <gtest/gtest.h>

#include "dataplane/tls/tls_plan.h"
#include "tests/unit/dataplane/tls/raw_peer.h"
#include "tests/unit/dataplane/tls/tls_rig.h"

namespace sallyport::dataplane::test {
namespace {

using Names = std::vector<std::string>;

TEST(TlsContexts, ErrorNamesTheCertificateAndItsFile) {
  TlsRig rig;
  rig.folder.put("server.key", TestCertificate::make({}).key_pem());
  const std::string error = rig.load();
  EXPECT_NE(error.find("certificate server"), std::string::npos) << error;
  EXPECT_NE(error.find("server.key"), std::string::npos) << error;
}

TEST(TlsContexts, ListenerShowsTheCertificateTheClientAsksFor) {
  TlsRig rig;
  rig.add_pair("second",
               TestCertificate::make({.alternative_names = "DNS:*.second.example"}, &rig.authority));
  ASSERT_EQ(rig.load(), "");
  rig.peer().tls.name = "*.second.example";
  ASSERT_EQ(rig.load(), "");
  const Wire wire = rig.shake_hands("a.second.example");
  ASSERT_TRUE(wire.both_open()) << wire.client->why();
  EXPECT_EQ(wire.client->proved_names(), Names{"*.second.example"});
}

// Threat I12: the outside can't ask for names of the inside.
TEST(TlsContexts, CertificateOfAnotherRealmIsNotShown) {
  TlsRig rig;
  rig.add_pair("secret",
               TestCertificate::make({.alternative_names = "DNS:pbx.inside.example"}, &rig.authority));
  RealmConfig& inside = rig.config.realms.emplace_back();
  inside.name = "inside";
  inside.listen.push_back({Transport::Tls, 5061, {}, "secret", ClientCertificate::None});
  ASSERT_EQ(rig.load(), "");
  EXPECT_EQ(rig.shake_hands("pbx.inside.example").client->failure(), TlsResult::WrongName);
  Wire there{rig.contexts->connect_to(PeerIndex{0}, "pbx.inside.example"),
             rig.contexts->accept_on(ListenerIndex{1})};
  there.run();
  EXPECT_TRUE(there.both_open());
}

TEST(TlsContexts, WildcardComesFromTheOperatorAlone) {
  TlsRig rig;
  ASSERT_EQ(rig.load(), "");
  EXPECT_EQ(rig.contexts->connect_to(PeerIndex{0}, "*.example.net"), nullptr);
  EXPECT_EQ(rig.contexts->connect_to(PeerIndex{0}, ""), nullptr);
  EXPECT_EQ(rig.contexts->connect_to(PeerIndex::kNone, "a"), nullptr);
  EXPECT_EQ(rig.contexts->accept_on(ListenerIndex::kNone), nullptr);
}

TEST(TlsContexts, ListenerTrustsAuthoritiesOfItsRealmsPeersElseAll) {
  TlsRig rig;
  const TestCertificate other = TestCertificate::make({.common_name = "other", .is_authority = true});
  rig.config.tls.authorities.push_back({"other", {rig.folder.put("other.pem", other.certificate_pem())}});
  EXPECT_EQ(make_tls_plan(rig.config).listeners[0].authorities, (std::vector<std::size_t>{0, 1}));
  rig.add_peer("second").tls.authorities = {"other"};
  EXPECT_EQ(make_tls_plan(rig.config).listeners[0].authorities, std::vector<std::size_t>{1});
  rig.config.peers[1].realm = "inside";
  EXPECT_EQ(make_tls_plan(rig.config).listeners[0].authorities, (std::vector<std::size_t>{0, 1}));
}

TEST(TlsContexts, WithoutAuthoritiesOptionalAsksNobodyAndRequiredTrustsTheSystem) {
  TlsRig rig;
  rig.config.tls.authorities.clear();
  EXPECT_EQ(make_tls_plan(rig.config).listeners[0].client_certificate, ClientCertificate::None);
  EXPECT_TRUE(make_tls_plan(rig.config).peers[0].trusts_system);
  rig.listener().client_certificate = ClientCertificate::Required;
  EXPECT_TRUE(make_tls_plan(rig.config).listeners[0].trusts_system);
}

bool is_resumed(const TlsRig& rig, RawClient& client) {
  const auto server = rig.contexts->accept_on(ListenerIndex{0});
  std::string plain;
  EXPECT_EQ(client.run(*server, plain), TlsState::Open);
  return SSL_session_reused(client.ssl()) == 1;
}

TEST(TlsContexts, ClientResumesWithItsProofAndItsNames) {
  TlsRig rig;
  rig.peer().tls.certificate = "client";
  ASSERT_EQ(rig.load(), "");
  std::size_t first = 0;
  for (int i = 0; i < 3; ++i) {
    Wire wire = rig.connect();
    static_cast<void>(wire.client->advance(wire.at_client, 1));
    Wire::carry(*wire.client, *wire.server, 1 << 20);
    static_cast<void>(wire.server->advance(wire.at_server, 1));
    const std::size_t flight = wire.server->to_wire().size();
    wire.run();
    ASSERT_TRUE(wire.both_open());
    EXPECT_EQ(wire.server->proved_names(), Names{"pbx.example.net"});
    EXPECT_EQ(wire.client->proved_names(), (Names{"sip.example.net", "198.18.1.2"}));
    // No certificate in the server's flight: it was resumed.
    if (i == 0)
      first = flight;
    else
      EXPECT_LT(flight * 2, first);
  }
}

bool resumes(const TlsRig& rig, int version, SSL_SESSION*& session) {
  RawClient client;
  SSL_CTX_set_max_proto_version(client.context(), version);
  client.begin();
  if (session != nullptr) SSL_set_session(client.ssl(), session);
  const bool out = is_resumed(rig, client);
  SSL_SESSION_free(session);
  session = SSL_get1_session(client.ssl());
  return out;
}

// RFC 5077 §4, RFC 8446 §4.6.1
TEST(TlsContexts, TicketsOutliveOneChangeOfTheirKeyAndNotTwo) {
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    TlsRig rig;
    ASSERT_EQ(rig.load(), "");
    SSL_SESSION* session = nullptr;
    EXPECT_FALSE(resumes(rig, version, session));
    EXPECT_TRUE(resumes(rig, version, session));
    SSL_SESSION* kept = SSL_SESSION_dup(session);
    const Timestamp base = Timestamp(std::chrono::hours(100));
    rig.contexts->rotate_tickets(base);
    rig.contexts->rotate_tickets(base + std::chrono::minutes(61));
    EXPECT_TRUE(resumes(rig, version, session)) << version;
    rig.contexts->rotate_tickets(base + std::chrono::minutes(122));
    rig.contexts->rotate_tickets(base + std::chrono::minutes(183));
    EXPECT_FALSE(resumes(rig, version, kept)) << version;
    SSL_SESSION_free(session);
    SSL_SESSION_free(kept);
  }
}

TEST(TlsContexts, ChangedFilesAreReadAgainAndOpenSessionsStay) {
  TlsRig rig;
  ASSERT_EQ(rig.load(), "");
  Wire old = rig.shake_hands();
  ASSERT_TRUE(old.both_open());
  EXPECT_TRUE(rig.contexts->refresh().empty());
  rig.put_pair("server", TestCertificate::make(
                             {.alternative_names = "DNS:sip.example.net,DNS:new.example", .ends_in = 86400},
                             &rig.authority));
  const Names told = rig.contexts->refresh();
  ASSERT_EQ(told, Names{"certificate server was read again"});
  EXPECT_TRUE(rig.contexts->refresh().empty());
  const Wire fresh = rig.shake_hands();
  ASSERT_TRUE(fresh.both_open());
  EXPECT_EQ(fresh.client->proved_names(), (Names{"sip.example.net", "new.example"}));
  ASSERT_TRUE(old.client->send("still open"));
  old.run();
  EXPECT_EQ(old.at_server, "still open");
}

TEST(TlsContexts, PairThatDoesNotFitLeavesTheOldOneInUseAndIsToldOnce) {
  TlsRig rig;
  ASSERT_EQ(rig.load(), "");
  const TestCertificate next =
      TestCertificate::make({.alternative_names = "DNS:sip.example.net"}, &rig.authority);
  rig.folder.put("server.pem", next.certificate_pem());
  EXPECT_EQ(rig.contexts->refresh().size(), 1u);
  EXPECT_TRUE(rig.contexts->refresh().empty());
  EXPECT_TRUE(rig.shake_hands().both_open());
  rig.folder.put("server.key", next.key_pem());  // the other half
  EXPECT_EQ(rig.contexts->refresh(), Names{"certificate server was read again"});
  EXPECT_TRUE(rig.shake_hands().both_open());
}

TEST(TlsContexts, AuthorityThatIsTakenOutProvesNothingAnyMoreNotEvenByATicket) {
  TlsRig rig;
  rig.peer().tls.certificate = "client";
  ASSERT_EQ(rig.load(), "");
  ASSERT_TRUE(rig.shake_hands().both_open());
  rig.folder.put("ca.pem",
                 TestCertificate::make({.common_name = "new", .is_authority = true}).certificate_pem());
  EXPECT_EQ(rig.contexts->refresh(), Names{"authority ours was read again"});
  EXPECT_EQ(rig.shake_hands().client->failure(), TlsResult::Untrusted);
}

TEST(TlsContexts, AnotherConfigurationIsTakenWholeOrNotAtAll) {
  TlsRig rig;
  ASSERT_EQ(rig.load(), "");
  SbcConfig next = rig.config;
  next.tls.certificates[0].key_file = rig.folder.path("none.key");
  EXPECT_FALSE(rig.contexts->reconfigure(next).has_value());
  EXPECT_TRUE(rig.shake_hands().both_open());
  next = rig.config;
  next.peers[0].tls.name = "other.example";
  ASSERT_TRUE(rig.contexts->reconfigure(next).has_value());
  EXPECT_EQ(rig.shake_hands().client->failure(), TlsResult::WrongName);
}

TEST(TlsContexts, SessionsOutliveTheirContexts) {
  TlsRig rig;
  ASSERT_EQ(rig.load(), "");
  Wire wire = rig.connect();
  rig.contexts.reset();
  wire.run();
  EXPECT_TRUE(wire.both_open());
}

TEST(TlsContexts, ExpiryIsTheEarliestOfTheChain) {
  TlsRig rig;
  const TestCertificate between = TestCertificate::make(
      {.common_name = "between", .is_authority = true, .ends_in = 1000}, &rig.authority);
  rig.put_pair("server", TestCertificate::make({.ends_in = 5000}, &between), between.certificate_pem());
  ASSERT_EQ(rig.load(), "");
  const auto expiries = rig.contexts->expiries();
  ASSERT_EQ(expiries.size(), 2u);
  EXPECT_EQ(expiries[0].name, "server");
  EXPECT_LT(expiries[0].not_after, expiries[1].not_after - 100'000);
}

}  // namespace
}  // namespace sallyport::dataplane::test

// peer_proof_test.cpp — right and wrong certificates, each with its result, on either side. RFC 5922 §7,
// threats I6 and R9.
#include "dataplane/tls/peer_proof.h"

#include <gtest/gtest.h>

#include "tests/unit/dataplane/tls/tls_rig.h"

namespace sallyport::dataplane::test {
namespace {

struct ServerCase {
  const char* what;
  CertificateWish wish;
  const char* wanted = "sip.example.net";
  const char* peer_name = "";  // tls.name
  TlsResult result = TlsResult::Ok;
};

class ServerProof : public testing::TestWithParam<ServerCase> {};

TEST_P(ServerProof, HasItsResult) {
  const ServerCase& param = GetParam();
  TlsRig rig;
  rig.put_pair("server", TestCertificate::make(param.wish, &rig.authority));
  rig.peer().tls.name = param.peer_name;
  ASSERT_EQ(rig.load(), "");
  const Wire wire = rig.shake_hands(param.wanted);
  ASSERT_TRUE(wire.client);
  EXPECT_EQ(to_string(wire.client->failure()), to_string(param.result)) << wire.client->why();
  EXPECT_EQ(wire.both_open(), param.result == TlsResult::Ok);
  EXPECT_EQ(wire.client->proved_names().empty(), param.result != TlsResult::Ok);
  if (param.result != TlsResult::Ok) {
    EXPECT_EQ(wire.server->failure(), TlsResult::Refused);
  }
}

INSTANTIATE_TEST_SUITE_P(
    All, ServerProof,
    testing::Values(
        ServerCase{"san", {.alternative_names = "DNS:sip.example.net"}},
        ServerCase{"uri", {.alternative_names = "URI:sip:sip.example.net"}},
        ServerCase{"cn", {.common_name = "sip.example.net"}},
        ServerCase{"address", {.alternative_names = "IP:198.18.1.2"}, "198.18.1.2"},
        ServerCase{"address_as_dns", {.alternative_names = "DNS:198.18.1.2"}, "198.18.1.2"},
        ServerCase{"fixed_name", {.alternative_names = "DNS:other.example"}, "198.18.1.2", "other.example"},
        ServerCase{
            "wildcard_asked", {.alternative_names = "DNS:*.example.net"}, "a.example.net", "*.example.net"},
        ServerCase{"sip_domain_purpose",
                   {.alternative_names = "DNS:sip.example.net", .extended_key_usage = "1.3.6.1.5.5.7.3.20"}},
        ServerCase{"client_purpose",
                   {.alternative_names = "DNS:sip.example.net", .extended_key_usage = "clientAuth"}},
        ServerCase{"mail_purpose",
                   {.alternative_names = "DNS:sip.example.net", .extended_key_usage = "emailProtection"},
                   "sip.example.net",
                   "",
                   TlsResult::Untrusted},
        ServerCase{"expired",
                   {.alternative_names = "DNS:sip.example.net", .begins_in = -7200, .ends_in = -60},
                   "sip.example.net",
                   "",
                   TlsResult::Expired},
        ServerCase{"early",
                   {.alternative_names = "DNS:sip.example.net", .begins_in = 3600},
                   "sip.example.net",
                   "",
                   TlsResult::Expired},
        ServerCase{"wrong_name",
                   {.alternative_names = "DNS:evil.example"},
                   "sip.example.net",
                   "",
                   TlsResult::WrongName},
        ServerCase{"cn_beside_san",
                   {.common_name = "sip.example.net", .alternative_names = "DNS:evil.example"},
                   "sip.example.net",
                   "",
                   TlsResult::WrongName},
        ServerCase{"dns_beside_uri",
                   {.alternative_names = "DNS:sip.example.net,URI:sip:evil.example"},
                   "sip.example.net",
                   "",
                   TlsResult::WrongName},
        ServerCase{"nul",
                   {.dns_octets = {std::string("sip.example.net\0.evil.example", 28)}},
                   "sip.example.net",
                   "",
                   TlsResult::WrongName},
        ServerCase{"wildcard",
                   {.alternative_names = "DNS:*.example.net"},
                   "sip.example.net",
                   "",
                   TlsResult::WrongName}),
    [](const testing::TestParamInfo<ServerCase>& param) { return param.param.what; });

TEST(PeerProof, SelfSignedCertificateIsUntrustedUntilItIsNamed) {
  const TestCertificate alone = TestCertificate::make({.alternative_names = "DNS:sip.example.net"});
  TlsRig rig;
  rig.put_pair("server", alone);
  ASSERT_EQ(rig.load(), "");
  EXPECT_EQ(rig.shake_hands().client->failure(), TlsResult::Untrusted);
  rig.config.tls.authorities.push_back({"pinned", {rig.folder.put("pin.pem", alone.certificate_pem())}});
  rig.peer().tls.authorities = {"pinned"};
  ASSERT_EQ(rig.load(), "");
  EXPECT_TRUE(rig.shake_hands().both_open());
}

TEST(PeerProof, OnlyThePeersOwnAuthoritiesCount) {
  TlsRig rig;
  const TestCertificate other = TestCertificate::make({.common_name = "other", .is_authority = true});
  rig.config.tls.authorities.push_back({"other", {rig.folder.put("other.pem", other.certificate_pem())}});
  rig.peer().tls.authorities = {"other"};
  ASSERT_EQ(rig.load(), "");
  EXPECT_EQ(rig.shake_hands().client->failure(), TlsResult::Untrusted);
}

TEST(PeerProof, ChainOfTheServerIsShownAndFollowed) {
  TlsRig rig;
  const TestCertificate between =
      TestCertificate::make({.common_name = "between", .is_authority = true}, &rig.authority);
  const TestCertificate server =
      TestCertificate::make({.alternative_names = "DNS:sip.example.net"}, &between);
  rig.put_pair("server", server, between.certificate_pem());
  ASSERT_EQ(rig.load(), "");
  EXPECT_TRUE(rig.shake_hands().both_open());
  rig.put_pair("server", server);
  ASSERT_EQ(rig.load(), "");
  EXPECT_EQ(rig.shake_hands().client->failure(), TlsResult::Untrusted);
}

TEST(PeerProof, CertificateOfNoAuthoritySignsNothing) {
  TlsRig rig;
  const TestCertificate leaf =
      TestCertificate::make({.alternative_names = "DNS:evil.example"}, &rig.authority);
  rig.put_pair("server", TestCertificate::make({.alternative_names = "DNS:sip.example.net"}, &leaf),
               leaf.certificate_pem());
  ASSERT_EQ(rig.load(), "");
  EXPECT_EQ(rig.shake_hands().client->failure(), TlsResult::Untrusted);
}

TEST(PeerProof, ClientCertificateProvesItsNames) {
  TlsRig rig;
  rig.peer().tls.certificate = "client";
  for (const ClientCertificate mode : {ClientCertificate::Optional, ClientCertificate::Required}) {
    rig.listener().client_certificate = mode;
    ASSERT_EQ(rig.load(), "");
    const Wire wire = rig.shake_hands();
    ASSERT_TRUE(wire.both_open());
    EXPECT_EQ(wire.server->proved_names(), std::vector<std::string>{"pbx.example.net"});
  }
  rig.listener().client_certificate = ClientCertificate::None;
  ASSERT_EQ(rig.load(), "");
  const Wire wire = rig.shake_hands();
  ASSERT_TRUE(wire.both_open());
  EXPECT_TRUE(wire.server->proved_names().empty());
}

TEST(PeerProof, ClientWithoutCertificateIsUnprovedOrRefused) {
  TlsRig rig;
  ASSERT_EQ(rig.load(), "");
  const Wire open = rig.shake_hands();
  ASSERT_TRUE(open.both_open());
  EXPECT_TRUE(open.server->proved_names().empty());
  rig.listener().client_certificate = ClientCertificate::Required;
  ASSERT_EQ(rig.load(), "");
  EXPECT_EQ(rig.shake_hands().server->failure(), TlsResult::NoCertificate);
}

TEST(PeerProof, BadClientCertificateFailsEvenWhereNoneWouldDo) {
  TlsRig rig;
  rig.peer().tls.certificate = "client";
  rig.put_pair("client", TestCertificate::make({.alternative_names = "DNS:pbx.example.net"}));
  ASSERT_EQ(rig.load(), "");
  EXPECT_EQ(rig.shake_hands().server->failure(), TlsResult::Untrusted);
  rig.put_pair("client", TestCertificate::make({.begins_in = -7200, .ends_in = -60}, &rig.authority));
  ASSERT_EQ(rig.load(), "");
  const Wire wire = rig.shake_hands();
  EXPECT_EQ(wire.server->failure(), TlsResult::Expired);
  EXPECT_TRUE(wire.server->proved_names().empty());
}

}  // namespace
}  // namespace sallyport::dataplane::test

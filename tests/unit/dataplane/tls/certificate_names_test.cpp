// certificate_names_test.cpp — whom a certificate names. RFC 5922 §7.1, §7.2.
#include "dataplane/tls/certificate_names.h"

#include <gtest/gtest.h>

#include "tests/support/test_certificates.h"

namespace sallyport::dataplane::test {
namespace {

using sallyport::test::CertificateWish;
using sallyport::test::TestCertificate;
using Names = std::vector<std::string>;

Names names_with(const CertificateWish& wish) {
  return names_of(TestCertificate::make(wish).certificate()).all();
}
Names names_in(const std::string& alternative_names) {
  return names_with({.common_name = "cn.example.net", .alternative_names = alternative_names});
}

// RFC 5922 §7.1
TEST(CertificateNames, SipUriHidesDnsNames) {
  EXPECT_EQ(names_in("DNS:host.example.net,URI:SIP:Example.NET"), Names{"example.net"});
}

TEST(CertificateNames, UriWithUserPartOrOtherSchemeNamesNoDomain) {
  EXPECT_EQ(names_in("URI:sip:alice@example.net,URI:sips:example.net,DNS:host.example.net"),
            Names{"host.example.net"});
}

TEST(CertificateNames, UriPortAndParametersAreNotPartOfTheHost) {
  EXPECT_EQ(names_in("URI:sip:example.net:5061;transport=tls"), Names{"example.net"});
  EXPECT_EQ(names_in("URI:sip:[fd18:1:0::2]:5061"), Names{"fd18:1::2"});
}

TEST(CertificateNames, CommonNameCountsOnlyWithoutAnySan) {
  EXPECT_EQ(names_with({.common_name = "cn.example.net"}), Names{"cn.example.net"});
  EXPECT_EQ(names_in("email:a@example.net"), Names{});
}

TEST(CertificateNames, AddressesAreNamesToo) {
  EXPECT_EQ(names_in("IP:198.18.1.2,IP:fd18:1::2"), (Names{"198.18.1.2", "fd18:1::2"}));
}

TEST(CertificateNames, NamesWithNulOrForeignOctetsAreAsIfAbsent) {
  const std::string with_nul("bank.example\0.attacker.example", 30);
  EXPECT_EQ(names_with({.dns_octets = {with_nul,
                                       "b\xc3\xbc"
                                       "cher.example",
                                       "a b.example", "x..example", "good.example", "", ".",
                                       std::string(300, 'a')}}),
            Names{"good.example"});
}

TEST(CertificateNames, ThousandsOfNamesAreNotAllLookedAt) {
  std::vector<std::string> many;
  for (int i = 0; i < 2000; ++i) many.push_back("n" + std::to_string(i) + ".example");
  EXPECT_EQ(names_with({.dns_octets = many}).size(), static_cast<std::size_t>(kNamesMax));
}

// RFC 5922 §7.2
TEST(CertificateNames, WildcardInTheCertificateMatchesNoPlainName) {
  EXPECT_FALSE(shows_name(Names{"*.example.net"}, "sip.example.net"));
  EXPECT_FALSE(shows_name(Names{"example.net"}, "sip.example.net"));
  EXPECT_FALSE(shows_name(Names{"sip.example.net"}, "example.net"));
  EXPECT_TRUE(shows_name(Names{"sip.example.net"}, "SIP.Example.net."));
}

TEST(CertificateNames, WildcardTheOperatorWroteMatchesOneMoreLabel) {
  EXPECT_TRUE(shows_name(Names{"*.example.net"}, "*.example.net"));
  EXPECT_TRUE(shows_name(Names{"sip.example.net"}, "*.example.net"));
  EXPECT_FALSE(shows_name(Names{"a.b.example.net"}, "*.example.net"));
  EXPECT_FALSE(shows_name(Names{"example.net"}, "*.example.net"));
  EXPECT_FALSE(shows_name(Names{".example.net"}, "*.example.net"));
}

TEST(CertificateNames, AddressIsComparedAsAnAddress) {
  EXPECT_TRUE(shows_name(Names{"fd18:1::2"}, "fd18:0001:0::2"));
  EXPECT_FALSE(shows_name(Names{"198.18.1.3"}, "198.18.1.2"));
  EXPECT_FALSE(shows_name(Names{}, ""));
}

// RFC 6066 §3
TEST(CertificateNames, ServerMayShowItsWildcardToAHostBelowIt) {
  CertificateNames names;
  names.sip_domains = {"*.example.net"};
  EXPECT_TRUE(serves_host(names, "sip.example.net"));
  EXPECT_FALSE(serves_host(names, "example.net"));
}

}  // namespace
}  // namespace sallyport::dataplane::test

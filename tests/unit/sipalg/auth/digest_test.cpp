// Digest authentication as a client: RFC 2617 §3.5, RFC 7616 §3.9, RFC 8760; threats P12.
#include "sipalg/auth/digest.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "tests/support/message_builder.h"

namespace sallyport::sip {
namespace {

DigestChallenges parsed(std::string_view value) {
  DigestChallenges found;
  parse_challenges(value, found);
  return found;
}

constexpr std::string_view kRfc7616 =
    "realm=\"http-auth@example.org\", qop=\"auth, auth-int\", "
    "nonce=\"7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v\", "
    "opaque=\"FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS\"";
constexpr DigestTurn kTurn7616{"f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ", 1};

// RFC 7616 §3.9.1
TEST(Digest, AnswersTheExamplesOfRfc7616) {
  const std::string head = "Digest " + std::string(kRfc7616) + ", algorithm=";
  const DigestUser user{"Mufasa", "Circle of Life"};
  const DigestSubject subject{"GET", "/dir/index.html"};
  const std::string md5 = head + "MD5", sha = head + "SHA-256";
  ASSERT_EQ(parsed(md5).size(), 1u);
  EXPECT_EQ(digest_response(parsed(md5)[0], user, subject, kTurn7616), "8ca523f5e9506fed4657c9700eebdbec");
  EXPECT_EQ(digest_response(parsed(sha)[0], user, subject, kTurn7616),
            "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1");
}

// RFC 2617 §3.5
TEST(Digest, AnswersTheExampleOfRfc2617) {
  const std::string text =
      "Digest realm=\"testrealm@host.com\", qop=\"auth,auth-int\", "
      "nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\", opaque=\"5ccc069c403ebaf9f0171e9517f40e41\"";
  const DigestTurn turn{"0a4f113b", 1};
  const std::string value =
      digest_credentials(parsed(text)[0], {"Mufasa", "Circle Of Life"}, {"GET", "/dir/index.html"}, turn);
  EXPECT_EQ(value,
            "Digest username=\"Mufasa\", realm=\"testrealm@host.com\", "
            "nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\", uri=\"/dir/index.html\", "
            "response=\"6629fae49393a05397450978507c4ef1\", cnonce=\"0a4f113b\", "
            "opaque=\"5ccc069c403ebaf9f0171e9517f40e41\", qop=auth, nc=00000001");
}

// RFC 2069 §2.4, errata 749
TEST(Digest, AnswersAChallengeWithoutQopAsRfc2069Did) {
  const std::string text =
      "Digest realm=\"testrealm@host.com\", nonce=\"dcd98b7102dd2f0e8b11d0f600bfb0c093\", "
      "opaque=\"5ccc069c403ebaf9f0171e9517f40e41\"";
  EXPECT_EQ(digest_response(parsed(text)[0], {"Mufasa", "CircleOfLife"}, {"GET", "/dir/index.html"}, {}),
            "1949323746fe6a43ef61f9606e7febea");
}

// RFC 7616 §3.9.2; the response printed there is not that of SHA-512/256 (its errata), this one is that of
// another library
TEST(Digest, AnswersTheExampleOfRfc7616WithSha512) {
  const std::string text =
      "Digest realm=\"api@example.org\", qop=\"auth\", algorithm=SHA-512-256, "
      "nonce=\"5TsQWLVdgBdmrQ0XsxbDODV+57QdFR34I9HAbC/RVvkK\", "
      "opaque=\"HRPCssKJSGjCrkzDg8OhwpzCiGPChXYjwrI2QmXDnsOS\", charset=UTF-8, userhash=true";
  EXPECT_EQ(digest_response(parsed(text)[0], {"J\u00e4s\u00f8n Doe", "Secret, or not?"}, {"GET", "/doe.json"},
                            {"NTg6RKcb9boFIAS3KrFK9BGeh+niz/sm", 1}),
            "7a4e1192babbba02e91182d2895bfdbf7adafc6e48d4e517ca301974843d840c");
}

TEST(Digest, ProtectsTheBodyOnlyWhereNothingElseIsOffered) {
  EXPECT_EQ(parsed("Digest realm=\"r\", nonce=\"n\", qop=\"auth-int,auth\"")[0].qop, DigestQop::Auth);
  const auto only = parsed("Digest realm=\"r\", nonce=\"n\", qop=\"auth-int\"");
  EXPECT_EQ(only[0].qop, DigestQop::AuthInt);
  const DigestTurn turn{"c", 1};
  EXPECT_NE(digest_response(only[0], {"u", "p"}, {"INVITE", "sip:a", "one"}, turn),
            digest_response(only[0], {"u", "p"}, {"INVITE", "sip:a", "two"}, turn));
}

TEST(Digest, ReadsSeveralChallengesOfSeveralSchemesInOneField) {
  const auto found = parsed(
      "Basic realm=\"basic\", Digest realm=\"one\", nonce=\"a\", algorithm=MD5 ,, "
      "Digest realm = \"two\" , nonce=\"b,c=\\\"d\", algorithm=SHA-256, qop=\"auth\", NTLM x=y");
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].realm, "one");
  EXPECT_EQ(found[1].realm, "two");
  EXPECT_EQ(found[1].nonce, "b,c=\\\"d");
  EXPECT_EQ(found[1].algorithm, DigestAlgorithm::Sha256);
}

// Threats P12
TEST(Digest, TreatsGarbageAsIfItWereNotThere) {
  for (const std::string_view text :
       {"", "Digest", "Digest ", "Digest realm", "Digest realm=", "Digest realm=\"r\"", "Digest nonce=\"n\"",
        "Digest realm=\"r\", realm=\"r\", nonce=\"n\"", "Digest realm=\"r\", nonce=\"n\", algorithm=MD4",
        "Digest realm=\"r\", nonce=\"n\", qop=\"token\"", "Basic YWxhZGRpbjpvcGVuc2VzYW1l", "\"\"\"",
        "Digest realm=\"r, nonce=\"n\"", "Bearer realm=\"r\", nonce=\"n\"", "=,=,=", ",,,,",
        "Digest realm=\"r\", nonce=\"n\", nonce=\"m\"", "Digest realm=\"r\x01\", nonce=\"n\""})
    EXPECT_TRUE(parsed(text).empty()) << text;
  const std::string longest(kChallengeBytesMax, 'x');
  EXPECT_EQ(parsed("Digest realm=\"r\", nonce=\"" + longest + "\"").size(), 1u);
  EXPECT_TRUE(parsed("Digest realm=\"r\", nonce=\"" + longest + "x\"").empty());
}

TEST(Digest, LooksAtABoundedNumberOfChallenges) {
  std::string text;
  for (int i = 0; i < 40; ++i) text += std::string(i == 0 ? "" : ", ") + "Digest realm=\"r\", nonce=\"n\"";
  EXPECT_EQ(parsed(text).size(), kChallengesMax);
}

TEST(Digest, TakesTheFieldThatBelongsToTheCode) {
  for (const int code : {401, 407}) {
    const std::string text = "SIP/2.0 " + std::to_string(code) +
                             " No\r\nVia: SIP/2.0/UDP a;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\n"
                             "To: <sip:c@d>;tag=2\r\nCall-ID: x\r\nCSeq: 1 INVITE\r\n"
                             "WWW-Authenticate: Digest realm=\"door\", nonce=\"1\"\r\n"
                             "Proxy-Authenticate: Digest realm=\"way\", nonce=\"2\"\r\n"
                             "Authentication-Info: qop=auth, nextnonce=\"later\"\r\n\r\n";
    const auto message = std::make_unique<SipMessage>();
    ASSERT_EQ(parse_message(text, {}, *message), ParseStatus::Complete);
    const auto found = challenges_of(*message);
    ASSERT_EQ(found.size(), 1u);
    EXPECT_EQ(found[0].realm, code == 401 ? "door" : "way");
    EXPECT_EQ(next_nonce_of(*message), "later");
  }
}

TEST(Digest, EscapesAUserNameAndNeverWritesControls) {
  const std::string text = "Digest realm=\"r\", nonce=\"n\"";
  EXPECT_NE(digest_credentials(parsed(text)[0], {"a\"b", "p"}, {"OPTIONS", "sip:x"}, {}).find("\"a\\\"b\""),
            std::string::npos);
  EXPECT_TRUE(digest_credentials(parsed(text)[0], {"a\r\nb", "p"}, {"OPTIONS", "sip:x"}, {}).empty());
}

}  // namespace
}  // namespace sallyport::sip

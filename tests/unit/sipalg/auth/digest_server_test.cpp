// digest_server_test.cpp — Digest as a server: RFC 7616 §3.3, §3.4; RFC 8760; threats I1, I2, P12.
#include "sipalg/auth/digest_server.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/support/message_builder.h"

namespace sallyport::sip {
namespace {

constexpr HashKey kKey{11, 12};
constexpr std::string_view kRealm = "example.com";
constexpr std::string_view kUri = "sip:example.com";

class DigestServerTest : public testing::Test {
 protected:
  DigestServerTest() {
    alice.user = "alice";
    alice.ha1_md5 = "ae7914636bb60b37a9441871cf572389";  // of alice:example.com:alice-secret
    alice.ha1_sha256 = "1c733d942b955c362d40a0aa27c63f0d5543d51e0a655f9b1c6fab041493ee5d";
  }
  // The challenge as a client reads it.
  DigestChallenges challenges(const std::string& lines) {
    message_bytes =
        "SIP/2.0 401 Unauthorized\r\nVia: SIP/2.0/UDP 198.18.1.2;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\n"
        "To: <sip:a@b>;tag=2\r\nCall-ID: x\r\nCSeq: 1 REGISTER\r\n" +
        lines + "\r\n";
    EXPECT_EQ(parse_message(message_bytes, {}, message), ParseStatus::Complete);
    return challenges_of(message);
  }
  // Parses the credentials out of a REGISTER.
  std::optional<DigestAnswer> answer_of(const std::string& value) {
    request_bytes = tests::MessageBuilder("REGISTER").uri(kUri).line("Authorization: " + value).build();
    EXPECT_EQ(parse_message(request_bytes, {}, request), ParseStatus::Complete);
    return digest_answer_of(request, kRealm);
  }
  std::string credentials(const DigestChallenge& challenge, std::string_view password = "alice-secret",
                          std::uint32_t count = 1) {
    return digest_credentials(challenge, {"alice", password}, {"REGISTER", kUri}, {"client", count});
  }
  DigestVerdict verify(const std::string& value, const RegistrarUser* user) {
    const auto answer = answer_of(value);
    if (!answer) return DigestVerdict::Missing;
    return server.verify({now, source}, *answer, {"REGISTER", kUri}, user, use);
  }

  DigestServer server{kKey};
  RegistrarUser alice;
  Timestamp now{std::chrono::hours(1)};
  Endpoint source = *parse_endpoint("198.18.1.20:40000", 0);
  NonceUse use;
  SipMessage message, request;
  std::string message_bytes, request_bytes;
};

// RFC 8760 §2.4
TEST_F(DigestServerTest, OffersSha256BeforeMd5) {
  const auto offered = challenges(server.challenge(now, source, kRealm, false));
  ASSERT_EQ(offered.size(), 2u);
  EXPECT_EQ(offered[0].algorithm, DigestAlgorithm::Sha256);
  EXPECT_EQ(offered[1].algorithm, DigestAlgorithm::Md5);
  EXPECT_EQ(offered[0].realm, kRealm);
  EXPECT_EQ(offered[0].qop, DigestQop::Auth);
  EXPECT_FALSE(offered[0].is_stale);
}

TEST_F(DigestServerTest, OffersOnlyWhatUsersHaveHashesFor) {
  const DigestServer only_md5(kKey, {.has_md5 = true, .has_sha256 = false});
  const auto offered = challenges(only_md5.challenge(now, source, kRealm, false));
  ASSERT_EQ(offered.size(), 1u);
  EXPECT_EQ(offered[0].algorithm, DigestAlgorithm::Md5);
}

// For those whose request leaves no room for more. Threats R4
TEST_F(DigestServerTest, AShortChallengeIsOneThatCanBeAnswered) {
  const std::string line = server.short_challenge(now, source, kRealm, false);
  EXPECT_LE(line.size(), 120u);
  const auto offered = challenges(line);
  ASSERT_EQ(offered.size(), 1u);
  EXPECT_EQ(offered[0].algorithm, DigestAlgorithm::Md5);
  EXPECT_EQ(verify(credentials(offered[0]), &alice), DigestVerdict::Right);
  const DigestServer only_sha256(kKey, {.has_md5 = false, .has_sha256 = true});
  const auto other = challenges(only_sha256.short_challenge(now, source, kRealm, true));
  ASSERT_EQ(other.size(), 1u);
  EXPECT_EQ(other[0].algorithm, DigestAlgorithm::Sha256);
  EXPECT_TRUE(other[0].is_stale);
}

TEST_F(DigestServerTest, TakesARightAnswerOfEitherAlgorithm) {
  const auto offered = challenges(server.challenge(now, source, kRealm, false));
  EXPECT_EQ(verify(credentials(offered[0]), &alice), DigestVerdict::Right);
  use = {};
  EXPECT_EQ(verify(credentials(offered[1]), &alice), DigestVerdict::Right);
}

TEST_F(DigestServerTest, RefusesAWrongPasswordAndAnUnknownUserAlike) {
  const auto offered = challenges(server.challenge(now, source, kRealm, false));
  EXPECT_EQ(verify(credentials(offered[0], "guess"), &alice), DigestVerdict::Wrong);
  EXPECT_EQ(verify(credentials(offered[0]), nullptr), DigestVerdict::Wrong);
  EXPECT_EQ(use.nonce, 0u) << "nothing was used";
}

TEST_F(DigestServerTest, RefusesAUserWithoutAHashForTheAlgorithm) {
  const auto offered = challenges(server.challenge(now, source, kRealm, false));
  alice.ha1_sha256.clear();
  EXPECT_EQ(verify(credentials(offered[0]), &alice), DigestVerdict::Wrong);
  EXPECT_EQ(verify(credentials(offered[1]), &alice), DigestVerdict::Right);
}

// Threats I1
TEST_F(DigestServerTest, TakesEachCountOfANonceOnce) {
  const auto offered = challenges(server.challenge(now, source, kRealm, false));
  const std::string first = credentials(offered[0], "alice-secret", 1);
  EXPECT_EQ(verify(first, &alice), DigestVerdict::Right);
  EXPECT_EQ(verify(first, &alice), DigestVerdict::Stale);
  EXPECT_EQ(verify(credentials(offered[0], "alice-secret", 2), &alice), DigestVerdict::Right);
  EXPECT_EQ(verify(credentials(offered[0], "alice-secret", 5), &alice), DigestVerdict::Right);
  EXPECT_EQ(verify(credentials(offered[0], "alice-secret", 4), &alice), DigestVerdict::Stale);
}

TEST_F(DigestServerTest, HoldsANonceForAFewMinutes) {
  const auto offered = challenges(server.challenge(now, source, kRealm, false));
  now += kNonceLasts;
  EXPECT_EQ(verify(credentials(offered[0]), &alice), DigestVerdict::Right);
  now += 1ns;
  EXPECT_EQ(verify(credentials(offered[0], "alice-secret", 2), &alice), DigestVerdict::Stale);
}

// A password is never measured against a nonce that the source did not get from us: no failure can be made up
// for another source, and no guess is free.
TEST_F(DigestServerTest, LooksAtNoPasswordWithoutANonceForThatSource) {
  const auto offered = challenges(server.challenge(now, source, kRealm, false));
  const std::string right = credentials(offered[0]), wrong = credentials(offered[0], "guess");
  source = *parse_endpoint("198.18.1.21:40000", 0);
  EXPECT_EQ(verify(right, &alice), DigestVerdict::Stale);
  EXPECT_EQ(verify(wrong, &alice), DigestVerdict::Stale);
  source = *parse_endpoint("198.18.1.20:50000", 0);
  EXPECT_EQ(verify(right, &alice), DigestVerdict::Right) << "a NAT may change the port";
}

TEST_F(DigestServerTest, TakesNoNonceThatWasTouchedOrMadeUnderAnotherKey) {
  const std::string lines = server.challenge(now, source, kRealm, false);
  const auto offered = challenges(lines);
  const std::string nonce(offered[0].nonce);
  for (std::size_t at = 0; at < nonce.size(); at += 7) {
    std::string touched = nonce;
    touched[at] = touched[at] == '0' ? '1' : '0';
    EXPECT_EQ(server.nonce_number(now, source, kRealm, touched), 0u) << at;
  }
  EXPECT_NE(server.nonce_number(now, source, kRealm, nonce), 0u);
  EXPECT_EQ(server.nonce_number(now, source, "example.net", nonce), 0u);
  EXPECT_EQ(DigestServer({1, 2}).nonce_number(now, source, kRealm, nonce), 0u);
  EXPECT_EQ(server.nonce_number(now - 1s, source, kRealm, nonce), 0u) << "of the future";
  EXPECT_EQ(server.nonce_number(now, source, kRealm, ""), 0u);
}

TEST_F(DigestServerTest, RefusesAnAnswerForAnotherUri) {
  const auto offered = challenges(server.challenge(now, source, kRealm, false));
  const std::string other = digest_credentials(offered[0], {"alice", "alice-secret"},
                                               {"REGISTER", "sip:example.org"}, {"client", 1});
  EXPECT_EQ(verify(other, &alice), DigestVerdict::Wrong);
  const std::string same = digest_credentials(offered[0], {"alice", "alice-secret"},
                                              {"REGISTER", "sip:EXAMPLE.com;transport=udp"}, {"client", 1});
  EXPECT_EQ(verify(same, &alice), DigestVerdict::Right) << "which means the same place";
}

// RFC 2069's form can be replayed for as long as the nonce holds.
TEST_F(DigestServerTest, AsksAgainWhereNothingSaysHowOftenTheNonceWasUsed) {
  auto offered = challenges(server.challenge(now, source, kRealm, false));
  DigestChallenge old = offered[1];
  old.qop = DigestQop::None;
  EXPECT_EQ(verify(credentials(old), &alice), DigestVerdict::Missing);
}

TEST_F(DigestServerTest, ReadsOnlyCredentialsThatAreWholeAndSayEachParameterOnce) {
  const std::string whole =
      "Digest username=\"alice\", realm=\"example.com\", nonce=\"abc\", uri=\"sip:example.com\", "
      "response=\"0f\", "
      "cnonce=\"c\", qop=auth, nc=0000000a, algorithm=SHA-256";
  const auto answer = answer_of(whole);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->user, "alice");
  EXPECT_EQ(answer->count, 10u);
  EXPECT_EQ(answer->algorithm, DigestAlgorithm::Sha256);
  EXPECT_EQ(answer->qop, DigestQop::Auth);
  for (const char* const extra :
       {"username=\"bob\"", "nonce=\"x\"", "nc=00000001", "algorithm=MD5", "qop=auth",
        "realm=\"example.com\"", "cnonce=\"d\"", "response=\"1\"", "uri=\"sip:x\""})
    EXPECT_FALSE(answer_of(whole + ", " + extra)) << extra;
  for (const char* const broken :
       {"", "Digest", "Basic YTpi", "Digest username=\"alice\"", "Digest username=alice,", "Digest =x",
        "Digest username=\"alice, realm=\"example.com\""})
    EXPECT_FALSE(answer_of(broken)) << broken;
  EXPECT_FALSE(
      answer_of("Digest username=\"alice\", realm=\"example.net\", nonce=\"a\", uri=\"b\", response=\"c\""));
  EXPECT_FALSE(answer_of(whole.substr(0, whole.find("nc=")) + "nc=1")) << "eight digits";
  EXPECT_FALSE(answer_of(whole.substr(0, whole.rfind("SHA")) + "MD5-sess"));
}

TEST(NonceUses, RememberTheLastNoncesAndTakeOlderOnesForUsedUp) {
  NonceUses uses;
  for (std::uint64_t nonce = 101; nonce <= 100 + NonceUses::kMax; ++nonce) uses.keep({nonce, 3});
  EXPECT_EQ(uses.look_up(101)->count, 3u);
  ASSERT_TRUE(uses.look_up(50)) << "never seen, and nothing was pushed out";
  uses.keep({200, 1});
  EXPECT_FALSE(uses.look_up(101));
  EXPECT_FALSE(uses.look_up(50));
  EXPECT_EQ(uses.look_up(102)->count, 3u);
  EXPECT_EQ(uses.look_up(200)->count, 1u);
  EXPECT_EQ(uses.look_up(300)->count, 0u);
  uses.keep({200, 2});
  EXPECT_EQ(uses.look_up(200)->count, 2u);
  EXPECT_TRUE(uses.look_up(102));
}

TEST(FindUser, PrefersTheUserOfThatDomain) {
  const RegistrarUsers users{{.user = "alice", .domain = "", .ha1_md5 = "any", .ha1_sha256 = {}},
                             {.user = "alice", .domain = "b.example", .ha1_md5 = "b", .ha1_sha256 = {}},
                             {.user = "bob", .domain = "b.example", .ha1_md5 = "bob", .ha1_sha256 = {}}};
  EXPECT_EQ(find_user(users, "alice", "b.example")->ha1_md5, "b");
  EXPECT_EQ(find_user(users, "alice", "c.example")->ha1_md5, "any");
  EXPECT_EQ(find_user(users, "bob", "c.example"), nullptr);
  EXPECT_EQ(find_user(users, "carol", "b.example"), nullptr);
}

}  // namespace
}  // namespace sallyport::sip

// Which challenges are answered, with what, and how often: RFC 3261 §22; RFC 8760 §2.4; threats I3.
#include "sipalg/auth/peer_credentials.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>

namespace sallyport::sip {
namespace {

std::string between(const std::string& text, const std::string& from, const std::string& to) {
  const std::size_t at = text.find(from);
  if (at == std::string::npos) return "none";
  return text.substr(at + from.size(), text.find(to, at + from.size()) - at - from.size());
}

class PeerCredentialsTest : public testing::Test {
 protected:
  PeerCredentialsTest() {
    config.peers.resize(3);
    config.peers[0].name = "carrier";
    config.peers[0].credentials = {
        {.digest_realm = "example.net", .user = "trunk1", .password_file = {}, .password = "secret"}};
    config.peers[1].name = "pbx";
    config.peers[2].name = "any";
    config.peers[2].credentials = {
        {.digest_realm = "", .user = "whoever", .password_file = {}, .password = "word"},
        {.digest_realm = "special", .user = "exact", .password_file = {}, .password = "word"}};
    credentials.adopt(config);
  }
  std::string answer(PeerIndex peer, int code, const std::string& challenges, unsigned met = 0) {
    text_ = "SIP/2.0 " + std::to_string(code) +
            " No\r\nVia: SIP/2.0/UDP a;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\n"
            "To: <sip:c@d>;tag=2\r\nCall-ID: x\r\nCSeq: 1 INVITE\r\n" +
            challenges + "\r\n";
    EXPECT_EQ(parse_message(text_, {}, *message_), ParseStatus::Complete);
    return credentials.answer(peer, *message_, subject, met);
  }
  static std::string www(const std::string& rest) { return "WWW-Authenticate: Digest " + rest + "\r\n"; }

  SbcConfig config;
  PeerCredentials credentials{config, HashKey{1, 2}};
  const DigestSubject subject{"INVITE", "sip:bob@198.18.2.2"};

 private:
  std::string text_;
  std::unique_ptr<SipMessage> message_ = std::make_unique<SipMessage>();
};

// Threats I3
TEST_F(PeerCredentialsTest, AnswersOnlyAPeerThatHasCredentialsForThatVeryRealm) {
  const std::string ours = www("realm=\"example.net\", nonce=\"n\"");
  EXPECT_NE(answer(PeerIndex{0}, 401, ours), "");
  EXPECT_EQ(answer(PeerIndex{1}, 401, ours), "");
  EXPECT_EQ(answer(PeerIndex::kNone, 401, ours), "");
  EXPECT_EQ(answer(PeerIndex{77}, 401, ours), "");
  EXPECT_EQ(answer(PeerIndex{0}, 401, www("realm=\"EXAMPLE.net\", nonce=\"n\"")), "");
  EXPECT_EQ(answer(PeerIndex{0}, 401, www("realm=\"example.net.evil\", nonce=\"n\"")), "");
  EXPECT_EQ(answer(PeerIndex{0}, 401, www("realm=\"\", nonce=\"n\"")), "");
  EXPECT_EQ(answer(PeerIndex{0}, 407, ours), "") << "the field of another code";
  EXPECT_EQ(credentials.lines_for(PeerIndex{1}, subject), "");
}

TEST_F(PeerCredentialsTest, TakesTheCredentialOfTheRealmBeforeTheOneForAny) {
  EXPECT_EQ(between(answer(PeerIndex{2}, 401, www("realm=\"special\", nonce=\"n\"")), "username=\"", "\""),
            "exact");
  EXPECT_EQ(between(answer(PeerIndex{2}, 401, www("realm=\"other\", nonce=\"n\"")), "username=\"", "\""),
            "whoever");
}

// RFC 8760 §2.4
TEST_F(PeerCredentialsTest, TakesTheStrongestAlgorithmThatIsOffered) {
  const std::string line =
      answer(PeerIndex{0}, 401,
             www("realm=\"example.net\", nonce=\"a\", algorithm=MD5, qop=\"auth\"") +
                 www("realm=\"example.net\", nonce=\"b\", algorithm=SHA-512-256, "
                     "qop=\"auth\"") +
                 www("realm=\"example.net\", nonce=\"c\", algorithm=SHA-256, qop=\"auth\""));
  EXPECT_EQ(between(line, "nonce=\"", "\""), "b");
  EXPECT_NE(line.find("algorithm=SHA-512-256"), std::string::npos);
  EXPECT_TRUE(line.starts_with("Authorization: Digest "));
  EXPECT_TRUE(line.ends_with("\r\n"));
}

// RFC 7616 §3.4: nc
TEST_F(PeerCredentialsTest, SendsCredentialsAtOnceNextTimeAndCounts) {
  const std::string first = answer(
      PeerIndex{0}, 407, "Proxy-Authenticate: Digest realm=\"example.net\", nonce=\"n\", qop=\"auth\"\r\n");
  EXPECT_TRUE(first.starts_with("Proxy-Authorization: "));
  EXPECT_EQ(between(first, "nc=", "\r\n"), "00000001");
  const std::string second = credentials.lines_for(PeerIndex{0}, subject);
  EXPECT_EQ(between(second, "nc=", "\r\n"), "00000002");
  EXPECT_NE(between(first, "cnonce=\"", "\""), between(second, "cnonce=\"", "\""));
  EXPECT_EQ(between(second, "nonce=\"", "\""), "n");
}

// RFC 7616 §3.3
TEST_F(PeerCredentialsTest, TriesOnceMoreWhenTheNonceIsStaleAndNotWhenThePasswordIsWrong) {
  const std::string door = "realm=\"example.net\", qop=\"auth\", nonce=";
  EXPECT_NE(answer(PeerIndex{0}, 401, www(door + "\"1\""), 0), "");
  const std::string again = answer(PeerIndex{0}, 401, www(door + "\"2\", stale=TRUE"), 1);
  EXPECT_EQ(between(again, "nonce=\"", "\""), "2");
  EXPECT_EQ(between(again, "nc=", "\r\n"), "00000001");
  EXPECT_EQ(answer(PeerIndex{0}, 401, www(door + "\"3\", stale=true"), 2), "");
  EXPECT_NE(answer(PeerIndex{0}, 401, www(door + "\"4\""), 0), "");
  EXPECT_EQ(answer(PeerIndex{0}, 401, www(door + "\"5\""), 1), "");
  EXPECT_EQ(credentials.lines_for(PeerIndex{0}, subject), "") << "what was refused is not sent again";
}

TEST_F(PeerCredentialsTest, AnswersTheProxyAndTheServerBehindIt) {
  EXPECT_NE(answer(PeerIndex{2}, 407, "Proxy-Authenticate: Digest realm=\"way\", nonce=\"p\"\r\n", 0), "");
  const std::string both = answer(PeerIndex{2}, 401, www("realm=\"door\", nonce=\"s\""), 1);
  EXPECT_NE(both.find("Proxy-Authorization: Digest username=\"whoever\", realm=\"way\""), std::string::npos);
  EXPECT_NE(both.find("\r\nProxy-Authorization"), std::string::npos);
  EXPECT_TRUE(both.starts_with("Authorization: Digest username=\"whoever\", realm=\"door\""));
}

// RFC 7616 §3.5
TEST_F(PeerCredentialsTest, TakesTheNextNonceThatASuccessNames) {
  ASSERT_NE(answer(PeerIndex{0}, 401, www("realm=\"example.net\", nonce=\"1\", qop=\"auth\"")), "");
  const std::string text =
      "SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP a;branch=z9hG4bK1\r\nFrom: <sip:a@b>;tag=1\r\n"
      "To: <sip:c@d>;tag=2\r\nCall-ID: x\r\nCSeq: 1 OPTIONS\r\n"
      "Authentication-Info: nextnonce=\"fresh\"\r\n\r\n";
  const auto message = std::make_unique<SipMessage>();
  ASSERT_EQ(parse_message(text, {}, *message), ParseStatus::Complete);
  credentials.on_success(PeerIndex{0}, *message);
  const std::string line = credentials.lines_for(PeerIndex{0}, subject);
  EXPECT_EQ(between(line, "nonce=\"", "\""), "fresh");
  EXPECT_EQ(between(line, "nc=", "\r\n"), "00000001");
}

TEST_F(PeerCredentialsTest, KeepsTheFirstCnonceOfASession) {
  const std::string first =
      answer(PeerIndex{0}, 401, www("realm=\"example.net\", nonce=\"1\", algorithm=MD5-sess, qop=\"auth\""));
  const std::string second = credentials.lines_for(PeerIndex{0}, subject);
  EXPECT_EQ(between(first, "cnonce=\"", "\""), between(second, "cnonce=\"", "\""));
  EXPECT_NE(between(first, "response=\"", "\""), between(second, "response=\"", "\""));
}

class PeerCredentialsReload : public PeerCredentialsTest {
 protected:
  static constexpr const char* kDoor = "realm=\"example.net\", nonce=\"n\", qop=\"auth\"";
  [[nodiscard]] std::string count(PeerIndex peer = PeerIndex{0}) {
    return between(credentials.lines_for(peer, subject), "nc=", "\r\n");
  }
};

TEST_F(PeerCredentialsReload, APeerWithTheSameCredentialsGoesOnCounting) {
  ASSERT_NE(answer(PeerIndex{0}, 401, www(kDoor)), "");
  SbcConfig next = config;
  next.peers[0].is_retired = true;  // calls through it go on
  next.peers.emplace_back().name = "new";
  next.peers[3].credentials = next.peers[0].credentials;
  credentials.adopt(next);
  EXPECT_EQ(count(), "00000002");
  EXPECT_TRUE(credentials.has_any(PeerIndex{3}));
  EXPECT_EQ(credentials.lines_for(PeerIndex{3}, subject), "") << "it has not asked yet";
}

TEST_F(PeerCredentialsReload, OtherCredentialsBeginAnewAndAnswerTheNextChallenge) {
  ASSERT_NE(answer(PeerIndex{0}, 401, www(kDoor)), "");
  SbcConfig next = config;
  next.peers[0].credentials[0].password = "other";
  credentials.adopt(next);
  EXPECT_EQ(credentials.lines_for(PeerIndex{0}, subject), "");
  const std::string line = answer(PeerIndex{0}, 401, www(kDoor));
  EXPECT_EQ(between(line, "nc=", "\r\n"), "00000001");
  next.peers[0].credentials.clear();
  credentials.adopt(next);
  EXPECT_FALSE(credentials.has_any(PeerIndex{0}));
  EXPECT_EQ(answer(PeerIndex{0}, 401, www(kDoor)), "") << "refused, though the request went out before";
}

// Threats I3
TEST_F(PeerCredentialsReload, APeerInThePlaceOfAnotherHasNothingOfIt) {
  ASSERT_NE(answer(PeerIndex{0}, 401, www(kDoor)), "");
  SbcConfig next = config;
  next.peers[0].name = "carrier-2";
  credentials.adopt(next);
  EXPECT_EQ(credentials.lines_for(PeerIndex{0}, subject), "") << "not even with the same password";
  next.peers[0].name = "carrier-3";
  next.peers[0].credentials[0].digest_realm = "other.net";
  credentials.adopt(next);
  EXPECT_EQ(answer(PeerIndex{0}, 401, www(kDoor)), "");
}

TEST_F(PeerCredentialsReload, OnesOfAPeerAloneAreOfNoOther) {
  PeerCredentials own(PeerIndex{0}, config.peers[0], HashKey{3, 4});
  EXPECT_TRUE(own.has_any(PeerIndex{0}));
  EXPECT_FALSE(own.has_any(PeerIndex{2}));
  EXPECT_FALSE(PeerCredentials(PeerIndex{1}, config.peers[1], HashKey{3, 4}).has_any(PeerIndex{1}));
}

}  // namespace
}  // namespace sallyport::sip

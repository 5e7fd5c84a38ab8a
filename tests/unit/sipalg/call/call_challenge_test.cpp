// Requests of calls that meet a challenge: answered for the configured peer of that leg alone. RFC 3261 §22;
// threats I3, D4.
#include "tests/support/call_fixture.h"

namespace sallyport::tests {
namespace {

constexpr std::string_view kDoor =
    "WWW-Authenticate: Digest realm=\"pbx.example\", nonce=\"n1\", algorithm=SHA-256, qop=\"auth\"\r\n";
constexpr std::string_view kWay =
    "Proxy-Authenticate: Digest realm=\"pbx.example\", nonce=\"p1\", qop=\"auth\"\r\n";

class CallChallenge : public testing::Test, protected CallFixture {
 protected:
  CallChallenge() {
    config.peers[1].credentials = {
        {.digest_realm = "pbx.example", .user = "trunk1", .password_file = {}, .password = "secret"}};
  }
  SentMessage call_to_pbx() { return only(from_carrier(invite().build()), "INVITE"); }
  // What the PBX and the caller see when the INVITE is refused with that.
  std::vector<SentMessage> challenge(const SentMessage& request, int code, std::string_view field) {
    return from(request.path.remote, answer(request, code, "refusal", field));
  }
};

// RFC 3261 §22.2, §8.1.3.5, §17.1.1.3
TEST_F(CallChallenge, TheInviteGoesOutOnceMoreWithCredentialsAndIsTheSameInAllElse) {
  const SentMessage first = call_to_pbx();
  EXPECT_EQ(first.header("Authorization"), "");
  const auto sent = challenge(first, 401, kDoor);
  ASSERT_EQ(sent.size(), 2u);
  EXPECT_EQ(sent[0].method(), "ACK");
  EXPECT_EQ(sent[0].header("Via"), first.header("Via"));
  const SentMessage& again = sent[1];
  EXPECT_EQ(again.method(), "INVITE");
  EXPECT_EQ(again.uri(), first.uri());
  EXPECT_EQ(again.header("Call-ID"), first.header("Call-ID"));
  EXPECT_EQ(again.header("From"), first.header("From"));
  EXPECT_EQ(again.header("To"), first.header("To"));
  EXPECT_EQ(again.header("CSeq"), "2 INVITE");
  EXPECT_NE(again.header("Via"), first.header("Via"));
  EXPECT_EQ(again.body(), first.body());
  const std::string credentials = again.header("Authorization");
  EXPECT_NE(
      credentials.find("username=\"trunk1\", realm=\"pbx.example\", nonce=\"n1\", uri=\"" + again.uri()),
      std::string::npos);
  EXPECT_NE(credentials.find("algorithm=SHA-256"), std::string::npos);
  EXPECT_EQ(again.bytes.find("secret"), std::string::npos);
}

TEST_F(CallChallenge, ACallThatWasChallengedIsUpAndItsAckCarriesTheCredentials) {
  const SentMessage again = challenge(call_to_pbx(), 407, kWay).back();
  EXPECT_NE(again.header("Proxy-Authorization"), "");
  const auto ringing = from(pbx, answer(again, 180, "pbxtag", "Contact: <sip:desk@198.18.2.2>\r\n"));
  EXPECT_TRUE(holds(ringing, "180"));
  (void)from(pbx, answer(again, 200, "pbxtag", "Contact: <sip:desk@198.18.2.2>\r\n", kSdp));
  ok_out = only(journal(), "200");
  const auto acked = from_carrier(in_dialog("ACK", 1, ok_out));
  const SentMessage ack = only(acked, "ACK");
  EXPECT_EQ(ack.header("CSeq"), "2 ACK");
  EXPECT_EQ(ack.header("Proxy-Authorization"), again.header("Proxy-Authorization"));
  ASSERT_EQ(records(CallRecordType::Start).size(), 1u);
  EXPECT_EQ(records(CallRecordType::Start)[0].tried.size(), 1u) << "one try, not two";
}

// RFC 3261 §22.1: within dialogs too
TEST_F(CallChallenge, AByeAndAReinviteThatAreChallengedGoOutOnceMore) {
  config.peers[0].credentials = {{.digest_realm = "", .user = "out", .password_file = {}, .password = "s"}};
  set_up_call();
  const SentMessage update = only(from_pbx(in_dialog("INVITE", 101, invite_out, "", kSdp)), "INVITE");
  const auto sent = challenge(update, 401, "WWW-Authenticate: Digest realm=\"any\", nonce=\"1\"\r\n");
  const SentMessage again = only(sent, "INVITE");
  EXPECT_NE(again.header("Authorization").find("username=\"out\""), std::string::npos);
  EXPECT_NE(again.header("CSeq"), update.header("CSeq"));
  EXPECT_FALSE(holds(sent, "403"));
  EXPECT_TRUE(holds(from_carrier(answer(again, 488, "")), "488"));
  const SentMessage bye = only(from_pbx(in_dialog("BYE", 102, invite_out)), "BYE");
  EXPECT_NE(bye.header("Authorization"), "") << "at once, with the nonce that is known";
  const SentMessage bye_again =
      only(challenge(bye, 401, "WWW-Authenticate: Digest realm=\"any\", nonce=\"2\", stale=true\r\n"), "BYE");
  EXPECT_NE(bye_again.header("Authorization").find("nonce=\"2\""), std::string::npos);
  (void)from_carrier(answer(bye_again, 200, ""));
  (void)journal();
  (void)wait(40s);
  EXPECT_EQ(calls(), 0u);
}

// Threats I3: CVE-2021-41158
TEST_F(CallChallenge, AChallengeOfAnyoneElseIsAFailureAndNeverCrosses) {
  config.peers[1].credentials[0].digest_realm = "upstream";
  const SentMessage first = call_to_pbx();
  const auto sent = challenge(first, 401, kDoor);
  EXPECT_FALSE(holds(sent, "INVITE"));
  const SentMessage refused = only(sent, "403");
  EXPECT_EQ(refused.bytes.find("Authenticate"), std::string::npos);
  EXPECT_EQ(refused.bytes.find("pbx.example"), std::string::npos);
  ASSERT_EQ(records(CallRecordType::End).size(), 1u);
  EXPECT_EQ(records(CallRecordType::End)[0].tried.back().code, 401);
}

// Threats I3: the caller's side has no right to what is meant for the PBX
TEST_F(CallChallenge, TheCallersPeerGetsNoCredentialsOfTheOtherOne) {
  config.peers[1].credentials[0].digest_realm.clear();
  set_up_call();
  const SentMessage bye = only(from_pbx(in_dialog("BYE", 102, invite_out)), "BYE");
  const auto sent = challenge(bye, 401, kDoor);
  EXPECT_FALSE(holds(sent, "BYE"));
  for (const SentMessage& message : sent) EXPECT_EQ(message.bytes.find("trunk1"), std::string::npos);
}

TEST_F(CallChallenge, AWrongPasswordEndsTheTryAfterOneMoreRequest) {
  const SentMessage again = only(challenge(call_to_pbx(), 401, kDoor), "INVITE");
  const auto sent = challenge(again, 401, kDoor);
  EXPECT_FALSE(holds(sent, "INVITE"));
  EXPECT_TRUE(holds(sent, "403"));
}

TEST_F(CallChallenge, AStaleNonceIsAnsweredOnceMoreButNotForEver) {
  const std::string stale = "WWW-Authenticate: Digest realm=\"pbx.example\", nonce=\"n2\", stale=true\r\n";
  const SentMessage second = only(challenge(call_to_pbx(), 401, kDoor), "INVITE");
  const SentMessage third = only(challenge(second, 401, stale), "INVITE");
  EXPECT_EQ(third.header("CSeq"), "3 INVITE");
  const auto sent = challenge(third, 401, stale);
  EXPECT_FALSE(holds(sent, "INVITE"));
  EXPECT_TRUE(holds(sent, "403"));
}

// RFC 3261 §9.1
TEST_F(CallChallenge, ACancelMeansTheInviteThatWasSentOnceMore) {
  const std::string first = invite().build();
  const SentMessage out = only(from_carrier(first), "INVITE");
  const SentMessage again = only(challenge(out, 401, kDoor), "INVITE");
  (void)from(pbx, answer(again, 100, ""));
  const auto sent = from_carrier(cancel_of(first));
  const SentMessage cancel = only(sent, "CANCEL");
  EXPECT_EQ(cancel.header("Via"), again.header("Via"));
  EXPECT_EQ(cancel.header("CSeq"), "2 CANCEL");
  EXPECT_TRUE(holds(sent, "487"));
}

TEST_F(CallChallenge, AChallengeToACallThatWasCancelledIsNotAnswered) {
  const std::string first = invite().build();
  const SentMessage out = only(from_carrier(first), "INVITE");
  (void)from_carrier(cancel_of(first));
  const auto sent = challenge(out, 401, kDoor);
  EXPECT_FALSE(holds(sent, "INVITE"));
  EXPECT_TRUE(holds(sent, "ACK"));
}

TEST_F(CallChallenge, SilenceAfterAChallengeLeadsToTheNextTarget) {
  const SentMessage out = call_to_pbx();
  (void)from(pbx, answer(out, 100, ""));
  (void)only(challenge(out, 401, kDoor), "INVITE");
  const auto sent = wait(6s);
  bool is_tried = false;
  for (const SentMessage& message : sent)
    is_tried = is_tried || (message.method() == "INVITE" && message.path.remote == second_pbx);
  EXPECT_TRUE(is_tried);
}

TEST_F(CallChallenge, TheNextCallCarriesCredentialsAtOnce) {
  const SentMessage again = only(challenge(call_to_pbx(), 401, kDoor), "INVITE");
  (void)from(pbx, answer(again, 486, "busy"));
  const SentMessage next =
      only(from_carrier(
               invite().call_id("another").via("SIP/2.0/UDP 198.18.1.2:5060;branch=z9hG4bKother").build()),
           "INVITE");
  EXPECT_NE(next.header("Authorization").find("nc=00000002"), std::string::npos);
  EXPECT_EQ(next.header("CSeq"), "1 INVITE");
}

TEST_F(CallChallenge, AForgedChallengeGetsNothing) {
  const SentMessage out = call_to_pbx();
  const auto sent = from(second_pbx, answer(out, 401, "forged", kDoor));
  EXPECT_TRUE(sent.empty());
}

TEST_F(CallChallenge, TheCallGoesOnThroughARestartBetweenChallengeAndAnswer) {
  const SentMessage again = only(challenge(call_to_pbx(), 401, kDoor), "INVITE");
  restart();
  (void)from(pbx, answer(again, 200, "pbxtag", "Contact: <sip:desk@198.18.2.2>\r\n", kSdp));
  EXPECT_TRUE(holds(journal(), "200"));
}

TEST_F(CallChallenge, SilenceOfATargetIsToldToWhoWatchesOverHealth) {
  (void)call_to_pbx();
  (void)wait(6s);
  EXPECT_EQ((*board().targets_of(PeerIndex{1}))[0]->failures.load(std::memory_order_relaxed), 1u);
}

}  // namespace
}  // namespace sallyport::tests

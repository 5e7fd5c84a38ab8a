// call_dialog_test.cpp — requests within the dialogs of a call that is up, and its end: RFC 3261 §12.2, §14,
// §15; RFC 3311 §5.2; threats D11.
#include <gtest/gtest.h>

#include "tests/support/call_fixture.h"

namespace sallyport::sip {
namespace {

using tests::holds;
using tests::only;
using tests::SentMessage;

class CallDialogTest : public ::testing::Test, public tests::CallFixture {
 protected:
  void expect_nothing_left() {
    (void)wait(5min);
    EXPECT_EQ(calls(), 0u);
    EXPECT_EQ(engine().counters().transactions_active.value(), 0u);
  }
};

constexpr std::string_view kContact = "Contact: <sip:desk-contact@198.18.2.2:5060>\r\n";

TEST_F(CallDialogTest, ByesThatCrossAreBothAnsweredAndRecordedOnce) {
  set_up_call();
  const SentMessage to_pbx = only(from_carrier(in_dialog("BYE", 2, ok_out)), "BYE");
  EXPECT_TRUE(holds(from_pbx(in_dialog("BYE", 1, invite_out)), "200"));
  EXPECT_TRUE(holds(journal(), "200"));
  (void)from_pbx(answer(to_pbx, 481, ""));
  EXPECT_EQ(records(CallRecordType::End).size(), 1u);
  EXPECT_EQ(calls(), 0u);
  expect_nothing_left();
}

TEST_F(CallDialogTest, CalleeMayHangUpBeforeTheCallersAck) {
  const SentMessage out = only(from_carrier(invite().build()), "INVITE");
  invite_out = out;
  (void)from_pbx(answer(out, 200, "pbxtag", kContact, kSdp));
  ok_out = only(journal(), "200");
  const auto sent = from_pbx(in_dialog("BYE", 1, out));
  EXPECT_EQ(only(sent, "ACK").path.remote, pbx);
  EXPECT_FALSE(holds(sent, "BYE")) << "not before the ACK, RFC 3261 §15";
  EXPECT_TRUE(holds(journal(), "200"));
  const SentMessage bye = only(from_carrier(in_dialog("ACK", 1, ok_out)), "BYE");
  EXPECT_EQ(bye.path.remote, carrier);
  (void)from_carrier(answer(bye, 200, ""));
  EXPECT_EQ(records(CallRecordType::End).size(), 1u);
  expect_nothing_left();
}

TEST_F(CallDialogTest, CalleeMayHangUpBeforeTheAnswerHasLeft) {
  const SentMessage out = only(from_carrier(invite().build()), "INVITE");
  (void)from_pbx(answer(out, 200, "pbxtag", kContact, kSdp));
  const auto sent = from_pbx(in_dialog("BYE", 1, out));
  ok_out = only(sent, "200");
  EXPECT_EQ(ok_out.path.remote, carrier) << "the INVITE's";
  EXPECT_EQ(only(sent, "ACK").path.remote, pbx);
  EXPECT_EQ(only(journal(), "200").path.remote, pbx);
  EXPECT_EQ(only(from_carrier(in_dialog("ACK", 1, ok_out)), "BYE").path.remote, carrier);
  EXPECT_EQ(records(CallRecordType::Start).size(), 1u);
  EXPECT_EQ(records(CallRecordType::End).size(), 1u);
  expect_nothing_left();
}

// RFC 6026 §7.1: before its ACK the answer may have been lost, afterwards it can't have been.
TEST_F(CallDialogTest, InviteThatComesAgainIsAnsweredAgainUntilItsAckHasCome) {
  const std::string first = invite().build();
  const SentMessage out = only(from_carrier(first), "INVITE");
  (void)from_pbx(answer(out, 200, "pbxtag", kContact, kSdp));
  const SentMessage ok = only(journal(), "200");
  EXPECT_EQ(only(from_carrier(first), "200").bytes, ok.bytes);
  EXPECT_TRUE(holds(from_carrier(in_dialog("ACK", 1, ok)), "ACK"));
  EXPECT_TRUE(from_carrier(first).empty());
  EXPECT_EQ(calls(), 1u);
  (void)from_carrier(in_dialog("BYE", 2, ok));
  EXPECT_TRUE(holds(journal(), "200"));
  EXPECT_TRUE(from_carrier(first).empty());
}

TEST_F(CallDialogTest, ByeThatComesAgainIsAnsweredAgainWithTheSameBytes) {
  set_up_call();
  const std::string bye = in_dialog("BYE", 2, ok_out);
  (void)from_carrier(bye);
  EXPECT_TRUE(from_carrier(bye).empty()) << "its record is not on disk yet";
  const SentMessage ok = only(journal(), "200");
  const auto again = from_carrier(bye);
  ASSERT_EQ(again.size(), 1u);
  EXPECT_EQ(again[0].bytes, ok.bytes);
  EXPECT_EQ(records(CallRecordType::End).size(), 1u);
}

TEST_F(CallDialogTest, ByeThatNobodyAnswersIsGivenUp) {
  set_up_call();
  (void)from_carrier(in_dialog("BYE", 2, ok_out));
  EXPECT_TRUE(holds(journal(), "200"));
  expect_nothing_left();
}

// RFC 3261 §12.2.1.2
TEST_F(CallDialogTest, LostDialogEndsTheCallOnBothLegs) {
  set_up_call();
  const SentMessage info = only(from_carrier(in_dialog("INFO", 2, ok_out)), "INFO");
  const auto sent = from_pbx(answer(info, 481, ""));
  EXPECT_TRUE(holds(sent, "481"));
  EXPECT_TRUE(holds(sent, "BYE"));
  EXPECT_EQ(records(CallRecordType::End)[0].end_reason, "dialog_lost");
  expect_nothing_left();
}

TEST_F(CallDialogTest, ReInviteThatIsRefusedChangesNothing) {
  set_up_call();
  const std::string again = in_dialog("INVITE", 2, ok_out, {}, kSdp);
  const SentMessage out = only(from_carrier(again), "INVITE");
  const auto sent = from_pbx(answer(out, 488, ""));
  EXPECT_TRUE(holds(sent, "ACK"));
  const SentMessage refused = only(sent, "488");
  EXPECT_TRUE(from_carrier(ack_of(again, refused)).empty());
  EXPECT_TRUE(wait(1min).empty());
  EXPECT_EQ(calls(), 1u);
  EXPECT_TRUE(holds(from_carrier(in_dialog("INVITE", 3, ok_out, {}, kSdp)), "INVITE"));
}

TEST_F(CallDialogTest, ReInviteMayBeCancelled) {
  set_up_call();
  const std::string again = in_dialog("INVITE", 2, ok_out, {}, kSdp);
  const SentMessage out = only(from_carrier(again), "INVITE");
  (void)from_pbx(answer(out, 180, ""));
  const auto sent = from_carrier(cancel_of(again));
  EXPECT_TRUE(holds(sent, "200"));
  EXPECT_TRUE(holds(sent, "CANCEL"));
  EXPECT_TRUE(holds(from_pbx(answer(out, 487, "")), "487"));
  EXPECT_EQ(calls(), 1u);
}

// RFC 3261 §16.8
TEST_F(CallDialogTest, ReInviteThatIsOnlyTriedIsCancelledInTheEnd) {
  set_up_call();
  const SentMessage out = only(from_carrier(in_dialog("INVITE", 2, ok_out)), "INVITE");
  (void)from_pbx(answer(out, 100, ""));
  EXPECT_FALSE(holds(wait(3min), "CANCEL"));
  EXPECT_TRUE(holds(wait(2s), "CANCEL"));
  EXPECT_TRUE(holds(from_pbx(answer(out, 487, "")), "487"));
  EXPECT_EQ(calls(), 1u);
}

TEST_F(CallDialogTest, CallThatEndsDuringAReInviteAnswersAndCancelsIt) {
  set_up_call();
  const SentMessage out = only(from_carrier(in_dialog("INVITE", 2, ok_out, {}, kSdp)), "INVITE");
  (void)from_pbx(answer(out, 100, ""));
  const auto sent = from_pbx(in_dialog("BYE", 1, invite_out));
  EXPECT_EQ(only(sent, "487").path.remote, carrier);
  EXPECT_EQ(only(sent, "CANCEL").path.remote, pbx);
  EXPECT_EQ(only(sent, "BYE").path.remote, carrier);
  const auto late = from_pbx(answer(out, 200, "", kContact, kSdp));
  EXPECT_EQ(late.size(), 1u);
  EXPECT_TRUE(holds(late, "ACK"));
  EXPECT_EQ(records(CallRecordType::End).size(), 1u);
  expect_nothing_left();
}

// RFC 3261 §13.3.1.4
TEST_F(CallDialogTest, AnswerToAReInviteIsRepeatedUntilItsAck) {
  set_up_call();
  const SentMessage out = only(from_carrier(in_dialog("INVITE", 2, ok_out, {}, kSdp)), "INVITE");
  const std::string answered = answer(out, 200, "", kContact, kSdp);
  ASSERT_TRUE(holds(from_pbx(answered), "200"));
  EXPECT_TRUE(holds(wait(1s), "200"));
  EXPECT_TRUE(from_pbx(answered).empty()) << "no ACK of the caller's yet";
  const SentMessage ack = only(from_carrier(in_dialog("ACK", 2, ok_out)), "ACK");
  EXPECT_EQ(ack.header("CSeq"), "2 ACK");
  const auto again = from_pbx(answered);
  ASSERT_EQ(again.size(), 1u);
  EXPECT_EQ(again[0].bytes, ack.bytes);
  EXPECT_TRUE(wait(1min).empty());
}

TEST_F(CallDialogTest, BodiesOfInfoMessageAndNotifyPassUntouched) {
  set_up_call();
  constexpr std::string_view kBody = "Signal=5\r\nDuration=160\r\no=198.18.1.2 \x01\x02\xff";
  unsigned cseq = 2;
  for (const char* method : {"INFO", "MESSAGE", "NOTIFY"}) {
    std::string text =
        in_dialog(method, cseq++, ok_out, "Event: presence\r\nSubscription-State: active\r\n", kBody);
    text.replace(text.find("application/sdp"), 15, "application/dtmf-relay");
    const SentMessage out = only(from_carrier(text), method);
    EXPECT_EQ(out.body(), kBody);
    EXPECT_EQ(out.header("Content-Type"), "application/dtmf-relay");
    EXPECT_TRUE(holds(from_pbx(answer(out, 200, "")), "200"));
  }
}

TEST_F(CallDialogTest, ChallengeOfTheFarSideIsNeverPassedOn) {
  set_up_call();
  const SentMessage info = only(from_carrier(in_dialog("INFO", 2, ok_out)), "INFO");
  const auto sent =
      from_pbx(answer(info, 401, "", "WWW-Authenticate: Digest realm=\"inside\", nonce=\"n\"\r\n"));
  const SentMessage refused = only(sent, "403");
  EXPECT_EQ(refused.bytes.find("Authenticate"), std::string::npos);
}

// RFC 3326
TEST_F(CallDialogTest, ReasonOfAByeGoesOnAndIntoTheRecord) {
  set_up_call();
  const SentMessage bye =
      only(from_carrier(in_dialog(
               "BYE", 2, ok_out,
               "Reason: SIP ;cause=200 ;text=\"secret\", Q.850 ;cause=34 ;text=\"198.18.1.2\"\r\n")),
           "BYE");
  EXPECT_NE(bye.bytes.find("Q.850;cause=34"), std::string::npos) << bye.bytes;
  EXPECT_EQ(bye.bytes.find("198.18.1.2"), std::string::npos);
  EXPECT_EQ(bye.bytes.find("secret"), std::string::npos);
  EXPECT_EQ(records(CallRecordType::End)[0].q850, 34);
}

TEST_F(CallDialogTest, AnswerToAByeWaitsForTheDiskATenthOfASecondAtMost) {
  set_up_call();
  (void)from_carrier(in_dialog("BYE", 2, ok_out));
  EXPECT_TRUE(wait(99ms).empty());
  EXPECT_EQ(only(wait(3ms), "200").path.remote, carrier);
  (void)journal();
  expect_nothing_left();
}

struct Expectation {
  const char* method;
  const char* trying;    // within the early dialog, from the caller
  const char* answered;  // when the call is up
  const char* ended;     // while the BYE to the other side is open
};

// Every method has its answer in every state. "<name>": passed on. Threats D11
constexpr Expectation kMatrix[] = {
    {"INVITE", "491", "INVITE", "481"},
    {"UPDATE", "UPDATE", "UPDATE", "481"},
    {"INFO", "INFO", "INFO", "481"},
    {"OPTIONS", "OPTIONS", "OPTIONS", "481"},
    {"MESSAGE", "MESSAGE", "MESSAGE", "481"},
    {"NOTIFY", "NOTIFY", "NOTIFY", "481"},
    {"BYE", "200", "BYE", "200"},
    {"REFER", "491", "400", "481"},
    {"PRACK", "481", "481", "481"},
    {"SUBSCRIBE", "405", "405", "481"},
    {"PUBLISH", "405", "405", "481"},
    {"REGISTER", "405", "405", "481"},
    {"FROBNICATE", "405", "405", "481"},
};

TEST(CallDialogMatrix, EveryMethodIsAnsweredInEveryStateWithAndWithoutABody) {
  for (const Expectation& expected : kMatrix)
    for (const std::string_view body : {std::string_view{}, tests::CallFixture::kSdp}) {
      tests::CallFixture trying;
      const SentMessage out = only(trying.from_carrier(trying.invite().build()), "INVITE");
      const SentMessage ringing = only(trying.from_pbx(trying.answer(out, 180, "pbxtag", kContact)), "180");
      const bool offers = std::string_view(expected.method) == "UPDATE" && !body.empty();
      EXPECT_TRUE(holds(trying.from_carrier(trying.in_dialog(expected.method, 2, ringing, {}, body)),
                        offers ? "500" : expected.trying))
          << expected.method << " while it rings";
      tests::CallFixture up;
      up.set_up_call();
      EXPECT_TRUE(
          holds(up.from_carrier(up.in_dialog(expected.method, 2, up.ok_out, {}, body)), expected.answered))
          << expected.method << " when it is up";
      tests::CallFixture ended;
      ended.set_up_call();
      (void)ended.from_carrier(ended.in_dialog("BYE", 2, ended.ok_out));
      (void)ended.journal();
      EXPECT_TRUE(holds(ended.from_carrier(ended.in_dialog(expected.method, 3, ended.ok_out, {}, body)),
                        expected.ended))
          << expected.method << " when it has ended";
      for (tests::CallFixture* fixture : {&trying, &up, &ended}) {
        (void)fixture->wait(5min);
        (void)fixture->wait(5h);
        EXPECT_EQ(fixture->calls(), 0u) << expected.method;
      }
    }
}

}  // namespace
}  // namespace sallyport::sip

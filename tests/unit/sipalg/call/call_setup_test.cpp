// call_setup_test.cpp — what a call may meet before it is answered: RFC 3261 §9, §12.1, §13.2.2.4, §16.6,
// §16.7, §16.8; RFC 3311.
#include <gtest/gtest.h>

#include <set>

#include "tests/support/call_fixture.h"

namespace sallyport::sip {
namespace {

using tests::holds;
using tests::only;
using tests::SentMessage;

class CallSetupTest : public ::testing::Test, public tests::CallFixture {
 protected:
  SentMessage begin() {
    invite_bytes = invite().build();
    invite_out = only(from_carrier(invite_bytes), "INVITE");
    return invite_out;
  }
  void expect_nothing_left() {
    (void)wait(5min);
    EXPECT_EQ(calls(), 0u);
    EXPECT_EQ(engine().counters().transactions_active.value(), 0u);
    EXPECT_FALSE(engine().next_deadline().has_value());
  }
  std::string invite_bytes;
};

constexpr std::string_view kContact = "Contact: <sip:desk-contact@198.18.2.2:5060>\r\n";

std::size_t count_of(const std::vector<SentMessage>& sent, std::string_view what) {
  std::size_t count = 0;
  for (const SentMessage& message : sent)
    count += (message.is_request() ? message.method() : std::to_string(message.status())) == what ? 1u : 0u;
  return count;
}

// RFC 3261 §12.1.2, §13.2.2.1
TEST_F(CallSetupTest, EachForkOfTheCalleeIsADialogOfItsOwnForTheCaller) {
  const SentMessage out = begin();
  std::set<std::string> tags;
  for (const char* fork : {"one", "two", "three"}) {
    const auto ringing = only(from_pbx(answer(out, 180, fork, kContact)), "180");
    const auto again = only(from_pbx(answer(out, 183, fork, kContact, kSdp)), "183");
    EXPECT_EQ(ringing.header("To"), again.header("To")) << fork;
    tags.insert(ringing.header("To"));
  }
  EXPECT_EQ(tags.size(), 3u);
  (void)from_pbx(answer(out, 200, "two", kContact, kSdp));
  const SentMessage ok = only(journal(), "200");
  EXPECT_EQ(tags.count(ok.header("To")), 1u);
  callee_tag = "two";
  const SentMessage ack = only(from_carrier(in_dialog("ACK", 1, ok)), "ACK");
  EXPECT_NE(ack.header("To").find(";tag=two"), std::string::npos);
}

// RFC 3261 §13.2.2.4
TEST_F(CallSetupTest, SecondAnswerOfAForkIsAcknowledgedAndEndedWhileTheFirstLivesOn) {
  const SentMessage out = begin();
  (void)from_pbx(answer(out, 200, "one", kContact, kSdp));
  const SentMessage ok = only(journal(), "200");
  (void)from_carrier(in_dialog("ACK", 1, ok));
  const auto sent = from_pbx(answer(out, 200, "two", kContact, kSdp));
  EXPECT_EQ(sent.size(), 2u);
  EXPECT_NE(only(sent, "ACK").header("To").find(";tag=two"), std::string::npos);
  const SentMessage bye = only(sent, "BYE");
  EXPECT_NE(bye.header("To").find(";tag=two"), std::string::npos);
  EXPECT_EQ(bye.header("CSeq"), "1002 BYE") << "above any PRACK that its early dialog may have had";
  (void)from_pbx(answer(bye, 200, ""));
  EXPECT_EQ(calls(), 1u);
  const auto again = from_pbx(answer(out, 200, "one", kContact, kSdp));
  ASSERT_EQ(again.size(), 1u);
  EXPECT_NE(only(again, "ACK").header("To").find(";tag=one"), std::string::npos);
}

TEST_F(CallSetupTest, AnswerOfANinthForkIsTakenThoughEightRing) {
  const SentMessage out = begin();
  for (int fork = 0; fork < 8; ++fork) (void)from_pbx(answer(out, 180, "f" + std::to_string(fork), kContact));
  (void)from_pbx(answer(out, 200, "ninth", kContact, kSdp));
  const SentMessage ok = only(journal(), "200");
  callee_tag = "ninth";
  EXPECT_TRUE(holds(from_carrier(in_dialog("ACK", 1, ok)), "ACK"));
}

// RFC 3261 §16.6 step 11, §16.8: timer C runs from the moment that the INVITE leaves.
TEST_F(CallSetupTest, TargetThatSaysOnly100DoesNotHoldTheCallForEver) {
  const SentMessage out = begin();
  EXPECT_TRUE(from_pbx(answer(out, 100, "")).empty());
  const auto sent = wait(4min);
  EXPECT_TRUE(holds(sent, "CANCEL"));
  EXPECT_EQ(only(sent, "INVITE").path.remote, second_pbx);
  expect_nothing_left();
  EXPECT_EQ(records(CallRecordType::End).size(), 1u);
}

TEST_F(CallSetupTest, RingTimeEndsTheCallWhicheverTargetRings) {
  config.peers[1].profile.timers.ring = 30s;
  const SentMessage out = begin();
  (void)from_pbx(answer(out, 180, "one", kContact));
  (void)wait(20s);
  const SentMessage second = only(from_pbx(answer(out, 503, "one")), "INVITE");
  (void)from(second_pbx, answer(second, 180, "two", kContact));
  const auto sent = wait(11s);
  EXPECT_TRUE(holds(sent, "408"));
  EXPECT_EQ(only(sent, "CANCEL").path.remote, second_pbx);
  (void)from(second_pbx, answer(second, 487, "two"));
  ASSERT_EQ(records(CallRecordType::End).size(), 1u);
  EXPECT_EQ(records(CallRecordType::End)[0].end_reason, "ring_time");
  EXPECT_EQ(records(CallRecordType::End)[0].result, CallResult::NoAnswer);
  expect_nothing_left();
}

TEST_F(CallSetupTest, EarlyMediaTimeEndsTheCall) {
  config.peers[1].profile.timers.early_media = 20s;
  const SentMessage out = begin();
  (void)from_pbx(answer(out, 183, "one", kContact, kSdp));
  const auto sent = wait(21s);
  EXPECT_TRUE(holds(sent, "408"));
  EXPECT_TRUE(holds(sent, "CANCEL"));
  EXPECT_EQ(records(CallRecordType::End)[0].end_reason, "early_media_time");
  expect_nothing_left();
}

TEST_F(CallSetupTest, CallTimeEndsBothLegs) {
  config.peers[0].profile.timers.call = 1min;
  set_up_call();
  const auto sent = wait(61s);
  EXPECT_EQ(count_of(sent, "BYE"), 4u) << "two, each sent again once in the last second";
  EXPECT_EQ(records(CallRecordType::End)[0].end_reason, "call_time");
  expect_nothing_left();
}

// RFC 3261 §9.1: the silent target is cancelled when it speaks; its late answer is ended.
TEST_F(CallSetupTest, SilentTargetThatAnswersLateNeverRingsBesideTheNext) {
  const SentMessage first = begin();
  const auto sent = wait(5100ms);
  const SentMessage second = only(sent, "INVITE");
  SentMessage next;
  for (const SentMessage& message : sent)
    if (message.method() == "INVITE" && message.path.remote == second_pbx) next = message;
  ASSERT_EQ(next.path.remote, second_pbx);
  const auto cancelled = from_pbx(answer(first, 180, "late", kContact));
  ASSERT_EQ(cancelled.size(), 1u) << "nothing of it reaches the caller";
  EXPECT_EQ(cancelled[0].method(), "CANCEL");
  const auto ended = from_pbx(answer(first, 200, "late", kContact, kSdp));
  EXPECT_EQ(only(ended, "ACK").path.remote, pbx);
  const SentMessage bye = only(ended, "BYE");
  (void)from_pbx(answer(bye, 200, ""));
  (void)from(second_pbx, answer(next, 200, "right", kContact, kSdp));
  EXPECT_EQ(only(journal(), "200").path.remote, carrier);
  EXPECT_EQ(calls(), 1u);
}

TEST_F(CallSetupTest, CallerMayUpdateOrSendInfoInAnEarlyDialog) {
  const SentMessage out = begin();
  const SentMessage ringing = only(from_pbx(answer(out, 183, "pbxtag", kContact, kSdp)), "183");
  const SentMessage update = only(from_carrier(in_dialog("UPDATE", 2, ringing)), "UPDATE");
  EXPECT_EQ(update.path.remote, pbx);
  EXPECT_EQ(update.header("CSeq"), "2 UPDATE");
  const SentMessage ok = only(from_pbx(answer(update, 200, "", kContact, kSdp)), "200");
  EXPECT_EQ(ok.header("CSeq"), "2 UPDATE");
  EXPECT_EQ(ok.body(), "") << "an answer that nobody asked for";
  EXPECT_EQ(only(from_pbx(in_dialog("UPDATE", 1, out)), "UPDATE").path.remote, carrier);
  // RFC 3261 §14.2: no re-INVITE before the first one is answered.
  EXPECT_TRUE(holds(from_carrier(in_dialog("INVITE", 3, ringing, {}, kSdp)), "491"));
}

// RFC 3311 §5.2: the INVITE's offer has had no answer that counts.
TEST_F(CallSetupTest, UpdateMayNotOfferWhileTheInvitesOfferWaits) {
  const SentMessage out = begin();
  const SentMessage ringing = only(from_pbx(answer(out, 183, "pbxtag", kContact, kSdp)), "183");
  EXPECT_EQ(only(from_carrier(in_dialog("UPDATE", 2, ringing, {}, kSdp)), "500").header("Retry-After"), "1");
  EXPECT_TRUE(holds(from_pbx(in_dialog("UPDATE", 1, out, {}, kSdp)), "491"));
}

TEST_F(CallSetupTest, RequestThatAnEarlyDialogStillOwesIsAnsweredWhenTheCallFails) {
  const SentMessage out = begin();
  const SentMessage ringing = only(from_pbx(answer(out, 183, "pbxtag", kContact, kSdp)), "183");
  ASSERT_TRUE(holds(from_carrier(in_dialog("UPDATE", 2, ringing)), "UPDATE"));
  const auto sent = from_carrier(cancel_of(invite_bytes));
  EXPECT_EQ(count_of(sent, "487"), 2u) << "of the UPDATE and of the INVITE";
  (void)from_pbx(answer(out, 487, "pbxtag"));
  expect_nothing_left();
}

TEST_F(CallSetupTest, RequestThatALostForkOwesIsAnsweredWhenAnotherForkAnswers) {
  const SentMessage out = begin();
  const SentMessage ringing = only(from_pbx(answer(out, 183, "one", kContact, kSdp)), "183");
  ASSERT_TRUE(holds(from_carrier(in_dialog("UPDATE", 2, ringing)), "UPDATE"));
  auto sent = from_pbx(answer(out, 200, "two", kContact, kSdp));
  EXPECT_TRUE(holds(sent, "481") || holds(sent, "487"));
  const SentMessage ok = only(journal(), "200");
  callee_tag = "two";
  EXPECT_TRUE(holds(from_carrier(in_dialog("ACK", 1, ok)), "ACK"));
  const SentMessage update = only(from_carrier(in_dialog("UPDATE", 3, ok, {}, kSdp)), "UPDATE");
  EXPECT_NE(update.header("To").find("tag=two"), std::string::npos);
}

TEST_F(CallSetupTest, CallerMayEndAnEarlyDialogWithByeAndTheCalleeMayNot) {
  const SentMessage out = begin();
  const SentMessage ringing = only(from_pbx(answer(out, 180, "pbxtag", kContact)), "180");
  EXPECT_TRUE(holds(from_pbx(in_dialog("BYE", 1, out)), "403"));  // RFC 3261 §15
  const auto sent = from_carrier(in_dialog("BYE", 2, ringing));
  EXPECT_TRUE(holds(sent, "200"));
  EXPECT_TRUE(holds(sent, "487"));
  EXPECT_TRUE(holds(sent, "CANCEL"));
  (void)from_pbx(answer(out, 487, "pbxtag"));
  expect_nothing_left();
}

// RFC 3261 §18.4
TEST_F(CallSetupTest, UnreachableTargetIsSkippedAtOnce) {
  const SentMessage out = begin();
  EngineOutput output;
  engine().on_unreachable(now, out.path, output);
  bool tried = false;
  for (const SendMessage& send : output.sends()) tried |= send.path.remote == second_pbx;
  EXPECT_TRUE(tried);
}

TEST_F(CallSetupTest, RingingWithoutATagOrAContactIsPassedOnAndTheAnswerTakesItsPlace) {
  const SentMessage out = begin();
  const SentMessage ringing = only(from_pbx(answer(out, 180, "")), "180");
  (void)from_pbx(answer(out, 200, "pbxtag", kContact, kSdp));
  EXPECT_EQ(only(journal(), "200").header("To"), ringing.header("To"));
}

TEST_F(CallSetupTest, AnswerWithoutAContactCannotMakeACall) {
  const SentMessage out = begin();
  const auto sent = from_pbx(answer(out, 200, "pbxtag", {}, kSdp));
  EXPECT_TRUE(holds(sent, "502"));
  EXPECT_TRUE(holds(sent, "ACK"));
  EXPECT_TRUE(holds(sent, "BYE"));
  EXPECT_TRUE(records(CallRecordType::Start).empty());
  expect_nothing_left();
}

TEST_F(CallSetupTest, SdpMayComeLate) {
  invite_bytes = invite().body("", "").build();
  const SentMessage out = only(from_carrier(invite_bytes), "INVITE");
  EXPECT_EQ(out.body(), "");
  (void)from_pbx(answer(out, 200, "pbxtag", kContact, kSdp));
  const SentMessage ok = only(journal(), "200");
  EXPECT_NE(ok.body(), "");
  const SentMessage ack = only(from_carrier(in_dialog("ACK", 1, ok, {}, kSdp)), "ACK");
  EXPECT_NE(ack.body().find("m=audio"), std::string::npos);
  EXPECT_EQ(ack.body().find("alice"), std::string::npos);
}

// RFC 3261 §9.2: no effect on an INVITE that was answered, whether or not the answer has left.
TEST_F(CallSetupTest, CancelAfterTheAnswerChangesNothing) {
  const SentMessage out = begin();
  (void)from_pbx(answer(out, 200, "pbxtag", kContact, kSdp));
  const auto sent = from_carrier(cancel_of(invite_bytes));
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_EQ(sent[0].header("CSeq"), "1 CANCEL");
  ok_out = only(journal(), "200");
  EXPECT_EQ(from_carrier(cancel_of(invite_bytes)).size(), 1u);
  EXPECT_TRUE(holds(from_carrier(in_dialog("ACK", 1, ok_out)), "ACK"));
  EXPECT_EQ(calls(), 1u);
}

TEST_F(CallSetupTest, CancelAfterAFailureChangesNothing) {
  const SentMessage out = begin();
  const SentMessage busy = only(from_pbx(answer(out, 486, "x")), "486");
  const auto sent = from_carrier(cancel_of(invite_bytes));
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_EQ(sent[0].status(), 200);
  EXPECT_TRUE(from_carrier(ack_of(invite_bytes, busy)).empty());
  EXPECT_TRUE(wait(1min).empty()) << "the 486 is acknowledged";
  EXPECT_EQ(records(CallRecordType::End).size(), 1u);
}

TEST_F(CallSetupTest, FailureIsSentAgainUntilItsAck) {
  const SentMessage out = begin();
  const SentMessage busy = only(from_pbx(answer(out, 486, "x")), "486");
  EXPECT_TRUE(holds(wait(600ms), "486"));
  EXPECT_TRUE(holds(from_carrier(invite_bytes), "486"));
  EXPECT_TRUE(from_carrier(ack_of(invite_bytes, busy)).empty());
  EXPECT_TRUE(wait(1min).empty());
}

// What a dialog could not be made of is the sender's fault, and the answer says so. RFC 3261 §21.4.1
TEST_F(CallSetupTest, InviteThatCannotMakeADialogGets400AndIsToldWhy) {
  unsigned number = 0;
  const auto refused = [&](const auto& change) {
    const std::string n = std::to_string(++number);
    auto built =
        invite().call_id("bad" + n).via("SIP/2.0/UDP 198.18.1.2:5060;branch=z9hG4bKbad" + n + ";rport");
    const auto sent = from_carrier(change(built).build());
    EXPECT_EQ(sent.size(), 1u);
    EXPECT_EQ(sent.at(0).header("Retry-After"), "");
    return sent.at(0).bytes.substr(0, sent.at(0).bytes.find('\r'));
  };
  for (const std::string value : {"<sip:198.18.1.9;lr", "<tel:+15551234567>", "<sip:a>, ,", ""})
    EXPECT_EQ(refused([&](auto& built) { return built.line("Record-Route: " + value); }),
              "SIP/2.0 400 Bad Record-Route")
        << value;
  EXPECT_EQ(refused([](auto& built) { return built.contact("<tel:+15551234567>"); }),
            "SIP/2.0 400 Bad Contact");
  EXPECT_EQ(calls(), 0u);
}

TEST_F(CallSetupTest, RecordRouteOfARequestWithinADialogIsNotNeeded) {
  set_up_call();
  const std::string line = "Record-Route: <sip:198.18.1.9;lr\r\n";
  EXPECT_TRUE(holds(from_carrier(in_dialog("INFO", 2, ok_out, line)), "INFO"));
  EXPECT_TRUE(holds(from_carrier(in_dialog("BYE", 3, ok_out, line)), "BYE"));
}

}  // namespace
}  // namespace sallyport::sip

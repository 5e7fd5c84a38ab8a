// call_flow_test.cpp — a call from INVITE to BYE through the B2BUA: RFC 3261 §13, §14, §15, §9.
#include <gtest/gtest.h>

#include "tests/support/call_fixture.h"

namespace sallyport::sip {
namespace {

using tests::holds;
using tests::only;
using tests::SentMessage;

class CallFlowTest : public ::testing::Test, public tests::CallFixture {};

constexpr std::string_view kContact = "Contact: <sip:desk-contact@198.18.2.2:5060>\r\n";

TEST_F(CallFlowTest, InviteGets100AndLeavesForTheRoutesTargetWithNamesOfItsOwn) {
  const auto sent = from_carrier(invite().build());
  EXPECT_EQ(only(sent, "100").path.remote, carrier);
  EXPECT_EQ(only(sent, "100").header("To"), "<sip:+15551234567@198.18.1.1>");
  const SentMessage out = only(sent, "INVITE");
  EXPECT_EQ(out.path.remote, pbx);
  EXPECT_EQ(out.path.local, (Endpoint{*IpAddress::parse("198.18.2.1"), 5060}));
  EXPECT_EQ(out.uri().find("sip:+15551234567@198.18.2.2"), 0u);
  EXPECT_EQ(out.header("Max-Forwards"), "69");
  EXPECT_EQ(out.header("CSeq"), "1 INVITE");
  EXPECT_EQ(out.header("Subject"), "lunch");
  for (const char* secret : {"198.18.1", "callertag", "callerbranch", "near-call-id", "near-agent",
                             "alice-contact", "secret-subject", "2890844526"})
    EXPECT_EQ(out.bytes.substr(0, out.bytes.find("\r\n\r\n")).find(secret), std::string::npos) << secret;
  EXPECT_EQ(out.body().find("secret-subject"), std::string::npos);
}

TEST_F(CallFlowTest, WholeCallLeavesOneStartAndOneEndRecordAndNothingBehind) {
  set_up_call();
  ASSERT_EQ(records(CallRecordType::Start).size(), 1u);
  EXPECT_EQ(records(CallRecordType::Start)[0].peer_out, "pbx");
  now += 10s;
  auto sent = from_carrier(in_dialog("BYE", 2, ok_out));
  EXPECT_FALSE(holds(sent, "200")) << "the record must be on disk first";
  const SentMessage bye = only(sent, "BYE");
  EXPECT_EQ(bye.path.remote, pbx);
  EXPECT_EQ(bye.uri(), "sip:desk-contact@198.18.2.2:5060");
  EXPECT_EQ(bye.header("CSeq"), "2 BYE");
  EXPECT_EQ(only(journal(), "200").path.remote, carrier);
  (void)from_pbx(answer(bye, 200, ""));
  const auto ends = records(CallRecordType::End);
  ASSERT_EQ(ends.size(), 1u);
  EXPECT_EQ(ends[0].result, CallResult::Answered);
  EXPECT_EQ(ends[0].ended_by, EndedBy::Caller);
  EXPECT_EQ(*ends[0].end - *ends[0].answer, 10s);
  EXPECT_EQ(calls(), 0u);
  (void)wait(5min);
  EXPECT_EQ(engine().counters().transactions_active.value(), 0u);
}

// The 200 to the caller waits for the journal for 100 ms at most, and then an alarm says so.
TEST_F(CallFlowTest, AnswerLeavesWithoutTheJournalWhenTheDiskStalls) {
  const SentMessage out = only(from_carrier(invite().build()), "INVITE");
  EXPECT_TRUE(from_pbx(answer(out, 200, "pbxtag", kContact, kSdp)).empty());
  EXPECT_TRUE(wait(99ms).empty());
  EXPECT_TRUE(holds(wait(3ms), "200"));
  bool alarm = false;
  for (const EngineEvent& event : events)
    if (const auto* raised = std::get_if<AlarmEvent>(&event.what)) alarm = raised->name == "journal_slow";
  EXPECT_TRUE(alarm);
}

// RFC 3261 §9.2
TEST_F(CallFlowTest, CancelEndsTheCallerAtOnceAndTheCalleeAsSoonAsItHasSpoken) {
  const std::string original = invite().build();
  const SentMessage out = only(from_carrier(original), "INVITE");
  const std::string cancel = invite().body("", "").build();
  std::string text = cancel;
  text.replace(0, 6, "CANCEL");
  text.replace(text.find("CSeq: 1 INVITE"), 14, "CSeq: 1 CANCEL");
  auto sent = from_carrier(text);
  EXPECT_TRUE(holds(sent, "200"));
  EXPECT_TRUE(holds(sent, "487"));
  EXPECT_FALSE(holds(sent, "CANCEL")) << "no 1xx has come yet, RFC 3261 §9.1";
  sent = from_pbx(answer(out, 180, "pbxtag"));
  const SentMessage cancelled = only(sent, "CANCEL");
  EXPECT_EQ(cancelled.header("Via"), out.header("Via"));
  (void)from_pbx(answer(cancelled, 200, "pbxtag"));
  sent = from_pbx(answer(out, 487, "pbxtag"));
  EXPECT_TRUE(holds(sent, "ACK"));
  EXPECT_EQ(calls(), 0u);
  ASSERT_EQ(records(CallRecordType::End).size(), 1u);
  EXPECT_EQ(records(CallRecordType::End)[0].result, CallResult::Cancelled);
}

// Threats D4: a late 200 to a cancelled INVITE is acknowledged and ended.
TEST_F(CallFlowTest, LateAnswerAfterCancelGetsAckAndBye) {
  const SentMessage out = only(from_carrier(invite().build()), "INVITE");
  (void)from_pbx(answer(out, 180, "pbxtag"));
  std::string text = invite().body("", "").build();
  text.replace(0, 6, "CANCEL");
  text.replace(text.find("CSeq: 1 INVITE"), 14, "CSeq: 1 CANCEL");
  (void)from_carrier(text);
  const std::string late = answer(out, 200, "pbxtag", kContact, kSdp);
  const auto sent = from_pbx(late);
  EXPECT_EQ(only(sent, "ACK").header("CSeq"), "1 ACK");
  const SentMessage bye = only(sent, "BYE");
  EXPECT_EQ(bye.header("To"), out.header("To") + ";tag=pbxtag");
  const auto again = from_pbx(late);
  EXPECT_TRUE(holds(again, "ACK"));
  EXPECT_FALSE(holds(again, "BYE"));
  EXPECT_TRUE(records(CallRecordType::Start).empty());
}

TEST_F(CallFlowTest, NextTargetIsTriedOnAConfiguredCodeAndOnSilence) {
  const SentMessage first = only(from_carrier(invite().build()), "INVITE");
  auto sent = from_pbx(answer(first, 503, "x"));
  EXPECT_TRUE(holds(sent, "ACK"));
  const SentMessage second = only(sent, "INVITE");
  EXPECT_EQ(second.path.remote, second_pbx);
  EXPECT_NE(second.header("Call-ID"), first.header("Call-ID"));
  sent = wait(6s);
  const SentMessage refusal = only(sent, "408");
  EXPECT_EQ(refusal.path.remote, carrier);
  ASSERT_EQ(records(CallRecordType::End).size(), 1u);
  const CallRecord record = records(CallRecordType::End)[0];
  ASSERT_EQ(record.tried.size(), 2u);
  EXPECT_EQ(record.tried[0].code, 503);
  EXPECT_EQ(record.tried[1].code, 408);
}

TEST_F(CallFlowTest, BusyGoesBackInOurOwnWords) {
  const SentMessage out = only(from_carrier(invite().build()), "INVITE");
  const auto sent =
      from_pbx(answer(out, 486, "x", "Warning: 399 pbx.inside \"10.1.1.1 busy\"\r\nServer: pbx\r\n"));
  const SentMessage refusal = only(sent, "486");
  EXPECT_EQ(refusal.bytes.find("Far words"), std::string::npos);
  EXPECT_EQ(refusal.bytes.find("10.1.1.1"), std::string::npos);
  EXPECT_EQ(refusal.header("Server"), "");
  EXPECT_EQ(records(CallRecordType::End)[0].result, CallResult::Busy);
}

TEST_F(CallFlowTest, ReInviteIsPassedOnAndItsAckToo) {
  set_up_call();
  auto sent = from_pbx(in_dialog("INVITE", 7, invite_out, {}, kSdp));
  EXPECT_TRUE(holds(sent, "100"));
  const SentMessage out = only(sent, "INVITE");
  EXPECT_EQ(out.path.remote, carrier);
  EXPECT_EQ(out.uri(), "sip:alice-contact@198.18.1.2:5060");
  sent = from_carrier(answer(out, 200, "", "Contact: <sip:alice-moved@198.18.1.2:5070>\r\n", kSdp));
  const SentMessage ok = only(sent, "200");
  EXPECT_EQ(ok.path.remote, pbx);
  EXPECT_EQ(ok.header("CSeq"), "7 INVITE");
  sent = from_pbx(in_dialog("ACK", 7, invite_out));
  EXPECT_EQ(only(sent, "ACK").uri(), "sip:alice-moved@198.18.1.2:5070");
}

// RFC 3261 §14.1, §14.2
TEST_F(CallFlowTest, ReInvitesFromBothSidesAtOnceGet491) {
  set_up_call();
  (void)from_pbx(in_dialog("INVITE", 7, invite_out, {}, kSdp));
  EXPECT_TRUE(holds(from_carrier(in_dialog("INVITE", 2, ok_out, {}, kSdp)), "491"));
  EXPECT_TRUE(holds(from_pbx(in_dialog("INVITE", 8, invite_out, {}, kSdp)), "500"));
}

// Threats D1: right names, wrong place.
TEST_F(CallFlowTest, ByeFromElsewhereEndsNothing) {
  set_up_call();
  EXPECT_TRUE(from(*parse_endpoint("198.18.2.77:5060", 0), in_dialog("BYE", 2, ok_out)).empty());
  EXPECT_TRUE(from(pbx, in_dialog("BYE", 2, ok_out)).empty());
  EXPECT_EQ(calls(), 1u);
  EXPECT_EQ(dropped(RealmIndex{1}, SipDropReason::ForgedRequest), 2u);
}

TEST_F(CallFlowTest, LowerCSeqGets500AndChangesNothing) {
  set_up_call();
  EXPECT_EQ(only(from_carrier(in_dialog("INFO", 9, ok_out)), "INFO").path.remote, pbx);
  EXPECT_TRUE(holds(from_carrier(in_dialog("BYE", 3, ok_out)), "500"));
  EXPECT_EQ(calls(), 1u);
}

// RFC 3261 §13.3.1.4
TEST_F(CallFlowTest, AnswerIsRepeatedUntilAckAndWithoutOneTheCallEnds) {
  const SentMessage out = only(from_carrier(invite().build()), "INVITE");
  (void)from_pbx(answer(out, 200, "pbxtag", kContact, kSdp));
  EXPECT_TRUE(holds(journal(), "200"));
  const auto sent = wait(40s);
  unsigned repeats = 0;
  for (const SentMessage& message : sent) repeats += message.status() == 200 ? 1 : 0;
  EXPECT_EQ(repeats, 10u);  // at 0.5, 1.5, 3.5, 7.5, then every 4 s up to 31.5
  EXPECT_TRUE(holds(sent, "ACK"));
  EXPECT_TRUE(holds(sent, "BYE"));
  ASSERT_EQ(records(CallRecordType::End).size(), 1u);
  EXPECT_EQ(records(CallRecordType::End)[0].end_reason, "no_ack");
}

TEST_F(CallFlowTest, UnmatchedNumberGets404) {
  EXPECT_TRUE(holds(from_carrier(invite().uri("sip:999@198.18.1.1").build()), "404"));
  EXPECT_EQ(calls(), 0u);
}

TEST_F(CallFlowTest, FullCallTableAnswers503AndTheCallsThatAreUpLiveOn) {
  settings.calls_max = 1;
  set_up_call();
  const auto sent = from_carrier(
      invite().call_id("second").via("SIP/2.0/UDP 198.18.1.2:5060;branch=z9hG4bKsecond;rport").build());
  EXPECT_NE(only(sent, "503").header("Retry-After"), "");
  EXPECT_EQ(calls(), 1u);
}

// A call that is up lives through a restart.
TEST_F(CallFlowTest, CallIsSavedAndRestored) {
  set_up_call();
  const auto saved = engine().save(now);
  ASSERT_EQ(saved.size(), 1u);
  CallFixture second;
  second.settings.table_key = {9, 9};
  ASSERT_TRUE(second.restore(saved[0].bytes));
  const auto sent = second.from_carrier(in_dialog("BYE", 2, ok_out));
  EXPECT_EQ(only(sent, "BYE").path.remote, pbx);
  for (std::size_t size = 0; size < saved[0].bytes.size(); size += 7) {
    CallFixture third;
    EXPECT_FALSE(third.restore(std::string_view(saved[0].bytes).substr(0, size)));
    EXPECT_EQ(third.calls(), 0u);
  }
}

// Threats D2: a CANCEL that knows the names but comes from elsewhere.
TEST_F(CallFlowTest, CancelFromElsewhereIsRefusedAndCountedAsForged) {
  const std::string bytes = invite().build();
  const SentMessage out = only(from_carrier(bytes), "INVITE");
  (void)from_pbx(answer(out, 180, "pbxtag"));
  const auto sent = from(*parse_endpoint("198.18.2.77:5060", 0), cancel_of(bytes));
  EXPECT_TRUE(holds(sent, "481"));
  EXPECT_FALSE(holds(sent, "CANCEL"));
  EXPECT_EQ(dropped(RealmIndex{1}, SipDropReason::ForgedRequest), 1u);
  EXPECT_EQ(
      engine().counters().detections.value(label_of(policy::Detector::ForgedRequest, DetectorAction::Reject)),
      1u);
  EXPECT_EQ(calls(), 1u);
  EXPECT_TRUE(holds(from_carrier(cancel_of(bytes)), "487")) << "the caller's own still counts";
  ASSERT_EQ(records(CallRecordType::End).size(), 1u);
  EXPECT_EQ(records(CallRecordType::End)[0].detections, std::vector<std::string>{"forged_request"});
}

TEST_F(CallFlowTest, CancelOfAReInviteFromElsewhereIsCountedToo) {
  set_up_call();
  const std::string again = in_dialog("INVITE", 2, ok_out, {}, kSdp);
  EXPECT_TRUE(holds(from_carrier(again), "INVITE"));
  const auto sent = from(*parse_endpoint("198.18.2.77:5060", 0), cancel_of(again));
  EXPECT_TRUE(holds(sent, "481"));
  EXPECT_EQ(dropped(RealmIndex{1}, SipDropReason::ForgedRequest), 1u);
}

TEST_F(CallFlowTest, CancelThatNamesNothingIsNoForgery) {
  EXPECT_TRUE(holds(from_carrier(cancel_of(invite().build())), "481"));
  EXPECT_EQ(dropped(RealmIndex{0}, SipDropReason::ForgedRequest), 0u);
}

}  // namespace
}  // namespace sallyport::sip

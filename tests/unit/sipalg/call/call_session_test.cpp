// call_session_test.cpp — session timers of both legs of a call, in virtual time: RFC 4028 §7 to §10.
#include <gtest/gtest.h>

#include "tests/support/call_fixture.h"

namespace sallyport::sip {
namespace {

using tests::holds;
using tests::only;
using tests::SentMessage;

constexpr std::string_view kContact = "Contact: <sip:desk-contact@198.18.2.2:5060>\r\n";

class CallSessionTest : public ::testing::Test, public tests::CallFixture {
 protected:
  // Up, with these further lines in the caller's INVITE and the callee's 2xx.
  void set_up(const std::string& asked, const std::string& answered) {
    tests::MessageBuilder request = invite();
    std::size_t at = 0;
    while (at < asked.size()) {
      const std::size_t end = asked.find("\r\n", at);
      request.line(asked.substr(at, end - at));
      at = end + 2;
    }
    invite_out = only(from_carrier(request.build()), "INVITE");
    (void)from_pbx(answer(invite_out, 200, "pbxtag", std::string(kContact) + answered, kSdp));
    ok_out = only(restarts_after_each_step ? wait(150ms) : journal(), "200");
    EXPECT_TRUE(holds(from_carrier(in_dialog("ACK", 1, ok_out)), "ACK"));
  }
  [[nodiscard]] std::string end_reason() const {
    const auto ends = records(CallRecordType::End);
    return ends.empty() ? "" : ends.back().end_reason;
  }
  void hang_up() {
    (void)from_pbx(in_dialog("BYE", 100, invite_out));
    (void)journal();
    (void)wait(1min);
    EXPECT_EQ(calls(), 0u);
    EXPECT_EQ(engine().counters().transactions_active.value(), 0u);
  }
};

const std::string kTheyAsk = "Supported: timer\r\nSession-Expires: 600;refresher=uac\r\n";
const std::string kWeAreToRefresh =
    "Allow: INVITE, UPDATE\r\nSupported: timer\r\nRequire: timer\r\nSession-Expires: 1200;refresher=uac\r\n";

TEST_F(CallSessionTest, EachLegIsNegotiatedApart) {
  set_up(kTheyAsk, "Session-Expires: 1200;refresher=uas\r\n");
  EXPECT_EQ(invite_out.header("Session-Expires"), "1800");
  EXPECT_EQ(invite_out.header("Min-SE"), "90");
  EXPECT_NE(invite_out.header("Supported").find("timer"), std::string::npos);
  EXPECT_EQ(ok_out.header("Session-Expires"), "600;refresher=uac");
  EXPECT_EQ(ok_out.header("Require"), "timer");
  hang_up();
}

// Its 2xx names no time, and came while that of the call waited for the disk: nobody refreshed the session
// any more, and the caller hung up. RFC 4028 §7.4, RFC 3311 §5.1
TEST_F(CallSessionTest, AnEarlyUpdateThatIsAnsweredBehindTheCallEndsNoTimer) {
  invite_out = only(from_carrier(invite()
                                     .line("Supported: 100rel, timer")
                                     .line("Allow: INVITE, ACK, BYE, PRACK, UPDATE")
                                     .line("Session-Expires: 600;refresher=uas")
                                     .build()),
                    "INVITE");
  const std::string reliable =
      std::string(kContact) + "Allow: INVITE, PRACK, UPDATE\r\nRequire: 100rel\r\nRSeq: 1\r\n";
  const SentMessage ringing = only(from_pbx(answer(invite_out, 183, "pbxtag", reliable, kSdp)), "183");
  const SentMessage prack =
      only(from_carrier(in_dialog("PRACK", 2, ringing, "RAck: " + ringing.header("RSeq") + " 1 INVITE\r\n")),
           "PRACK");
  (void)from_pbx(answer(prack, 200, ""));
  const std::string contact = "Contact: <sip:alice@198.18.1.2:5060>\r\n";
  const SentMessage update = only(from_carrier(in_dialog("UPDATE", 3, ringing, contact, kSdp)), "UPDATE");
  EXPECT_FALSE(holds(from_pbx(answer(invite_out, 200, "pbxtag", kContact)), "200")) << "it is not on disk";
  EXPECT_EQ(only(from_pbx(answer(update, 200, "", kContact, kSdp)), "200").header("Session-Expires"), "");
  ok_out = only(journal(), "200");
  EXPECT_EQ(ok_out.header("Session-Expires"), "600;refresher=uas");
  EXPECT_TRUE(holds(from_carrier(in_dialog("ACK", 1, ok_out)), "ACK"));
  const SentMessage refresh = only(wait(301s), "UPDATE");
  EXPECT_EQ(refresh.path.remote, carrier);
  (void)from_carrier(answer(refresh, 200, "", contact + "Session-Expires: 600;refresher=uac\r\n"));
  hang_up();
}

TEST_F(CallSessionTest, CallerWithoutTimersHasNone) {
  set_up("", "Session-Expires: 1200;refresher=uas\r\n");
  EXPECT_EQ(ok_out.header("Session-Expires"), "");
  EXPECT_EQ(ok_out.header("Require"), "");
  hang_up();
}

TEST_F(CallSessionTest, ProfileWithoutTimersSaysNothingOfThem) {
  for (PeerConfig& peer : config.peers) peer.profile.timers.session = 0s;
  set_up(kTheyAsk, "Session-Expires: 1200;refresher=uas\r\n");
  EXPECT_EQ(invite_out.header("Session-Expires"), "");
  EXPECT_EQ(invite_out.header("Supported").find("timer"), std::string::npos);
  EXPECT_EQ(ok_out.header("Session-Expires"), "");
  EXPECT_TRUE(wait(1h).empty());
  hang_up();
}

// RFC 4028 §9
TEST_F(CallSessionTest, TooSmallIntervalIsRefusedBeforeAnyTargetIsTried) {
  const auto sent = from_carrier(invite().line("Supported: timer").line("Session-Expires: 60").build());
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_EQ(sent[0].status(), 422);
  EXPECT_EQ(sent[0].header("Min-SE"), "90");
  EXPECT_EQ(calls(), 0u);
  EXPECT_TRUE(records(CallRecordType::End).empty());
}

// RFC 4028 §10
TEST_F(CallSessionTest, SideThatStopsRefreshingEndsTheCall) {
  set_up(kTheyAsk, "");
  EXPECT_TRUE(wait(567s).empty());
  const auto sent = wait(1400ms);
  EXPECT_EQ(sent.size(), 2u);
  EXPECT_TRUE(holds(sent, "BYE"));
  EXPECT_EQ(end_reason(), "session_expired");
  (void)wait(1min);
  EXPECT_EQ(calls(), 0u);
}

TEST_F(CallSessionTest, EmergencyCallIsNeverEndedByItsTimer) {
  config.emergency.numbers = {"+15551234567"};
  config.emergency.to = {RouteToPeer{"pbx"}};
  set_up(kTheyAsk, kWeAreToRefresh);
  const auto sent = wait(1h);
  EXPECT_FALSE(holds(sent, "BYE"));
  EXPECT_EQ(end_reason(), "");
  hang_up();
}

// RFC 4028 §7.4, RFC 3311: with nothing in it that the other leg would have to know.
TEST_F(CallSessionTest, UpdateOfTheirsIsAnsweredHereAndBeginsTheTimeAnew) {
  set_up(kTheyAsk, "");
  for (unsigned cseq = 2; cseq < 6; ++cseq) {
    EXPECT_TRUE(wait(300s).empty());
    const auto sent = from_carrier(in_dialog("UPDATE", cseq, ok_out, kTheyAsk));
    ASSERT_EQ(sent.size(), 1u);
    EXPECT_EQ(sent[0].status(), 200);
    EXPECT_EQ(sent[0].header("Session-Expires"), "600;refresher=uac");
    EXPECT_EQ(sent[0].header("Require"), "timer");
  }
  EXPECT_TRUE(holds(wait(570s), "BYE"));
  EXPECT_EQ(end_reason(), "session_expired");
}

TEST_F(CallSessionTest, UpdateThatComesAgainIsAnsweredWithTheSameBytes) {
  set_up(kTheyAsk, "");
  const std::string update = in_dialog("UPDATE", 2, ok_out, kTheyAsk);
  const auto first = from_carrier(update), second = from_carrier(update);
  ASSERT_EQ(first.size(), 1u);
  ASSERT_EQ(second.size(), 1u);
  EXPECT_EQ(first[0].bytes, second[0].bytes);
  hang_up();
}

TEST_F(CallSessionTest, RefreshWithATooSmallIntervalIsRefused) {
  set_up(kTheyAsk, "");
  for (const char* const method : {"UPDATE", "INVITE"}) {
    const unsigned cseq = method[0] == 'U' ? 2 : 3;
    const auto sent =
        from_carrier(in_dialog(method, cseq, ok_out, "Supported: timer\r\nSession-Expires: 89\r\n"));
    EXPECT_EQ(only(sent, "422").header("Min-SE"), "90");
    EXPECT_FALSE(holds(sent, method));
  }
  hang_up();
}

TEST_F(CallSessionTest, WeRefreshByUpdateAtHalfTheInterval) {
  set_up("", kWeAreToRefresh);
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(wait(599s).empty());
    const SentMessage update = only(wait(1500ms), "UPDATE");
    EXPECT_EQ(update.path.remote, pbx);
    EXPECT_EQ(update.header("Session-Expires"), "1200;refresher=uac");
    EXPECT_EQ(update.header("Min-SE"), "90");
    EXPECT_NE(update.header("Supported").find("timer"), std::string::npos);
    EXPECT_NE(update.header("Contact"), "");
    EXPECT_EQ(update.body(), "");
    EXPECT_TRUE(from_pbx(answer(update, 200, "", "Session-Expires: 1200;refresher=uac\r\n")).empty());
    EXPECT_TRUE(from_pbx(answer(update, 200, "")).empty()) << "again";
  }
  EXPECT_EQ(calls(), 1u);
  hang_up();
}

// RFC 4028 §7.4: the same session, with the same version.
TEST_F(CallSessionTest, WeRefreshByInviteWhereUpdateIsNotTaken) {
  set_up("", "Allow: INVITE, BYE\r\nSession-Expires: 1200;refresher=uac\r\n");
  const SentMessage again = only(wait(601s), "INVITE");
  EXPECT_EQ(again.body(), invite_out.body());
  EXPECT_EQ(again.header("Session-Expires"), "1200;refresher=uac");
  const std::string answered =
      answer(again, 200, "", std::string(kContact) + "Session-Expires: 1200;refresher=uac\r\n", kSdp);
  const auto acked = from_pbx(answered);
  ASSERT_EQ(acked.size(), 1u);
  EXPECT_EQ(acked[0].method(), "ACK");
  EXPECT_EQ(acked[0].header("CSeq"), "2 ACK");
  const auto once_more = from_pbx(answered);
  ASSERT_EQ(once_more.size(), 1u) << "each 2xx has its ACK";
  EXPECT_EQ(once_more[0].bytes, acked[0].bytes);
  EXPECT_TRUE(holds(wait(602s), "INVITE"));
  hang_up();
}

TEST_F(CallSessionTest, RefreshOfTheCallersLegSaysAgainWhatItWasAnswered) {
  set_up("Supported: timer\r\nSession-Expires: 600;refresher=uas\r\nAllow: INVITE\r\n", "");
  EXPECT_EQ(ok_out.header("Session-Expires"), "600;refresher=uas");
  EXPECT_EQ(ok_out.header("Require"), "");
  const SentMessage again = only(wait(301s), "INVITE");
  EXPECT_EQ(again.path.remote, carrier);
  EXPECT_EQ(again.body(), ok_out.body());
  EXPECT_TRUE(holds(from_carrier(answer(again, 200, "", "Contact: <sip:a@198.18.1.2>\r\n", kSdp)), "ACK"));
  EXPECT_TRUE(wait(1h).empty()) << "its 2xx says nothing of a session: it does not end. RFC 4028 §7.2";
  hang_up();
}

// What was offered and refused is not the session.
// The offer in the 2xx of an INVITE without one counts when the ACK answers it.
TEST_F(CallSessionTest, RefreshOfTheCallersLegSaysAgainWhatItWasOffered) {
  tests::MessageBuilder request = invite().body("", "");
  for (const char* const line :
       {"Supported: timer", "Session-Expires: 600;refresher=uas", "Allow: INVITE, ACK, BYE"})
    request.line(line);
  invite_out = only(from_carrier(request.build()), "INVITE");
  (void)from_pbx(answer(invite_out, 200, "pbxtag", kContact, kSdp));
  ok_out = only(journal(), "200");
  EXPECT_EQ(ok_out.header("Session-Expires"), "600;refresher=uas");
  EXPECT_TRUE(holds(from_carrier(in_dialog("ACK", 1, ok_out, {}, kSdp)), "ACK"));
  const SentMessage refresh = only(wait(300s), "INVITE");
  EXPECT_EQ(refresh.path.remote, carrier);
  EXPECT_EQ(refresh.body(), ok_out.body());
}

TEST_F(CallSessionTest, RefusedOfferIsNotWhatIsSaidAgain) {
  set_up("", "Allow: INVITE, BYE\r\nSession-Expires: 1200;refresher=uac\r\n");
  std::string held(kSdp);
  held += "a=sendonly\r\n";
  const SentMessage hold = only(from_carrier(in_dialog("INVITE", 2, ok_out, {}, held)), "INVITE");
  EXPECT_NE(hold.body(), invite_out.body());
  EXPECT_EQ(hold.header("Session-Expires"), "1200;refresher=uac")
      << "else the other end would stop its timer";
  (void)from_pbx(answer(hold, 488, ""));
  EXPECT_EQ(only(wait(601s), "INVITE").body(), invite_out.body());
  (void)wait(1h);
}

TEST_F(CallSessionTest, ReInviteThatGoesThroughRefreshesBothLegs) {
  set_up(kTheyAsk, "Session-Expires: 600;refresher=uas\r\nAllow: INVITE, UPDATE\r\n");
  for (unsigned cseq = 2; cseq < 5; ++cseq) {
    EXPECT_TRUE(wait(400s).empty());
    const SentMessage out = only(from_carrier(in_dialog("INVITE", cseq, ok_out, kTheyAsk, kSdp)), "INVITE");
    EXPECT_EQ(out.header("Session-Expires"), "600;refresher=uas");
    const auto sent = from_pbx(
        answer(out, 200, "", std::string(kContact) + "Session-Expires: 600;refresher=uas\r\n", kSdp));
    EXPECT_EQ(only(sent, "200").header("Session-Expires"), "600;refresher=uac");
    (void)from_carrier(in_dialog("ACK", cseq, ok_out));
  }
  EXPECT_TRUE(holds(wait(570s), "BYE"));
}

// RFC 4028 §10; RFC 3261 §12.2.1.2
TEST_F(CallSessionTest, RefreshThatNobodyAnswersEndsTheCall) {
  set_up("", kWeAreToRefresh);
  (void)wait(601s);
  EXPECT_TRUE(holds(wait(32s), "BYE"));
  EXPECT_EQ(end_reason(), "dialog_lost");
}

TEST_F(CallSessionTest, RefreshThatMeetsALostDialogEndsTheCall) {
  set_up("", kWeAreToRefresh);
  const auto sent = from_pbx(answer(only(wait(601s), "UPDATE"), 481, ""));
  EXPECT_TRUE(holds(sent, "BYE"));
  EXPECT_EQ(end_reason(), "dialog_lost");
}

// RFC 3261 §14.1
TEST_F(CallSessionTest, GlareIsTriedAgainAWhileLater) {
  set_up("", kWeAreToRefresh);
  const SentMessage update = only(wait(601s), "UPDATE");
  EXPECT_TRUE(from_pbx(answer(update, 491, "")).empty());
  EXPECT_TRUE(wait(2s).empty()) << "the Call-ID is ours: 2.1 s at least";
  const SentMessage again = only(wait(2500ms), "UPDATE");
  EXPECT_NE(again.header("CSeq"), update.header("CSeq"));
  EXPECT_TRUE(from_pbx(answer(again, 500, "", "Retry-After: 7\r\n")).empty());
  EXPECT_TRUE(wait(6s).empty());
  const SentMessage third = only(wait(2s), "UPDATE");
  (void)from_pbx(answer(third, 200, "", "Session-Expires: 1200;refresher=uac\r\n"));
  hang_up();
}

TEST_F(CallSessionTest, RefreshThatIsAlwaysRefusedEndsTheCallAtItsEnd) {
  set_up("", kWeAreToRefresh);
  std::size_t tries = 0;
  for (int i = 0; i < 200 && end_reason().empty(); ++i)
    for (const SentMessage& sent : wait(10s))
      if (sent.is_request() && sent.method() == "UPDATE" && !sent.is_again) {
        ++tries;
        (void)from_pbx(answer(sent, 500, ""));
      }
  EXPECT_EQ(end_reason(), "session_expired");
  EXPECT_LT(tries, 70u);
  EXPECT_GT(tries, 5u);
}

// RFC 4028 §7.3
TEST_F(CallSessionTest, RefreshFollowsALargerMinimumAtMostTwice) {
  set_up("", kWeAreToRefresh);
  SentMessage update = only(wait(601s), "UPDATE");
  for (const std::string min : {"1500", "2000"}) {
    update = only(from_pbx(answer(update, 422, "", "Min-SE: " + min + "\r\n")), "UPDATE");
    EXPECT_EQ(update.header("Session-Expires"), min + ";refresher=uac");
    EXPECT_EQ(update.header("Min-SE"), min);
  }
  EXPECT_TRUE(from_pbx(answer(update, 422, "", "Min-SE: 3000\r\n")).empty());
  hang_up();
}

TEST_F(CallSessionTest, SideThatKnowsNoRefreshIsLeftAlone) {
  set_up("", kWeAreToRefresh);
  EXPECT_TRUE(from_pbx(answer(only(wait(601s), "UPDATE"), 501, "")).empty());
  EXPECT_TRUE(wait(1h).empty());
  hang_up();
}

TEST_F(CallSessionTest, RequestsOfBothSidesCrossOurRefresh) {
  set_up(kTheyAsk, kWeAreToRefresh);
  (void)from_carrier(in_dialog("UPDATE", 2, ok_out, kTheyAsk));
  (void)wait(550s);
  (void)from_carrier(in_dialog("UPDATE", 3, ok_out, kTheyAsk));
  const SentMessage update = only(wait(60s), "UPDATE");
  const SentMessage hold = only(from_carrier(in_dialog("INVITE", 4, ok_out, kTheyAsk, kSdp)), "INVITE");
  (void)from_pbx(answer(update, 200, "", "Session-Expires: 1200;refresher=uac\r\n"));
  EXPECT_TRUE(holds(from_pbx(answer(hold, 200, "",
                                    std::string(kContact) + "Session-Expires: 1200;refresher=uac\r\n", kSdp)),
                    "200"));
  (void)from_carrier(in_dialog("ACK", 4, ok_out));
  hang_up();
}

// RFC 4028 §7.3: what was passed on can't be sent again here; its sender does so after 491.
TEST_F(CallSessionTest, PassedOnRequestThatMeetsALargerMinimumIsTriedAgainByItsSender) {
  set_up(kTheyAsk, kWeAreToRefresh);
  const SentMessage first = only(from_carrier(in_dialog("INVITE", 2, ok_out, kTheyAsk, kSdp)), "INVITE");
  const auto sent = from_pbx(answer(first, 422, "", "Min-SE: 1500\r\n"));
  EXPECT_TRUE(holds(sent, "491"));
  EXPECT_FALSE(holds(sent, "422"));
  const SentMessage second = only(from_carrier(in_dialog("INVITE", 3, ok_out, kTheyAsk, kSdp)), "INVITE");
  EXPECT_EQ(second.header("Session-Expires"), "1500;refresher=uac");
  EXPECT_EQ(second.header("Min-SE"), "1500");
  EXPECT_TRUE(holds(from_pbx(answer(second, 422, "")), "500"));
  hang_up();
}

// While something else of the dialog is on its way it waits.
TEST_F(CallSessionTest, RefreshWaitsForAReInviteThatIsOpen) {
  set_up("", kWeAreToRefresh);
  (void)wait(595s);
  const SentMessage hold = only(from_carrier(in_dialog("INVITE", 2, ok_out, {}, kSdp)), "INVITE");
  (void)from_pbx(answer(hold, 100, ""));
  EXPECT_FALSE(holds(wait(20s), "UPDATE"));
  (void)from_pbx(answer(hold, 486, ""));
  EXPECT_TRUE(holds(wait(3s), "UPDATE"));
  (void)wait(1h);
}

// RFC 4028 §7.3
TEST_F(CallSessionTest, TargetThatWantsALongerIntervalIsAskedAgain) {
  const SentMessage first = only(from_carrier(invite().build()), "INVITE");
  auto sent = from_pbx(answer(first, 422, "x", "Min-SE: 3600\r\n"));
  EXPECT_TRUE(holds(sent, "ACK"));
  EXPECT_FALSE(holds(sent, "422"));
  const SentMessage second = only(sent, "INVITE");
  EXPECT_EQ(second.path.remote, pbx);
  EXPECT_EQ(second.header("Session-Expires"), "3600");
  EXPECT_EQ(second.header("Min-SE"), "3600");
  EXPECT_EQ(second.header("Call-ID"), first.header("Call-ID"));
  EXPECT_EQ(second.header("From"), first.header("From"));
  EXPECT_EQ(second.header("CSeq"), "2 INVITE");
  (void)from_pbx(answer(second, 180, "pbxtag", kContact));
  (void)from_pbx(answer(second, 200, "pbxtag",
                        std::string(kContact) + "Allow: UPDATE\r\nSession-Expires: 3600;refresher=uac\r\n",
                        kSdp));
  invite_out = second;
  ok_out = only(journal(), "200");
  const SentMessage ack = only(from_carrier(in_dialog("ACK", 1, ok_out)), "ACK");
  EXPECT_EQ(ack.header("CSeq"), "2 ACK");
  const SentMessage update = only(wait(1801s), "UPDATE");
  EXPECT_EQ(update.header("Min-SE"), "3600");
  EXPECT_EQ(update.header("CSeq"), "3 UPDATE");
  (void)from_pbx(answer(update, 200, ""));
  hang_up();
}

TEST_F(CallSessionTest, TargetThatIsNeverContentFailsAndTheCallerIsNotToldOfOurInterval) {
  SentMessage out = only(from_carrier(invite().build()), "INVITE");
  for (const char* const min : {"3600", "7200"})
    out = only(from_pbx(answer(out, 422, "x", "Min-SE: " + std::string(min) + "\r\n")), "INVITE");
  const auto sent = from_pbx(answer(out, 422, "x", "Min-SE: 9000\r\n"));
  EXPECT_FALSE(holds(sent, "422"));
  EXPECT_TRUE(holds(sent, "500") || holds(sent, "INVITE")) << "refused, or the next target";
  (void)wait(10min);
  EXPECT_EQ(calls(), 0u);
}

TEST_F(CallSessionTest, SenselessMinimumIsAFailure) {
  for (const char* const min : {"", "Min-SE: 90\r\n", "Min-SE: 4294967295\r\n", "Min-SE: x\r\n"}) {
    tests::CallFixture f;
    const SentMessage out = only(f.from_carrier(f.invite().build()), "INVITE");
    const auto sent = f.from_pbx(answer(out, 422, "x", min));
    for (const SentMessage& message : sent)
      EXPECT_FALSE(message.is_request() && message.method() == "INVITE" && message.path.remote == f.pbx)
          << min;
  }
}

TEST_F(CallSessionTest, HostileAnswersDoNoHarm) {
  for (const char* const value :
       {"Session-Expires: 0;refresher=uac", "Session-Expires: 1;refresher=uas",
        "Session-Expires: 4294967295;refresher=uas", "Session-Expires: 4294967296",
        "Session-Expires: 1800\r\nSession-Expires: 90", "Session-Expires: 1800;refresher=xyz", "x: 90"}) {
    tests::CallFixture f;
    const SentMessage out = only(f.from_carrier(f.invite().build()), "INVITE");
    (void)f.from_pbx(answer(out, 200, "pbxtag", std::string(kContact) + value + "\r\n", kSdp));
    const SentMessage ok = only(f.journal(), "200");
    (void)f.from_carrier(f.in_dialog("ACK", 1, ok));
    EXPECT_TRUE(f.wait(44s).empty()) << value;
    (void)f.wait(5h);
    EXPECT_EQ(f.calls(), 0u) << value;
    EXPECT_EQ(f.records(CallRecordType::End).size(), 1u) << value;
  }
}

TEST_F(CallSessionTest, TimersGoOnAfterARestart) {
  restarts_after_each_step = true;
  set_up(kTheyAsk, kWeAreToRefresh);
  EXPECT_TRUE(wait(300s).empty());
  ASSERT_TRUE(holds(from_carrier(in_dialog("UPDATE", 2, ok_out, kTheyAsk)), "200"));
  const SentMessage update = only(wait(301s), "UPDATE");
  EXPECT_TRUE(from_pbx(answer(update, 200, "", "Session-Expires: 1200;refresher=uac\r\n")).empty());
  EXPECT_TRUE(holds(wait(280s), "BYE"));
  EXPECT_EQ(end_reason(), "session_expired");
}

TEST_F(CallSessionTest, RefreshByInviteGoesOnAfterARestart) {
  restarts_after_each_step = true;
  const SentMessage out = only(from_carrier(invite().build()), "INVITE");
  (void)from_pbx(answer(out, 200, "pbxtag",
                        std::string(kContact) + "Allow: INVITE\r\nSession-Expires: 1200;refresher=uac\r\n",
                        kSdp));
  ok_out = only(wait(150ms), "200");
  (void)from_carrier(in_dialog("ACK", 1, ok_out));
  const SentMessage again = only(wait(601s), "INVITE");
  EXPECT_NE(again.body(), "");
  EXPECT_TRUE(holds(from_pbx(answer(again, 200, "", kContact, kSdp)), "ACK"));
}

}  // namespace
}  // namespace sallyport::sip

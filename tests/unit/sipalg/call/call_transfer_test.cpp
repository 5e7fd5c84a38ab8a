// call_transfer_test.cpp — transfers that are carried out here: who hears what, where the media go, and what
// nobody gets by a REFER. RFC 3515, RFC 3892, RFC 4488, RFC 5589; threats D5.
#include <gtest/gtest.h>

#include "sipalg/call/transfer.h"
#include "tests/support/media_call.h"

namespace sallyport::sip {
namespace {

using namespace std::chrono_literals;
using tests::holds;
using tests::kDeskContact;
using tests::MediaCall;
using tests::only;
using tests::SentMessage;
using tests::shown_in;
using tests::voice;

constexpr std::string_view kOtherContact = "Contact: <sip:other@198.18.2.3:5060>\r\n";
constexpr std::string_view kReferTo = "Refer-To: <sip:+15557654321@198.18.2.1>\r\n";

// The carrier's caller talks to a desk of the PBX, which transfers the caller to another number of the PBX.
class CallTransferTest : public MediaCall {
 protected:
  CallTransferTest() {
    RouteConfig back;
    back.name = "back";
    back.match.peers = {"pbx"};
    back.match.called = {"^\\+1555[0-9]{7}$"};
    back.to = {RouteToPeer{"pbx"}};
    config.routes.insert(config.routes.begin() + 1, back);
    config.routes[2].match.called = {"^\\+1[0-9]{10}$"};
  }
  std::vector<SentMessage> refer(std::string_view lines = kReferTo, unsigned cseq = 1) {
    return from_pbx(in_dialog("REFER", cseq, invite_out, lines));
  }
  // What a NOTIFY says.
  static std::string told(const SentMessage& notify) {
    EXPECT_EQ(notify.header("Event").substr(0, 5), "refer");
    EXPECT_EQ(notify.header("Content-Type"), "message/sipfrag;version=2.0");
    EXPECT_FALSE(notify.header("Contact").empty());
    const std::string body = notify.body();
    return body.substr(0, body.find('\r')) + " " +
           notify.header("Subscription-State").substr(0, notify.header("Subscription-State").find(';'));
  }
  void answer_pbx(const SentMessage& request, int code) { (void)from_pbx(answer(request, code, "")); }
  // REFER, 202, NOTIFY 100 and its 200; the INVITE to the target.
  SentMessage ask() {
    const auto sent = refer();
    EXPECT_EQ(only(sent, "202").path.remote, pbx);
    const SentMessage notify = only(sent, "NOTIFY");
    EXPECT_EQ(told(notify), "SIP/2.0 100 Trying active");
    answer_pbx(notify, 200);
    return only(sent, "INVITE");
  }
  std::string target_contact() const { return std::string(kOtherContact); }
  // The target answers, the caller takes its description.
  std::vector<SentMessage> join(const SentMessage& target) {
    const auto answered = from_pbx(answer(target, 200, "othertag", target_contact(), other_desk));
    EXPECT_TRUE(holds(answered, "ACK"));
    again = only(answered, "INVITE");
    EXPECT_EQ(again.path.remote, carrier);
    return from_carrier(answer(again, 200, "", "Contact: <sip:alice-contact@198.18.1.2:5060>\r\n", phone));
  }
  SentMessage again;  // the INVITE to the caller
};

// RFC 3323 §4.2, §5.1: what it asked of the call holds for the one that follows from it.
TEST_F(CallTransferTest, WhoeverAskedForPrivacyIsNotNamedToTheTarget) {
  config.realms[1].trust = RealmTrust::Untrusted;
  for (PeerConfig& peer : config.peers) peer.profile.identity_accept = IdentityAccept::None;
  talk(calling().line("Privacy: user;id"));
  EXPECT_EQ(invite_out.bytes.find("alice"), std::string::npos);
  const SentMessage target = ask();
  EXPECT_EQ(target.bytes.find("alice"), std::string::npos) << target.bytes;
}

TEST_F(CallTransferTest, WhoeverAskedForPrivacyIsNotNamedAsTheOneWhoTransfers) {
  talk(calling().line("Privacy: user;id"));
  const SentMessage target = only(
      from_carrier(in_dialog("REFER", 2, ok_out, "Refer-To: <sip:+15557654321@198.18.1.1>\r\n")), "INVITE");
  EXPECT_EQ(target.header("Referred-By"), "");
}

TEST_F(CallTransferTest, BlindTransferJoinsTheCallerWithTheTarget) {
  talk();
  const SentMessage target = ask();
  EXPECT_EQ(target.uri().substr(0, 17), "sip:+15557654321@");
  EXPECT_NE(target.header("From").find("alice-near"), std::string::npos);
  EXPECT_NE(target.header("Referred-By").find("<sip:+15551234567@198.18.2.1>"), std::string::npos)
      << target.bytes;
  const SentMessage ringing = only(from_pbx(answer(target, 180, "othertag", target_contact())), "NOTIFY");
  EXPECT_EQ(told(ringing), "SIP/2.0 180 Ringing active");
  answer_pbx(ringing, 200);
  EXPECT_EQ(relay.open().size(), 2u);
  const auto joined = join(target);
  EXPECT_EQ(only(joined, "ACK").path.remote, carrier);
  EXPECT_EQ(told(only(joined, "NOTIFY")), "SIP/2.0 200 OK terminated");
  EXPECT_EQ(only(joined, "BYE").header("Call-ID"), invite_out.header("Call-ID"));
  // One stream is left, and it leads from the caller to the target.
  EXPECT_EQ(relay.open().size(), 1u);
  EXPECT_EQ(stream().sides[0].remote, (Endpoint{carrier.address, 40000}));
  EXPECT_EQ(stream().sides[1].remote, (Endpoint{second_pbx.address, 31000}));
  EXPECT_EQ(shown_in(again.body()).port, stream().sides[0].local.port);
  answer_pbx(only(joined, "NOTIFY"), 200);
  answer_pbx(only(joined, "BYE"), 200);
  EXPECT_TRUE(records(CallRecordType::End).empty());
  // Both dialogs go on as one call, in either direction.
  EXPECT_EQ(only(from_carrier(in_dialog("INFO", 2, ok_out)), "INFO").header("Call-ID"),
            target.header("Call-ID"));
  callee_tag = "othertag";
  const SentMessage hold = only(from_pbx(in_dialog("INVITE", 1, target, {}, other_desk)), "INVITE");
  EXPECT_EQ(hold.header("Call-ID"), ok_out.header("Call-ID"));
  (void)from_carrier(answer(hold, 200, "", "Contact: <sip:alice-contact@198.18.1.2>\r\n", phone));
  (void)from_pbx(in_dialog("ACK", 1, target));
  const SentMessage bye = only(from_carrier(in_dialog("BYE", 3, ok_out)), "BYE");
  EXPECT_EQ(bye.header("Call-ID"), target.header("Call-ID"));
  answer_pbx(bye, 200);
  expect_all_given_back();
  const CallRecord record = end_record();
  ASSERT_EQ(record.transfers.size(), 1u);
  EXPECT_EQ(record.transfers[0].by, EndedBy::Callee);
  EXPECT_EQ(record.transfers[0].to, "+15557654321");
  EXPECT_EQ(record.transfers[0].code, 200);
  EXPECT_EQ(record.legs.size(), 3u);
  EXPECT_EQ(record.tried.size(), 2u);
  EXPECT_EQ(record.end_reason, "bye");
}

// RFC 3261 §12.2.2: what was sent behind it was faster.
TEST_F(CallTransferTest, NotifyThatComesOutOfOrderIsNotTheEndOfWhatIsTold) {
  talk();
  const SentMessage target = ask();
  answer_pbx(only(from_pbx(answer(target, 180, "othertag", target_contact())), "NOTIFY"), 500);
  EXPECT_EQ(told(only(join(target), "NOTIFY")), "SIP/2.0 200 OK terminated");
}

// RFC 3515 §2.4.5
TEST_F(CallTransferTest, FailureOfTheTargetIsToldAndTheCallGoesOn) {
  config.peers[1].targets.resize(1);
  config.routes[0].match.peers = {"carrier"};
  talk();
  const SentMessage target = ask();
  const auto sent = from_pbx(answer(target, 486, "othertag"));
  EXPECT_EQ(told(only(sent, "NOTIFY")), "SIP/2.0 486 Busy Here terminated");
  answer_pbx(only(sent, "NOTIFY"), 200);
  EXPECT_EQ(relay.open().size(), 1u);
  EXPECT_EQ(only(from_carrier(in_dialog("INFO", 2, ok_out)), "INFO").header("Call-ID"),
            invite_out.header("Call-ID"));
  // A further one says which REFER it is about. RFC 3515 §2.4.6
  const auto second = refer(kReferTo, 2);
  EXPECT_EQ(only(second, "NOTIFY").header("Event"), "refer;id=2");
  answer_pbx(only(second, "NOTIFY"), 200);
  (void)from_pbx(answer(only(second, "INVITE"), 404, "x"));
  (void)from_carrier(in_dialog("BYE", 3, ok_out));
  expect_all_given_back();
  const CallRecord record = end_record();
  ASSERT_EQ(record.transfers.size(), 2u);
  EXPECT_EQ(record.transfers[0].code, 486);
  EXPECT_EQ(record.transfers[1].code, 404);
}

TEST_F(CallTransferTest, TheNextTargetIsTriedAsForAnyCall) {
  talk();
  const SentMessage target = ask();
  const SentMessage next = only(from_pbx(answer(target, 503, "othertag")), "INVITE");
  EXPECT_EQ(next.path.remote, second_pbx);
  const auto answered = from(second_pbx, answer(next, 200, "othertag", target_contact(), other_desk));
  again = only(answered, "INVITE");
  const auto joined = from_carrier(answer(again, 200, "", "Contact: <sip:a@198.18.1.2>\r\n", phone));
  EXPECT_TRUE(holds(joined, "BYE"));
  (void)from_carrier(in_dialog("BYE", 2, ok_out));
  expect_all_given_back();
}

// RFC 5589 §6.1
TEST_F(CallTransferTest, WhoeverAskedMayHangUpAtOnce) {
  talk();
  const SentMessage target = ask();
  const auto left = from_pbx(in_dialog("BYE", 2, invite_out));
  EXPECT_TRUE(holds(left, "200"));
  EXPECT_FALSE(holds(left, "BYE"));
  EXPECT_TRUE(from_pbx(answer(target, 180, "othertag", target_contact())).empty());
  const auto joined = join(target);
  EXPECT_FALSE(holds(joined, "BYE"));
  EXPECT_FALSE(holds(joined, "NOTIFY"));
  EXPECT_EQ(only(from_carrier(in_dialog("BYE", 2, ok_out)), "BYE").header("Call-ID"),
            target.header("Call-ID"));
  expect_all_given_back();
}

TEST_F(CallTransferTest, NobodyIsLeftAloneWhenTheOneWhoAskedHasGone) {
  config.peers[1].targets.resize(1);
  talk();
  const SentMessage target = ask();
  (void)from_pbx(in_dialog("BYE", 2, invite_out));
  const auto sent = from_pbx(answer(target, 486, "othertag"));
  EXPECT_EQ(only(sent, "BYE").path.remote, carrier);
  (void)from_carrier(answer(only(sent, "BYE"), 200, ""));
  expect_all_given_back();
  EXPECT_EQ(end_record().ended_by, EndedBy::Callee);
}

TEST_F(CallTransferTest, WhoeverRemainsHangsUpWhileTheTargetRings) {
  talk();
  const SentMessage target = ask();
  (void)from_pbx(answer(target, 180, "othertag", target_contact()));
  const auto sent = from_carrier(in_dialog("BYE", 2, ok_out));
  EXPECT_EQ(only(sent, "CANCEL").header("Call-ID"), target.header("Call-ID"));
  EXPECT_EQ(told(only(sent, "NOTIFY")), "SIP/2.0 487 Request Terminated terminated");
  EXPECT_EQ(only(sent, "BYE").header("Call-ID"), invite_out.header("Call-ID"));
  (void)from_pbx(answer(target, 487, "othertag"));
  expect_all_given_back();
  EXPECT_EQ(end_record().transfers[0].code, 487);
}

TEST_F(CallTransferTest, OperatorHangsUpAtAnyMoment) {
  for (const int moment : {0, 1, 2}) {
    struct One : CallTransferTest {
      void TestBody() override {}
      void run(int at) {
        talk();
        const SentMessage target = ask();
        if (at >= 1) (void)from_pbx(answer(target, 180, "othertag", target_contact()));
        if (at == 2) (void)from_pbx(answer(target, 200, "othertag", target_contact(), other_desk));
        EngineOutput out;
        const std::uint64_t number = settings.first_number;
        EXPECT_TRUE(engine().desk().hang_up(now, number, out));
        std::size_t byes = 0;
        for (const SendMessage& sent : out.sends()) byes += sent.bytes.starts_with("BYE") ? 1u : 0u;
        EXPECT_EQ(byes, at == 2 ? 3u : 2u) << at;
        carry_out(out);
        if (at < 2) (void)from_pbx(answer(target, 487, "othertag"));
        expect_all_given_back_but_records();
      }
      void expect_all_given_back_but_records() {
        (void)wait(6min);
        tell_finals();
        EXPECT_TRUE(relay.open().empty());
        EXPECT_EQ(ports_taken(), 0u);
        EXPECT_EQ(calls(), 0u);
        EXPECT_EQ(engine().counters().transactions_active.value(), 0u);
      }
    } one;
    one.run(moment);
  }
}

TEST_F(CallTransferTest, WhoeverRemainsMayRefuseAndThenTheCallGoesOn) {
  talk();
  const SentMessage target = ask();
  const auto answered = from_pbx(answer(target, 200, "othertag", target_contact(), other_desk));
  again = only(answered, "INVITE");
  const auto refused = from_carrier(answer(again, 488, ""));
  EXPECT_EQ(only(refused, "BYE").header("Call-ID"), target.header("Call-ID"));
  EXPECT_EQ(told(only(refused, "NOTIFY")), "SIP/2.0 488 Not Acceptable Here terminated");
  EXPECT_EQ(relay.open().size(), 1u);
  EXPECT_EQ(stream().sides[1].remote, (Endpoint{pbx.address, 30000}));
  answer_pbx(only(refused, "BYE"), 200);
  EXPECT_TRUE(holds(from_pbx(in_dialog("INFO", 2, invite_out)), "INFO"));
  (void)from_pbx(in_dialog("BYE", 3, invite_out));
  expect_all_given_back();
}

// RFC 3261 §14.1
TEST_F(CallTransferTest, OfferThatMetAnotherIsMadeAgain) {
  talk();
  const SentMessage target = ask();
  again = only(from_pbx(answer(target, 200, "othertag", target_contact(), other_desk)), "INVITE");
  EXPECT_FALSE(holds(from_carrier(answer(again, 491, "")), "NOTIFY"));
  again = only(wait(3s), "INVITE");
  EXPECT_TRUE(holds(from_carrier(answer(again, 200, "", "Contact: <sip:a@198.18.1.2>\r\n", phone)), "BYE"));
  (void)from_carrier(in_dialog("BYE", 2, ok_out));
  expect_all_given_back();
}

TEST_F(CallTransferTest, OfferWaitsForAReinviteThatIsUnderWay) {
  talk();
  const SentMessage target = ask();
  const SentMessage hold = only(from_pbx(in_dialog("INVITE", 2, invite_out, {}, desk)), "INVITE");
  const auto answered = from_pbx(answer(target, 200, "othertag", target_contact(), other_desk));
  EXPECT_TRUE(holds(answered, "ACK"));
  EXPECT_FALSE(holds(answered, "INVITE"));
  (void)from_carrier(answer(hold, 200, "", "Contact: <sip:a@198.18.1.2>\r\n", phone));
  (void)from_pbx(in_dialog("ACK", 2, invite_out));
  again = only(wait(2s), "INVITE");
  EXPECT_TRUE(holds(from_carrier(answer(again, 200, "", "Contact: <sip:a@198.18.1.2>\r\n", phone)), "BYE"));
  (void)from_carrier(in_dialog("BYE", 2, ok_out));
  expect_all_given_back();
}

TEST_F(CallTransferTest, TargetThatHangsUpBeforeItIsJoinedIsAFailure) {
  talk();
  const SentMessage target = ask();
  again = only(from_pbx(answer(target, 200, "othertag", target_contact(), other_desk)), "INVITE");
  (void)from_carrier(answer(again, 180, ""));
  callee_tag = "othertag";
  const auto gone = from_pbx(in_dialog("BYE", 1, target));
  EXPECT_TRUE(holds(gone, "200"));
  EXPECT_EQ(only(gone, "CANCEL").path.remote, carrier);
  const auto cancelled = from_carrier(answer(again, 487, ""));
  EXPECT_EQ(told(only(cancelled, "NOTIFY")), "SIP/2.0 480 Temporarily Unavailable terminated");
  callee_tag = "pbxtag";
  EXPECT_TRUE(holds(from_pbx(in_dialog("INFO", 3, invite_out)), "INFO"));
  (void)from_carrier(in_dialog("BYE", 2, ok_out));
  expect_all_given_back();
}

// RFC 3515 §2.4.2: the caller asks, and the desk is joined with a number outside.
TEST_F(CallTransferTest, CallerMayAskAsWell) {
  talk();
  const auto sent =
      from_carrier(in_dialog("REFER", 2, ok_out, "Refer-To: <sip:+15557654321@198.18.1.1>\r\n"));
  const SentMessage target = only(sent, "INVITE");
  EXPECT_EQ(only(sent, "202").path.remote, carrier);
  const auto answered = from_pbx(answer(target, 200, "othertag", target_contact(), other_desk));
  again = only(answered, "INVITE");
  EXPECT_EQ(again.path.remote, pbx);
  EXPECT_EQ(again.header("Call-ID"), invite_out.header("Call-ID"));
  const auto joined = from_pbx(answer(again, 200, "", kDeskContact, desk));
  EXPECT_EQ(only(joined, "BYE").path.remote, carrier);
  EXPECT_EQ(stream().sides[0].remote, (Endpoint{pbx.address, 30000}));
  EXPECT_EQ(stream().sides[1].remote, (Endpoint{second_pbx.address, 31000}));
  EXPECT_EQ(only(from_pbx(in_dialog("INFO", 1, invite_out)), "INFO").header("Call-ID"),
            target.header("Call-ID"));
  const SentMessage bye = only(from_pbx(in_dialog("BYE", 2, invite_out)), "BYE");
  EXPECT_EQ(bye.header("Call-ID"), target.header("Call-ID"));
  expect_all_given_back();
  EXPECT_EQ(end_record().transfers[0].by, EndedBy::Caller);
}

TEST_F(CallTransferTest, TargetMayTransferFurther) {
  talk();
  const SentMessage first = ask();
  (void)join(first);
  callee_tag = "othertag";
  const auto sent = from_pbx(in_dialog("REFER", 1, first, "Refer-To: <sip:+15550000009@198.18.2.1>\r\n"));
  const auto joined = join(only(sent, "INVITE"));
  EXPECT_EQ(only(joined, "BYE").header("Call-ID"), first.header("Call-ID"));
  EXPECT_EQ(relay.open().size(), 1u);
  (void)from_carrier(in_dialog("BYE", 2, ok_out));
  expect_all_given_back();
  EXPECT_EQ(end_record().transfers.size(), 2u);
}

// RFC 4488 §4
TEST_F(CallTransferTest, NobodyIsToldWhoWantsToHearNothing) {
  talk();
  const auto sent = refer(std::string(kReferTo) + "Refer-Sub: false\r\n");
  EXPECT_EQ(only(sent, "202").header("Refer-Sub"), "false");
  EXPECT_FALSE(holds(sent, "NOTIFY"));
  const auto joined = join(only(sent, "INVITE"));
  EXPECT_FALSE(holds(joined, "NOTIFY"));
  EXPECT_TRUE(holds(joined, "BYE"));
  (void)from_carrier(in_dialog("BYE", 2, ok_out));
  expect_all_given_back();
}

TEST_F(CallTransferTest, RingsNoLongerThanItsProfileAllows) {
  config.peers[1].targets.resize(1);
  talk();
  const SentMessage target = ask();
  answer_pbx(only(from_pbx(answer(target, 180, "othertag", target_contact())), "NOTIFY"), 200);
  const auto sent = wait(config.peers[1].profile.timers.ring + 1s);
  EXPECT_TRUE(holds(sent, "CANCEL"));
  EXPECT_EQ(told(only(sent, "NOTIFY")), "SIP/2.0 408 Request Timeout terminated");
  (void)from_pbx(answer(target, 487, "othertag"));
  (void)from_carrier(in_dialog("BYE", 2, ok_out));
  expect_all_given_back();
}

// Threats D5
TEST_F(CallTransferTest, LeadsNowhereThatCouldNotBeDialled) {
  talk();
  for (const char* const line :
       {"Refer-To: <sip:+442071234567@198.18.2.1>\r\n", "Refer-To: <sip:900900900@198.18.1.2>\r\n",
        "Refer-To: <sip:evil@203.0.113.66>\r\n"}) {
    static unsigned cseq = 0;
    const auto sent = refer(line, ++cseq);
    EXPECT_TRUE(holds(sent, "404")) << line;
    EXPECT_EQ(sent.size(), 1u);
  }
  // The host of the URI leads nowhere by itself.
  const auto sent =
      refer("Refer-To: <sip:+15557654321@203.0.113.66:5999;transport=tcp;maddr=203.0.113.67>\r\n", 9);
  const SentMessage target = only(sent, "INVITE");
  EXPECT_EQ(target.path.remote, pbx);
  EXPECT_EQ(target.bytes.find("203.0.113"), std::string::npos);
  (void)from_carrier(in_dialog("BYE", 2, ok_out));
  (void)from_pbx(answer(target, 487, "x"));
  expect_all_given_back();
}

TEST_F(CallTransferTest, IsRefusedAsTheProfileSays) {
  config.peers[1].profile.refer = ReferMode::Refuse;
  talk();
  EXPECT_TRUE(holds(refer(), "403"));
  (void)from_carrier(in_dialog("BYE", 2, ok_out));
  expect_all_given_back();
}

TEST_F(CallTransferTest, OneAtATimeAndEightOfACall) {
  config.peers[1].targets.resize(1);
  talk();
  for (unsigned i = 1; i <= kTransfersMax; ++i) {
    const auto sent = refer(kReferTo, 2 * i);
    EXPECT_TRUE(holds(sent, "202")) << i;
    EXPECT_TRUE(holds(refer(kReferTo, 2 * i + 1), "491"));
    for (const SentMessage& message : from_pbx(answer(only(sent, "INVITE"), 486, "x")))
      if (message.is_request() && message.method() == "NOTIFY") answer_pbx(message, 200);
    answer_pbx(only(sent, "NOTIFY"), 200);
  }
  EXPECT_TRUE(holds(refer(kReferTo, 100), "403"));
  (void)from_carrier(in_dialog("BYE", 2, ok_out));
  expect_all_given_back();
}

// A call without a description of the one who remains: the target offers. RFC 3725 §4.1
TEST_F(CallTransferTest, HeldCallerIsOfferedToTheTargetAsSendingAndReceiving) {
  talk();
  const SentMessage hold =
      only(from_pbx(in_dialog("INVITE", 1, invite_out, {}, voice("198.18.2.2", 30000, "a=sendonly\r\n"))),
           "INVITE");
  (void)from_carrier(answer(hold, 200, "", "Contact: <sip:alice-contact@198.18.1.2:5060>\r\n",
                            voice("198.18.1.2", 40000, "a=recvonly\r\n")));
  (void)from_pbx(in_dialog("ACK", 1, invite_out));
  const auto sent = refer(kReferTo, 2);
  const SentMessage target = only(sent, "INVITE");
  EXPECT_NE(target.body().find("a=sendrecv"), std::string::npos) << target.body();
  (void)join(target);
  EXPECT_EQ(relay.open().size(), 1u);
  (void)from_carrier(in_dialog("BYE", 2, ok_out));
  expect_all_given_back();
}

TEST_F(CallTransferTest, TargetOffersWhereTheOneWhoRemainsCanNotBeOffered) {
  talk();
  const SentMessage hold =
      only(from_carrier(in_dialog("INVITE", 2, ok_out, {}, voice("0.0.0.0", 40000))), "INVITE");
  (void)from_pbx(answer(hold, 200, "", kDeskContact, desk));
  (void)from_carrier(in_dialog("ACK", 2, ok_out));
  const SentMessage target = only(refer(kReferTo, 1), "INVITE");
  EXPECT_TRUE(target.body().empty());
  const auto answered = from_pbx(answer(target, 200, "othertag", target_contact(), other_desk));
  EXPECT_FALSE(holds(answered, "ACK"));
  again = only(answered, "INVITE");
  const auto joined = from_carrier(answer(again, 200, "", "Contact: <sip:a@198.18.1.2>\r\n", phone));
  bool is_told = false;
  for (const SentMessage& message : joined)
    if (message.is_request() && message.method() == "ACK" && message.path.remote != carrier)
      is_told = shown_in(message.body()).port != 0;
  EXPECT_TRUE(is_told);
  EXPECT_TRUE(holds(joined, "BYE"));
  EXPECT_EQ(stream().sides[0].remote, (Endpoint{carrier.address, 40000}));
  (void)from_carrier(in_dialog("BYE", 3, ok_out));
  expect_all_given_back();
}

TEST_F(CallTransferTest, GoesOnThroughARestartAtEveryStep) {
  talk();
  restarts_after_each_step = true;
  const SentMessage target = ask();
  answer_pbx(only(from_pbx(answer(target, 180, "othertag", target_contact())), "NOTIFY"), 200);
  const auto joined = join(target);
  EXPECT_TRUE(holds(joined, "BYE"));
  answer_pbx(only(joined, "NOTIFY"), 200);
  answer_pbx(only(joined, "BYE"), 200);
  EXPECT_EQ(relay.open().size(), 1u);
  EXPECT_EQ(only(from_carrier(in_dialog("BYE", 2, ok_out)), "BYE").header("Call-ID"),
            target.header("Call-ID"));
  expect_all_given_back();
}

}  // namespace
}  // namespace sallyport::sip

// call_update_test.cpp — UPDATE in early dialogs, and where only one side takes it: RFC 3311 §5; what
// requests within dialogs may require: RFC 3261 §8.2.2.3, RFC 3262 §4.
#include "tests/support/media_call.h"

namespace sallyport::tests {
namespace {

constexpr std::string_view kPlainContact =
    "Contact: <sip:desk-contact@198.18.2.2:5060>\r\nAllow: INVITE, ACK, CANCEL, BYE\r\n";

class CallUpdate : public MediaCall {
 protected:
  void update_by_invite();
  // The PBX says that it knows no UPDATE.
  void talk_to_plain() {
    ring();
    (void)from_pbx(answer(invite_out, 200, "pbxtag", kPlainContact, desk));
    ok_out = only(journal(), "200");
    EXPECT_TRUE(holds(from_carrier(in_dialog("ACK", 1, ok_out)), "ACK"));
  }
  // A call that rings, whose offer has been answered reliably on both sides.
  SentMessage agree_early() {
    ring(calling().line("Supported: 100rel"));
    const SentMessage ringing =
        only(from_pbx(answer(invite_out, 183, "pbxtag",
                             std::string(kDeskContact) + "Require: 100rel\r\nRSeq: 1\r\n", desk)),
             "183");
    const SentMessage out = only(
        from_carrier(in_dialog("PRACK", 2, ringing, "RAck: " + ringing.header("RSeq") + " 1 INVITE\r\n")),
        "PRACK");
    EXPECT_TRUE(holds(from_pbx(answer(out, 200, "")), "200"));
    return ringing;
  }
};

void CallUpdate::update_by_invite() {
  ring();
  (void)from_pbx(answer(invite_out, 200, "pbxtag", kPlainContact, desk));
  ok_out = only(wait(200ms), "200");
  (void)from_carrier(in_dialog("ACK", 1, ok_out));
  EXPECT_NE(ok_out.header("Allow").find("UPDATE"), std::string::npos) << "we take it";
  const SentMessage again =
      only(from_carrier(in_dialog("UPDATE", 2, ok_out, {}, voice("198.18.1.2", 40030))), "INVITE");
  EXPECT_EQ(again.path.remote, pbx);
  EXPECT_EQ(again.header("CSeq"), "2 INVITE");
  EXPECT_EQ(shown_in(again.body()), stream().sides[1].local);
  EXPECT_TRUE(from_pbx(answer(again, 100, "")).empty()) << "an UPDATE has no 1xx";
  const std::string taken = answer(again, 200, "", kPlainContact, voice("198.18.2.2", 30030));
  const auto sent = from_pbx(taken);
  EXPECT_EQ(only(sent, "ACK").header("CSeq"), "2 ACK");
  EXPECT_EQ(only(sent, "ACK").path.remote, pbx);
  const SentMessage ok = only(sent, "200");
  EXPECT_EQ(ok.header("CSeq"), "2 UPDATE");
  EXPECT_EQ(shown_in(ok.body()), stream().sides[0].local);
  EXPECT_NE(ok.header("Contact"), "");
  EXPECT_EQ(stream().sides[0].remote.port, 40030);
  EXPECT_EQ(stream().sides[1].remote.port, 30030);
  EXPECT_TRUE(holds(from_pbx(taken), "ACK")) << "again";
  EXPECT_FALSE(holds(wait(5s), "200")) << "nobody owes an ACK";
  EXPECT_TRUE(holds(from_carrier(in_dialog("INFO", 3, ok_out)), "INFO"));
}

TEST_F(CallUpdate, OfferForASideThatTakesNoUpdateGoesOnAsAnInviteThatWeAcknowledge) { update_by_invite(); }

TEST_F(CallUpdate, ItDoesSoWithARestartBetweenAnyTwoMessages) {
  restarts_after_each_step = true;
  update_by_invite();
}

TEST_F(CallUpdate, RefusalOfThatInviteIsTheAnswerAndTheSessionStays) {
  talk_to_plain();
  const SentMessage again =
      only(from_carrier(in_dialog("UPDATE", 2, ok_out, {}, voice("198.18.1.2", 40030))), "INVITE");
  EXPECT_TRUE(holds(from_carrier(in_dialog("UPDATE", 3, ok_out, {}, phone)), "500")) << "one at a time";
  EXPECT_TRUE(holds(from_pbx(in_dialog("INVITE", 1, invite_out, {}, desk)), "491"));
  const auto sent = from_pbx(answer(again, 488, ""));
  EXPECT_EQ(only(sent, "488").header("CSeq"), "2 UPDATE");
  EXPECT_TRUE(holds(sent, "ACK"));
  EXPECT_EQ(stream().sides[0].remote.port, 40000);
  EXPECT_EQ(calls(), 1u);
}

// RFC 3311 §5.2: an UPDATE must be answered at once, so it fails where somebody must be asked.
TEST_F(CallUpdate, SideThatAsksItsUserForThatInviteIsNotWaitedFor) {
  talk_to_plain();
  const SentMessage again =
      only(from_carrier(in_dialog("UPDATE", 2, ok_out, {}, voice("198.18.1.2", 40030))), "INVITE");
  const auto ringing = from_pbx(answer(again, 180, ""));
  ASSERT_EQ(ringing.size(), 1u);
  EXPECT_EQ(ringing[0].method(), "CANCEL");
  EXPECT_TRUE(holds(from_pbx(answer(again, 487, "")), "504"));
  EXPECT_EQ(stream().sides[0].remote.port, 40000);
  EXPECT_EQ(calls(), 1u);
}

TEST_F(CallUpdate, SideThatSaysNothingButTryingToThatInviteIsNotWaitedForEither) {
  talk_to_plain();
  const SentMessage again =
      only(from_carrier(in_dialog("UPDATE", 2, ok_out, {}, voice("198.18.1.2", 40030))), "INVITE");
  EXPECT_TRUE(from_pbx(answer(again, 100, "")).empty());
  EXPECT_EQ(only(wait(21s), "CANCEL").path.remote, pbx);
  EXPECT_EQ(only(from_pbx(answer(again, 487, "")), "504").header("CSeq"), "2 UPDATE");
  EXPECT_TRUE(holds(from_carrier(in_dialog("INFO", 3, ok_out)), "INFO")) << "the call goes on";
}

TEST_F(CallUpdate, ProfileThatRefusesUpdateIsASideThatDoesNotTakeIt) {
  ProfileConfig profile;
  profile.name = "plain";
  profile.update = FeatureMode::Refuse;
  config.profiles.push_back(profile);
  config.peers[1].profile = profile;
  talk();
  EXPECT_EQ(invite_out.header("Allow").find("UPDATE"), std::string::npos);
  EXPECT_TRUE(holds(from_carrier(in_dialog("UPDATE", 2, ok_out, {}, phone)), "INVITE"));
  EXPECT_TRUE(holds(from_pbx(in_dialog("UPDATE", 1, invite_out, {}, desk)), "405")) << "nor may it send one";
}

TEST_F(CallUpdate, WithoutADescriptionASideThatDoesNotTakeItNeedNotKnow) {
  talk_to_plain();
  const auto sent = from_carrier(in_dialog("UPDATE", 2, ok_out));
  ASSERT_EQ(sent.size(), 1u);
  EXPECT_EQ(sent[0].status(), 200);
  EXPECT_EQ(sent[0].header("CSeq"), "2 UPDATE");
  EXPECT_NE(sent[0].header("Contact"), "");
}

// RFC 3311 §5.1: after a reliable answer both sides may offer anew while the call rings.
TEST_F(CallUpdate, BothSidesMayOfferInAnEarlyDialogOnceTheFirstOfferIsAnswered) {
  const SentMessage ringing = agree_early();
  const SentMessage there =
      only(from_carrier(in_dialog("UPDATE", 3, ringing, {}, voice("198.18.1.2", 40050))), "UPDATE");
  EXPECT_EQ(shown_in(there.body()), stream().sides[1].local);
  const SentMessage ok = only(from_pbx(answer(there, 200, "", kDeskContact, desk)), "200");
  EXPECT_EQ(shown_in(ok.body()), stream().sides[0].local);
  EXPECT_EQ(stream().sides[0].remote.port, 40050);
  const SentMessage back =
      only(from_pbx(in_dialog("UPDATE", 1, invite_out, {}, voice("198.18.2.2", 30050))), "UPDATE");
  EXPECT_EQ(back.path.remote, carrier);
  EXPECT_TRUE(holds(
      from_carrier(answer(back, 200, "", "Contact: <sip:a@198.18.1.2>\r\n", voice("198.18.1.2", 40050))),
      "200"));
  EXPECT_EQ(stream().sides[1].remote.port, 30050);
  (void)from_pbx(answer(invite_out, 200, "pbxtag", kDeskContact));
  ok_out = only(journal(), "200");
  EXPECT_EQ(ok_out.body(), "");
  EXPECT_EQ(stream().sides[1].remote.port, 30050) << "what was agreed on last";
  EXPECT_EQ(only(from_carrier(in_dialog("ACK", 1, ok_out)), "ACK").header("CSeq"), "1 ACK");
}

TEST_F(CallUpdate, AnswerToTheInviteMayComeWhileAnUpdateIsOnItsWay) {
  const SentMessage ringing = agree_early();
  const SentMessage back =
      only(from_pbx(in_dialog("UPDATE", 1, invite_out, {}, voice("198.18.2.2", 30050))), "UPDATE");
  (void)from_pbx(answer(invite_out, 200, "pbxtag", kDeskContact));
  ok_out = only(journal(), "200");
  EXPECT_TRUE(holds(
      from_carrier(answer(back, 200, "", "Contact: <sip:a@198.18.1.2>\r\n", voice("198.18.1.2", 40050))),
      "200"));
  EXPECT_EQ(stream().sides[1].remote.port, 30050);
  EXPECT_TRUE(holds(from_carrier(in_dialog("ACK", 1, ok_out)), "ACK"));
}

// RFC 3261 §13.2.2.4: what one early dialog offers is no matter of another one that answers.
TEST_F(CallUpdate, AnotherForkMayAnswerWhileAnUpdateOfTheFirstIsOnItsWay) {
  (void)agree_early();
  const SentMessage back =
      only(from_pbx(in_dialog("UPDATE", 1, invite_out, {}, voice("198.18.2.2", 30050))), "UPDATE");
  EXPECT_TRUE(holds(from_pbx(answer(invite_out, 200, "two", kDeskContact, other_desk)), "487"));
  ok_out = only(journal(), "200");
  EXPECT_EQ(shown_in(ok_out.body()), stream().sides[0].local);
  EXPECT_EQ(stream().sides[1].remote.port, 31000);
  EXPECT_TRUE(holds(from_carrier(in_dialog("ACK", 1, ok_out)), "ACK"));
  EXPECT_TRUE(from_carrier(answer(back, 200, "", "Contact: <sip:a@198.18.1.2>\r\n", phone)).empty());
  EXPECT_EQ(calls(), 1u);
  EXPECT_EQ(stream().sides[1].remote.port, 31000);
}

TEST_F(CallUpdate, AnotherForkMayAnswerWhenAnUpdateOfTheFirstWasAgreedOn) {
  (void)agree_early();
  const SentMessage back =
      only(from_pbx(in_dialog("UPDATE", 1, invite_out, {}, voice("198.18.2.2", 30050))), "UPDATE");
  EXPECT_TRUE(holds(from_carrier(answer(back, 200, "", "Contact: <sip:a@198.18.1.2>\r\n", phone)), "200"));
  const SentMessage two =
      only(from_pbx(answer(invite_out, 183, "two",
                           std::string(kDeskContact) + "Require: 100rel\r\nRSeq: 5\r\n", other_desk)),
           "183");
  EXPECT_EQ(shown_in(two.body()), stream().sides[0].local);
  const SentMessage out = only(
      from_carrier(in_dialog("PRACK", 2, two, "RAck: " + two.header("RSeq") + " 1 INVITE\r\n")), "PRACK");
  (void)from_pbx(answer(out, 200, ""));
  EXPECT_EQ(stream().sides[1].remote.port, 31000);
  (void)from_pbx(answer(invite_out, 200, "two", kDeskContact));
  ok_out = only(journal(), "200");
  EXPECT_EQ(ok_out.body(), "");
  EXPECT_TRUE(holds(from_carrier(in_dialog("ACK", 1, ok_out)), "ACK"));
  EXPECT_EQ(stream().sides[1].remote.port, 31000);
}

// RFC 3264 §4. Its callee says it again.
TEST_F(CallUpdate, AnswerOfAnotherForkWaitsWhileAnUpdateOfTheFirstIsOnItsWay) {
  (void)agree_early();
  const SentMessage back =
      only(from_pbx(in_dialog("UPDATE", 1, invite_out, {}, voice("198.18.2.2", 30050))), "UPDATE");
  const std::string ringing = answer(
      invite_out, 183, "two", std::string(kDeskContact) + "Require: 100rel\r\nRSeq: 5\r\n", other_desk);
  EXPECT_TRUE(from_pbx(ringing).empty());
  EXPECT_TRUE(holds(from_carrier(answer(back, 200, "", "Contact: <sip:a@198.18.1.2>\r\n", phone)), "200"));
  EXPECT_TRUE(holds(from_pbx(ringing), "183"));
}

// The same without an offer in the INVITE: what is on its way goes on.
TEST_F(CallUpdate, AnswerToAnInviteWithoutAnOfferLeavesAnUpdateAloneToo) {
  ring(calling_without().line("Supported: 100rel"));
  const SentMessage ringing =
      only(from_pbx(answer(invite_out, 183, "pbxtag",
                           std::string(kDeskContact) + "Require: 100rel\r\nRSeq: 1\r\n", desk)),
           "183");
  const SentMessage out =
      only(from_carrier(
               in_dialog("PRACK", 2, ringing, "RAck: " + ringing.header("RSeq") + " 1 INVITE\r\n", phone)),
           "PRACK");
  (void)from_pbx(answer(out, 200, ""));
  const SentMessage back =
      only(from_pbx(in_dialog("UPDATE", 1, invite_out, {}, voice("198.18.2.2", 30050))), "UPDATE");
  (void)from_pbx(answer(invite_out, 200, "pbxtag", kDeskContact));
  ok_out = only(journal(), "200");
  EXPECT_TRUE(holds(from_carrier(answer(back, 200, "", "Contact: <sip:a@198.18.1.2>\r\n", phone)), "200"));
  EXPECT_EQ(stream().sides[1].remote.port, 30050);
  EXPECT_TRUE(holds(from_carrier(in_dialog("ACK", 1, ok_out)), "ACK"));
  EXPECT_EQ(calls(), 1u);
}

// The caller has it in the 2xx alone, which may be lost. RFC 3311 §5.1
TEST_F(CallUpdate, OfferOfTheCalleeDoesNotOvertakeTheAnswerInThe200) {
  ring();
  (void)from_pbx(answer(invite_out, 200, "pbxtag", kDeskContact, desk));
  ok_out = only(journal(), "200");
  EXPECT_TRUE(holds(from_pbx(in_dialog("UPDATE", 1, invite_out, {}, voice("198.18.2.2", 30050))), "491"));
  (void)from_carrier(in_dialog("ACK", 1, ok_out));
  EXPECT_TRUE(holds(from_pbx(in_dialog("UPDATE", 2, invite_out, {}, voice("198.18.2.2", 30050))), "UPDATE"));
}

TEST_F(CallUpdate, OfferInAnEarlyDialogWaitsForThePrackThatTellsOfTheAnswer) {
  ring();
  const auto sent = from_pbx(
      answer(invite_out, 183, "pbxtag", std::string(kDeskContact) + "Require: 100rel\r\nRSeq: 1\r\n", desk));
  const SentMessage ringing = only(sent, "183");
  EXPECT_TRUE(holds(from_carrier(in_dialog("UPDATE", 2, ringing, {}, phone)), "500"));
  EXPECT_TRUE(holds(from_pbx(in_dialog("UPDATE", 1, invite_out, {}, desk)), "491"))
      << "the caller's offer has no answer that counts for it";
}

TEST_F(CallUpdate, OfferInAnEarlyDialogForASideThatTakesNoUpdateIsRefused) {
  ring(calling().line("Supported: 100rel"));
  const SentMessage ringing =
      only(from_pbx(answer(invite_out, 183, "pbxtag",
                           std::string(kPlainContact) + "Require: 100rel\r\nRSeq: 1\r\n", desk)),
           "183");
  (void)from_carrier(in_dialog("PRACK", 2, ringing, "RAck: " + ringing.header("RSeq") + " 1 INVITE\r\n"));
  EXPECT_TRUE(holds(from_carrier(in_dialog("UPDATE", 3, ringing, {}, phone)), "488"));
  EXPECT_TRUE(holds(from_carrier(in_dialog("UPDATE", 4, ringing)), "200"));
}

TEST_F(CallUpdate, ReInviteNeverHasReliableProvisionalAnswers) {
  talk();
  const auto sent = from_carrier(in_dialog("INVITE", 2, ok_out, "Require: 100rel\r\n", phone));
  const SentMessage again = only(sent, "INVITE");
  EXPECT_EQ(again.header("Supported").find("100rel"), std::string::npos);
  EXPECT_TRUE(from_pbx(answer(again, 180, "")).empty()) << "it takes no other";
  EXPECT_TRUE(holds(from_pbx(answer(again, 200, "", kDeskContact, desk)), "200"));
}

// RFC 3261 §8.2.2.3
TEST_F(CallUpdate, RequestWithinADialogThatRequiresWhatWeDoNotKnowIsRefused) {
  talk();
  const SentMessage refused =
      only(from_carrier(in_dialog("INFO", 2, ok_out, "Require: teleport\r\n")), "420");
  EXPECT_EQ(refused.header("Unsupported"), "teleport");
  EXPECT_TRUE(holds(from_carrier(in_dialog("INFO", 3, ok_out, "Require: 100rel\r\n")), "INFO"));
}

}  // namespace
}  // namespace sallyport::tests

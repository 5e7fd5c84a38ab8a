// call_media_test.cpp — offers and answers through a call, and the streams that they open: RFC 3261 §13.2.1,
// §14; RFC 3264; RFC 6337; threats P11, D6.
#include <set>

#include "tests/support/media_call.h"

namespace sallyport::tests {
namespace {

using media::MediaCommand;
using media::StreamSide;

Endpoint at(std::string_view text) { return *parse_endpoint(text, 0); }

class CallMedia : public MediaCall {};

TEST_F(CallMedia, OfferReachesTheCalleeWithAPortOfOursThatIsOpen) {
  ring();
  const Endpoint shown = shown_in(invite_out.body());
  EXPECT_EQ(shown.address, at("198.18.2.1:1").address);
  EXPECT_EQ(shown, stream().sides[1].local);
  EXPECT_EQ(stream().sides[0].remote, at("198.18.1.2:40000"));
  EXPECT_EQ(stream().sides[1].remote.port, 0) << "it has not said where";
  EXPECT_EQ(invite_out.body().find("198.18.1."), std::string::npos) << invite_out.body();
  EXPECT_EQ(invite_out.body().find("o=who"), std::string::npos);
}

TEST_F(CallMedia, AnswerReachesTheCallerWithAnotherPortAndTheRelayKnowsBothSides) {
  talk();
  EXPECT_EQ(shown_in(ok_out.body()), stream().sides[0].local);
  EXPECT_EQ(stream().sides[0].local.address, at("198.18.1.1:1").address);
  EXPECT_EQ(stream().sides[1].remote, at("198.18.2.2:30000"));
  EXPECT_TRUE(stream().sides[0].may_send && stream().sides[1].may_send);
  EXPECT_EQ(ok_out.body().find("198.18.2."), std::string::npos) << ok_out.body();
}

TEST_F(CallMedia, RepeatedMessagesAskNothingMoreOfTheRelay) {
  talk();
  const std::size_t before = orders.size();
  (void)from_carrier(invite_bytes);
  (void)from_pbx(answer(invite_out, 200, "pbxtag", kDeskContact, desk));
  (void)from_carrier(in_dialog("ACK", 1, ok_out, {}, voice("198.18.1.9", 41000)));
  EXPECT_EQ(orders.size(), before);
}

// Threats P11, M11
TEST_F(CallMedia, OfferOfAForbiddenTargetIsRefusedWith488AndNoTargetIsTried) {
  for (const char* host : {"127.0.0.1", "198.18.1.1", "224.0.0.1", "169.254.0.9"}) {
    const std::string id = std::string("refused-") + host;
    const auto sent = from_carrier(calling()
                                       .call_id(id)
                                       .via("SIP/2.0/UDP 198.18.1.2:5060;branch=z9hG4bK" + id)
                                       .body("application/sdp", voice(host, 40000))
                                       .build());
    const SentMessage refused = only(sent, "488");
    EXPECT_EQ(refused.header("Warning"), "305 198.18.1.1 \"Incompatible media\"") << host;
    EXPECT_FALSE(holds(sent, "INVITE")) << host;
  }
  EXPECT_TRUE(orders.empty());
  EXPECT_EQ(ports_taken(), 0u);
}

TEST_F(CallMedia, OfferThatCantBeReadIsRefusedWith400) {
  const auto sent = from_carrier(calling().body("application/sdp", "v=0\r\nrubbish\r\n").build());
  EXPECT_TRUE(holds(sent, "400"));
  EXPECT_FALSE(holds(sent, "INVITE"));
  EXPECT_EQ(end_record().tried.size(), 0u);
}

TEST_F(CallMedia, OfferThatFindsNoPortIsRefusedWith503) {
  config.realms[1].media.ports = {20000, 20001};
  std::set<unsigned> codes;
  for (unsigned i = 0; i < 64; ++i) {
    const std::string id = "full-" + std::to_string(i);
    const auto sent =
        from_carrier(calling().call_id(id).via("SIP/2.0/UDP 198.18.1.2:5060;branch=z9hG4bK" + id).build());
    for (const SentMessage& message : sent)
      if (message.status() > 100) codes.insert(static_cast<unsigned>(message.status()));
    if (!codes.empty()) break;
  }
  EXPECT_EQ(codes, std::set<unsigned>{503});
  EXPECT_LE(ports_taken(), 2u);
}

// RFC 3261 §13.2.1
TEST_F(CallMedia, DelayedOfferIsAnsweredInTheAck) {
  ring(calling_without());
  EXPECT_EQ(invite_out.body(), "");
  EXPECT_TRUE(orders.empty());
  (void)from_pbx(answer(invite_out, 200, "pbxtag", kDeskContact, desk));
  ok_out = only(journal(), "200");
  EXPECT_EQ(shown_in(ok_out.body()), stream().sides[0].local);
  EXPECT_EQ(ok_out.body().find("198.18.2."), std::string::npos);
  const SentMessage ack = only(from_carrier(in_dialog("ACK", 1, ok_out, {}, phone)), "ACK");
  EXPECT_EQ(shown_in(ack.body()), stream().sides[1].local);
  EXPECT_EQ(stream().sides[0].remote, at("198.18.1.2:40000"));
  EXPECT_EQ(stream().sides[1].remote, at("198.18.2.2:30000"));
  EXPECT_EQ(only(from_carrier(in_dialog("BYE", 2, ok_out)), "BYE").path.remote, pbx);
  expect_all_given_back();
}

// RFC 3261 §13.2.1, §13.2.2.4
TEST_F(CallMedia, AckWithoutTheAnswerThatItOwesEndsTheCall) {
  for (const std::string& body : {std::string(), std::string("v=0\r\nrubbish\r\n"), voice("127.0.0.1", 9)}) {
    CallFixture f;
    const SentMessage out = only(f.from_carrier(f.invite().body("", "").build()), "INVITE");
    (void)f.from_pbx(f.answer(out, 200, "pbxtag", kDeskContact, desk));
    const SentMessage ok = only(f.journal(), "200");
    const auto sent = f.from_carrier(f.in_dialog("ACK", 1, ok, {}, body));
    EXPECT_EQ(only(sent, "ACK").body(), "");
    EXPECT_EQ(sent.size(), 3u) << "and a BYE each";
    EXPECT_EQ(sent[1].method() + sent[2].method(), "BYEBYE");
    EXPECT_TRUE(f.relay.open().empty());
    EXPECT_EQ(f.records(CallRecordType::End).at(0).end_reason, "bad_answer");
  }
}

// RFC 6337 §3.1.1
TEST_F(CallMedia, EarlyMediaIsPreviewedAndTheAnswerCounts) {
  ring();
  const SentMessage early =
      only(from_pbx(answer(invite_out, 183, "pbxtag", kDeskContact, voice("198.18.2.2", 30010))), "183");
  EXPECT_EQ(shown_in(early.body()), stream().sides[0].local);
  EXPECT_EQ(stream().sides[1].remote, at("198.18.2.2:30010"));
  (void)from_pbx(answer(invite_out, 200, "pbxtag", kDeskContact, desk));
  ok_out = only(journal(), "200");
  EXPECT_EQ(shown_in(ok_out.body()), shown_in(early.body()));
  EXPECT_EQ(stream().sides[1].remote, at("198.18.2.2:30000"));
  EXPECT_EQ(relay.opened(), 1u);
}

// RFC 3261 §13.2.1: the first description is the answer.
TEST_F(CallMedia, AnswerThatCameInA183NeedNotComeAgain) {
  ring();
  const SentMessage early = only(from_pbx(answer(invite_out, 183, "pbxtag", kDeskContact, desk)), "183");
  (void)from_pbx(answer(invite_out, 200, "pbxtag", kDeskContact));
  ok_out = only(journal(), "200");
  EXPECT_EQ(ok_out.body(), early.body());
  (void)from_carrier(in_dialog("ACK", 1, ok_out));
  EXPECT_EQ(stream().sides[1].remote, at("198.18.2.2:30000"));
}

TEST_F(CallMedia, PreviewThatCantBeUsedIsLeftOut) {
  ring();
  EXPECT_EQ(only(from_pbx(answer(invite_out, 183, "a", kDeskContact, voice("127.0.0.1", 9))), "183").body(),
            "");
  EXPECT_EQ(only(from_pbx(answer(invite_out, 183, "a", kDeskContact, "v=0\r\nrubbish\r\n")), "183").body(),
            "");
  (void)from_pbx(answer(invite_out, 200, "a", kDeskContact, desk));
  EXPECT_EQ(shown_in(only(journal(), "200").body()), stream().sides[0].local);
}

// RFC 3261 §13.2.1: an unreliable 18x may not hold an offer.
TEST_F(CallMedia, DescriptionInA183ToAnInviteWithoutOneIsLeftOut) {
  ring(calling_without());
  EXPECT_EQ(only(from_pbx(answer(invite_out, 183, "pbxtag", kDeskContact, desk)), "183").body(), "");
  EXPECT_TRUE(orders.empty());
}

// RFC 3261 §12.1.2, §13.2.2.4
TEST_F(CallMedia, ForksShareThePortsAndTheOneThatAnswersIsHeard) {
  ring();
  const SentMessage one = only(from_pbx(answer(invite_out, 183, "one", kDeskContact, desk)), "183");
  const SentMessage two = only(from_pbx(answer(invite_out, 183, "two", kDeskContact, other_desk)), "183");
  EXPECT_EQ(shown_in(one.body()), shown_in(two.body()));
  EXPECT_NE(one.header("To"), two.header("To"));
  EXPECT_EQ(stream().sides[1].remote, at("198.18.2.3:31000")) << "the last that rang";
  (void)from_pbx(answer(invite_out, 200, "one", kDeskContact, desk));
  EXPECT_EQ(stream().sides[1].remote, at("198.18.2.2:30000"));
  const std::size_t before = orders.size();
  EXPECT_TRUE(holds(from_pbx(answer(invite_out, 200, "two", kDeskContact, other_desk)), "BYE"));
  EXPECT_EQ(orders.size(), before) << "an answer that came too late changes nothing";
  EXPECT_EQ(relay.opened(), 1u);
}

TEST_F(CallMedia, NextTargetGetsPortsOfItsOwnAndTheFirstOnesAreClosed) {
  ring();
  const Endpoint first = shown_in(invite_out.body());
  const media::StreamKey lost = stream().key;
  const auto sent = from_pbx(answer(invite_out, 503, "x"));
  const SentMessage next = only(sent, "INVITE");
  EXPECT_EQ(next.path.remote, second_pbx);
  EXPECT_NE(shown_in(next.body()), first);
  EXPECT_NE(stream().key, lost);
  (void)from(second_pbx, answer(next, 200, "two", kDeskContact, other_desk));
  EXPECT_EQ(shown_in(only(journal(), "200").body()), stream().sides[0].local);
  EXPECT_EQ(relay.closed(), 1u);
}

TEST_F(CallMedia, TargetThatIsSilentLosesItsPortsWhenTheNextIsTried) {
  ring();
  (void)wait(5500ms);
  EXPECT_EQ(relay.opened(), 2u);
  EXPECT_EQ(relay.closed(), 1u);
  const std::size_t before = orders.size();
  EXPECT_TRUE(holds(from_pbx(answer(invite_out, 200, "late", kDeskContact, desk)), "BYE"));
  EXPECT_EQ(orders.size(), before) << "a late answer opens nothing";
}

TEST_F(CallMedia, AnswerThatCantBeUsedIsRefusedOnBothSides) {
  struct Case {
    std::string sdp;
    const char* code;
  };
  for (const Case& bad : {Case{"v=0\r\nrubbish\r\n", "502"}, Case{voice("127.0.0.1", 9), "488"}}) {
    CallFixture f;
    const SentMessage out = only(f.from_carrier(f.invite().body("application/sdp", phone).build()), "INVITE");
    const auto sent = f.from_pbx(f.answer(out, 200, "pbxtag", kDeskContact, bad.sdp));
    EXPECT_EQ(only(sent, "ACK").path.remote, f.pbx);
    EXPECT_EQ(only(sent, "BYE").path.remote, f.pbx);
    EXPECT_EQ(only(sent, bad.code).path.remote, f.carrier);
    EXPECT_TRUE(f.relay.open().empty());
    EXPECT_EQ(f.relay.opened(), 1u);
  }
}

TEST_F(CallMedia, AnswerWithoutADescriptionGoesOnAndNothingStaysOpen) {
  ring();
  (void)from_pbx(answer(invite_out, 200, "pbxtag", kDeskContact));
  EXPECT_EQ(only(journal(), "200").body(), "");
  EXPECT_TRUE(relay.open().empty());
  EXPECT_EQ(calls(), 1u) << "the caller decides";
}

TEST_F(CallMedia, ReinviteMovesTheStreamWithoutClosingIt) {
  talk();
  const Endpoint outer = stream().sides[0].local, inner = stream().sides[1].local;
  const SentMessage again =
      only(from_carrier(in_dialog("INVITE", 2, ok_out, {}, voice("198.18.1.3", 42000, "a=sendonly\r\n"))),
           "INVITE");
  EXPECT_EQ(shown_in(again.body()), inner);
  EXPECT_NE(again.body().find("a=sendonly"), std::string::npos);
  EXPECT_EQ(stream().sides[0].remote, at("198.18.1.2:40000")) << "not before the answer";
  const SentMessage ok = only(
      from_pbx(answer(again, 200, "", kDeskContact, voice("198.18.2.2", 30000, "a=recvonly\r\n"))), "200");
  EXPECT_EQ(shown_in(ok.body()), outer);
  EXPECT_EQ(stream().sides[0].remote, at("198.18.1.3:42000"));
  EXPECT_TRUE(stream().sides[0].may_send);
  EXPECT_FALSE(stream().sides[1].may_send);
  EXPECT_EQ(only(from_carrier(in_dialog("ACK", 2, ok)), "ACK").path.remote, pbx);
  EXPECT_EQ(count_of(MediaCommand::Kind::Open), 1u);
  EXPECT_EQ(count_of(MediaCommand::Kind::Close), 0u);
}

// RFC 3261 §14.1
TEST_F(CallMedia, ReinviteThatFailsLeavesAllAsItWas) {
  talk();
  const MediaCommand before = stream();
  unsigned cseq = 1;
  for (const int code : {488, 491, 500}) {
    const SentMessage again =
        only(from_carrier(in_dialog("INVITE", ++cseq, ok_out, {}, voice("198.18.1.3", 42000))), "INVITE");
    EXPECT_TRUE(holds(from_pbx(answer(again, code, "", {}, desk)), std::to_string(code)));
    EXPECT_EQ(stream().sides[0].remote, before.sides[0].remote);
    EXPECT_EQ(stream().sides[0].may_send, before.sides[0].may_send);
  }
  // And the next one is taken.
  const SentMessage last =
      only(from_carrier(in_dialog("INVITE", ++cseq, ok_out, {}, voice("198.18.1.3", 42000))), "INVITE");
  EXPECT_TRUE(holds(from_pbx(answer(last, 200, "", kDeskContact, desk)), "200"));
  EXPECT_EQ(stream().sides[0].remote, at("198.18.1.3:42000"));
}

TEST_F(CallMedia, ReinviteThatIsCancelledLeavesAllAsItWas) {
  talk();
  const std::string again = in_dialog("INVITE", 2, ok_out, {}, voice("198.18.1.3", 42000));
  const SentMessage out = only(from_carrier(again), "INVITE");
  (void)from_pbx(answer(out, 180, "", kDeskContact));
  EXPECT_TRUE(holds(from_carrier(cancel_of(again)), "CANCEL"));
  EXPECT_TRUE(holds(from_pbx(answer(out, 487, "")), "487"));
  EXPECT_EQ(stream().sides[0].remote, at("198.18.1.2:40000"));
  EXPECT_TRUE(holds(from_pbx(in_dialog("INVITE", 1, invite_out, {}, desk)), "INVITE"));
}

TEST_F(CallMedia, ForbiddenTargetInAReinviteIsRefusedAndTheCallGoesOn) {
  talk();
  const SentMessage refused =
      only(from_carrier(in_dialog("INVITE", 2, ok_out, {}, voice("127.0.0.1", 42000))), "488");
  EXPECT_EQ(refused.path.remote, carrier);
  EXPECT_FALSE(refused.header("Warning").empty());
  EXPECT_EQ(calls(), 1u);
  EXPECT_EQ(stream().sides[0].remote, at("198.18.1.2:40000"));
  EXPECT_TRUE(holds(from_carrier(in_dialog("UPDATE", 3, ok_out, {}, voice("127.0.0.1", 42000))), "488"));
}

// RFC 3261 §14.1: the sides have another idea of the session each.
TEST_F(CallMedia, AnswerToAReinviteThatCantBeUsedEndsTheCall) {
  talk();
  const SentMessage again =
      only(from_carrier(in_dialog("INVITE", 2, ok_out, {}, voice("198.18.1.3", 42000))), "INVITE");
  const auto sent = from_pbx(answer(again, 200, "", kDeskContact, voice("127.0.0.1", 9)));
  EXPECT_TRUE(holds(sent, "488"));
  EXPECT_EQ(only(sent, "ACK").path.remote, pbx);
  EXPECT_TRUE(holds(sent, "BYE"));
  EXPECT_TRUE(relay.open().empty());
  EXPECT_EQ(end_record().end_reason, "bad_answer");
}

// RFC 3261 §14.1: glare
TEST_F(CallMedia, OffersThatCrossAreRefusedWith491AndTheFirstIsAnswered) {
  talk();
  const SentMessage again =
      only(from_carrier(in_dialog("INVITE", 2, ok_out, {}, voice("198.18.1.3", 42000))), "INVITE");
  EXPECT_TRUE(holds(from_pbx(in_dialog("INVITE", 1, invite_out, {}, other_desk)), "491"));
  EXPECT_TRUE(holds(from_pbx(in_dialog("UPDATE", 2, invite_out, {}, other_desk)), "491"));
  EXPECT_TRUE(holds(from_carrier(in_dialog("UPDATE", 3, ok_out, {}, phone)), "500"));
  EXPECT_TRUE(holds(from_pbx(answer(again, 200, "", kDeskContact, desk)), "200"));
  EXPECT_EQ(stream().sides[0].remote, at("198.18.1.3:42000"));
  EXPECT_EQ(stream().sides[1].remote, at("198.18.2.2:30000"));
}

TEST_F(CallMedia, ReinviteWithoutAnOfferIsAnsweredInItsAck) {
  talk();
  const SentMessage again = only(from_pbx(in_dialog("INVITE", 1, invite_out)), "INVITE");
  EXPECT_EQ(again.body(), "");
  const SentMessage ok =
      only(from_carrier(answer(again, 200, "", "Contact: <sip:alice-contact@198.18.1.2:5060>\r\n",
                               voice("198.18.1.2", 40010))),
           "200");
  EXPECT_EQ(shown_in(ok.body()), stream().sides[1].local);
  EXPECT_TRUE(holds(from_carrier(in_dialog("UPDATE", 2, ok_out, {}, phone)), "500"));
  const std::string acked = in_dialog("ACK", 1, invite_out, {}, voice("198.18.2.2", 30010));
  EXPECT_EQ(shown_in(only(from_pbx(acked), "ACK").body()), stream().sides[0].local);
  EXPECT_EQ(stream().sides[0].remote, at("198.18.1.2:40010"));
  EXPECT_EQ(stream().sides[1].remote, at("198.18.2.2:30010"));
  EXPECT_EQ(relay.opened(), 1u);
}

// RFC 3311 §5.1
TEST_F(CallMedia, UpdateCarriesAnOfferToo) {
  talk();
  const SentMessage update =
      only(from_pbx(in_dialog("UPDATE", 1, invite_out, {}, voice("198.18.2.2", 30020))), "UPDATE");
  EXPECT_EQ(shown_in(update.body()), stream().sides[0].local);
  const SentMessage ok = only(from_carrier(answer(update, 200, "", {}, phone)), "200");
  EXPECT_EQ(shown_in(ok.body()), stream().sides[1].local);
  EXPECT_EQ(stream().sides[1].remote, at("198.18.2.2:30020"));
}

TEST_F(CallMedia, LateAckOfOneOfferIsNoAnswerToTheNext) {
  talk();
  const SentMessage again = only(from_pbx(in_dialog("INVITE", 1, invite_out, {}, desk)), "INVITE");
  const SentMessage ok = only(
      from_carrier(answer(again, 200, "", "Contact: <sip:alice-contact@198.18.1.2:5060>\r\n", phone)), "200");
  const SentMessage update =
      only(from_carrier(in_dialog("UPDATE", 2, ok_out, {}, voice("198.18.1.2", 40030))), "UPDATE");
  EXPECT_TRUE(holds(from_pbx(in_dialog("ACK", 1, invite_out)), "ACK"));
  EXPECT_TRUE(holds(from_pbx(answer(update, 200, "", {}, desk)), "200"));
  EXPECT_EQ(stream().sides[0].remote, at("198.18.1.2:40030"));
  EXPECT_EQ(calls(), 1u);
}

// Whatever shows addresses shows only ours.
TEST_F(CallMedia, DescriptionsCrossAsOffersAndAnswersOnly) {
  talk();
  unsigned cseq = 1;
  for (const char* method : {"INFO", "MESSAGE", "OPTIONS", "NOTIFY"}) {
    const SentMessage sent = only(from_carrier(in_dialog(method, ++cseq, ok_out, {}, phone)), method);
    EXPECT_EQ(sent.body(), "") << method;
    EXPECT_EQ(sent.header("Content-Type"), "") << method;
    const SentMessage ok = only(from_pbx(answer(sent, 200, "", {}, desk)), "200");
    EXPECT_EQ(ok.body(), "") << method;
  }
  const SentMessage again = only(from_carrier(in_dialog("INVITE", ++cseq, ok_out, {}, phone)), "INVITE");
  EXPECT_EQ(only(from_pbx(answer(again, 488, "", {}, desk)), "488").body(), "");
  const std::size_t before = orders.size();
  EXPECT_EQ(only(from_carrier(in_dialog("BYE", ++cseq, ok_out, {}, phone)), "BYE").body(), "");
  EXPECT_EQ(orders.size(), before + 1) << "closed";
}

TEST_F(CallMedia, HeaderRulesOfTheRouteEditTheOffer) {
  HeaderRuleConfig& rule = config.header_rules.emplace_back();
  rule.name = "slow";
  rule.steps = {{"sdp:ptime", RuleAction::Set, "", "30"}};
  config.routes[0].rules = {"slow"};
  ring();
  EXPECT_NE(invite_out.body().find("a=ptime:30\r\n"), std::string::npos) << invite_out.body();
}

TEST_F(CallMedia, OfferInOnePartOfSeveralIsAnchoredAndTheOtherPartsCross) {
  const std::string parts =
      "--b1\r\nContent-Type: application/sdp\r\nContent-Length: 9\r\n\r\n" + phone +
      "\r\n--b1\r\nContent-Type: application/isup;version=itu-t92+\r\n\r\nISUPOCTETS\r\n--b1--\r\n";
  ring(calling().body("multipart/mixed;boundary=b1", parts));
  EXPECT_EQ(invite_out.header("Content-Type").find("multipart/mixed"), 0u);
  EXPECT_EQ(shown_in(invite_out.body()), stream().sides[1].local);
  EXPECT_NE(invite_out.body().find("ISUPOCTETS"), std::string::npos);
  EXPECT_EQ(invite_out.body().find("198.18.1."), std::string::npos) << invite_out.body();
}

}  // namespace
}  // namespace sallyport::tests

// call_reliable_test.cpp — provisional responses that are acknowledged, on two legs that need not both know
// how to: RFC 3262; RFC 6337 §3.1.
#include "sipalg/call/reliable_answers.h"
#include "tests/support/media_call.h"

namespace sallyport::tests {
namespace {

std::string reliable_lines(std::uint32_t rseq) {
  return std::string(kDeskContact) + "Require: 100rel\r\nRSeq: " + std::to_string(rseq) + "\r\n";
}

std::uint32_t rseq_in(const SentMessage& message) {
  return static_cast<std::uint32_t>(std::strtoul(message.header("RSeq").c_str(), nullptr, 10));
}

class CallReliable : public MediaCall {
 protected:
  MessageBuilder supporting() { return calling().line("Supported: 100rel"); }
  MessageBuilder requiring() { return calling().line("Require: 100rel").line("Supported: 100rel"); }
  std::vector<SentMessage> reliable(int code, std::uint32_t rseq, std::string_view body = {},
                                    std::string_view tag = "pbxtag") {
    return from_pbx(answer(invite_out, code, tag, reliable_lines(rseq), body));
  }
  std::vector<SentMessage> unreliable(int code, std::string_view body = {}) {
    return from_pbx(answer(invite_out, code, "pbxtag", kDeskContact, body));
  }
  std::string prack_of(const SentMessage& ringing, unsigned cseq, std::string_view body = {}) {
    return in_dialog("PRACK", cseq, ringing, "RAck: " + ringing.header("RSeq") + " 1 INVITE\r\n", body);
  }
  std::vector<SentMessage> prack(const SentMessage& ringing, unsigned cseq, std::string_view body = {}) {
    return from_carrier(prack_of(ringing, cseq, body));
  }
  [[nodiscard]] std::uint64_t out_of_order() {
    return dropped(RealmIndex(1), sip::SipDropReason::OutOfOrder);
  }
  void bridge();
  void make_reliable();
  void repeat_until_the_end();
  void end_while_it_rings(bool by_bye);
  void expect_nothing_left() {
    (void)wait(5min);
    EXPECT_EQ(calls(), 0u);
    EXPECT_EQ(engine().counters().transactions_active.value(), 0u);
  }
};

void CallReliable::bridge() {
  EXPECT_EQ(ring(supporting()).header("Supported").find("100rel"), 0u);
  const auto sent = reliable(183, 700, desk);
  EXPECT_FALSE(holds(sent, "PRACK")) << "the caller's comes";
  const SentMessage ringing = only(sent, "183");
  EXPECT_EQ(ringing.header("Require"), "100rel");
  EXPECT_NE(rseq_in(ringing), 700u) << "a number of our own";
  EXPECT_GT(rseq_in(ringing), 0u);
  EXPECT_LE(rseq_in(ringing), sip::kRSeqMax);
  EXPECT_EQ(shown_in(ringing.body()), stream().sides[0].local);
  const SentMessage out = only(prack(ringing, 2), "PRACK");
  EXPECT_EQ(out.path.remote, pbx);
  EXPECT_EQ(out.header("RAck"), "700 1 INVITE");
  EXPECT_EQ(out.header("CSeq"), "2 PRACK");
  EXPECT_EQ(out.body(), "");
  const SentMessage ok = only(from_pbx(answer(out, 200, "")), "200");
  EXPECT_EQ(ok.path.remote, carrier);
  EXPECT_EQ(ok.header("CSeq"), "2 PRACK");
  EXPECT_TRUE(wait(40s).empty()) << "nothing is sent again";
  (void)from_pbx(answer(invite_out, 200, "pbxtag", kDeskContact));
  ok_out = only(wait(200ms), "200");
  EXPECT_EQ(ok_out.body(), "") << "the caller has its answer. RFC 3261 §13.2.1";
  const SentMessage ack = only(from_carrier(in_dialog("ACK", 1, ok_out)), "ACK");
  EXPECT_EQ(ack.header("CSeq"), "1 ACK");
  EXPECT_EQ(stream().sides[1].remote.port, 30000);
  const SentMessage bye = only(from_carrier(in_dialog("BYE", 3, ok_out)), "BYE");
  EXPECT_EQ(bye.header("CSeq"), "3 BYE");
}

TEST_F(CallReliable, CalleesReliableAnswerReachesTheCallerReliablyAndItsPrackGoesBack) { bridge(); }

TEST_F(CallReliable, ItDoesSoWithARestartBetweenAnyTwoMessages) {
  restarts_after_each_step = true;
  bridge();
}

TEST_F(CallReliable, ItDoesSoOverTcp) {
  use(Transport::Tcp, Transport::Tcp);
  bridge();
}

TEST_F(CallReliable, ForACallerThatDoesNotKnowThemWeAcknowledgeAndTheAnswerComesWithThe200) {
  ring();
  EXPECT_EQ(invite_out.header("Supported").find("100rel"), 0u);
  const auto sent = reliable(183, 1, desk);
  const SentMessage out = only(sent, "PRACK");
  EXPECT_EQ(out.path.remote, pbx);
  EXPECT_EQ(out.header("RAck"), "1 1 INVITE");
  const SentMessage ringing = only(sent, "183");
  EXPECT_EQ(ringing.header("Require"), "");
  EXPECT_EQ(ringing.header("RSeq"), "");
  EXPECT_NE(ringing.body(), "");
  EXPECT_TRUE(from_pbx(answer(out, 200, "")).empty()) << "nobody but us waits for it";
  EXPECT_TRUE(wait(40s).empty());
  // RFC 3262 §5: what was agreed on stays, whatever the 2xx says.
  (void)from_pbx(answer(invite_out, 200, "pbxtag", kDeskContact, other_desk));
  ok_out = only(journal(), "200");
  EXPECT_EQ(shown_in(ok_out.body()), stream().sides[0].local);
  EXPECT_EQ(stream().sides[1].remote.port, 30000);
  EXPECT_EQ(only(from_carrier(in_dialog("ACK", 1, ok_out)), "ACK").header("CSeq"), "1 ACK");
}

TEST_F(CallReliable, ReliableAnswerIsNotChangedByThe200) {
  ring(supporting());
  const SentMessage ringing = only(reliable(183, 5, desk), "183");
  (void)from_pbx(answer(only(prack(ringing, 2), "PRACK"), 200, ""));
  (void)from_pbx(answer(invite_out, 200, "pbxtag", kDeskContact, other_desk));
  EXPECT_EQ(only(journal(), "200").body(), "");
  EXPECT_EQ(stream().sides[1].remote.port, 30000);
}

// RFC 3262 §4: "MUST be processed in order"; §3: repeated until it is acknowledged.
TEST_F(CallReliable, OneThatComesAgainOrBeforeItsTurnIsDropped) {
  ring();
  (void)only(reliable(180, 10), "PRACK");
  EXPECT_TRUE(reliable(180, 10).empty()) << "again";
  EXPECT_EQ(out_of_order(), 0u);
  EXPECT_TRUE(reliable(183, 12, desk).empty()) << "one is missing";
  EXPECT_TRUE(reliable(183, 9, desk).empty());
  EXPECT_EQ(out_of_order(), 1u);
  EXPECT_TRUE(holds(reliable(183, 11, desk), "183"));
  EXPECT_TRUE(holds(reliable(183, 12), "183"));
}

TEST_F(CallReliable, NumbersThatAreNoneAreDropped) {
  ring();
  for (const char* const rseq : {"0", "2147483648", "4294967295", "4294967296", "-1", "x", "", "1 2"})
    EXPECT_TRUE(from_pbx(answer(invite_out, 180, "pbxtag",
                                std::string(kDeskContact) + "Require: 100rel\r\nRSeq: " + rseq + "\r\n"))
                    .empty())
        << rseq;
  EXPECT_TRUE(
      from_pbx(answer(invite_out, 180, "pbxtag", std::string(kDeskContact) + "Require: 100rel\r\n")).empty())
      << "without a number";
  EXPECT_TRUE(from_pbx(answer(invite_out, 180, "pbxtag", reliable_lines(1) + "RSeq: 2\r\n")).empty());
  EXPECT_TRUE(from_pbx(answer(invite_out, 180, "bare", "Require: 100rel\r\nRSeq: 1\r\n")).empty())
      << "without a Contact there is nobody to acknowledge it to";
  EXPECT_EQ(out_of_order(), 11u);
  EXPECT_TRUE(holds(reliable(180, 2147483647), "PRACK"));
  EXPECT_TRUE(holds(reliable(180, 2147483648), "PRACK")) << "the next one";
}

// RFC 3262 §3: T1, doubling, over any transport; 64*T1 later a 5xx.
void CallReliable::repeat_until_the_end() {
  ring(supporting());
  const SentMessage ringing = only(reliable(180, 1), "180");
  EXPECT_TRUE(wait(499ms).empty());
  unsigned repeats = 0;
  for (const Duration gap : {Duration(1ms), Duration(1s), Duration(2s), Duration(4s), Duration(8s)}) {
    const auto again = wait(gap);
    ASSERT_EQ(again.size(), 1u) << ++repeats;
    EXPECT_EQ(again[0].bytes, ringing.bytes);
    EXPECT_TRUE(again[0].is_again);
  }
  EXPECT_EQ(wait(16s).size(), 1u);
  const auto sent = wait(500ms);
  EXPECT_TRUE(holds(sent, "504"));
  EXPECT_EQ(only(sent, "CANCEL").path.remote, pbx);
  (void)from_pbx(answer(invite_out, 487, "pbxtag"));
  ASSERT_EQ(records(CallRecordType::End).size(), 1u);
  EXPECT_EQ(records(CallRecordType::End)[0].end_reason, "no_prack");
  expect_nothing_left();
}

TEST_F(CallReliable, AnswerThatIsNotAcknowledgedIsRepeatedAndAtLastTheCallIsRefused) {
  repeat_until_the_end();
}

TEST_F(CallReliable, ItIsRepeatedOverTcpToo) {
  use(Transport::Tcp, Transport::Tcp);
  repeat_until_the_end();
}

TEST_F(CallReliable, NextOneWaitsUntilTheFirstIsAcknowledged) {
  ring(supporting());
  const SentMessage first = only(reliable(180, 1), "180");
  EXPECT_TRUE(reliable(183, 2, desk).empty());
  const auto sent = prack(first, 2);
  EXPECT_EQ(only(sent, "PRACK").header("RAck"), "1 1 INVITE");
  const SentMessage second = only(sent, "183");
  EXPECT_EQ(rseq_in(second), rseq_in(first) + 1);
  EXPECT_EQ(only(prack(second, 3), "PRACK").header("RAck"), "2 1 INVITE");
}

TEST_F(CallReliable, ThousandsOfReliableAnswersAreNotKept) {
  ring(supporting());
  const SentMessage first = only(reliable(180, 1), "180");
  for (std::uint32_t i = 2; i < 3000; ++i) EXPECT_TRUE(reliable(180, i).empty());
  EXPECT_EQ(out_of_order(), 2998u - (sip::kReliableWaitingMax - 1));
  (void)prack(first, 2);
  EXPECT_TRUE(reliable(180, sip::kReliableWaitingMax + 1).empty()) << "there is room again";
  EXPECT_EQ(out_of_order(), 2998u - (sip::kReliableWaitingMax - 1));
}

TEST_F(CallReliable, ThousandsThatWeMustAcknowledgeOpenNoMoreThanACallMay) {
  ring();
  unsigned pracks = 0;
  for (std::uint32_t i = 1; i < 3000; ++i) pracks += holds(reliable(180, i), "PRACK") ? 1 : 0;
  EXPECT_EQ(pracks, 8u);
  (void)from_pbx(answer(invite_out, 486, "pbxtag"));
  expect_nothing_left();
}

// RFC 3262 §3
TEST_F(CallReliable, PrackThatMatchesNothingIsRefusedAndChangesNothing) {
  ring(supporting());
  const SentMessage ringing = only(reliable(180, 1), "180");
  const std::string rseq = ringing.header("RSeq");
  unsigned cseq = 2;
  for (const std::string& rack :
       {std::to_string(rseq_in(ringing) + 1) + " 1 INVITE", rseq + " 2 INVITE", rseq + " 1 UPDATE",
        rseq + " 1", rseq, std::string("1 1 INVITE"), std::string(), "-" + rseq + " 1 INVITE",
        rseq + " 1 INVITE INVITE", std::string("99999999999 1 INVITE")})
    EXPECT_TRUE(holds(from_carrier(in_dialog("PRACK", cseq++, ringing, "RAck: " + rack + "\r\n")), "481"))
        << rack;
  EXPECT_TRUE(holds(from_carrier(in_dialog("PRACK", cseq++, ringing)), "481"));
  EXPECT_TRUE(holds(from_pbx(in_dialog("PRACK", 1, invite_out, "RAck: 1 1 INVITE\r\n")), "481"))
      << "a callee has nothing to acknowledge";
  EXPECT_TRUE(holds(prack(ringing, cseq++), "PRACK"));
  EXPECT_TRUE(holds(prack(ringing, cseq), "481")) << "once";
}

TEST_F(CallReliable, PrackThatComesAgainHasItsAnswerAgainAndAnOldOneIsNotInOrder) {
  ring(requiring());
  const SentMessage ringing = only(unreliable(180), "180");
  const std::string bytes = prack_of(ringing, 5);
  const SentMessage ok = only(from_carrier(bytes), "200");
  const auto again = from_carrier(bytes);
  ASSERT_EQ(again.size(), 1u);
  EXPECT_EQ(again[0].bytes, ok.bytes);
  EXPECT_TRUE(holds(from_carrier(in_dialog("INFO", 4, ringing)), "500")) << "PRACK counts. RFC 3261 §12.2.2";
}

// Threats D1, D3
TEST_F(CallReliable, PrackFromElsewhereIsAForgery) {
  ring(requiring());
  const SentMessage ringing = only(unreliable(180), "180");
  EXPECT_TRUE(from_pbx(prack_of(ringing, 2)).empty());
  EXPECT_EQ(dropped(RealmIndex(1), sip::SipDropReason::ForgedRequest), 1u);
  EXPECT_TRUE(holds(prack(ringing, 2), "200"));
}

void CallReliable::make_reliable() {
  EXPECT_EQ(ring(requiring()).header("Require"), "") << "of the callee nothing is required";
  const SentMessage ringing = only(unreliable(183, desk), "183");
  EXPECT_EQ(ringing.header("Require"), "100rel");
  EXPECT_NE(ringing.body(), "");
  EXPECT_TRUE(unreliable(180).empty()) << "waits for its turn";
  // RFC 3262 §3: no 2xx before a description is acknowledged.
  EXPECT_TRUE(from_pbx(answer(invite_out, 200, "pbxtag", kDeskContact, desk)).empty());
  EXPECT_TRUE(records(CallRecordType::Start).empty());
  const auto sent = prack(ringing, 2);
  EXPECT_EQ(only(sent, "200").header("CSeq"), "2 PRACK");
  EXPECT_FALSE(holds(sent, "PRACK"));
  ok_out = only(wait(200ms), "200");
  EXPECT_EQ(ok_out.header("CSeq"), "1 INVITE");
  EXPECT_EQ(ok_out.body(), "");
  EXPECT_EQ(only(from_carrier(in_dialog("ACK", 1, ok_out)), "ACK").path.remote, pbx);
  EXPECT_EQ(stream().sides[1].remote.port, 30000);
}

TEST_F(CallReliable, ForACallerThatRequiresThemACalleesUnreliableOnesAreMadeReliable) { make_reliable(); }

TEST_F(CallReliable, TheyAreMadeReliableWithARestartBetweenAnyTwoMessages) {
  restarts_after_each_step = true;
  make_reliable();
}

TEST_F(CallReliable, CallerThatOnlyKnowsThemHearsUnreliableOnesAsTheyCame) {
  ring(supporting());
  const SentMessage ringing = only(unreliable(183, desk), "183");
  EXPECT_EQ(ringing.header("RSeq"), "");
  EXPECT_NE(ringing.body(), "");
}

TEST_F(CallReliable, OfUnreliableOnesThatWaitTheNewestCounts) {
  ring(requiring());
  SentMessage shown = only(unreliable(180), "180");
  for (unsigned i = 0; i < 100; ++i) EXPECT_TRUE(unreliable(180 + static_cast<int>(i % 2)).empty());
  (void)unreliable(182);
  unsigned cseq = 2;
  std::vector<int> codes;
  for (; cseq < 20; ++cseq) {
    const auto sent = prack(shown, cseq);
    if (sent.size() < 2) break;
    const std::uint32_t before = rseq_in(shown);
    shown = sent.back().status() == 200 ? sent.front() : sent.back();
    EXPECT_EQ(rseq_in(shown), before + 1);
    codes.push_back(shown.status());
  }
  ASSERT_EQ(codes.size(), sip::kReliableWaitingMax - 1);
  EXPECT_EQ(codes.back(), 182);
}

TEST_F(CallReliable, CalleesAnswerThatWaitsForThePrackIsEndedWhenTheCallerGivesUp) {
  ring(requiring());
  (void)only(unreliable(183, desk), "183");
  (void)from_pbx(answer(invite_out, 200, "pbxtag", kDeskContact, desk));
  const auto sent = from_carrier(cancel_of(invite_bytes));
  EXPECT_TRUE(holds(sent, "487"));
  EXPECT_EQ(only(sent, "ACK").path.remote, pbx);
  const SentMessage bye = only(sent, "BYE");
  EXPECT_EQ(bye.path.remote, pbx);
  (void)from_pbx(answer(bye, 200, ""));
  expect_nothing_left();
  EXPECT_TRUE(relay.open().empty());
}

TEST_F(CallReliable, CalleesAnswerThatWaitsForThePrackIsEndedWhenNoneComes) {
  ring(requiring());
  (void)only(unreliable(183, desk), "183");
  (void)from_pbx(answer(invite_out, 200, "pbxtag", kDeskContact, desk));
  const auto sent = wait(33s);
  EXPECT_TRUE(holds(sent, "504"));
  EXPECT_EQ(only(sent, "BYE").path.remote, pbx);
  expect_nothing_left();
}

TEST_F(CallReliable, OfferInAPrackThatNobodyCanTakeIsRefusedAndTheAnswerIsAcknowledged) {
  ring(requiring());
  const SentMessage ringing = only(unreliable(183, desk), "183");
  EXPECT_TRUE(holds(prack(ringing, 2, phone), "488"));
  EXPECT_TRUE(wait(40s).empty());
}

// RFC 3262 §5, RFC 6337 §2.1: patterns of offer and answer
TEST_F(CallReliable, OfferInAPrackGoesToTheCalleeAndItsAnswerComesBack) {
  ring(supporting());
  const SentMessage ringing = only(reliable(183, 1, desk), "183");
  const SentMessage out = only(prack(ringing, 2, voice("198.18.1.2", 40010)), "PRACK");
  EXPECT_EQ(shown_in(out.body()), stream().sides[1].local);
  EXPECT_TRUE(holds(from_carrier(in_dialog("UPDATE", 3, ringing, {}, phone)), "500")) << "one at a time";
  EXPECT_TRUE(holds(from_pbx(in_dialog("UPDATE", 1, invite_out, {}, desk)), "491"));
  const SentMessage ok = only(from_pbx(answer(out, 200, "", {}, voice("198.18.2.2", 30010))), "200");
  EXPECT_EQ(shown_in(ok.body()), stream().sides[0].local);
  EXPECT_EQ(stream().sides[0].remote.port, 40010);
  EXPECT_EQ(stream().sides[1].remote.port, 30010);
  (void)from_pbx(answer(invite_out, 200, "pbxtag", kDeskContact));
  EXPECT_EQ(only(journal(), "200").body(), "");
  EXPECT_EQ(stream().sides[1].remote.port, 30010) << "the first answer holds no longer";
}

TEST_F(CallReliable, OfferInAPrackThatCantCrossIsRefusedAndTheCalleeHasItsPrackAllTheSame) {
  ring(supporting());
  const SentMessage ringing = only(reliable(183, 1, desk), "183");
  const auto sent = prack(ringing, 2, voice("127.0.0.1", 40010));
  EXPECT_TRUE(holds(sent, "488"));
  const SentMessage out = only(sent, "PRACK");
  EXPECT_EQ(out.header("RAck"), "1 1 INVITE");
  EXPECT_EQ(out.body(), "");
  EXPECT_EQ(stream().sides[0].remote.port, 40000);
}

TEST_F(CallReliable, CalleesOfferCrossesInItsReliableAnswerAndTheCallersAnswerInThePrack) {
  ring(calling_without().line("Supported: 100rel"));
  EXPECT_EQ(invite_out.header("Supported").find("100rel"), 0u);
  const SentMessage ringing = only(reliable(183, 1, desk), "183");
  EXPECT_EQ(shown_in(ringing.body()), stream().sides[0].local);
  const SentMessage out = only(prack(ringing, 2, phone), "PRACK");
  EXPECT_EQ(shown_in(out.body()), stream().sides[1].local);
  EXPECT_TRUE(holds(from_pbx(answer(out, 200, "")), "200"));
  EXPECT_EQ(stream().sides[0].remote.port, 40000);
  EXPECT_EQ(stream().sides[1].remote.port, 30000);
  (void)from_pbx(answer(invite_out, 200, "pbxtag", kDeskContact));
  ok_out = only(journal(), "200");
  EXPECT_EQ(ok_out.body(), "");
  const SentMessage ack = only(from_carrier(in_dialog("ACK", 1, ok_out)), "ACK");
  EXPECT_EQ(ack.body(), "");
}

// RFC 3261 §13.2.1: the first reliable response to an INVITE without an offer holds one. There is none yet.
TEST_F(CallReliable, CallerThatWantsAnOfferReliablyHearsNoneWithoutIt) {
  ring(calling_without().line("Require: 100rel").line("Supported: 100rel"));
  EXPECT_TRUE(unreliable(180).empty());
  (void)from_pbx(answer(invite_out, 200, "pbxtag", kDeskContact, desk));
  ok_out = only(journal(), "200");
  EXPECT_EQ(shown_in(ok_out.body()), stream().sides[0].local);
  EXPECT_EQ(shown_in(only(from_carrier(in_dialog("ACK", 1, ok_out, {}, phone)), "ACK").body()),
            stream().sides[1].local);
}

// RFC 3261 §13.2.2.4, RFC 6337 §3.1: each early dialog has its own offer and answer.
TEST_F(CallReliable, AnotherForkAnswersWithAnOfferOfItsOwn) {
  ring(calling_without().line("Supported: 100rel"));
  const std::string two_lines = desk + "m=video 30010 RTP/AVP 31\r\n";
  const SentMessage one = only(reliable(183, 1, two_lines, "one"), "183");
  const std::string two_answers = phone + "m=video 0 RTP/AVP 31\r\n";
  const SentMessage out = only(prack(one, 2, two_answers), "PRACK");
  EXPECT_TRUE(holds(from_pbx(answer(out, 200, "")), "200"));
  (void)from_pbx(answer(invite_out, 200, "two", kDeskContact, other_desk));
  ok_out = only(journal(), "200");
  EXPECT_EQ(shown_in(ok_out.body()), stream().sides[0].local);
  EXPECT_TRUE(holds(from_carrier(in_dialog("ACK", 1, ok_out, {}, phone)), "ACK"));
  EXPECT_EQ(stream().sides[1].remote.port, 31000);
  EXPECT_EQ(stream().sides[0].remote.port, 40000);
}

// RFC 3264 §4: one offer at a time; the streams are those of whoever answers.
TEST_F(CallReliable, OffersOfTwoForksAreAnsweredOneAfterTheOther) {
  ring(calling_without().line("Supported: 100rel"));
  const SentMessage one = only(reliable(183, 1, desk, "one"), "183");
  EXPECT_TRUE(reliable(183, 5, other_desk, "two").empty()) << "it comes again";
  const SentMessage first = only(prack(one, 2, phone), "PRACK");
  EXPECT_TRUE(holds(from_pbx(answer(first, 200, "")), "200"));
  const SentMessage two = only(reliable(183, 5, other_desk, "two"), "183");
  const SentMessage second = only(prack(two, 2, phone), "PRACK");
  EXPECT_TRUE(holds(from_pbx(answer(second, 200, "")), "200"));
  EXPECT_EQ(stream().sides[1].remote.port, 31000);
  (void)from_pbx(answer(invite_out, 200, "one", kDeskContact));
  EXPECT_EQ(only(journal(), "200").body(), "");
  EXPECT_EQ(stream().sides[1].remote.port, 30000) << "who answered";
  EXPECT_EQ(stream().sides[0].remote.port, 40000);
}

// On a network that changes the order PRACK comes behind what was sent after it.
TEST_F(CallReliable, PrackThatWasOvertakenIsTakenAndTheOfferThatOvertookItIsNot) {
  ring(supporting());
  const SentMessage ringing = only(reliable(183, 700, desk), "183");
  EXPECT_TRUE(holds(from_carrier(in_dialog("UPDATE", 3, ringing, {}, phone)), "500"));
  const SentMessage out = only(prack(ringing, 2), "PRACK");
  EXPECT_EQ(out.header("RAck"), "700 1 INVITE");
  EXPECT_TRUE(holds(from_carrier(in_dialog("UPDATE", 4, ringing, {}, phone)), "500")) << "nor overtakes ours";
  (void)from_pbx(answer(out, 200, ""));
  EXPECT_TRUE(holds(from_carrier(in_dialog("UPDATE", 5, ringing, {}, phone)), "UPDATE"));
}

TEST_F(CallReliable, PrackThatOwesAnAnswerAndHasNoneEndsTheCall) {
  ring(calling_without().line("Supported: 100rel"));
  const SentMessage ringing = only(reliable(183, 1, desk), "183");
  const auto sent = prack(ringing, 2);
  EXPECT_TRUE(holds(sent, "400"));
  EXPECT_TRUE(holds(sent, "488")) << "the INVITE";
  EXPECT_EQ(only(sent, "CANCEL").path.remote, pbx);
}

TEST_F(CallReliable, WithoutAnOfferTheyAreKnownToTheCalleeOnlyIfTheCallerCanAnswer) {
  ring(calling_without());
  EXPECT_EQ(invite_out.header("Supported").find("100rel"), std::string::npos);
  const auto sent = reliable(183, 1, desk);  // all the same
  EXPECT_FALSE(holds(sent, "PRACK"));
  EXPECT_EQ(only(sent, "183").body(), "");
}

TEST_F(CallReliable, DescriptionThatCantBeUsedRefusesTheCall) {
  ring(supporting());
  const auto sent = reliable(183, 1, voice("127.0.0.1", 30000));
  EXPECT_TRUE(holds(sent, "488"));
  EXPECT_TRUE(holds(sent, "CANCEL"));
}

TEST_F(CallReliable, DescriptionThatCantBeUsedRefusesTheCallOfACallerWithoutThemToo) {
  ring();
  const auto sent = reliable(183, 1, voice("127.0.0.1", 30000));
  EXPECT_TRUE(holds(sent, "488"));
  EXPECT_TRUE(holds(sent, "CANCEL"));
}

TEST_F(CallReliable, AnswerToAnOfferOfTheCalleeIsKeptThroughRestarts) {
  restarts_after_each_step = true;
  ring(calling_without().line("Supported: 100rel"));
  const SentMessage ringing = only(reliable(183, 1, desk), "183");
  const SentMessage out = only(prack(ringing, 2, phone), "PRACK");
  EXPECT_TRUE(holds(from_pbx(answer(out, 200, "")), "200"));
  (void)from_pbx(answer(invite_out, 200, "pbxtag", kDeskContact));
  ok_out = only(wait(200ms), "200");
  EXPECT_EQ(ok_out.body(), "");
  EXPECT_TRUE(holds(from_carrier(in_dialog("ACK", 1, ok_out)), "ACK"));
  EXPECT_EQ(stream().sides[0].remote.port, 40000);
  EXPECT_EQ(stream().sides[1].remote.port, 30000);
}

// Threats D1, R5: bounded, whoever sends them.
TEST_F(CallReliable, FloodOfPracksOpensNothingTowardsTheCallee) {
  ring(supporting());
  const SentMessage ringing = only(reliable(180, 1), "180");
  unsigned passed = 0, refused = 0;
  for (unsigned i = 0; i < 200; ++i)
    for (const SentMessage& sent : prack(ringing, 2 + i)) {
      passed += sent.method() == "PRACK" ? 1 : 0;
      refused += sent.status() >= 400 ? 1 : 0;
    }
  EXPECT_EQ(passed, 1u);
  EXPECT_EQ(refused, 199u);
}

TEST_F(CallReliable, CallThatWasAcknowledgedHereLeavesNothingBehind) {
  ring(requiring());
  const SentMessage ringing = only(unreliable(180), "180");
  EXPECT_TRUE(holds(prack(ringing, 2), "200"));
  (void)from_carrier(in_dialog("BYE", 3, ringing));
  (void)from_pbx(answer(invite_out, 487, "pbxtag"));
  expect_nothing_left();
}

// RFC 3262 §3: a 2xx ends the repetition; a PRACK that comes behind it is still heard.
TEST_F(CallReliable, FinalAnswerEndsTheRepetitionAndALatePrackGoesThrough) {
  ring(supporting());
  const SentMessage ringing = only(reliable(180, 1), "180");
  (void)from_pbx(answer(invite_out, 200, "pbxtag", kDeskContact, desk));
  ok_out = only(journal(), "200");
  EXPECT_NE(ok_out.body(), "");
  EXPECT_TRUE(holds(from_carrier(in_dialog("ACK", 1, ok_out)), "ACK"));
  EXPECT_TRUE(wait(2s).empty());
  const SentMessage out = only(prack(ringing, 2), "PRACK");
  EXPECT_TRUE(holds(from_pbx(answer(out, 481, "")), "481"));
  EXPECT_EQ(calls(), 1u) << "it is the response that is not known, not the dialog";
  EXPECT_TRUE(holds(prack(ringing, 3), "481"));
}

TEST_F(CallReliable, EachForkCountsForItself) {
  ring(supporting());
  const SentMessage one = only(reliable(183, 100, desk, "one"), "183");
  const SentMessage two = only(reliable(183, 7, other_desk, "two"), "183");
  EXPECT_NE(rseq_in(one), rseq_in(two));
  EXPECT_TRUE(holds(from_carrier(in_dialog("PRACK", 2, one, "RAck: " + two.header("RSeq") + " 1 INVITE\r\n")),
                    "481"));
  const SentMessage first = only(prack(one, 3), "PRACK");
  EXPECT_EQ(first.header("RAck"), "100 1 INVITE");
  EXPECT_NE(first.header("To").find("tag=one"), std::string::npos);
  (void)from_pbx(answer(first, 200, ""));
  const SentMessage second = only(prack(two, 3), "PRACK");
  EXPECT_NE(second.header("To").find("tag=two"), std::string::npos);
  (void)from_pbx(answer(second, 200, ""));
  EXPECT_EQ(stream().sides[1].remote.port, 31000) << "who spoke last";
  (void)from_pbx(answer(invite_out, 200, "one", kDeskContact));
  EXPECT_EQ(only(journal(), "200").body(), "");
  EXPECT_EQ(stream().sides[1].remote.port, 30000) << "who answered";
}

TEST_F(CallReliable, AnotherTargetBeginsAnew) {
  ring(supporting());
  const SentMessage ringing = only(reliable(180, 1), "180");
  const auto failed = from_pbx(answer(invite_out, 503, "pbxtag"));
  const SentMessage next = only(failed, "INVITE");
  EXPECT_EQ(next.path.remote, second_pbx);
  EXPECT_TRUE(holds(prack(ringing, 2), "481")) << "its dialog is gone";
  const auto sent =
      from(second_pbx,
           answer(next, 180, "other", "Contact: <sip:desk@198.18.2.3>\r\nRequire: 100rel\r\nRSeq: 9\r\n"));
  const SentMessage again = only(sent, "180");
  EXPECT_EQ(only(prack(again, 3), "PRACK").path.remote.address, second_pbx.address);
}

void CallReliable::end_while_it_rings(bool by_bye) {
  ring(supporting());
  const SentMessage ringing = only(reliable(180, 1), "180");
  const auto sent = from_carrier(by_bye ? in_dialog("BYE", 2, ringing) : cancel_of(invite_bytes));
  const SentMessage refused = only(sent, "487");
  EXPECT_TRUE(holds(sent, "CANCEL"));
  (void)from_carrier(ack_of(invite_bytes, refused));
  (void)from_pbx(answer(invite_out, 487, "pbxtag"));
  EXPECT_FALSE(holds(wait(40s), "180"));
  expect_nothing_left();
}

TEST_F(CallReliable, CallThatTheCallerCancelsIsNotRepeatedAnyMore) { end_while_it_rings(false); }

TEST_F(CallReliable, CallThatTheCallerEndsByByeIsNotRepeatedAnyMore) { end_while_it_rings(true); }

// RFC 3261 §8.2.2.3, §21.4.15
TEST_F(CallReliable, WhereTheProfileRefusesThemTheyAreNotKnown) {
  ProfileConfig profile;
  profile.name = "plain";
  profile.prack = FeatureMode::Refuse;
  config.profiles.push_back(profile);
  config.peers[0].profile = profile;
  const SentMessage refused = only(from_carrier(requiring().build()), "420");
  EXPECT_EQ(refused.header("Unsupported"), "100rel");
  ring(supporting().call_id("second@198.18.1.2").via("SIP/2.0/UDP 198.18.1.2:5060;branch=z9hG4bKsecond"));
  const auto sent = reliable(183, 1, desk);
  EXPECT_EQ(only(sent, "183").header("RSeq"), "");
  EXPECT_EQ(only(sent, "183").header("Allow").find("PRACK"), std::string::npos);
  EXPECT_TRUE(holds(sent, "PRACK"));
}

TEST_F(CallReliable, WhereTheCalleesProfileRefusesThemItIsNotToldOfThem) {
  ProfileConfig profile;
  profile.name = "plain";
  profile.prack = FeatureMode::Refuse;
  config.profiles.push_back(profile);
  config.peers[1].profile = profile;
  ring(requiring());
  EXPECT_EQ(invite_out.header("Supported").find("100rel"), std::string::npos);
  EXPECT_EQ(invite_out.header("Allow").find("PRACK"), std::string::npos);
  const SentMessage ringing = only(unreliable(180), "180");
  EXPECT_EQ(ringing.header("Require"), "100rel");
  EXPECT_TRUE(holds(prack(ringing, 2), "200"));
}

}  // namespace
}  // namespace sallyport::tests

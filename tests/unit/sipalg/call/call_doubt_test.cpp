// call_doubt_test.cpp — requests within a call that have all its names and come from elsewhere: the table of
// sipalg/call/call_doubt.h, and what the engine makes of it. Threats D1, D3, D9, section 6.
#include "sipalg/call/call_doubt.h"

#include <algorithm>

#include "tests/support/media_call.h"

namespace sallyport::tests {
namespace {

using media::MediaCommand;
using media::MediaNotice;
using sip::DoubtFacts;
using sip::Fate;
using sip::MediaSign;
using sip::Probe;
using sip::Settled;

// Both sides of the judge's table, cell by cell: what decides, and how.
TEST(Judge, DecidesAsItsTableSays) {
  struct Row {
    Probe probe;
    MediaSign media;
    bool is_careful;  // early, or an emergency
    bool is_over;
    Fate fate;
  };
  std::vector<Row> rows;
  for (const MediaSign media :
       {MediaSign::NotExpected, MediaSign::Untold, MediaSign::Silent, MediaSign::Flows})
    for (const bool is_careful : {false, true})
      for (const bool is_over : {false, true}) {
        rows.push_back({Probe::Alive, media, is_careful, is_over, Fate::Forged});
        rows.push_back({Probe::Gone, media, is_careful, is_over, Fate::TakesEffect});
        if (!is_over) rows.push_back({Probe::Silent, media, is_careful, false, Fate::Wait});
      }
  for (const bool is_careful : {false, true}) {
    rows.push_back({Probe::Silent, MediaSign::Flows, is_careful, true, Fate::Forged});
    rows.push_back({Probe::Silent, MediaSign::Untold, is_careful, true, Fate::Kept});
  }
  for (const MediaSign media : {MediaSign::NotExpected, MediaSign::Silent}) {
    rows.push_back({Probe::Silent, media, false, true, Fate::TakesEffect});
    rows.push_back({Probe::Silent, media, true, true, Fate::Kept});
  }
  EXPECT_EQ(rows.size(), 4u * 2 * 2 * 3);
  for (const Row& row : rows)
    for (const bool is_early : {false, true}) {
      const DoubtFacts facts{.probe = row.probe,
                             .media = row.media,
                             .is_early = row.is_careful && is_early,
                             .is_emergency = row.is_careful && !is_early,
                             .is_over = row.is_over};
      EXPECT_EQ(static_cast<int>(judge(facts).fate), static_cast<int>(row.fate))
          << "probe " << static_cast<int>(row.probe) << ", media " << static_cast<int>(row.media)
          << ", careful " << row.is_careful << ", over " << row.is_over;
    }
}

TEST(Judge, AnswersOfAProxyProveNothing) {
  for (const int code : {0, 100, 183, 404, 408, 410, 480})
    EXPECT_EQ(sip::probe_of(static_cast<std::uint16_t>(code)), Probe::Silent) << code;
  for (const int code : {200, 302, 400, 401, 403, 405, 407, 486, 488, 491, 500, 501, 503, 603})
    EXPECT_EQ(sip::probe_of(static_cast<std::uint16_t>(code)), Probe::Alive) << code;
  EXPECT_EQ(sip::probe_of(481), Probe::Gone);
}

TEST(Judge, OnePacketMayHaveBeenLate) {
  EXPECT_EQ(sip::media_sign({}), MediaSign::NotExpected);
  EXPECT_EQ(sip::media_sign({{1, 100, {}}}), MediaSign::Untold);
  EXPECT_EQ(sip::media_sign({{1, {}, {}}}), MediaSign::Untold);
  EXPECT_EQ(sip::media_sign({{1, 100, 100}}), MediaSign::Silent);
  EXPECT_EQ(sip::media_sign({{1, 100, 101}}), MediaSign::Silent);
  EXPECT_EQ(sip::media_sign({{1, 100, 102}}), MediaSign::Flows);
  EXPECT_EQ(sip::media_sign({{1, 100, 100}, {2, 7, {}}}), MediaSign::Untold);
  EXPECT_EQ(sip::media_sign({{1, 100, {}}, {2, 7, 9}}), MediaSign::Flows) << "one of them is enough";
}

// The desk phone of a call speaks from another address of its network, or somebody does in its name.
class DoubtedCall : public MediaCall {
 protected:
  const Endpoint moved = *parse_endpoint("198.18.2.77:5060", 0);

  // What the relay would say; the callee's packets come as the test says.
  std::vector<SentMessage> run(Duration time, bool is_sending) {
    std::vector<SentMessage> all;
    for (const Timestamp end = now + time; now < end;) {
      for (SentMessage& one : wait(10ms)) all.push_back(std::move(one));
      if (is_sending && (now - Timestamp{}) % 20ms == Duration{0}) ++packets;
      for (SentMessage& one : tell_figures()) all.push_back(std::move(one));
    }
    return all;
  }
  std::vector<SentMessage> tell_figures() {
    std::vector<SentMessage> all;
    for (; told < orders.size(); ++told) {
      if (orders[told].kind != MediaCommand::Kind::Ask || !has_relay) continue;
      MediaNotice report;
      report.kind = MediaNotice::Kind::Report;
      report.key = orders[told].key;
      report.shard = orders[told].shard;
      report.sides[1].packets = packets;
      for (SentMessage& one : tell(report)) all.push_back(std::move(one));
    }
    return all;
  }
  std::string bye(unsigned cseq = 1) { return in_dialog("BYE", cseq, invite_out); }
  [[nodiscard]] std::vector<sip::DetectionEvent> detections() const {
    std::vector<sip::DetectionEvent> found;
    for (const sip::EngineEvent& event : events)
      if (const auto* const one = std::get_if<sip::DetectionEvent>(&event.what)) found.push_back(*one);
    return found;
  }
  [[nodiscard]] std::string explained() {
    std::string all;
    const auto view = engine().desk().find("near-call-id@198.18.1.2");
    if (view)
      for (const sip::CallReason& reason : view->reasons) all += reason.text + "\n";
    return all;
  }
  static std::size_t count_of(const std::vector<SentMessage>& sent, std::string_view method) {
    return static_cast<std::size_t>(
        std::ranges::count_if(sent, [method](const SentMessage& one) { return one.method() == method; }));
  }
  void expect_up() {
    EXPECT_EQ(calls(), 1u);
    EXPECT_TRUE(records(CallRecordType::End).empty());
    EXPECT_EQ(relay.open().size(), 1u);
  }
  std::uint64_t packets = 400;
  std::size_t told = 0;
  bool has_relay = true;
};

TEST_F(DoubtedCall, KnownAddressIsAskedAndTheCallKept) {
  talk();
  orders.clear();
  const auto sent = from(moved, bye());
  ASSERT_EQ(sent.size(), 1u) << "never a word to whoever may be a forger";
  const SentMessage options = only(sent, "OPTIONS");
  EXPECT_EQ(options.path.remote, pbx);
  EXPECT_EQ(options.header("Call-ID"), invite_out.header("Call-ID"));
  EXPECT_NE(options.header("To").find("tag=pbxtag"), std::string::npos);
  EXPECT_EQ(orders.size(), 1u) << "the relay is asked who sends";
  expect_up();
}

TEST_F(DoubtedCall, ForgedByeOfAPhoneThatIsThereEndsNothing) {
  talk();
  const SentMessage options = only(from(moved, bye()), "OPTIONS");
  EXPECT_TRUE(run(20ms, true).empty());
  EXPECT_TRUE(from_pbx(answer(options, 200, "")).empty());
  ASSERT_EQ(detections().size(), 1u);
  EXPECT_EQ(detections()[0].detector, "forged_request");
  EXPECT_EQ(detections()[0].action, "reject");
  EXPECT_EQ(detections()[0].source, moved);
  EXPECT_EQ(detections()[0].evidence, "BYE: that side answered OPTIONS at its known address");
  EXPECT_GE(detections()[0].confidence, 90);
  EXPECT_FALSE(detections()[0].is_proved) << "UDP";
  EXPECT_EQ(detections()[0].block_for, Duration::zero());
  EXPECT_EQ(dropped(RealmIndex{1}, sip::SipDropReason::ForgedRequest), 1u);
  EXPECT_TRUE(run(40s, true).empty());
  expect_up();
  EXPECT_NE(explained().find("the callee came from elsewhere and was ignored: that side answered OPTIONS"),
            std::string::npos)
      << explained();
  (void)from_pbx(bye());
  EXPECT_EQ(end_record().detections, std::vector<std::string>{"forged_request"});
}

TEST_F(DoubtedCall, AnswerOfAnyKindButGoneIsALife) {
  for (const int code : {405, 500, 488}) {
    talk();
    const SentMessage options = only(from(moved, bye()), "OPTIONS");
    EXPECT_TRUE(from_pbx(answer(options, code, "")).empty());
    EXPECT_EQ(detections().size(), 1u) << code;
    expect_up();
    (void)from_pbx(bye());
    expect_all_given_back();
    events.clear();
  }
}

// A phone on a mobile network: its old address is dead, its media has stopped, and it hangs up.
TEST_F(DoubtedCall, GenuineByeOfAPhoneThatHasMovedEndsItsCallWithinASecond) {
  talk();
  const std::string hangs_up = bye();
  const Timestamp begun = now;
  const SentMessage options = only(from(moved, hangs_up), "OPTIONS");
  const auto before = run(790ms, false);
  EXPECT_EQ(count_of(before, "OPTIONS"), 3u) << "one lost datagram decides nothing";
  EXPECT_FALSE(holds(before, "BYE"));
  auto after = run(20ms, false);
  EXPECT_EQ(only(after, "BYE").path.remote, carrier);
  EXPECT_LE(now - begun, Duration(1s));
  const SentMessage ok = only(journal(), "200");
  EXPECT_EQ(ok.path.remote, moved);
  EXPECT_EQ(end_record().ended_by, EndedBy::Callee);
  EXPECT_EQ(end_record().end_reason, "bye");
  EXPECT_TRUE(detections().empty());
  EXPECT_EQ(only(from(moved, hangs_up), "200").is_again, true) << "its answer was lost";
  EXPECT_EQ(count_of(run(30s, false), "OPTIONS"), 0u) << "nobody asks any more";
  EXPECT_NE(explained().find("took effect: the known address was silent"), std::string::npos) << explained();
  (void)from_carrier(answer(only(after, "BYE"), 200, ""));
  expect_all_given_back();
}

TEST_F(DoubtedCall, GoneIsGoneWhateverMediaSays) {
  talk();
  const SentMessage options = only(from(moved, bye()), "OPTIONS");
  (void)run(50ms, true);
  EXPECT_TRUE(holds(from_pbx(answer(options, 481, "")), "BYE"));
  EXPECT_EQ(only(journal(), "200").path.remote, moved);
  EXPECT_TRUE(detections().empty());
}

// Whoever pays may want to be told that the call is over while it goes on: it is not.
TEST_F(DoubtedCall, SilentSignallingWithMediaThatFlowsIsNoEnd) {
  talk();
  (void)from(moved, bye());
  EXPECT_FALSE(holds(run(1s, true), "BYE"));
  ASSERT_EQ(detections().size(), 1u);
  EXPECT_EQ(detections()[0].evidence, "BYE: media went on from its known address");
  expect_up();
}

TEST_F(DoubtedCall, AProxyThatCannotReachThePhoneLeavesItToMedia) {
  talk();
  const SentMessage options = only(from(moved, bye()), "OPTIONS");
  EXPECT_TRUE(from_pbx(answer(options, 480, "")).empty());
  EXPECT_TRUE(holds(run(810ms, false), "BYE"));
}

TEST_F(DoubtedCall, AnUnreachableAddressIsASilentOne) {
  talk();
  const SentMessage options = only(from(moved, bye()), "OPTIONS");
  EXPECT_TRUE(unreachable(options.path).empty()) << "ICMP can be forged too";
  EXPECT_TRUE(holds(run(810ms, false), "BYE"));
}

// The first three OPTIONS, or their answers, are lost.
TEST_F(DoubtedCall, LastOptionsIsStillInTime) {
  talk();
  (void)from(moved, bye());
  const auto sent = run(640ms, false);
  ASSERT_EQ(count_of(sent, "OPTIONS"), 3u);
  EXPECT_TRUE(sent.back().is_again);
  EXPECT_TRUE(run(150ms, false).empty());
  EXPECT_TRUE(from_pbx(answer(sent.back(), 200, "")).empty());
  EXPECT_TRUE(run(1s, false).empty());
  EXPECT_EQ(detections().size(), 1u);
  expect_up();
}

TEST_F(DoubtedCall, WithoutFiguresOfTheRelayNothingIsProvedAndTheNextOneIsAnotherDoubt) {
  talk();
  has_relay = false;
  const std::string hangs_up = bye();
  EXPECT_TRUE(holds(from(moved, hangs_up), "OPTIONS"));
  EXPECT_FALSE(holds(run(1500ms, false), "BYE"));
  EXPECT_TRUE(detections().empty()) << "nobody is blamed";
  expect_up();
  has_relay = true;
  told = orders.size();
  EXPECT_TRUE(holds(from(moved, hangs_up), "OPTIONS")) << "it came again";
  EXPECT_TRUE(holds(run(810ms, false), "BYE"));
}

TEST_F(DoubtedCall, WhatComesAgainMeanwhileIsTheSameRequest) {
  talk();
  const std::string hangs_up = bye();
  EXPECT_EQ(from(moved, hangs_up).size(), 1u);
  const std::uint64_t before = engine().counters(RealmIndex{1}).retransmissions_in.value();
  (void)run(500ms, false);
  EXPECT_TRUE(from(moved, hangs_up).empty());
  EXPECT_EQ(engine().counters(RealmIndex{1}).retransmissions_in.value(), before + 1);
  EXPECT_EQ(dropped(RealmIndex{1}, sip::SipDropReason::ForgedRequest), 0u);
  EXPECT_TRUE(holds(run(310ms, false), "BYE"));
}

TEST_F(DoubtedCall, GenuineRequestOfTheKnownAddressActsAtOnceAndSettlesIt) {
  talk();
  (void)from(moved, bye(1));
  const auto sent = from_pbx(in_dialog("INFO", 1, invite_out));
  EXPECT_TRUE(holds(sent, "INFO"));
  ASSERT_EQ(detections().size(), 1u);
  EXPECT_EQ(detections()[0].evidence, "BYE: that side spoke from its known address meanwhile");
  EXPECT_EQ(count_of(run(5s, false), "OPTIONS"), 0u);
  expect_up();
}

TEST_F(DoubtedCall, CallThatEndsMeanwhileEndsTheDoubt) {
  talk();
  (void)from(moved, bye());
  const SentMessage end = only(from_carrier(in_dialog("BYE", 2, ok_out)), "BYE");
  (void)journal();
  (void)from_pbx(answer(end, 200, ""));
  EXPECT_EQ(calls(), 0u);
  EXPECT_TRUE(run(30s, false).empty());
  EXPECT_TRUE(detections().empty());
  expect_all_given_back();
}

TEST_F(DoubtedCall, OneAtATimeAndNoneForAWhileAfterAForgery) {
  talk();
  const SentMessage options = only(from(moved, bye(10)), "OPTIONS");
  EXPECT_TRUE(from(moved, bye(11)).empty()) << "another one while the first is judged";
  EXPECT_EQ(detections().size(), 1u);
  (void)from_pbx(answer(options, 200, ""));
  EXPECT_TRUE(from(moved, bye(12)).empty());
  EXPECT_EQ(detections().size(), 3u);
  (void)run(4100ms, true);
  EXPECT_TRUE(holds(from(moved, bye(13)), "OPTIONS")) << "the phone may have moved since";
  EXPECT_TRUE(holds(run(810ms, false), "BYE"));
}

TEST_F(DoubtedCall, RequestThatIsTooLargeToBeHeldIsRefused) {
  talk();
  std::string extra;
  for (int i = 0; i < 45; ++i) extra += "X-Long: " + std::string(190, 'x') + "\r\n";
  EXPECT_TRUE(from(moved, in_dialog("BYE", 1, invite_out, extra)).empty());
  EXPECT_EQ(dropped(RealmIndex{1}, sip::SipDropReason::ForgedRequest), 1u);
  expect_up();
}

// The phone has moved and says so: its media follows, and so does what we have to say to it.
TEST_F(DoubtedCall, ReInviteOfAPhoneThatHasMovedMovesTheDialog) {
  talk();
  callee_host = "198.18.2.77";
  EXPECT_TRUE(
      holds(from(moved, in_dialog("INVITE", 1, invite_out, {}, voice("198.18.2.77", 30000))), "OPTIONS"));
  const auto sent = run(810ms, false);
  const SentMessage invite = only(sent, "INVITE");
  EXPECT_EQ(invite.path.remote, carrier);
  EXPECT_EQ(only(sent, "100").path.remote, moved);
  const SentMessage ok =
      only(from_carrier(answer(invite, 200, "", "Contact: <sip:alice-contact@198.18.1.2:5060>\r\n", phone)),
           "200");
  EXPECT_EQ(ok.path.remote, moved);
  (void)from(moved, in_dialog("ACK", 1, invite_out));
  EXPECT_EQ(to_string(stream().sides[1].remote), "198.18.2.77:30000");
  EXPECT_EQ(only(from_carrier(in_dialog("INFO", 2, ok_out)), "INFO").path.remote, moved);
  EXPECT_TRUE(detections().empty());
}

TEST_F(DoubtedCall, WhatMustComeFromTheDialogsPlaceIsNeverJudged) {
  talk();
  for (const char* const method : {"PRACK", "OPTIONS", "SUBSCRIBE", "ACK", "PUBLISH", "FOO"})
    EXPECT_TRUE(from(moved, in_dialog(method, 5, invite_out)).empty()) << method;
  EXPECT_EQ(detections().size(), 6u);
  unsigned cseq = 10;
  for (const char* const method : {"INFO", "NOTIFY", "MESSAGE", "UPDATE", "REFER"}) {
    EXPECT_TRUE(holds(from(moved, in_dialog(method, ++cseq, invite_out)), "OPTIONS")) << method;
    (void)from_pbx(in_dialog("INFO", ++cseq, invite_out));
    (void)run(5s, true);
  }
}

TEST_F(DoubtedCall, NamesAreLookedAtBeforeAnybodyIsAsked) {
  talk();
  std::string contactless = bye();
  const std::string uri = contactless.substr(4, contactless.find(" SIP/2.0") - 4);
  contactless.replace(4, uri.size(), "sip:+15551234567@198.18.2.1");
  EXPECT_TRUE(from(moved, contactless).empty()) << "without our Contact's token";
  EXPECT_TRUE(holds(from_pbx(in_dialog("INFO", 7, invite_out)), "INFO"));
  EXPECT_TRUE(from(moved, bye(7)).empty()) << "a number that was used";
  EXPECT_TRUE(from(moved, bye(3)).empty());
  EXPECT_EQ(detections().size(), 3u);
  EXPECT_TRUE(holds(from(moved, bye(8)), "OPTIONS"));
}

// Nothing is heard of whoever is held, alive or not.
TEST_F(DoubtedCall, OnHoldSilenceOfSignallingMustDo) {
  talk();
  const SentMessage invite =
      only(from_carrier(in_dialog("INVITE", 2, ok_out, {}, phone + "a=sendonly\r\n")), "INVITE");
  (void)from_pbx(answer(invite, 200, "", kDeskContact, desk + "a=recvonly\r\n"));
  (void)from_carrier(in_dialog("ACK", 2, ok_out));
  orders.clear();
  told = 0;
  EXPECT_TRUE(holds(from(moved, bye()), "OPTIONS"));
  EXPECT_TRUE(orders.empty()) << "there is nothing that the relay could tell";
  EXPECT_TRUE(holds(run(810ms, false), "BYE"));
}

TEST_F(DoubtedCall, EmergencyCallIsNotEndedBySilence) {
  config.emergency.numbers = {"+15551234567"};
  config.emergency.to = {RouteToPeer{"pbx"}};
  talk();
  EXPECT_TRUE(holds(from(moved, bye(1)), "OPTIONS"));
  EXPECT_FALSE(holds(run(2s, false), "BYE"));
  EXPECT_TRUE(detections().empty());
  const SentMessage options = only(from(moved, bye(2)), "OPTIONS");
  EXPECT_TRUE(holds(from_pbx(answer(options, 481, "")), "BYE")) << "but by one that is gone";
}

// A caller inside whose network changes while it rings outside.
TEST_F(DoubtedCall, EarlyCallerIsBelievedOnlyWhenItsOldAddressHasForgottenIt) {
  const auto call_out = [this] {
    const std::string invite = MessageBuilder("INVITE")
                                   .uri("sip:+15550000001@198.18.2.1")
                                   .via("SIP/2.0/UDP 198.18.2.2:5060;branch=z9hG4bKdesk;rport")
                                   .from("<sip:desk@198.18.2.2>;tag=desktag")
                                   .to("<sip:+15550000001@198.18.2.1>")
                                   .call_id("desk-call")
                                   .contact("<sip:desk@198.18.2.2:5060>")
                                   .body("application/sdp", desk)
                                   .build();
    invite_out = only(from_pbx(invite), "INVITE");
    ok_out = only(from_carrier(answer(invite_out, 180, "x", "Contact: <sip:x@198.18.1.2>\r\n")), "180");
  };
  caller_host = "198.18.2.2";
  call_out();
  EXPECT_TRUE(holds(from(moved, in_dialog("BYE", 2, ok_out)), "OPTIONS"));
  EXPECT_TRUE(run(1500ms, false).size() <= 3u) << "OPTIONS, and nothing else";
  EXPECT_EQ(calls(), 1u);
  EXPECT_TRUE(detections().empty());
  const SentMessage options = only(from(moved, in_dialog("BYE", 3, ok_out)), "OPTIONS");
  const auto sent = from_pbx(answer(options, 481, ""));
  EXPECT_TRUE(holds(sent, "CANCEL"));
  EXPECT_EQ(only(sent, "200").path.remote, moved);
  EXPECT_EQ(only(sent, "487").path.remote, pbx);
}

TEST_F(DoubtedCall, CalleeThatRingsCanEndNothingFromElsewhere) {
  ring();
  (void)from_pbx(answer(invite_out, 180, "pbxtag", kDeskContact));
  EXPECT_TRUE(from(moved, bye()).empty());
  EXPECT_EQ(detections().size(), 1u);
}

// The request comes again, and then it is judged.
TEST_F(DoubtedCall, RestartInTheMiddleForgetsTheDoubtOnly) {
  talk();
  const std::string hangs_up = bye();
  EXPECT_TRUE(holds(from(moved, hangs_up), "OPTIONS"));
  (void)run(300ms, false);
  restart();
  told = orders.size();
  EXPECT_FALSE(holds(run(900ms, false), "BYE"));
  EXPECT_EQ(calls(), 1u);
  EXPECT_TRUE(holds(from(moved, hangs_up), "OPTIONS"));
  EXPECT_TRUE(holds(run(810ms, false), "BYE"));
  EXPECT_EQ(only(journal(), "200").path.remote, moved);
  EXPECT_TRUE(detections().empty());
  (void)run(40s, false);
  EXPECT_EQ(engine().counters().transactions_active.value(), 0u);
}

TEST_F(DoubtedCall, RestartForgetsNoAnswerThatSaysTheDialogIsGone) {
  talk();
  const SentMessage options = only(from(moved, bye()), "OPTIONS");
  restart();
  EXPECT_TRUE(holds(from_pbx(answer(options, 481, "")), "BYE"));
  EXPECT_EQ(end_record().end_reason, "dialog_lost");
}

class ActionOnDoubt : public DoubtedCall, public ::testing::WithParamInterface<DetectorAction> {};
TEST_P(ActionOnDoubt, IsAsConfiguredAndNeverTheRequest) {
  const DetectorAction action = GetParam();
  config.security.detectors.forged_request = {action, 20min};
  talk();
  const SentMessage options = only(from(moved, bye()), "OPTIONS");
  EXPECT_TRUE(from_pbx(answer(options, 200, "")).empty());
  ASSERT_EQ(detections().size(), 1u);
  EXPECT_EQ(detections()[0].action, policy::to_string(action));
  EXPECT_EQ(detections()[0].block_for, action == DetectorAction::Block ? Duration(20min) : Duration::zero());
  EXPECT_EQ(engine().counters().detections.value(sip::label_of(policy::Detector::ForgedRequest, action)), 1u);
  expect_up();
}
INSTANTIATE_TEST_SUITE_P(All, ActionOnDoubt,
                         ::testing::Values(DetectorAction::Log, DetectorAction::Challenge,
                                           DetectorAction::Reject, DetectorAction::Block));

// A phone that has moved acknowledges from there too: no ground for a block.
TEST_F(DoubtedCall, NobodyIsBlockedForWhatIsNotSure) {
  config.security.detectors.forged_request = {DetectorAction::Block, 20min};
  talk();
  (void)from(moved, in_dialog("ACK", 1, invite_out));
  (void)from(moved, in_dialog("PRACK", 2, invite_out));
  ASSERT_EQ(detections().size(), 2u);
  for (const sip::DetectionEvent& one : detections()) EXPECT_EQ(one.block_for, Duration::zero());
}

// Threats D9 and section 6: everything is right, and yet whoever has hung up talks on.
TEST_F(DoubtedCall, MediaOfWhoeverHungUpThatGoesOnIsADetection) {
  for (const bool is_spoof : {false, true}) {
    events.clear();
    talk();
    (void)from_pbx(bye());
    for (MediaNotice final : relay.take_finals()) {
      final.sides[0].after_close_packets = 150;  // until our BYE has reached it
      final.sides[1].after_close_packets = is_spoof ? 120 : 10;
      (void)tell(final);
    }
    ASSERT_EQ(detections().size(), is_spoof ? 1u : 0u);
    if (is_spoof) {
      EXPECT_EQ(detections()[0].action, "log");
      EXPECT_EQ(detections()[0].evidence, "BYE: media went on after its BYE, 120 packets");
      EXPECT_LE(detections()[0].confidence, 50) << "what is right may be right";
      const auto view = engine().desk().find("near-call-id@198.18.1.2");
      ASSERT_TRUE(view.has_value());
      EXPECT_EQ(view->record.detections, std::vector<std::string>{"forged_request"});
    }
    expect_all_given_back();
  }
}

// Sixteen calls at once would not do: what an engine holds is bounded.
TEST_F(DoubtedCall, ThereIsRoomForSoManyDoubtsOnly) {
  settings.calls_max = 400;
  settings.transactions_max = 4000;
  unsigned asked = 0, refused = 0;
  for (unsigned i = 0; i < sip::kDoubtsMax + 3; ++i) {
    const std::string name = std::to_string(i);
    MessageBuilder each = calling();
    each.uri("sip:+1555" + std::to_string(1'000'000 + i) + "@198.18.1.1")
        .call_id("call-" + name)
        .via("SIP/2.0/UDP 198.18.1.2:5060;branch=z9hG4bK" + name + ";rport");
    ring(each);
    (void)from_pbx(answer(invite_out, 200, "pbxtag", kDeskContact, desk));
    ok_out = only(journal(), "200");
    (void)from_carrier(in_dialog("ACK", 1, ok_out));
    holds(from(moved, bye()), "OPTIONS") ? ++asked : ++refused;
  }
  EXPECT_EQ(asked, sip::kDoubtsMax);
  EXPECT_EQ(refused, 3u);
  has_relay = true;
  (void)run(900ms, false);
  EXPECT_TRUE(holds(from(moved, bye(2)), "OPTIONS")) << "there is room again";
}

}  // namespace
}  // namespace sallyport::tests

// detector_calls_test.cpp — toll fraud and attacks on a callee, through whole engines: what is refused and
// how, what the operator sees, and that a call counts once whatever becomes of it. Threats D5, I7, I8.
#include <gtest/gtest.h>

#include "policy/detect/caller_list.h"
#include "tests/support/detector_fixture.h"

namespace sallyport::sip {
namespace {

using policy::Detector;
using tests::DetectorFixture;
using tests::holds;
using tests::MessageBuilder;
using tests::only;
using tests::SentMessage;

class TollFraud : public DetectorFixture, public testing::Test {
 protected:
  TollFraud() {
    config.security.detectors.toll_fraud_concurrent = 1;
    config.security.detectors.toll_fraud_calls = {1000, 1h};
  }
  // Is there room for one more? Asked without leaving anything behind.
  bool has_room() {
    const auto sent = from_pbx(calling(kCostly).build());
    if (const int code = refused(sent); code != 0) {
      EXPECT_EQ(code, 403);
      return false;
    }
    const SentMessage invite = only(sent, "INVITE");
    (void)fail(invite, 486);
    return true;
  }
};

TEST_F(TollFraud, MoreThanSoManyAtOnceAreRefusedToldAndRecorded) {
  const Up first = set_up(kCostly);
  EXPECT_TRUE(told().empty());
  const auto sent = from_pbx(calling(kCostly).build());
  EXPECT_EQ(refused(sent), 403);
  ASSERT_EQ(told("toll_fraud").size(), 1u);
  const DetectionEvent event = told()[0];
  EXPECT_EQ(event.action, "reject");
  EXPECT_EQ(event.source, pbx);
  EXPECT_EQ(event.realm, RealmIndex{1});
  EXPECT_EQ(event.block_for, Duration{});
  EXPECT_NE(event.call, 0u);
  EXPECT_FALSE(event.evidence.empty());
  EXPECT_EQ(counted(Detector::TollFraud, DetectorAction::Reject), 1u);
  (void)from_pbx(ack_of(calling(kCostly).build(), only(sent, "403")));
  const auto ends = records(CallRecordType::End);
  ASSERT_EQ(ends.size(), 1u);
  EXPECT_EQ(ends[0].call, event.call);
  EXPECT_EQ(ends[0].result, CallResult::Rejected);
  EXPECT_EQ(ends[0].sip_code, 403);
  EXPECT_EQ(ends[0].end_reason, "detected");
  EXPECT_EQ(ends[0].ended_by, EndedBy::Sallyport);
  EXPECT_EQ(ends[0].detections, std::vector<std::string>{"toll_fraud"});
  const auto view = engine().desk().find(call_id_text(event.call));
  ASSERT_TRUE(view);
  std::string reasons;
  for (const auto& reason : view->reasons) reasons += reason.text + "\n";
  EXPECT_NE(reasons.find("toll_fraud"), std::string::npos) << reasons;
  hang_up(first);
  EXPECT_TRUE(has_room());
}

TEST_F(TollFraud, OneThatOnlyRingsCountsAndItsFailureFreesThePlace) {
  const SentMessage ringing = only(from_pbx(calling(kCostly).build()), "INVITE");
  EXPECT_FALSE(has_room());
  (void)fail(ringing, 486);
  EXPECT_TRUE(has_room());
  EXPECT_TRUE(has_room());
}

TEST_F(TollFraud, ACancelledOneIsOver) {
  const std::string invite = calling(kCostly).build();
  const SentMessage ringing = only(from_pbx(invite), "INVITE");
  (void)from(carrier, answer(ringing, 180, "fartag", kContact));
  EXPECT_TRUE(holds(from_pbx(cancel_of(invite)), "487"));
  EXPECT_TRUE(has_room());
}

TEST_F(TollFraud, OtherNumbersAndOtherAccountsAreNotConcerned) {
  const Up costly = set_up(kCostly);
  EXPECT_EQ(refused(from_pbx(calling("+4930123456").build())), 0);
  EXPECT_EQ(refused(from(office, calling(kCostly, "198.18.2.50").build())), 0);
  EXPECT_EQ(refused(from(office, calling(kCostly, "198.18.2.50").build())), 403) << "nobody's account";
}

TEST_F(TollFraud, AnEmergencyNumberIsNeverCostly) {
  config.security.detectors.toll_fraud_prefixes = {"112", "+882"};
  const Up costly = set_up(kCostly);
  EXPECT_FALSE(has_room());
  for (int i = 0; i < 30; ++i) EXPECT_EQ(refused(from_pbx(calling("112").build())), 0);
}

TEST_F(TollFraud, WhatRulesMakeOfTheNumberCounts) {
  HeaderRuleConfig rule;
  rule.name = "short-dial";
  RuleStep step;
  step.field = "called";
  step.action = RuleAction::Replace;
  step.pattern = "^7([0-9]+)$";
  step.value = "+882\\1";
  rule.steps = {step};
  config.header_rules = {rule};
  config.peers[0].profile.header_rules_out = {"short-dial"};
  const SentMessage ringing = only(from_pbx(calling("71000").build()), "INVITE");
  EXPECT_EQ(ringing.uri().substr(0, 12), "sip:+8821000");
  EXPECT_EQ(refused(from_pbx(calling("71001").build())), 403);
}

TEST_F(TollFraud, OneThatFailsOverToAnotherTargetCountsOnce) {
  config.peers[0].targets.push_back({.address = *parse_endpoint("198.18.1.3:5060", 0), .domain = {}});
  const SentMessage first = only(from_pbx(calling(kCostly).build()), "INVITE");
  const SentMessage second = only(fail(first, 503), "INVITE");
  EXPECT_FALSE(has_room());
  const Up up = answer_call(second);
  EXPECT_FALSE(has_room());
  hang_up(up);
  const SentMessage again = only(from_pbx(calling(kCostly).build()), "INVITE");
  EXPECT_FALSE(has_room());
  (void)again;
}

// Threats D5
TEST_F(TollFraud, ARedirectionToACostlyNumberIsRefusedAsIfItHadBeenDialled) {
  config.peers[0].profile.redirect = RedirectMode::Follow;
  const std::string contact = "Contact: <sip:" + std::string(kCostly) + "@198.18.1.9>\r\n";
  const Up first = set_up(kCostly);
  const SentMessage plain = only(from_pbx(calling("+4930123456").build()), "INVITE");
  const auto sent = fail(plain, 302, contact);
  EXPECT_EQ(refused(sent), 403);
  EXPECT_FALSE(holds(sent, "INVITE"));
  EXPECT_EQ(records(CallRecordType::End).at(0).detections, std::vector<std::string>{"toll_fraud"});
  EXPECT_EQ(records(CallRecordType::End)[0].end_reason, "detected");
  hang_up(first);
  const SentMessage other = only(from_pbx(calling("+4930123456").build()), "INVITE");
  const SentMessage redirected = only(fail(other, 302, contact), "INVITE");
  EXPECT_EQ(redirected.uri().substr(0, 8), "sip:+882");
  EXPECT_FALSE(has_room()) << "the redirected one counts";
  (void)fail(redirected, 486);
  EXPECT_TRUE(has_room());
}

TEST_F(TollFraud, OneThatIsRedirectedElsewhereIsCostlyNoMore) {
  config.peers[0].profile.redirect = RedirectMode::Follow;
  const SentMessage costly = only(from_pbx(calling(kCostly).build()), "INVITE");
  EXPECT_FALSE(has_room());
  (void)only(fail(costly, 302, "Contact: <sip:+4930123456@198.18.1.9>\r\n"), "INVITE");
  EXPECT_TRUE(has_room());
}

// Threats D5: a transfer is a call of whoever asks for it.
TEST_F(TollFraud, AReferToACostlyNumberIsACallOfWhoeverAsks) {
  const Up costly = set_up(kCostly), plain = set_up("+4930123456");
  const std::string refer_to = "Refer-To: <sip:" + std::string(kCostly) + "@198.18.2.1>\r\n";
  const auto refused_one = from_pbx(in_dialog("REFER", 2, plain.ok, refer_to));
  EXPECT_EQ(only(refused_one, "403").path.remote, pbx);
  EXPECT_FALSE(holds(refused_one, "INVITE"));
  EXPECT_EQ(told("toll_fraud").at(0).source, pbx);
  hang_up(costly);
  const auto taken = from_pbx(in_dialog("REFER", 3, plain.ok, refer_to));
  const SentMessage target = only(taken, "INVITE");
  EXPECT_TRUE(holds(taken, "202"));
  EXPECT_FALSE(has_room()) << "the target that rings counts";
  (void)fail(target, 486);
  EXPECT_TRUE(has_room());
  hang_up(plain, 4);
}

TEST_F(TollFraud, ATransferThatIsDoneCountsUntilItsCallIsOver) {
  const Up plain = set_up("+4930123456");
  const std::string refer_to = "Refer-To: <sip:" + std::string(kCostly) + "@198.18.2.1>\r\n";
  const SentMessage target = only(from_pbx(in_dialog("REFER", 2, plain.ok, refer_to)), "INVITE");
  const auto answered = from(carrier, answer(target, 200, "thirdtag", kContact, kSdp));
  const SentMessage again = only(answered, "INVITE");
  const auto joined = from(carrier, answer(again, 200, "", kContact, kSdp));
  EXPECT_EQ(only(joined, "BYE").path.remote, pbx);
  EXPECT_FALSE(has_room());
  callee_tag = "thirdtag";
  const SentMessage bye = only(from(carrier, in_dialog("BYE", 1, target)), "BYE");
  (void)from(bye.path.remote, answer(bye, 200, ""));
  EXPECT_TRUE(has_room());
}

// The leg goes over to another call, with what it costs.
TEST_F(TollFraud, AnAttendedTransferTakesTheCostWithIt) {
  config.security.detectors.toll_fraud_concurrent = 1;
  const Up costly = set_up(kCostly);
  callee_tag = "fartag";
  const Up plain = set_up("+4930123456");
  const auto tag_of = [](const std::string& value) { return value.substr(value.find(";tag=") + 5); };
  const std::string refer_to = "Refer-To: <sip:x@198.18.2.1?Replaces=" + costly.ok.header("Call-ID") +
                               "%3Bto-tag%3D" + tag_of(costly.ok.header("To")) + "%3Bfrom-tag%3D" +
                               tag_of(costly.ok.header("From")) + ">\r\n";
  const auto taken = from_pbx(in_dialog("REFER", 2, plain.ok, refer_to));
  EXPECT_TRUE(holds(taken, "202"));
  EXPECT_FALSE(has_room()) << "while it is on its way";
  const SentMessage to_costly = only(taken, "INVITE");
  const auto next = from(carrier, answer(to_costly, 200, "", kContact, kSdp));
  const SentMessage to_plain = only(next, "INVITE");
  (void)from(carrier, answer(to_plain, 200, "", kContact, kSdp));
  (void)journal();
  EXPECT_FALSE(has_room()) << "the costly leg is up still";
  const SentMessage bye = only(from(carrier, in_dialog("BYE", 7, to_costly)), "BYE");
  (void)from(bye.path.remote, answer(bye, 200, ""));
  EXPECT_TRUE(has_room());
}

TEST_F(TollFraud, OneThatIsRestoredAfterARestartCountsAgainOnce) {
  const Up up = set_up(kCostly);
  restart();
  EXPECT_FALSE(has_room());
  restart();
  EXPECT_FALSE(has_room());
  hang_up(up);
  EXPECT_TRUE(has_room());
  restart();
  EXPECT_TRUE(has_room());
}

TEST_F(TollFraud, AnOperatorWhoHangsUpFreesThePlace) {
  (void)set_up(kCostly);
  const auto live = engine().desk().calls(0, 10);
  ASSERT_EQ(live.size(), 1u);
  EngineOutput out;
  EXPECT_TRUE(engine().desk().hang_up(now, live[0].record.call, out));
  EXPECT_TRUE(has_room());
}

TEST_F(TollFraud, AReloadChangesTheLimits) {
  const Up up = set_up(kCostly);
  EXPECT_FALSE(has_room());
  DetectorsConfig next = config.security.detectors;
  next.toll_fraud_concurrent = 2;
  reload(next);
  EXPECT_TRUE(has_room());
  next.toll_fraud_prefixes = {"+999"};
  next.toll_fraud_concurrent = 0;
  reload(next);
  EXPECT_TRUE(has_room()) << "costly no more";
  hang_up(up);
}

TEST_F(TollFraud, SeveralEnginesCountTogether) {
  engines = 4;
  config.security.detectors.toll_fraud_concurrent = 3;
  int passed = 0;
  for (int i = 0; i < 12; ++i) passed += refused(from_pbx(calling(kCostly).build())) == 0 ? 1 : 0;
  EXPECT_EQ(passed, 3);
  EXPECT_EQ(counted(Detector::TollFraud, DetectorAction::Reject), 9u);
}

TEST_F(TollFraud, ByRateARetransmissionIsNoOtherCall) {
  config.security.detectors.toll_fraud_concurrent = 1000;
  config.security.detectors.toll_fraud_calls = {5, 1h};
  int passed = 0;
  for (int i = 0; i < 10; ++i) {
    const std::string invite = calling(kCostly).build();
    const auto sent = from_pbx(invite);
    for (int again = 0; again < 5; ++again) (void)from_pbx(invite);
    if (refused(sent) != 0) break;
    ++passed;
    (void)fail(only(sent, "INVITE"), 486);
  }
  EXPECT_GE(passed, 5);
  EXPECT_LE(passed, 6);
}

TEST_F(TollFraud, WithLogTheCallGoesOnAndItsRecordSaysSo) {
  config.security.detectors.toll_fraud.action = DetectorAction::Log;
  (void)set_up(kCostly);
  const SentMessage second = only(from_pbx(calling(kCostly).build()), "INVITE");
  ASSERT_EQ(told("toll_fraud").size(), 1u);
  EXPECT_EQ(told()[0].action, "log");
  (void)fail(second, 486);
  EXPECT_EQ(records(CallRecordType::End).at(0).detections, std::vector<std::string>{"toll_fraud"});
  EXPECT_EQ(records(CallRecordType::End)[0].result, CallResult::Busy);
}

TEST_F(TollFraud, WithBlockItIsRefusedAndTheEventSaysForHowLong) {
  use(Transport::Tcp, Transport::Tcp);
  config.security.detectors.toll_fraud = {DetectorAction::Block, 17min};
  const auto call = [this] { return from(office, calling(kCostly, "198.18.2.50").build()); };
  EXPECT_EQ(refused(call()), 0);
  EXPECT_EQ(refused(call()), 403);
  ASSERT_EQ(told("toll_fraud").size(), 1u);
  EXPECT_EQ(told()[0].action, "block");
  EXPECT_EQ(told()[0].block_for, Duration(17min));
  EXPECT_EQ(told()[0].source, office);
  EXPECT_TRUE(told()[0].is_proved);
}

TEST_F(TollFraud, WhatACallerWritesComesOutClean) {
  const Up up = set_up(kCostly);
  const std::string hostile = "+882\x1b[31m\"</script>%0d%0aX: y";
  (void)from_pbx(calling("+8829%0d%0aX%00%1b[2J").build());
  (void)from_pbx(calling(hostile).build());
  (void)from_pbx(calling(kCostly, "198.18.2.2", "%0d%0aevil").build());
  ASSERT_FALSE(told().empty());
  for (const DetectionEvent& event : told())
    for (const char c : event.evidence) EXPECT_GE(static_cast<unsigned char>(c), 0x20u) << event.evidence;
}

class Tdos : public DetectorFixture, public testing::Test {
 protected:
  // The PBX is a peer, and may have twenty times as many: five a second.
  Tdos() { config.security.detectors.tdos_calls_per_callee = {1, 4s}; }
  // So many calls to one number within a moment: what the last one got.
  int storm(std::string_view number, int calls) {
    int last = 0;
    for (int i = 0; i < calls; ++i) {
      now += 1ms;
      const auto sent = from_pbx(calling(number).build());
      last = refused(sent);
      if (last == 0) (void)fail(only(sent, "INVITE"), 486);
    }
    return last;
  }
};

// RFC 3261 §21.4.18: about the callee alone. A carrier that got 503 would send no call at all.
TEST_F(Tdos, TooManyCallsToOneNumberAre480AndOthersGoOn) {
  EXPECT_EQ(storm("+4930123456", 60), 480);
  const auto sent = from_pbx(calling("+4930123456").build());
  EXPECT_FALSE(only(sent, "480").header("Retry-After").empty());
  EXPECT_EQ(refused(from_pbx(calling("+4930999999").build())), 0);
  EXPECT_FALSE(told("tdos").empty());
  EXPECT_EQ(records(CallRecordType::End).back().detections, std::vector<std::string>{"tdos"});
}

TEST_F(Tdos, ItIsOverWhenTheStormIs) {
  EXPECT_EQ(storm("+4930123456", 60), 480);
  (void)wait(2min);
  EXPECT_EQ(refused(from_pbx(calling("+4930123456").build())), 0);
}

TEST_F(Tdos, AnEmergencyNumberIsNeverLimited) { EXPECT_EQ(storm("112", 200), 0); }

TEST_F(Tdos, AReloadChangesTheThreshold) {
  DetectorsConfig next = config.security.detectors;
  next.tdos_calls_per_callee = {500, 1s};
  (void)engine();
  reload(next);
  EXPECT_EQ(storm("+4930123456", 60), 0);
}

TEST_F(Tdos, RetransmissionsAreNoCalls) {
  const std::string invite = calling("+4930123456").build();
  for (int i = 0; i < 60; ++i) (void)from_pbx(invite);
  EXPECT_EQ(refused(from_pbx(calling("+4930123456").build())), 0);
  EXPECT_TRUE(told().empty());
}

// Callers whom a list names, and help that calls back. Threats I8
class Lists : public DetectorFixture, public testing::Test {
 protected:
  void lists(std::vector<std::string> denied, std::vector<std::string> allowed = {}) {
    config.security.detectors.denied_callers = make_value<policy::CallerList>(denied);
    config.security.detectors.allowed_callers = make_value<policy::CallerList>(allowed);
  }
  // How many of so many calls to that number are refused.
  int storm(std::string_view called, int calls, std::string_view caller = "1001") {
    int refusals = 0;
    for (int i = 0; i < calls; ++i) {
      const auto sent = from(office, calling(called, "198.18.2.50", caller).build());
      if (refused(sent) != 0)
        ++refusals;
      else if (holds(sent, "INVITE"))
        (void)fail(only(sent, "INVITE"), 486);
    }
    return refusals;
  }
};

TEST_F(Lists, ACallerOnTheListIs403ToldAndRecorded) {
  lists({"0900*"});
  const auto sent = from(office, calling("+4930123456", "198.18.2.50", "0900123456").build());
  EXPECT_EQ(refused(sent), 403);
  EXPECT_FALSE(holds(sent, "INVITE"));
  ASSERT_EQ(told("call_spam").size(), 1u);
  EXPECT_EQ(told()[0].action, "reject");
  EXPECT_EQ(told()[0].block_for, Duration{});
  ASSERT_EQ(records(CallRecordType::End).size(), 1u);
  EXPECT_EQ(records(CallRecordType::End)[0].detections, std::vector<std::string>{"call_spam"});
  EXPECT_EQ(storm("+4930123456", 1), 0) << "others call that number as before";
}

TEST_F(Lists, AConfiguredPeersCallersAreLookedAtToo) {
  lists({"0900*"});
  EXPECT_EQ(refused(from_pbx(calling("+4930123456", "198.18.2.2", "0900123456").build())), 403);
  EXPECT_EQ(refused(from_pbx(calling("+4930123456").build())), 0);
}

TEST_F(Lists, WhoIsOnTheListMayCallForHelp) {
  lists({"0900*"});
  EXPECT_TRUE(holds(from(office, calling("112", "198.18.2.50", "0900123456").build()), "INVITE"));
}

TEST_F(Lists, AReloadTakesOtherListsAtOnce) {
  lists({"0900*"});
  EXPECT_EQ(storm("+4930123456", 1, "0900123456"), 1);
  DetectorsConfig next = config.security.detectors;
  next.denied_callers = nullptr;
  reload(next);
  EXPECT_EQ(storm("+4930123456", 1, "0900123456"), 0);
}

TEST_F(Lists, AnAllowedCallerMayRingOneNumberAsOftenAsItLikes) {
  lists({}, {"0800112"});
  EXPECT_EQ(storm("+4930123456", 200, "0800112"), 0);
  EXPECT_GT(storm("+4930123457", 200, "0800113"), 0);
}

TEST_F(Lists, WhoHasCalledForHelpMayBeCalledBackWhateverDetectorsSay) {
  EXPECT_GT(storm("+4930123456", 200), 0);
  ASSERT_TRUE(holds(from_pbx(calling("112", "198.18.2.2", "030123456").build()), "INVITE"));
  EXPECT_EQ(storm("+4930123456", 200), 0);
  EXPECT_GT(storm("+4930777777", 200), 0);
  now += config.emergency.callback + 1s;
  EXPECT_GT(storm("+4930123456", 200), 0) << "its time is over";
}

TEST_F(Lists, ACallBackPassesTheLimitsOfItsPeerAndOfItsTarget) {
  config.peers[0].limits_out = CallLimits{.calls = 1};
  (void)set_up("+4930777777");
  EXPECT_EQ(refused(from_pbx(calling("+4930123456").build())), 503);
  EXPECT_TRUE(holds(from_pbx(calling("112", "198.18.2.2", "030123456").build()), "INVITE"));
  EXPECT_TRUE(holds(from_pbx(calling("+4930123456").build()), "INVITE"));
}

// `emergency.callback` counts from the call for help, whatever happens to the node meanwhile. RFC 7090 §1
TEST_F(Lists, WhoHasCalledForHelpMayBeCalledBackAfterARestart) {
  config.peers[0].limits_out = CallLimits{.calls = 1};
  (void)set_up("+4930777777");
  ASSERT_TRUE(holds(from_pbx(calling("112", "198.18.2.2", "030123456").build()), "INVITE"));
  restart();
  EXPECT_EQ(refused(from_pbx(calling("+4930555555").build())), 503);
  EXPECT_TRUE(holds(from_pbx(calling("+4930123456").build()), "INVITE"));
  settings.utc_at_zero += config.emergency.callback - 1min;  // nobody ran
  restart();
  EXPECT_TRUE(holds(from_pbx(calling("+4930123456").build()), "INVITE"));
  settings.utc_at_zero += 2min;
  restart();
  EXPECT_EQ(refused(from_pbx(calling("+4930123456").build())), 503) << "its time is over";
}

// The engine knows what time it is in UTC, and its detectors by it.
TEST_F(Lists, OutsideTheHoursACostlyNumberIsRefusedEarlier) {
  settings.utc_at_zero = std::chrono::hours(24 * 4 + 12) - now.time_since_epoch();  // a Monday's noon
  config.security.detectors.toll_fraud_hours = {"mon-fri 08:00-18:00"};
  config.security.detectors.toll_fraud_off_hours_calls = {1, 1h};
  EXPECT_EQ(storm(kCostly, 5), 0);
  now += 8h;
  EXPECT_EQ(storm(kCostly, 5), 4);
  ASSERT_FALSE(told("toll_fraud").empty());
  EXPECT_NE(told("toll_fraud")[0].evidence.find("outside the hours"), std::string::npos);
}

TEST_F(Lists, OverIPv6TheSame) {
  lists({"0900*"});
  EXPECT_EQ(refused(from(office_v6, calling("+4930123456", "[fd18:2::50]", "0900123456").build())), 403);
  EXPECT_EQ(told("call_spam").back().source, office_v6);
}

class ListsOverTcp : public Lists {
 protected:
  ListsOverTcp() { use(Transport::Tcp, Transport::Tcp); }
};

TEST_F(ListsOverTcp, ACallerOnTheListIsRefusedAndItsSourceIsProved) {
  lists({"0900*"});
  MessageBuilder call = calling("+4930123456", "198.18.2.50", "0900123456");
  EXPECT_EQ(refused(from(office, call.via("SIP/2.0/TCP 198.18.2.50:5060;branch=z9hG4bKtcp;rport").build())),
            403);
  ASSERT_FALSE(told("call_spam").empty());
  EXPECT_TRUE(told("call_spam")[0].is_proved);
}

}  // namespace
}  // namespace sallyport::sip

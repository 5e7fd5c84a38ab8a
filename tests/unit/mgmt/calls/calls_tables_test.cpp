// calls_tables_test.cpp — answers about calls as people read them.
#include "mgmt/calls/calls_tables.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "tests/unit/mgmt/calls/call_traffic.h"

namespace sallyport::mgmt {
namespace {

using Json = nlohmann::ordered_json;
using testing::HasSubstr;
using testing::Not;

const ClockPair kClocks{moment(10'000), fake_wall_time()};

std::string one_call(const sip::CallView& view) {
  return to_text(Json{{"call", call_json(view, kClocks.core, kClocks)}});
}

TEST(CallsTable, ShowsWhoCallsWhomSinceWhen) {
  CallPage page;
  page.at = kClocks.core;
  page.clocks = kClocks;
  page.calls = {answered_call(1)};
  const std::string table = calls_table(calls_text(page, 1), false).value();
  for (const char* const part : {"00000000-00000001", "answered", "+4930111@198.18.1.2", "200", "carrier",
                                 "pbx", "inbound", "12:00:01.000", "0:07", "1 call is up"})
    EXPECT_THAT(table, HasSubstr(part));
  page.next = 1;
  EXPECT_THAT(calls_table(calls_text(page, 1200), false).value(),
              HasSubstr("1,200 calls are up, the oldest 1 are shown"));
}

TEST(CallsTable, NoCallIsALine) {
  EXPECT_EQ(calls_table("{\"calls\":[],\"active\":0}", false).value(), "no call is up\n");
}

TEST(CallTables, ShowLegsTargetsAndReasons) {
  const std::string tables = call_tables(one_call(answered_call(1)), false).value();
  for (const char* const part : {"caller", "callee", "198.18.2.2:5060", "token1", "503",
                                 "route inbound matched", "12:00:01.200", "pbx answered 503, next target"})
    EXPECT_THAT(tables, HasSubstr(part));
}

TEST(CallTables, ShowEachDirectionOfMedia) {
  const std::string tables = call_tables(one_call(answered_call(1)), false).value();
  for (const char* const part : {"MEDIA", "opus/48000/2", "1,950", "2.50 %", "4.3", "3.97",
                                 "198.18.1.1:20000", "198.18.1.2:4000", "198.18.2.2:5000"})
    EXPECT_THAT(tables, HasSubstr(part));
}

TEST(CallTables, BadMediaStandsOut) {
  sip::CallView view = answered_call(1);
  view.record.media[0].lost = 1950;
  view.record.media[0].mos_times_100 = 150;
  const std::string tables = call_tables(one_call(view), true).value();
  EXPECT_THAT(tables, HasSubstr("\x1b[33m50.00 %"));
  EXPECT_THAT(tables, HasSubstr("\x1b[33m1.50"));
}

TEST(CallTables, CallWithoutMediaHasNoTableOfIt) {
  sip::CallView view = answered_call(1);
  view.record.media.clear();
  EXPECT_THAT(call_tables(one_call(view), false).value(), Not(HasSubstr("JITTER")));
}

TEST(Explanation, IsTheChainOfReasonsWithTimes) {
  sip::CallView view = answered_call(1);
  view.is_over = true;
  view.state = "ended";
  view.record.result = CallResult::Busy;
  view.record.sip_code = 486;
  view.record.ended_by = EndedBy::Callee;
  view.record.end_reason = "busy";
  view.record.answer.reset();
  const std::string text = explanation(one_call(view), false).value();
  for (const char* const part : {"ended, busy, 486, ended by callee (busy)", "route inbound matched"})
    EXPECT_THAT(text, HasSubstr(part));
  view.reasons.clear();
  EXPECT_THAT(explanation(one_call(view), false).value(), HasSubstr("nothing is known"));
}

TEST(AlarmsTable, ShowsTheAlarmsOrThatThereIsNone) {
  EXPECT_EQ(alarms_table("{\"alarms\":[]}", false).value(), "no alarm is up\n");
  const std::string table =
      alarms_table(
          "{\"alarms\":[{\"name\":\"journal_slow\",\"severity\":\"major\",\"subject\":\"\",\"since\":\"t\","
          "\"count\":2,\"detail\":\"120 ms\",\"meaning\":\"m\"}]}",
          true)
          .value();
  for (const char* const part : {"journal_slow", "major", "120 ms", "\x1b[31m"})
    EXPECT_THAT(table, HasSubstr(part));
}

TEST(DrainLine, SaysHowManyCallsAreStillUp) {
  EXPECT_THAT(drain_line("{\"active\":0}", false).value(), HasSubstr("no call is still up"));
  EXPECT_THAT(drain_line("{\"active\":1}", false).value(), HasSubstr("1 call is still up"));
  EXPECT_THAT(drain_line("{\"active\":12}", false).value(), HasSubstr("12 calls are still up"));
}

TEST(CallsTables, WhatStrangersWroteIsEscaped) {
  sip::CallView view = answered_call(1);
  view.record.from = "sip:\x1b]0;x\x07@h";
  view.record.called_in = std::string(31, 'a') + "\xc3\xa4\x1b[2J";
  view.record.legs[0].call_id = "\x1b[2J";
  view.reasons[0].text = "\x1b[2J";
  CallPage page;
  page.calls = {view};
  for (const Drawn& drawn :
       {calls_table(calls_text(page, 1), false), call_tables(one_call(view), false),
        explanation(one_call(view), false), hangup_line("{\"id\":\"\\u001b[2J\"}", false)})
    EXPECT_THAT(drawn.value(), Not(HasSubstr("\x1b")));
}

TEST(CallsTables, AnswerOfAnotherFormIsAnErrorOrATable) {
  for (auto* const draw :
       {&calls_table, &call_tables, &explanation, &alarms_table, &hangup_line, &drain_line}) {
    EXPECT_FALSE(draw("", false));
    EXPECT_FALSE(draw("[]", false));
    for (const char* const odd : {"{}", "{\"calls\":7,\"call\":7,\"alarms\":7}",
                                  "{\"calls\":[7],\"call\":{\"legs\":{}},\"alarms\":[[]],\"id\":{}}"})
      EXPECT_TRUE(draw(odd, false)) << odd;
  }
}

}  // namespace
}  // namespace sallyport::mgmt

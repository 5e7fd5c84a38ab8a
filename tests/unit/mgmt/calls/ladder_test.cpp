// ladder_test.cpp — the picture of a call on terminals of all widths.
#include "mgmt/calls/ladder.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "tests/unit/mgmt/calls/call_traffic.h"

namespace sallyport::mgmt {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string trace() { return to_text(trace_json(call_trace(), call_names())); }
std::string drawn(std::size_t columns, bool colour = false) {
  return draw_ladder(trace(), {columns, colour}).value();
}

std::string line_with(const std::string& picture, const std::string& part) {
  std::istringstream lines(picture);
  for (std::string line; std::getline(lines, line);)
    if (line.find(part) != std::string::npos) return line;
  return {};
}

TEST(Ladder, ShowsEachMessageWithItsTimes) {
  const std::string picture = drawn(120);
  EXPECT_THAT(picture, HasSubstr("first message 2026-11-21T12:00:01.000Z"));
  const std::string first = line_with(picture, "INVITE 1 SDP");
  EXPECT_THAT(first, HasSubstr("12:00:01.000"));
  EXPECT_THAT(first, HasSubstr("+0.000"));
  EXPECT_THAT(line_with(picture, "100 (INVITE 1)"), HasSubstr("+0.001"));
  EXPECT_THAT(picture, HasSubstr("198.18.1.2:5060"));
  EXPECT_THAT(picture, HasSubstr("caller, outside"));
  EXPECT_THAT(picture, HasSubstr("edge-1"));
}

TEST(Ladder, ArrowsPointFromSenderToReceiver) {
  const std::string picture = drawn(120);
  EXPECT_THAT(line_with(picture, "100 (INVITE 1)"), HasSubstr("|<-"));
  EXPECT_THAT(line_with(picture, "ACK 1"), HasSubstr("->|"));
  EXPECT_THAT(line_with(picture, "503"), HasSubstr("|<-"));
}

TEST(Ladder, ReasonPhraseIsShownWhereThereIsRoom) {
  CallTrace plain = call_trace();
  std::erase_if(plain.messages,
                [](const CallMessage& one) { return to_string(one.path.remote) == "198.18.2.3:5060"; });
  const std::string picture = draw_ladder(to_text(trace_json(plain, call_names())), {120, false}).value();
  EXPECT_THAT(picture, HasSubstr("100 Trying (INVITE 1)"));
  EXPECT_THAT(picture, HasSubstr("200 OK (INVITE 2) SDP"));
}

TEST(Ladder, MessageSentBeforeIsDottedAndSaysSo) {
  const std::string again = line_with(drawn(120), "again");
  EXPECT_THAT(again, HasSubstr("INVITE 1 SDP again"));
  EXPECT_THAT(again, HasSubstr("|.. "));
}

TEST(Ladder, NoLineIsWiderThanTheTerminal) {
  for (std::size_t columns = 0; columns < 300; ++columns) {
    const std::size_t bound = std::clamp(columns, kLadderColumnsMin, kLadderColumnsMax);
    std::istringstream lines(drawn(columns));
    for (std::string line; std::getline(lines, line);)
      ASSERT_LE(line.size(), bound) << columns << '\n' << line;
  }
}

TEST(Ladder, EveryWidthShowsEveryMessage) {
  for (std::size_t columns = kLadderColumnsMin; columns <= kLadderColumnsMax; ++columns) {
    const std::string picture = drawn(columns);
    EXPECT_EQ(
        std::count(picture.begin(), picture.end(), '>') + std::count(picture.begin(), picture.end(), '<'), 10)
        << columns << '\n'
        << picture;
    EXPECT_THAT(picture, HasSubstr("+2.100")) << columns;
  }
}

TEST(Ladder, TargetsShareALineWhereThereIsNoRoom) {
  EXPECT_THAT(drawn(60), HasSubstr("2 targets"));
  EXPECT_THAT(drawn(60), HasSubstr("#2 "));
  EXPECT_THAT(drawn(120), Not(HasSubstr("2 targets")));
}

TEST(Ladder, WhatStrangersWroteIsEscaped) {
  CallTrace hostile = call_trace();
  hostile.messages[3].bytes =
      sip_message("SIP/2.0 503 \x1b[2J\xc3\xa4\x07" + std::string(300, 'x'), "1 INVITE", "token1");
  const std::string picture = draw_ladder(to_text(trace_json(hostile, call_names())), {100, false}).value();
  for (const char c : picture) ASSERT_TRUE(c == '\n' || (c >= ' ' && c <= '~'));
}

TEST(Ladder, ColoursOnlyWhereAskedAndNothingElseChanges) {
  EXPECT_THAT(drawn(120), Not(HasSubstr("\x1b")));
  std::string coloured = drawn(120, true);
  EXPECT_THAT(coloured, HasSubstr("\x1b[31m"));
  for (const std::string code : {"\x1b[31m", "\x1b[32m", "\x1b[33m", "\x1b[0m"})
    for (std::size_t at = 0; (at = coloured.find(code)) != std::string::npos;)
      coloured.erase(at, code.size());
  EXPECT_EQ(coloured, drawn(120));
}

TEST(Ladder, CallWithOneLegHasALadder) {
  CallTrace rejected = call_trace();
  rejected.messages.resize(2);
  EXPECT_THAT(draw_ladder(to_text(trace_json(rejected, call_names())), {80, false}).value(),
              HasSubstr("no callee yet"));
}

TEST(Ladder, CallWithoutMessagesSaysSo) {
  CallTrace empty = call_trace();
  empty.messages.clear();
  EXPECT_THAT(draw_ladder(to_text(trace_json(empty, call_names())), {80, false}).value(),
              HasSubstr("no messages"));
}

TEST(Ladder, AnswerOfAnotherFormIsAnErrorOrAPicture) {
  for (const char* const bad :
       {"", "[]", "{}", "{\"parties\":7,\"messages\":7}", "{\"parties\":[{}],\"messages\":[]}"})
    EXPECT_FALSE(draw_ladder(bad, {80, false})) << bad;
  const auto odd = draw_ladder(
      "{\"parties\":[{},{},{}],\"messages\":[{\"from\":99,\"to\":99},{\"from\":-1,\"to\":{}},7,{\"status\":"
      "700}]}",
      {80, false});
  EXPECT_TRUE(odd);
}

}  // namespace
}  // namespace sallyport::mgmt

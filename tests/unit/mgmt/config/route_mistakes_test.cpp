// route_mistakes_test.cpp — patterns, replacements and targets that can't work are named with file and line
// before any call is made.
#include <gmock/gmock.h>

#include "tests/unit/mgmt/config/config_text.h"

namespace sallyport::mgmt {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::vector<std::string> errors_with_steps(const std::string& steps) {
  return errors_of(load_text(with_line(13, "header_rules: [{ name: n, steps: [" + steps + "] }]")));
}
std::vector<std::string> errors_with_routes(const std::string& routes) {
  return errors_of(load_text(with_line(12, "routes: [" + routes + "]")));
}

TEST(RouteMistakes, APatternThatIsNoneIsNamedWithItsLine) {
  EXPECT_THAT(errors_with_routes("{ name: r, match: { called: \"(\" }, to: [pbx] }"),
              ElementsAre(HasSubstr("c.yaml:12: routes[r].match.called: '(' is not a regular expression: ")));
  EXPECT_THAT(
      errors_with_routes("{ name: r, match: { header: { X-A: \"[\" } }, to: [pbx] }"),
      ElementsAre(HasSubstr("c.yaml:12: routes[r].match.header.X-A: '[' is not a regular expression: ")));
  EXPECT_THAT(
      errors_with_steps("{ field: called, replace: \"(?=1)\", with: \"\" }"),
      ElementsAre(HasSubstr("c.yaml:13: header_rules[n].steps[0].replace: '(?=1)' is not a regular")));
}

// What RE2 takes but not in the memory that one pattern may have.
TEST(RouteMistakes, APatternThatIsTooLargeIsRefused) {
  EXPECT_THAT(errors_with_routes("{ name: r, match: { caller: \"((a{100}){100}){100}\" }, to: [pbx] }"),
              ElementsAre(HasSubstr("is not a regular expression: ")));
  EXPECT_THAT(
      errors_with_routes("{ name: r, match: { caller: \"" + std::string(1025, 'a') + "\" }, to: [pbx] }"),
      ElementsAre(HasSubstr("longer than 1024 octets")));
}

TEST(RouteMistakes, AReplacementMayUseOnlyCapturesThatThereAre) {
  EXPECT_THAT(errors_with_steps("{ field: called, replace: \"^(1)\", with: \"\\\\1\\\\0\" }"), IsEmpty());
  EXPECT_THAT(
      errors_with_steps("{ field: called, replace: \"^(1)\", with: \"\\\\2\" }"),
      ElementsAre(HasSubstr("c.yaml:13: header_rules[n].steps[0].with: '\\2' can't replace the match: ")));
  EXPECT_THAT(errors_with_steps("{ field: called, replace: \"^1\", with: \"\\\\x\" }"),
              ElementsAre(HasSubstr("steps[0].with")));
}

TEST(RouteMistakes, HeadersThatSallyportWritesItselfAreNotForRules) {
  for (const std::string name : {"Via", "from", "Call-ID", "m", "Content-Length"})
    EXPECT_THAT(errors_with_steps("{ field: \"header:" + name + "\", remove: all }"),
                ElementsAre(HasSubstr("'header:" + name + "' is written by Sallyport itself")));
  EXPECT_THAT(errors_with_steps("{ field: \"header:X-A\", remove: all }"), IsEmpty());
}

TEST(RouteMistakes, ACalledNumberMustRemain) {
  EXPECT_THAT(errors_with_steps("{ field: called, set: \"\" }"),
              ElementsAre(HasSubstr("steps[0].set: would leave no called number")));
  EXPECT_THAT(errors_with_steps("{ field: called, remove: all }"),
              ElementsAre(HasSubstr("steps[0].remove: would leave no called number")));
  EXPECT_THAT(errors_with_steps("{ field: caller, remove: all }"), IsEmpty());
}

TEST(RouteMistakes, AValueMustFitAndStandOnOneLine) {
  EXPECT_THAT(errors_with_steps("{ field: caller, set: \"" + std::string(257, '1') + "\" }"),
              ElementsAre(HasSubstr("write at most 256 octets")));
  EXPECT_THAT(errors_with_steps("{ field: \"header:X-A\", set: \"" + std::string(4097, '1') + "\" }"),
              ElementsAre(HasSubstr("write at most 4096 octets")));
  EXPECT_THAT(errors_with_steps("{ field: \"header:X-A\", set: \"a\\r\\nVia: b\" }"),
              ElementsAre(HasSubstr("holds a control character")));
}

TEST(RouteMistakes, WhatIsNeverTriedIsWarnedOf) {
  const auto warnings = [](const std::string& to) {
    return warnings_of(load_text(with_line(12, "routes: [{ name: r, to: [" + to + "] }]")));
  };
  EXPECT_THAT(
      warnings("{ reject: 603 }, pbx"),
      ElementsAre("c.yaml:12: routes[r].to[1]: stands behind a redirect or reject, so it is never tried; "
                  "write redirect or reject last"));
  EXPECT_THAT(warnings("pbx, { reject: 603 }"), IsEmpty());
}

TEST(RouteMistakes, TooManyTargetsAreRefused) {
  std::string peers = "pbx";
  for (int i = 0; i < 16; ++i) peers += ", pbx";
  EXPECT_THAT(errors_with_routes("{ name: r, to: [" + peers + "] }"),
              ElementsAre(HasSubstr("routes[r].to: has 17 members; write at most 16")));
}

TEST(RouteMistakes, WhatIsNotBuiltIsStillWarnedOf) {
  EXPECT_THAT(
      warnings_of(load_text(
          with_line(13, "header_rules: [{ name: n, steps: [{ field: \"sdp:ptime\", set: \"20\" }] }]"))),
      ElementsAre("c.yaml:13: header_rules[n].steps[0].field: 'sdp:ptime' is not built yet; it is checked "
                  "but has no effect in this version"));
  EXPECT_THAT(warnings_of(load_text(with_line(13,
                                              "emergency: { to: [{ table: t }] }\n"
                                              "tables: [{ name: t, file: t.csv }]"))),
              testing::IsEmpty());
}

}  // namespace
}  // namespace sallyport::mgmt

// diverted_test.cpp — entries of History-Info and Diversion for the far leg: RFC 7044 §5, §10.1.2; RFC 5806
// §4; threats I12, P3, P8.
#include "sipalg/hiding/diverted.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "sipalg/hiding/crossing_writer.h"
#include "tests/support/message_builder.h"

namespace sallyport::sip {
namespace {

std::string history(std::string_view value, bool keeps_privacy = true) {
  ValueBuffer buffer;
  DivertedTerms terms{.host = "ours.test", .keeps_privacy = keeps_privacy};
  return std::string(history_value(ReadableValue(value), terms, buffer).value_or("(nothing)"));
}

std::string diversion(std::string_view value, bool keeps_privacy = true,
                      std::optional<std::string_view> number = {}) {
  ValueBuffer buffer;
  DivertedTerms terms{.host = "ours.test", .keeps_privacy = keeps_privacy, .first_number = number};
  return std::string(diversion_value(ReadableValue(value), terms, buffer).value_or("(nothing)"));
}

TEST(HistoryInfo, KeepsUsersIndexesAndCausesAndNoHostOfTheOtherSide) {
  EXPECT_EQ(
      history(
          "<sip:bob@10.1.2.3:5070;x=y>;index=1, "
          "\"Bob\" <sip:+15551234@pbx.near;user=phone;cause=302?Reason=SIP%3Bcause%3D302%3Btext%3D%22x%22>"
          ";index=1.1;rc=1;x=10.1.2.3"),
      "<sip:bob@ours.test>;index=1, \"Bob\" "
      "<sip:+15551234@ours.test;user=phone;cause=302?Reason=SIP%3Bcause%3D302>;index=1.1;rc=1");
  EXPECT_EQ(history("<tel:+1-555-1234>;index=1;mp=1"), "<sip:+1-555-1234@ours.test;user=phone>;index=1;mp=1");
  EXPECT_EQ(history("<sip:10.1.2.3>;index=1"), "<sip:ours.test>;index=1");
  EXPECT_EQ(history("<sips:bob:secret@10.1.2.3>;index=1"), "<sips:bob@ours.test>;index=1");
}

// RFC 7044 §10.1.2
TEST(HistoryInfo, EntryThatAsksForPrivacyIsAnonymousWhereNobodyIsTrusted) {
  const char* const value = "<sip:bob@near.test?Privacy=history&Reason=SIP%3Bcause%3D480>;index=1.2;np=1";
  EXPECT_EQ(history(value), "<sip:anonymous@anonymous.invalid>;index=1.2;np=1");
  EXPECT_EQ(history(value, false),
            "<sip:bob@ours.test?Reason=SIP%3Bcause%3D480&Privacy=history>;index=1.2;np=1");
  EXPECT_EQ(history("<sip:bob@near.test?Privacy=none>;index=1"), "<sip:bob@ours.test>;index=1");
}

TEST(HistoryInfo, ParametersOfAnotherFormStay) {
  EXPECT_EQ(history("<sip:b@near.test;cause=near>;index=near;rc=1..2;mp=.1;np=1."), "<sip:b@ours.test>");
  EXPECT_EQ(history("<sip:b@near.test?Reason=near%3Bcause%3D1>;index=1"), "<sip:b@ours.test>;index=1");
  EXPECT_EQ(history("<sip:b@near.test?Reason=%zz>;index=" + std::string(200, '1')).find("Reason"),
            std::string::npos);
}

TEST(Diversion, KeepsNumberReasonAndCounters) {
  EXPECT_EQ(diversion("\"Bob\" <sip:+15551234@10.1.2.3;user=phone>;reason=user-busy;counter=1;limit=5;"
                      "screen=yes;privacy=off;near=10.1.2.3, <tel:+15559>;reason=\"no-answer\""),
            "\"Bob\" <sip:+15551234@ours.test;user=phone>;reason=user-busy;counter=1;limit=5;screen=yes;"
            "privacy=off, <sip:+15559@ours.test;user=phone>;reason=no-answer");
  EXPECT_EQ(diversion("<sip:near.test>;reason=unknown"), "(nothing)");
  EXPECT_EQ(diversion("<sip:1@near.test>;reason=\"10.1.2.3\";counter=99999;privacy=near;screen=near"),
            "<sip:1@ours.test>");
}

// RFC 5806 §4
TEST(Diversion, EntryThatAsksForPrivacyStaysWhereNobodyIsTrusted) {
  EXPECT_EQ(diversion("<sip:1@near.test>;privacy=full, <sip:2@near.test>"), "<sip:2@ours.test>");
  EXPECT_EQ(diversion("<sip:1@near.test>;privacy=full", false), "<sip:1@ours.test>;privacy=full");
}

TEST(Diversion, NumberThatRulesMadeStandsInTheFirstEntry) {
  EXPECT_EQ(diversion("<sip:01234@near.test>, <sip:2@near.test>", true, "+491234"),
            "<sip:+491234@ours.test>, <sip:2@ours.test>");
  EXPECT_EQ(diversion("<sip:01234@near.test>, <sip:2@near.test>", true, ""), "<sip:2@ours.test>");
}

TEST(Diverted, EntriesAreCountedOverAllLines) {
  std::string value;
  for (int i = 0; i < 15; ++i) value += std::string(i == 0 ? "" : ", ") + "<sip:b@near.test>;index=1";
  ValueBuffer buffer;
  DivertedTerms terms{.host = "ours.test"};
  const auto count = [](std::string_view text) { return std::ranges::count(text, '<'); };
  EXPECT_EQ(count(*history_value(ReadableValue(value), terms, buffer)), 15);
  EXPECT_EQ(count(*history_value(ReadableValue(value), terms, buffer)), 5);
  EXPECT_FALSE(history_value(ReadableValue(value), terms, buffer));
}

TEST(Diverted, WhatCantBeReadStaysWhereItIs) {
  using namespace std::literals;
  for (const std::string& value :
       {""s, ","s, "<sip:b@near.test"s, "<sip:b@near.test>,"s, "<sip:b%zz@near.test>"s,
        "<sip:" + std::string(3000, 'a') + "@near.test>"}) {
    EXPECT_EQ(history(value), "(nothing)") << value;
    EXPECT_EQ(diversion(value), "(nothing)") << value;
  }
}

// A request that holds these lines, on its way to a side whose profile lets them pass.
std::string written(const std::vector<std::string>& lines, std::string_view host, bool is_trusted = false,
                    std::vector<std::string> pass = {"History-Info", "Diversion"}) {
  tests::MessageBuilder builder("INVITE");
  for (const std::string& line : lines) builder.line(line);
  const std::string bytes = builder.build();
  SipMessage message;
  EXPECT_EQ(parse_message(bytes, {}, message), ParseStatus::Complete);
  ProfileConfig profile;
  profile.headers_pass = std::move(pass);
  const Crossing crossing(profile, is_trusted);
  std::array<char, 8192> buffer;
  MessageWriter writer(buffer);
  write_crossing(writer, {&message, &crossing, {}}, {.in_request = true, .host = host});
  return std::string(writer.written().value_or("not clean"));
}

TEST(Diverted, CrossesOnlyByConfigurationAndOnlyWithAHostOfOurs) {
  const std::vector<std::string> lines{"Diversion: <sip:1@near.test>",
                                       "History-Info: <sip:2@near.test>;index=1"};
  EXPECT_EQ(written(lines, "ours.test"),
            "Diversion: <sip:1@ours.test>\r\nHistory-Info: <sip:2@ours.test>;index=1\r\n");
  EXPECT_EQ(written(lines, ""), "");
  EXPECT_EQ(written(lines, "ours.test", false, {}), "");
}

// RFC 7044 §10.1.1
TEST(Diverted, PrivacyOfTheWholeMessageKeepsItWithinTheTrustDomain) {
  for (const char* const wish : {"history", "id;history", "header"}) {
    const std::vector<std::string> lines{"Privacy: " + std::string(wish), "Diversion: <sip:1@near.test>",
                                         "History-Info: <sip:2@near.test>;index=1"};
    EXPECT_EQ(written(lines, "ours.test"), "") << wish;
    EXPECT_NE(written(lines, "ours.test", true), "") << wish;
  }
}

}  // namespace
}  // namespace sallyport::sip

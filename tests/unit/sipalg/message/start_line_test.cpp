// start_line_test.cpp — request line and status line: RFC 3261 §7.1, §7.2; threats P13.
#include "sipalg/message/start_line.h"

#include <gtest/gtest.h>

#include <string>

namespace sallyport::sip {
namespace {

struct Outcome {
  bool good;
  StartLine line;
  ParseError error;
};
Outcome parse(std::string_view text, Strictness strictness = Strictness::Normal) {
  Outcome outcome{};
  Lexer lexer(text);
  outcome.good = parse_start_line(lexer, StrictnessPolicy::of(strictness), outcome.line, outcome.error);
  return outcome;
}

TEST(StartLine, RequestComesApart) {
  const Outcome outcome = parse("OPTIONS sip:a@b.test SIP/2.0");
  ASSERT_TRUE(outcome.good);
  EXPECT_EQ(outcome.line.kind, StartLineKind::Request);
  EXPECT_EQ(outcome.line.method, Method::Options);
  EXPECT_EQ(outcome.line.request_uri.text, "sip:a@b.test");
}

// RFC 3261 §7.1: methods are compared with regard to case, and literally (threats P4).
TEST(StartLine, MethodIsComparedLiterally) {
  EXPECT_EQ(parse("options sip:a@b.test SIP/2.0").line.method, Method::Other);
  EXPECT_EQ(parse("RE%47IST%45R sip:a@b.test SIP/2.0").line.method, Method::Other);
  for (const std::string_view name : {"INVITE", "ACK", "CANCEL", "BYE", "OPTIONS", "REGISTER", "PRACK",
                                      "UPDATE", "INFO", "REFER", "SUBSCRIBE", "NOTIFY", "PUBLISH", "MESSAGE"})
    EXPECT_NE(method_of(name), Method::Other) << name;
}

TEST(StartLine, StatusLineComesApart) {
  const Outcome outcome = parse("SIP/2.0 486 Busy Here");
  ASSERT_TRUE(outcome.good);
  EXPECT_EQ(outcome.line.status_code, 486);
  EXPECT_EQ(outcome.line.reason, "Busy Here");
  EXPECT_TRUE(parse("SIP/2.0 100 ").good);  // RFC 4475 §3.1.1.13
  EXPECT_TRUE(parse("SIP/2.0 100").good);
}

TEST(StartLine, BrokenStatusLinesAreRefused) {
  for (const std::string_view text :
       {"SIP/2.0", "SIP/2.0 ", "SIP/2.0 20", "SIP/2.0 99 x", "SIP/2.0 099 x", "SIP/2.0 700 x",
        "SIP/2.0 2000 x", "SIP/2.0 4294967301 x", "SIP/2.0 2x0 x", "SIP/3.0 200 OK"}) {
    const Outcome outcome = parse(text);
    EXPECT_FALSE(outcome.good) << text;
    EXPECT_EQ(outcome.line.kind, StartLineKind::Response) << text;
  }
}

TEST(StartLine, WhatIsNoSipGetsNoAnswer) {
  for (const std::string_view text :
       {"", " ", "GET / HTTP/1.1", "INVITE", "INVITE sip:a@b.test", "hello world",
        "\tINVITE sip:a@b.test SIP/2.0", "INVITE\tsip:a@b.test SIP/2.0"}) {
    const Outcome outcome = parse(text);
    EXPECT_FALSE(outcome.good) << text;
    EXPECT_EQ(outcome.line.kind, StartLineKind::NotSip) << text;
    EXPECT_EQ(outcome.error.answer, 0) << text;
  }
}

TEST(StartLine, BrokenRequestLinesNameTheirAnswer) {
  const struct {
    std::string_view text;
    GrammarRule rule;
    unsigned answer;
  } cases[] = {{"OPTIONS sip:a@b.test SIP/7.0", GrammarRule::SipVersion, 505},  // RFC 4475 §3.1.2.16
               {"OPTIONS sip:a@b.test SIP/2.00", GrammarRule::SipVersion, 505},
               {"OPTIONS sip:a@b.test SIP/2.0 ", GrammarRule::StartLine, 400},      // RFC 4475 §3.1.2.10
               {"OPTIONS  sip:a@b.test SIP/2.0", GrammarRule::RequestUri, 400},     // RFC 4475 §3.1.2.9
               {"OPTIONS <sip:a@b.test> SIP/2.0", GrammarRule::RequestUri, 400},    // RFC 4475 §3.1.2.7
               {"OPTIONS sip:a@b.test; lr SIP/2.0", GrammarRule::RequestUri, 400},  // RFC 4475 §3.1.2.8
               {"OPTIONS sip:a@b.test?a=b SIP/2.0", GrammarRule::RequestUri, 400},  // RFC 4475 §3.1.2.11
               {"OPTIONS SIP/2.0", GrammarRule::RequestUri, 400},
               {"OPTIONS  SIP/2.0", GrammarRule::RequestUri, 400}};
  for (const auto& one : cases) {
    const Outcome outcome = parse(one.text);
    EXPECT_FALSE(outcome.good) << one.text;
    EXPECT_EQ(outcome.line.kind, StartLineKind::Request) << one.text;
    EXPECT_EQ(outcome.error.answer, one.answer) << one.text;
  }
}

TEST(StartLine, ExtraSpaceIsForgivenWhenLenient) {
  const Outcome outcome = parse("OPTIONS   sip:a@b.test   SIP/2.0  ", Strictness::Lenient);
  ASSERT_TRUE(outcome.good);
  EXPECT_EQ(outcome.line.request_uri.text, "sip:a@b.test");
}

// Threats P8
TEST(StartLine, LongUriIsAnswered414AndLongMethodRefused) {
  EXPECT_EQ(parse("OPTIONS sip:" + std::string(kUriBytesMax, 'a') + " SIP/2.0").error.answer, 414);
  EXPECT_TRUE(parse(std::string(kMethodBytesMax, 'M') + " sip:a@b.test SIP/2.0").good);
  EXPECT_EQ(parse(std::string(kMethodBytesMax + 1, 'M') + " sip:a@b.test SIP/2.0").error.rule,
            GrammarRule::TooLong);
}

}  // namespace
}  // namespace sallyport::sip

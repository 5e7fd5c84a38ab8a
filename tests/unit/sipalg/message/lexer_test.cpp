// lexer_test.cpp — character classes, numbers, quoted strings, parameters: RFC 3261 §25.1.
#include "sipalg/message/lexer.h"

#include <gtest/gtest.h>

#include <string>

namespace sallyport::sip {
namespace {

constexpr StrictnessPolicy kNormal = StrictnessPolicy::of(Strictness::Normal);
constexpr StrictnessPolicy kLenient = StrictnessPolicy::of(Strictness::Lenient);

// RFC 3261 §25.1: token
TEST(Lexer, TokenHoldsExactlyTheCharactersOfTheGrammar) {
  const std::string allowed = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-.!%*_+`'~";
  for (int c = 0; c < 256; ++c)
    EXPECT_EQ(has_class(static_cast<char>(c), kToken),
              c != 0 && allowed.find(static_cast<char>(c)) != std::string::npos)
        << c;
}

TEST(Lexer, RunOfAClassIsTheSameInOneStepAndOctetByOctet) {
  for (int c = 0; c < 256; ++c) {
    for (std::size_t length = 0; length < 40; ++length) {
      std::string text(length, 'x');
      text += static_cast<char>(c);
      text += std::string(60, ' ');
      const bool member = has_class(static_cast<char>(c), kToken);
      Lexer wide(std::string_view(text).substr(0, length + 1), text.data() + text.size());
      Lexer narrow(std::string_view(text).substr(0, length + 1));
      EXPECT_EQ(wide.take_while<kToken>().size(), length + (member ? 1 : 0));
      EXPECT_EQ(narrow.take_while<kToken>().size(), length + (member ? 1 : 0));
    }
  }
}

TEST(Lexer, RunStopsAtTheEndOfTheTextThoughMoreCouldBeRead) {
  const std::string text(64, 'x');
  for (std::size_t size = 0; size <= 40; ++size) {
    Lexer lexer(std::string_view(text).substr(0, size), text.data() + text.size());
    EXPECT_EQ(lexer.take_while<kToken>().size(), size);
    EXPECT_TRUE(lexer.done());
  }
}

// Threats P7: never wraps.
TEST(Lexer, NumberOutOfRangeIsNoNumber) {
  EXPECT_EQ(parse_decimal("0", 255), 0u);
  EXPECT_EQ(parse_decimal("0068", 255), 68u);
  EXPECT_EQ(parse_decimal("255", 255), 255u);
  EXPECT_FALSE(parse_decimal("256", 255));
  EXPECT_FALSE(parse_decimal("4294967296", 0xffffffffu));
  EXPECT_EQ(parse_decimal("4294967295", 0xffffffffu), 4294967295u);
  EXPECT_FALSE(parse_decimal("18446744073709551616", 0xffffffffu));
  EXPECT_FALSE(parse_decimal("18446744073709551621", 0xffffffffu));
  EXPECT_EQ(parse_decimal("00000000000000000000000000000007", 255), 7u);
  EXPECT_FALSE(parse_decimal("", 255));
  EXPECT_FALSE(parse_decimal("-1", 255));
  EXPECT_FALSE(parse_decimal("+1", 255));
  EXPECT_FALSE(parse_decimal("1 ", 255));
}

TEST(Lexer, QuotedStringHidesQuotesBehindBackslashes) {
  Lexer lexer(R"("a \" b \\" rest)");
  std::string_view quoted;
  ASSERT_TRUE(lexer.take_quoted_string(quoted));
  EXPECT_EQ(quoted, R"("a \" b \\")");
}

// RFC 4475 §3.1.2.6
TEST(Lexer, QuotedStringWithoutEndFailsWhereItBegan) {
  for (const std::string_view text : {R"("open)", R"("open\)", R"("open\")"}) {
    Lexer lexer(text);
    std::string_view quoted;
    EXPECT_FALSE(lexer.take_quoted_string(quoted));
    EXPECT_EQ(lexer.failed_rule(), GrammarRule::QuotedString);
    EXPECT_EQ(lexer.failed_at(), text.data());
  }
}

TEST(Lexer, LineEndCannotBeQuoted) {
  Lexer lexer("\"a\\\r\n b\"");
  std::string_view quoted;
  EXPECT_FALSE(lexer.take_quoted_string(quoted));
}

TEST(Lexer, GenericParamAllowsSpaceAroundItsParts) {
  Lexer lexer(";  tag \r\n =  abc ; next");
  GenericParam param;
  ASSERT_TRUE(parse_generic_param(lexer, kNormal, param));
  EXPECT_EQ(param.name, "tag");
  EXPECT_EQ(param.value, "abc");
  EXPECT_TRUE(lexer.next_is(';'));
}

TEST(Lexer, EmptyParamIsForgivenOnlyWhenLenient) {
  GenericParam param;
  Lexer normal(";;a");
  EXPECT_FALSE(parse_generic_param(normal, kNormal, param));
  EXPECT_EQ(normal.failed_rule(), GrammarRule::GenericParam);
  Lexer lenient(";;a");
  EXPECT_TRUE(parse_generic_param(lenient, kLenient, param));
  EXPECT_TRUE(param.name.empty());
}

TEST(Lexer, ParamWithoutValueBehindEqualsFails) {
  Lexer lexer(";a=");
  GenericParam param;
  EXPECT_FALSE(parse_generic_param(lexer, kLenient, param));
}

TEST(Lexer, EscapesNeedTwoHexDigits) {
  EXPECT_TRUE(escapes_are_whole("a%00b%fF"));
  EXPECT_FALSE(escapes_are_whole("a%0"));
  EXPECT_FALSE(escapes_are_whole("%"));
  EXPECT_FALSE(escapes_are_whole("%0g"));
}

TEST(Lexer, TokenListIsReadToItsEnd) {
  int count = 0;
  EXPECT_TRUE(for_each_token(" a , b,c ", [&count](std::string_view) { ++count; }));
  EXPECT_EQ(count, 3);
  EXPECT_TRUE(for_each_token("", [](std::string_view) {}));
  EXPECT_FALSE(for_each_token("a,,b", [](std::string_view) {}));
  EXPECT_FALSE(for_each_token("a b", [](std::string_view) {}));
}

}  // namespace
}  // namespace sallyport::sip

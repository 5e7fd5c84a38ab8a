// token_test.cpp — tokens come back whole, tell nothing and can't be made without the key: RFC 3261 §8.1.1.7,
// §19.3; threats D1, D4.
#include "sipalg/token/token.h"

#include <gtest/gtest.h>

#include <array>
#include <set>
#include <string>
#include <vector>

namespace sallyport::sip {
namespace {

constexpr HashKey kKey{0x0123456789abcdefu, 0xfedcba9876543210u};
constexpr std::array kKinds{TokenKind::CallId, TokenKind::Tag, TokenKind::Branch, TokenKind::Contact};
constexpr std::string_view kDigits = "abcdefghijklmnopqrstuvwxyz234567";

std::string text_of(const Token& token, TokenKind kind = TokenKind::Tag, const HashKey& key = kKey) {
  return std::string(view(write_token(key, kind, token)));
}

TEST(Token, ComesBackAsItWas) {
  for (const Token& token : {Token{}, Token{255, 65535, ~std::uint64_t{0}}, Token{1, 2, 3},
                             Token{0x80, 0x8000, 0x8000000000000000u}, Token{7, 0x0102, 0x0102030405060708u}})
    for (const TokenKind kind : kKinds) {
      const auto read = read_token(kKey, kind, text_of(token, kind));
      ASSERT_TRUE(read);
      EXPECT_EQ(*read, token);
    }
}

TEST(Token, EqualContentGivesTheEqualToken) {
  EXPECT_EQ(text_of({1, 2, 3}), text_of({1, 2, 3}));
  EXPECT_NE(text_of({1, 2, 3}), text_of({1, 2, 4}));
}

TEST(Token, HoldsSmallLettersAndDigitsOnly) {
  for (std::uint64_t number = 0; number < 200; ++number) {
    const std::string text = text_of({static_cast<std::uint8_t>(number), 1, number});
    EXPECT_EQ(text.size(), kTokenChars);
    EXPECT_EQ(text.find_first_not_of(kDigits), std::string::npos) << text;
  }
}

TEST(Token, OfOneKindIsNoTokenOfAnother) {
  for (const TokenKind made : kKinds)
    for (const TokenKind asked : kKinds)
      EXPECT_EQ(read_token(kKey, asked, text_of({1, 2, 3}, made)).has_value(), made == asked);
}

TEST(Token, OfAnotherKeyIsRefused) {
  EXPECT_FALSE(read_token({kKey.k0, kKey.k1 ^ 1}, TokenKind::Tag, text_of({1, 2, 3})));
  EXPECT_FALSE(read_token({kKey.k0 ^ 1, kKey.k1}, TokenKind::Tag, text_of({1, 2, 3})));
}

TEST(Token, WithAnyCharacterChangedIsRefused) {
  const std::string good = text_of({9, 9, 99});
  for (std::size_t i = 0; i < good.size(); ++i)
    for (const char c : kDigits) {
      std::string bad = good;
      bad[i] = c;
      EXPECT_EQ(read_token(kKey, TokenKind::Tag, bad).has_value(), bad == good) << i << c;
    }
}

TEST(Token, HasOneSpellingOnly) {
  const std::string good = text_of({1, 2, 3});
  std::string upper = good;
  for (char& c : upper) c = static_cast<char>(c >= 'a' && c <= 'z' ? c - 0x20 : c);
  ASSERT_NE(upper, good);
  EXPECT_FALSE(read_token(kKey, TokenKind::Tag, upper));
  EXPECT_FALSE(read_token(kKey, TokenKind::Tag, good + "a"));
  EXPECT_FALSE(read_token(kKey, TokenKind::Tag, std::string_view(good).substr(1)));
  EXPECT_FALSE(read_token(kKey, TokenKind::Tag, ""));
}

TEST(Token, MadeOfHostileTextIsRefusedWithoutHarm) {
  using namespace std::literals;
  for (const std::string& text :
       {std::string(kTokenChars, '\0'), std::string(kTokenChars, '\xff'), std::string(kTokenChars, 'a'),
        std::string(kTokenChars, '7'), std::string(4096, 'a'), std::string(kTokenChars, '1')})
    EXPECT_FALSE(read_token(kKey, TokenKind::Tag, text));
}

// Counters can't be read off: tokens of calls in a row have nothing in common.
TEST(Token, OfCallsInARowLookUnlike) {
  std::set<std::string> beginnings;
  std::string last;
  for (std::uint64_t number = 0; number < 256; ++number) {
    const std::string text = text_of({0, 0, number});
    beginnings.insert(text.substr(0, 6));
    std::size_t same = 0;
    for (std::size_t i = 0; i < last.size(); ++i) same += last[i] == text[i];
    EXPECT_LT(same, 16u);
    last = text;
  }
  EXPECT_EQ(beginnings.size(), 256u);
}

}  // namespace
}  // namespace sallyport::sip

// lexer.h — the lexical layer under all header parsers: character classes and basic rules of RFC 3261 §25.1.
//
// Inside a header field value CR and LF occur only as folding (the line scanner has made sure of it), so the
// lexer takes them for white space, RFC 3261 §7.3.1. Every function is linear and looks at no byte twice.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "sipalg/message/char_class.h"
#include "sipalg/message/parse_error.h"
#include "sipalg/message/strictness_policy.h"

namespace sallyport::sip {

// ASCII case-insensitive. `lower` must be written in small letters.
[[nodiscard]] inline bool equals_ignoring_case(std::string_view text, std::string_view lower) noexcept {
  if (text.size() != lower.size()) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if ((c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c) != lower[i]) return false;
  }
  return true;
}

// Decimal digits only, at most `max`; nothing when it is no number or would be larger. Never wraps.
[[nodiscard]] inline std::optional<std::uint32_t> parse_decimal(std::string_view digits,
                                                                std::uint32_t max) noexcept {
  constexpr std::size_t kFits = 19;  // digits that no 64-bit number overflows by
  while (digits.size() > kFits && digits.front() == '0') digits.remove_prefix(1);
  if (digits.empty() || digits.size() > kFits) return std::nullopt;
  std::uint64_t value = 0;
  for (const char c : digits) {
    const auto digit = static_cast<unsigned>(static_cast<unsigned char>(c)) - '0';
    if (digit > 9) return std::nullopt;
    value = value * 10 + digit;
  }
  if (value > max) return std::nullopt;
  return static_cast<std::uint32_t>(value);
}

// Every '%' is followed by two hexadecimal digits.
[[nodiscard]] bool escapes_are_whole(std::string_view text) noexcept;
// The same where most text has none and there is more to read behind it.
[[nodiscard]] inline bool escapes_are_whole(std::string_view text, const char* readable_end) noexcept {
  const char* end = text.data() + text.size();
  return find_octet(text.data(), end, readable_end, '%') == end || escapes_are_whole(text);
}

// A position in one header field value, with the first failure met there.
class Lexer {
 public:
  explicit Lexer(std::string_view text) noexcept : Lexer(text, text.data() + text.size()) {}
  // Bytes up to `readable_end`, at or behind the end of the text, may be loaded though they are not looked
  // at: with sixteen of them there a run is found in one step.
  Lexer(std::string_view text, const char* readable_end) noexcept
      : at_(text.data()), end_(text.data() + text.size()), readable_end_(readable_end) {}

  [[nodiscard]] bool done() const noexcept { return at_ == end_; }
  [[nodiscard]] const char* position() const noexcept { return at_; }
  [[nodiscard]] const char* end() const noexcept { return end_; }
  [[nodiscard]] const char* readable_end() const noexcept { return readable_end_; }
  [[nodiscard]] bool next_is(char c) const noexcept { return at_ != end_ && *at_ == c; }
  void move_to(const char* position) noexcept { at_ = position; }

  bool take(char c) noexcept {
    if (!next_is(c)) return false;
    ++at_;
    return true;
  }
  // The longest run of characters of the class, which may be empty.
  template <unsigned kClass>
  [[nodiscard]] std::string_view take_while() noexcept {
    const char* start = at_;
    at_ = find_end_of<kClass>(at_, end_, readable_end_);
    return {start, static_cast<std::size_t>(at_ - start)};
  }
  // LWS and SWS; true when there was any.
  bool skip_space() noexcept {
    if (at_ == end_ || static_cast<unsigned char>(*at_) > ' ' || !has_class(*at_, kSpace)) return false;
    do ++at_;
    while (at_ != end_ && has_class(*at_, kSpace));
    return true;
  }
  // At a '"'. The result includes both quotes.
  [[nodiscard]] bool take_quoted_string(std::string_view& quoted) noexcept;

  // Remembers the first failure; always false, so that a parser can return it.
  bool fail(GrammarRule rule) noexcept { return fail_at(rule, at_); }
  bool fail_at(GrammarRule rule, const char* position) noexcept {
    if (rule_ == GrammarRule::None) {
      rule_ = rule;
      failed_at_ = position;
    }
    return false;
  }
  [[nodiscard]] GrammarRule failed_rule() const noexcept { return rule_; }
  [[nodiscard]] const char* failed_at() const noexcept { return failed_at_; }

 private:
  const char* at_;
  const char* end_;
  const char* readable_end_;
  const char* failed_at_ = nullptr;
  GrammarRule rule_ = GrammarRule::None;
};

// One generic-param: RFC 3261 §25.1.
struct GenericParam {
  std::string_view name;
  std::string_view value;  // a quoted-string keeps its quotes
  bool has_value = false;
};

// Parses ";name" or ";name=value" with white space around; the lexer stands at the ';'.
[[nodiscard]] bool parse_generic_param(Lexer& lexer, const StrictnessPolicy& strictness,
                                       GenericParam& param) noexcept;

// Calls visit(token) for each member of a comma-separated list of tokens; false when the list is broken.
template <class Visit>
[[nodiscard]] bool for_each_token(std::string_view list, Visit visit) noexcept {
  Lexer lexer(list);
  lexer.skip_space();
  if (lexer.done()) return true;
  while (true) {
    lexer.skip_space();
    const std::string_view token = lexer.take_while<kToken>();
    if (token.empty()) return false;
    visit(token);
    lexer.skip_space();
    if (lexer.done()) return true;
    if (!lexer.take(',')) return false;
  }
}

}  // namespace sallyport::sip

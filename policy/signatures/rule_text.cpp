// rule_text.cpp — see rule_text.h.
#include "policy/signatures/rule_text.h"

#include <algorithm>
#include <charconv>
#include <utility>

namespace sallyport::policy {
namespace {

constexpr std::string_view kBlank = " \t\r";

[[nodiscard]] int hex_digit(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// Where the option that begins at `from` ends: a semicolon that no backslash escapes.
[[nodiscard]] std::size_t end_of_option(std::string_view text, std::size_t from) noexcept {
  for (std::size_t i = from; i < text.size(); ++i) {
    if (text[i] == '\\')
      ++i;
    else if (text[i] == ';')
      return i;
  }
  return std::string_view::npos;
}

// One group of hexadecimal octets behind its first bar; `at` is left behind the last one.
[[nodiscard]] bool take_hex(std::string_view text, std::size_t& at, std::string& out) {
  int high = -1;
  for (; at < text.size() && text[at] != '|'; ++at) {
    if (text[at] == ' ' && high < 0) continue;
    const int digit = hex_digit(text[at]);
    if (digit < 0) return false;
    if (high < 0) {
      high = digit;
    } else {
      out.push_back(static_cast<char>(high * 16 + digit));
      high = -1;
    }
  }
  if (at >= text.size() || high >= 0) return false;
  ++at;
  return true;
}

template <class Number>
[[nodiscard]] bool read_whole(std::string_view text, Number& number) noexcept {
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, number);
  return error == std::errc{} && rest == end;
}

[[nodiscard]] bool is_escapable(char c) noexcept { return c == '"' || c == ';' || c == '\\' || c == ':'; }

}  // namespace

std::string_view trimmed(std::string_view text) noexcept {
  const std::size_t first = text.find_first_not_of(kBlank);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

std::string_view RuleLines::take_line() noexcept {
  const std::size_t end = std::min(rest_.find('\n'), rest_.size());
  const std::string_view line = rest_.substr(0, end);
  rest_.remove_prefix(std::min(end + 1, rest_.size()));
  ++line_;
  return trimmed(line);
}

bool RuleLines::next(std::string_view& rule, std::uint32_t& line) {
  while (!rest_.empty()) {
    rule = take_line();
    if (rule.empty() || rule.front() == '#') continue;
    line = line_;
    if (rule.back() != '\\') return true;
    joined_.clear();
    while (rule.ends_with('\\')) {
      rule.remove_suffix(1);
      joined_ += rule;
      if (rest_.empty()) break;
      rule = take_line();
      if (!rule.ends_with('\\')) joined_ += rule;
    }
    rule = trimmed(joined_);
    if (!rule.empty()) return true;
  }
  return false;
}

Result<RuleParts, RuleFault> cut_rule(std::string_view rule) {
  if (rule.size() > kRuleBytesMax)
    return fail(RuleFault{"the rule has " + std::to_string(rule.size()) + " octets",
                          "a rule has at most " + std::to_string(kRuleBytesMax)});
  if (std::any_of(rule.begin(), rule.end(),
                  [](char c) { return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f; }))
    return fail(RuleFault{"the rule holds a control octet", "write it in hexadecimal, as |00|"});
  const std::size_t open = rule.find('(');
  if (open == std::string_view::npos || !rule.ends_with(')'))
    return fail(RuleFault{"the options are not in parentheses",
                          "ACTION PROTOCOL SOURCE PORTS -> DESTINATION PORTS (OPTIONS;)"});
  RuleParts parts{trimmed(rule.substr(0, open)), {}};
  std::string_view rest = trimmed(rule.substr(open + 1, rule.size() - open - 2));
  while (!rest.empty()) {
    const std::size_t end = end_of_option(rest, 0);
    if (end == std::string_view::npos)
      return fail(RuleFault{"the option " + shown(rest) + " has no end",
                            "end each option with ; and write \\; where a text holds one"});
    if (parts.options.size() == kRuleOptionsMax)
      return fail(RuleFault{"more than " + std::to_string(kRuleOptionsMax) + " options", "split the rule"});
    const std::string_view option = rest.substr(0, end);
    const std::size_t colon = option.find(':');
    RuleOption& cut = parts.options.emplace_back();
    cut.has_value = colon != std::string_view::npos;
    cut.name = trimmed(option.substr(0, colon));
    if (cut.has_value) cut.value = trimmed(option.substr(colon + 1));
    if (cut.name.empty()) return fail(RuleFault{"an option has no name", "leave out the ; that is too many"});
    rest = trimmed(rest.substr(end + 1));
  }
  return parts;
}

Result<QuotedText, RuleFault> quoted_text(std::string_view value) {
  QuotedText out;
  if (value.starts_with('!')) {
    out.is_negated = true;
    value = trimmed(value.substr(1));
  }
  if (value.starts_with('"') && (value.size() < 2 || value.back() != '"'))
    return fail(RuleFault{shown(value) + " has no closing quote before the next semicolon",
                          "write \\; for a semicolon within quotes, \\x3b in a pcre"});
  if (value.size() < 2 || value.front() != '"' || value.back() != '"')
    return fail(RuleFault{shown(value) + " is not in double quotes",
                          "write \"...\", and \\; for a semicolon between them"});
  out.text = value.substr(1, value.size() - 2);
  for (std::size_t i = 0; i < out.text.size(); ++i) {
    if (out.text[i] == '\\')
      ++i;
    else if (out.text[i] == '"')
      return fail(RuleFault{"a double quote stands within " + shown(value), "write \\\" or |22|"});
    if (i >= out.text.size())
      return fail(RuleFault{"a backslash stands before the last quote of " + shown(value),
                            "write \\\\ for a backslash"});
  }
  return out;
}

std::string unescaped_text(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 1 < text.size() && is_escapable(text[i + 1])) ++i;
    out.push_back(text[i]);
  }
  return out;
}

Result<std::string, RuleFault> content_bytes(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size();) {
    if (text[i] == '|') {
      if (!take_hex(text, ++i, out))
        return fail(RuleFault{"the octets between the bars of " + shown(text) + " can't be read",
                              "pairs of hexadecimal digits, as |0d 0a|; |7c| for a bar"});
      continue;
    }
    if (text[i] == '\\' && (++i >= text.size() || !is_escapable(text[i])))
      return fail(RuleFault{"a backslash escapes nothing in " + shown(text),
                            "write \\\\ for a backslash, \\; \\\" and \\: for what follows it"});
    out.push_back(text[i++]);
  }
  if (out.empty()) return fail(RuleFault{"the content is empty", "name at least one octet"});
  if (out.size() > kContentBytesMax)
    return fail(RuleFault{"the content has " + std::to_string(out.size()) + " octets",
                          "at most " + std::to_string(kContentBytesMax)});
  return out;
}

bool read_number(std::string_view text, std::uint32_t& number) noexcept { return read_whole(text, number); }
bool read_number(std::string_view text, std::int32_t& number) noexcept { return read_whole(text, number); }

std::string shown(std::string_view text) {
  constexpr std::size_t kShownMax = 60;
  std::string out = "'";
  for (const char c : text.substr(0, kShownMax))
    out.push_back(static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c);
  out += text.size() > kShownMax ? "...'" : "'";
  return out;
}

std::vector<std::string_view> cut_at_commas(std::string_view text) {
  std::vector<std::string_view> pieces;
  for (;;) {
    const std::size_t comma = text.find(',');
    pieces.push_back(trimmed(text.substr(0, comma)));
    if (comma == std::string_view::npos) return pieces;
    text.remove_prefix(comma + 1);
  }
}

}  // namespace sallyport::policy

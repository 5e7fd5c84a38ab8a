// mask_numbers.cpp — finds numbers and URI users in text and hides them. RFC 3261 §19.1, RFC 3966 §3.
#include "mgmt/log/mask_numbers.h"

#include <algorithm>
#include <array>
#include <cstddef>

namespace sallyport::mgmt {
namespace {

constexpr std::size_t kHiddenTail = 4;
constexpr std::size_t kBareNumberDigitsMin = 7;
constexpr std::string_view kHidden = "****";

[[nodiscard]] bool is_digit(char c) { return c >= '0' && c <= '9'; }
[[nodiscard]] bool is_word(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
[[nodiscard]] char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

[[nodiscard]] bool starts_with_ignoring_case(std::string_view text, std::string_view lower_case_prefix) {
  return text.size() >= lower_case_prefix.size() &&
         std::equal(lower_case_prefix.begin(), lower_case_prefix.end(), text.begin(),
                    [](char wanted, char c) { return wanted == lower(c); });
}

// Length of a URI scheme with its colon at the start of `text`; 0 when there is none.
[[nodiscard]] std::size_t scheme_length(std::string_view text) {
  constexpr std::array<std::string_view, 3> kSchemes{"sip:", "sips:", "tel:"};
  for (const std::string_view scheme : kSchemes)
    if (starts_with_ignoring_case(text, scheme)) return scheme.size();
  return 0;
}

// Length of the user part at the start of `text`; 0 when the URI has none (sip:host).
[[nodiscard]] std::size_t user_length(std::string_view text, bool is_tel) {
  if (is_tel) return std::min(text.find_first_of(" ;,>\"\t\r\n"), text.size());  // RFC 3966 §3
  const std::size_t end = std::min(text.find_first_of(" >\"\t\r\n"), text.size());
  const std::size_t at = text.substr(0, end).rfind('@');  // a user may hold an escaped or stray '@'
  return at == std::string_view::npos ? 0 : at;
}

// Length of a bare number at the start of `text`: digits and visual separators (RFC 3966 §3) but no dot,
// which would take addresses for numbers. 0 when it is too short to be one, or goes on as a word.
[[nodiscard]] std::size_t bare_number_length(std::string_view text) {
  std::size_t end = 0, digits = 0, i = 0;
  if (!text.empty() && text[0] == '+') i = 1;
  for (; i < text.size(); ++i) {
    if (is_digit(text[i])) {
      ++digits;
      end = i + 1;
    } else if (text[i] != '-' && text[i] != '(' && text[i] != ')') {
      break;
    }
  }
  const bool goes_on = end < text.size() && is_word(text[end]);
  return digits >= kBareNumberDigitsMin && !goes_on ? end : 0;
}

}  // namespace

std::string mask_number(std::string_view number, NumberMask mask) {
  if (mask == NumberMask::None || number.empty()) return std::string(number);
  if (mask == NumberMask::All) return std::string(kHidden);
  std::string out(number);
  std::size_t hidden = 0;
  for (auto c = out.rbegin(); c != out.rend() && hidden < kHiddenTail; ++c) {
    if (*c == '-' || *c == '(' || *c == ')' || *c == '.' || *c == '+') continue;  // separators hide nothing
    *c = '*';
    ++hidden;
  }
  return out;
}

std::string mask_text(std::string_view text, NumberMask mask) {
  if (mask == NumberMask::None) return std::string(text);
  std::string out;
  out.reserve(text.size());
  std::size_t i = 0;
  while (i < text.size()) {
    const std::string_view rest = text.substr(i);
    const bool at_word_start = i == 0 || !is_word(text[i - 1]);
    std::size_t length = 0;
    if (const std::size_t scheme = at_word_start ? scheme_length(rest) : 0; scheme != 0) {
      out.append(rest.substr(0, scheme));
      i += scheme;
      length = user_length(rest.substr(scheme), lower(rest[0]) == 't');
    } else if (at_word_start) {
      length = bare_number_length(rest);
    }
    if (length != 0) {
      out.append(mask_number(text.substr(i, length), mask));
      i += length;
    } else if (i < text.size()) {
      out.push_back(text[i++]);
    }
  }
  return out;
}

}  // namespace sallyport::mgmt

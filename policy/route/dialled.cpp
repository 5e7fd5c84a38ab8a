// dialled.cpp — see dialled.h: RFC 3261 §19.1.2, §19.1.4, §25.1, RFC 3966 §3.
#include "policy/route/dialled.h"

#include <algorithm>
#include <cstdint>

namespace sallyport::policy {
namespace {

[[nodiscard]] constexpr bool is_alphanumeric(char c) noexcept {
  return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}
// unreserved of RFC 3261 §25.1, and "+", which all write as they please.
[[nodiscard]] constexpr bool is_unescaped(char c) noexcept {
  return is_alphanumeric(c) || std::string_view("+-_.!~*'()").find(c) != std::string_view::npos;
}
// user-unreserved of RFC 3261 §25.1 besides "+".
[[nodiscard]] constexpr bool is_allowed_in_user(char c) noexcept {
  return is_unescaped(c) || std::string_view("&=$,;?/").find(c) != std::string_view::npos;
}
// visual-separator of RFC 3966 §3.
[[nodiscard]] constexpr bool is_visual_separator(char c) noexcept {
  return c == '-' || c == '.' || c == '(' || c == ')';
}

[[nodiscard]] constexpr int hex_value(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

// The octet that an escape at `text[at]` stands for; -1: there is none.
[[nodiscard]] constexpr int escape_at(std::string_view text, std::size_t at) noexcept {
  if (text[at] != '%' || text.size() - at < 3) return -1;
  const int high = hex_value(text[at + 1]), low = hex_value(text[at + 2]);
  return high < 0 || low < 0 ? -1 : high * 16 + low;
}

// Reads a number one digit at a time.
class DigitReader {
 public:
  explicit DigitReader(std::string_view text) noexcept : text_(text) {}
  // -1 at the end, which is also where parameters begin.
  [[nodiscard]] int next() noexcept {
    while (at_ < text_.size() && text_[at_] != ';') {
      const int escaped = escape_at(text_, at_);
      const int octet = escaped < 0 ? static_cast<std::uint8_t>(text_[at_]) : escaped;
      at_ += escaped < 0 ? 1 : 3;
      if (!is_visual_separator(static_cast<char>(octet))) return octet;
    }
    return -1;
  }

 private:
  std::string_view text_;
  std::size_t at_ = 0;
};

// "+" and digits with visual separators between them. RFC 3966 §5.1.4
[[nodiscard]] bool is_global_number(std::string_view text) noexcept {
  return text.starts_with('+') && std::all_of(text.begin() + 1, text.end(), [](char c) {
           return (c >= '0' && c <= '9') || is_visual_separator(c);
         });
}

// Behind a '%' that begins no escape, digits must not come to make one of it.
[[nodiscard]] bool ends_in_stray_percent(std::string_view text) noexcept {
  return text.find('%', text.size() < 2 ? 0 : text.size() - 2) != std::string_view::npos;
}

[[nodiscard]] std::string without_escapes(std::string_view user) {
  std::string out;
  out.reserve(user.size());
  for (std::size_t i = 0; i < user.size(); ++i) {
    const int escaped = escape_at(user, i);
    if (escaped >= 0 && is_unescaped(static_cast<char>(escaped)) && !ends_in_stray_percent(out)) {
      out += static_cast<char>(escaped);
      i += 2;
    } else {
      out += user[i];
    }
  }
  return out;
}

}  // namespace

std::string unescaped_user(std::string_view user) {
  const bool has_escapes = user.find('%') != std::string_view::npos;
  std::string text = has_escapes ? without_escapes(user) : std::string(user);
  const std::size_t end = std::min(text.find(';'), text.size());
  const auto tail = text.begin() + static_cast<std::ptrdiff_t>(end);
  // Nearly always there is nothing to take out.
  if (std::none_of(text.begin(), tail, [](char c) { return is_visual_separator(c); })) return text;
  if (!is_global_number(std::string_view(text).substr(0, end))) return text;
  text.erase(std::remove_if(text.begin(), tail, is_visual_separator), tail);
  return text;
}

std::string escaped_user(std::string_view text) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (is_allowed_in_user(text[i]) || escape_at(text, i) >= 0) {
      out += text[i];
      continue;
    }
    const auto octet = static_cast<std::uint8_t>(text[i]);
    out += '%';
    out += kHex[octet >> 4];
    out += kHex[octet & 15];
  }
  return out;
}

bool is_same_number(std::string_view one, std::string_view other) noexcept {
  DigitReader first(one), second(other);
  for (;;) {
    const int a = first.next(), b = second.next();
    if (a != b) return false;
    if (a < 0) return true;
  }
}

}  // namespace sallyport::policy

// key_mask.cpp — looks for the words that keys follow, wherever in the text they are: a body may be wrapped
// in another.
#include "sipalg/trace/key_mask.h"

#include <algorithm>
#include <cstddef>
#include <string_view>

namespace sallyport::sip {
namespace {

[[nodiscard]] char lower(char c) noexcept {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}
[[nodiscard]] bool ends_line(char c) noexcept { return c == '\r' || c == '\n'; }
// Behind a key come its lifetime ('|'), more parameters (';') or a session parameter (' ').
[[nodiscard]] bool ends_key(char c) noexcept { return ends_line(c) || c == '|' || c == ';' || c == ' '; }

// Case-insensitive; `word` is lower case.
[[nodiscard]] bool stands_before(std::span<const char> text, std::size_t end,
                                 std::string_view word) noexcept {
  if (end < word.size()) return false;
  for (std::size_t i = 0; i < word.size(); ++i)
    if (lower(text[end - word.size() + i]) != word[i]) return false;
  return true;
}

template <class Ends>
[[nodiscard]] std::size_t hide(std::span<char> text, std::size_t from, Ends ends) noexcept {
  while (from < text.size() && !ends(text[from])) text[from++] = '*';
  return from;
}

[[nodiscard]] std::size_t find(std::span<const char> text, char c, std::size_t from) noexcept {
  return std::string_view(text.data(), text.size()).find(c, from);
}

}  // namespace

void mask_keys(std::span<char> message) noexcept {
  // "inline:" outside of an a=crypto line is hidden too: a key in a line that is folded or cut is still one.
  for (std::size_t at = find(message, ':', 0); at != std::string_view::npos; at = find(message, ':', at))
    at = stands_before(message, at, "inline") ? hide(message, at + 1, ends_key) : at + 1;
  // k=prompt has no colon and no key.
  for (std::size_t at = find(message, '=', 0); at != std::string_view::npos; at = find(message, '=', at)) {
    const std::size_t behind = at + 1;
    if (!stands_before(message, at, "\nk")) {
      at = behind;
      continue;
    }
    std::size_t colon = behind;
    while (colon < message.size() && !ends_line(message[colon]) && message[colon] != ':') ++colon;
    const bool has_key = colon < message.size() && message[colon] == ':';
    at = has_key ? hide(message, colon + 1, ends_line) : colon;
  }
}

void mask_keys_of_body(std::span<char> message) noexcept {
  constexpr std::string_view kEnd = "\r\n\r\n";
  const std::size_t end = std::string_view(message.data(), message.size()).find(kEnd);
  if (end == std::string_view::npos || end + kEnd.size() >= message.size()) return;
  mask_keys(message.subspan(end + 2));  // with an end of line before it
}

}  // namespace sallyport::sip

// mask_keys.cpp — looks for the words that keys follow, wherever in the message they are: a body may be
// wrapped in another.
#include "mgmt/capture/mask_keys.h"

#include <algorithm>
#include <string_view>

namespace sallyport::mgmt {
namespace {

[[nodiscard]] char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }
[[nodiscard]] bool ends_line(char c) { return c == '\r' || c == '\n'; }
// Behind a key come its lifetime ('|'), more parameters (';') or a session parameter (' ').
[[nodiscard]] bool ends_key(char c) { return ends_line(c) || c == '|' || c == ';' || c == ' '; }

[[nodiscard]] std::size_t find_word(std::string_view text, std::string_view word, std::size_t from) {
  const auto found = std::search(text.begin() + static_cast<std::ptrdiff_t>(from), text.end(), word.begin(),
                                 word.end(), [](char a, char b) { return lower(a) == b; });
  return found == text.end() ? std::string_view::npos : static_cast<std::size_t>(found - text.begin());
}

template <class Ends>
std::size_t hide(std::string& text, std::size_t from, Ends ends) {
  while (from < text.size() && !ends(text[from])) text[from++] = '*';
  return from;
}

}  // namespace

void mask_keys(std::string& message) {
  // "inline:" outside of an a=crypto line is hidden too: a key in a line that is folded or cut is still one.
  constexpr std::string_view kInline = "inline:";
  for (std::size_t at = find_word(message, kInline, 0); at != std::string::npos;
       at = find_word(message, kInline, at))
    at = hide(message, at + kInline.size(), ends_key);
  constexpr std::string_view kKeyLine = "\nk=";
  for (std::size_t at = find_word(message, kKeyLine, 0); at != std::string::npos;
       at = find_word(message, kKeyLine, at)) {
    const std::size_t line_end = std::min(message.find_first_of("\r\n", at + 1), message.size());
    const std::size_t colon = message.find(':', at);
    at += kKeyLine.size();
    if (colon < line_end) at = hide(message, colon + 1, ends_line);  // k=prompt has no key
  }
}

}  // namespace sallyport::mgmt

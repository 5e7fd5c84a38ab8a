// call_search.cpp — see call_search.h.
#include "mgmt/calls/call_search.h"

#include <algorithm>
#include <array>

namespace sallyport::mgmt {
namespace {

[[nodiscard]] char small(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

// RFC 3966 §5.1.1 calls them visual separators; people write spaces and slashes too.
[[nodiscard]] bool is_separator(char c) {
  return std::string_view(" ().-/\t").find(c) != std::string_view::npos;
}

[[nodiscard]] std::string without_separators(std::string_view text) {
  std::string out;
  for (const char c : text)
    if (!is_separator(c)) out += small(c);
  return out;
}

// `wanted` is in small letters.
[[nodiscard]] bool has(std::string_view text, std::string_view wanted) {
  return std::ranges::search(text, wanted, {}, small).begin() != text.end() || wanted.empty();
}

}  // namespace

CallSearch::CallSearch(std::string_view text) : written_(without_separators(text)) {
  const std::size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return;
  text = text.substr(first, text.find_last_not_of(" \t") - first + 1);
  std::ranges::transform(text, std::back_inserter(words_), small);
}

bool CallSearch::matches(const CallRecord& call) const {
  if (words_.empty()) return true;
  const std::array<std::string_view, 4> numbers{call.called_in, call.called_out, call.from, call.to};
  const std::array<std::string_view, 3> names{call.peer_in, call.peer_out, call.route};
  const auto has_words = [this](std::string_view text) { return has(text, words_); };
  return std::ranges::any_of(numbers, has_words) || std::ranges::any_of(names, has_words) ||
         has_words(call_id_text(call.call)) ||
         std::ranges::any_of(call.legs,
                             [&](const LegRecord& leg) {
                               return has_words(leg.call_id) || has_words(to_string(leg.remote));
                             }) ||
         (!written_.empty() && std::ranges::any_of(numbers, [this](std::string_view text) {
           return has(without_separators(text), written_);
         }));
}

}  // namespace sallyport::mgmt

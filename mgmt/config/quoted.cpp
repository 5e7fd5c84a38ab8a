// quoted.cpp — see quoted.h.
#include "mgmt/config/quoted.h"

#include <fmt/format.h>

namespace sallyport::mgmt {

std::string printable(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f) {
      out += fmt::format("\\x{:02x}", byte);
    } else {
      out += c;
    }
  }
  return out;
}

std::string in_quotes(std::string_view text) {
  constexpr std::size_t kShownMax = 60;
  const bool cut = text.size() > kShownMax;
  return "'" + std::string(text.substr(0, kShownMax)) + (cut ? "..." : "") + "'";
}

std::string joined_with_or(std::string_view words) {
  std::string out;
  while (!words.empty()) {
    const std::size_t bar = words.find('|');
    const std::string_view word = words.substr(0, bar);
    words = bar == std::string_view::npos ? std::string_view{} : words.substr(bar + 1);
    if (!out.empty()) out += words.empty() ? " or " : ", ";
    out += word;
  }
  return out;
}

}  // namespace sallyport::mgmt

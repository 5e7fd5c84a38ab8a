// passed_auth.cpp — see passed_auth.h.
#include "sipalg/auth/passed_auth.h"

#include <algorithm>
#include <span>
#include <string_view>

#include "sipalg/message/lexer.h"

namespace sallyport::sip {
namespace {

constexpr HeaderName kCredentials[] = {HeaderName::Authorization, HeaderName::ProxyAuthorization};
constexpr HeaderName kChallenges[] = {HeaderName::WwwAuthenticate, HeaderName::ProxyAuthenticate};

bool is_space(char c) noexcept { return c == ' ' || c == '\t'; }

// A line break with white space behind it is white space. RFC 3261 §7.3.1
std::string unfolded(std::string_view value) {
  std::string whole;
  whole.reserve(value.size());
  for (std::size_t i = 0; i < value.size(); ++i) {
    const bool is_break = value[i] == '\r' || value[i] == '\n';
    const std::size_t next = value.substr(i).starts_with("\r\n") ? i + 2 : i + 1;
    if (is_break && next < value.size() && is_space(value[next])) {
      i = next;
      whole += ' ';
    } else {
      whole += value[i];
    }
  }
  return whole;
}

// No control octet goes on. RFC 3261 §25.1
bool is_clean(std::string_view value) noexcept {
  return std::ranges::all_of(value, [](char c) { return c == '\t' || (c >= ' ' && c != 0x7f); });
}

bool is_digest(std::string_view value) noexcept {
  constexpr std::string_view kScheme = "digest";
  return value.size() > kScheme.size() && equals_ignoring_case(value.substr(0, kScheme.size()), kScheme) &&
         is_space(value[kScheme.size()]);
}

std::string lines_of(const SipMessage& message, std::span<const HeaderName> passed) {
  std::string lines;
  std::size_t count = 0;
  for (std::size_t i = 0; i < message.header_count && count < kPassedAuthLinesMax; ++i) {
    const HeaderField& field = message.headers[i];
    if (std::ranges::find(passed, field.name) == passed.end()) continue;
    if (field.value_size > kPassedAuthBytesMax) continue;
    const std::string value = unfolded(message.value_of(field));
    if (!is_clean(value) || !is_digest(value)) continue;
    lines += to_string(field.name);
    lines += ": ";
    lines += value;
    lines += "\r\n";
    ++count;
  }
  return lines;
}

}  // namespace

std::string passed_credentials(const SipMessage& request) { return lines_of(request, kCredentials); }
std::string passed_challenges(const SipMessage& response) { return lines_of(response, kChallenges); }

}  // namespace sallyport::sip

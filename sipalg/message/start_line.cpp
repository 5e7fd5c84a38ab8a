// start_line.cpp — request line and status line: RFC 3261 §7.1, §7.2.
#include "sipalg/message/start_line.h"

#include <cstring>

namespace sallyport::sip {
namespace {

bool refuse(ParseError& error, GrammarRule rule, std::size_t offset, std::uint16_t answer = 400) noexcept {
  error = {rule, static_cast<std::uint32_t>(offset), answer, false};
  return false;
}

bool begins_with_sip_slash(std::string_view text) noexcept {
  return text.size() >= 4 && equals_ignoring_case(text.substr(0, 4), "sip/");
}

bool is_version_two(std::string_view text) noexcept { return text.size() == 7 && text.substr(4) == "2.0"; }

// SIP-Version SP Status-Code SP Reason-Phrase
bool parse_status_line(std::string_view line, StartLine& out, ParseError& error) noexcept {
  out.kind = StartLineKind::Response;
  const std::size_t space = line.find(' ');
  if (!is_version_two(line.substr(0, space))) return refuse(error, GrammarRule::SipVersion, 0);
  if (line.size() < space + 4) return refuse(error, GrammarRule::StatusCode, line.size());
  const std::string_view code_and_rest = line.substr(space + 1);
  // Exactly three digits: 4294967301 is not 5 (RFC 4475 §3.1.2.19).
  const auto code = parse_decimal(code_and_rest.substr(0, 3), 699);
  const bool ends = code_and_rest.size() == 3 || code_and_rest[3] == ' ';
  if (!code || *code < 100 || !ends) return refuse(error, GrammarRule::StatusCode, space + 1);
  out.status_code = static_cast<std::uint16_t>(*code);
  // The phrase may be empty (RFC 4475 §3.1.1.13) or any UTF-8 (§3.1.1.12).
  if (code_and_rest.size() > 4) out.reason = code_and_rest.substr(4);
  return true;
}

std::string_view trim_spaces(std::string_view text) noexcept {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

}  // namespace

Method method_of(std::string_view text) noexcept {
  for (std::size_t i = 0; i < kMethodNames.size(); ++i)
    if (text == kMethodNames[i]) return static_cast<Method>(i);
  return Method::Other;
}

// Method SP Request-URI SP SIP-Version
bool parse_start_line(Lexer& lexer, const StrictnessPolicy& strictness, StartLine& out,
                      ParseError& error) noexcept {
  const std::string_view line(lexer.position(), static_cast<std::size_t>(lexer.end() - lexer.position()));
  out.kind = StartLineKind::NotSip;
  out.method = Method::Other;
  out.method_text = out.reason = {};
  out.status_code = 0;
  out.request_uri.text = {};
  out.request_uri.scheme = UriScheme::None;
  if (begins_with_sip_slash(line)) return parse_status_line(line, out, error);

  const std::string_view method = lexer.take_while<kToken>();
  // What has no " SIP/" behind a word is another protocol or noise, and is not answered.
  std::size_t last = line.size();
  while (last > 0 && line[last - 1] == ' ') --last;
  const std::size_t version_at = line.substr(0, last).rfind(' ') + 1;  // 0 when there is no space
  if (method.empty() || !lexer.next_is(' ') || version_at <= method.size() ||
      !begins_with_sip_slash(line.substr(version_at)))
    return refuse(error, GrammarRule::StartLine, 0, 0);
  out.kind = StartLineKind::Request;
  out.method_text = method;
  out.method = method_of(method);
  if (method.size() > kMethodBytesMax) return refuse(error, GrammarRule::TooLong, 0);

  if (!is_version_two(line.substr(version_at, last - version_at)))
    return refuse(error, GrammarRule::SipVersion, version_at, 505);  // RFC 3261 §8.2, RFC 4475 §3.1.2.16
  std::string_view uri = line.substr(method.size() + 1);
  uri = uri.substr(0, version_at > method.size() + 2 ? version_at - method.size() - 2 : 0);
  if (strictness.extra_space_in_start_line) {
    uri = trim_spaces(uri);
  } else if (last != line.size()) {
    return refuse(error, GrammarRule::StartLine, last);  // RFC 4475 §3.1.2.10
  }
  if (uri.size() > kUriBytesMax) return refuse(error, GrammarRule::TooLong, method.size() + 1, 414);
  Lexer uri_lexer(uri, lexer.readable_end());
  if (!parse_uri(uri_lexer, strictness, out.request_uri))
    return refuse(error, GrammarRule::RequestUri,
                  static_cast<std::size_t>(uri_lexer.failed_at() - line.data()));
  // Headers in a Request-URI never become headers of the request. RFC 3261 §19.1.1, RFC 4475 §3.1.2.11
  if (!out.request_uri.headers.empty())
    return refuse(error, GrammarRule::RequestUri,
                  static_cast<std::size_t>(out.request_uri.headers.data() - line.data()));
  return true;
}

}  // namespace sallyport::sip

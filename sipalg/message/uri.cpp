// uri.cpp — URIs: RFC 3261 §19.1, §25.1; RFC 3966 §3.
#include "sipalg/message/uri.h"

#include <cstring>

namespace sallyport::sip {
namespace {

UriScheme scheme_of(std::string_view name) noexcept {
  if (equals_ignoring_case(name, "sip")) return UriScheme::Sip;
  if (equals_ignoring_case(name, "sips")) return UriScheme::Sips;
  if (equals_ignoring_case(name, "tel")) return UriScheme::Tel;
  return UriScheme::Other;
}

std::string_view between(const char* from, const char* to) noexcept {
  return {from, static_cast<std::size_t>(to - from)};
}

// *( ";" pname [ "=" pvalue ] )
bool parse_uri_params(Lexer& lexer, const StrictnessPolicy& strictness, std::string_view& params) noexcept {
  const char* start = lexer.position();
  while (lexer.take(';')) {
    const std::string_view name = lexer.take_while<kUriParam>();
    if (name.empty() && strictness.empty_parameters) continue;
    if (name.empty()) return lexer.fail(GrammarRule::Uri);
    if (lexer.take('=') && lexer.take_while<kUriParam>().empty()) return lexer.fail(GrammarRule::Uri);
  }
  params = between(start, lexer.position());
  return escapes_are_whole(params, lexer.readable_end()) || lexer.fail_at(GrammarRule::Uri, start);
}

// [ user [ ":" password ] "@" ]; steps back when there is no '@'.
bool parse_userinfo(Lexer& lexer, Uri& out) noexcept {
  const char* start = lexer.position();
  out.user = lexer.take_while<kPlainUser>();  // nearly always all of it
  if (!out.user.empty() && lexer.take('@')) return true;
  out.user = {};
  if (lexer.done()) {
    lexer.move_to(start);
    return true;
  }
  (void)lexer.take_while<kUserInfo>();
  const std::string_view all = between(start, lexer.position());
  if (!lexer.take('@')) {
    lexer.move_to(start);
    return true;
  }
  const char* end = all.data() + all.size();
  const char* colon = find_octet(start, end, lexer.readable_end(), ':');
  out.user = between(start, colon);
  if (colon != end) out.password = between(colon + 1, end);
  if (out.user.empty() || !escapes_are_whole(all, lexer.readable_end()) ||
      out.password.find(':') != std::string_view::npos)
    return lexer.fail_at(GrammarRule::Uri, start);
  return true;
}

bool parse_sip_uri(Lexer& lexer, const StrictnessPolicy& strictness, Uri& out) noexcept {
  if (!parse_userinfo(lexer, out)) return false;
  if (!parse_host(lexer, strictness, out.address)) return false;
  if (lexer.take(':') && !parse_port(lexer, out.address)) return false;
  if (lexer.next_is(';') && !parse_uri_params(lexer, strictness, out.params)) return false;
  if (lexer.take('?')) {
    out.headers = lexer.take_while<kUriHeader>();
    if (out.headers.empty() || !escapes_are_whole(out.headers, lexer.readable_end()))
      return lexer.fail(GrammarRule::Uri);
  }
  return lexer.done() || lexer.fail(GrammarRule::Uri);
}

// RFC 3966 §3: the number, then parameters. Which digits it may have is a matter for number rules.
bool parse_tel_uri(Lexer& lexer, const StrictnessPolicy& strictness, Uri& out) noexcept {
  const char* start = lexer.position();
  out.user = lexer.take_while<kTelNumber>();
  if (out.user.empty() || !escapes_are_whole(out.user, lexer.readable_end()))
    return lexer.fail_at(GrammarRule::Uri, start);
  if (lexer.next_is(';') && !parse_uri_params(lexer, strictness, out.params)) return false;
  return lexer.done() || lexer.fail(GrammarRule::Uri);
}

}  // namespace

bool parse_uri(Lexer& lexer, const StrictnessPolicy& strictness, Uri& out) noexcept {
  const char* start = lexer.position();
  out.text = between(start, lexer.end());
  out.user = out.password = out.params = out.headers = {};
  out.address = {};
  out.scheme = UriScheme::None;
  if (out.text.size() > kUriBytesMax) return lexer.fail(GrammarRule::TooLong);
  if (out.text.size() > 4 && std::memcmp(start, "sip:", 4) == 0) {  // nearly always
    out.scheme = UriScheme::Sip;
    lexer.move_to(start + 4);
    return parse_sip_uri(lexer, strictness, out);
  }
  const std::size_t colon = out.text.find(':');
  if (colon == 0 || colon == std::string_view::npos) return lexer.fail(GrammarRule::UriScheme);
  const std::string_view scheme = out.text.substr(0, colon);
  for (const char c : scheme) {  // ALPHA *( ALPHA / DIGIT / "+" / "-" / "." )
    const bool good = has_class(c, kHost) || c == '+';
    if (!good || c == '_') return lexer.fail(GrammarRule::UriScheme);
  }
  if (!has_class(scheme.front(), kToken) || has_class(scheme.front(), kDigit))
    return lexer.fail(GrammarRule::UriScheme);
  lexer.move_to(start + colon + 1);
  out.scheme = scheme_of(scheme);
  if (out.scheme == UriScheme::Sip || out.scheme == UriScheme::Sips)
    return parse_sip_uri(lexer, strictness, out);
  if (out.scheme == UriScheme::Tel) return parse_tel_uri(lexer, strictness, out);
  const std::string_view opaque = lexer.take_while<kUric>();
  if (opaque.empty() || !lexer.done() || !escapes_are_whole(opaque, lexer.readable_end()))
    return lexer.fail(GrammarRule::Uri);
  return true;
}

bool find_uri_param(std::string_view params, std::string_view name, std::string_view& value) noexcept {
  while (!params.empty()) {
    params.remove_prefix(1);  // ';'
    const std::string_view param = params.substr(0, params.find(';'));
    params.remove_prefix(param.size());
    const std::size_t equals = param.find('=');
    if (!equals_ignoring_case(param.substr(0, equals), name)) continue;
    value = equals == std::string_view::npos ? std::string_view{} : param.substr(equals + 1);
    return true;
  }
  return false;
}

}  // namespace sallyport::sip

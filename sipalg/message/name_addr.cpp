// name_addr.cpp — From, To, Contact and their like: RFC 3261 §20, §25.1.
#include "sipalg/message/name_addr.h"

namespace sallyport::sip {
namespace {

std::string_view trimmed(const char* from, const char* to) noexcept {
  while (to != from && has_class(to[-1], kSpace)) --to;
  return {from, static_cast<std::size_t>(to - from)};
}

// A URI parser of its own for a piece of the text; its failure becomes ours.
bool parse_uri_piece(Lexer& lexer, const char* from, const char* to, const StrictnessPolicy& strictness,
                     Uri& uri) noexcept {
  Lexer piece({from, static_cast<std::size_t>(to - from)}, lexer.readable_end());
  if (parse_uri(piece, strictness, uri)) return true;
  return lexer.fail_at(piece.failed_rule(), piece.failed_at());
}

// LAQUOT addr-spec RAQUOT; the lexer stands at '<'. No space is allowed inside (RFC 4475 §3.1.2.14).
bool parse_bracketed(Lexer& lexer, const StrictnessPolicy& strictness, NameAddr& out) noexcept {
  const char* start = lexer.position() + 1;
  const char* close = find_octet(start, lexer.end(), lexer.readable_end(), '>');
  if (close == lexer.end()) return lexer.fail(GrammarRule::NameAddr);
  out.in_brackets = true;
  if (!parse_uri_piece(lexer, start, close, strictness, out.uri)) return false;
  lexer.move_to(close + 1);
  return true;
}

// *( token LWS ) in front of '<'. "Bell, Alexander" needs quotes (RFC 4475 §3.1.2.15).
bool parse_token_display_name(Lexer& lexer, const StrictnessPolicy& strictness, const char* start,
                              NameAddr& out) noexcept {
  while (!lexer.next_is('<')) {
    const bool some = !lexer.take_while<kToken>().empty();
    const bool high = strictness.raw_utf8_display_name && !lexer.done() &&
                      static_cast<unsigned char>(*lexer.position()) >= 0x80;
    if (high) lexer.move_to(lexer.position() + 1);
    if (!lexer.skip_space() && !some && !high) return lexer.fail(GrammarRule::NameAddr);
    if (lexer.done()) return lexer.fail(GrammarRule::NameAddr);
  }
  out.display_name = trimmed(start, lexer.position());
  return parse_bracketed(lexer, strictness, out);
}

bool parse_address(Lexer& lexer, const StrictnessPolicy& strictness, NameAddr& out) noexcept {
  if (lexer.next_is('<')) return parse_bracketed(lexer, strictness, out);
  if (lexer.next_is('"')) {
    if (!lexer.take_quoted_string(out.display_name)) return false;
    lexer.skip_space();
    if (!lexer.next_is('<')) return lexer.fail(GrammarRule::NameAddr);
    return parse_bracketed(lexer, strictness, out);
  }
  const char* start = lexer.position();
  (void)lexer.take_while<kToken>();
  if (!lexer.next_is(':') || lexer.position() == start) {
    lexer.move_to(start);
    return parse_token_display_name(lexer, strictness, start, out);
  }
  (void)lexer.take_while<kAddrSpec>();
  return parse_uri_piece(lexer, start, lexer.position(), strictness, out.uri);
}

bool take_tag(Lexer& lexer, const GenericParam& param, NameAddr& out) noexcept {
  const char* at = param.name.data();
  // Twice, empty or quoted: P5 and RFC 3261 §19.3.
  if (!out.tag.empty() || param.value.empty() || param.value.front() == '"')
    return lexer.fail_at(GrammarRule::Tag, at);
  if (param.value.size() > kTagBytesMax) return lexer.fail_at(GrammarRule::TooLong, at);
  out.tag = param.value;
  return true;
}

}  // namespace

bool parse_name_addr(Lexer& lexer, const StrictnessPolicy& strictness, NameAddr& out) noexcept {
  out.display_name = out.tag = out.params = {};
  out.in_brackets = false;
  lexer.skip_space();
  if (!parse_address(lexer, strictness, out)) return false;
  lexer.skip_space();
  const char* params = lexer.position();
  GenericParam param;
  while (lexer.next_is(';')) {
    if (!parse_generic_param(lexer, strictness, param)) return false;
    if (equals_ignoring_case(param.name, "tag") && !take_tag(lexer, param, out)) return false;
    out.params = {params, static_cast<std::size_t>(lexer.position() - params)};
  }
  if (!lexer.done() && !lexer.next_is(',')) return lexer.fail(GrammarRule::NameAddr);
  return true;
}

}  // namespace sallyport::sip

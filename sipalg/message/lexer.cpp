// lexer.cpp — basic rules of RFC 3261 §25.1 that are more than one comparison.
#include "sipalg/message/lexer.h"

namespace sallyport::sip {

bool escapes_are_whole(std::string_view text) noexcept {
  for (std::size_t i = text.find('%'); i != std::string_view::npos; i = text.find('%', i + 3)) {
    if (text.size() - i < 3 || !has_class(text[i + 1], kHex) || !has_class(text[i + 2], kHex)) return false;
  }
  return true;
}

bool Lexer::take_quoted_string(std::string_view& quoted) noexcept {
  const char* start = at_;
  const char* scan = at_ + 1;
  while (scan != end_ && *scan != '"') {
    if (*scan == '\\') {
      if (++scan == end_) break;
      // A quoted-pair holds any octet but CR and LF. RFC 3261 §25.1
      if (*scan == '\r' || *scan == '\n') return fail_at(GrammarRule::QuotedString, scan);
    }
    ++scan;
  }
  if (scan == end_) return fail_at(GrammarRule::QuotedString, start);
  at_ = scan + 1;
  quoted = {start, static_cast<std::size_t>(at_ - start)};
  return true;
}

bool parse_generic_param(Lexer& lexer, const StrictnessPolicy& strictness, GenericParam& param) noexcept {
  param = {};
  lexer.take(';');
  lexer.skip_space();
  param.name = lexer.take_while<kToken>();
  if (param.name.empty()) {
    if (strictness.empty_parameters && (lexer.done() || lexer.next_is(';') || lexer.next_is(',')))
      return true;
    return lexer.fail(GrammarRule::GenericParam);
  }
  lexer.skip_space();
  if (!lexer.take('=')) return true;
  lexer.skip_space();
  param.has_value = true;
  if (lexer.next_is('"')) {
    if (!lexer.take_quoted_string(param.value)) return false;
  } else {
    param.value = lexer.take_while<kGenValue>();
    if (param.value.empty()) return lexer.fail(GrammarRule::GenericParam);
  }
  lexer.skip_space();
  return true;
}

}  // namespace sallyport::sip

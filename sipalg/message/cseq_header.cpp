// cseq_header.cpp — CSeq: RFC 3261 §20.16.
#include "sipalg/message/cseq_header.h"

namespace sallyport::sip {

bool parse_cseq(Lexer& lexer, const StrictnessPolicy& strictness, CSeqHeader& out) noexcept {
  out = {};
  lexer.skip_space();
  const char* start = lexer.position();
  const std::string_view digits = lexer.take_while<kDigit>();
  if (digits.empty() || !lexer.skip_space()) return lexer.fail(GrammarRule::CSeq);
  const std::string_view method = lexer.take_while<kToken>();
  lexer.skip_space();
  if (method.empty() || !lexer.done()) return lexer.fail(GrammarRule::CSeq);
  if (method.size() > kMethodBytesMax || digits.size() > kMethodBytesMax)
    return lexer.fail(GrammarRule::TooLong);
  out.digits = digits;
  out.method = method;
  // RFC 3261 §8.1.1.5: less than 2^31.
  const auto number = parse_decimal(digits, strictness.cseq_above_31_bits ? 0xffffffffu : 0x7fffffffu);
  if (!number) return lexer.fail_at(GrammarRule::CSeq, start);
  out.number = *number;
  return true;
}

}  // namespace sallyport::sip

// header_parser.cpp — header fields of one message: RFC 3261 §7.3, §8.1.1, §20.
#include "sipalg/message/header_parser.h"

namespace sallyport::sip {
namespace {

// Names that may stand in one line only, among those that Sallyport acts on. RFC 3261 §7.3.1, threats P5
bool may_repeat(HeaderName name) noexcept {
  switch (name) {
    case HeaderName::CallId:
    case HeaderName::ContentLength:
    case HeaderName::ContentType:
    case HeaderName::CSeq:
    case HeaderName::Expires:
    case HeaderName::From:
    case HeaderName::MaxForwards:
    case HeaderName::To:
      return false;
    default:
      return true;
  }
}

std::string_view without_space_around(const char* begin, const char* end) noexcept {
  while (begin != end && has_class(*begin, kSpace)) ++begin;
  while (end != begin && has_class(end[-1], kSpace)) --end;
  return {begin, static_cast<std::size_t>(end - begin)};
}

// delta-seconds of a Contact; a value that is no number is ignored elsewhere (RFC 3261 §20.10), one that does
// not fit must not wrap (threats P7).
bool expires_param_overflows(std::string_view params, const StrictnessPolicy& strictness) noexcept {
  Lexer lexer(params);
  GenericParam param;
  while (lexer.next_is(';') && parse_generic_param(lexer, strictness, param)) {
    if (!equals_ignoring_case(param.name, "expires")) continue;
    Lexer digits(param.value);
    (void)digits.take_while<kDigit>();
    if (digits.done() && !parse_decimal(param.value, 0xffffffffu)) return true;
  }
  return false;
}

}  // namespace

void HeaderParser::refuse(GrammarRule rule, const char* at, std::uint16_t answer,
                          bool framing_lost) noexcept {
  if (framing_lost) message_.error.framing_lost = true;
  if (message_.error.rule != GrammarRule::None) return;
  message_.error = {rule, static_cast<std::uint32_t>(at - message_.bytes.data()), answer,
                    message_.error.framing_lost};
}

void HeaderParser::on_line(const char* begin, const char* end) noexcept {
  const char* name_end = find_end_of<kToken>(begin, end, readable_end());
  const auto name_size = static_cast<std::size_t>(name_end - begin);
  const char* colon = name_end;
  while (colon != end && has_class(*colon, kSpace)) ++colon;  // "Name :" is legal, RFC 3261 §7.3.1 (HCOLON)
  if (name_size - 1 >= kHeaderNameBytesMax || colon == end || *colon != ':')
    return refuse(name_size > kHeaderNameBytesMax ? GrammarRule::TooLong : GrammarRule::HeaderName, begin);
  const std::string_view value = without_space_around(colon + 1, end);
  if (message_.header_count == kHeadersMax) return refuse(GrammarRule::TooManyHeaders, begin);
  if (value.size() > kHeaderBytesMax) return refuse(GrammarRule::TooLong, begin);
  const HeaderName known = header_name_of({begin, name_size}, readable_end());
  const char* base = message_.bytes.data();
  message_.headers[message_.header_count++] = {
      static_cast<std::uint16_t>(begin - base), static_cast<std::uint16_t>(value.data() - base),
      static_cast<std::uint16_t>(value.size()), static_cast<std::uint8_t>(name_size), known};
  if (known == HeaderName::Other) return;
  const unsigned lines = ++message_.lines_of[static_cast<std::size_t>(known)];
  if (lines == 1 || may_stand_again(known, lines, begin)) on_value(known, value);
}

bool HeaderParser::may_stand_again(HeaderName name, unsigned lines, const char* begin) noexcept {
  if (!may_repeat(name)) {
    refuse(GrammarRule::RepeatedHeader, begin, 400, name == HeaderName::ContentLength);
    return false;
  }
  if (lines <= (name == HeaderName::Via ? kViasMax : kSameHeaderMax)) return true;
  refuse(GrammarRule::TooManyHeaders, begin);
  return false;
}

void HeaderParser::on_value(HeaderName name, std::string_view value) noexcept {
  switch (name) {
    case HeaderName::Via:
      return on_via(value);
    case HeaderName::From:
    case HeaderName::To:
      return on_address(name, value);
    case HeaderName::Contact:
      return on_contact(value);
    case HeaderName::CSeq:
      return on_cseq(value);
    case HeaderName::CallId:
      return on_call_id(value);
    case HeaderName::MaxForwards:
    case HeaderName::ContentLength:
    case HeaderName::Expires:
      return on_number(name, value);
    case HeaderName::ContentType:
      return on_content_type(value);
    case HeaderName::Require:
    case HeaderName::ProxyRequire:
      if (!for_each_token(value, [](std::string_view) {})) refuse(GrammarRule::OptionTag, value.data());
      return;
    default:
      return;  // lazy: whoever needs it parses it
  }
}

void HeaderParser::on_via(std::string_view value) noexcept {
  Lexer lexer(value, readable_end());
  do {
    if (message_.via_count == kViasMax) return refuse(GrammarRule::TooManyHeaders, value.data());
    const bool is_top = message_.via_count++ == 0;
    if (!parse_via_parm(lexer, strictness_, is_top ? message_.top_via : message_.last_via))
      return refuse(lexer.failed_rule(), lexer.failed_at());
  } while (!lexer.done());
}

void HeaderParser::on_address(HeaderName name, std::string_view value) noexcept {
  Lexer lexer(value, readable_end());
  NameAddr& address = name == HeaderName::From ? message_.from : message_.to;
  if (!parse_name_addr(lexer, strictness_, address)) return refuse(lexer.failed_rule(), lexer.failed_at());
  if (!lexer.done()) return refuse(GrammarRule::NameAddr, lexer.position());  // a list is not allowed here
  (name == HeaderName::From ? message_.has_from : message_.has_to) = true;
}

// "*" or a list. RFC 3261 §20.10
void HeaderParser::on_contact(std::string_view value) noexcept {
  if (value == "*") {
    if (message_.contact_count++ != 0) refuse(GrammarRule::Contact, value.data());
    message_.contact_is_star = true;
    return;
  }
  if (message_.contact_is_star) return refuse(GrammarRule::Contact, value.data());
  Lexer lexer(value, readable_end());
  while (true) {
    NameAddr& contact = message_.contact_count == 0 ? message_.contact : message_.last_contact;
    if (message_.contact_count == kContactsMax) return refuse(GrammarRule::TooManyHeaders, value.data());
    ++message_.contact_count;
    if (!parse_name_addr(lexer, strictness_, contact)) return refuse(lexer.failed_rule(), lexer.failed_at());
    if (!contact.params.empty() && expires_param_overflows(contact.params, strictness_))
      return refuse(GrammarRule::Expires, contact.params.data());
    if (!lexer.take(',')) return;
  }
}

void HeaderParser::on_cseq(std::string_view value) noexcept {
  Lexer lexer(value, readable_end());
  const bool good = parse_cseq(lexer, strictness_, message_.cseq);
  message_.has_cseq = !message_.cseq.digits.empty();
  if (!good) return refuse(lexer.failed_rule(), lexer.failed_at());
  if (message_.is_request() && message_.cseq.method != message_.start.method_text)
    refuse(GrammarRule::CSeqMethod, value.data());  // RFC 3261 §8.1.1.5, RFC 4475 §3.1.2.17
}

// callid = word [ "@" word ]
void HeaderParser::on_call_id(std::string_view value) noexcept {
  Lexer lexer(value, readable_end());
  const bool before = !lexer.take_while<kWord>().empty();
  const bool after = !lexer.take('@') || !lexer.take_while<kWord>().empty();
  if (!before || !after || !lexer.done()) return refuse(GrammarRule::CallId, lexer.position());
  if (value.size() > kCallIdBytesMax) return refuse(GrammarRule::TooLong, value.data());
  message_.call_id = value;
  message_.has_call_id = true;
}

// Numbers never wrap: RFC 4475 §3.1.2.3, §3.1.2.4, threats P1 and P7.
void HeaderParser::on_number(HeaderName name, std::string_view value) noexcept {
  const auto number = parse_decimal(value, name == HeaderName::MaxForwards ? 255u : 0xffffffffu);
  if (name == HeaderName::MaxForwards) {
    if (!number) return refuse(GrammarRule::MaxForwards, value.data());
    message_.max_forwards = static_cast<std::uint8_t>(*number);
    message_.has_max_forwards = true;
  } else if (name == HeaderName::ContentLength) {
    if (!number) return refuse(GrammarRule::ContentLength, value.data(), 400, true);
    message_.content_length = *number;
    message_.has_content_length = true;
  } else {
    if (!number) return refuse(GrammarRule::Expires, value.data());
    message_.expires = *number;
    message_.has_expires = true;
  }
}

// media-type = m-type SLASH m-subtype *(SEMI m-parameter)
void HeaderParser::on_content_type(std::string_view value) noexcept {
  Lexer lexer(value, readable_end());
  message_.content_type.type = lexer.take_while<kToken>();
  lexer.skip_space();
  const bool slash = lexer.take('/');
  lexer.skip_space();
  message_.content_type.subtype = lexer.take_while<kToken>();
  lexer.skip_space();
  GenericParam param;
  while (lexer.next_is(';'))
    if (!parse_generic_param(lexer, strictness_, param))
      return refuse(GrammarRule::ContentType, lexer.failed_at());
  if (!slash || message_.content_type.type.empty() || message_.content_type.subtype.empty() || !lexer.done())
    refuse(GrammarRule::ContentType, lexer.position());
}

void HeaderParser::check_required() noexcept {
  const char* end = message_.bytes.data() + message_.bytes.size();
  if (message_.via_count == 0 || !message_.has_from || !message_.has_to || !message_.has_call_id ||
      !message_.has_cseq)
    return refuse(GrammarRule::MissingHeader, end);
  if (message_.is_request() && !message_.has_max_forwards && !strictness_.max_forwards_may_be_missing)
    refuse(GrammarRule::MissingHeader, end);
}

}  // namespace sallyport::sip

// crossing_value.cpp — one function for each form (RFC 3261 §25.1, RFC 3326 §2, RFC 6442 §4, RFC 6665 §8.4).
#include "sipalg/hiding/crossing_value.h"

#include <initializer_list>

#include "sipalg/hiding/session_id.h"
#include "sipalg/message/message_writer.h"
#include "sipalg/message/octet_copy.h"

namespace sallyport::sip {
namespace {

using Value = std::optional<std::string_view>;
constexpr StrictnessPolicy kForgiving = StrictnessPolicy::of(Strictness::Lenient);
constexpr std::string_view kSdpType = "application/sdp";

bool is_number(std::string_view text) noexcept { return parse_decimal(text, 0xffffffffu).has_value(); }

bool is_token(std::string_view text) noexcept {
  Lexer lexer(text);
  return !lexer.take_while<kToken>().empty() && lexer.done();
}

bool is_quality(std::string_view text) noexcept {
  return !text.empty() && text.size() <= 5 && text.find_first_not_of("0123456789.") == std::string_view::npos;
}

// A parameter that may cross, and what its value must be.
struct AllowedParam {
  std::string_view name;  // in small letters
  bool (*is_good)(std::string_view value) noexcept = is_token;
};

// Adds those of the parameters at the lexer that are allowed; false when they can't be read.
bool add_params(Lexer& lexer, std::initializer_list<AllowedParam> allowed, ValueBuffer& buffer) noexcept {
  GenericParam param;
  while (lexer.next_is(';')) {
    if (!parse_generic_param(lexer, kForgiving, param)) return false;
    for (const AllowedParam& one : allowed) {
      if (!equals_ignoring_case(param.name, one.name) || !one.is_good(param.value)) continue;
      buffer.add(";");
      buffer.add(one.name);
      buffer.add("=");
      buffer.add(param.value);
    }
  }
  return true;
}

Value token_with_params(const ReadableValue& value, std::initializer_list<AllowedParam> allowed,
                        ValueBuffer& buffer) noexcept {
  Lexer lexer(value.text, value.readable_end);
  const std::string_view token = lexer.take_while<kToken>();
  lexer.skip_space();
  if (token.empty()) return std::nullopt;
  buffer.add(token);
  if (!add_params(lexer, allowed, buffer) || !lexer.done()) return std::nullopt;
  return buffer.value();
}

Value ranges(const ReadableValue& value, ValueBuffer& buffer) noexcept {
  if (value.text.empty()) return value.text;  // "Accept:" says that nothing is accepted, RFC 3261 §20.1
  Lexer lexer(value.text, value.readable_end);
  while (true) {
    lexer.skip_space();
    const std::string_view type = lexer.take_while<kToken>();
    if (type.empty()) return std::nullopt;
    if (!buffer.empty()) buffer.add(", ");
    buffer.add(type);
    lexer.skip_space();
    if (lexer.take('/')) {
      lexer.skip_space();
      const std::string_view subtype = lexer.take_while<kToken>();
      if (subtype.empty()) return std::nullopt;
      buffer.add("/");
      buffer.add(subtype);
      lexer.skip_space();
    }
    if (!add_params(lexer, {{"q", is_quality}}, buffer)) return std::nullopt;
    if (lexer.done()) return buffer.value();
    if (!lexer.take(',')) return std::nullopt;
  }
}

// Protocols of the IANA registry; any other word might be a message in a bottle.
bool is_reason_protocol(std::string_view text) noexcept {
  for (const std::string_view known : {"sip", "q.850", "preemption", "stir"})
    if (equals_ignoring_case(text, known)) return true;
  return false;
}

// The first `cause` of the parameters at the lexer; empty when there is none. False: can't be read.
bool take_cause(Lexer& lexer, std::string_view& cause) noexcept {
  GenericParam param;
  cause = {};
  while (lexer.next_is(';')) {
    if (!parse_generic_param(lexer, kForgiving, param)) return false;
    if (cause.empty() && equals_ignoring_case(param.name, "cause") && parse_decimal(param.value, 999))
      cause = param.value;
  }
  return true;
}

Value causes(std::string_view value, ValueBuffer& buffer) noexcept {
  Lexer lexer(value);
  while (true) {
    lexer.skip_space();
    const std::string_view protocol = lexer.take_while<kToken>();
    lexer.skip_space();
    std::string_view cause;
    if (protocol.empty() || !take_cause(lexer, cause)) return std::nullopt;
    if (!cause.empty() && is_reason_protocol(protocol)) {
      if (!buffer.empty()) buffer.add(", ");
      for (const std::string_view piece : {protocol, std::string_view(";cause="), cause}) buffer.add(piece);
    }
    if (lexer.done()) return buffer.value();
    if (!lexer.take(',')) return std::nullopt;
  }
}

// delta-seconds [ comment ] *( SEMI retry-param ); what stands behind a comment is not looked at.
Value delay(std::string_view value, ValueBuffer& buffer) noexcept {
  Lexer lexer(value);
  const std::string_view seconds = lexer.take_while<kDigit>();
  if (!is_number(seconds)) return std::nullopt;
  buffer.add(seconds);
  lexer.skip_space();
  if (!add_params(lexer, {{"duration", is_number}}, buffer)) return std::nullopt;
  if (!lexer.done() && !lexer.next_is('(')) return std::nullopt;
  return buffer.value();
}

Value version(std::string_view value) noexcept {
  Lexer lexer(value);
  const bool good = !lexer.take_while<kDigit>().empty() && lexer.take('.') &&
                    !lexer.take_while<kDigit>().empty() && lexer.done();
  return good ? Value(value) : std::nullopt;
}

// Of a list of <URI> those that point into the body, which crosses with its part heads. RFC 6442 §4.1
Value locations(std::string_view value, ValueBuffer& buffer) noexcept {
  Lexer lexer(value);
  while (true) {
    lexer.skip_space();
    if (!lexer.take('<')) return std::nullopt;
    const std::string_view uri = lexer.take_while<kUric>();
    if (!lexer.take('>')) return std::nullopt;
    lexer.skip_space();
    if (uri.size() > 4 && equals_ignoring_case(uri.substr(0, 4), "cid:")) {
      buffer.add(buffer.empty() ? "<" : ", <");
      buffer.add(uri);
      buffer.add(">");
    }
    if (!add_params(lexer, {}, buffer)) return std::nullopt;
    if (lexer.done()) return buffer.value();
    if (!lexer.take(',')) return std::nullopt;
  }
}

// A UUID of 32 digits, and that of the other end where it is there. RFC 7989 §5, RFC 7329
Value session(std::string_view value, ValueBuffer& buffer) noexcept {
  const auto id = parse_session_id(value);
  if (!id) return std::nullopt;
  buffer.add(value.substr(0, kUuidDigits));
  if (!id->has_remote) return buffer.value();
  UuidText remote;
  write_uuid(id->remote, remote);
  buffer.add(";remote=");
  buffer.add({remote.data(), remote.size()});
  return buffer.value();
}

Value answer(std::string_view value) noexcept {
  if (equals_ignoring_case(value, "yes")) return "yes";
  if (equals_ignoring_case(value, "no")) return "no";
  return std::nullopt;
}

}  // namespace

void ValueBuffer::add(std::string_view piece) noexcept {
  if (piece.size() > kBytes - size_) {
    fits_ = false;
    return;
  }
  copy_octets(bytes_.data() + size_, piece.data(), piece.size());
  size_ += piece.size();
}

std::optional<std::string_view> ValueBuffer::value() const noexcept {
  if (!fits_ || empty()) return std::nullopt;
  return std::string_view(bytes_.data(), size_);
}

std::optional<std::string_view> content_type_value(std::string_view value, ValueBuffer& buffer) noexcept {
  if (value == kSdpType) return value;  // nearly always
  buffer.clear();
  Lexer lexer(value);
  const std::string_view type = lexer.take_while<kToken>();
  lexer.skip_space();
  const bool slash = lexer.take('/');
  lexer.skip_space();
  const std::string_view subtype = lexer.take_while<kToken>();
  lexer.skip_space();
  if (type.empty() || !slash || subtype.empty()) return std::nullopt;
  for (const std::string_view piece : {type, std::string_view("/"), subtype}) buffer.add(piece);
  GenericParam param;
  while (lexer.next_is(';')) {
    if (!parse_generic_param(lexer, kForgiving, param)) return std::nullopt;
    if (param.name.empty() || !is_clean(param.value)) continue;
    for (const std::string_view piece : {std::string_view(";"), param.name}) buffer.add(piece);
    if (!param.has_value) continue;
    for (const std::string_view piece : {std::string_view("="), param.value}) buffer.add(piece);
  }
  return lexer.done() ? buffer.value() : std::nullopt;
}

std::optional<std::string_view> crossing_value(CrossingForm form, const ReadableValue& readable,
                                               bool body_is_multipart, ValueBuffer& buffer) noexcept {
  buffer.clear();
  const std::string_view value = readable.text;
  switch (form) {
    case CrossingForm::Never:
    case CrossingForm::EditOnly:
      return std::nullopt;
    case CrossingForm::Configured:
    case CrossingForm::Text:
      return is_clean(value) ? Value(value) : std::nullopt;
    case CrossingForm::Token:
      return token_with_params(readable, {}, buffer);
    case CrossingForm::Number:
      return is_number(value) ? Value(value) : std::nullopt;
    case CrossingForm::Ranges:
      return ranges(readable, buffer);
    case CrossingForm::Package:
      return token_with_params(readable, {{"id"}}, buffer);
    case CrossingForm::State:
      return token_with_params(readable, {{"expires", is_number}, {"reason"}, {"retry-after", is_number}},
                               buffer);
    case CrossingForm::Cause:
      return causes(value, buffer);
    case CrossingForm::Disposition:
      return token_with_params(readable, {{"handling"}}, buffer);
    case CrossingForm::Delay:
      return delay(value, buffer);
    case CrossingForm::Version:
      return version(value);
    case CrossingForm::Location:
      return body_is_multipart ? locations(value, buffer) : std::nullopt;
    case CrossingForm::Answer:
      return body_is_multipart ? answer(value) : std::nullopt;
    case CrossingForm::Session:
      return session(value, buffer);
    case CrossingForm::History:
    case CrossingForm::Diversions:
      return std::nullopt;  // only with a host of ours: diverted.h
  }
  return std::nullopt;
}

}  // namespace sallyport::sip

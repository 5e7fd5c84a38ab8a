// via_header.cpp — Via: RFC 3261 §20.42, §25.1; RFC 3581 §3.
#include "sipalg/message/via_header.h"

#include <cstring>

namespace sallyport::sip {
namespace {

// sent-protocol = protocol-name SLASH protocol-version SLASH transport, white space allowed around SLASH.
bool parse_sent_protocol(Lexer& lexer, ViaHeader& out) noexcept {
  const char* at = lexer.position();
  if (lexer.end() - at > 8 && std::memcmp(at, "SIP/2.0/", 8) == 0) {  // nearly always
    out.protocol_name = {at, 3};
    out.protocol_version = {at + 4, 3};
    lexer.move_to(at + 8);
  } else {
    out.protocol_name = lexer.take_while<kToken>();
    lexer.skip_space();
    if (out.protocol_name.empty() || !lexer.take('/')) return lexer.fail(GrammarRule::ViaParm);
    lexer.skip_space();
    out.protocol_version = lexer.take_while<kToken>();
    lexer.skip_space();
    if (out.protocol_version.empty() || !lexer.take('/')) return lexer.fail(GrammarRule::ViaParm);
  }
  lexer.skip_space();
  out.transport = lexer.take_while<kToken>();
  if (out.transport.empty() || !lexer.skip_space()) return lexer.fail(GrammarRule::ViaParm);
  return true;
}

bool parse_sent_by(Lexer& lexer, const StrictnessPolicy& strictness, ViaHeader& out) noexcept {
  if (!parse_host(lexer, strictness, out.sent_by)) return false;
  lexer.skip_space();
  if (!lexer.take(':')) return true;
  lexer.skip_space();
  if (!parse_port(lexer, out.sent_by)) return false;
  lexer.skip_space();
  return true;
}

bool is_address_or_bracketed(std::string_view text) noexcept { return literal_address(text).has_value(); }

// What the parameter means to us; the rest is kept as it is.
bool take_param(Lexer& lexer, const GenericParam& param, ViaHeader& out) noexcept {
  const char* at = param.name.data();
  switch (param.name.size()) {
    case 3:
      if (equals_ignoring_case(param.name, "ttl") && !parse_decimal(param.value, 255))
        return lexer.fail_at(GrammarRule::ViaParm, at);
      return true;
    case 5:
      if (equals_ignoring_case(param.name, "rport")) {
        // RFC 3581 §3: a request asks with the bare name; a value is what a server has filled in.
        if (param.has_value && !parse_decimal(param.value, 65535))
          return lexer.fail_at(GrammarRule::ViaParm, at);
        out.rport_requested = !param.has_value;
      } else if (equals_ignoring_case(param.name, "maddr")) {
        out.maddr = param.value;
      }
      return true;
    case 6:
      if (!equals_ignoring_case(param.name, "branch")) return true;
      if (!out.branch.empty() || param.value.empty() || param.value.front() == '"')
        return lexer.fail_at(GrammarRule::ViaParm, at);
      if (param.value.size() > kBranchBytesMax) return lexer.fail_at(GrammarRule::TooLong, at);
      out.branch = param.value;
      return true;
    case 8:
      if (!equals_ignoring_case(param.name, "received")) return true;
      out.received = param.value;  // RFC 5118 §4.5: brackets or not
      return is_address_or_bracketed(param.value) || lexer.fail_at(GrammarRule::ViaParm, at);
    default:
      return true;
  }
}

}  // namespace

bool parse_via_parm(Lexer& lexer, const StrictnessPolicy& strictness, ViaHeader& out) noexcept {
  out = {};
  lexer.skip_space();
  if (!parse_sent_protocol(lexer, out) || !parse_sent_by(lexer, strictness, out)) return false;
  out.answerable = true;
  const char* params = lexer.position();
  GenericParam param;
  while (lexer.next_is(';')) {
    if (!parse_generic_param(lexer, strictness, param) || !take_param(lexer, param, out)) return false;
    out.params = {params, static_cast<std::size_t>(lexer.position() - params)};
  }
  if (lexer.done()) return true;
  if (!lexer.take(',')) return lexer.fail(GrammarRule::ViaParm);
  lexer.skip_space();
  // A comma promises another via-parm.
  return !lexer.done() || lexer.fail(GrammarRule::ViaParm);
}

}  // namespace sallyport::sip

// tested_call.cpp — see tested_call.h.
#include "mgmt/cli/tested_call.h"

#include "policy/route/dialled.h"
#include "sipalg/message/sip_message.h"

namespace sallyport::mgmt {
namespace {

// Editors end lines with LF; on the wire they end with CRLF. RFC 3261 §7
[[nodiscard]] std::string with_crlf(std::string_view text) {
  if (text.find("\r\n") != std::string_view::npos) return std::string(text);
  std::string out;
  out.reserve(text.size() + 64);
  for (const char c : text) {
    if (c == '\n') out += '\r';
    out += c;
  }
  return out;
}

[[nodiscard]] std::string number_of(const sip::Uri& uri) { return policy::unescaped_user(uri.user); }

// The number of the first name-addr of a header field; empty when it has none.
[[nodiscard]] std::string number_in(std::string_view value, const sip::StrictnessPolicy& strictness) {
  sip::Lexer lexer(value);
  sip::NameAddr address;
  return sip::parse_name_addr(lexer, strictness, address) ? number_of(address.uri) : std::string();
}

// One field of identity; views point into the message.
void note_identity(sip::HeaderName name, std::string_view value, const sip::StrictnessPolicy& strictness,
                   TestedCall& call) {
  switch (name) {
    case sip::HeaderName::PAssertedIdentity:
      if (call.identity.asserted.empty()) call.subject.identity = number_in(value, strictness);
      static_cast<void>(call.identity.asserted.push_back(value));
      break;
    case sip::HeaderName::PPreferredIdentity:
      if (call.identity.preferred.empty()) call.identity.preferred = value;
      break;
    case sip::HeaderName::RemotePartyId:
      if (call.identity.remote_party.empty()) call.identity.remote_party = value;
      break;
    case sip::HeaderName::Privacy:
      if (call.identity.privacy.empty()) call.identity.privacy = value;
      break;
    case sip::HeaderName::Diversion:
      if (call.subject.diversion.empty()) call.subject.diversion = number_in(value, strictness);
      break;
    default:
      break;
  }
}

[[nodiscard]] std::string read_message(Strictness strictness, TestedCall& call) {
  const auto policy = sip::StrictnessPolicy::of(strictness);
  const auto message = std::make_unique<sip::SipMessage>();
  if (sip::parse_message(call.bytes, {policy, sip::Framing::Datagram}, *message) !=
      sip::ParseStatus::Complete)
    return "the message can't be read as SIP";
  if (!message->is_request()) return "the message is no request";
  call.method = message->start.method_text;
  call.request_uri = message->start.request_uri.text;
  call.host = message->start.request_uri.address.host;
  call.subject.called = number_of(message->start.request_uri);
  call.subject.caller = number_of(message->from.uri);
  for (std::size_t i = 0; i < message->header_count; ++i) {
    const sip::HeaderField& field = message->headers[i];
    const bool is_known = field.name != sip::HeaderName::Other;
    const std::string_view value = message->value_of(field);
    call.headers.push_back({is_known ? sip::to_string(field.name) : message->name_of(field), value});
    note_identity(field.name, value, policy, call);
  }
  return {};
}

// A number, or a whole URN as in urn:service:sos.
void set_called(const std::string& called, TestedCall& call) {
  const bool is_urn = called.starts_with("urn:") || called.starts_with("URN:");
  call.subject.called = is_urn ? std::string() : policy::unescaped_user(called);
  const std::string at = call.host.empty() ? std::string() : "@" + call.host;
  call.request_uri = is_urn ? called : "sip:" + policy::escaped_user(called) + at;
}

}  // namespace

Result<std::unique_ptr<TestedCall>, std::string> make_tested_call(const TestQuestion& question,
                                                                  std::string_view message,
                                                                  Strictness strictness) {
  auto call = std::make_unique<TestedCall>();
  if (message.size() > kTestedMessageBytesMax)
    return fail("the message is longer than " + std::to_string(kTestedMessageBytesMax) + " octets");
  if (!question.invite_file.empty()) {
    call->bytes = with_crlf(message);
    if (std::string why = read_message(strictness, *call); !why.empty()) return fail(why);
  } else if (question.called.empty()) {
    return fail(std::string("--called or --invite says which call is meant"));
  }
  if (!question.called.empty()) set_called(question.called, *call);
  if (!question.caller.empty()) call->subject.caller = policy::unescaped_user(question.caller);
  call->subject.method = call->method;
  call->subject.headers = call->headers;
  return call;
}

}  // namespace sallyport::mgmt
